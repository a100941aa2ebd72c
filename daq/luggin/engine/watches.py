"""One limit and how it is being kept: what value is judged, how long it has been outside, when that is a trip."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from luggin.engine.bounds import Limit, Trip
from luggin.engine.slopes import SlidingSlope
from luggin.records import Flag, Schema

Row = tuple[Any, ...]
Value = Callable[[Row, float, int], float | None]
"""What is judged, from a row, its time (s) and its flags; None where there is nothing to judge yet."""

#: The lowest and highest readings that can be true, by column: nothing is colder than 0 K.
_PHYSICAL = {("temperature", "K"): (0.0, math.inf), ("temperature", "degC"): (-273.15, math.inf)}
_GAP, _OPEN = Flag.GAP.value, Flag.CELL_OFF.value


class Watch:
    """A limit on one column. `left` is asked only about readings that are not simply inside.

    Args:
        limit: in the unit of the column.
        index: of the column.
        reach: lowest and highest reading that is possible at all.
    """

    __slots__ = ("_before", "_since", "high", "index", "invalid", "limit", "low", "outside", "reach")

    def __init__(self, limit: Limit, index: int, reach: tuple[float, float]) -> None:
        self.limit = limit
        self.index = index
        self.reach = reach
        #: What is simply inside.
        self.low, self.high = (limit.low, limit.high)
        if limit.kind == "between":
            self.low, self.high = max(limit.low, reach[0]), min(limit.high, reach[1])
        self.outside = 0
        self.invalid = 0
        self._since = 0.0
        self._before = 0.0

    def left(self, value: float, now: float, number: int, stale: bool) -> Trip | None:
        """Count a row that is not simply inside; a trip if it has lasted long enough."""
        limit = self.limit
        words = self._unusable(value, stale)
        if words is None:
            self.invalid = 0
        else:
            self.invalid += 1
            if self.invalid >= limit.invalid:
                return Trip(limit, value, number, "stop", "invalid", words)
        if math.isnan(value):
            return None
        if limit.low <= value <= limit.high:
            return None
        if self.outside == 0:
            self._since = now
        elif now < self._before:
            self._since -= self._before - now  # the instrument began to count anew: what has lasted, has lasted
        self._before = now
        self.outside += 1
        if self.outside < limit.rows or now - self._since < limit.seconds:
            return None
        return Trip(limit, value, number, limit.then)

    def _unusable(self, value: float, stale: bool) -> str | None:
        """Why nothing can be said by this reading, or None if something can."""
        if math.isnan(value):
            return ""
        if self.limit.kind == "between" and not self.reach[0] <= value <= self.reach[1]:
            return f"{self.limit.show(value)} cannot be"
        return "the same reading again and again" if stale else None


class Derived(Watch):
    """A limit on something that is computed from a row, or from it and those before."""

    __slots__ = ("value",)

    def __init__(self, limit: Limit, reach: tuple[float, float], value: Value) -> None:
        super().__init__(limit, -1, reach)
        self.value = value


def rate_of(index: int, over: float) -> Value:
    """The rate of change of a column. What lies before a gap does not count, and a missing reading is left out."""
    slope = SlidingSlope(over)

    def value(row: Row, now: float, flags: int) -> float | None:
        if flags & _GAP:
            slope.reset()
        reading = row[index]
        if not math.isfinite(reading):
            return math.nan
        return slope.add(now, reading)

    return value


def charge_of(index: int) -> Value:
    """The charge since the first row (C): the current over time by trapezoids, over missing readings too.

    What flowed while the instrument reports an open cell is nothing.
    """
    total, before, at = 0.0, math.nan, 0.0

    def value(row: Row, now: float, flags: int) -> float | None:
        nonlocal total, before, at
        current = row[index]
        if math.isnan(current):
            return math.nan
        if now > at and not math.isnan(before) and not flags & _OPEN:
            total += (current + before) / 2 * (now - at)
        before, at = current, now
        return total

    return value


def product_of(one: int, other: int) -> Value:
    """The product of two columns."""

    def value(row: Row, now: float, flags: int) -> float | None:
        product: float = row[one] * row[other]
        return product

    return value


def judged_columns(schema: Schema) -> frozenset[str]:
    """What limits can be judged by on rows of a schema: its columns, and what is computed from them."""
    names = set(schema.names)
    if "current" in names:
        names |= {"power"} if names & {"potential", "voltage"} else set()
        names |= {"charge"} if "instrument_time" in names else set()
    return frozenset(names)


def power_columns(schema: Schema) -> tuple[int, int]:
    """Where the two factors of the power stand."""
    names = schema.names
    return names.index("voltage" if "voltage" in names else "potential"), names.index("current")


def possible(column: str, unit: str, reach: tuple[float, float] | None) -> tuple[float, float]:
    """Lowest and highest reading that can be true: of the instrument if it says so, else by nature."""
    return reach if reach is not None else _PHYSICAL.get((column, unit), (-math.inf, math.inf))
