"""Where the parts of a run lie, what they may be called, and the number of their format."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luggin.errors import RunFolderError, StoreError
from luggin.records import Schema
from luggin.store.faults import corrupt

FORMAT = 1
"""Of journal, store and run.log. Raised when an older Luggin could no longer read what we write."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SEGMENT = re.compile(r"[0-9]{12,19}\.log")
# Names of devices: no file or folder of Windows may be called so.
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
# The one dimension of every array. A column of this name would become its index in xarray.
DIMENSION = "row"


@dataclass(frozen=True)
class RunFolder:
    """The paths inside one run folder."""

    path: Path

    @property
    def data(self) -> Path:
        """The zarr store."""
        return self.path / "data.zarr"

    @property
    def root(self) -> Path:
        """The commit point."""
        return self.data / "zarr.json"

    @property
    def journal(self) -> Path:
        """Segments of the journal, the lock, the reserve and half-written files."""
        return self.path / "journal"

    @property
    def lock(self) -> Path:
        """The lock of the one process that may write."""
        return self.journal / "lock"

    @property
    def reserve(self) -> Path:
        """Space that is given back when the disk is full, for the last records."""
        return self.journal / "reserve"

    @property
    def log(self) -> Path:
        """The control records."""
        return self.path / "run.log"

    def segment(self, number: int) -> Path:
        """The file of one journal segment."""
        return self.journal / f"{number:012d}.log"

    def segments(self) -> list[int]:
        """Numbers of the journal segments that are there, oldest first."""
        if not self.journal.is_dir():
            return []
        numbers = [int(p.stem) for p in self.journal.iterdir() if _SEGMENT.fullmatch(p.name)]
        # 0000000000001.log would be read as segment 1, which is another file.
        return sorted(number for number in set(numbers) if self.segment(number).exists())

    def require(self) -> None:
        """Raise `RunFolderError` if this is no run folder, `StoreCorrupt` if a part of it is a link to elsewhere."""
        if not self.path.exists():
            raise RunFolderError(f"{self.path} does not exist; give the folder of a run (it has data.zarr in it)")
        if not self.root.is_file():
            raise RunFolderError(f"{self.path} is not a run folder: it has no {self.data.name}/zarr.json in it")
        for part in (self.root, self.lock, self.reserve, self.log):
            refuse_links(self.path, part)


def refuse_links(top: Path, path: Path) -> None:
    """StoreCorrupt if ``path`` or a folder on the way to it from ``top`` (which may be one) is a symbolic link."""
    while path != top:
        if path.is_symlink():
            raise corrupt(
                path,
                0,
                f"this is a link (to {os.readlink(path)!r}); nothing in a run folder points outside",
                "Put the files themselves in its place",
            )
        path = path.parent


def check_name(name: str, what: str) -> None:
    """Raise `StoreError` unless ``name`` can be a stream or column on every computer."""
    if not _NAME.fullmatch(name) or name in _DEVICES or name == DIMENSION:
        raise StoreError(
            f"{what} {name[:80]!r} cannot be stored: a name begins with a-z, goes on with a-z, 0-9 or _, has at most "
            f"64 characters, and is neither {DIMENSION!r} nor a device of Windows (con, nul, ...)"
        )


def check_schema(schema: Schema) -> None:
    """Raise `StoreError` unless every name of a schema can be stored."""
    check_name(schema.stream, "stream")
    if not schema.columns:
        raise StoreError(f"stream {schema.stream!r} has no columns; a stream has at least one")
    for number, name in enumerate(schema.names):
        check_name(name, f"column of stream {schema.stream!r}")
        if name in schema.names[:number]:
            raise StoreError(f"stream {schema.stream!r} has two columns {name!r}; each needs a name of its own")


def check_format(found: Mapping[str, Any], file: Path) -> None:
    """Refuse what a newer Luggin wrote, in words. ``found`` is the header with its ``format``."""
    number = found.get("format")
    if not isinstance(number, int) or number < 1:
        raise RunFolderError(f"{file} has no format number; it was not written by Luggin")
    if number > FORMAT:
        raise RunFolderError(
            f"{file} was written by a newer Luggin (format {number}; this one reads up to {FORMAT}). "
            "Install a newer Luggin to read or resume this run; nothing was changed"
        )
