"""The trigger model as far as sweeps use it: one point after the other in lab time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from luggin_sim.dialects.keithley_2450.buffers import ReadingBuffer
from luggin_sim.dialects.keithley_2450.models import range_for
from luggin_sim.dialects.keithley_2450.status import ScpiError
from luggin_sim.dialects.keithley_2450.unit import LIMITED, SourceMeasureUnit

# The example of the manuals ends at this block (2450 reference manual, p. 6-166).
_LAST_BLOCK, _MEASURE_BLOCK = 9, 5


@dataclass(frozen=True)
class Sweep:
    """Levels (V or A) and how they are gone through; ``count`` 0 is without end, ``delay`` in s."""

    function: str
    levels: Sequence[float]
    delay: float
    count: int
    fail_abort: bool
    buffer: ReadingBuffer
    range_type: str = ""


class TriggerModel:
    """Runs one sweep. A point is taken when its time has come, and not before."""

    def __init__(self, unit: SourceMeasureUnit) -> None:
        self._unit = unit
        self._sweep: Sweep | None = None
        self._state = "EMPTY"
        self._began = self._ended = 0.0
        self._taken = 0
        self._point_time = 0.0

    def load(self, sweep: Sweep) -> None:
        """Replace the trigger model."""
        self._sweep, self._state = sweep, "BUILDING"

    def reset(self) -> None:
        """No sweep is set up."""
        self._sweep, self._state = None, "EMPTY"

    @property
    def is_running(self) -> bool:
        """True from ``INIT`` to the last point."""
        return self._state == "RUNNING"

    def next_point(self) -> float:
        """When the next reading of the running sweep is there (lab s)."""
        return self._began + (self._taken + 1) * self._point_time

    def end(self) -> float:
        """When the running sweep will be over if it is left alone; with ``failAbort`` it may be at any point."""
        sweep = self._sweep
        if sweep is None or sweep.fail_abort:
            return self.next_point()
        return self._began + len(sweep.levels) * sweep.count * self._point_time if sweep.count else math.inf

    def start(self, now: float) -> None:
        """``INIT``: the output is switched on, and the levels follow one another."""
        if self._sweep is None:
            raise ScpiError(-221)
        unit, sweep = self._unit, self._sweep
        if sweep.function != unit.settings.source_function:
            raise ScpiError(-221)
        source = unit.settings.active_source
        widest = max(map(abs, sweep.levels))
        if source.auto_range or sweep.range_type == "BEST":
            # one range for all levels, so that nothing overshoots
            source.range = range_for(unit.ranges[sweep.function], widest) or source.range
        if not source.range.holds(widest):
            raise ScpiError(-222)
        if unit.rules.buffer_at_init == "clears":
            sweep.buffer.clear()
        self._state, self._began, self._taken = "RUNNING", now, 0
        self._point_time = unit.source_delay() + sweep.delay + unit.reading_time()
        source.level = sweep.levels[0]
        unit.switch(True, now)
        unit.terminals.wait(now)

    def run(self, until: float) -> None:
        """Take all points that are due."""
        sweep, unit = self._sweep, self._unit
        while self._state == "RUNNING" and sweep is not None and self.next_point() <= until:
            self._take_point(sweep, unit)

    def _take_point(self, sweep: Sweep, unit: SourceMeasureUnit) -> None:
        settings, levels = unit.settings, sweep.levels
        level = levels[self._taken % len(levels)]
        if settings.output:
            settings.active_source.level = level
            unit.terminals.move(unit.drive(level), self._point_time, jump=self._taken == 0)
        else:
            unit.terminals.wait(self.next_point())
        reading = unit.take(sweep.buffer, level)
        self._taken += 1
        limited = sweep.fail_abort and reading.source_status & LIMITED
        if limited or (sweep.count and self._taken >= len(levels) * sweep.count):
            self._end("IDLE", unit.terminals.time)

    def abort(self, now: float) -> None:
        """``ABOR``: no further points; the output stays as it is."""
        if self.is_running:
            self._end("ABORTED", now)

    def _end(self, state: str, time: float) -> None:
        self._state, self._ended = state, time
        if state == "IDLE" and self._unit.rules.output_after_sweep == "off":
            self._unit.switch(False, time)

    def state(self, now: float) -> str:
        """What ``TRIG:STAT?`` says; the instrument looks at it now and then only."""
        refresh = self._unit.rules.state_refresh
        state, block = self._state, 0
        if state in ("IDLE", "ABORTED"):
            block = _LAST_BLOCK
            if refresh and now < self._began + math.ceil((self._ended - self._began) / refresh) * refresh:
                state, block = "RUNNING", _MEASURE_BLOCK
        elif state == "RUNNING":
            block = _MEASURE_BLOCK
        return f"{state};{state};{block}"
