"""When a temperature counts as reached. Pure: times and readings in, a judgement out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

#: A window counts as full if it lacks no more than this part of it: readings do not come to the microsecond.
_NEARLY = 0.01


@dataclass(frozen=True)
class Criterion:
    """What has to hold, all of it together.

    Attributes:
        target: where the sensor has to be.
        within: largest distance from there, to either side.
        dwell: how long, without a break (s).
        slope: largest slope of a straight line through the readings of the window (per s); None: not judged.
        window: time over which the slope is taken (s).
    """

    target: float
    within: float
    dwell: float
    slope: float | None = None
    window: float = 600.0


@dataclass(frozen=True)
class Summary:
    """The readings of the last window: mean, standard deviation, slope (per s), how many."""

    mean: float
    spread: float
    slope: float
    readings: int


class Equilibrium:
    """Judges readings as they come.

    >>> judged = Equilibrium(Criterion(target=40.0, within=0.2, dwell=20.0))
    >>> [judged.add(10.0 * k, t) for k, t in enumerate([39.0, 39.9, 40.3, 40.1, 40.0, 40.0])]
    [False, False, False, False, False, True]
    >>> judged.restarts
    1

    A reading that could not be had (NaN) neither begins a dwell nor breaks one.
    """

    def __init__(self, criterion: Criterion) -> None:
        self._criterion = criterion
        self._readings: deque[tuple[float, float]] = deque()
        self._first: float | None = None
        #: Since when all of it has held (s); None while it does not.
        self.since: float | None = None
        #: How often a dwell that had begun was broken.
        self.restarts = 0

    def add(self, time: float, value: float) -> bool:
        """The next reading; True if what is asked for holds, and has held for the dwell."""
        if math.isnan(value):
            return False
        criterion, readings = self._criterion, self._readings
        readings.append((time, value))
        self._first = time if self._first is None else self._first
        while readings[0][0] < time - criterion.window:
            readings.popleft()
        if abs(value - criterion.target) <= criterion.within and self._is_flat(time):
            self.since = time if self.since is None else self.since
            return time - self.since >= criterion.dwell
        if self.since is not None:
            self.since = None
            self.restarts += 1
        return False

    def _is_flat(self, time: float) -> bool:
        limit = self._criterion.slope
        if limit is None:
            return True
        if self._first is None or time - self._first < self._criterion.window * (1 - _NEARLY):
            return False  # of a shorter time, the slope says little
        return abs(slope_of(self._readings)) <= limit

    def summary(self) -> Summary:
        """The readings of the last window; NaN where there are too few."""
        values = [value for _, value in self._readings]
        count = len(values)
        mean = math.fsum(values) / count if count else math.nan
        spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (count - 1)) if count > 1 else math.nan
        return Summary(mean, spread, slope_of(self._readings), count)


def slope_of(readings: Sequence[tuple[float, float]] | deque[tuple[float, float]]) -> float:
    """Slope of the straight line through readings (least squares); NaN for fewer than two times.

    >>> round(slope_of([(0.0, 1.0), (10.0, 2.0), (20.0, 3.0)]), 12)
    0.1
    """
    count = len(readings)
    if count < 2:
        return math.nan
    middle = sum(time for time, _ in readings) / count
    mean = sum(value for _, value in readings) / count
    above = below = 0.0
    for time, value in readings:
        distance = time - middle
        above += distance * (value - mean)
        below += distance * distance
    return above / below if below else math.nan
