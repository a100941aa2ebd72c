"""What every clock can do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from luggin.clock.base import Cancel, Worker
from luggin.clock.queue import ClockQueue

T = TypeVar("T")


class Clock(Protocol):
    """What every clock can do. Times are seconds; zero is arbitrary."""

    @property
    def speed(self) -> float:
        """Lab seconds per host second; infinity for virtual time."""
        ...

    @property
    def virtual(self) -> bool:
        """True if time jumps instead of passing."""
        ...

    def now(self) -> float:
        """The time, monotonic."""
        ...

    def utc(self) -> datetime:
        """The time of day that belongs to `now`, in UTC."""
        ...

    def wait_until(self, when: float, *cancels: Cancel) -> bool:
        """Wait; True when the time is reached, False when a token ended the wait."""
        ...

    def sleep(self, seconds: float, *cancels: Cancel) -> bool:
        """`wait_until` from now."""
        ...

    def cancel(self) -> Cancel:
        """A fresh token of this clock."""
        ...

    def queue(self, maxsize: int) -> ClockQueue[T]:
        """A bounded queue between workers of this clock."""
        ...

    def worker(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Within the block, the calling thread takes part in this clock's time."""
        ...

    def start_worker(self, name: str, target: Callable[[], None]) -> Worker:
        """Start a thread that takes part in this clock's time from its first moment."""
        ...
