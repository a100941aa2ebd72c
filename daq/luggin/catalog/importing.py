"""A foreign measurement as a run folder, so that analyses, reports and xarray work on it.

The folder has what a run of ours has, and says of itself that it is imported: no instrument of a
bench measured it, and when it was measured only the file knows. The file is kept in it, byte for
byte, because a reader takes out what Luggin has a name for and leaves the rest.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin import records
from luggin.clock import RealClock
from luggin.errors import FileFormatError, RunFolderError
from luggin.platform import DISK, process_id
from luggin.records import ATTEMPT, STEP, Column, Frame, Schema
from luggin.versions import software

if TYPE_CHECKING:
    from luggin.results import Table

ORIGINALS = "original"
"""The folder inside a run in which the foreign file is kept."""

_KNOWN = {column.name: column for column in vars(records).values() if isinstance(column, Column)}
_KINDS = ("f8", "f4", "i4", "u4", "i8")
_WIDER = {"f": ("f4", "f8"), "i": ("i4", "i8"), "u": ("u4", "i8")}
# What no file may be called on Windows, so that a run can be carried there.
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


@dataclass(frozen=True)
class Origin:
    """Where foreign tables come from: the file's name, all its bytes, and the reader that read it.

    ``modified`` is when the file was last written (POSIX, s), None if that is not known.
    """

    file: str
    content: bytes
    reader: str
    modified: float | None = None

    def to_json(self, kept: str) -> dict[str, Any]:
        """Plain data for ``run.log`` and the store; ``kept`` is the place of the copy inside the run."""
        written = None if self.modified is None else datetime.fromtimestamp(self.modified, UTC)
        return {
            "file": self.file,
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "bytes": len(self.content),
            "reader": self.reader,
            "kept": kept,
            "modified_at": None if written is None else written.isoformat(timespec="seconds"),
            "imported_at": RealClock().utc().isoformat(timespec="seconds"),
        }


def import_tables(tables: Sequence[Table], origin: Origin, folder: Path, sample: Mapping[str, Any]) -> None:
    """Make a run folder of foreign tables: each becomes a step, its rows a stretch of a stream.

    The folder appears whole or not at all. Values are stored as the reader gave them, with their
    units; a table that its file calls cut short makes the run ``interrupted``.

    Raises:
        RunFolderError: the folder exists already.
        FileFormatError: the reader gave no rows, or columns that cannot be stored.
        StoreError: the folder cannot be written.
    """
    if folder.exists():
        raise RunFolderError(f"{folder} exists already; a run never writes over another: choose a new folder")
    if not any(len(table) for table in tables):
        raise FileFormatError(f"{origin.file}: the reader {origin.reader} found no rows in it")
    draft = folder.parent / f".{folder.name}.{process_id()}.new"
    try:
        _fill(draft, tables, origin, sample)
        if folder.exists():
            raise RunFolderError(f"{folder} exists already; it was made while {origin.file} was imported")
        DISK.rename(draft, folder)
        DISK.sync_directory(folder.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _fill(folder: Path, tables: Sequence[Table], origin: Origin, sample: Mapping[str, Any]) -> None:
    from luggin.store import RunLog, StoreWriter

    kept = f"{ORIGINALS}/{_NOT_IN_NAMES.sub('_', origin.file).rstrip('. ') or 'file'}"
    source = origin.to_json(kept)
    with StoreWriter.create(folder, _attributes(origin.file, source, sample), host_clock=RealClock()) as writer:
        target = folder / kept
        target.parent.mkdir()
        target.write_bytes(origin.content)
        with RunLog.create(folder) as log:
            log.append(_header(origin.file, source, sample))
            names = _Names()
            for number, table in enumerate(tables, 1):
                part = _store(writer, table, number, names, origin)
                begin, end = _span(table)
                common = {"path": str(number), "step": number, "attempt": 1, "do": table.technique}
                said = {name: part[name] for name in ("id", "role", "label")}
                started = {"fingerprint": "", "request": {}, "establishes": []}
                log.append({"kind": "start", "time": begin, **common, **said, **started})
                log.append(
                    {"kind": "end", "time": end, **common, "status": part["status"], "parts": [part], "values": {}}
                )
            outcome = "completed" if all(table.complete for table in tables) else "interrupted"
            finish: dict[str, Any] = {"outcome": outcome, "failed_path": "", "error": None, "made_safe": {}}
            log.append({"kind": "finish", "time": max(_span(table)[1] for table in tables), **finish}, sync=True)
        writer.set_attributes({"status": outcome})
        writer.sync()


def _header(title: str, source: Mapping[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
    """The first record. It has no ``created``: only the file knows when it was measured, in its own words."""
    return {
        "kind": "run",
        "time": 0.0,
        "title": title,
        "imported": True,
        "source": dict(source),
        "protocol": {"kind": "imported", "name": title, "text": "", "sha256": source["sha256"]},
        "bench": {"path": None, "text": "", "sha256": ""},
        "sample": dict(sample),
        "limits": [],
        "analyses": [],
        "simulated": False,
        "virtual": False,
        "speed": 1.0,
        "software": dict(software()),
        "notes": {"imported from": f"{source['file']} by the reader {source['reader']}; no instrument of a bench"},
    }


def _attributes(title: str, source: Mapping[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": title,
        "status": "importing",
        "imported": True,
        "source": dict(source),
        "simulated": False,
        "sample": dict(sample),
        "instruments": {},
        "conventions": "current > 0 is oxidation at the working electrode (IUPAC); times as the file counts them",
        "software": dict(software()),
    }


class _Names:
    """Names that are given once: of streams to a schema, of ids to a table."""

    def __init__(self) -> None:
        self._schemas: dict[str, Schema] = {}
        self._ids: set[str] = set()

    def schema(self, technique: str, columns: tuple[Column, ...]) -> Schema:
        """The stream of a technique; a further one if its columns are others."""
        name, number = technique, 1
        while True:
            known = self._schemas.setdefault(name, Schema(name, columns))
            if known.columns == columns:
                return known
            number += 1
            name = f"{technique}_{number}"

    def id(self, wanted: str) -> str:
        """The name, with a number behind it if it is taken."""
        name, number = wanted, 1
        while name in self._ids:
            number += 1
            name = f"{wanted}-{number}"
        self._ids.add(name)
        return name


def _store(writer: Any, table: Table, step: int, names: _Names, origin: Origin) -> dict[str, Any]:
    """Write the rows of one table; its record."""
    import numpy as np

    arrays = {name: np.asarray(values) for name, values in table.columns.items() if name not in ("step", "attempt")}
    if len({a.shape for a in arrays.values()}) != 1 or any(a.ndim != 1 for a in arrays.values()):
        raise FileFormatError(f"{origin.file}: the reader {origin.reader} gave columns of different lengths")
    columns = tuple(_column(name, values.dtype, table.units, origin) for name, values in arrays.items())
    schema = names.schema(table.technique, (*columns, STEP, ATTEMPT))
    rows = np.empty(len(table), schema.dtype)
    for name, values in arrays.items():
        rows[name] = values
    rows["step"], rows["attempt"] = step, 1
    first = writer.append(Frame(schema, 0.0, array=rows))
    return {
        "technique": table.technique,
        "stream": schema.stream,
        "first": first,
        "count": len(rows),
        "id": names.id(table.id or table.technique),
        "role": table.role,
        "label": table.label,
        "parameters": _plain(table.parameters),
        "status": "done" if table.complete else "interrupted",
    }


def _column(name: str, dtype: Any, units: Mapping[str, str], origin: Origin) -> Column:
    """A column as the records of Luggin describe it, in the unit and kind in which the reader gave it."""
    import numpy as np

    kind = str(dtype.newbyteorder("<").str).lstrip("<")
    if kind not in _KINDS:
        wider = next((k for k in _WIDER.get(dtype.kind, ()) if np.can_cast(dtype, k, "safe")), None)
        if wider is None:
            raise FileFormatError(f"{origin.file}: the reader {origin.reader} gave a column {name!r} of {dtype}")
        kind = wider
    known = _KNOWN.get(name, Column(name, ""))
    return dataclasses.replace(known, unit=units.get(name, known.unit), kind=kind, meanings=())


def _span(table: Table) -> tuple[float, float]:
    """First and last time of a table (s, as the file counts them); zeros if it has none."""
    import numpy as np

    times = np.asarray(table.columns.get("time", ()), dtype=float)
    times = times[np.isfinite(times)]
    return (float(times[0]), float(times[-1])) if len(times) else (0.0, 0.0)


def _plain(value: Any) -> Any:
    """Parameters as plain JSON; a number that is none is left out, as what is not known always is."""
    if isinstance(value, Mapping):
        kept = {str(key): _plain(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool | str | int):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return number if math.isfinite(number) else None
