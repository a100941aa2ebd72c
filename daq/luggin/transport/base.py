"""What every line can do, whatever carries the bytes."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

from luggin.clock import Cancel, Clock, ClockQueue
from luggin.errors import LineLost, ReplyTimeout

Direction = Literal[">", "<"]
Trace = Callable[[float, Direction, bytes], None]

#: Longest time (host seconds) that a read on a real line may be out of reach of an abort.
SLICE = 0.1
_LONGEST_LINE = 1 << 20


class LineLock:
    """One exchange at a time. Waiting for one's turn is a wait on the lab clock, so virtual time goes on meanwhile.

    A thread that holds it may take it again.
    """

    def __init__(self, clock: Clock) -> None:
        self._turn: ClockQueue[bool] = clock.queue(1)
        self._turn.put(True)
        self._owner: int | None = None
        self._depth = 0

    def __enter__(self) -> LineLock:
        me = threading.get_ident()
        if self._owner != me:
            self._turn.get()
            self._owner = me
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._owner = None
            self._turn.put(True)


class Transport(ABC):
    """One physical line, read in chunks and split into lines by us.

    Times are lab seconds. One thread owns the line; outside streaming a write with its answer is
    one locked `exchange`. After a timeout the line is `suspect`: a late answer may still come, and
    whoever uses the line next must resynchronise first.

    Args:
        resource: the name as the bench file has it.
        clock: the lab clock.
        terminator: what ends a line.
        timeout: default deadline of an answer (lab s).
        ignore: bytes that may appear anywhere and mean nothing (XON/XOFF).
    """

    def __init__(
        self,
        resource: str,
        clock: Clock,
        *,
        terminator: bytes = b"\n",
        timeout: float = 2.0,
        ignore: bytes = b"",
    ) -> None:
        self.resource = resource
        self.clock = clock
        self.terminator = terminator
        self.timeout = timeout
        self.trace: Trace | None = None
        self.suspect = False
        self.lock = LineLock(clock)
        self._ignore = ignore
        self._buffer = bytearray()
        self._searched = 0
        self._bytes_read = 0
        self._bytes_written = 0

    # -- what a line of a kind adds
    @abstractmethod
    def _read_chunk(self, until: float, cancel: Cancel | None) -> bytes:
        """Whatever arrives first, or nothing at ``until`` (lab time) or when the token is set."""

    @abstractmethod
    def _write(self, data: bytes) -> None:
        """Send all bytes; LineLost if the line is gone."""

    @abstractmethod
    def close(self) -> None:
        """Give the line back. Closing twice is fine. Sends nothing."""

    # -- common
    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            LineLost: the line broke.
        """
        if self.trace is not None:
            self.trace(self.clock.now(), ">", data)
        self._bytes_written += len(data)
        self._write(data)

    def read_line(self, timeout: float | None = None, cancel: Cancel | None = None) -> bytes | None:
        """The next line without its terminator; None when ``cancel`` was set before one came.

        Raises:
            ReplyTimeout: no whole line within ``timeout`` lab seconds (default: the line's own).
            LineLost: the line broke.
        """
        buffer, terminator = self._buffer, self.terminator
        wait = self.timeout if timeout is None else timeout
        until = self.clock.now() + wait
        while True:
            end = buffer.find(terminator, self._searched)
            if end >= 0:
                line = bytes(buffer[:end])
                del buffer[: end + len(terminator)]
                self._searched = 0
                return line
            self._searched = max(0, len(buffer) - len(terminator) + 1)
            if len(buffer) > _LONGEST_LINE:
                del buffer[:]
                self._searched = 0
                raise LineLost(
                    f"{self.resource}: {_LONGEST_LINE} bytes without an end of line; is the baud rate right?"
                )
            if cancel is not None and cancel.is_set:
                return None
            if not self._fill(until, cancel) and self.clock.now() >= until:
                if cancel is not None and cancel.is_set:
                    return None
                self.suspect = True
                partial = bytes(buffer)
                got = f"only {partial!r}" if partial else "nothing"
                raise ReplyTimeout(f"{self.resource}: no answer within {wait:g} s ({got} came)", partial)

    def exchange(self, data: bytes, timeout: float | None = None) -> bytes:
        """Write and read the one-line answer, as one step that no other thread can come between."""
        with self.lock:
            self.write(data)
            line = self.read_line(timeout)
        if line is None:  # pragma: no cover - no token was given
            raise ReplyTimeout(f"{self.resource}: the wait for an answer was cancelled")
        return line

    def drain(self, quiet: float, longest: float = 10.0) -> bytes:
        """Read and return what comes until nothing came for ``quiet`` s (or ``longest`` is over)."""
        with self.lock:
            end = self.clock.now() + longest
            while self.clock.now() < end and self._fill(min(end, self.clock.now() + quiet), None):
                pass
            drained = bytes(self._buffer)
            self._buffer.clear()
            self._searched = 0
            return drained

    def statistics(self) -> dict[str, int]:
        """Bytes read, written and waiting to be split into lines."""
        return {"read": self._bytes_read, "written": self._bytes_written, "buffered": len(self._buffer)}

    def _fill(self, until: float, cancel: Cancel | None) -> bool:
        chunk = self._read_chunk(until, cancel)
        if not chunk:
            return False
        if self.trace is not None:
            self.trace(self.clock.now(), "<", chunk)
        self._bytes_read += len(chunk)
        self._buffer += chunk.translate(None, self._ignore) if self._ignore else chunk
        return True

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
