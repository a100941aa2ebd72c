"""Writing the journal: the truth about every row until it is published.

One journal per run, in segments. Each segment begins with its format number and the schema and
row count of every stream, so that any segment can be read alone, years later.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from luggin.platform import Disk
from luggin.records import Schema
from luggin.store.faults import naming
from luggin.store.framing import Kind, Position, encode, encode_position, encode_rows
from luggin.store.index import RowIndex
from luggin.store.layout import FORMAT, RunFolder

SEGMENT_BYTES = 1 << 24


@dataclass
class _Segment:
    """One file of the journal; ``rows`` per stream at its end, once it is closed."""

    number: int
    fd: int
    rows: dict[str, int]


class JournalStream:
    """One stream as the journal counts it."""

    def __init__(self, schema: Schema, number: int, rows: int) -> None:
        self.schema = schema
        self.number = number
        self.rows = rows
        self.row_size = schema.row_struct.size
        self.index = RowIndex()


class Journal:
    """The open journal of a run.

    ``lock`` guards rows, positions and what the caller keeps beside them; `write_rows` and
    `add_stream` are called with it held, raise the plain `OSError` and may then be called again,
    because a record that was not written whole moves nothing on. `sync` and `drop_committed` take
    the lock only for moments, so a disk that is slow to sync does not hold up a reading.
    """

    def __init__(self, run: RunFolder, disk: Disk, first_segment: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.lock = threading.Lock()
        self.streams: dict[str, JournalStream] = {}
        self._run = run
        self._disk = disk
        self._segment_bytes = segment_bytes
        self._sync_lock = threading.Lock()
        self._closed: list[_Segment] = []
        self._names_dirty = True
        self._dirty = False
        self._offset = 0
        self._segment = self._begin_segment(first_segment)

    # -- appending ------------------------------------------------------------------------------

    def add_stream(self, schema: Schema, rows: int) -> JournalStream:
        """Let a stream begin at row ``rows``."""
        stream = JournalStream(schema, len(self.streams), rows)
        self._write(_schema_record(stream))
        self.streams[schema.stream] = stream
        return stream

    def write_rows(self, stream: JournalStream, payload: bytes, count: int) -> None:
        """Append packed rows. When it returns, they survive the death of this process."""
        if self._offset >= self._segment_bytes:
            self._rotate()
        offset = self._offset
        record = encode_rows(stream.number, stream.rows, payload)
        self._disk.write_at(self._segment.fd, record, offset)
        self._offset = offset + len(record)
        self._dirty = True
        stream.index.add(stream.rows, self._segment.number, offset)
        stream.rows += count

    # -- syncing and dropping -------------------------------------------------------------------

    @property
    def dirty(self) -> bool:
        """True if rows were written that are not known to be on the medium."""
        return self._dirty

    def sync(self) -> None:
        """Return when everything written before is on the medium."""
        with self._sync_lock:
            with self.lock:
                if not self._dirty or self._segment.fd < 0:
                    return
                segments = [*self._closed, self._segment]
                names_dirty, self._names_dirty = self._names_dirty, False
                position = Position(self._segment.number, self._offset)
                self._dirty = False
            for segment in segments:
                if segment.fd >= 0:
                    with naming(self._run.segment(segment.number)):
                        self._disk.sync(segment.fd)
            if names_dirty:
                with naming(self._run.journal):
                    self._disk.sync_directory(self._run.journal)
            with self.lock:
                for segment in segments[:-1]:
                    self._close_file(segment)
                with naming(self._run.segment(self._segment.number)):
                    self._write(encode(Kind.SYNCED, 0, 0, encode_position(position)))

    def drop_committed(self, committed: Mapping[str, int]) -> None:
        """Remove the segments of which every row is committed (and synced) elsewhere."""
        with self._sync_lock, naming(self._run.journal):
            with self.lock:
                if self._offset >= self._segment_bytes // 16 and self._all_in(self._row_counts(), committed):
                    self._rotate()
                done = 0
                while done < len(self._closed) and self._all_in(self._closed[done].rows, committed):
                    done += 1
                dropped, self._closed = self._closed[:done], self._closed[done:]
                for stream in self.streams.values():
                    stream.index.forget_before(committed.get(stream.schema.stream, 0))
            for segment in dropped:
                self._close_file(segment)
                self._disk.remove(self._run.segment(segment.number))

    def close(self) -> None:
        """Close the files. They stay."""
        with self._sync_lock, self.lock:
            for segment in (*self._closed, self._segment):
                self._close_file(segment)

    # -- inside ---------------------------------------------------------------------------------

    def _write(self, record: bytes) -> None:
        self._disk.write_at(self._segment.fd, record, self._offset)
        self._offset += len(record)

    def _rotate(self) -> None:
        old = self._segment
        self._segment = self._begin_segment(old.number + 1)
        old.rows = self._row_counts()
        self._closed.append(old)
        self._names_dirty = True

    def _begin_segment(self, number: int) -> _Segment:
        """A new segment with everything that is needed to read it alone."""
        path = self._run.segment(number)
        fd = self._disk.create(path)
        head = encode(Kind.HEAD, 0, number, json.dumps({"format": FORMAT}).encode())
        schemas = b"".join(_schema_record(s) for s in self.streams.values())
        try:
            self._disk.write_at(fd, head + schemas, 0)
        except OSError:
            self._disk.close(fd)
            self._disk.remove(path)
            raise
        self._offset = len(head + schemas)
        return _Segment(number, fd, {})

    def _close_file(self, segment: _Segment) -> None:
        if segment.fd >= 0:
            self._disk.close(segment.fd)
            segment.fd = -1

    def _row_counts(self) -> dict[str, int]:
        return {name: stream.rows for name, stream in self.streams.items()}

    @staticmethod
    def _all_in(rows: Mapping[str, int], committed: Mapping[str, int]) -> bool:
        return all(n <= committed.get(name, 0) for name, n in rows.items())


def remove_segments(run: RunFolder, disk: Disk) -> None:
    """Remove all journal segments, oldest first, so that an interruption leaves no gap."""
    for number in run.segments():
        with naming(run.segment(number)):
            disk.remove(run.segment(number))


def _schema_record(stream: JournalStream) -> bytes:
    data = json.dumps(stream.schema.to_json()).encode()
    return encode(Kind.SCHEMA, stream.number, stream.rows, data)
