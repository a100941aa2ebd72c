"""Monitors: other instruments that are read beside the techniques, each in a thread of its own.

A monitor is no step: it takes no path, it begins with the run and ends with it. Its rows go into a
stream of their own, through the same limits, and carry the number of the step that ran meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luggin.clock import Worker
from luggin.engine.limits import LimitGuard, Trip
from luggin.errors import InstrumentError, LineLost, UsageError
from luggin.instrument import Instrument, Reading
from luggin.records import ATTEMPT, FLAGS, RECEIVED, STEP, TIME, Column, Flag, Frame, Schema

if TYPE_CHECKING:
    from luggin.engine.run import Run


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


def readings_of(instrument: object, names: Sequence[str], where: str) -> tuple[Reading[Any], ...]:
    """The declared readings of these names, which must be numbers.

    Raises:
        UsageError: the instrument declares no such reading; names what it declares.
    """
    declared = {
        name: value
        for kind in reversed(type(instrument).__mro__)
        for name, value in vars(kind).items()
        if isinstance(value, Reading) and value.unit
    }
    for name in names:
        if name not in declared:
            has = ", ".join(declared) or "no reading that is a number"
            raise UsageError(f"{where}: {type(instrument).__name__} has no reading {name!r}; it has {has}")
    return tuple(declared[name] for name in names)


class Monitor:
    """One monitor of a running run.

    A reading that cannot be had is recorded as a gap (NaN with `Flag.GAP`), never as the value
    before; a line that is lost ends the monitor, which is an event of the run.
    """

    def __init__(self, run: Run, spec: MonitorSpec) -> None:
        instrument = run.session.instrument(spec.on)
        if not isinstance(instrument, Instrument):
            raise UsageError(f"monitor of {spec.on}: this instrument has no readings")
        readings = readings_of(instrument, spec.read, f"monitor of {spec.on}")
        columns = [Column(r.name, r.unit, "f8", (r.__doc__ or r.name).rstrip(".")) for r in readings]
        self.schema = Schema(spec.stream, (TIME, *columns, FLAGS, RECEIVED, STEP, ATTEMPT))
        self._run = run
        self._spec = spec
        self._ask = [getattr(instrument, name).read for name in spec.read]
        self._guard = LimitGuard(run.limits, self.schema)
        self._cancel = run.session.clock.cancel()
        self._worker: Worker | None = None

    def start(self) -> None:
        """Begin to read."""
        self._worker = self._run.session.clock.start_worker(f"monitor {self._spec.stream}", self._read)

    def stop(self) -> None:
        """End, and wait until the line is free."""
        self._cancel.set()
        if self._worker is not None:
            self._worker.join()

    def _read(self) -> None:
        clock = self._run.session.clock
        due = clock.now()
        while clock.wait_until(due, self._cancel):
            asked = self._run.time()
            try:
                values: list[float] = [float(ask()) for ask in self._ask]
                flags = 0
            except LineLost as error:
                self._run.monitor_lost(self._spec.stream, str(error))
                return
            except InstrumentError:
                values, flags = [math.nan] * len(self._ask), int(Flag.GAP)
            self._keep(asked, values, flags)
            # Deadlines are absolute: a slow answer does not shift the ones behind it.
            due = max(due + self._spec.every, clock.now())

    def _keep(self, asked: float, values: list[float], flags: int) -> None:
        now = self._run.session.clock.now()
        step, attempt = self._run.current
        row = (asked, *values, flags, now - self._run.zero, step, attempt)
        frame = Frame(self.schema, now, [row])
        trip = self._guard.check(frame)
        self._run.writer.append(frame)
        if trip is not None:
            self._run.trip_by_monitor(trip, self._spec.stream)


def start_monitors(run: Run, specs: Sequence[MonitorSpec]) -> list[Monitor]:
    """Start all monitors of a run; none runs if one of them cannot."""
    monitors = [Monitor(run, spec) for spec in specs]
    for monitor in monitors:
        monitor.start()
    return monitors


def words_of(trip: Trip, stream: str) -> str:
    """A trip of a monitor, in words."""
    return f"monitor {stream}: {trip.describe()}"
