"""Time, handed in.

Two kinds of time run through Luggin. The *lab clock* is the time of the experiment: steps, drivers,
instrument timeouts and limits wait on it, and it may be virtual. The *host clock* is the time of
the computer and always real: sync and publish timers, locks, progress.

Three clocks have one interface:

`RealClock`
    the time that passes.
`ScaledClock`
    ``speed`` times faster, for a simulated instrument in another process.
`VirtualClock`
    jumps to the earliest wake-up as soon as every registered worker waits. Two hours of soak take
    as long as the computing in between. Workers whose time has come are woken one after another, in
    the order of their deadlines and then of their registration: two runs wake in the same order.

Every wait takes cancel tokens, so nothing that waits is out of reach. Between lab workers only the
clock's own queue and joins may be used: a worker that blocks on anything else would hold virtual
time still (and the stall watch would say so).
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar

from luggin.errors import ClockStalled

T = TypeVar("T")
_FOREVER = float("inf")
#: Longest single wait on a lock (host s); the platforms' own largest timeouts differ.
_LONGEST_SLICE = 3600.0
#: Calls of each worker that the report of a stall shows.
_STACK_DEPTH = 6


class Cancel:
    """A token that ends waits. Any thread may `set` it, also one that the clock does not know."""

    def __init__(self, clock: _BaseClock) -> None:
        self._clock = clock
        self._set = False
        self._waits: list[_Wait] = []

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


class _Wait:
    """One thread that waits. ``rank`` is its place among the workers, None for a thread that takes no part."""

    __slots__ = ("cancelled", "lock", "rank", "released", "until")

    def __init__(self, until: float, rank: int | None) -> None:
        self.until = until
        self.rank = rank
        self.released = False
        self.cancelled = False
        self.lock = threading.Lock()
        self.lock.acquire()


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


class Worker:
    """A thread that takes part in a clock's time. `join` waits on that clock."""

    def __init__(self, clock: _BaseClock, name: str, target: Callable[[], None]) -> None:
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

    def join(self, until: float = _FOREVER) -> bool:
        """Wait for the thread's end; re-raises what it raised. False when ``until`` came first."""
        if not self._done.is_set:
            self._clock.wait_until(until, self._done)
        if not self._done.is_set:
            return False
        self._thread.join()
        if self.error is not None:
            raise self.error
        return True


class ClockQueue(Generic[T]):
    """A bounded queue between lab workers: both `put` and `get` wait on the clock.

    Whoever puts wakes one getter under the clock's lock, so that virtual time cannot go on before
    the item is taken. A token that both sides pass to their calls closes the queue for both.
    """

    def __init__(self, clock: _BaseClock, maxsize: int) -> None:
        if maxsize < 1:
            raise ValueError(f"a queue holds at least one item, not {maxsize}")
        self._clock = clock
        self._maxsize = maxsize
        self._items: deque[T] = deque()
        self._getters: list[_Wait] = []
        self._putters: list[_Wait] = []

    def put(self, item: T, *cancels: Cancel) -> bool:
        """Append, waiting while the queue is full. False when a token is set and there is still no room."""
        while True:
            with self._clock._lock:
                if len(self._items) < self._maxsize:
                    self._items.append(item)
                    self._wake(self._getters)
                    return True
                wait = self._clock._prepare(_FOREVER, cancels)
                if wait is None:
                    return False
                self._putters.append(wait)
            # Looks again even if a token ended the wait: room may have been made for this very call.
            self._clock._block(wait, cancels, self._putters)

    def get(self, *cancels: Cancel) -> T | None:
        """Take the oldest, waiting while there is none. None when a token is set and there still is none."""
        while True:
            with self._clock._lock:
                if self._items:
                    item = self._items.popleft()
                    self._wake(self._putters)
                    return item
                wait = self._clock._prepare(_FOREVER, cancels)
                if wait is None:
                    return None
                self._getters.append(wait)
            # Looks again even if a token ended the wait: an item may have come for this very call.
            self._clock._block(wait, cancels, self._getters)

    def statistics(self) -> dict[str, int]:
        """How full it is."""
        with self._clock._lock:
            return {"items": len(self._items), "maxsize": self._maxsize}

    def _wake(self, waits: list[_Wait]) -> None:
        """End the oldest wait that nothing else has ended already."""
        while waits:
            wait = waits.pop(0)
            if not wait.released:
                self._clock._release(wait)
                return


class _BaseClock:
    """Registration, tokens and queues; the subclasses say how time goes on."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._waits: list[_Wait] = []
        self._next_rank = itertools.count(1)
        self._workers: dict[int, str] = {}  # rank -> name
        self._ranks: dict[int, int] = {}  # thread -> rank, as soon as the thread runs
        self._happenings = 0

    # -- what a subclass adds
    @property
    def speed(self) -> float:
        raise NotImplementedError

    @property
    def virtual(self) -> bool:
        return False

    def now(self) -> float:
        raise NotImplementedError

    def utc(self) -> datetime:
        raise NotImplementedError

    def _reached(self, when: float) -> bool:
        """True if nobody has to wait for this time. Called with the lock held."""
        return when <= self.now()

    def _await(self, wait: _Wait) -> None:
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

    def _prepare(self, when: float, cancels: tuple[Cancel, ...]) -> _Wait | None:
        if self._ended(cancels):
            return None
        wait = _Wait(when, self._ranks.get(threading.get_ident()))
        self._waits.append(wait)
        self._happenings += 1
        for cancel in cancels:
            cancel._waits.append(wait)
        return wait

    def _block(self, wait: _Wait, cancels: tuple[Cancel, ...], also: list[_Wait] | None = None) -> bool:
        try:
            self._await(wait)
        finally:
            # Also on the way out of an exception: a wait left behind would let time run on without its thread.
            with self._lock:
                self._forget(wait, cancels, also)
        return not wait.cancelled

    def _release(self, wait: _Wait) -> None:
        if not wait.released:
            wait.released = True
            self._waits.remove(wait)
            self._happenings += 1
            wait.lock.release()

    def _forget(self, wait: _Wait, cancels: tuple[Cancel, ...], also: list[_Wait] | None) -> None:
        if not wait.released:
            wait.released = True
            self._waits.remove(wait)
        for cancel in cancels:
            if wait in cancel._waits:
                cancel._waits.remove(wait)
        if also is not None and wait in also:
            also.remove(wait)


class ScaledClock(_BaseClock):
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

    def _await(self, wait: _Wait) -> None:
        while not wait.released:
            left = (wait.until - self.now()) / self._speed
            if left <= 0 or wait.lock.acquire(timeout=min(left, _LONGEST_SLICE)):
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


class VirtualClock(_BaseClock):
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
        return _FOREVER

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
        if alone and not self._waits and when != _FOREVER:
            self._now = when  # nobody else takes part or waits: nobody to hand over to
            return True
        return False

    def _advance(self) -> None:
        while self._waits and self._waiting_workers() >= len(self._workers):
            when = min(w.until for w in self._waits)
            if when == _FOREVER:
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

    def _await(self, wait: _Wait) -> None:
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
        elif all(w.until == _FOREVER for w in self._waits):
            why = "everybody waits for everybody"
        else:
            why = "threads that take no part in it wait for one another"
        threads = {rank: ident for ident, rank in self._ranks.items()}
        frames = sys._current_frames()
        stacks = []
        for rank, name in self._workers.items():
            frame = frames.get(threads.get(rank, -1))
            lines = traceback.format_stack(frame)[-_STACK_DEPTH:] if frame else ["  has not begun to run\n"]
            stacks.append(f"--- {name}\n" + "".join(lines))
        return f"time of the experiment stood still for {self._stall_after:g} s: {why}\n" + "".join(stacks)


__all__ = ["Cancel", "Clock", "ClockQueue", "RealClock", "ScaledClock", "VirtualClock", "Worker"]
