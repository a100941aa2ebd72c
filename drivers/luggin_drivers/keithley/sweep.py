"""Running list sweeps: load a list, start it, fetch readings while it runs, hold the potential in between."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from luggin.clock import Clock
from luggin.errors import InstrumentFault
from luggin.instrument.spread import spread
from luggin.records import Flag, Frame
from luggin_drivers.keithley import commands, replies
from luggin_drivers.keithley.plan import Plan, Segment

if TYPE_CHECKING:
    from luggin_drivers.keithley.sourcemeter import SourceMeter

# Readings of one answer: about 25 kB of text.
_FETCHED_AT_ONCE = 500
# Longest time (s) beyond the interval in which a running sweep may bring nothing.
_PATIENCE = 3.0
_SHORTEST_POLL = 0.02


class Requests:
    """What other threads ask of the owner of the line. Setting them returns at once."""

    def __init__(self, clock: Clock) -> None:
        self.wake = clock.cancel()
        self.abort = False
        self.end_technique = False

    def ask_abort(self) -> None:
        """End everything and open the cell."""
        self.abort = True
        self.wake.set()

    def ask_end(self) -> None:
        """End the technique that runs, go on with the next."""
        self.end_technique = True
        self.wake.set()

    def forget(self) -> None:
        """Before the next technique: what was asked of the last one is over."""
        self.abort = self.end_technique = False
        self.wake.clear()


class Achieved:
    """What came of one technique: the real distances of its points, and the gaps between its sweeps."""

    def __init__(self, technique: str, step: float, interval: float) -> None:
        self._technique = technique
        self._step = step
        self._interval = interval
        self._intervals = array("d")
        self._gaps: list[dict[str, Any]] = []
        self.rows = 0

    def add(self, intervals: list[float], rows: int, swept: bool) -> None:
        """Rows of a sweep and the distances between them (s); those of the quiet time only count."""
        self.rows += rows
        if swept:
            self._intervals.extend(intervals)

    def gap(self, held: float, seconds: float, cell: str) -> None:
        """A gap behind the rows so far, in which ``held`` (V) was held, or the cell was open."""
        self._gaps.append({"after_row": self.rows, "held_V": held, "seconds": round(seconds, 6), "cell": cell})

    def to_json(self) -> dict[str, Any]:
        """Plain data for the record of the step; times in s, rates in V/s."""
        real = spread(self._intervals)
        return {
            "technique": self._technique,
            "rows": self.rows,
            "dt": self._interval,
            "real_dt": real,
            "rate": self._step / self._interval,
            "real_rate": self._step / real["mean"] if real else None,
            "gaps": self._gaps,
        }


class SweepRun:
    """One execution of a plan; used by the thread that owns the line."""

    def __init__(self, plan: Plan, unit: SourceMeter, requests: Requests, poll: float) -> None:
        self._plan = plan
        self._unit = unit
        self._clock = unit.clock
        self._requests = requests
        self._poll = poll
        self._left_part: int | None = None
        self._nplc: float | None = None
        self._opened = False
        self.achieved: list[Achieved] = []

    def frames(self) -> Iterator[Frame]:
        """Yield the readings as they come in; the cell is open at the end."""
        unit = self._unit
        before: Segment | None = None
        part_began = last_time = 0.0
        for segment in self._plan.segments:
            if self._requests.abort:
                break
            if segment.part == self._left_part:
                continue
            self._load(segment)
            if before is None:
                unit.set_level(segment.levels[0])
                unit.switch(True)
            started = self._clock.now()
            unit.command(commands.START)
            of_first = 0
            if before is None or before.part != segment.part:
                part_began = started
                self._begin_part(segment)
            # The first reading comes one interval behind the start; the sweeps of a part share the host's clock.
            offset = started - part_began + segment.interval
            if before is not None and before.part == segment.part:
                of_first = self._record_gap(before, offset - last_time - segment.interval)
            for frame in self._fetched(segment, offset, of_first):
                last_time = float(frame.array()["instrument_time"][-1])
                yield frame
            before = segment
            if not self._requests.abort and segment is not self._plan.segments[-1]:
                self._hold(segment)
        unit.switch(False)

    def _begin_part(self, segment: Segment) -> None:
        technique = self._plan.realised.techniques[segment.part]
        step = float(technique.parameters["step"])
        self.achieved.append(Achieved(technique.name, step, step / float(technique.parameters["rate"])))

    def _load(self, segment: Segment) -> None:
        """The list of a segment, into an empty buffer; the potential that is held does not change."""
        block = [commands.CLEAR]
        if segment.nplc != self._nplc:
            block.append(commands.integration("CURR", segment.nplc))
            self._nplc = segment.nplc
        self._unit.checked_block([*block, *commands.list_sweep(segment.levels, segment.delay)])

    def _hold(self, segment: Segment) -> None:
        """Behind a sweep: stay at its last level (or where it was ended), and see whether the cell is still on."""
        unit = self._unit
        if segment.part != self._left_part:
            unit.set_level(segment.levels[-1])
        self._opened = not unit.output_is_on()
        if self._opened:
            unit.require_no_errors("the output went off behind a sweep")
            unit.switch(True)

    def _record_gap(self, before: Segment, seconds: float) -> int:
        """Note the gap; the flags of the first row behind it."""
        cell = "opened by the instrument" if self._opened else "held"
        self.achieved[-1].gap(before.levels[-1], max(0.0, seconds), cell)
        return (Flag.GAP | Flag.CELL_OFF).value if self._opened else Flag.GAP.value

    def _fetched(self, segment: Segment, offset: float, of_first: int) -> Iterator[Frame]:
        """Poll until all readings of a segment are here, or somebody asked to end it."""
        clock, requests, unit = self._clock, self._requests, self._unit
        have, total = 0, len(segment.levels)
        begun = progress = clock.now()
        ended = False
        previous: float | None = None
        latest = -math.inf
        while have < total:
            if not ended:
                clock.sleep(self._pause(segment, have, clock.now() - begun), requests.wake)
                ended = requests.wake.is_set and self._answer_requests(segment)
            count = unit.buffer_count()
            if count > total:
                raise InstrumentFault(f"{unit.name}: {count} readings of a sweep over {total} levels")
            while have < count:
                stop = min(count, have + _FETCHED_AT_ONCE)
                values = unit.buffer_readings(have + 1, stop, latest)
                latest = float(values.time[-1])
                frame, times = self._frame(segment, values, have, offset, 0 if have else of_first)
                known = times if previous is None else [previous, *times]
                intervals = [later - earlier for earlier, later in itertools.pairwise(known)]
                self.achieved[-1].add(intervals, len(times), not segment.flags)
                previous, have, progress = times[-1], stop, clock.now()
                yield frame
            if ended:
                return
            if have < total and clock.now() - progress > _PATIENCE + 2 * segment.interval:
                raise InstrumentFault(
                    f"{unit.name}: the sweep stands still after {have} of {total} readings; it says "
                    f"{unit.trigger_state.read()!r}"
                )

    def _pause(self, segment: Segment, have: int, elapsed: float) -> float:
        """How long to wait before the next question (s).

        The first reading is fetched as soon as it can be there: its arrival tells when the technique began.
        """
        if have == 0:
            return max(_SHORTEST_POLL, segment.interval - elapsed)
        return max(_SHORTEST_POLL, min(self._poll, (len(segment.levels) - have) * segment.interval))

    def _answer_requests(self, segment: Segment) -> bool:
        """Between two polls: end the sweep if somebody asked for it. The token is cleared before the look."""
        requests, unit = self._requests, self._unit
        requests.wake.clear()
        if requests.abort:
            unit.command(commands.ABORT)
            unit.command(commands.OUTPUT_OFF)
            return True
        if requests.end_technique:
            requests.end_technique = False
            self._left_part = segment.part
            unit.command(commands.ABORT)
            return True
        return False

    def _frame(
        self, segment: Segment, values: replies.Readings, first: int, offset: float, of_first: int
    ) -> tuple[Frame, list[float]]:
        """A block of rows: the sign is the instrument's (positive current leaves HI into W: oxidation)."""
        import numpy as np

        own = values.time + offset
        rows = np.empty(len(own), segment.schema.dtype)
        last = first + len(own)
        rows["instrument_time"] = own
        rows["potential"] = values.sourced
        rows["current"] = values.measured
        rows["applied_potential"] = segment.levels[first:last]
        if "cycle" in segment.schema.names:
            rows["cycle"] = segment.cycles[first:last]
        rows["flags"] = values.flags(measures_current=True) | np.uint32(segment.flags)
        rows["flags"][0] |= np.uint32(of_first)
        return Frame(segment.schema, self._clock.now(), array=rows, part=segment.part), own.tolist()
