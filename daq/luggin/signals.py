"""Ctrl-C and its relatives, without exceptions in the middle of anything.

Signal handlers never raise and never touch a lock: they do nothing at all. The number of each
signal arrives through a wakeup descriptor in a thread of its own, and that thread tells whoever
watches. So a signal can neither skip the opening of a cell nor fall between two bytes.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

#: Signals that ask a run to stop. (A closed terminal sends SIGHUP; Windows sends SIGBREAK.)
STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


class SignalWatch:
    """Within the block, signals that ask for a stop are counted and reported instead of raised.

    ``told(count, name)`` is called on the watching thread, with count 1 for the first signal.
    Must be entered on the main thread; on any other it does nothing, because Python delivers
    signals to the main thread only.
    """

    def __init__(self, told: Callable[[int, str], None]) -> None:
        self._told = told
        self._count = 0
        self._before: dict[int, object] = {}
        self._thread: threading.Thread | None = None

    def __enter__(self) -> SignalWatch:
        if threading.current_thread() is not threading.main_thread():
            return self
        self._sender, self._receiver = socket.socketpair()
        self._sender.setblocking(False)
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        self._thread.start()
        self._old_fd = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        for number in STOPPING:
            self._before[number] = signal.signal(number, _nothing)
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is None:
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._old_fd)
        self._sender.close()
        self._thread.join(timeout=1.0)
        self._receiver.close()
        self._thread = None

    @property
    def count(self) -> int:
        """How many signals came."""
        return self._count

    def _listen(self) -> None:
        while numbers := self._receiver.recv(64):
            for number in numbers:
                if number in STOPPING:
                    self._count += 1
                    self._told(self._count, signal.Signals(number).name)


def _nothing(number: int, frame: FrameType | None) -> None:
    """Handle a signal by doing nothing: the wakeup descriptor has it already."""
