"""Ctrl-C and its relatives, without exceptions in the middle of anything.

Signal handlers never raise and never touch a lock: they do nothing at all. The number of each
signal arrives through a wakeup descriptor in a thread of its own, and that thread tells whoever
watches. So a signal can neither skip the opening of a cell nor fall between two bytes.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType
from typing import Self

log = logging.getLogger(__name__)

#: Signals that ask a run to stop. (A closed terminal sends SIGHUP; Windows sends SIGBREAK.)
STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


class SignalWatch:
    """Within the block, signals that ask for a stop are counted and reported instead of raised.

    ``told(count, name)`` is called on the watching thread, with count 1 for the first signal. Equal
    signals that come faster than the operating system delivers them count as one. If ``told``
    raises, that is logged and the next signal is reported all the same.

    Must be entered on the main thread; on any other it does nothing, because Python delivers
    signals to the main thread only. A SIGHUP that the process was told to ignore (``nohup``) stays
    ignored.
    """

    def __init__(self, told: Callable[[int, str], None]) -> None:
        self._told = told
        self._count = 0
        self._before: dict[int, Callable[[int, FrameType | None], object] | int] = {}
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        self._sender, self._receiver = socket.socketpair()
        self._sender.setblocking(False)
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        self._thread.start()
        self._old_fd = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        for number in STOPPING:
            before = signal.getsignal(number)
            if before == signal.SIG_IGN and number == getattr(signal, "SIGHUP", None):
                continue
            # None: a handler that is not Python's, which Python cannot put back.
            self._before[number] = signal.SIG_DFL if before is None else before
            signal.signal(number, _nothing)
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is None:
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_fd)
        self._sender.close()
        self._thread.join(timeout=1.0)
        self._thread = None

    @property
    def count(self) -> int:
        """How many signals came."""
        return self._count

    def _listen(self) -> None:
        with self._receiver as receiver:
            while numbers := receiver.recv(64):
                for number in numbers:
                    if number in STOPPING:
                        self._report(signal.Signals(number).name)

    def _report(self, name: str) -> None:
        self._count += 1
        try:
            self._told(self._count, name)
        except Exception:  # the next signal must be heard all the same: it may be the one that stops the run
            log.exception("what should happen on %s failed", name)


def _nothing(number: int, frame: FrameType | None) -> None:
    """Handle a signal by doing nothing: the wakeup descriptor has it already."""
