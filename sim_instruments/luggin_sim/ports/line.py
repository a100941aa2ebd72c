"""Simulated lines by address, and reading from them on the lab clock."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from luggin.clock import Cancel, Clock
from luggin_sim.faults.kinds import Fault
from luggin_sim.wire import Chunk, Wire, WireLog

PREFIX = "sim://"


class LineClosed(Exception):
    """The line is broken, or the laboratory behind it is closed."""


class SimulatedLine:
    """One instrument's line in this process. A wait for bytes is a wait on the lab clock.

    One thread reads; any thread may write, and wakes the reader. Whoever opens the line gets the
    number of the `plug`, and says it with every call: when the line has been broken since, the call
    fails, even if the line can be opened anew.
    """

    def __init__(self, wire: Wire, clock: Clock, log: WireLog) -> None:
        self.wire, self.clock, self.log = wire, clock, log
        wire.log = log
        wire.start(clock.now())
        self._holder: int | None = None
        self._lock = threading.Lock()
        self._changed = clock.cancel()
        self._closed = False

    # -- the port
    def plug(self) -> int:
        """The number under which the line can be used now.

        Raises:
            LineClosed: it is unplugged.
        """
        with self._lock:
            if self._closed or not self.wire.is_plugged(self.clock.now()):
                raise LineClosed("nothing is plugged in")
            return self.wire.plug

    def take_hold(self) -> int | None:
        """As `plug`, for a port with one owner: None if somebody has it."""
        plug = self.plug()
        with self._lock:
            if self._holder == plug:
                return None
            self._holder = plug
            return plug

    def let_go(self, plug: int) -> None:
        """Give the port back, if it is still that of this plug."""
        with self._lock:
            if self._holder == plug:
                self._holder = None

    # -- bytes
    def write(self, plug: int, data: bytes) -> None:
        """Bytes go to the instrument.

        Raises:
            LineClosed: there is no instrument any more.
        """
        with self._lock:
            now = self.clock.now()
            self._check(plug, now)
            self.log.add(now, ">", data)
            self.wire.feed(data, now)
            self._changed.set()

    def read(self, plug: int, until: float, *cancels: Cancel) -> bytes:
        """What arrives first; nothing if ``until`` (lab time) comes or a token is set before.

        Raises:
            LineClosed: there is no instrument any more. What came before the line broke was read before.
        """
        clock = self.clock
        while True:
            with self._lock:
                now = clock.now()
                data = self._arrived(plug, now)
                if data:
                    self.log.add(now, "<", data)
                    return data
                due = self.wire.next_due(now)
                self._changed.clear()
            if now >= until or any(cancel.is_set for cancel in cancels):
                return b""
            clock.wait_until(until if due is None else min(due, until), self._changed, *cancels)

    def _arrived(self, plug: int, now: float) -> bytes:
        """What can be read at once: from the line, or what was left when it broke."""
        try:
            self._check(plug, now)
        except LineClosed:
            words = self.wire.take_last_words() if plug == self.wire.plug - 1 else b""
            if words:
                return words
            raise
        return self.wire.take(now)

    def cell_is_on(self) -> bool:
        """True if the instrument's cell circuit is closed now."""
        with self._lock:
            return self.wire.cell_is_on(self.clock.now())

    def close(self) -> None:
        """The laboratory closes; a reader that waits is told."""
        with self._lock:
            self._closed = True
            self._changed.set()

    # -- faults
    def inject(self, fault: Fault) -> None:
        """Put a fault in, now."""
        with self._lock:
            self.wire.inject(fault, self.clock.now())
            self._changed.set()

    def clear_faults(self, kind: str | None) -> None:
        """End the faults of a kind, or all, now."""
        with self._lock:
            self.wire.clear_faults(kind, self.clock.now())
            self._changed.set()

    def is_plugged(self) -> bool:
        """True if the line can be opened now."""
        with self._lock:
            return self.wire.is_plugged(self.clock.now())

    def fault_events(self) -> Sequence[Chunk]:
        """What faults have done up to now."""
        with self._lock:
            self.wire.is_plugged(self.clock.now())  # what happened since somebody looked last is noted now
            return self.log.events

    def _check(self, plug: int, now: float) -> None:
        if self._closed:
            raise LineClosed("the simulated laboratory is closed")
        if not self.wire.is_plugged(now) or self.wire.plug != plug:
            raise LineClosed("the simulated line was unplugged")


_LINES: dict[str, SimulatedLine] = {}


def connect(address: str, line: SimulatedLine) -> None:
    """Make a line known under ``sim://<lab>/<name>``."""
    _LINES[address] = line


def disconnect(address: str) -> None:
    """Forget a line and tell whoever has it open."""
    line = _LINES.pop(address, None)
    if line is not None:
        line.close()


def swap(one: str, other: str) -> None:
    """Exchange the plugs of two lines; who has one open is told that it broke."""
    for address in (one, other):
        _LINES[address].inject(Fault("unplug", duration=0.0))
    _LINES[one], _LINES[other] = _LINES[other], _LINES[one]


def find(address: str) -> SimulatedLine | None:
    """The line of an address, if there is one."""
    return _LINES.get(address)
