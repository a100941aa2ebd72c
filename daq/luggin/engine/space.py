"""Space on the disk: asked for before a run, and watched while it goes on.

A run that fills its disk ends early and in order: while there is still room for the last rows, for
the trip and for the end of the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from luggin import units
from luggin.errors import StoreFull
from luggin.platform import DISK, Disk
from luggin.records import Schema

RESERVE = 64 << 20
"""Bytes that a run leaves free, for itself and for everybody else who writes to this disk."""

# What the journal adds to a frame (luggin.store.framing), and how far it may be ahead of the store.
_RECORD_HEADER = 24
_JOURNAL = 64 << 20


def bytes_of_run(parts: Iterable[tuple[Schema, int]]) -> int:
    """Bytes that a run with these schemas and rows may take at most.

    Each row once in the store, as if it could not be compressed, and the journal, which holds what is not
    yet published: all rows, each in a frame of its own, but not more than a few segments.
    """
    stored = journalled = 0
    for schema, rows in parts:
        stored += rows * schema.row_struct.size
        journalled += rows * (schema.row_struct.size + _RECORD_HEADER)
    return stored + min(journalled, _JOURNAL)


def require_space(folder: Path, needed: int, disk: Disk = DISK) -> str:
    """Ask whether a run of ``needed`` bytes fits on the disk of ``folder`` (which need not exist yet).

    Returns:
        Words to warn with if it leaves less than the run itself takes; nothing if there is plenty.

    Raises:
        StoreFull: it does not fit beside `RESERVE`. Nothing was made.
    """
    free = disk.free(folder)
    if needed + RESERVE > free:
        raise StoreFull(
            f"{folder}: this run may take {_shown(needed)}, and {_shown(RESERVE)} stay free for its end; there are "
            f"only {_shown(free)} on this disk. Make space, or write to another disk (`--folder`). Nothing was started"
        )
    if 2 * needed + RESERVE > free:
        return f"this run may take {_shown(needed)} of the {_shown(free)} that are left on the disk of {folder}"
    return ""


class SpaceWatch:
    """Says once when the disk of a run is about to be full.

    `look` asks the operating system (some microseconds) and may be called by any one thread, once a
    second or so; `words` is only looked at, as often as one likes.

    Args:
        folder: of the run.
        disk: where it is.
        reserve: less than so many free bytes are too few; `RESERVE` if not given.
    """

    def __init__(self, folder: Path, disk: Disk = DISK, reserve: int | None = None) -> None:
        self.words = ""
        self._folder = folder
        self._disk = disk
        self._reserve = RESERVE if reserve is None else reserve

    def look(self) -> str:
        """Why the run has to end now, or nothing. It stays said: space that comes back does not undo it."""
        if self.words:
            return self.words
        try:
            free = self._disk.free(self._folder)
        except OSError as error:
            self.words = f"the disk of {self._folder} cannot be asked any more ({error.strerror or error})"
            return self.words
        if free < self._reserve:
            self.words = (
                f"the disk of {self._folder} is almost full: {_shown(free)} are left, less than "
                f"{_shown(self._reserve)}. Make space on this disk and resume the run"
            )
        return self.words


def _shown(size: int) -> str:
    return units.show(float(size), "B", 3)
