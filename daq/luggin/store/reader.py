"""Reading a run, finished or being written: committed rows from the store, newer ones from the journal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from luggin.errors import StoreError
from luggin.records import Schema
from luggin.store.chunks import packed_table
from luggin.store.faults import corrupt, store_error
from luggin.store.layout import RunFolder
from luggin.store.metadata import PublishedStream, read_streams, user_attributes
from luggin.store.published import read_committed, read_committed_column, read_root
from luggin.store.scan import JournalScan, ScannedStream

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TRIES = 100


class _Tail:
    """Packed rows of one stream from the journal, from row ``first`` on."""

    def __init__(self, scanned: ScannedStream, first: int) -> None:
        self.schema = scanned.schema
        self.first = first
        self.rows = bytearray()
        self.row_size = scanned.row_size

    @property
    def stop(self) -> int:
        """The row behind the last."""
        return self.first + len(self.rows) // self.row_size

    def drop_before(self, row: int) -> None:
        """Forget rows that are committed."""
        if row > self.first:
            del self.rows[: (row - self.first) * self.row_size]
            self.first = row


class StoredRun:
    """A consistent view of one run, taken when it was opened or last refreshed.

    No lock is taken and nothing is written; the writer is not disturbed.
    """

    def __init__(self, folder: Path) -> None:
        """Not to be called: use `open_store`."""
        self.folder = folder
        self._run = RunFolder(folder)
        self._scan: JournalScan | None = None
        self._tails: dict[str, _Tail] = {}
        self._published: dict[str, PublishedStream] = {}
        self._attributes: dict[str, Any] = {}
        self.refresh()

    def refresh(self) -> Self:
        """Look again; reads only what is new."""
        before: object = None
        for _ in range(_TRIES):
            try:
                self._read_journal()
            except FileNotFoundError:
                # The segment was dropped under us: its rows are committed by now.
                self._scan = None
                continue
            # After the journal, so that whatever was dropped from it meanwhile stands here.
            root = read_root(self._run)
            published = read_streams(root, self._run.root)
            if all(tail.first <= _rows(published.get(name)) for name, tail in self._tails.items()):
                self._published, self._attributes = published, user_attributes(root)
                for name, tail in self._tails.items():
                    tail.drop_before(_rows(published.get(name)))
                return self
            self._scan = None
            seen = ({name: tail.first for name, tail in self._tails.items()}, published)
            if seen == before:
                raise corrupt(
                    self._run.journal,
                    0,
                    f"the journal begins behind the committed rows ({_behind(self._tails, published)}); those between "
                    "them are missing",
                )
            before = seen
        raise StoreError(f"{self.folder} changes faster than it can be read; try again")

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes of the run."""
        return self._attributes

    @property
    def streams(self) -> tuple[str, ...]:
        """Names of the streams that have rows."""
        names = dict.fromkeys((*self._published, *(n for n, t in self._tails.items() if t.rows)))
        return tuple(names)

    def schema(self, stream: str) -> Schema:
        """Columns of a stream."""
        if stream in self._published:
            return self._published[stream].schema
        return self._tail(stream).schema

    def rows(self, stream: str) -> int:
        """Rows of a stream."""
        tail = self._tails.get(stream)
        committed = self.committed(stream)
        return max(committed, tail.stop) if tail else committed

    def committed(self, stream: str) -> int:
        """Rows of a stream that are published: those that zarr and xarray show."""
        return _rows(self._published.get(stream))

    def array(self, stream: str, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Rows ``start`` to ``stop`` (all) as one structured array in the order in which they came."""
        import numpy as np

        begin, middle, end = self._bounds(stream, start, stop)
        parts = []
        if begin < middle:
            parts.append(read_committed(self._run, self._published[stream], begin, middle))
        if middle < end or not parts:
            parts.append(self._newest(stream, middle, end).copy())
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def column(self, stream: str, name: str, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Values ``start`` to ``stop`` (all) of one column."""
        import numpy as np

        self.schema(stream).index(name)
        begin, middle, end = self._bounds(stream, start, stop)
        parts = []
        if begin < middle:
            parts.append(read_committed_column(self._run, self._published[stream], name, begin, middle))
        if middle < end or not parts:
            parts.append(self._newest(stream, middle, end)[name].copy())
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def _bounds(self, stream: str, start: int, stop: int | None) -> tuple[int, int, int]:
        """Begin, where the journal takes over, and end; as slices do, without negative numbers."""
        self.schema(stream)
        rows = self.rows(stream)
        if start < 0 or (stop is not None and stop < 0):
            raise ValueError(f"rows are counted from 0, not {start} to {stop}")
        end = rows if stop is None else min(stop, rows)
        begin = min(start, end)
        return begin, max(begin, min(end, self.committed(stream))), end

    def _newest(self, stream: str, first: int, stop: int) -> NDArray[Any]:
        """Rows from the journal."""
        tail = self._tails.get(stream)
        if tail is None or first == stop:
            return packed_table(self.schema(stream), b"")
        packed = bytes(tail.rows[(first - tail.first) * tail.row_size : (stop - tail.first) * tail.row_size])
        return packed_table(tail.schema, packed)

    def _tail(self, stream: str) -> _Tail:
        try:
            return self._tails[stream]
        except KeyError:
            known = ", ".join(self.streams) or "none yet"
            raise KeyError(f"{self.folder} has no stream {stream!r}; it has {known}") from None

    def _read_journal(self) -> None:
        self._run.require()
        if self._scan is None:
            self._tails = {}
            self._scan = JournalScan(self._run, self._take)
        try:
            self._scan.advance()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise store_error(error, self._run.journal) from error

    def _take(self, stream: ScannedStream, first: int, payload: bytes) -> None:
        tail = self._tails.get(stream.schema.stream)
        if tail is None:
            self._tails[stream.schema.stream] = tail = _Tail(stream, first)
        known = max(tail.stop - first, 0)
        tail.rows += payload[known * tail.row_size :]


def open_store(folder: Path) -> StoredRun:
    """Open a run for reading, whether it is finished, interrupted or being written."""
    return StoredRun(Path(folder))


def _behind(tails: Mapping[str, _Tail], published: Mapping[str, PublishedStream]) -> str:
    """Which streams have a gap between what is committed and what the journal has."""
    gaps = [(n, _rows(published.get(n)), t.first) for n, t in tails.items() if t.first > _rows(published.get(n))]
    return "; ".join(f"{name}: {rows} committed, journal from row {first} on" for name, rows, first in gaps)


def _rows(stream: PublishedStream | None) -> int:
    return stream.rows if stream else 0
