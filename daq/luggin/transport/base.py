"""What every line can do, whatever carries the bytes."""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

from luggin.clock import Cancel, Clock, ClockQueue
from luggin.errors import BadReply, LineLost, NotSupported, ReplyTimeout

Direction = Literal[">", "<"]
Trace = Callable[[float, Direction, bytes], None]

#: Longest time (host seconds) that a read on a real line may be out of reach of an abort.
SLICE = 0.1
_LONGEST_LINE = 1 << 20
#: In sped-up time, no answer is missed before this (host s), and no line is called silent before that.
_PATIENCE = 2.0
_SILENCE = 0.02
#: Longest block that is read unless the caller says otherwise (bytes).
LONGEST_BLOCK = 256 << 20
#: How much of an answer that is no block goes into the error.
_SHOWN = 200


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
        #: What is in the buffer ends a message; only lines that carry messages (GPIB, USB, VXI-11) ever say so.
        self._ended = False
        #: Bytes that are surely still to come in the chunk that is asked for now; 0 if that is not known.
        self._wanted = 0
        self._after_block = False
        self._bytes_read = 0
        self._bytes_written = 0

    # -- what a line of a kind adds
    #: True on lines that say where a message ends (GPIB, USB, VXI-11), False on streams of bytes.
    _carries_messages = False

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
        wait = self._at_least(self.timeout if timeout is None else timeout, _PATIENCE)
        until = self.clock.now() + wait
        while True:
            end = buffer.find(terminator, self._searched)
            if end >= 0:
                line = bytes(buffer[:end])
                del buffer[: end + len(terminator)]
                self._searched = 0
                return line
            if self._ended:
                self._ended = False
                if buffer:
                    return self._take(len(buffer))
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

    def read_exactly(self, count: int, timeout: float | None = None, cancel: Cancel | None = None) -> bytes | None:
        """The next ``count`` bytes, whatever they are; None when ``cancel`` was set before they came.

        Raises:
            ReplyTimeout: fewer came within ``timeout`` lab seconds (default: the line's own).
            BadReply: the instrument ended its message before.
            LineLost: the line broke.
        """
        wait = self._at_least(self.timeout if timeout is None else timeout, _PATIENCE)
        until = self.clock.now() + wait
        buffer = self._buffer
        while len(buffer) < count:
            if self._ended:
                self._ended = False
                if buffer:
                    raise self._refused(f"the message ended after {len(buffer)} of {count} bytes")
            if cancel is not None and cancel.is_set:
                return None
            if not self._fill(until, cancel, count - len(buffer)) and self.clock.now() >= until:
                if cancel is not None and cancel.is_set:
                    return None
                self.suspect = True
                raise ReplyTimeout(
                    f"{self.resource}: only {len(buffer)} of {count} bytes came within {wait:g} s", bytes(buffer)
                )
        return self._take(count)

    def read_block(self, timeout: float | None = None, longest: int = LONGEST_BLOCK) -> bytes:
        """The bytes of one IEEE 488.2 block.

        That is ``#<d><d digits: length><bytes>``, or ``#0<bytes>`` up to the end of the message.
        The end of line after a definite block is taken with it, also if it comes later or not at all.

        Args:
            timeout: for the whole block (lab s; default: the line's own).
            longest: a block that says it is longer is refused before anything is allocated for it (bytes).

        Raises:
            BadReply: the answer is no block, or too long a one; ``raw`` has its beginning. The line is `suspect`.
            ReplyTimeout, LineLost: as in `read_line`.
        """
        until = self.clock.now() + (self.timeout if timeout is None else timeout)
        header = self._exactly(2, until)
        if header == b"#0":
            return self._rest_of_message(until, longest)
        if header[:1] != b"#" or not header[1:].isdigit():
            raise self._refused("the answer is not a block of binary data", header)
        digits = self._exactly(int(header[1:]), until)
        if not digits.isdigit():
            raise self._refused("the length of the block is not a number", header + digits)
        if int(digits) > longest:
            raise self._refused(f"a block of {int(digits)} bytes is longer than {longest}", header + digits)
        block = self._exactly(int(digits), until)
        self._after_block = True
        self._skip_end_of_block()
        return block

    def exchange(self, data: bytes, timeout: float | None = None) -> bytes:
        """Write and read the one-line answer, as one step that no other thread can come between."""
        with self.lock:
            self.write(data)
            line = self.read_line(timeout)
        if line is None:  # pragma: no cover - no token was given
            raise ReplyTimeout(f"{self.resource}: the wait for an answer was cancelled")
        return line

    def drain(self, quiet: float, longest: float = 10.0) -> bytes:
        """Read and return what comes until nothing came for ``quiet`` s (or ``longest`` is over).

        With 0 for both that is what has come by now; nothing is waited for.
        """
        with self.lock:
            quiet = self._at_least(quiet, _SILENCE) if quiet else 0.0
            end = self.clock.now() + max(longest, quiet)
            while self._fill(min(end, self.clock.now() + quiet), None) and self.clock.now() < end:
                pass
            self._ended = self._after_block = False
            return self._take(len(self._buffer))

    def _at_least(self, seconds: float, host_seconds: float) -> float:
        """A deadline (lab s) that leaves the computer enough time of its own.

        Where time is sped up, a simulated instrument in another process answers in the computer's time: the
        line between the two is no faster than it is.
        """
        speed = self.clock.speed
        return max(seconds, host_seconds * speed) if 1.0 < speed < math.inf else seconds

    def clear(self) -> None:
        """Forget what the instrument said or was about to say.

        A line that can tell the instrument to forget does so (VISA's device clear); the others wait
        until nothing comes any more. `suspect` stays: an answer may still be on its way.
        """
        self.drain(quiet=0.1)

    def read_stb(self) -> int:
        """The status byte by serial poll, beside whatever else goes over the line.

        Raises:
            NotSupported: this kind of line has no serial poll.
        """
        raise NotSupported(f"{self.resource}: this line has no serial poll; ask the instrument with *STB?")

    @property
    def has_unread(self) -> bool:
        """True if bytes that came are still waiting to be read."""
        return bool(self._buffer)

    def statistics(self) -> dict[str, int]:
        """Bytes read, written and waiting to be split into lines."""
        return {"read": self._bytes_read, "written": self._bytes_written, "buffered": len(self._buffer)}

    def _fill(self, until: float, cancel: Cancel | None, wanted: int = 0) -> bool:
        self._wanted = wanted
        chunk = self._read_chunk(until, cancel)
        if not chunk:
            return False
        if self.trace is not None:
            self.trace(self.clock.now(), "<", chunk)
        self._bytes_read += len(chunk)
        self._buffer += chunk.translate(None, self._ignore) if self._ignore else chunk
        if self._after_block:
            self._skip_end_of_block()
        return True

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._searched = 0
        return taken

    def _exactly(self, count: int, until: float) -> bytes:
        data = self.read_exactly(count, until - self.clock.now())
        if data is None:  # pragma: no cover - no token was given
            raise ReplyTimeout(f"{self.resource}: the wait for a block was cancelled")
        return data

    def _rest_of_message(self, until: float, longest: int) -> bytes:
        """An indefinite block: whatever comes until the message ends."""
        buffer = self._buffer
        while not self._ended:
            if len(buffer) > longest:
                raise self._refused(f"a block of more than {longest} bytes", b"#0")
            if not self._carries_messages:
                raise self._refused("a block without a length has no end on this line", b"#0")
            if not self._fill(until, None) and self.clock.now() >= until:
                self.suspect = True
                raise ReplyTimeout(f"{self.resource}: a block of {len(buffer)} bytes had no end", bytes(buffer))
        self._ended = False
        return self._take(len(buffer)).removesuffix(self.terminator)

    def _skip_end_of_block(self) -> None:
        """The end of line after a block belongs to the block, whenever it comes."""
        begin = bytes(self._buffer[: len(self.terminator)])
        if begin == self.terminator:
            del self._buffer[: len(begin)]
        elif self.terminator.startswith(begin) and not self._ended:
            return
        self._after_block = False
        if not self._buffer:
            self._ended = False

    def _refused(self, why: str, begin: bytes = b"") -> BadReply:
        """An answer that is not what was asked for; where it ends, nobody knows."""
        self.suspect = True
        raw = begin + self._take(len(self._buffer))[:_SHOWN]
        self._ended = False
        return BadReply(f"{self.resource}: {why}: {raw!r}", raw)

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
