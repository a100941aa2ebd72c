"""What the manual does not say: a rule of our own for each, and a switch to turn it.

A driver has to live with every setting. ``docs/reference/drivers/srs-ec301.md`` lists them.
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
    """The behaviour of one simulated instrument.

    Front panel:
        panel_switch: the cell switch on the panel; ``"off"`` keeps the cell open whatever ``ceenab`` asks.

    Line:
        identity: the answer to ``*IDN?``.
        reply_time: from a question to its answer (s).
        question_while_streaming: an answer comes between two packets, or is lost.
        packet_time: how long (s) frames are gathered for one packet.
        checksum: last byte of a packet: the sum of all bytes before it (modulo 256), what is lacking of it
            to zero, their exclusive or, or always 0.
        header_order: which comes first behind the payload's length, the reserved bytes or the end of line.

    Ramp generator:
        stays_scanning: ``scntrg?`` says 1 behind the end of a cyclic scan until ``rampen``.
        ramp_bit_in_delays: whether "ramp running" is set in the frames of a delay.

    Errors:
        errlst: reading the last error clears it, or not.

    Readings:
        first_autorange: range (code) that autoranging starts with.
    """

    panel_switch: Literal["on", "off"] = "on"
    identity: str = "Stanford_Research_Systems,EC301,s/n012345,ver1.15"
    reply_time: float = 0.001
    question_while_streaming: Literal["answered", "lost"] = "answered"
    packet_time: float = 0.064
    checksum: Literal["sum", "negative", "xor", "none"] = "sum"
    header_order: Literal["reserved first", "end of line first"] = "reserved first"
    stays_scanning: bool = True
    ramp_bit_in_delays: bool = True
    errlst: Literal["clears", "keeps"] = "clears"
    first_autorange: int = 4


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
    return problems or _check_values(Rules(**options))


def _check_values(rules: Rules) -> list[Problem]:
    problems = []
    for name, low, high in (("reply_time", 0.0, 10.0), ("packet_time", 1e-4, 10.0), ("first_autorange", 1, 10)):
        value = dataclasses.asdict(rules)[name]
        if not low <= value <= high:
            problems.append(Problem(f"{value!r} is not in {low:g} ... {high:g}", f"{_PATH}.{name}"))
    if not rules.identity.isprintable() or not rules.identity.isascii():
        problems.append(Problem("an identity is one line of ASCII", f"{_PATH}.identity"))
    return problems
