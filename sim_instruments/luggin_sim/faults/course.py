"""When each fault of a line begins, which replies it befalls, and when it is over."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from random import Random
from typing import NamedTuple

from luggin_sim.faults.kinds import Fault

_NEVER = math.inf


class Change(NamedTuple):
    """Something that lasts begins or ends at a lab time (s)."""

    time: float
    fault: Fault
    begins: bool


class Task:
    """One fault on one line: what was counted for it so far, and whether it is on."""

    def __init__(self, fault: Fault, since: float) -> None:
        self.fault = fault
        #: From here on it acts, and replies count.
        self.since = since
        # Not the bare seed: two faults with the same one must not fall on the same replies.
        self.random = Random(f"{fault.kind} {fault.seed}")
        self.begins_at = since if fault.lasts and not fault.begins_with_a_reply else _NEVER
        self.ends_at = _NEVER
        self.is_on = False
        self._replies = self._bytes = self._hits = 0

    def is_hit(self, now: float, size: int) -> bool:
        """True if the fault befalls, or begins with, a reply of ``size`` bytes that is sent ``now``."""
        fault = self.fault
        if now < self.since or (fault.lasts and not fault.begins_with_a_reply):
            return False
        if not fault.lasts and fault.duration is not None and now >= self.since + fault.duration:
            return False
        self._replies += 1
        self._bytes += size
        if self._replies <= (fault.after or 0) or self._bytes <= (fault.after_bytes or 0):
            return False
        if self.is_on or self.begins_at < _NEVER or self._hits >= fault.times:
            return False
        if fault.probability is not None and self.random.random() >= fault.probability:
            return False
        self._hits += 1
        return True


class FaultCourse:
    """All faults of one line. It knows nothing of lines: it says what is the matter, and others do it."""

    def __init__(self, planned: Iterable[Fault] = ()) -> None:
        self._origin = 0.0
        self._tasks: list[Task] = []
        for fault in planned:
            self.add(fault, 0.0)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to look at when a reply comes."""
        return not self._tasks

    @property
    def next_change(self) -> float:
        """Lab time (s) of the next beginning or end; infinite if none is known."""
        return min((min(task.begins_at, task.ends_at) for task in self._tasks), default=_NEVER)

    def start(self, now: float) -> None:
        """The laboratory is opened: ``at`` counts from here. Called before anything has happened."""
        faults, self._origin, self._tasks = [task.fault for task in self._tasks], now, []
        for fault in faults:
            self.add(fault, now)

    def add(self, fault: Fault, now: float) -> None:
        """One more fault, at once or from its own time on."""
        since = now if fault.at is None else max(now, self._origin + fault.at)
        self._tasks.append(Task(fault, since))

    def hits(self, now: float, size: int) -> Iterator[Task]:
        """The faults that befall a reply of ``size`` bytes, in the order in which they were put in."""
        for task in list(self._tasks):
            if task.is_hit(now, size):
                yield task

    def begin(self, task: Task, at: float) -> None:
        """What lasts begins at ``at``; whoever asked sees it as a `Change`."""
        task.begins_at = at

    def change(self, now: float) -> Change | None:
        """The earliest change up to ``now`` that nobody has seen yet. It is in force from here on."""
        when = self.next_change
        if when > now:
            return None
        # An end comes before a beginning at the same time, so that a state can be renewed.
        task = min(self._tasks, key=lambda task: (min(task.begins_at, task.ends_at), task.ends_at > when))
        if task.ends_at <= when:
            self._end(task)
            return Change(when, task.fault, begins=False)
        task.begins_at, task.is_on = _NEVER, True
        task.ends_at = when + task.fault.lasting
        return Change(when, task.fault, begins=True)

    def current(self, kind: str) -> Fault | None:
        """The fault of a kind that is on; the newest one if there are several."""
        return next((task.fault for task in reversed(self._tasks) if task.is_on and task.fault.kind == kind), None)

    def end_of(self, kind: str) -> float:
        """When the last fault of a kind that is on ends (lab s); minus infinity if none is on."""
        ends = (task.ends_at for task in self._tasks if task.is_on and task.fault.kind == kind)
        return max(ends, default=-_NEVER)

    def clear(self, kind: str | None, now: float) -> list[Change]:
        """Forget the faults of a kind (or all); the changes are the ends of those that were on."""
        gone = [task for task in self._tasks if kind is None or task.fault.kind == kind]
        self._tasks = [task for task in self._tasks if task not in gone]
        return [Change(now, task.fault, begins=False) for task in gone if task.is_on]

    def _end(self, task: Task) -> None:
        task.is_on, task.ends_at = False, _NEVER
