"""The line between an instrument and whatever port carries its bytes: latency, baud rate, faults.

A `Wire` has the same four words as a dialect and adds when bytes arrive. It asks the instrument
event by event, so every line has its own time, however late somebody looks. Faults begin and end at
their own times too: what happens does not depend on who looks when.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from luggin_sim.dialects.base import Dialect
from luggin_sim.faults.course import Change, FaultCourse
from luggin_sim.faults.kinds import Fault, unsuitable
from luggin_sim.faults.passage import Passage
from luggin_sim.wire_log import Chunk, WireLog

if TYPE_CHECKING:
    from luggin_sim.cells.faulty import FaultyCell

__all__ = ["Chunk", "Wire", "WireLog"]

_BITS_PER_BYTE = 10  # 8N1: start bit, eight data bits, stop bit
_NEVER = math.inf
#: What overloads an instrument that does not say (A); those with a current limit hold it back.
_MUCH_CURRENT = 1000.0


class _OnTheWay(NamedTuple):
    """Bytes on the line: when they arrive, when they would without a stall (lab s), and which."""

    arrives: float
    by_nature: float
    data: bytes


class Wire:
    """An instrument's line.

    Args:
        dialect: the instrument.
        latency: time (s) from the instrument to the reader.
        baud: symbols per second; None for lines where it means nothing (USB).
        faults: planned ones.
        cell: what hangs on the instrument, if a fault is to reach that.
        restart: makes the same instrument, freshly switched on; without it there is no reboot.

    Attributes:
        plug: how often the line has broken; whoever opened it at another number has a dead port.
        log: where faults are recorded; the ports record the bytes.
    """

    def __init__(
        self,
        dialect: Dialect,
        latency: float = 0.0,
        baud: int | None = None,
        *,
        faults: Iterable[Fault] = (),
        cell: FaultyCell | None = None,
        restart: Callable[[], Dialect] | None = None,
    ) -> None:
        self.dialect = dialect
        self.plug = 0
        self.log = WireLog()
        self._latency = latency
        self._byte_time = _BITS_PER_BYTE / baud if baud else 0.0
        self._cell, self._restart = cell, restart
        self._course = FaultCourse(faults)
        self._passage = Passage(self._course, lambda *event: self.log.add_fault(*event))
        self._on_the_way: deque[_OnTheWay] = deque()
        self._busy_until = self._last = -_NEVER
        self._last_words = b""

    def start(self, now: float) -> None:
        """The laboratory is opened at ``now``: planned faults count from here."""
        self._course.start(now)

    def cell_is_on(self, now: float) -> bool:
        """True if the cell circuit is closed at ``now``."""
        self._collect(now)
        return self.dialect.cell_is_on

    # -- bytes
    def feed(self, data: bytes, now: float) -> None:
        """Bytes arrive at the instrument at ``now``."""
        self._collect(now)
        for kind in ("deaf", "reboot", "unplug"):
            if self._is_on(kind):
                self.log.add_fault(now, kind, data)
                return
        self.dialect.feed(data, now)

    def take(self, now: float) -> bytes:
        """Everything that has arrived at the reader up to ``now`` and was not taken before."""
        self._collect(now)
        on_the_way = self._on_the_way
        if not on_the_way or on_the_way[0].arrives > now:
            return b""
        arrived = [on_the_way.popleft().data]
        while on_the_way and on_the_way[0].arrives <= now:
            arrived.append(on_the_way.popleft().data)
        return b"".join(arrived)

    def take_last_words(self) -> bytes:
        """What had arrived when the line broke and was not taken before: for whoever had it open then."""
        words, self._last_words = self._last_words, b""
        return words

    def next_due(self, now: float) -> float | None:
        """When bytes can arrive next, or a fault begin or end; None if never without further input."""
        due = self.dialect.next_due(now)
        soonest = _NEVER if due is None else due + self._latency
        if self._on_the_way:
            soonest = min(soonest, self._on_the_way[0].arrives)
        if not self._course.is_empty:
            soonest = min(soonest, self._course.next_change)
        return soonest if soonest < _NEVER else None

    # -- faults
    def is_plugged(self, now: float) -> bool:
        """True if the line can be opened at ``now``."""
        self._collect(now)
        return not self._is_on("unplug")

    def inject(self, fault: Fault, now: float) -> None:
        """Put a fault in.

        Raises:
            ValueError: this instrument or line cannot have it; the message says why.
        """
        reason = unsuitable(fault, has_cell=self._cell is not None, latency=self._latency)
        if fault.kind == "reboot" and self._restart is None:
            reason = "reboot: nobody knows how to switch this instrument on"
        if reason:
            raise ValueError(reason)
        self._collect(now)
        self._course.add(fault, now)
        self._collect(now)

    def clear_faults(self, kind: str | None, now: float) -> None:
        """End the faults of a kind, or all."""
        self._collect(now)
        for change in self._course.clear(kind, now):
            self._obey(change)
        if kind in (None, "late", "interleave"):
            self._passage.forget()

    def _is_on(self, kind: str) -> bool:
        return not self._course.is_empty and self._course.current(kind) is not None

    def _obey(self, change: Change) -> None:
        """Something that lasts begins or ends, and the line and the instrument are told."""
        fault, now = change.fault, change.time
        self.log.add_fault(now, f"{fault.kind} {'begins' if change.begins else 'ends'}")
        match fault.kind:
            case "unplug" if change.begins:
                self._break(now)
            case "stall":
                self._delay(now)
            case "reboot" if change.begins and self._restart is not None:
                self._reboot(self._restart, now)
            case "overload" | "nan" if self._cell is not None:
                self._spoil(self._cell)

    def _break(self, now: float) -> None:
        """The line breaks: what has not arrived is lost."""
        self._last_words = b"".join(each.data for each in self._on_the_way if each.arrives <= now)
        lost = b"".join(each.data for each in self._on_the_way if each.arrives > now)
        if lost:
            self.log.add_fault(now, "unplug", lost)
        self._on_the_way.clear()
        self.plug += 1

    def _delay(self, now: float) -> None:
        """A stall has begun, or was ended before its time: bytes on the way arrive later, or at last."""
        until = self._course.end_of("stall")
        self._on_the_way = deque(
            each if each.arrives <= now else each._replace(arrives=max(each.by_nature, until))
            for each in self._on_the_way
        )

    def _reboot(self, restart: Callable[[], Dialect], now: float) -> None:
        if self._cell is not None:
            self._cell.time = now
            self._cell.leave()
        self.dialect = restart()

    def _spoil(self, cell: FaultyCell) -> None:
        fault = self._course.current("overload")
        cell.unreadable = self._is_on("nan")
        cell.overload = None
        if fault is not None:
            cell.overload = fault.current or float(getattr(self.dialect, "overload_current", _MUCH_CURRENT))

    # -- time
    def _collect(self, now: float) -> None:
        """Let everything happen up to ``now``, each thing at its own time: replies, and what faults do."""
        self._drain(now)
        while self._obey_next(now):
            self._drain(now)

    def _obey_next(self, now: float) -> bool:
        """Do the next change up to ``now``, if there is one."""
        change = None if self._course.is_empty else self._course.change(now)
        if change is not None:
            self._obey(change)
        return change is not None

    def _drain(self, now: float) -> None:
        """Take from the instrument what it sent up to ``now``, or up to the next change."""
        course = self._course
        while True:
            until = now if course.is_empty else min(now, course.next_change)
            self._tell_time(until)
            due = self.dialect.next_due(until)
            if due is None or due > until:
                return
            self._tell_time(due)
            data = self.dialect.take(due)
            if data:
                self._carry(due, data)

    def _tell_time(self, now: float) -> None:
        if self._cell is not None:
            self._cell.time = now

    def _carry(self, left: float, data: bytes) -> None:
        """Bytes leave the instrument."""
        sent = left
        if self._byte_time:
            sent = self._busy_until = max(left, self._busy_until) + len(data) * self._byte_time
        if self._course.is_empty:
            self._passage.previous = data
            self._last = max(self._last, sent + self._latency)
            self._on_the_way.append(_OnTheWay(self._last, self._last, data))
            return
        original = data
        data, breaks = self._passage.through(left, data)
        while self._obey_next(left):  # what lasts and begins with this reply befalls it too
            pass
        for kind in ("mute", "reboot", "unplug"):
            if data and self._is_on(kind):
                self.log.add_fault(left, kind, original)
                data = b""
        slow = self._course.current("slow")
        latency = self._latency if slow is None else self._latency * slow.factor + slow.delay
        self._last = max(self._last, sent + latency)
        if data:
            arrives = max(self._last, self._course.end_of("stall"))
            self._on_the_way.append(_OnTheWay(arrives, self._last, data))
        if breaks is not None:
            self._course.begin(breaks, self._last)
