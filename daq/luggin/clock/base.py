"""Registration of workers, cancel tokens and waits; the subclasses say how time goes on."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from luggin.clock.queue import ClockQueue
from luggin.clock.waiting import FOREVER, Wait

T = TypeVar("T")


class Cancel:
    """A token that ends waits. Any thread may `set` it, also one that the clock does not know."""

    def __init__(self, clock: BaseClock) -> None:
        self._clock = clock
        self._set = False
        self._waits: list[Wait] = []

    @property
    def is_set(self) -> bool:
        """True once somebody asked."""
        return self._set

    def set(self) -> None:
        """Ask: every wait that carries this token ends now, and later ones do not begin."""
        with self._clock._lock:
            self._set = True
            for wait in self._waits:
                # A wait that time (or a queue) has ended already was not ended by this token.
                if not wait.released:
                    wait.cancelled = True
                    self._clock._release(wait)

    def clear(self) -> None:
        """Forget that somebody asked (before the token is used for the next technique)."""
        with self._clock._lock:
            self._set = False


class Worker:
    """A thread that takes part in a clock's time. `join` waits on that clock."""

    def __init__(self, clock: BaseClock, name: str, target: Callable[[], None]) -> None:
        self._clock = clock
        self._target = target
        self._done = Cancel(clock)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._rank = clock._enter(name)
        try:
            self._thread.start()
        except BaseException:
            clock._leave(self._rank)
            raise

    def _run(self) -> None:
        self._clock._adopt(self._rank)
        try:
            self._target()
        except BaseException as error:  # noqa: BLE001 - kept, and raised where the worker is joined
            self.error = error
        finally:
            self._done.set()
            self._clock._leave(self._rank)

    def join(self, until: float = FOREVER) -> bool:
        """Wait for the thread's end; re-raises what it raised. False when ``until`` came first."""
        if not self._done.is_set:
            self._clock.wait_until(until, self._done)
        if not self._done.is_set:
            return False
        self._thread.join()
        if self.error is not None:
            raise self.error
        return True


class BaseClock:
    """Registration, tokens and queues; the subclasses say how time goes on."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._waits: list[Wait] = []
        self._next_rank = itertools.count(1)
        self._workers: dict[int, str] = {}  # rank -> name
        self._ranks: dict[int, int] = {}  # thread -> rank, as soon as the thread runs
        self._happenings = 0

    # -- what a subclass adds
    @property
    def speed(self) -> float:
        """Lab seconds per host second."""
        raise NotImplementedError

    @property
    def virtual(self) -> bool:
        """True if time jumps instead of passing."""
        return False

    def now(self) -> float:
        """The time, monotonic."""
        raise NotImplementedError

    def utc(self) -> datetime:
        """The time of day that belongs to `now`, in UTC."""
        raise NotImplementedError

    def _reached(self, when: float) -> bool:
        """True if nobody has to wait for this time. Called with the lock held."""
        return when <= self.now()

    def _await(self, wait: Wait) -> None:
        """Return when the wait is over."""
        raise NotImplementedError

    def _advance(self) -> None:
        """Virtual time only: jump if everybody waits. Called with the lock held."""

    # -- common
    def wait_until(self, when: float, *cancels: Cancel) -> bool:
        """Wait; True when the time is reached, False when a token ended the wait."""
        if when != when:
            raise ValueError("cannot wait until a time that is not a number")
        with self._lock:
            if self._ended(cancels):
                return False
            if self._reached(when):
                return True
            wait = self._prepare(when, cancels)
        return wait is not None and self._block(wait, cancels)

    def sleep(self, seconds: float, *cancels: Cancel) -> bool:
        """`wait_until` from now."""
        return self.wait_until(self.now() + seconds, *cancels)

    def cancel(self) -> Cancel:
        """A fresh token of this clock."""
        return Cancel(self)

    def queue(self, maxsize: int) -> ClockQueue[T]:
        """A bounded queue between workers of this clock."""
        return ClockQueue(self, maxsize)

    @contextlib.contextmanager
    def worker(self, name: str) -> Iterator[None]:
        """Within the block, the calling thread takes part in this clock's time (once, however often it says so)."""
        if threading.get_ident() in self._ranks:
            yield
            return
        rank = self._enter(name)
        self._adopt(rank)
        try:
            yield
        finally:
            self._leave(rank)

    def start_worker(self, name: str, target: Callable[[], None]) -> Worker:
        """Start a thread that takes part in this clock's time from its first moment.

        Start several from a thread that takes part itself: otherwise the first one, waiting alone,
        is ahead of the second before that one begins.
        """
        return Worker(self, name, target)

    # -- who takes part
    def _enter(self, name: str) -> int:
        with self._lock:
            rank = next(self._next_rank)
            self._workers[rank] = name
            self._happenings += 1
            return rank

    def _adopt(self, rank: int) -> None:
        with self._lock:
            self._ranks[threading.get_ident()] = rank

    def _leave(self, rank: int) -> None:
        with self._lock:
            del self._workers[rank]
            if self._ranks.get(threading.get_ident()) == rank:
                del self._ranks[threading.get_ident()]
            self._happenings += 1
            self._advance()

    # -- waits; the lock is held in all of these but _block
    def _ended(self, cancels: tuple[Cancel, ...]) -> bool:
        for cancel in cancels:
            if cancel._clock is not self:
                raise ValueError("a token ends waits on its own clock only: make it with that clock's cancel()")
            if cancel._set:
                return True
        return False

    def _prepare(self, when: float, cancels: tuple[Cancel, ...]) -> Wait | None:
        if self._ended(cancels):
            return None
        wait = Wait(when, self._ranks.get(threading.get_ident()))
        self._waits.append(wait)
        self._happenings += 1
        for cancel in cancels:
            cancel._waits.append(wait)
        return wait

    def _block(self, wait: Wait, cancels: tuple[Cancel, ...], also: list[Wait] | None = None) -> bool:
        try:
            self._await(wait)
        finally:
            # Also on the way out of an exception: a wait left behind would let time run on without its thread.
            with self._lock:
                self._forget(wait, cancels, also)
        return not wait.cancelled

    def _release(self, wait: Wait) -> None:
        if not wait.released:
            wait.released = True
            self._waits.remove(wait)
            self._happenings += 1
            wait.lock.release()

    def _forget(self, wait: Wait, cancels: tuple[Cancel, ...], also: list[Wait] | None) -> None:
        if not wait.released:
            wait.released = True
            self._waits.remove(wait)
        for cancel in cancels:
            if wait in cancel._waits:
                cancel._waits.remove(wait)
        if also is not None and wait in also:
            also.remove(wait)
