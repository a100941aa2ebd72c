"""Time that jumps."""

from __future__ import annotations

import sys
import threading
import traceback
from datetime import UTC, datetime, timedelta

from luggin.clock.base import BaseClock
from luggin.clock.waiting import FOREVER, Wait
from luggin.errors import ClockStalled

#: Calls of each worker that the report of a stall shows.
STACK_DEPTH = 6


class VirtualClock(BaseClock):
    """Time that jumps to the earliest wake-up as soon as every registered worker waits.

    Args:
        start: lab time at the beginning (s).
        utc: the time of day that belongs to lab time ``start``; now if not given.
        stall_after: host seconds without anything happening on this clock after which whoever waits on
            it raises `ClockStalled`.
    """

    def __init__(self, start: float = 0.0, utc: datetime | None = None, stall_after: float = 10.0) -> None:
        super().__init__()
        self._now = start
        self._start = start
        self._utc = utc or datetime.now(UTC)
        self._stall_after = stall_after

    @property
    def speed(self) -> float:
        """Infinite: virtual time takes no time."""
        return FOREVER

    @property
    def virtual(self) -> bool:
        """True: time jumps instead of passing."""
        return True

    def now(self) -> float:
        """Lab time."""
        return self._now

    def utc(self) -> datetime:
        """UTC of the start plus lab time."""
        return self._utc + timedelta(seconds=self._now - self._start)

    def _reached(self, when: float) -> bool:
        if when <= self._now:
            return True
        alone = len(self._workers) == (threading.get_ident() in self._ranks)
        if alone and not self._waits and when != FOREVER:
            self._now = when  # nobody else takes part or waits: nobody to hand over to
            return True
        return False

    def _advance(self) -> None:
        while self._waits and self._waiting_workers() >= len(self._workers):
            when = min(w.until for w in self._waits)
            if when == FOREVER:
                return
            self._now = max(self._now, when)
            due = [w for w in self._waits if w.until <= self._now]
            # Threads that take no part are told at once, and time does not wait for what they do then.
            for wait in due:
                if wait.rank is None:
                    self._release(wait)
            ranked = [(w.until, w.rank, w) for w in due if w.rank is not None]
            if ranked:
                # One at a time: the next one follows when this one waits again or leaves.
                self._release(min(ranked, key=lambda entry: entry[:2])[2])
            if ranked or not self._workers:
                return

    def _waiting_workers(self) -> int:
        return sum(w.rank is not None for w in self._waits)

    def _await(self, wait: Wait) -> None:
        with self._lock:
            self._advance()
            seen = self._happenings
        while not wait.lock.acquire(timeout=self._stall_after):
            with self._lock:
                if wait.released:
                    return
                # Others may have been busy with short waits all the while: only silence is a stall.
                if self._happenings == seen:
                    raise ClockStalled(self._stalled())
                seen = self._happenings

    def _stalled(self) -> str:
        """Why time stands still, and what every registered worker is doing."""
        if self._waiting_workers() < len(self._workers):
            why = "a worker neither waits on the clock nor ends"
        elif all(w.until == FOREVER for w in self._waits):
            why = "everybody waits for everybody"
        else:
            why = "threads that take no part in it wait for one another"
        threads = {rank: ident for ident, rank in self._ranks.items()}
        frames = sys._current_frames()
        stacks = []
        for rank, name in self._workers.items():
            frame = frames.get(threads.get(rank, -1))
            lines = traceback.format_stack(frame)[-STACK_DEPTH:] if frame else ["  has not begun to run\n"]
            stacks.append(f"--- {name}\n" + "".join(lines))
        return f"time of the experiment stood still for {self._stall_after:g} s: {why}\n" + "".join(stacks)
