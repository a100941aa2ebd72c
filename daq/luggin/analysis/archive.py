"""A run folder as it can be read at any moment: its header, its steps, its rows, its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.errors import RunFolderError, StoreError, UsageError
from luggin.results import Table
from luggin.units import parse

if TYPE_CHECKING:
    from luggin.store import StoredRun

CUT_OFF = "cut off"
"""How a run or a step is called that has no end and that nobody goes on with: its program was killed, or the power
went."""

#: Columns that say where a row belongs, not what was measured.
_BOOKKEEPING = ("step", "attempt", "received")


@dataclass(frozen=True)
class StepRecord:
    """One attempt at one step, as ``run.log`` has it. Times are run times (s).

    ``status`` is ``done``, ``end_step`` (a limit ended it), ``interrupted``, ``failed``, ``broken`` (the step
    went on in another attempt, after a line that broke or a suspension), ``running``, or ``cut off`` if it
    has no end and the run is not being written.
    """

    path: str
    do: str
    step: int
    attempt: int
    started: float
    ended: float | None
    status: str
    id: str = ""
    role: str = ""
    label: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Mapping[str, Any], ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    re_established: bool = False

    @property
    def completed(self) -> bool:
        """True if the step came to the end that it should have, or to one that a limit was allowed to make."""
        return self.status in ("done", "end_step")

    @property
    def suspended(self) -> bool:
        """True if the cell was opened to wait for a condition, and the step went on in another attempt."""
        return self.status == "broken" and (self.error or {}).get("type") == "Suspended"


class RunArchive:
    """A run folder, opened for reading. Works on live, finished and interrupted runs.

    Args:
        folder: the run folder.

    Raises:
        RunFolderError: it is not one.
        StoreCorrupt: it contradicts itself.
    """

    def __init__(self, folder: Path) -> None:
        from luggin.store import RunLog

        self.folder = folder
        if not (folder / "run.log").is_file():
            raise RunFolderError(f"{folder}: not a run folder (it has no run.log)")
        self.records: Sequence[Mapping[str, Any]] = RunLog.read(folder)
        self.header: Mapping[str, Any] = next((r for r in self.records if r.get("kind") == "run"), {})
        self.sessions = [r for r in self.records if r.get("kind") == "session"]
        self.events = [r for r in self.records if r.get("kind") == "event"]
        self.finish: Mapping[str, Any] = next(
            (r for r in reversed(self.records) if r.get("kind") in ("finish", "session")), {}
        )
        self._store: StoredRun | None = None

    @cached_property
    def outcome(self) -> str:
        """How the run ended: ``completed``, ``interrupted``, ``limit tripped`` or ``failed``.

        A run without an end is ``running`` as long as a process on this computer writes it, and
        ``cut off`` otherwise: its program was killed, or the power went.
        """
        return str(self.finish["outcome"]) if "outcome" in self.finish else self._unended

    @cached_property
    def _unended(self) -> str:
        """What to call that which has no end: a finished run has nothing that goes on."""
        from luggin.store import is_being_written

        over = self.finish.get("kind") == "finish"
        return "running" if not over and is_being_written(self.folder) else CUT_OFF

    @cached_property
    def steps(self) -> list[StepRecord]:
        """Every attempt at every step, in the order in which they began.

        Those without an end have the rows that are there now, as far as the store can be read.
        """
        return [self._with_rows(step) for step in recorded_steps(self.records)]

    def _with_rows(self, step: StepRecord) -> StepRecord:
        """A step without an end with what the rows say of it."""
        if step.ended is not None:
            return step
        from luggin.analysis.unended import parts_of

        status = self._unended if self._is_last(step) else CUT_OFF
        try:
            parts = parts_of(step, self.store, self.events, self.monitored, status)
        except (StoreError, RunFolderError):
            parts = ()  # what was done is known all the same; whoever asks for rows is told what is wrong with them
        return replace(step, status=status, parts=parts)

    @property
    def monitored(self) -> frozenset[str]:
        """Streams of monitors; their rows carry the number of the step beside which they were read."""
        return frozenset(str(monitor.get("stream", "")) for monitor in self.header.get("monitors", ()))

    def _is_last(self, step: StepRecord) -> bool:
        """True if nothing was begun after a step: neither another one, nor the run once more."""
        last = next(r for r in reversed(self.records) if r.get("kind") in ("start", "session"))
        return (step.path, step.attempt) == (last.get("path"), int(last.get("attempt", 1)))

    @property
    def speed(self) -> float:
        """Seconds of run time per second of the clock on the wall; 1 but for simulated runs in a hurry."""
        return 1.0 if self.header.get("virtual") else float(self.header.get("speed") or 1.0)

    def moment(self, run_time: float) -> datetime | None:
        """The time of day (UTC) at a run time (s); None if the run does not know when it began.

        Run time is time in the laboratory. It is tied to the clock on the wall where a process took the
        run, and goes `speed` times as fast from there on. Virtual time has only its beginning.
        """
        if not self.header.get("created"):
            return None
        begun, utc = 0.0, datetime.fromisoformat(str(self.header["created"]))
        if not self.header.get("virtual"):
            for session in self.sessions[1:]:
                if float(session["time"]) <= run_time:
                    begun, utc = float(session["time"]), datetime.fromisoformat(str(session["utc"]))
        return utc + timedelta(seconds=(run_time - begun) / self.speed)

    @property
    def simulated(self) -> bool:
        """True if no real instrument was on the bench."""
        return bool(self.header.get("simulated"))

    @property
    def sample(self) -> Mapping[str, Any]:
        """The sample as the protocol has it, and ``temperature_K`` where it says the temperature."""
        sample = dict(self.header.get("sample", {}))
        if isinstance(sample.get("temperature"), str):
            sample["temperature_K"] = parse(sample["temperature"], "K")
        return sample

    @property
    def store(self) -> StoredRun:
        """The rows, from the store and the journal behind it."""
        if self._store is None:
            from luggin.store import open_store

            self._store = open_store(self.folder)
        return self._store

    @property
    def results(self) -> list[dict[str, Any]]:
        """The newest result of every analysis."""
        from luggin.analysis.keeping import load_results

        return load_results(self.folder / "results")

    def __getitem__(self, stream: str) -> Stream:
        """A stream of the run; KeyError names the streams that there are."""
        streams = self.store.streams
        if stream not in streams:
            raise KeyError(f"{self.folder} has no stream {stream!r}; it has {', '.join(streams)}")
        return Stream(self, stream)

    def tables(self, on: str | Sequence[str] | None = None, technique: str | None = None) -> list[Table]:
        """The rows of all techniques, one table each, in the order of the steps.

        Of several attempts at a step the latest completed one counts, and where none was completed, the
        latest that has rows; ``complete`` of its last table is False then.

        Args:
            on: ids of steps; all if not given.
            technique: name of the technique; all if not given.

        Raises:
            UsageError: there is no such id, or none of the steps with these ids has rows.
        """
        wanted = None if on is None else [on] if isinstance(on, str) else list(on)
        chosen: dict[int, StepRecord] = {}
        for step in self.steps:
            before = chosen.get(step.step)
            if step.parts and (before is None or step.completed or not before.completed):
                chosen[step.step] = step
        parts = [(step, part) for step in chosen.values() for part in step.parts]
        if wanted is not None:
            self._require_known(wanted, {str(part["id"]) for _, part in parts})
        return [
            self._table(step, part)
            for step, part in parts
            if (wanted is None or part["id"] in wanted) and (technique is None or part["technique"] == technique)
        ]

    def _require_known(self, wanted: Sequence[str], with_rows: set[str]) -> None:
        """UsageError if none of the ids has rows, or if one of them is no id of this run at all."""
        ids = {step.id for step in self.steps if step.id} | with_rows
        for name in wanted:
            if name not in ids or not with_rows & set(wanted):
                has = ", ".join(sorted(with_rows - {""})) or "no step with an id and rows"
                raise UsageError(f"{self.folder}: no rows of a step with id {name!r}; there is {has}")

    def _table(self, step: StepRecord, part: Mapping[str, Any]) -> Table:
        stream, first, count = str(part["stream"]), int(part["first"]), int(part["count"])
        rows = self.store.array(stream, first, first + count)
        schema = self.store.schema(stream)
        columns = [c for c in schema.columns if c.name not in _BOOKKEEPING]
        return Table(
            technique=str(part["technique"]),
            columns={c.name: rows[c.name] for c in columns},
            units={c.name: c.unit for c in columns},
            parameters=dict(part["parameters"]),
            sample=self.sample,
            id=str(part["id"]),
            role=str(part["role"]),
            label=str(part["label"]),
            step=step.step,
            attempt=step.attempt,
            complete=part["status"] == "done",
            source=f"{self.folder.name}/{stream}, step {step.path}",
        )


@dataclass(frozen=True)
class Stream:
    """One stream of a run."""

    archive: RunArchive
    name: str

    def __len__(self) -> int:
        return self.archive.store.rows(self.name)

    def to_numpy(self) -> Any:
        """All rows as one structured array."""
        return self.archive.store.array(self.name)

    def to_xarray(self) -> Any:
        """All rows as an `xarray.Dataset` with units, dimension ``row``."""
        try:
            import xarray
        except ImportError as error:
            raise UsageError('xarray is not installed; install it with: pip install "luggin[xarray]"') from error
        rows, schema = self.to_numpy(), self.archive.store.schema(self.name)
        return xarray.Dataset(
            {c.name: ("row", rows[c.name], {"units": c.unit, "long_name": c.long_name}) for c in schema.columns},
            attrs={"run": str(self.archive.folder), "stream": self.name},
        )


def open_run(folder: str | Path) -> RunArchive:
    """Open a run folder for reading; works while it is being written."""
    return RunArchive(Path(folder))


def recorded_steps(records: Sequence[Mapping[str, Any]]) -> Iterator[StepRecord]:
    """Pair every ``start`` with what ended it; the rows are not looked at."""
    started: dict[tuple[str, int], Mapping[str, Any]] = {}
    ended: dict[tuple[str, int], Mapping[str, Any]] = {}
    for record in records:
        kind = record.get("kind")
        if kind in ("start", "end", "failed", "interrupted", "broken"):
            key = (str(record["path"]), int(record.get("attempt", 1)))
            (started if kind == "start" else ended)[key] = record
    for key, start in started.items():
        end = ended.get(key, {})
        kind = end.get("kind")
        yield StepRecord(
            path=key[0],
            do=str(start["do"]),
            step=int(start["step"]),
            attempt=key[1],
            started=float(start["time"]),
            ended=float(end["time"]) if end else None,
            status=str(end.get("status", "done")) if kind == "end" else str(kind or CUT_OFF),
            id=str(start.get("id", "")),
            role=str(start.get("role", "")),
            label=str(start.get("label", "")),
            request=start.get("request", {}),
            parts=tuple(end.get("parts", ())),
            values=end.get("values", {}),
            error=end.get("error"),
            re_established=bool(start.get("re_established")),
        )
