"""What goes on now: runs that are being written, and lines that somebody has. Only looks, from any process.

A run says of itself in ``run.log`` what it does; its lock says whether anybody still does it. What
is torn at the end of a file is on its way, and is left out. Nothing here disturbs who writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.clock import RealClock
from luggin.engine.history import History
from luggin.engine.leftovers import newest_row
from luggin.errors import LugginError
from luggin.platform import FileLock
from luggin.transport.ownership import lock_folder

if TYPE_CHECKING:
    from luggin.analysis import RunArchive, StepRecord
    from luggin.steps import Vocabulary

#: Events that say what became of a run, and not what it does just now.
_NEWS = ("prepared", "made safe", "guardian")
#: Events whose one word says too little where the step stands beside them.
_TELLING = {"started": "the run began", "resumed": "the run was taken up"}


@dataclass(frozen=True)
class Situation:
    """One run that is being written. Moments are UTC; what is not known, or has no meaning in virtual time, is None.

    Attributes:
        folder: of the run.
        title, sample: of its protocol.
        simulated: no real instrument is on the bench.
        pid, host, user: of who writes it.
        started: when it began.
        path: of the step that it does; empty between two steps.
        step: what that is, in words.
        attempt: at it.
        number, steps: its place in the protocol, and how many there are; None for scripts.
        step_began: when it began.
        duration: planned time of what the instrument does just now (s of lab time).
        doing: ``measuring``, ``waiting for a person``, ``suspended``, ``waiting`` or ``between steps``.
        rows: of all streams of instruments.
        last_row: how old the newest row is (s).
        last_event: what happened last (an event, or the end of a step), and how long ago (s).
        trip: the limit that tripped.
        guardian: who guards its lines, in words.
        remaining: time that is left at least (s of lab time).
        ends: when it will be over, if all goes as planned.
        problem: what could not be read.
    """

    folder: Path
    title: str
    sample: str
    simulated: bool
    pid: int | None
    host: str
    user: str
    started: datetime | None
    path: str = ""
    step: str = ""
    attempt: int = 0
    number: int | None = None
    steps: int | None = None
    step_began: datetime | None = None
    duration: float | None = None
    doing: str = "between steps"
    rows: int = 0
    last_row: float | None = None
    last_event: str = ""
    last_event_age: float | None = None
    trip: str = ""
    guardian: str = ""
    remaining: float | None = None
    ends: datetime | None = None
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data; moments in UTC."""
        plain = {n: v.isoformat() if isinstance(v, datetime) else v for n, v in vars(self).items()}
        return plain | {"folder": str(self.folder)}


@dataclass(frozen=True)
class Owned:
    """A line that a process has: its name, whose it is, what for, and since when (as they wrote it)."""

    resource: str
    pid: int | None
    user: str
    purpose: str
    since: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return dict(vars(self))


def owned_lines(folder: Path | None = None) -> list[Owned]:
    """Every line of this computer that some process has; ``folder`` is where the locks are."""
    place = folder or lock_folder()
    found = []
    for path in sorted(place.glob("*.lock")) if place.is_dir() else ():
        lock = FileLock(path)
        try:
            if lock.is_held():
                found.append(_owned(lock.note()[0]))
        except OSError as error:
            found.append(Owned(f"a line whose lock {path.name} cannot be read ({error.strerror})", None, "?", "?", "?"))
    return found


def _owned(note: str) -> Owned:
    try:
        said: Mapping[str, Any] = json.loads(note)
        return Owned(*(said[key] for key in ("resource", "pid", "user", "purpose", "since")))
    except (ValueError, KeyError, TypeError):
        return Owned("a line", None, "?", "taken just now", "?")  # its owner has not yet written who it is


def situation_of(folder: Path, vocabulary: Vocabulary, now: datetime | None = None) -> Situation:
    """What a run that is being written does now.

    Args:
        folder: of the run.
        vocabulary: the steps that its protocol may have.
        now: the time of day; the clock's if not given.

    Raises:
        RunFolderError: not a run folder.
        StoreCorrupt: its ``run.log`` contradicts itself.
    """
    from luggin.analysis import open_run

    archive = open_run(folder)
    history = History(archive.records)
    moment = now or RealClock().utc()
    pid, host, user = _writer(folder)
    ticks = _Time(archive, moment)
    rows, last_row, problem = _newest_row(archive, ticks)
    number, steps, ahead = _place(history, vocabulary)
    step = _current(archive)
    happened, since = _last_happening(archive)
    known: dict[str, Any] = {}
    if step is not None:
        planned = _planned(archive, step)
        left = _left(planned, ticks)
        ahead = None if ahead is None else ahead + (left or 0.0)
        known = {
            "path": step.path,
            "step": " ".join(filter(None, [step.do, step.id and f"'{step.id}'", step.label])),
            "attempt": step.attempt,
            "step_began": ticks.moment(step.started),
            "duration": None if planned is None else float(planned["duration"]),
            "doing": _doing(step, archive, planned),
        }
    return Situation(
        folder=folder,
        title=str(history.header.get("title", "")),
        sample=str(history.header.get("sample", {}).get("id", "")),
        simulated=archive.simulated,
        pid=pid,
        host=host,
        user=user,
        started=ticks.moment(0.0),
        number=number,
        steps=steps,
        rows=rows,
        last_row=last_row,
        last_event=happened,
        last_event_age=None if since is None else ticks.age(since),
        trip=history.trip,
        guardian=_guardian(archive),
        remaining=ahead,
        ends=ticks.after(ahead),
        problem=problem,
        **known,
    )


class _Time:
    """The run's time against the clock on the wall. Virtual time has nothing to do with it."""

    def __init__(self, archive: RunArchive, now: datetime) -> None:
        self._archive, self._now = archive, now
        self._virtual = bool(archive.header.get("virtual"))

    def moment(self, run_time: float) -> datetime | None:
        moment = self._archive.moment(run_time)
        return None if moment is None else moment.astimezone(UTC)

    def age(self, run_time: float) -> float | None:
        moment = None if self._virtual else self.moment(run_time)
        return None if moment is None else max((self._now - moment).total_seconds(), 0.0)

    def since(self, run_time: float) -> float:
        """Lab time (s) since a run time; 0 where that is not known."""
        return (self.age(run_time) or 0.0) * self._archive.speed

    def after(self, lab_seconds: float | None) -> datetime | None:
        if lab_seconds is None or self._virtual:
            return None
        return self._now + timedelta(seconds=lab_seconds / self._archive.speed)


def _writer(folder: Path) -> tuple[int | None, str, str]:
    """Process, computer and user of who has the lock of a run."""
    from luggin.store.layout import RunFolder

    lock = RunFolder(folder).lock
    try:
        user = lock.owner()
    except (OSError, KeyError, NotImplementedError):  # no such user here; Windows does not say
        user = "?"
    try:
        said = json.loads(FileLock(lock).note()[0])
        return int(said["pid"]), str(said["host"]), user
    except (OSError, ValueError, KeyError, TypeError):
        return None, "?", user


def _current(archive: RunArchive) -> StepRecord | None:
    """The step that is being done: the last one that was begun, if it has no end."""
    from luggin.analysis.archive import recorded_steps

    steps = list(recorded_steps(archive.records))
    last_session = float(archive.sessions[-1].get("time", 0.0)) if archive.sessions else 0.0
    running = [step for step in steps if step.ended is None and step.started >= last_session]
    return running[-1] if running else None


def _last_happening(archive: RunArchive) -> tuple[str, float | None]:
    """What happened last, in words, and at which time of the run (s): an event, or the end of a step."""
    for record in reversed(archive.records):
        kind, what = record.get("kind"), str(record.get("what", ""))
        if kind in ("end", "failed"):
            words = f"step {record.get('path', '?')} {'ended' if kind == 'end' else 'failed'}"
        elif kind == "event" and what not in _NEWS:
            words = " ".join(filter(None, [_TELLING.get(what, what), str(record.get("words", ""))]))
        else:
            continue
        return words, float(record["time"])
    return "", None


def _planned(archive: RunArchive, step: StepRecord) -> Mapping[str, Any] | None:
    """What the instrument was prepared for last, in this attempt."""
    mine = (e for e in reversed(archive.events) if (e.get("step"), e.get("attempt")) == (step.step, step.attempt))
    return next((event for event in mine if event.get("what") == "prepared"), None)


def _left(planned: Mapping[str, Any] | None, ticks: _Time) -> float | None:
    return None if planned is None else max(float(planned["duration"]) - ticks.since(float(planned["time"])), 0.0)


def _doing(step: StepRecord, archive: RunArchive, planned: Mapping[str, Any] | None) -> str:
    states = [event["what"] for event in archive.events if event.get("what") in ("suspended", "continued")]
    if states and states[-1] == "suspended":
        return "suspended"
    if step.do == "prompt":
        return "waiting for a person"
    return "waiting" if planned is None else "measuring"


def _guardian(archive: RunArchive) -> str:
    """The runner stops when it loses its guardian, so the last word about it holds."""
    session = max((n for n, r in enumerate(archive.records) if r.get("kind") == "session"), default=0)
    said = [r for r in archive.records[session:] if r.get("kind") == "event" and r.get("what") == "guardian"]
    if not said:
        return "nobody guards its lines"
    process = f" (process {said[-1]['pid']})" if "pid" in said[-1] else ""
    return f"{said[-1].get('words', '')}{process}"


def _newest_row(archive: RunArchive, ticks: _Time) -> tuple[int, float | None, str]:
    """Rows of instruments, age of the newest (s), and what could not be read."""
    try:
        rows, newest = newest_row(archive.store)
    except (LugginError, OSError) as error:
        return 0, None, f"its rows cannot be read: {error}"
    return rows, None if newest is None else ticks.age(newest), ""


def _place(history: History, vocabulary: Vocabulary) -> tuple[int | None, int | None, float | None]:
    """Place of the present step in the protocol, number of all steps, and time of those that come behind it (s)."""
    from luggin.steps import load_protocol
    from luggin.steps.lasting import lasts

    source = (history.protocols[-1] if history.protocols else history.header).get("protocol", {})
    if source.get("kind") != "toml":
        return None, None, None
    try:
        protocol = load_protocol(text=source["text"], vocabulary=vocabulary, name=source["name"]).protocol
    except LugginError:  # a plugin that the run has is not here, or it is of another version
        return None, None, None
    paths = {execution.path: execution.step for execution in protocol.walk()}
    done = {path for path, entry in history.paths.items() if entry.ended is not None}
    begun = [path for path in history.order if path in paths and path not in done]
    current = begun[-1] if begun else next((path for path in paths if path not in done), None)
    behind = [step for path, step in paths.items() if path not in done and path not in begun]
    number = len(paths) if current is None else list(paths).index(current) + 1
    return number, len(paths), sum(lasts(step) or 0.0 for step in behind)


def progress(situation: Situation) -> str:
    """``step 3 of 8``, as far as it is known."""
    if situation.number is None:
        return f"step {situation.path}" if situation.path else ""
    return f"step {situation.number} of {situation.steps}"


def newest_first(situations: Sequence[Situation]) -> list[Situation]:
    """Those that began last come first."""
    return sorted(situations, key=lambda s: s.started or datetime.min.replace(tzinfo=UTC), reverse=True)
