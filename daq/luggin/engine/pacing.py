"""Keeping time from the host: absolute deadlines, and an honest account of how well they were met."""

from __future__ import annotations

import itertools
import math
from array import array

from luggin.clock import Cancel, Clock
from luggin.instrument.spread import spread

# A deadline that has passed by more than this part of the interval is left out: catching up would
# bunch the steps behind it, and a step half as long is none that was asked for.
_TOO_LATE = 0.5


class Pace:
    """Deadlines ``start + k dt``, k = 1, 2, ..., on the lab clock.

    Args:
        clock: the lab clock.
        start: when the first interval begins (lab time).
        dt: the interval (s).
    """

    def __init__(self, clock: Clock, start: float, dt: float) -> None:
        self._clock = clock
        self._start = start
        self._dt = dt
        #: Deadlines that have passed, those left out included.
        self.passed = 0
        #: Deadlines that were left out before the present one.
        self.missed = 0

    def wait_next(self, *cancels: Cancel) -> float | None:
        """Wait for the next deadline; how late (s) we are at it, or None when a token ended the wait."""
        now = self._clock.now()
        due = self.passed + 1
        self.missed = 0
        if now - self._at(due) > _TOO_LATE * self._dt:
            reached = max(due + 1, math.ceil((now - self._start) / self._dt))
            self.missed, due = reached - due, reached
        if not self._clock.wait_until(self._at(due), *cancels):
            return None
        self.passed = due
        return max(0.0, self._clock.now() - self._at(due))

    def _at(self, number: int) -> float:
        return self._start + number * self._dt


class Timing:
    """What was achieved for one technique: lateness of each reading, and the real distances between them."""

    def __init__(self, technique: str, dt: float) -> None:
        self._technique = technique
        self._dt = dt
        self._lateness = array("d")
        self._times = array("d")
        self._missed = 0

    def add(self, lateness: float, time: float, missed: int) -> None:
        """One reading: how late it was begun (s, host), its own time (s), deadlines left out before it."""
        self._lateness.append(lateness)
        self._times.append(time)
        self._missed += missed

    def to_json(self) -> dict[str, object]:
        """Plain data for the record of the step; times in s. ``dt`` is what was asked for."""
        intervals = [later - earlier for earlier, later in itertools.pairwise(self._times)]
        return {
            "technique": self._technique,
            "rows": len(self._times),
            "dt": self._dt,
            "missed_deadlines": self._missed,
            "lateness": spread(self._lateness),
            "real_dt": spread(intervals),
        }
