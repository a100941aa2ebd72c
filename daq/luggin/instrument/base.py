"""The base of every driver: one line, one name, and no surprises."""

from __future__ import annotations

from typing import Any, ClassVar

from luggin.clock import Clock
from luggin.errors import ReplyTimeout
from luggin.instrument.declarations import Action, Reading, Setting
from luggin.transport import Transport


class Instrument:
    """One device on the bench.

    Constructing an instrument sends nothing. Attributes that the class does not declare cannot be
    assigned, so a misspelt setting is an error and not a silent nothing.

    Args:
        transport: the open line.
        clock: the lab clock.
        name: the role on the bench, for messages.
    """

    #: Instance attributes of a driver that may be assigned (its private state begins with ``_``).
    _public: ClassVar[frozenset[str]] = frozenset({"transport", "clock", "name"})

    def __init__(self, transport: Transport, clock: Clock, name: str = "instrument") -> None:
        self.transport = transport
        self.clock = clock
        self.name = name

    def __setattr__(self, attribute: str, value: Any) -> None:
        declared = getattr(type(self), attribute, None)
        if isinstance(declared, Reading | Setting | Action):
            declared.__set__(self, value)
        elif attribute.startswith("_") or attribute in self._public:
            object.__setattr__(self, attribute, value)
        else:
            raise AttributeError(f"{type(self).__name__} has no attribute {attribute!r} that can be assigned")

    def query(self, command: str) -> bytes:
        """Send a command and return its one-line answer (bytes without the end of line).

        A line on which an answer was missed is resynchronised first, so that a late answer never
        passes for the next one. A query that brings no energy to the cell is asked once more
        after that. No other thread comes between any of this.
        """
        with self.transport.lock:
            if self.transport.suspect:
                self.resynchronise()
            try:
                return self._exchange(command)
            except ReplyTimeout:
                self.resynchronise()
                return self._exchange(command)

    def command(self, command: str) -> None:
        """Send a command that has no answer. It is never sent twice."""
        with self.transport.lock:
            if self.transport.suspect:
                self.resynchronise()
            self.transport.write(command.encode("ascii") + self.transport.terminator)

    def resynchronise(self) -> None:
        """Bring line and instrument to a known state after a missed answer.

        The default waits until nothing comes any more; a driver adds its instrument's own way.
        """
        self.transport.drain(quiet=0.3)
        self.transport.suspect = False

    def close(self) -> None:
        """Give the line back. Sends nothing."""
        self.transport.close()

    def _exchange(self, command: str) -> bytes:
        if self.transport.has_unread:
            # Nobody asked for it: it must not pass for the answer to this question.
            self.transport.drain(0.0, 0.0)
        return self.transport.exchange(command.encode("ascii") + self.transport.terminator)
