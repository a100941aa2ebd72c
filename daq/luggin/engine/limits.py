"""Limits of the cell, checked on every row before anything else happens to it.

A limit is a column, a range, how long it must be left before it counts, and what happens then.
Short frames take a scalar path, blocks a vectorised one; both give the same answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from luggin.engine.bounds import INVALID_ROWS as INVALID_ROWS
from luggin.engine.bounds import Action as Action
from luggin.engine.bounds import Limit as Limit
from luggin.engine.bounds import Trip as Trip
from luggin.engine.bounds import limits_of as limits_of
from luggin.records import Frame, Schema


class LimitGuard:
    """Checks the frames of one technique. Made anew for each, so nothing is carried over.

    A value that is not a number cannot be judged: after `INVALID_ROWS` of them in a row the limit
    trips, because a cell that cannot be watched is not safe. Rows that the instrument flags as an
    overload are judged by what they show; a flag alone is not a trip. A limit that must be left for
    a time is judged by the instrument's own time, or by the arrival of frames where it has none.

    Args:
        limits: the limits in force.
        schema: the columns of the frames; limits on other columns do not apply here.
    """

    def __init__(self, limits: Sequence[Limit], schema: Schema) -> None:
        names = schema.names
        self._applicable = tuple(limit for limit in limits if limit.column in names)
        self._watch = tuple(
            _Watch(
                limit, names.index(limit.column), names.index("instrument_time") if "instrument_time" in names else -1
            )
            for limit in self._applicable
        )
        self._check: Callable[[Frame], Trip | None] = self._scalar if self._watch else _nothing_to_check

    @property
    def applicable(self) -> tuple[Limit, ...]:
        """The limits that this schema can be judged by."""
        return self._applicable

    def check(self, frame: Frame) -> Trip | None:
        """The first trip within the frame, or None. A ``stop`` anywhere in the frame comes before an ``end_step``."""
        if frame.is_block and len(frame) > 8 and self._all_inside(frame):
            return None
        return self._check(frame)

    def _scalar(self, frame: Frame) -> Trip | None:
        first: Trip | None = None
        for number, row in enumerate(frame.rows()):
            for watch in self._watch:
                value = row[watch.index]
                if watch.low <= value <= watch.high:
                    watch.outside = watch.invalid = 0
                    continue
                trip = watch.left(value, row, number, frame.received)
                if trip is not None:
                    if trip.then == "stop":
                        return trip
                    first = first or trip
        return first

    def _all_inside(self, frame: Frame) -> bool:
        """True, and every watch reset, if no value of the block is outside: the usual case."""
        array = frame.array()
        for watch in self._watch:
            # In double precision as in the scalar path: a limit of 0.1 is none of the single-precision numbers.
            column = array[watch.limit.column].astype("f8", copy=False)
            if not ((column >= watch.low) & (column <= watch.high)).all():
                return False
        for watch in self._watch:
            watch.outside = watch.invalid = 0
        return True


class _Watch:
    __slots__ = ("before", "high", "index", "invalid", "limit", "low", "outside", "since", "time_index")

    def __init__(self, limit: Limit, index: int, time_index: int) -> None:
        self.limit = limit
        self.index = index
        self.time_index = time_index
        self.low = limit.low
        self.high = limit.high
        self.outside = 0
        self.invalid = 0
        self.since = 0.0
        self.before = 0.0

    def left(self, value: float, row: tuple[Any, ...], number: int, received: float) -> Trip | None:
        """Count a row outside the range; a trip if it has lasted long enough."""
        if math.isnan(value):
            self.invalid += 1
            return Trip(self.limit, value, number, "stop") if self.invalid >= INVALID_ROWS else None
        self.invalid = 0
        now = row[self.time_index] if self.time_index >= 0 else received
        if self.outside == 0:
            self.since = now
        elif now < self.before:
            self.since -= self.before - now  # the instrument began to count anew: what has lasted, has lasted
        self.before = now
        self.outside += 1
        if self.outside < self.limit.rows or now - self.since < self.limit.seconds:
            return None
        return Trip(self.limit, value, number, self.limit.then)


def _nothing_to_check(frame: Frame) -> Trip | None:
    return None
