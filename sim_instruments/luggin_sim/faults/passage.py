"""What becomes of each reply on its way through the faults of its line."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from luggin_sim.faults import tampering
from luggin_sim.faults.course import FaultCourse, Task

#: Told of everything that happens to a reply: lab time (s), kind, bytes before, bytes after.
Note: TypeAlias = Callable[[float, str, bytes, bytes], None]


class Passage:
    """Remembers what the faults of one line need to remember of its replies."""

    def __init__(self, course: FaultCourse, note: Note) -> None:
        self._course, self._note = course, note
        #: The last reply as it was sent; whoever leaves out `through` because there are no faults says it here.
        self.previous = b""
        self._held: tuple[Task, bytes] | None = None

    def through(self, now: float, reply: bytes) -> tuple[bytes, Task | None]:
        """What of a reply goes on, and the fault by which the line breaks behind it, if one does.

        What lasts and begins with this reply is a change at ``now`` when this returns; only a reboot
        comes directly after it, because the reply was still sent.
        """
        data, breaks = self._with_held(now, reply), None
        previous, self.previous = self.previous, reply
        for task in self._course.hits(now, len(reply)):
            kind, before = task.fault.kind, data
            if kind == "unplug":
                data, breaks = data[: task.fault.keep or 0], task
            elif task.fault.lasts:
                self._course.begin(task, math.nextafter(now, math.inf) if kind == "reboot" else now)
                continue
            elif kind in ("late", "interleave"):
                self._held, data = (task, data), b""
            else:
                data = _changed(data, previous, task)
            self._note(now, kind, before, data)
        return data, breaks

    def forget(self) -> None:
        """Nothing is held back any more."""
        self._held = None

    def _with_held(self, now: float, reply: bytes) -> bytes:
        if self._held is None:
            return reply
        (task, held), self._held = self._held, None
        kind = task.fault.kind
        mixed = held + reply if kind == "late" else tampering.interleaved(held, reply, task.random)
        self._note(now, kind, reply, mixed)
        return mixed


def _changed(data: bytes, previous: bytes, task: Task) -> bytes:
    """What one fault makes of the bytes of one reply."""
    fault = task.fault
    match fault.kind:
        case "drop":
            return tampering.dropped(data, fault.bytes, task.random)
        case "garbage":
            return tampering.garbled(data, fault.bytes or 1, task.random, inserted=fault.inserted)
        case "truncate":
            return tampering.truncated(data, fault.keep, task.random)
        case "stale":
            return previous
        case "double":
            return data + data
        case kind:
            raise ValueError(f"{kind} does not change the bytes of a reply")
