"""What is not documented, or differs between versions of the firmware: a rule of our own, and a switch for each.

A driver has to live with every setting. ``docs/reference/drivers/iorodeo-rodeostat.md`` lists them.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

from luggin.errors import Problem

_PATH = "options"


@dataclass(frozen=True)
class Rules:
    """The behaviour of one simulated board.

    Line:
        loses_64: a message of 64 bytes, or a multiple, with its end never arrives (boards with SAMD51).
        loop_time: samples of this long (s) before a ``stopTest`` are sent behind its acknowledgement.

    Firmware:
        version: what ``getVersion`` answers.
        tells_overload: samples at the end of the current range carry ``le``.
        after_test: behind a test the converter keeps its last value, or goes to zero.
        device_id: what ``getDeviceId`` answers.

    Wiring:
        multiplexer: the cell hangs on a multiplexer, which a board without switches of its own can have. Without one
            such a board obeys the multiplexer's commands all the same, and its cell stays connected.

    Analog:
        polarity: a positive current is oxidation at W (``iupac``) or reduction (``inverted``).
        dac: the potential goes in steps of the converter, rounded down as in FW0.0.7 or to the nearest one; or it has
            no steps.
        adc_counts: steps of a current range from its one end to the other (0: none). The real converters have 65535
            or 4095, but a sample is a filtered mean of many readings with their noise.
    """

    loses_64: bool = True
    loop_time: float = 0.001
    version: str = "FW0.1.0"
    tells_overload: bool = True
    after_test: Literal["keeps", "zero"] = "keeps"
    device_id: int = 7
    multiplexer: bool = False
    polarity: Literal["iupac", "inverted"] = "iupac"
    dac: Literal["down", "nearest", "none"] = "down"
    adc_counts: int = 0


def check_rules(options: Mapping[str, Any]) -> list[Problem]:
    """All mistakes in the options of a bench file."""
    hints = get_type_hints(Rules)
    problems = []
    for name, value in options.items():
        path = f"{_PATH}.{name}"
        if name not in hints:
            close = difflib.get_close_matches(name, hints, 1)
            hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(hints)}."
            problems.append(Problem(f"unknown option {name!r}", path, hint=hint))
        elif choices := get_args(hints[name]):
            if value not in choices:
                problems.append(Problem(f"{value!r} is not possible", path, hint=f"Choose from {', '.join(choices)}."))
        elif hints[name] is float and isinstance(value, int) and not isinstance(value, bool):
            pass
        elif type(value) is not hints[name]:
            problems.append(Problem(f"{value!r} is not a {hints[name].__name__}", path))
    return problems or _check_numbers(Rules(**options))


def _check_numbers(rules: Rules) -> list[Problem]:
    return [
        Problem(f"{value!r} is not zero or more", f"{_PATH}.{name}")
        for name, value in dataclasses.asdict(rules).items()
        if isinstance(value, (int, float)) and not 0 <= value < float("inf")
    ]
