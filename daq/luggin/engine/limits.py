"""Limits of the cell, checked on every row before anything else happens to it.

A limit is a column, a window (or a window of rates), how long it must be left before it counts, and
what happens then. Short frames take a scalar path, blocks a vectorised one; both give the same answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from luggin.engine.bounds import FLAG_WORDS
from luggin.engine.bounds import INVALID_ROWS as INVALID_ROWS
from luggin.engine.bounds import Action as Action
from luggin.engine.bounds import Limit as Limit
from luggin.engine.bounds import Trip as Trip
from luggin.engine.bounds import limits_of as limits_of
from luggin.engine.watches import (
    Derived,
    Value,
    Watch,
    charge_of,
    judged_columns,
    possible,
    power_columns,
    product_of,
    rate_of,
)
from luggin.records import Flag, Frame, Schema

#: Rows in a row with a flag that nobody expects, which are a trip. An overload has a few where a range is
#: changed; the relay of an instrument that opens the cell between two sweeps is seen in one.
FLAG_ROWS = {
    Flag.POTENTIAL_OVERLOAD: 5,
    Flag.CURRENT_OVERLOAD: 5,
    Flag.COMPLIANCE: 5,
    Flag.OVERTEMPERATURE: 1,
    Flag.CELL_OFF: 3,
}
_RANGE_CHANGED, _COMPLIANCE = Flag.RANGE_CHANGED.value, Flag.COMPLIANCE.value
#: Blocks of so many rows or fewer are quicker row by row.
_SHORT = 8


class LimitGuard:
    """Checks the frames of one technique. Made anew for each, so nothing is carried over.

    What is not simply inside is one of these:

    - *outside*: for as many rows, or for as long, as the limit says. A time is the instrument's own, or
      that of arrival where it has none.
    - *not usable*: not a number; more than the instrument can show; or the very row that came before
      once more (the same time of the instrument with the same readings). So many of them in a row as the
      limit says are a stop, because a cell that cannot be watched is not safe. What is both outside and
      impossible counts as both.
    - *flagged*: the instrument reports an overload, compliance, overheating or an open cell that nobody
      expects, for `FLAG_ROWS` rows in a row. A row at which it changes its range does not count. Compliance
      beyond a limit is how an instrument holds that limit: then the limit itself says for how long.

    ``power`` and ``charge`` are computed where no column has them: potential (or voltage) times current,
    and the current over the instrument's time since the first row.

    Args:
        limits: the limits in force.
        schema: the columns of the frames; limits on what they do not have do not apply here.
        expected_flags: bits that are normal for this technique.
        reach: lowest and highest reading that is possible, by column (`luggin.engine.allowed.reach_of`).

    Raises:
        UnitError: a limit is of another kind of quantity than its column.
    """

    def __init__(
        self,
        limits: Sequence[Limit],
        schema: Schema,
        expected_flags: int = 0,
        reach: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        names = schema.names
        known = judged_columns(schema)
        self._applicable = tuple(limit for limit in limits if limit.column in known)
        own = names.index("instrument_time") if "instrument_time" in names else -1
        self._time = own if own >= 0 else names.index("time") if "time" in names else -1
        # Only an instrument's own time tells a new reading from an old one.
        self._repeatable = own >= 0
        self._readings = tuple(index for index, name in enumerate(names) if name != "flags")
        self._flags = names.index("flags") if "flags" in names else -1
        self._mask = _unexpected(expected_flags, names) if self._flags >= 0 else 0
        self._flagged: dict[Flag, int] = {}
        self._last: tuple[Any, ...] | None = None
        self._last_time = math.nan
        self._plain: list[Watch] = []
        self._products: list[Derived] = []
        self._running: list[Derived] = []
        for limit in self._applicable:
            self._add(limit, schema, reach or {})
        self._factors = power_columns(schema) if self._products else (0, 0)
        self._derived = [*self._products, *self._running]
        busy = self._plain or self._derived or self._mask
        self._check: Callable[[Frame], Trip | None] = self._judge if busy else _nothing_to_check

    def _add(self, limit: Limit, schema: Schema, reach: Mapping[str, tuple[float, float]]) -> None:
        names = schema.names
        if limit.column in names:
            column = schema.columns[names.index(limit.column)]
            limit = limit.in_unit(column.unit)
        allowed = possible(limit.column, limit.unit, reach.get(limit.column))
        index = names.index(limit.column) if limit.column in names else -1
        if index >= 0 and limit.kind == "between":
            self._plain.append(Watch(limit, index, allowed))
        elif index >= 0:
            self._running.append(Derived(limit, allowed, rate_of(index, limit.over)))
        else:
            self._computed(limit, schema, allowed)

    def _computed(self, limit: Limit, schema: Schema, allowed: tuple[float, float]) -> None:
        """A limit on what no column has."""
        if limit.column == "power":
            value = product_of(*power_columns(schema))
        else:
            value = charge_of(schema.names.index("current"))
        if limit.kind == "rate":
            value = _then(value, rate_of(0, limit.over))
        stateless = limit.column == "power" and limit.kind == "between"
        (self._products if stateless else self._running).append(Derived(limit, allowed, value))

    @property
    def applicable(self) -> tuple[Limit, ...]:
        """The limits that this schema can be judged by."""
        return self._applicable

    def check(self, frame: Frame) -> Trip | None:
        """The trip within the frame that decides, or None: the first stop, else the first suspend, else the first."""
        return self._check(frame)

    def _judge(self, frame: Frame) -> Trip | None:
        if frame.is_block and len(frame) > _SHORT and self._all_inside(frame):
            return self._scalar(frame, (), self._running) if self._running else None
        return self._scalar(frame, self._plain, self._derived)

    def _scalar(self, frame: Frame, plain: Sequence[Watch], derived: Sequence[Derived]) -> Trip | None:
        worst: Trip | None = None
        time_index, flags_index, mask = self._time, self._flags, self._mask
        flags, now = 0, frame.received
        for number, row in enumerate(frame.rows()):
            if flags_index >= 0:
                flags = row[flags_index]
                if flags & mask or self._flagged:
                    trip = self._reported(flags, row, number)
                    if trip is not None:
                        return trip
            if time_index >= 0:
                now = row[time_index]
            stale = now == self._last_time and self._repeatable and self._is_repeated(row)
            self._last, self._last_time = row, now
            for watch in plain:
                value = row[watch.index]
                if watch.low <= value <= watch.high and not stale:
                    watch.outside = watch.invalid = 0
                    continue
                trip = watch.left(value, now, number, stale)
                if trip is not None and trip.outweighs(worst):
                    worst = trip
            for one in derived:
                computed = one.value(row, now, flags)
                if computed is None:
                    continue
                if one.low <= computed <= one.high and not stale:
                    one.outside = one.invalid = 0
                    continue
                trip = one.left(computed, now, number, stale)
                if trip is not None and trip.outweighs(worst):
                    worst = trip
            if worst is not None and worst.then == "stop":
                return worst
        return worst

    def _reported(self, flags: int, row: tuple[Any, ...], number: int) -> Trip | None:
        """Count the rows with each flag that nobody expects."""
        if flags & _RANGE_CHANGED:
            return None
        unexpected = flags & self._mask
        if unexpected & _COMPLIANCE and not all(w.low <= row[w.index] <= w.high for w in self._plain):
            unexpected &= ~_COMPLIANCE
        for flag, rows in FLAG_ROWS.items():
            if not unexpected & flag:
                self._flagged.pop(flag, None)
                continue
            self._flagged[flag] = seen = self._flagged.get(flag, 0) + 1
            if seen >= rows:
                limit = Limit("flags", 0.0, 0.0, "1", rows=rows)
                return Trip(limit, float(flags), number, "stop", "flag", FLAG_WORDS[flag])
        return None

    def _is_repeated(self, row: tuple[Any, ...]) -> bool:
        """Whether a row with the time of the one before has its readings too; a missing one equals a missing one."""
        before = self._last
        return before is not None and all(
            row[index] == before[index] or (row[index] != row[index] and before[index] != before[index])
            for index in self._readings
        )

    def _all_inside(self, frame: Frame) -> bool:
        """True, and every plain watch reset, if nothing in the block needs a closer look: the usual case."""
        array = frame.array()
        if self._flagged or (self._mask and (array["flags"] & self._mask).any()):
            return False
        if self._repeatable:
            time = array["instrument_time"]
            if time[0] == self._last_time or (time[1:] == time[:-1]).any():
                return False
        for watch in self._plain:
            # In double precision as in the scalar path: a limit of 0.1 is none of the single-precision numbers.
            column = array[watch.limit.column].astype("f8", copy=False)
            if not ((column >= watch.low) & (column <= watch.high)).all():
                return False
        if self._products:
            import numpy as np

            one, other = (array[frame.schema.names[index]].astype("f8", copy=False) for index in self._factors)
            with np.errstate(invalid="ignore", over="ignore"):  # no number, as in the scalar path
                power = one * other
            if not all(((power >= watch.low) & (power <= watch.high)).all() for watch in self._products):
                return False
        for kept in (*self._plain, *self._products):
            kept.outside = kept.invalid = 0
        if not self._running:
            self._last = array[-1].item()
            self._last_time = self._last[self._time] if self._time >= 0 else frame.received
        return True


def _unexpected(expected: int, names: Sequence[str]) -> int:
    """The flags that are a trip. Where no current is measured the cell is open because it should be."""
    mask = 0
    for flag in FLAG_ROWS:
        mask |= flag.value
    if "current" not in names:
        mask &= ~Flag.CELL_OFF.value
    return mask & ~expected


def _then(first: Value, second: Value) -> Value:
    """The second computed from the first."""

    def value(row: tuple[Any, ...], now: float, flags: int) -> float | None:
        return second((first(row, now, flags),), now, flags)

    return value


def _nothing_to_check(frame: Frame) -> Trip | None:
    return None
