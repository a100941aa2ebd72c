"""The two threads behind a store: one syncs, one publishes. Both live in the computer's time.

They wait on conditions with time-outs of the host clock and never touch the clock of the
experiment. They are daemons and hold nothing that a kill could spoil.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol


class HostClock(Protocol):
    """The part of `luggin.clock` that the store needs: seconds of the computer, never going back."""

    def now(self) -> float:
        """Seconds since some fixed moment."""


class Syncer:
    """One thread of the process that syncs the journals of all runs.

    Each journal is synced at least as often as its own interval asks; the thread runs while there
    is a journal to sync.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tasks: dict[object, tuple[float, Callable[[], None]]] = {}
        self._thread: threading.Thread | None = None

    def add(self, key: object, interval: float, sync: Callable[[], None]) -> None:
        """Call ``sync`` every ``interval`` seconds; it must not raise."""
        with self._changed:
            self._tasks[key] = (interval, sync)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="luggin-syncer", daemon=True)
                self._thread.start()
            self._changed.notify()

    def remove(self, key: object) -> None:
        """Stop calling; a call that is under way may still end after this."""
        with self._changed:
            self._tasks.pop(key, None)
            self._changed.notify()

    @property
    def running(self) -> bool:
        """True while the thread exists."""
        with self._changed:
            return self._thread is not None

    def _run(self) -> None:
        while True:
            with self._changed:
                # A journal that comes meanwhile with a shorter interval wakes us: then all are synced early.
                if self._tasks:
                    self._changed.wait(min(interval for interval, _ in self._tasks.values()))
                if not self._tasks:
                    self._thread = None
                    return
                tasks = [sync for _, sync in self._tasks.values()]
            for sync in tasks:
                sync()


SYNCER = Syncer()


class PublisherThread:
    """The thread that publishes for one writer.

    ``publish(partial)`` is called with False when a chunk has become full, with True when it was
    asked to publish everything or ``interval`` seconds have passed. Requests that come while it
    publishes become one; those that follow one another faster than ``pause`` seconds wait.
    """

    def __init__(self, clock: HostClock, interval: float, pause: float, publish: Callable[[bool], None]) -> None:
        self._clock = clock
        self._interval = interval
        self._pause = pause
        self._publish = publish
        self._changed = threading.Condition()
        self._asked = False
        self._chunk_full = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="luggin-publisher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ask(self) -> None:
        """Ask for everything to be published soon."""
        with self._changed:
            self._asked = True
            self._changed.notify()

    def chunk_full(self) -> None:
        """Say that there is a full chunk."""
        with self._changed:
            self._chunk_full = True
            self._changed.notify()

    def stop(self) -> None:
        """Return when the thread has ended; what it is publishing is published first."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        last = self._clock.now()
        while True:
            with self._changed:
                while not (self._stopping or self._chunk_full):
                    due = last + (self._pause if self._asked else self._interval)
                    left = due - self._clock.now()
                    if left <= 0 or not self._changed.wait(left):
                        break
                if self._stopping:
                    return
                partial = not self._chunk_full or (self._asked and self._clock.now() >= last + self._pause)
                self._chunk_full = False
                if partial:
                    self._asked = False
            self._publish(partial)
            if partial:
                last = self._clock.now()
