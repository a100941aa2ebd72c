"""A run folder as it can be read at any moment: its header, its steps, its rows, its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.errors import RunFolderError, UsageError
from luggin.results import Table
from luggin.units import parse

if TYPE_CHECKING:
    from luggin.store import StoredRun

#: Columns that say where a row belongs, not what was measured.
_BOOKKEEPING = ("step", "attempt", "received")


@dataclass(frozen=True)
class StepRecord:
    """One attempt at one step, as ``run.log`` has it. Times are run times (s)."""

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
        self.steps: list[StepRecord] = list(_steps(self.records))
        self._store: StoredRun | None = None

    @property
    def outcome(self) -> str:
        """``completed``, ``interrupted``, ``limit tripped``, ``failed``, or ``running`` if it did not end."""
        return str(self.finish.get("outcome", "running"))

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
        """The rows of completed techniques, one table each, in order of time.

        Args:
            on: ids of steps; all if not given.
            technique: name of the technique; all if not given.

        Raises:
            UsageError: there is no such id, or none of the steps with these ids has rows.
        """
        wanted = None if on is None else [on] if isinstance(on, str) else list(on)
        latest: dict[tuple[int, int], tuple[StepRecord, Mapping[str, Any]]] = {}
        for step in self.steps:
            for number, part in enumerate(step.parts):
                latest[step.step, number] = (step, part)
        if wanted is not None:
            self._require_known(wanted, {str(part["id"]) for _, part in latest.values()})
        return [
            self._table(step, part)
            for step, part in latest.values()
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


def _steps(records: Sequence[Mapping[str, Any]]) -> Iterator[StepRecord]:
    """Pair every ``start`` with what ended it."""
    started: dict[tuple[str, int], Mapping[str, Any]] = {}
    ended: dict[tuple[str, int], Mapping[str, Any]] = {}
    for record in records:
        kind = record.get("kind")
        if kind in ("start", "end", "failed", "interrupted"):
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
            status=str(end.get("status", "done")) if kind == "end" else str(kind or "cut off"),
            id=str(start.get("id", "")),
            role=str(start.get("role", "")),
            label=str(start.get("label", "")),
            request=start.get("request", {}),
            parts=tuple(end.get("parts", ())),
            values=end.get("values", {}),
            error=end.get("error"),
            re_established=bool(start.get("re_established")),
        )
