"""Techniques for instruments that have none: the host sets each level at its deadline, and reads.

A source-measure unit sources a potential with the current limited, or a current with the potential
limited. `with_stepping` makes of it an instrument that runs ``ocp ca cp lsv cv``: natively where
its driver declares that, stepped from here where not. Its frames go the same way as everybody's,
so the limits of the cell are checked on each reading before the next level is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from luggin import units
from luggin.capabilities import (
    Capabilities,
    Device,
    Exchange,
    Execution,
    Identity,
    LimitRequest,
    MeasuringInstrument,
    Realised,
    SourceMeasure,
    SourceReading,
    Technique,
    measures,
)
from luggin.clock import Clock
from luggin.engine.pacing import Pace, Timing
from luggin.engine.step_plan import Hold, SteppedPlan, SteppedTechnique, make_stepped_plan, stepped_techniques
from luggin.errors import LimitError, LugginError, UsageError
from luggin.records import Flag, Frame

#: The source's own limit lies a little outside the limit of the run: a reading beyond the run's limit is then
#: still seen as such (and ends the run), and what comes between two readings is clamped.
HEADROOM = 1.1


@runtime_checkable
class ReportsTiming(Protocol):
    """An instrument that can say how the last technique was executed."""

    def achieved(self) -> Mapping[str, Any]:
        """``execution`` (native or stepped) and, for each technique, what timing was achieved."""
        ...


class _Unit(MeasuringInstrument, SourceMeasure, Protocol):
    """A source-measure unit on the bench."""


def with_stepping(instrument: Device, clock: Clock) -> Device:
    """The same instrument, with host-stepped techniques added if it is a source-measure unit."""
    if not (measures(instrument) and isinstance(instrument, SourceMeasure)):
        return instrument
    return SteppingInstrument(instrument, clock)


def execution_of(instrument: MeasuringInstrument, realised: Realised) -> list[Execution]:
    """How each of the techniques that were prepared will be executed."""
    if isinstance(instrument, SteppingInstrument) and instrument.is_stepping:
        return ["stepped" for _ in realised.techniques]
    techniques = instrument.capabilities.techniques
    return [techniques[technique.name].execution for technique in realised.techniques]


def achieved_by(instrument: MeasuringInstrument) -> Mapping[str, Any]:
    """What the last technique achieved, as far as the instrument tells."""
    return instrument.achieved() if isinstance(instrument, ReportsTiming) else {}


class SteppingInstrument:
    """A source-measure unit as an instrument with techniques. Made by `with_stepping`.

    What it does not have itself (readings and settings of the driver) is the driver's.
    """

    def __init__(self, unit: _Unit, clock: Clock) -> None:
        self._unit = unit
        self._clock = clock
        self._wake = clock.cancel()
        self._abort = False
        self._end = False
        self._plan: SteppedPlan | None = None
        self._armed = False
        self._timings: list[Timing] | None = None
        self.name = unit.name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        return getattr(self._unit, attribute)

    @property
    def capabilities(self) -> Capabilities:
        """The driver's own, and the techniques that are stepped."""
        native = self._unit.capabilities
        stepped = stepped_techniques(native, self._unit.fastest_interval)
        return replace(native, techniques={**stepped, **native.techniques}, chain=True)

    @property
    def is_stepping(self) -> bool:
        """True if what was prepared last is stepped from here."""
        return self._plan is not None or self._timings is not None

    # -- running
    def prepare(self, techniques: Sequence[Technique]) -> Realised:
        """Natively if the driver has all of the techniques, else stepped; no current flows."""
        native = self._unit.capabilities
        self._plan = self._timings = None
        self._abort = self._end = self._armed = False
        self._wake.clear()
        if techniques and all(technique.name in native.techniques for technique in techniques):
            return self._unit.prepare(techniques)
        self._plan = make_stepped_plan(techniques, native, self._unit.fastest_interval)
        return self._plan.realised

    def arm(self, limits: Sequence[LimitRequest]) -> Mapping[str, str]:
        """Make it a source with the other quantity limited by the instrument, output off.

        Raises:
            LimitError: the limit of the run forbids what is asked for, or cp has no largest potential.
        """
        if self._plan is None:
            return self._unit.arm(limits)
        plan, native = self._plan, self._unit.capabilities
        self._armed = True
        if plan.kind == "potential":
            held = _beyond(limits, "current", native.current.high)
            self._unit.source_potential(plan.widest, held)
            return {"current": _clamps("current", held, "A")}
        held = self._potential_limit(plan, limits)
        for limit in limits:
            if limit.column == "current" and not limit.low <= plan.widest <= limit.high:
                raise LimitError(
                    f"cp.current = {units.show(plan.widest, 'A')}; the limits of this run allow "
                    f"{units.show(limit.low, 'A')} ... {units.show(limit.high, 'A')}. Nothing was applied."
                )
        self._unit.source_current(plan.widest, held)
        return {"potential": _clamps("potential", held, "V")}

    def _potential_limit(self, plan: SteppedPlan, limits: Sequence[LimitRequest]) -> float:
        """The smallest of what the steps ask for and what lies just outside the limits of the run (V)."""
        largest = self._unit.capabilities.potential.high
        if plan.parts[0].technique.name == "ocp":
            # No current flows that could drive the cell anywhere, but a source that clamps below the
            # cell's own potential would discharge it.
            return largest
        held = _beyond(limits, "potential", _beyond(limits, "voltage", largest))
        limited = any(limit.column in ("potential", "voltage") for limit in limits)
        asked: list[float | None] = [part.technique.parameters["potential_limit"] for part in plan.parts]
        if None in asked and not limited:
            raise LimitError(
                'cp needs a largest potential: write potential_limit = "2 V" in the step, or a limit of potential in '
                "the protocol"
            )
        return min([held, *(bound for bound in asked if bound is not None)])

    def frames(self) -> Iterator[Frame]:
        """Run what was prepared: a frame of one row for each reading. The cell is open at the end."""
        plan = self._plan
        if plan is None:
            if self._timings is not None:
                raise UsageError(f"{self.name}: prepare a technique first; each preparation runs once")
            yield from self._unit.frames()
            return
        if not self._armed:
            self.arm(())
        self._plan, self._timings = None, []
        if self._wake.is_set and self._abort:
            return
        unit = self._unit
        try:
            unit.set_level(plan.parts[0].main.levels[0])
            unit.switch(True)
            for number, part in enumerate(plan.parts):
                yield from self._part(number, part)
                if self._abort:
                    break
        except BaseException as error:
            try:
                unit.switch(False)
            except LugginError as second:
                error.add_note(f"and the cell could not be opened: {second}")
            raise
        unit.switch(False)

    def _part(self, number: int, part: SteppedTechnique) -> Iterator[Frame]:
        """One technique: its first level, the quiet time, then reading and next level at each deadline."""
        if number:
            self._unit.set_level(part.main.levels[0])
        begun = self._clock.now()
        rows = _Rows(part, number, self._clock, begun)
        if part.quiet is not None:
            yield from self._hold(part.quiet, begun, rows, None)
        if self._wake.is_set and self._left():
            return
        if not self._clock.wait_until(begun + part.quiet_time, self._wake) and self._left():
            return
        timing = Timing(part.technique.name, part.main.dt)
        if self._timings is not None:
            self._timings.append(timing)
        yield from self._hold(part.main, begun + part.quiet_time, rows, timing)
        self._left()

    def _hold(self, hold: Hold, start: float, rows: _Rows, timing: Timing | None) -> Iterator[Frame]:
        """Readings at the deadlines; in a sweep the next level follows its reading, and none is left out."""
        pace = Pace(self._clock, start, hold.dt)
        taken = 0
        while taken < hold.rows if hold.is_sweep else pace.passed < hold.rows:
            lateness = pace.wait_next(self._wake)
            if lateness is None:
                return
            if not hold.is_sweep and pace.passed > hold.rows:
                return  # so late that the end has passed
            reading = self._unit.measure()
            position = taken if hold.is_sweep else 0
            # A sweep waits for its readings; elsewhere those of the deadlines that passed are missing before this one.
            late = Flag.TIMING if hold.is_sweep else Flag.TIMING | Flag.GAP
            flags = hold.flags | (late.value if pace.missed else 0)
            frame, time = rows.frame(reading, hold.levels[position], hold.cycles[position], flags)
            if timing is not None:
                timing.add(lateness, time, pace.missed)
            yield frame
            taken += 1
            if self._wake.is_set:
                return
            if hold.is_sweep and taken < hold.rows:
                self._unit.set_level(hold.levels[taken])

    def _left(self) -> bool:
        """True if somebody asked to leave this technique; the request is taken then, an abort stays."""
        left = self._abort or self._end
        self._end = False
        if not self._abort:
            self._wake.clear()
        return left

    def achieved(self) -> Mapping[str, Any]:
        """How the last technique was executed, and its timing."""
        if self._timings is not None:
            return {"execution": "stepped", "timing": [timing.to_json() for timing in self._timings]}
        return achieved_by(self._unit)

    # -- stopping and safety
    def request_abort(self) -> None:
        """Open the cell at the next row boundary, or from the middle of a wait. From any thread."""
        self._abort = True
        self._wake.set()
        self._unit.request_abort()

    def end_technique(self) -> None:
        """Leave the technique that runs; a chain goes on with the next."""
        self._end = True
        self._wake.set()
        self._unit.end_technique()

    def identify(self) -> Identity:
        """Who is there."""
        return self._unit.identify()

    def make_safe(self) -> str:
        """Open the cell and verify it."""
        return self._unit.make_safe()

    def safe_dialogue(self) -> tuple[Exchange, ...]:
        """The exchanges of `make_safe`."""
        return self._unit.safe_dialogue()

    def close(self) -> None:
        """Give the line back. Sends nothing."""
        self._unit.close()


class _Rows:
    """Makes the frames of one technique. Its first reading is put where the host saw it; the spacing is the unit's."""

    def __init__(self, part: SteppedTechnique, number: int, clock: Clock, begun: float) -> None:
        self._schema = part.schema
        self._name = part.technique.name
        self._number = number
        self._clock = clock
        self._begun = begun
        self._offset: float | None = None

    def frame(self, reading: SourceReading, level: float, cycle: int, flags: int) -> tuple[Frame, float]:
        """One row, and its time since the start of the technique (s)."""
        now = self._clock.now()
        if self._offset is None:
            self._offset = now - self._begun - reading.time
        time = reading.time + self._offset
        flags |= reading.flags
        row: tuple[Any, ...]
        if self._name == "ocp":
            row = (time, reading.potential, flags)
        elif self._name == "cv":
            row = (time, reading.potential, reading.current, cycle, level, flags)
        else:
            row = (time, reading.potential, reading.current, level, flags)
        return Frame(self._schema, now, rows=(row,), part=self._number), time


def _beyond(limits: Sequence[LimitRequest], column: str, largest: float) -> float:
    """Just outside the wider side of the limits of a column, at most what the instrument can (symmetric)."""
    widest = [max(abs(limit.low), abs(limit.high)) for limit in limits if limit.column == column]
    return min([largest, *(HEADROOM * value for value in widest)])


def _clamps(what: str, held: float, unit: str) -> str:
    return f"the source clamps the {what} at +-{units.show(held, unit)}, read back; it does not open the cell"
