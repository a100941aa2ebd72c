"""How fast a column changes: the slope of a straight line through the readings of a sliding time."""

from __future__ import annotations

from collections import deque

#: Into so many groups the readings of the sliding time are summed up: what is kept does not grow with the rate.
GROUPS = 32


class SlidingSlope:
    """The rate of change of readings that come one by one.

    Over a time (``over`` > 0) it is the slope of the straight line of least squares through the
    readings of that time. Noise of standard deviation s of single readings becomes s sqrt(12/n)/over
    in the rate, for n readings in that time (Bevington and Robinson, Data Reduction and Error
    Analysis, 3rd ed., section 6.4, for equal spacing and many readings). There is no rate before the
    readings span that time, so what follows a gap is judged by what follows it alone. From row to row
    (``over`` = 0) it is the difference of two readings by their distance in time.

    Args:
        over: the time over which the rate is taken (s), or 0.
    """

    __slots__ = ("_dropped", "_first", "_group", "_groups", "_last", "_over", "_sums", "_value")

    def __init__(self, over: float) -> None:
        self._over = over
        self._group = over / GROUPS
        self.reset()

    def reset(self) -> None:
        """Forget all readings: the next one is not compared with those before."""
        # Groups are [time of the first reading, n, sum t, sum v, sum t t, sum t v], from the first reading on.
        self._groups: deque[list[float]] = deque()
        self._sums = [0.0, 0.0, 0.0, 0.0, 0.0]
        self._first = self._last = 0.0
        self._value = 0.0
        self._dropped = 0

    def add(self, time: float, value: float) -> float | None:
        """Take one more reading; the rate (unit of the value per s), or None while there is none."""
        groups = self._groups
        if not groups or time < self._last:  # also where an instrument begins to count anew
            self.reset()
            self._groups.append([time, 1.0, 0.0, 0.0, 0.0, 0.0])
            self._sums[0] = 1.0
            self._first = self._last = time
            self._value = value
            return None
        if not self._over:
            passed, changed = time - self._last, value - self._value
            self._last, self._value = time, value
            return changed / passed if passed > 0 else None
        self._last = time
        sums = self._sums
        t, v = time - self._first, value - self._value
        tt, tv = t * t, t * v
        group = groups[-1]
        if time - group[0] >= self._group:
            groups.append([time, 1.0, t, v, tt, tv])
            while len(groups) > 2 and groups[1][0] <= time - self._over:
                self._drop(groups.popleft())
        else:
            group[1] += 1.0
            group[2] += t
            group[3] += v
            group[4] += tt
            group[5] += tv
        sums[0] += 1.0
        sums[1] += t
        sums[2] += v
        sums[3] += tt
        sums[4] += tv
        if time - groups[0][0] < self._over:
            slope = None
        else:
            n, st, sv, stt, stv = sums
            spread = n * stt - st * st
            slope = (n * stv - st * sv) / spread if spread > 0 else None
        if self._dropped >= GROUPS:
            self._move_origin()
        return slope

    def _drop(self, group: list[float]) -> None:
        """Take the oldest readings out of the sums."""
        for position in range(5):
            self._sums[position] -= group[position + 1]
        self._dropped += 1

    def _move_origin(self) -> None:
        """Count time and value from the oldest group on, so that no digits are lost in a run of days."""
        oldest = self._groups[0]
        a, b = oldest[2] / oldest[1], oldest[3] / oldest[1]
        for group in self._groups:
            _, n, st, sv, stt, stv = group
            group[2:] = st - n * a, sv - n * b, stt - 2 * a * st + n * a * a, stv - a * sv - b * st + n * a * b
        self._sums = [sum(group[position] for group in self._groups) for position in range(1, 6)]
        self._first += a
        self._value += b
        self._dropped = 0
