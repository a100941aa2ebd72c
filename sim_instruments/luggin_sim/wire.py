"""The line between an instrument and whatever port carries its bytes: latency, baud rate, a record.

A `Wire` has the same four words as a dialect and adds when bytes arrive. It asks the instrument
event by event, so every line has its own time, however late somebody looks.
"""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import IO, Literal, NamedTuple

from luggin_sim.dialects.base import Dialect

_BITS_PER_BYTE = 10  # 8N1: start bit, eight data bits, stop bit


class Chunk(NamedTuple):
    """Bytes that went over the line at a lab time (s); ``>`` to the instrument, ``<`` from it."""

    time: float
    direction: Literal[">", "<"]
    data: bytes


class WireLog:
    """What really went over a line, with its lab time: the oracle of tests that kill the reader.

    In memory the last ``keep`` chunks stay. With a ``path``, every chunk becomes one line of JSON,
    ``{"t": s, "dir": "<", "data": "text"}``, handed to the operating system at once. ``data`` holds
    the bytes as the characters of the same numbers.
    """

    def __init__(self, path: Path | None = None, keep: int = 10_000) -> None:
        self._chunks: deque[Chunk] = deque(maxlen=keep)
        self._file: IO[bytes] | None = path.open("ab", buffering=0) if path is not None else None
        self._bytes = {">": 0, "<": 0}

    def add(self, time: float, direction: Literal[">", "<"], data: bytes) -> None:
        """Record a chunk that went over the line."""
        self._chunks.append(Chunk(time, direction, data))
        self._bytes[direction] += len(data)
        if self._file is not None:
            line = json.dumps({"t": round(time, 9), "dir": direction, "data": data.decode("latin-1")})
            self._file.write(line.encode("ascii") + b"\n")

    @property
    def chunks(self) -> list[Chunk]:
        """The last chunks, oldest first."""
        return list(self._chunks)

    def sent(self) -> bytes:
        """What the instrument sent, as far as it is kept."""
        return b"".join(chunk.data for chunk in self._chunks if chunk.direction == "<")

    def received(self) -> bytes:
        """What the instrument got, as far as it is kept."""
        return b"".join(chunk.data for chunk in self._chunks if chunk.direction == ">")

    def statistics(self) -> dict[str, int]:
        """Bytes in both directions since the start, and chunks in memory."""
        return {"sent": self._bytes["<"], "received": self._bytes[">"], "kept": len(self._chunks)}

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Wire:
    """An instrument's line.

    Args:
        dialect: the instrument.
        latency: time (s) from the instrument to the reader.
        baud: symbols per second; None for lines where it means nothing (USB).
    """

    def __init__(self, dialect: Dialect, latency: float = 0.0, baud: int | None = None) -> None:
        self.dialect = dialect
        self._latency = latency
        self._byte_time = _BITS_PER_BYTE / baud if baud else 0.0
        self._on_the_way: deque[tuple[float, bytes]] = deque()
        self._busy_until = float("-inf")

    def cell_is_on(self, now: float) -> bool:
        """True if the cell circuit is closed at ``now``."""
        self._collect(now)
        return self.dialect.cell_is_on

    def feed(self, data: bytes, now: float) -> None:
        """Bytes arrive at the instrument at ``now``."""
        self._collect(now)
        self.dialect.feed(data, now)

    def take(self, now: float) -> bytes:
        """Everything that has arrived at the reader up to ``now`` and was not taken before."""
        self._collect(now)
        on_the_way = self._on_the_way
        if not on_the_way or on_the_way[0][0] > now:
            return b""
        arrived = [on_the_way.popleft()[1]]
        while on_the_way and on_the_way[0][0] <= now:
            arrived.append(on_the_way.popleft()[1])
        return b"".join(arrived)

    def next_due(self, now: float) -> float | None:
        """When bytes can arrive next; None if never without further input."""
        due = self.dialect.next_due(now)
        if due is not None:
            due += self._latency
        if self._on_the_way and (due is None or self._on_the_way[0][0] < due):
            return self._on_the_way[0][0]
        return due

    def _collect(self, now: float) -> None:
        """Take from the instrument what it sent up to ``now``, each thing at its own time."""
        dialect = self.dialect
        while (due := dialect.next_due(now)) is not None and due <= now:
            data = dialect.take(due)
            if data:
                self._carry(due, data)

    def _carry(self, sent: float, data: bytes) -> None:
        """Bytes leave the instrument; the place where faults of the line will be put in."""
        if self._byte_time:
            sent = self._busy_until = max(sent, self._busy_until) + len(data) * self._byte_time
        self._on_the_way.append((sent + self._latency, data))
