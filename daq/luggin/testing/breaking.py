"""Checks of lines and instruments that fail in the midst of a technique, or of the control of a temperature.

The twin's laboratory puts the faults in (``lab.faults(name)``). Whatever the fault, a driver either goes on with rows
that are true, or raises one of Luggin's errors in time; the cell can be opened; and what is asked next is answered by
what the instrument says next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from luggin.errors import InstrumentError
from luggin.testing.broken_baths import break_bath, controls_a_temperature
from luggin.testing.cases import Case
from luggin.testing.checking import Check, CheckFailed, check, require
from luggin.testing.faults import FAULTS, WireFault
from luggin.testing.rig import MARGIN, NAME, Recording, Rig
from luggin.testing.subject import Subject
from luggin.testing.truth import require_true

#: Whoever is still busy so long (lab s) after everything should be over, hangs.
_HANG = 120.0


def _check_of(fault: WireFault) -> Check:
    def function(subject: Subject) -> None:
        if controls_a_temperature(subject):
            break_bath(subject, fault)
            return
        for case in subject.cases:
            for place in case.places:
                _break(subject, case, fault, int(place * case.replies))

    return Check(
        f"fault_{fault.name}",
        f"{fault.what[0].upper()}{fault.what[1:]}, at any moment of a technique, or of setting a temperature. "
        f"{_REQUIRED}",
        function,
    )


_REQUIRED = (
    "Rows stay true (lost ones are marked as a gap, meaningless ones are flagged or not numbers), or one of Luggin's "
    "errors comes in time; nothing that closes the cell is sent twice; the cell can be opened, and the next exchange "
    "is right. A temperature is the right one or none, and a set point is not sent twice either."
)


def _break(subject: Subject, case: Case, fault: WireFault, after: int) -> None:
    """One run with one fault."""
    with subject.rig() as rig:
        where = f"{case.technique.name}, {fault.kind} after {after} of {case.replies} replies"
        known = rig.device.identify()
        rig.device.make_safe()
        rig.said.clear()
        faults = rig.lab.faults(NAME)  # type: ignore[attr-defined]  # there is one, or there would be no case
        faults.inject(fault.kind, after=after, **fault.planned(rig.line.timeout))
        recording = _run_bounded(rig, case, where)
        happened = [event.time for event in faults.events]
        if not happened:
            return
        _require_in_time(rig, case, fault, recording, happened[0], where)
        require_true(subject, case, recording, where)
        if case.energising is not None:
            again = rig.writes.count(case.energising)
            require(again <= 1, f"{where}: what closes the cell was sent {again} times")
        _require_never_called_safe_while_on(rig, where)
        faults.clear()
        rig.clock.sleep(fault.planned(rig.line.timeout).get("duration", 0.0))
        _require_recovered(rig, case, known, where, same_line=fault.kind != "unplug")


def _run_bounded(rig: Rig, case: Case, where: str) -> Recording:
    """Run; a driver that hangs loses its line, and fails."""
    over = rig.clock.cancel()
    lasts = case.reference.ended - case.reference.began
    hung: list[str] = []

    def watch() -> None:
        if rig.clock.sleep(lasts + _HANG, over):
            hung.append(where)
            rig.lab.close()

    worker = rig.clock.start_worker("watches for hangs", watch)
    recording = rig.run([case.technique])
    over.set()
    worker.join()
    require(not hung, f"{where}: it hangs, still busy {_HANG:g} s after its end")
    return recording


def _require_in_time(rig: Rig, case: Case, fault: WireFault, recording: Recording, happened: float, where: str) -> None:
    error, patience = recording.error, rig.subject.patience_with(rig.line)
    if error is None:
        longest = case.reference.ended - case.reference.began + patience + MARGIN
        planned = fault.planned(rig.line.timeout)
        longest += planned.get("duration", 0.0) + case.replies * planned.get("delay", 0.0)
        took = recording.ended - recording.began
        require(took <= longest, f"{where}: it went on for {took:.3g} s; {longest:.3g} s are enough for that")
        return
    require(isinstance(error, InstrumentError), f"{where}: it raised {error!r}, which is no InstrumentError")
    # Whoever steps through a technique opens the cell before the error goes on, which may take a timeout more.
    opening = rig.line.timeout if case.stepped else 0.0
    took, allowed = recording.ended - happened, patience + opening + recording.realised.latency + MARGIN
    require(took <= allowed, f"{where}: {error!r} came {took:.3g} s after the fault; {allowed:.3g} s are allowed")


def _require_never_called_safe_while_on(rig: Rig, where: str) -> None:
    """With the fault still there."""
    began = rig.clock.now()
    try:
        said = rig.instrument.make_safe()
    except InstrumentError:
        pass
    else:
        require(not rig.cell_is_on, f"{where}: make_safe said {said!r} while the fault lasted, but the cell is on")
    took = rig.clock.now() - began
    require(took <= _HANG, f"{where}: make_safe took {took:.3g} s")


def _require_recovered(rig: Rig, case: Case, known: object, where: str, *, same_line: bool) -> None:
    """The fault is over: the same driver, if it still has its line, and a new one get right answers."""
    for new in (False, True) if same_line else (True,):
        if new:
            rig.reopen()
        how = f"{where}, then {'a new driver' if new else 'the same driver'}"
        try:
            said = rig.instrument.make_safe()
            require(not rig.cell_is_on, f"{how}: make_safe said {said!r}, but the cell is on")
            answered = rig.device.identify()
        except InstrumentError as error:
            raise CheckFailed(f"{how}: {error!r} although the fault is over") from error
        require(answered == known, f"{how}: identify says {answered}, before it was {known}")
    rows: list[int] = []
    recording = rig.run([case.technique], rows.append).raise_error()
    require_true(rig.subject, case, recording, f"{where}, then once more")
    require(not rig.cell_is_on, f"{where}, then once more: the cell is on behind it")


@check
def an_abort_that_is_not_heard_is_told(subject: Subject) -> None:
    """An abort that the instrument does not hear, or whose answer does not arrive, is not taken for done.

    `frames` ends with an error, or with a cell that is really off.
    """
    for case in subject.cases:
        for kind in ("deaf", "mute"):
            with subject.rig() as rig:
                faults = rig.lab.faults(NAME)  # type: ignore[attr-defined]  # there is one, or there would be no case
                where = f"{case.technique.name}, {kind} when it is aborted"

                recording = rig.run([case.technique], _aborting(rig, faults, kind))
                told = isinstance(recording.error, InstrumentError)
                require(told or not rig.cell_is_on, f"{where}: it ended with {recording.error!r}, and the cell is on")


def _aborting(rig: Rig, faults: Any, kind: str) -> Callable[[int], None]:
    """Puts the fault in and asks for an abort, as soon as there is a row."""

    def abort(rows: int) -> None:
        if not faults.events:
            faults.inject(kind)
            rig.instrument.request_abort()

    return abort


CHECKS = (*(_check_of(fault) for fault in FAULTS), an_abort_that_is_not_heard_is_told)
