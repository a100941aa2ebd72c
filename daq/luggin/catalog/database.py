"""The catalog: one sqlite file of the user's that remembers what run folders say of themselves.

It is only a memory. Every answer begins by looking at the folders; a run that has changed since is
read again, and nothing that runs writes here. So the file can be deleted at any time, a damaged one
is built anew, and where it cannot be used at all (a newer format, no place to write) every run is
read instead. It lies in the user's own place and not beside the runs: those may be read-only or on a
network drive, where sqlite's locks do not hold.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luggin.catalog.entries import Entry, has_another_fate, read_entry, signature
from luggin.documents import did_you_mean
from luggin.errors import RunFolderError, UsageError

FORMAT = 2
"""Of the sqlite file; an older one is built anew, a newer one is left alone."""

_APPLICATION = 0x4C756767  # "Lugg": what sqlite calls the application id
_BUSY_S = 5.0
_COLUMNS = (
    *("place", "name", "signature", "outcome", "sample", "title", "techniques", "instruments"),
    *("simulated", "imported", "started", "ended", "dated", "results", "problem"),
)


@dataclass(frozen=True)
class Query:
    """Which runs are wanted; what is None does not matter. ``since`` is a POSIX time (s)."""

    sample: str | None = None
    technique: str | None = None
    outcome: str | None = None
    since: float | None = None


@dataclass(frozen=True)
class Found:
    """The runs of a folder that were asked for, newest first.

    Attributes:
        entries: the runs.
        others: folders that are no runs, with what they are.
        read: how many run folders were read anew.
        note: what was odd about the catalog file, in words; empty if nothing was.
    """

    entries: tuple[Entry, ...]
    others: tuple[tuple[str, str], ...] = ()
    read: int = 0
    note: str = ""


class _LeftAlone(Exception):
    """The file is not a catalog that this version may write."""


def find_runs(folder: Path, query: Query = Query(), *, catalog: Path | None = None, rebuild: bool = False) -> Found:
    """The runs in a folder, by the catalog in the file ``catalog`` (None: without one).

    Args:
        folder: the folder that has run folders in it.
        query: which runs are wanted.
        catalog: the sqlite file; it is made if there is none.
        rebuild: forget what is remembered of this folder, with the runs that have vanished from it.

    Raises:
        UsageError: there is no such folder, or it is a run itself.
    """
    if (folder / "run.log").is_file():
        raise UsageError(f"{folder} is a run; look at it with: luggin show {folder}")
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; `luggin run` makes runs/ where it is called")
    if catalog is None:
        return _ask(":memory:", folder, query, rebuild, "")
    try:
        try:
            return _ask(catalog, folder, query, rebuild, "")
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            catalog.unlink()
            return _ask(catalog, folder, query, rebuild, f"the catalog {catalog} was damaged; it was built anew")
    except (sqlite3.Error, OSError, _LeftAlone) as error:
        note = f"the catalog {catalog} is not used ({error}); every run was read instead"
        return _ask(":memory:", folder, query, rebuild, note)


def resolve_run(run: str, folder: Path) -> Path:
    """A run by its folder, or by the beginning of its name among those in ``folder``.

    Raises:
        RunFolderError: there is none, or more than one.
    """
    here = Path(run)
    if run and _is_run(here):
        return here
    inside = folder.iterdir() if folder.is_dir() else ()
    names = sorted(path.name for path in inside if path.is_dir() and not path.name.startswith("."))
    meant = [name for name in names if run and name.startswith(run)]
    if run in meant or len(meant) == 1:
        return folder / (run if run in meant else meant[0])
    if meant:
        raise RunFolderError(
            f"{run!r} may be {', '.join(meant[:8])}{' ...' if len(meant) > 8 else ''}: write more of it"
        )
    if run and here.is_dir():
        return here  # whoever opens it says what is missing
    near = did_you_mean(run, names)
    raise RunFolderError(f"there is no run {run!r}, neither as a folder nor in {folder}.{f' {near}' if near else ''}")


def _ask(place: Path | str, folder: Path, query: Query, rebuild: bool, note: str) -> Found:
    with closing(_open(place)) as connection:
        runs, others = _look(folder)
        read = _update(connection, str(folder.resolve()), folder, runs, rebuild)
        return Found(tuple(_search(connection, folder, query)), tuple(others), read, note)


def _open(place: Path | str) -> sqlite3.Connection:
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(place, timeout=_BUSY_S, isolation_level=None)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Make sure that the tables are there and are ours."""
    if _is_ours(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    # Only now nobody else can be making them: what was seen before may be half of another's work.
    if not _is_ours(connection):
        _make_tables(connection)
    connection.execute("COMMIT")


def _is_ours(connection: sqlite3.Connection) -> bool:
    """True if the file has our tables in our format."""
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    if application == _APPLICATION and version > FORMAT:
        raise _LeftAlone(f"a newer Luggin wrote it, in format {version}; this one knows {FORMAT}")
    return (application, version) == (_APPLICATION, FORMAT)


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables, within a transaction, in a file that is empty or ours in an older format."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != _APPLICATION and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise _LeftAlone("it is a database of another program")
    connection.execute("DROP TABLE IF EXISTS runs")
    connection.execute(f"CREATE TABLE runs ({', '.join(_COLUMNS)}, PRIMARY KEY (place, name)) WITHOUT ROWID")
    connection.execute("CREATE INDEX by_date ON runs (place, dated)")
    connection.execute("CREATE INDEX by_sample ON runs (place, sample, dated)")
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def _look(folder: Path) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Names and signatures of the runs in a folder, and the other folders with what they are."""
    runs: dict[str, str] = {}
    others: list[tuple[str, str]] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            if path.name.endswith(".new") and path.is_dir():
                others.append((path.name, "a run folder that was never finished being made; it can be deleted"))
        elif path.is_dir():
            if _is_run(path):
                runs[path.name] = _signature(path)
            else:
                others.append((path.name, "not a run"))
    return runs, others


def _is_run(folder: Path) -> bool:
    """True for the folder of a run, also of a broken one."""
    return (folder / "run.log").is_file() or (folder / "data.zarr").is_dir()


def _signature(folder: Path) -> str:
    try:
        return signature(folder)
    except OSError:
        return ""  # without its log, or vanishing under our eyes: read every time


def _update(connection: sqlite3.Connection, place: str, folder: Path, runs: dict[str, str], rebuild: bool) -> int:
    """Bring what is remembered of a folder in line with what is there; the number of runs that were read."""
    rows = connection.execute("SELECT name, signature, outcome FROM runs WHERE place = ?", (place,)).fetchall()
    known = {} if rebuild else {name: (said, outcome) for name, said, outcome in rows}
    changed = [
        name
        for name, said in runs.items()
        if not said or known.get(name, ("", ""))[0] != said or has_another_fate(folder / name, known[name][1])
    ]
    gone = [name for name, _, outcome in rows if name not in runs and outcome != "vanished"]
    if not changed and not gone and not rebuild:
        return 0
    # Read first, then write in one go: other readers wait for nothing but the writing.
    fresh = [_row(place, runs[name], read_entry(folder / name)) for name in changed]
    connection.execute("BEGIN IMMEDIATE")
    if rebuild:
        connection.execute("DELETE FROM runs WHERE place = ?", (place,))
    marks = ", ".join("?" * len(_COLUMNS))
    connection.executemany(f"INSERT OR REPLACE INTO runs VALUES ({marks})", fresh)
    connection.executemany(
        "UPDATE runs SET outcome = 'vanished', signature = '' WHERE place = ? AND name = ?", [(place, n) for n in gone]
    )
    connection.execute("COMMIT")
    return len(fresh)


def _row(place: str, said: str, entry: Entry) -> Sequence[Any]:
    lists = (json.dumps(entry.techniques), json.dumps(entry.instruments))
    times = (entry.started, entry.ended, entry.dated)
    return (
        *(place, entry.name, said, entry.outcome, entry.sample, entry.title, *lists),
        *(entry.simulated, entry.imported, *times, json.dumps(entry.results), entry.problem),
    )


def _search(connection: sqlite3.Connection, folder: Path, query: Query) -> Iterator[Entry]:
    conditions, values = ["place = ?"], [str(folder.resolve())]
    asked: tuple[tuple[str, Any], ...] = (
        ("sample = ?", query.sample),
        ("EXISTS (SELECT 1 FROM json_each(techniques) WHERE value = ?)", query.technique),
        ("outcome = ?", query.outcome),
        ("dated >= ?", query.since),
    )
    for condition, value in asked:
        if value is not None:
            conditions.append(condition)
            values.append(value)
    wanted = f"SELECT {', '.join(_COLUMNS)} FROM runs WHERE {' AND '.join(conditions)} ORDER BY dated DESC, name DESC"
    for row in connection.execute(wanted, values):
        said = dict(zip(_COLUMNS, row, strict=True))
        yield Entry(
            folder=folder / said["name"],
            techniques=tuple(json.loads(said["techniques"])),
            instruments=tuple(json.loads(said["instruments"])),
            simulated=bool(said["simulated"]),
            imported=bool(said["imported"]),
            results=tuple(json.loads(said["results"])),
            **{key: said[key] for key in ("outcome", "sample", "title", "started", "ended", "dated", "problem")},
        )
