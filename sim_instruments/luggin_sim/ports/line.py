"""Simulated lines by address, and reading from them on the lab clock."""

from __future__ import annotations

import threading

from luggin.clock import Cancel, Clock
from luggin_sim.wire import Wire, WireLog

PREFIX = "sim://"


class LineClosed(Exception):
    """The laboratory behind a line is closed."""


class SimulatedLine:
    """One instrument's line in this process. A wait for bytes is a wait on the lab clock.

    One thread reads; any thread may write, and wakes the reader.
    """

    def __init__(self, wire: Wire, clock: Clock, log: WireLog) -> None:
        self.wire, self.clock, self.log = wire, clock, log
        self.in_use = False
        self._lock = threading.Lock()
        self._changed = clock.cancel()
        self._closed = False

    def write(self, data: bytes) -> None:
        """Bytes go to the instrument.

        Raises:
            LineClosed: there is no instrument any more.
        """
        with self._lock:
            self._check()
            now = self.clock.now()
            self.log.add(now, ">", data)
            self.wire.feed(data, now)
            self._changed.set()

    def read(self, until: float, *cancels: Cancel) -> bytes:
        """What arrives first; nothing if ``until`` (lab time) comes or a token is set before.

        Raises:
            LineClosed: there is no instrument any more.
        """
        clock = self.clock
        while True:
            with self._lock:
                self._check()
                now = clock.now()
                data = self.wire.take(now)
                if data:
                    self.log.add(now, "<", data)
                    return data
                due = self.wire.next_due(now)
                self._changed.clear()
            if now >= until or any(cancel.is_set for cancel in cancels):
                return b""
            clock.wait_until(until if due is None else min(due, until), self._changed, *cancels)

    def cell_is_on(self) -> bool:
        """True if the instrument's cell circuit is closed now."""
        with self._lock:
            return self.wire.cell_is_on(self.clock.now())

    def close(self) -> None:
        """The laboratory closes; a reader that waits is told."""
        with self._lock:
            self._closed = True
            self._changed.set()

    def _check(self) -> None:
        if self._closed:
            raise LineClosed("the simulated laboratory is closed")


_LINES: dict[str, SimulatedLine] = {}


def connect(address: str, line: SimulatedLine) -> None:
    """Make a line known under ``sim://<lab>/<name>``."""
    _LINES[address] = line


def disconnect(address: str) -> None:
    """Forget a line and tell whoever has it open."""
    line = _LINES.pop(address, None)
    if line is not None:
        line.close()


def find(address: str) -> SimulatedLine | None:
    """The line of an address, if there is one."""
    return _LINES.get(address)
