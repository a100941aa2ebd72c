"""Monitors: other instruments that are read beside the techniques, each in a thread of its own.

A monitor is no step: it takes no path, it begins with the run and ends with it. Its rows go into a
stream of their own, through the same limits, and carry the number of the step that ran meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luggin import units
from luggin.capabilities import measures
from luggin.clock import Worker
from luggin.engine.events import EVENTS, Event
from luggin.engine.limits import Limit, LimitGuard
from luggin.engine.pacing import Pace
from luggin.engine.temperatures import TEMPERATURE
from luggin.errors import (
    InstrumentError,
    LineInUse,
    LineLost,
    LugginError,
    NoInstrument,
    PluginFault,
    UsageError,
)
from luggin.instrument import Reading
from luggin.records import ATTEMPT, FLAGS, RECEIVED, STEP, TIME, Column, Flag, Frame, Schema

if TYPE_CHECKING:
    from luggin.capabilities import Device
    from luggin.engine.run import Run
    from luggin.steps import Step

log = logging.getLogger(__name__)

#: A reading is old after so many of its periods.
_FRESH = 3.0
#: Columns that the rows of every monitor have.
_OWN = tuple(column.name for column in (TIME, FLAGS, RECEIVED, STEP, ATTEMPT))


@dataclass(frozen=True)
class MonitorSpec:
    """What is read beside the techniques: readings of one instrument, every so many seconds (lab time)."""

    on: str
    read: tuple[str, ...]
    every: float
    stream: str

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``run.log``."""
        return {"on": self.on, "read": list(self.read), "every": self.every, "stream": self.stream}


def check_monitor(
    spec: MonitorSpec, devices: Mapping[str, object], limits: Sequence[Limit], taken: Collection[str]
) -> tuple[tuple[Reading[Any], ...], tuple[Limit, ...]]:
    """What a monitor reads, and the limits that it watches, in the units of the readings.

    Args:
        spec: the monitor.
        devices: the drivers of the bench by role, as they were made (not with stepped techniques).
        limits: of the run.
        taken: names of streams that others write.

    Raises:
        UsageError: it cannot be; the message says what there is.
    """
    whose = f"monitor of {spec.on}"
    if spec.on not in devices:
        raise UsageError(f"{whose}: the bench has no instrument {spec.on!r}; it has {', '.join(devices)}")
    if spec.stream in taken:
        raise UsageError(f"{whose}: the stream {spec.stream!r} is written by another; give it a `stream` of its own")
    try:
        readings = readings_of(devices[spec.on], spec.read)
        return readings, limits_on(limits, readings)
    except UsageError as error:
        raise UsageError(f"{whose}: {error}") from error


def readings_of(device: object, names: Sequence[str]) -> tuple[Reading[Any], ...]:
    """The readings of these names that a driver declares, which must be numbers.

    Raises:
        UsageError: it declares no such reading; names what it declares.
    """
    declared = {
        name: value
        for kind in reversed(type(device).__mro__)
        for name, value in vars(kind).items()
        if isinstance(value, Reading) and value.unit
    }
    for name in names:
        if name not in declared:
            has = ", ".join(sorted(declared)) or "no reading that is a number"
            raise UsageError(f"{type(device).__name__} has no reading {name!r} that is a number; it has {has}")
    if twice := [name for number, name in enumerate(names) if name in (*names[:number], *_OWN)]:
        raise UsageError(f"{twice[0]!r} would be a column of the stream twice")
    return tuple(declared[name] for name in names)


def limits_on(limits: Sequence[Limit], readings: Sequence[Reading[Any]]) -> tuple[Limit, ...]:
    """The limits of a run that concern these readings, in the units of the readings.

    Raises:
        UsageError: a reading is another kind of quantity than the limit of its name, or the limit
            would end a step: what is read beside the steps can only stop the run.
    """
    found = []
    for reading in readings:
        for limit in limits:
            if limit.column != reading.name:
                continue
            if not units.same_kind(limit.unit, reading.unit):
                raise UsageError(f"the reading {reading.name!r} is in {reading.unit}, its limit is in {limit.unit}")
            if limit.then == "end_step":
                raise UsageError(
                    f'a limit of {reading.name}, which a monitor reads, cannot end a step; write then = "stop"'
                )
            found.append(limit.in_unit(reading.unit))
    return tuple(found)


class Monitor:
    """One monitor of a running run.

    A reading that cannot be had is recorded as a gap (NaN with `Flag.GAP`), never as the value
    before. A line that is lost ends the monitor, which is an event of the run; the run goes on
    unless a limit depended on it.
    """

    def __init__(
        self, monitors: Monitors, spec: MonitorSpec, readings: Sequence[Reading[Any]], limits: Sequence[Limit]
    ) -> None:
        run = monitors.run
        columns = [Column(r.name, r.unit, "f8", (r.__doc__ or r.name).rstrip(".")) for r in readings]
        self.schema = Schema(spec.stream, (TIME, *columns, FLAGS, RECEIVED, STEP, ATTEMPT))
        self._run = run
        self._all = monitors
        self._spec = spec
        self._guard = LimitGuard(limits, self.schema)
        self._guarded = ", ".join(limit.column for limit in self._guard.applicable)
        self._latest: dict[str, tuple[float, float]] = {}
        self._cancel = run.session.clock.cancel()
        self._worker: Worker | None = None

    def start(self) -> None:
        """Begin to read."""
        self._worker = self._run.session.clock.start_worker(f"monitor {self._spec.stream}", self._work)

    def stop(self) -> None:
        """End, and wait until the line is free."""
        self._cancel.set()
        if self._worker is not None:
            self._worker.join()

    def _work(self) -> None:
        try:
            self._read()
        except LugginError as error:
            if isinstance(error, LineLost | NoInstrument | LineInUse):
                self._all.lost(self._spec.stream, str(error), self._guarded)
            elif not self._cancel.is_set:
                self._all.failed(self._spec.stream, error)
        except Exception as error:  # noqa: BLE001 - nobody else would hear of it: it stops the run, which tells it
            self._all.failed(self._spec.stream, error)

    def _read(self) -> None:
        """Read at once, and then at absolute deadlines: a slow answer does not shift the ones behind it."""
        clock = self._run.session.clock
        pace = Pace(clock, clock.now(), self._spec.every)
        while not self._cancel.is_set:
            asked = self._run.time()
            generation = self._run.session.reconnecting.generation(self._spec.on)
            try:
                values = [self._value(name) for name in self._spec.read]
            except LineLost as error:
                self._keep(asked, [math.nan] * len(self._spec.read), Flag.GAP.value)
                self._bring_back(error, generation)
                continue
            flags = Flag.GAP.value if any(map(math.isnan, values)) else 0
            self._keep(asked, values, flags | (Flag.TIMING.value if pace.missed else 0))
            if pace.wait_next(self._cancel) is None:
                return

    def _bring_back(self, lost: LineLost, generation: int) -> None:
        """Wait for the instrument to come back. With a limit on what it reads, its absence stops the run at once."""
        if self._guarded:
            raise lost
        run, role = self._run, self._spec.on
        step, attempt = run.current
        run.event(Event.LINE_LOST, role=role, step=step, attempt=attempt, words=str(lost))
        run.watcher.said(f"{role}: {lost}. Waiting for it to come back; the run goes on meanwhile.")
        verified = run.session.reconnecting.reconnect(role, generation, self._cancel)
        run.event(Event.RECONNECTED, role=role, step=step, attempt=attempt, verified=verified)

    def latest(self, limit: Limit) -> float | None:
        """The newest value of a limit's column in the limit's unit, NaN if that is old; None if it is not read here."""
        names = [column.name for column in self.schema.columns]
        if limit.column not in names:
            return None
        at, value = self._latest.get(limit.column, (-math.inf, math.nan))
        fresh = self._run.session.clock.now() - at <= _FRESH * self._spec.every
        unit = self.schema.columns[names.index(limit.column)].unit
        return units.convert(value, unit, limit.unit) if fresh else math.nan

    def _value(self, name: str) -> float:
        try:
            return float(getattr(self._run.session.instruments[self._spec.on], name).read())
        except LineLost:
            raise
        except InstrumentError:
            return math.nan

    def _keep(self, asked: float, values: list[float], flags: int) -> None:
        now = self._run.session.clock.now()
        step, attempt = self._run.current
        self._latest.update(zip(self._spec.read, ((now, value) for value in values), strict=True))
        row = (asked, *values, flags, now - self._run.zero, step, attempt)
        frame = Frame(self.schema, now, [row])
        trip = self._guard.check(frame)
        self._run.writer.append(frame)
        if trip is not None and trip.then == "suspend":
            self._run.suspensions.left(trip, f"monitor {self._spec.stream}")
        elif trip is not None:
            self._all.tripped(self._spec.stream, trip.describe())


class Monitors:
    """All monitors of a run, and why one of them stopped it, if one did."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._monitors: list[Monitor] = []
        self._roles: frozenset[str] = frozenset()
        #: What stopped the run.
        self.error: LugginError | None = None

    def start(self, specs: Sequence[MonitorSpec]) -> None:
        """Start all; none runs if one of them cannot.

        Raises:
            UsageError: an instrument has no such reading, or a stream is written by another.
        """
        session = self.run.session
        taken = taken_streams(session.instruments.values())
        monitors = []
        for spec in specs:
            readings, limits = check_monitor(spec, session.devices, self.run.limits, taken)
            taken.add(spec.stream)
            monitors.append(Monitor(self, spec, readings, limits))
        self._roles = frozenset(spec.on for spec in specs)
        self._monitors = monitors
        for monitor in monitors:
            monitor.start()

    def stop(self) -> None:
        """End all, and wait until their lines are free."""
        with contextlib.ExitStack() as ending:
            for monitor in self._monitors:
                ending.callback(monitor.stop)

    def require_free_for(self, step: Step) -> None:
        """UsageError if a step wants an instrument that is read beside the steps: a line carries one talk at a time."""
        if self._roles and wants_instrument(step):
            role = self.run.session.role(step.on)
            if role in self._roles:
                raise UsageError(
                    f"`{step.do}` runs on {role}, which a monitor reads meanwhile. An instrument does one or the other."
                )

    def latest(self, limit: Limit) -> float | None:
        """The newest value of a limit's column, NaN if it is old or unknown; None if no monitor reads it."""
        found = (monitor.latest(limit) for monitor in self._monitors)
        return next((value for value in found if value is not None), None)

    # -- what the monitors tell, from their threads
    def tripped(self, stream: str, words: str) -> None:
        """A limit was left: the run stops as for any other reading."""
        run = self.run
        if self.error is None:
            step, attempt = run.current
            self._stop_run(run.tripped(f"monitor {stream}: {words}"))
            run.event(Event.TRIP, stream=stream, step=step, attempt=attempt, then="stop", words=words)
            run.watcher.said(f"limit: {run.trip}")

    def lost(self, stream: str, words: str, guarded: str) -> None:
        """A line broke: the run goes on without the monitor, unless there is a limit on what it read (``guarded``)."""
        run = self.run
        step, attempt = run.current
        run.event(Event.MONITOR_LOST, stream=stream, step=step, attempt=attempt, words=words)
        run.watcher.said(f"monitor {stream} ended: {words}")
        if guarded:
            self.tripped(stream, f"{guarded} has a limit and can no longer be read ({words})")

    def failed(self, stream: str, error: Exception) -> None:
        """A monitor failed in another way than by its line: the run stops, and ends with that error."""
        if not isinstance(error, LugginError):
            log.error("monitor %s", stream, exc_info=error)
            error = PluginFault(
                f"monitor {stream}: {type(error).__name__}: {error}. This is a mistake in a driver, a plugin or Luggin "
                "itself, not in your protocol. The cell is open, and the data up to there are kept."
            )
        self._stop_run(error)

    def _stop_run(self, error: LugginError) -> None:
        if self.error is None:
            self.error = error
            self.run.request_stop(str(error))


def wants_instrument(step: Step) -> bool:
    """True if a step has an instrument to itself, and is not only done by people or by waiting.

    A temperature controller answers one question at a time, whoever asks, so it can be read beside
    the steps that set it.
    """
    from luggin.steps import Note, Prompt, Rest, TemperatureStep

    return not (isinstance(step, Note | Prompt | TemperatureStep) or (isinstance(step, Rest) and step.dt is None))


def taken_streams(instruments: Iterable[Device]) -> set[str]:
    """Streams that techniques of these instruments, steps of temperature and the run itself write."""
    techniques = (t for i in instruments if measures(i) for t in i.capabilities.techniques.values())
    return {EVENTS.stream, TEMPERATURE.stream, *(technique.schema.stream for technique in techniques)}
