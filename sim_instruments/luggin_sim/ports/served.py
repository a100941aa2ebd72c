"""What pseudo-terminals and TCP ports have in common: an instrument's line to a client in another process."""

from __future__ import annotations

import selectors
from abc import ABC, abstractmethod
from pathlib import Path

from luggin.clock import ScaledClock
from luggin_sim.faults.kinds import Fault
from luggin_sim.wire import Wire, WireLog

#: What an instrument keeps for a client that does not read (bytes); then whole chunks are lost, and counted.
_LARGEST_BACKLOG = 1 << 20
CHUNK = 1 << 16


class ServedLine(ABC):
    """One instrument and its client. Everything happens in the server's thread.

    Args:
        wire: the instrument.
        clock: the server's time.
        log: record of what went over the line.
        log_path: where that is written, if anywhere.
    """

    def __init__(self, wire: Wire, clock: ScaledClock, log: WireLog, log_path: Path | None) -> None:
        self.log_path = log_path
        #: Lab time at which there is something to send; infinite if never without further input.
        self.due = float("inf")
        self._wire, self._clock, self._log = wire, clock, log
        wire.log = log
        wire.start(clock.now())
        self._plug, self._is_broken = wire.plug, False
        self._backlog = bytearray()
        self._lost = 0
        self._late = 0.0
        self._watched = selectors.EVENT_READ
        self.look()

    @property
    @abstractmethod
    def resource(self) -> str:
        """What the client opens."""

    @abstractmethod
    def watch(self, selector: selectors.BaseSelector) -> None:
        """Register what has to be watched, with this line's methods as what is to be done."""

    @abstractmethod
    def _deliver(self, data: bytes) -> int:
        """Give bytes to the client: how many it took; BlockingIOError if it takes none now."""

    @abstractmethod
    def _watch_for_room(self, events: int) -> None:
        """Watch the client for these events."""

    @abstractmethod
    def _break(self) -> None:
        """The line is unplugged: whoever has it open is told, and opening it fails."""

    @abstractmethod
    def _mend(self) -> None:
        """The line can be opened again, under the same name."""

    @property
    def has_client(self) -> bool:
        """True if there is somebody to send to."""
        return True

    def look(self) -> None:
        """Ask the instrument anew when it has something to say."""
        due = self._wire.next_due(self._clock.now())
        self.due = float("inf") if due is None else due

    def receive(self, data: bytes) -> None:
        """Hand what the client wrote to the instrument."""
        now, plug = self._clock.now(), self._plug
        self._follow_the_plug(now)
        if self._is_broken or self._plug != plug:  # it was on its way when the line broke
            return
        self._log.add(now, ">", data)
        self._wire.feed(data, now)
        self.look()

    def send(self) -> None:
        """Pass on what the instrument has sent by now, as far as the client takes it."""
        now = self._clock.now()
        self._follow_the_plug(now)
        while self.due <= now:
            self._late = max(self._late, now - self.due)
            data = self._wire.take(now)
            self.look()
            if not self.has_client or len(self._backlog) + len(data) > _LARGEST_BACKLOG:
                self._lost += len(data)
            else:
                self._backlog += data
            if not data:
                break
        self._flush(now)
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._backlog else 0)
        if events != self._watched:
            self._watched = events
            self._watch_for_room(events)

    def _flush(self, now: float) -> None:
        try:
            while self._backlog:
                written = self._deliver(bytes(self._backlog[:CHUNK]))
                self._log.add(now, "<", bytes(self._backlog[:written]))
                del self._backlog[:written]
        except BlockingIOError:
            pass

    def _follow_the_plug(self, now: float) -> None:
        """Do to the client what faults have done to the line up to ``now``."""
        is_plugged = self._wire.is_plugged(now)
        if self._plug != self._wire.plug:
            self._plug = self._wire.plug
            self._backlog += self._wire.take_last_words()
            self._flush(now)
            self.forget_backlog()
            self._break()
            self._is_broken = True
        if self._is_broken and is_plugged:
            self._is_broken = False
            self._mend()

    def forget_backlog(self) -> None:
        """The client is gone: what it did not take is lost."""
        self._lost += len(self._backlog)
        self._backlog.clear()
        self._watched = selectors.EVENT_READ

    # -- faults
    def inject(self, fault: Fault) -> None:
        """Put a fault in, now; ValueError if the instrument cannot have it."""
        self._wire.inject(fault, self._clock.now())
        self.send()
        self.look()

    def clear_faults(self, kind: str | None) -> None:
        """End the faults of a kind, or all, now."""
        self._wire.clear_faults(kind, self._clock.now())
        self.send()
        self.look()

    @property
    def is_plugged(self) -> bool:
        """True if the line can be opened now."""
        return self._wire.is_plugged(self._clock.now())

    def cell_is_on(self) -> bool:
        """True if the cell circuit is closed now."""
        return self._wire.cell_is_on(self._clock.now())

    def statistics(self) -> dict[str, float]:
        """Largest lateness (lab s), bytes that wait for the client, bytes lost, bytes over the line."""
        return {"late": self._late, "waiting": len(self._backlog), "lost": self._lost, **self._log.statistics()}

    @abstractmethod
    def close(self) -> None:
        """Hang up."""
