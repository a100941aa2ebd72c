"""A line in virtual time whose bytes arrive when the test says, and the other end of a pseudo-terminal."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator

import pytest

from luggin.clock import Cancel, Clock, VirtualClock
from luggin.transport import Transport

#: Host seconds that a test is ready to wait for something that must happen; it is over long before.
PATIENCE = 20.0


class TimedLine(Transport):
    """Bytes arrive at given lab times; what is written is kept, and may be answered."""

    def __init__(self, clock: Clock, arrivals=(), answer=None, **settings) -> None:
        super().__init__("timed", clock, **settings)
        self.arrivals: list[tuple[float, bytes]] = sorted(arrivals)
        self.answer = answer
        self.written: list[bytes] = []
        self.closed = 0

    def _read_chunk(self, until: float, cancel: Cancel | None) -> bytes:
        due = self.arrivals[0][0] if self.arrivals else float("inf")
        if not self.clock.wait_until(min(due, until), *([cancel] if cancel else [])):
            return b""
        return self.arrivals.pop(0)[1] if due <= self.clock.now() else b""

    def _write(self, data: bytes) -> None:
        self.written.append(data)
        if self.answer is not None:
            self.arrivals += self.answer(data, self.clock.now())

    def close(self) -> None:
        self.closed += 1


class OtherEnd:
    """The instrument's end of a pseudo-terminal."""

    def __init__(self) -> None:
        import tty

        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        self._slave = slave

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._master, data) :]

    def receive(self, count: int) -> bytes:
        """``count`` bytes, or fewer if they do not come."""
        data = b""
        while len(data) < count and select.select([self._master], [], [], PATIENCE)[0]:
            data += os.read(self._master, count - len(data))
        return data

    def has_received(self) -> bool:
        return bool(select.select([self._master], [], [], 0)[0])

    def answer_lines(self, answer, count: int) -> threading.Thread:
        """Answer ``count`` lines in a thread of its own."""

        def body() -> None:
            buffer, left = b"", count
            while left and select.select([self._master], [], [], PATIENCE)[0]:
                buffer += os.read(self._master, 4096)
                *lines, buffer = buffer.split(b"\n")
                for line in lines:
                    self.send(answer(line))
                    left -= 1

        thread = threading.Thread(target=body, daemon=True)
        thread.start()
        return thread

    def unplug(self) -> None:
        if self._master >= 0:
            os.close(self._master)
            os.close(self._slave)
            self._master = -1


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(stall_after=PATIENCE)


@pytest.fixture(scope="session")
def line_type() -> type[TimedLine]:
    """For tests that make many lines, each on a clock of its own."""
    return TimedLine


@pytest.fixture
def timed_line(clock):
    """Makes a `TimedLine` on the virtual clock."""

    def make(*arrivals: tuple[float, bytes], **settings) -> TimedLine:
        return TimedLine(clock, arrivals, **settings)

    return make


@pytest.fixture
def other_end() -> Iterator[OtherEnd]:
    if not hasattr(os, "openpty"):
        pytest.skip("this operating system has no pseudo-terminals")
    end = OtherEnd()
    yield end
    end.unplug()
