"""What can be set on the panel, what breaks, and a rule of our own for each thing that the manual does not say."""

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
    """The behaviour of one simulated circulator.

    Line:
        terminator: what ends a reply.
        xon: send XON before every reply.
        address: of an RS485 line; 0 is RS232.
        reply_time: from the end of a command to its reply (s).
        deaf_after_reply, deaf_after_order: what comes within this time (s) after a reply, or after an ``out_``
            command, is lost.

    Panel:
        source: ``remote``: ``out_`` commands are obeyed; ``panel``: they are not.
        started: it is running when it is switched on.
        unit: of temperatures.
        high_warning, low_warning: warning limits (degC).

    Sensors and alarms:
        external_sensor: there is a Pt100 at the sample.
        no_sensor: what is answered for one that is missing.
        alarm: a status code; 0 is none.
        alarm_after: how long after the first start it comes (s); it stops the circulator.
        heater: works, or is broken from the start.

    Not documented:
        refusals: the status of a refused command stays until the next command, or until it is asked for.
        unknown_questions: are not answered, or answered with a status.
        decimals: of temperatures in replies.
    """

    terminator: Literal["CRLF", "LF"] = "CRLF"
    xon: bool = False
    address: int = 0
    reply_time: float = 0.005
    deaf_after_reply: float = 0.01
    deaf_after_order: float = 0.25
    source: Literal["remote", "panel"] = "remote"
    started: bool = False
    unit: Literal["degC", "degF"] = "degC"
    high_warning: float = 205.0
    low_warning: float = -60.0
    external_sensor: bool = True
    no_sensor: Literal["status", "dashes", "code"] = "status"
    alarm: int = 0
    alarm_after: float = 0.0
    heater: Literal["works", "broken"] = "works"
    refusals: Literal["until_command", "until_asked"] = "until_command"
    unknown_questions: Literal["silent", "status"] = "silent"
    decimals: int = 2


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
    problems = [
        Problem(f"{value!r} s is no time", f"{_PATH}.{name}")
        for name, value in dataclasses.asdict(rules).items()
        if name in ("reply_time", "deaf_after_reply", "deaf_after_order", "alarm_after") and not 0 <= value < 1e9
    ]
    if not 0 <= rules.address <= 127:
        problems.append(Problem(f"{rules.address} is no address; 0 is RS232, up to 127", f"{_PATH}.address"))
    if not -99 <= rules.alarm <= 0:
        problems.append(Problem(f"{rules.alarm} is no alarm; status codes of alarms are negative", f"{_PATH}.alarm"))
    if not 0 <= rules.decimals <= 3:
        problems.append(Problem(f"{rules.decimals} decimals are not possible; 0 to 3 are", f"{_PATH}.decimals"))
    if not rules.low_warning < rules.high_warning:
        problems.append(Problem("the low warning is not below the high one", f"{_PATH}.low_warning"))
    return problems
