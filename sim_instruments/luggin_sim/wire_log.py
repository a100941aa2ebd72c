"""A record of everything that went over a line, and of what faults did to it."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import IO, Literal, NamedTuple

#: How many happenings with faults are kept in memory.
_MOST_EVENTS = 10_000


class Chunk(NamedTuple):
    """Bytes that went over the line at a lab time (s).

    ``>`` to the instrument, ``<`` from it as the reader got it, ``!`` what a fault did: ``data`` is what
    was sent, ``became`` what went on instead, ``fault`` the kind (with ``begins`` or ``ends`` if it lasts).
    """

    time: float
    direction: Literal[">", "<", "!"]
    data: bytes
    fault: str = ""
    became: bytes = b""


class WireLog:
    """What really went over a line, with its lab time: the oracle of tests that kill the reader.

    In memory the last ``keep`` chunks stay. With a ``path``, every chunk becomes one line of JSON,
    ``{"t": s, "dir": "<", "data": "text"}``, handed to the operating system at once. ``data`` holds
    the bytes as the characters of the same numbers. Where ``dir`` is ``!`` there are ``fault`` and
    ``became`` too; whoever reads only what was delivered leaves these lines out.
    """

    def __init__(self, path: Path | None = None, keep: int = 10_000) -> None:
        self._chunks: deque[Chunk] = deque(maxlen=keep)
        self._events: deque[Chunk] = deque(maxlen=_MOST_EVENTS)
        self._file: IO[bytes] | None = path.open("ab", buffering=0) if path is not None else None
        self._bytes = {">": 0, "<": 0}

    def add(self, time: float, direction: Literal[">", "<"], data: bytes) -> None:
        """Record a chunk that went over the line."""
        self._bytes[direction] += len(data)
        self._keep(Chunk(time, direction, data))

    def add_fault(self, time: float, fault: str, data: bytes = b"", became: bytes = b"") -> None:
        """Record what a fault did."""
        chunk = Chunk(time, "!", data, fault, became)
        self._events.append(chunk)
        self._keep(chunk)

    def _keep(self, chunk: Chunk) -> None:
        self._chunks.append(chunk)
        if self._file is not None:
            line = {"t": round(chunk.time, 9), "dir": chunk.direction, "data": chunk.data.decode("latin-1")}
            if chunk.direction == "!":
                line |= {"fault": chunk.fault, "became": chunk.became.decode("latin-1")}
            self._file.write(json.dumps(line).encode("ascii") + b"\n")

    @property
    def chunks(self) -> list[Chunk]:
        """The last chunks, oldest first."""
        return list(self._chunks)

    @property
    def events(self) -> list[Chunk]:
        """The last things that faults did, oldest first."""
        return list(self._events)

    def sent(self) -> bytes:
        """What the reader got, as far as it is kept."""
        return b"".join(chunk.data for chunk in self._chunks if chunk.direction == "<")

    def received(self) -> bytes:
        """What was written to the instrument, as far as it is kept."""
        return b"".join(chunk.data for chunk in self._chunks if chunk.direction == ">")

    def statistics(self) -> dict[str, int]:
        """Bytes in both directions since the start, and chunks in memory."""
        return {"sent": self._bytes["<"], "received": self._bytes[">"], "kept": len(self._chunks)}

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
