"""Whether a thread that holds a cell makes progress.

A thread that works on an instrument reads and writes on lines, waits on the clock, and stores
rows; each of these has a deadline of its own. So it is stuck if it does none of them for too long,
or if one is not over long after its deadline.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from luggin.guardian.watch import BEAT

if TYPE_CHECKING:
    from luggin.clock import Clock
    from luggin.transport import Transport

#: Longest time (host s) in which a line gives up writing.
_WRITE = 5.0


class _Worker:
    """What one thread does: how often it began something, and until when (lab s) it may be in it."""

    __slots__ = ("begun", "looks", "patience", "role", "seen", "until")

    def __init__(self, role: str, patience: int) -> None:
        self.role, self.patience = role, patience
        self.begun = self.seen = self.looks = 0
        self.until = -math.inf


class Watchdog:
    """Watches the threads that hold cells, by what they do on watched lines and on the clock.

    Looking is counted and not timed: a process that was held up as a whole does not blame its workers.

    Args:
        clock: the lab clock; waiting on it is watched from the first `begin` on.
        patience: after so many looks without any progress a worker is stuck.
    """

    def __init__(self, clock: Clock, patience: int) -> None:
        self._clock = clock
        self._patience = patience
        self._workers: dict[int, _Worker] = {}
        self._watched: list[tuple[object, str]] = []

    def watch(self, transport: Transport) -> None:
        """Observe a line: each read and write is progress, and may last until its own deadline.

        To be called again when the line was opened anew.
        """
        self._observe(transport, "_fill", lambda until, *_: until)
        self.allow(transport, "write", _WRITE)

    def allow(self, target: object, method: str, seconds: float) -> None:
        """A call of this method of an object may take so long (host s); for what a slow disk may hold up."""
        clock = self._clock
        self._observe(target, method, lambda *_: clock.now() + seconds * clock.speed)

    def begin(self, role: str) -> None:
        """The calling thread holds the cell of a role from now on."""
        if not any(watched is self._clock for watched, _ in self._watched):
            self._observe(self._clock, "wait_until", lambda when, *_: when)
        self._workers[threading.get_ident()] = _Worker(role, self._patience)

    def end(self, role: str) -> None:
        """Nobody holds the cell of a role any more."""
        for thread, worker in list(self._workers.items()):
            if worker.role == role:
                self._workers.pop(thread, None)

    def expect(self, role: str, seconds: float) -> None:
        """The worker of a role may do nothing for so long (host s), if that is longer than usual."""
        for worker in list(self._workers.values()):
            if worker.role == role:
                worker.patience = max(self._patience, math.ceil(seconds / BEAT))

    def stuck(self) -> str:
        """Look at all workers; says which one makes no progress, or nothing. To be called every `BEAT`."""
        now = self._clock.now()
        for worker in list(self._workers.values()):
            if worker.begun != worker.seen or worker.until > now:
                worker.seen, worker.looks = worker.begun, 0
                continue
            worker.looks += 1
            if worker.looks >= worker.patience:
                return f"{worker.role}: its worker did nothing on any line for {worker.looks * BEAT:g} s"
        return ""

    def close(self) -> None:
        """Observe nothing any more."""
        self._workers.clear()
        for watched, name in self._watched:
            vars(watched).pop(name, None)
        self._watched.clear()

    def _observe(self, target: object, name: str, deadline: Callable[..., float]) -> None:
        """Put a method of one object behind one that keeps book; lines that nobody watches pay nothing."""
        method: Callable[..., Any] = getattr(target, name)
        workers, ident = self._workers, threading.get_ident

        def observed(*arguments: Any, **options: Any) -> Any:
            worker = workers.get(ident())
            if worker is None:
                return method(*arguments, **options)
            before = worker.until
            worker.begun += 1
            worker.until = deadline(*arguments)
            try:
                return method(*arguments, **options)
            finally:
                worker.until = before

        vars(target)[name] = observed
        self._watched.append((target, name))
