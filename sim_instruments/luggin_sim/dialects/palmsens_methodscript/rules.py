"""What is not documented of the real firmware: a rule of our own for each, and a switch to turn it.

A driver has to live with every setting. ``docs/reference/simulated-potentiostat.md`` lists them.
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

    Potential programme:
        staircase: jump to each level and wait, instead of a ramp to it.
        first_package: the begin potential is sampled at the start of the loop, or one step later.
        vertices: a turning point is sampled once, or once more before the way back.
        repeat_begin: each further scan samples the begin potential again.
        shortest_step: what one turn of a loop takes at least (s); faster loops set the timing bit.

    Pulses:
        sampled_share: part of a pulse, at its end, over which the current is averaged.
        pulse_direction: the pulses of a dpv go the way that the staircase goes, or always up.
        eis_amplitude: what the amplitude of a spectrum means: root mean square, or middle to peak.

    Stream:
        scan_base: number of the first scan in ``C0000``.
        marks_after_abort: an aborted loop still sends its ``-`` and ``*``.
        empty_line_after_error: a script that failed still sends its empty line.
        empty_line_reply: what an empty line is answered with.
        commands_while_running: ``t``, ``v``, ``i`` and ``G`` are answered while a script runs, or refused.
        ack_with_newline: ``e`` is a line of its own, or stands directly before the first output.
        flow_bytes_every: put XOFF and XON into every n-th line (0: never).
        deaf_after_error: input is ignored for this long after an error (s).

    Current ranges:
        over_range: a range measures up to this times its full scale, then it overloads.
        warn_at: from this times its full scale on, the overload warning is set.
        underload_at: below this times its full scale, underload is set.
        up_at, down_at: autoranging goes one range up above this times the full scale, and one down
            below this times the next lower full scale. It acts on the next reading.
        down_after: as many readings in a row must ask for the lower range, or noise would overload it.
        counts: an ADC step is a range's full scale divided by this (0: no steps).
        critical_overload: a current (A) that ends the script with error 0032; 0 is 1.5 times the
            highest range of the model.
    """

    staircase: bool = False
    first_package: Literal["after_step", "at_start"] = "after_step"
    vertices: Literal["once", "twice"] = "once"
    repeat_begin: bool = False
    shortest_step: float = 0.0001
    sampled_share: float = 0.1
    pulse_direction: Literal["scan", "up"] = "scan"
    eis_amplitude: Literal["rms", "peak"] = "rms"
    scan_base: int = 0
    marks_after_abort: bool = True
    empty_line_after_error: bool = False
    empty_line_reply: str = ""
    commands_while_running: Literal["refused", "answered"] = "refused"
    ack_with_newline: bool = True
    flow_bytes_every: int = 0
    deaf_after_error: float = 0.05
    over_range: float = 1.2
    warn_at: float = 1.0
    underload_at: float = 0.001
    up_at: float = 0.9
    down_at: float = 0.5
    down_after: int = 20
    counts: int = 0
    critical_overload: float = 0.0


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
        problems += _check_numbers(Rules(**options))
    return problems


def _check_numbers(rules: Rules) -> list[Problem]:
    problems = []
    for name, value in dataclasses.asdict(rules).items():
        if isinstance(value, (int, float)) and not 0 <= value < float("inf"):
            problems.append(Problem(f"{value!r} is not zero or more", f"{_PATH}.{name}"))
    if rules.shortest_step < 1e-6:
        problems.append(Problem("a turn of a loop takes at least a microsecond", f"{_PATH}.shortest_step"))
    if not 0 < rules.sampled_share < 1:
        problems.append(Problem("the current is read over a part of a pulse, less than 1", f"{_PATH}.sampled_share"))
    if not 0 < rules.down_at < rules.up_at <= rules.over_range:
        problems.append(Problem("down_at < up_at <= over_range must hold, or ranging never settles", f"{_PATH}.up_at"))
    return problems
