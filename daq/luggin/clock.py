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
    as long as the computing in between.

Every wait takes cancel tokens, so nothing that waits is out of reach. Between lab workers only the
clock's own queue and joins may be used: a worker that blocks on anything else would hold virtual
time still (and the stall watch would say so).
"""

from __future__ import annotations

import contextlib
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
                self._clock._release(wait)

    def clear(self) -> None:
        """Forget that somebody asked (before the token is used for the next technique)."""
        with self._clock._lock:
            self._set = False


class _Wait:
    __slots__ = ("lock", "registered", "released", "until")

    def __init__(self, until: float, registered: bool) -> None:
        self.until = until
        self.registered = registered
        self.released = False
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
        clock._enter(name)
        self._thread.start()

    def _run(self) -> None:
        self._clock._adopt()
        try:
            self._target()
        except BaseException as error:  # noqa: BLE001 - kept, and raised where the worker is joined
            self.error = error
        finally:
            self._done.set()
            self._clock._leave()

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
    """A bounded queue between lab workers: both `put` and `get` wait on the clock."""

    def __init__(self, clock: _BaseClock, maxsize: int) -> None:
        if maxsize < 1:
            raise ValueError(f"a queue holds at least one item, not {maxsize}")
        self._clock = clock
        self._maxsize = maxsize
        self._items: deque[T] = deque()
        self._getters: list[_Wait] = []
        self._putters: list[_Wait] = []

    def put(self, item: T, *cancels: Cancel) -> bool:
        """Append, waiting while the queue is full. False when a token ended the wait."""
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
            if not self._clock._block(wait, cancels, self._putters):
                return False

    def get(self, *cancels: Cancel) -> T | None:
        """Take the oldest, waiting while there is none. None when a token ended the wait."""
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
            if not self._clock._block(wait, cancels, self._getters):
                return None

    def statistics(self) -> dict[str, int]:
        """How full it is."""
        with self._clock._lock:
            return {"items": len(self._items), "maxsize": self._maxsize}

    def _wake(self, waits: list[_Wait]) -> None:
        if waits:
            self._clock._release(waits.pop(0))


class _BaseClock:
    """Registration, tokens and queues; the subclasses say how time goes on."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._waits: list[_Wait] = []
        self._names: dict[int, str] = {}
        self._workers = 0

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

    def _block(self, wait: _Wait, cancels: tuple[Cancel, ...], also: list[_Wait] | None = None) -> bool:
        raise NotImplementedError

    def _advance(self) -> None:
        """Virtual time only: jump if everybody waits. Called with the lock held."""

    # -- common
    def wait_until(self, when: float, *cancels: Cancel) -> bool:
        """Wait; True when the time is reached, False when a token ended the wait."""
        with self._lock:
            wait = self._prepare(when, cancels)
        if wait is None:
            return False
        return self._block(wait, cancels)

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
        """Within the block, the calling thread takes part in this clock's time."""
        self._enter(name)
        self._adopt()
        try:
            yield
        finally:
            self._leave()

    def start_worker(self, name: str, target: Callable[[], None]) -> Worker:
        """Start a thread that takes part in this clock's time from its first moment."""
        return Worker(self, name, target)

    # -- machinery; the lock is held in all of these but _enter, _adopt and _leave
    def _enter(self, name: str) -> None:
        with self._lock:
            self._workers += 1
            self._pending_name = name

    def _adopt(self) -> None:
        with self._lock:
            self._names[threading.get_ident()] = threading.current_thread().name

    def _leave(self) -> None:
        with self._lock:
            self._workers -= 1
            self._names.pop(threading.get_ident(), None)
            self._advance()

    def _prepare(self, when: float, cancels: tuple[Cancel, ...]) -> _Wait | None:
        if any(c._set for c in cancels):
            return None
        wait = _Wait(when, threading.get_ident() in self._names)
        self._waits.append(wait)
        for cancel in cancels:
            cancel._waits.append(wait)
        return wait

    def _release(self, wait: _Wait) -> None:
        if not wait.released:
            wait.released = True
            self._waits.remove(wait)
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

    def _block(self, wait: _Wait, cancels: tuple[Cancel, ...], also: list[_Wait] | None = None) -> bool:
        while not wait.released:
            left = (wait.until - self.now()) / self._speed
            if left <= 0 or wait.lock.acquire(timeout=min(left, 3600.0)):
                break
        with self._lock:
            self._forget(wait, cancels, also)
        return not any(c._set for c in cancels)


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
        stall_after: host seconds after which a worker that neither waits nor ends is an error.
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

    def wait_until(self, when: float, *cancels: Cancel) -> bool:
        """Wait; True when the time is reached, False when a token ended the wait."""
        with self._lock:
            if any(c._set for c in cancels):
                return False
            if when <= self._now:
                return True
            if self._workers <= 1 and not self._waits and when != _FOREVER:
                self._now = when  # the one and only worker waits: nobody to hand over to
                return True
            wait = self._prepare(when, cancels)
        return wait is not None and self._block(wait, cancels)

    def _advance(self) -> None:
        waiting = sum(w.registered for w in self._waits)
        if not self._waits or waiting < self._workers:
            return
        when = min(w.until for w in self._waits)
        if when == _FOREVER:
            return
        self._now = max(self._now, when)
        for wait in [w for w in self._waits if w.until <= self._now]:
            self._release(wait)

    def _block(self, wait: _Wait, cancels: tuple[Cancel, ...], also: list[_Wait] | None = None) -> bool:
        with self._lock:
            self._advance()
        while not wait.lock.acquire(timeout=self._stall_after):
            with self._lock:
                if wait.released:
                    break
                if stuck := self._stuck():
                    self._forget(wait, cancels, also)
                    raise ClockStalled(stuck)
        with self._lock:
            self._forget(wait, cancels, also)
        return not any(c._set for c in cancels)

    def _stuck(self) -> str:
        """What every registered worker is doing, if virtual time cannot go on; else nothing."""
        if self._waits and all(w.until == _FOREVER for w in self._waits):
            head = "everybody waits for everybody"
        elif sum(w.registered for w in self._waits) < self._workers:
            head = "a worker neither waits on the clock nor ends"
        else:
            return ""
        frames = sys._current_frames()
        stacks = [
            f"--- {name}\n" + "".join(traceback.format_stack(frames[ident])[-6:])
            for ident, name in self._names.items()
            if ident in frames
        ]
        return f"time of the experiment stood still for {self._stall_after:g} s: {head}\n" + "".join(stacks)


__all__ = ["Cancel", "Clock", "ClockQueue", "RealClock", "ScaledClock", "VirtualClock", "Worker"]
