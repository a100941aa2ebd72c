r"""A line with a scripted dialogue: what a driver must say, and what it gets for it.

::

    with dialogue(P1Driver(), [(b"CELL OFF\n", b""), (b"CELL?\n", b"OFF\n")]) as cell:
        assert "OFF" in cell.make_safe()
"""

from __future__ import annotations

import contextlib
import difflib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from luggin.capabilities import Device, Driver
from luggin.clock import Cancel, Clock, VirtualClock
from luggin.errors import LugginError
from luggin.testing.checking import CheckFailed
from luggin.testing.lines import of_every_line
from luggin.transport import Transport


class Pause(NamedTuple):
    """Within a reply: nothing comes for so many lab seconds."""

    seconds: float


#: One thing that comes back: bytes, a pause before the next ones, or an error that the line raises then.
Event = bytes | Pause | LugginError
#: What must be written, and what comes back for it.
Exchanged = tuple[bytes, Event | Sequence[Event]]


class ScriptedLine(Transport):
    """Plays one side of a dialogue in virtual time.

    Args:
        exchanges: pairs of the bytes that must be written next and the reply: bytes, a list of bytes and
            `Pause`, or an error (`luggin.errors.LineLost` ...) that is raised when it is read.
        clock: the lab clock; a virtual one of its own if not given.
        settings: of the line: ``terminator``, ``timeout``, ``ignore``.

    Attributes:
        written: everything that was written, each write for itself.
        left: what was not said yet.
    """

    def __init__(self, exchanges: Sequence[Exchanged], clock: Clock | None = None, **settings: Any) -> None:
        super().__init__("dialogue", clock or VirtualClock(), **of_every_line(settings))
        self.left = list(exchanges)
        self.written: list[bytes] = []
        self._coming: deque[tuple[float, bytes | LugginError]] = deque()

    def _write(self, data: bytes) -> None:
        self.written.append(data)
        if not self.left or self.left[0][0] != data:
            raise CheckFailed(_difference(self.written, self.left))
        reply = self.left.pop(0)[1]
        when = max([self.clock.now(), *(due for due, _ in self._coming)])
        for event in [reply] if isinstance(reply, bytes | Pause | LugginError) else reply:
            if isinstance(event, Pause):
                when += event.seconds
            elif event != b"":
                self._coming.append((when, event))

    def _read_chunk(self, until: float, cancel: Cancel | None) -> bytes:
        due = min(until, self._coming[0][0]) if self._coming else until
        self.clock.wait_until(due, *(() if cancel is None else (cancel,)))
        if not self._coming or self._coming[0][0] > self.clock.now():
            return b""
        event = self._coming.popleft()[1]
        if isinstance(event, LugginError):
            raise event
        return event

    def close(self) -> None:
        """There is nothing to give back."""

    def require_all_said(self) -> None:
        """`CheckFailed` if the driver did not say everything that was listed."""
        if self.left:
            raise CheckFailed("the driver never said:\n" + "\n".join(f"  {data!r}" for data, _ in self.left))


@contextlib.contextmanager
def dialogue(
    driver: Driver,
    exchanges: Sequence[Exchanged],
    settings: Mapping[str, Any] | None = None,
    clock: Clock | None = None,
) -> Iterator[Any]:
    """A driver on a scripted line; at the end everything that is listed must have been said.

    Args:
        driver: what is registered (has ``create`` and ``line_settings``).
        exchanges: as for `ScriptedLine`.
        settings: of the instrument, as in a bench file.
        clock: the lab clock; a virtual one of its own if not given.

    Raises:
        CheckFailed: the driver said something else, or not everything; the message shows the difference.
    """
    given = settings or {}
    line = ScriptedLine(exchanges, clock, **dict(driver.line_settings(given)))
    device: Device = driver.create(line, line.clock, "instrument", given)
    yield device
    line.require_all_said()


def _difference(written: Sequence[bytes], left: Sequence[Exchanged]) -> str:
    """What was said, against what was to be said at that place."""
    said = written[-1]
    if not left:
        return f"the driver said {said!r}, but the dialogue was over after {len(written) - 1} writes"
    expected = left[0][0]
    lines = difflib.ndiff(_split(expected), _split(said))
    return f"write {len(written)} is not what was to be said (- expected, + said):\n" + "\n".join(lines)


def _split(data: bytes) -> list[str]:
    return [repr(line)[1:] for line in data.splitlines(keepends=True)] or ["''"]
