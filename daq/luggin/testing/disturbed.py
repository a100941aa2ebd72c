"""Checks of single questions over a line that fails: for every kind of instrument."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from luggin.errors import InstrumentError
from luggin.testing.answering import questions
from luggin.testing.checking import NotApplicable, check, require
from luggin.testing.faults import FAULTS, WireFault
from luggin.testing.rig import MARGIN, NAME, Rig
from luggin.testing.subject import Subject

#: What befalls what is measured, not what is answered; and an answer to another question that would do for this one:
#: without a number on each answer nobody can tell. (That answers go on being one behind is told: ``late``, ``double``.)
_NOT_FOR_ANSWERS = ("overload", "nan", "stale")
#: How many questions come unharmed first.
_AFTER = (0, 1)
#: What does not change in so many timeouts does not change while a line fails.
_WATCHED = 20.0


@check
def answers_over_a_failing_line_are_right_or_none(subject: Subject) -> None:
    """Whatever fails on the line, what is read is what the instrument says, or an error that comes in time.

    When the fault is over, the same driver reads everything right: no late answer passes for the next one.
    """
    for fault in FAULTS:
        if fault.kind not in _NOT_FOR_ANSWERS:
            for after in _AFTER:
                _disturb(subject, fault, after)


def _disturb(subject: Subject, fault: WireFault, after: int) -> None:
    with subject.rig() as rig:
        if getattr(rig.lab, "faults", None) is None:
            raise NotApplicable("the simulator puts no faults on its lines (its laboratory has no `faults`)")
        rig.device.identify()
        rig.device.make_safe()
        right = _steady(rig)
        planned = fault.planned(rig.line.timeout)
        faults = rig.lab.faults(NAME)  # type: ignore[attr-defined]  # asked for just now
        faults.inject(fault.kind, after=after, **planned)
        where = f"{fault.name} after {after} answers"
        for name in right:
            _require_right_or_none(rig, name, right, where, longer=planned.get("duration", 0.0))
        faults.clear()
        rig.clock.sleep(planned.get("duration", 0.0))
        if fault.kind == "unplug":
            rig.reopen()
        try:
            rig.device.make_safe()
            again = {name: getattr(rig.device, name).read() for name in right}
        except InstrumentError as error:
            require(False, f"{where}, then nothing any more: {error!r}")
        for name, value in again.items():
            require(_same(subject, value, right[name]), f"{where}, then nothing any more: {name} is {value!r}")


def _steady(rig: Rig) -> Mapping[str, Any]:
    """The readings that are the same when they are read later: what counts or drifts has no right value."""

    def read() -> dict[str, Any]:
        return {name: getattr(rig.device, name).read() for name, _ in questions(rig.device)}

    first = read()
    rig.clock.sleep(_WATCHED * rig.line.timeout)
    second = read()
    return {name: value for name, value in second.items() if _same(rig.subject, value, first[name])}


def _require_right_or_none(rig: Rig, name: str, right: Mapping[str, Any], where: str, longer: float) -> None:
    began = rig.clock.now()
    try:
        value = getattr(rig.device, name).read()
    except InstrumentError:
        pass
    else:
        require(_same(rig.subject, value, right[name]), f"{where}: {name} was read as {value!r}; it is {right[name]!r}")
    took, allowed = rig.clock.now() - began, rig.subject.patience_with(rig.line) + longer + MARGIN
    require(took <= allowed, f"{where}: {name} took {took:.3g} s; {allowed:.3g} s are allowed")


def _same(subject: Subject, value: Any, right: Any) -> bool:
    """Whether two readings agree; numbers may differ by what the instrument's noise is allowed to be."""
    if isinstance(value, float) and isinstance(right, float):
        return math.isclose(value, right, rel_tol=subject.accuracy, abs_tol=subject.accuracy)
    return bool(value == right)


CHECKS = (answers_over_a_failing_line_are_right_or_none,)
