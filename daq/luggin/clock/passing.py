"""Time that passes: the computer's own, or a multiple of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from luggin.clock.base import BaseClock
from luggin.clock.waiting import Wait

#: Longest single wait on a lock (host s); the platforms' own largest timeouts differ.
LONGEST_SLICE = 3600.0


class ScaledClock(BaseClock):
    """Time that passes ``speed`` times as fast as the computer's.

    Args:
        speed: lab seconds per host second, > 0.
        origin: host time (monotonic, s) of lab time zero; now if not given.
    """

    def __init__(self, speed: float, origin: float | None = None) -> None:
        super().__init__()
        if not speed > 0:
            raise ValueError(f"a clock's speed is positive, not {speed}")
        self._speed = speed
        self._origin = time.monotonic() if origin is None else origin
        self._utc = datetime.now(UTC) - timedelta(seconds=time.monotonic() - self._origin)

    @property
    def speed(self) -> float:
        """Lab seconds per host second."""
        return self._speed

    def now(self) -> float:
        """Lab time."""
        return (time.monotonic() - self._origin) * self._speed

    def utc(self) -> datetime:
        """UTC of the origin plus lab time; for speed 1 the time of day."""
        return self._utc + timedelta(seconds=self.now())

    def _await(self, wait: Wait) -> None:
        while not wait.released:
            left = (wait.until - self.now()) / self._speed
            if left <= 0 or wait.lock.acquire(timeout=min(left, LONGEST_SLICE)):
                return


class RealClock(ScaledClock):
    """The time that passes. `now` is the computer's monotonic time, the same in all its processes."""

    def __init__(self) -> None:
        super().__init__(1.0, 0.0)

    def now(self) -> float:
        """Monotonic time of the computer (s)."""
        return time.monotonic()

    def utc(self) -> datetime:
        """The time of day, from the computer's clock."""
        return datetime.now(UTC)
