"""Lines that are no lines: one that answers everything alike, and one that says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin.clock import Cancel, Clock
from luggin.transport import Transport

#: What a transport takes of a driver's line settings; the rest (baud rate ...) is for lines that have it.
_OF_EVERY_LINE = ("terminator", "timeout", "ignore")


def of_every_line(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a driver's line settings that lines of all kinds take."""
    return {name: settings[name] for name in _OF_EVERY_LINE if name in settings}


class AnsweringLine(Transport):
    """Somebody who answers whatever is written with the same bytes; with no bytes, nobody.

    Attributes:
        written: everything that was written.
        asked: how often something was written.
    """

    def __init__(self, clock: Clock, settings: Mapping[str, Any], answer: bytes = b"") -> None:
        super().__init__("stand-in", clock, **of_every_line(settings))
        self.written = b""
        self.asked = 0
        self._answer = answer
        self._coming = b""

    def _write(self, data: bytes) -> None:
        self.written += data
        self.asked += 1
        self._coming += self._answer

    def _read_chunk(self, until: float, cancel: Cancel | None) -> bytes:
        if not self._coming:
            self.clock.wait_until(until, *(() if cancel is None else (cancel,)))
        chunk, self._coming = self._coming, b""
        return chunk

    def close(self) -> None:
        """There is nothing to give back."""
