"""The checks that are safe on a real instrument: with a dummy resistor as cell, or one that holds no cell.

No fault is put on the line, and nothing is asserted about the cell but what the driver itself reads back.
"""

from __future__ import annotations

from collections.abc import Iterator

from luggin import units
from luggin.capabilities import Device, Technique, TemperatureController, measures
from luggin.testing import answering, running, tempering
from luggin.testing.checking import Check, Verdict, check, judge, require
from luggin.testing.examples import highest, lowest
from luggin.testing.subject import Subject


@check
def make_safe_opens_the_cell(subject: Subject) -> None:
    """`make_safe` in the midst of a technique, and again at rest, verifies that the cell is open.

    It sends the bytes of `safe_dialogue`.
    """
    with subject.rig() as rig:
        rig.instrument.prepare([_sweep_or_hold(subject)])
        frames = rig.instrument.frames()
        next(frames)
        for _ in range(2):
            before = len(rig.written)
            require(rig.instrument.make_safe().strip(), "make_safe does not say what it verified")
            wanted = b"".join(one.send for one in rig.device.safe_dialogue())
            require(wanted in rig.written[before:], f"make_safe sent {rig.written[before:]!r}, not {wanted!r}")
        frames.close()  # type: ignore[attr-defined]  # a generator, as the engine treats it


@check
def an_abort_ends_in_time(subject: Subject) -> None:
    """After `request_abort` in the midst of a technique, `frames` ends without an error within the declared latency."""
    with subject.rig() as rig:
        technique = _sweep_or_hold(subject)
        asked: list[float] = []

        def abort(rows: int) -> None:
            if not asked:
                asked.append(rig.clock.now())
                rig.instrument.request_abort()

        recording = rig.run([technique], abort).raise_error()
        took, declared = recording.ended - asked[0], rig.instrument.capabilities.abort_latency
        require(took <= declared, f"{technique.name} ended {took:.3g} s after the abort; {declared:g} s are declared")
        rig.instrument.make_safe()


def _sweep_or_hold(subject: Subject) -> Technique:
    """The technique that is interrupted: the last one of the examples, which applies something wherever one does."""
    return subject.techniques(subject.offline_instrument().capabilities)[-1]


_WITHOUT_A_CELL: tuple[Check, ...] = (running.identifies_its_instrument, answering.readings_are_read)
_TEMPERATURES: tuple[Check, ...] = (
    tempering.temperatures_out_of_range_are_refused,
    tempering.temperatures_are_set_and_read_back,
)
_CELLS: tuple[Check, ...] = (
    *_WITHOUT_A_CELL,
    running.rows_are_as_declared,
    running.no_flag_without_a_reason,
    running.potentials_and_currents_are_right,
    make_safe_opens_the_cell,
    an_abort_ends_in_time,
)


def holds_a_cell(subject: Subject) -> bool:
    """Whether it needs a dummy resistor as cell."""
    return measures(subject.offline())


def announcement(subject: Subject) -> list[str]:
    """What the checks do to whatever is connected, in sentences."""
    if not holds_a_cell(subject):
        return _announcement_without_a_cell(subject, subject.offline())
    instrument = subject.offline_instrument()
    capabilities = instrument.capabilities
    techniques = subject.techniques(capabilities)
    seconds = sum(instrument.prepare([technique]).duration for technique in techniques)
    low, high = lowest(capabilities), highest(capabilities)
    current = max(abs(low), abs(high)) / subject.resistance
    applied = f"{units.show(low, 'V')} to {units.show(high, 'V')}"
    named = ", ".join(technique.name for technique in techniques)
    return [
        f"{subject.driver.title} at {subject.resource}: its cell must be a dummy resistor of "
        f"{units.show(subject.resistance, 'ohm')}, with the working electrode at one end and counter and reference "
        "electrode at the other. Take the real cell off.",
        f"It applies {applied}; up to {units.show(current, 'A')} flow, for about {units.show_duration(seconds)} "
        f"({named}). One technique is begun twice more and stopped in its midst.",
        "No fault is put on the line. The cell is opened and verified before, in between and behind everything.",
    ]


def _announcement_without_a_cell(subject: Subject, device: Device) -> list[str]:
    sent = ", ".join(repr(one.send.decode("ascii", "replace").strip()) for one in device.safe_dialogue())
    said = [f"{subject.driver.title} at {subject.resource}: it is asked who it is, and all its readings are read."]
    if isinstance(device, TemperatureController):
        allowed = device.range.temperature
        said.append(
            f"Its set point is set to {tempering.STEP:g} K above what it reads (never outside {allowed.low:g} ... "
            f"{allowed.high:g} degC), and it is started: it heats, cools and circulates. The set point from before "
            "does not come back."
        )
    return [
        *said,
        "No fault is put on the line. Before, in between and behind everything it is left as its settings say: "
        f"{sent} is sent.",
    ]


def verdicts_on_hardware(subject: Subject) -> Iterator[Verdict]:
    """Do these checks on the real instrument, which is safe before and behind them.

    Raises:
        UnsafeState: its safe state (an open cell) could not be verified.
        NoInstrument: the instrument is not there, or another one is.
    """
    _make_safe(subject)
    try:
        for one in _checks(subject):
            yield judge(one, subject)
            _make_safe(subject)
    finally:
        _make_safe(subject)


def _checks(subject: Subject) -> tuple[Check, ...]:
    if holds_a_cell(subject):
        return _CELLS
    return (*_WITHOUT_A_CELL, *(_TEMPERATURES if isinstance(subject.offline(), TemperatureController) else ()))


def _make_safe(subject: Subject) -> None:
    with subject.rig() as rig:
        rig.device.identify()
        rig.device.make_safe()
