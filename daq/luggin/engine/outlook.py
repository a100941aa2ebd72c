"""What a resume will do, before it does anything: for the person who has to agree to it.

Only reads. The decisions are those of the engine (`luggin.engine.history`, `luggin.steps.resuming`);
here they are put into words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.clock import RealClock
from luggin.engine.history import History
from luggin.errors import LugginError, RunFolderError, UsageError
from luggin.units import show_duration

if TYPE_CHECKING:
    from luggin.engine.history import PathHistory
    from luggin.engine.progress import People
    from luggin.steps import Execution, LoadedProtocol, Step, Vocabulary

#: So many of the steps that follow are told one by one.
_TOLD = 6


@dataclass(frozen=True)
class Ahead:
    """A step that will be done: where it stands, what it is, and how long it takes (s; None if nobody can say)."""

    path: str
    title: str
    duration: float | None

    def __str__(self) -> str:
        takes = "" if self.duration is None else f" ({show_duration(self.duration)})"
        return f"step {self.path} {self.title}{takes}"


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
        takes = "" if self.duration is None else f", {show_duration(self.duration)}"
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
        return self.ahead is not None and all(step.duration is not None for step in self.coming)

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
            **vars(self),
            "folder": str(self.folder),
            "completed": list(self.completed),
            "again": [vars(step) | {"states": list(step.states)} for step in self.again],
            "interrupted": None if self.interrupted is None else dict(vars(self.interrupted)),
            "ahead": None if self.ahead is None else [dict(vars(step)) for step in self.ahead],
            "guardian": list(self.guardian),
            "remaining": self.remaining,
        }


def outlook_of(
    folder: Path,
    history: History,
    executions: Iterable[Execution] | None,
    *,
    ended: str,
    rows: int = 0,
    done: float = 0.0,
    gap: float | None = None,
    guardian: Sequence[str] = (),
    blocked: str = "",
) -> Outlook:
    """What a resume will do, from what was done and what the protocol says.

    Args:
        folder: of the run.
        history: what was done.
        executions: all steps of the protocol; None for a script.
        ended: how the last process ended.
        rows: of the earlier attempts at the interrupted step.
        done: how far that had come (s of its technique).
        gap: since the last sign of life (s of the clock on the wall).
        guardian: what guardians did, in words.
        blocked: why nothing goes on, if something outside of the records says so.
    """
    known = None if executions is None else {e.path: e.step for e in executions}
    begun = next((path for path in reversed(history.order) if history.paths[path].ended is None), None)
    interrupted = None if begun is None else _goes_on(history.paths[begun], known, rows, done)
    ahead = _ahead(history, known, begun)
    completed = [path for path in history.order if history.paths[path].ended is not None]
    anything = interrupted is not None or ahead is None or bool(ahead)
    again = _made_again(history, known, _first(history, known, begun)) if anything else ()
    finished = history.finished or {}
    blocked = blocked or _blocked(history, interrupted)
    return Outlook(
        folder=folder,
        title=str(history.header.get("title", "")),
        simulated=bool(history.header.get("simulated")),
        ended=ended,
        why=str((finished.get("error") or {}).get("message", "")),
        completed=tuple(f"{path} {history.paths[path].do}" for path in completed),
        again=again,
        interrupted=interrupted,
        ahead=ahead,
        gap=gap,
        speed=1.0 if history.header.get("virtual") else float(history.header.get("speed") or 1.0),
        trip=history.trip,
        guardian=tuple(guardian),
        blocked=blocked,
    )


def _goes_on(entry: PathHistory, known: Mapping[str, Step] | None, rows: int, done: float) -> GoesOn:
    from luggin.steps.lasting import lasts
    from luggin.steps.resuming import policy_of, remaining

    step = None if known is None else known.get(entry.path)
    if step is None:  # a script, or a companion of one (a prompt, an analysis): they begin again
        return GoesOn(entry.path, entry.do, None, attempt=entry.attempts + 1, rows=rows, done=done)
    left = remaining(step, done)
    return GoesOn(
        entry.path,
        title_of(step),
        lasts(step if left is None else left),
        policy=policy_of(step),
        attempt=entry.attempts + 1,
        rows=rows,
        done=done,
        continues=left is not None,
    )


def _ahead(history: History, known: Mapping[str, Step] | None, begun: str | None) -> tuple[Ahead, ...] | None:
    from luggin.steps.lasting import lasts

    if known is None:
        return None
    done = {path for path, entry in history.paths.items() if entry.ended is not None}
    return tuple(
        Ahead(path, title_of(step), lasts(step)) for path, step in known.items() if path not in done and path != begun
    )


def _first(history: History, known: Mapping[str, Step] | None, begun: str | None) -> str | None:
    """The first step that will really run, if it was begun before."""
    if known is None:
        return begun
    return next((path for path in known if path not in history.paths or history.paths[path].ended is None), None)


def _made_again(history: History, known: Mapping[str, Step] | None, before: str | None) -> tuple[MadeAgain, ...]:
    from luggin.steps.lasting import lasts

    states: dict[str, list[str]] = {}
    for state, entry in history.latest_establishing(before=before).items():
        states.setdefault(entry.path, []).append(state)
    made = []
    for path, its in states.items():
        step = None if known is None else known.get(path)
        title = history.paths[path].do if step is None else title_of(step)
        made.append(MadeAgain(path, title, None if step is None else lasts(step), states=tuple(its)))
    return tuple(made)


def _blocked(history: History, interrupted: GoesOn | None) -> str:
    if (history.finished or {}).get("outcome") == "completed":
        return "this run is completed; there is nothing to resume"
    if history.header.get("imported"):
        return "this run was imported from a file; there is nothing to resume"
    kind = dict(history.header.get("protocol", {})).get("kind")
    if kind not in ("toml", "python"):
        return f"a run that was started {kind}ly cannot be resumed; its data are complete"
    if interrupted is not None and interrupted.policy == "stop":
        return f'step {interrupted.path} was interrupted, and says on_resume = "stop": start a new run'
    return ""


def read_outlook(folder: Path, vocabulary: Vocabulary, changed: LoadedProtocol | None = None) -> Outlook:
    """What ``luggin resume FOLDER`` would do now; nothing is written.

    Args:
        folder: of the run.
        vocabulary: the steps that its protocol may have.
        changed: the protocol that it would be resumed with, instead of its own.

    Raises:
        RunFolderError: not a run that has begun.
        ProtocolError: its protocol cannot be read any more, as when a plugin is missing.
    """
    from luggin.analysis import open_run
    from luggin.engine.leftovers import measured_before
    from luggin.guardian.record import read_interventions
    from luggin.store import is_being_written

    archive = open_run(folder)
    history = History(archive.records)
    if not history.header:
        raise RunFolderError(f"{folder}: run.log ends before the run began; there is nothing to resume")
    begun = next((path for path in reversed(history.order) if history.paths[path].ended is None), None)
    rows, done = 0, 0.0
    blocked = "a process writes it now; stop that first" if is_being_written(folder) else ""
    if begun is not None:
        try:
            parts, done = measured_before(folder, begun)
            rows = sum(part.count for part in parts)
        except LugginError as error:
            blocked = blocked or f"its rows cannot be read: {error}"
    last = archive.moment(history.last_time)
    virtual = bool(history.header.get("virtual"))
    gap = None if virtual or last is None else max((RealClock().utc() - last.astimezone(UTC)).total_seconds(), 0.0)
    return outlook_of(
        folder,
        history,
        _executions(history, vocabulary, changed),
        ended=archive.outcome,
        rows=rows,
        done=done,
        gap=gap,
        guardian=[intervention.words for intervention in read_interventions(folder)],
        blocked=blocked,
    )


def _executions(history: History, vocabulary: Vocabulary, changed: LoadedProtocol | None) -> Iterable[Execution] | None:
    """The steps of the protocol with which the run goes on; None for a script."""
    from luggin.steps import load_protocol

    if changed is not None:
        return changed.protocol.walk()
    source = (history.protocols[-1] if history.protocols else history.header).get("protocol", {})
    if source.get("kind") != "toml":
        return None
    return load_protocol(text=source["text"], vocabulary=vocabulary, name=source["name"]).protocol.walk()


def confirm_resume(outlook: Outlook, people: People | None) -> None:
    """Have a person agree to what was told of a real cell (`Outlook.words`). A simulated one needs nobody.

    Raises:
        RunFolderError: it cannot be resumed as things are.
        UsageError: nobody is there to ask.
    """
    if outlook.blocked:
        raise RunFolderError(f"{outlook.folder}: {outlook.blocked}.")
    if outlook.simulated:
        return
    if people is None:
        raise UsageError(
            f"{outlook.folder}: somebody has to agree to what a resume does to the cell; run it from a terminal, or "
            "with --yes"
        )
    people.ask(f"{outlook.folder}: is the cell ready for what will be done?", {}, _Never(), None)


class _Never:
    """A question before a run: nothing has begun that could stop it."""

    is_set = False


def title_of(step: Step) -> str:
    """What a step is, in words."""
    return " ".join(filter(None, [step.do, step.id and f"'{step.id}'", step.label]))


def _some(items: Sequence[str]) -> str:
    shown = ", ".join(items[:_TOLD])
    return shown if len(items) <= _TOLD else f"{shown} and {len(items) - _TOLD} more"


def _line(what: str, words: str) -> str:
    return f"{what:9} {words}"
