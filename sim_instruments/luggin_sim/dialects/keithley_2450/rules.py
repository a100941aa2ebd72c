"""What is not documented of the real firmware: a rule of our own for each, and a switch to turn it.

A driver has to live with every setting. ``docs/reference/simulated-source-measure-unit.md`` lists them.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args, get_type_hints

from luggin.errors import Problem

_PATH = "options"
# A sweep whose points take no time would never let the laboratory's time go on.
_SHORTEST_POINT = 1e-5


@dataclass(frozen=True)
class Rules:
    """The behaviour of one simulated instrument.

    Language:
        language: what ``*LANG?`` says; in ``"TSP"`` and ``"SCPI2400"`` commands end in errors.
        identity: the maker's name in ``*IDN?`` with or without ``INC.``.
        error_text: what follows the words in ``SYST:ERR?``: type and date, type and seconds, or nothing.
        error_queue: messages that the queue holds.
        settings_while_running: settings are refused, or accepted, while a sweep runs.

    Time:
        line_frequency: of the mains (Hz).
        command_time: what one command takes (s).
        point_overhead: what a reading takes beside delay and integration (s).
        auto_delay: the source's automatic delay (s).
        autozero_apertures: further integrations per reading while autozero is on.
        state_refresh: how often ``TRIG:STAT?`` is brought up to date (s).
        power_on: UTC date of lab time 0, for the absolute times in buffers.

    Source:
        staircase: jump to each level of a sweep and wait, instead of a ramp to it.
        source_steps: the source has the steps of its converter.
        output_after_sweep: the output stays on after a sweep, or is switched off.
        plugged_in: the cell hangs on the terminals from the first ``OUTP ON`` on, or from the start.
        buffer_at_init: a sweep adds to its buffer, or clears it first.

    Readings:
        noise: times the data sheet's noise (0: none).
        measure_steps: readings have the steps of the converter.
        seed: of the noise.
        number_format: settings are answered with exponents, or as short as possible.
    """

    language: Literal["SCPI", "TSP", "SCPI2400"] = "SCPI"
    identity: Literal["KEITHLEY INSTRUMENTS", "KEITHLEY INSTRUMENTS INC."] = "KEITHLEY INSTRUMENTS"
    error_text: Literal["date", "seconds", "none"] = "date"
    error_queue: int = 1000
    settings_while_running: Literal["refused", "accepted"] = "refused"
    line_frequency: float = 50.0
    command_time: float = 0.0005
    point_overhead: float = 0.00285
    auto_delay: float = 0.001
    autozero_apertures: float = 2.0
    state_refresh: float = 0.1
    power_on: str = "2026-01-01T00:00:00"
    staircase: bool = False
    source_steps: bool = True
    output_after_sweep: Literal["stays", "off"] = "stays"
    plugged_in: Literal["at_first_on", "from_start"] = "at_first_on"
    buffer_at_init: Literal["appends", "clears"] = "appends"
    noise: float = 1.0
    measure_steps: bool = True
    seed: int = 0
    number_format: Literal["exponent", "short"] = "exponent"


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
    if not problems:
        problems += _check_values(Rules(**options))
    return problems


def _check_values(rules: Rules) -> list[Problem]:
    problems = []
    for name, value in dataclasses.asdict(rules).items():
        if isinstance(value, (int, float)) and not 0 <= value < float("inf"):
            problems.append(Problem(f"{value!r} is not zero or more", f"{_PATH}.{name}"))
    if rules.point_overhead < _SHORTEST_POINT:
        problems.append(Problem(f"a reading takes at least {_SHORTEST_POINT:g} s", f"{_PATH}.point_overhead"))
    if rules.line_frequency not in (50.0, 60.0):
        problems.append(Problem("the mains have 50 or 60 Hz", f"{_PATH}.line_frequency"))
    if rules.error_queue < 2:
        problems.append(Problem("the error queue holds two messages at least", f"{_PATH}.error_queue"))
    try:
        datetime.fromisoformat(rules.power_on)
    except ValueError:
        problems.append(Problem(f"{rules.power_on!r} is not a date", f"{_PATH}.power_on", hint='"2026-01-31T08:00:00"'))
    return problems
