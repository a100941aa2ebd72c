"""What lies ahead of a run that is taken up again, as plain data and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from luggin.errors import LugginError
from luggin.units import show_duration

#: So many of the steps that follow are told one by one.
_TOLD = 6


@dataclass(frozen=True)
class Ahead:
    """A step that will be done: where it stands, what it is, and how long it takes (s; None if nobody can say).

    With ``least`` it takes as long at least: the way to a temperature comes before the dwell there.
    """

    path: str
    title: str
    duration: float | None
    least: bool = False

    @property
    def takes(self) -> str:
        """How long, in words; empty if nobody can say."""
        if self.duration is None:
            return ""
        return f"{'at least ' if self.least else ''}{show_duration(self.duration)}"

    def __str__(self) -> str:
        return f"step {self.path} {self.title}{f' ({self.takes})' if self.takes else ''}"


@dataclass(frozen=True)
class MadeAgain(Ahead):
    """A completed step that is done again, because the stop undid the ``states`` that it had made."""

    states: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{', '.join(self.states)}: {super().__str__()}"


@dataclass(frozen=True)
class GoesOn(Ahead):
    """The step that was interrupted, and how it goes on.

    Attributes:
        policy: ``restart``, ``continue`` or ``stop``.
        attempt: number of the attempt that comes.
        rows: that its earlier attempts have; they stay.
        done: how far it had come (s of its technique).
        continues: what is left of it is done, and not all of it.
    """

    policy: str = "restart"
    attempt: int = 1
    rows: int = 0
    done: float = 0.0
    continues: bool = False

    def __str__(self) -> str:
        stays = f"; its {self.rows} rows stay" if self.rows else ""
        if self.policy == "stop":
            return f"step {self.path} {self.title} was interrupted, and the protocol says that it must not go on"
        if self.continues:
            left = "" if self.duration is None else f"the {show_duration(self.duration)} that are left"
            return f"step {self.path} {self.title} goes on with {left} (attempt {self.attempt}{stays})"
        takes = f", {self.takes}" if self.takes else ""
        return f"step {self.path} {self.title} begins again (attempt {self.attempt}{takes}{stays})"


@dataclass(frozen=True)
class Outlook:
    """What a resume will do.

    Attributes:
        folder: of the run.
        title: of the run.
        simulated: no real instrument is on the bench.
        ended: how the last process ended: ``cut off``, ``interrupted``, ``failed``, ``limit tripped`` ...
        why: what ended it, in words.
        completed: paths and titles of what is not done again.
        again: what is done again first, because the stop undid it.
        interrupted: the step that had begun; None if the run ended between two steps.
        ahead: what follows; None if only a script knows.
        gap: since the last row or record (s of the clock on the wall); None if time is virtual.
        speed: lab seconds per second.
        trip: the limit that stopped the run and that nobody has cleared yet.
        guardian: what guardians did, in words.
        blocked: why it cannot be resumed as things are; empty if it can.
        trouble: the error with which a resume would end, where more than the records block it.
    """

    folder: Path
    title: str
    simulated: bool
    ended: str
    why: str = ""
    completed: tuple[str, ...] = ()
    again: tuple[MadeAgain, ...] = ()
    interrupted: GoesOn | None = None
    ahead: tuple[Ahead, ...] | None = ()
    gap: float | None = None
    speed: float = 1.0
    trip: str = ""
    guardian: tuple[str, ...] = ()
    blocked: str = ""
    trouble: LugginError | None = None

    @property
    def coming(self) -> tuple[Ahead, ...]:
        """All that will be done, as far as it is known, in the order of time."""
        interrupted = () if self.interrupted is None else (self.interrupted,)
        return (*self.again, *interrupted, *(self.ahead or ()))

    @property
    def remaining(self) -> float:
        """Time (s, in the laboratory) that this takes at least; steps of unknown length count as nothing."""
        return sum(step.duration or 0.0 for step in self.coming)

    @property
    def is_whole(self) -> bool:
        """Whether the length of everything that comes is known."""
        return self.ahead is not None and all(s.duration is not None and not s.least for s in self.coming)

    def words(self, now: datetime | None = None) -> list[str]:
        """For the person at the bench; with ``now`` (UTC) it says when it will be over."""
        lines = [("run", f"{self.folder}: {self.title}{' (SIMULATED)' if self.simulated else ''}")]
        ago = "" if self.gap is None else f", {show_duration(self.gap)} ago"
        lines.append(("ended", f"{self.ended}{ago}{f': {self.why}' if self.why else ''}"))
        lines += [("limit", f"{self.trip}. Look at the cell first.")] if self.trip else []
        lines += [("guardian", words) for words in self.guardian]
        one = len(self.completed) == 1
        done = f"{len(self.completed)} step{' is' if one else 's are'} not done again"
        lines.append(("done", f"{done}: {_some(self.completed)}" if self.completed else "no step was completed"))
        if self.blocked:
            return [_line(*line) for line in [*lines, ("blocked", self.blocked)]]
        lines += [("first", f"{made}, because the stop undid it") for made in self.again]
        lines += [("then", str(self.interrupted))] if self.interrupted is not None else []
        if self.ahead is None:
            lines.append(("after", "what follows, the script says as it goes"))
        elif self.ahead:
            lines.append(("after" if self.interrupted else "then", _some([str(step) for step in self.ahead])))
        lines.append(("takes", self._takes(now)))
        return [_line(*line) for line in lines]

    def _takes(self, now: datetime | None) -> str:
        least = "about" if self.is_whole else "at least"
        takes = f"{least} {show_duration(self.remaining)}"
        if self.gap is None or now is None or not self.remaining:
            return takes
        end = (now + timedelta(seconds=self.remaining / self.speed)).astimezone()
        return f"{takes}: until {end:%a %d %b %H:%M}"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            **{name: value for name, value in vars(self).items() if name != "trouble"},
            "folder": str(self.folder),
            "completed": list(self.completed),
            "again": [vars(step) | {"states": list(step.states)} for step in self.again],
            "interrupted": None if self.interrupted is None else dict(vars(self.interrupted)),
            "ahead": None if self.ahead is None else [dict(vars(step)) for step in self.ahead],
            "guardian": list(self.guardian),
            "remaining": self.remaining,
        }


def _some(items: Sequence[str]) -> str:
    shown = ", ".join(items[:_TOLD])
    return shown if len(items) <= _TOLD else f"{shown} and {len(items) - _TOLD} more"


def _line(what: str, words: str) -> str:
    return f"{what:9} {words}"
