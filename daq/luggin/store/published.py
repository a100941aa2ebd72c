"""The published side of a run: chunks first, then metadata, last the one file that commits them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google_crc32c

from luggin.platform import Disk
from luggin.records import Schema
from luggin.store.checked import LARGEST_ROOT, parsed, read_file
from luggin.store.chunks import decode_chunk, empty_table, encode_chunks
from luggin.store.faults import corrupt, naming
from luggin.store.layout import RunFolder, check_format, refuse_links
from luggin.store.metadata import (
    PublishedStream,
    Settings,
    array_document,
    group_document,
    read_settings,
    read_streams,
    root_document,
    user_attributes,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

RowSource = Callable[[str, int, int], "bytes | bytearray"]
"""Gives the packed rows of (stream, first, stop); asked for one chunk at a time."""


class Published:
    """What is committed of one run, and the way to commit more.

    One thread at a time may call `publish`. A failure leaves the committed state as it was, on
    disk and here; publishing again writes the same chunks again.
    """

    def __init__(
        self,
        run: RunFolder,
        disk: Disk,
        attributes: Mapping[str, Any],
        settings: Settings,
        streams: Mapping[str, PublishedStream],
    ) -> None:
        self.run = run
        self.attributes = dict(attributes)
        self.settings = settings
        self.streams = dict(streams)
        self._disk = disk
        # Streams whose directories are known to be on the medium.
        self._complete: set[str] = set()

    @classmethod
    def load(cls, run: RunFolder, disk: Disk) -> Published:
        """The committed state of an existing run. `StoreCorrupt` if it cannot be what the store holds."""
        root = read_root(run)
        streams = read_streams(root, run.root)
        for stream in streams.values():
            # Whoever believes in rows that are not there drops the journal that has them.
            for name in stream.schema.names if stream.rows else ():
                _require_chunks(run, stream, name, stream.rows - 1, stream.rows)
        return cls(run, disk, user_attributes(root), read_settings(root, run.root), streams)

    def committed(self) -> dict[str, int]:
        """Committed rows of each stream."""
        return {name: stream.rows for name, stream in self.streams.items()}

    def publish(self, stops: Mapping[str, tuple[Schema, int]], rows: RowSource, attributes: Mapping[str, Any]) -> None:
        """Commit the rows of every named stream up to its stop, and the attributes, in one step."""
        streams = dict(self.streams)
        directories: set[Path] = set()
        for name, (schema, stop) in stops.items():
            stream = streams.get(name) or PublishedStream(schema, self.settings.chunk_rows)
            streams[name] = self._write_stream(stream, stop, rows, directories)
        for directory in sorted(directories):
            with naming(directory):
                self._disk.sync_directory(directory)
        self._put(self.run.root, root_document(attributes, self.settings, streams))
        with naming(self.run.data):
            self._disk.sync_directory(self.run.data)
        self.streams = streams
        self.attributes = dict(attributes)
        self._complete.update(stops)

    def _write_stream(
        self, stream: PublishedStream, stop: int, rows: RowSource, directories: set[Path]
    ) -> PublishedStream:
        """Write chunks and metadata of one stream; ``directories`` collects what is still to be synced."""
        name, schema, chunk_rows = stream.schema.stream, stream.schema, stream.chunk_rows
        size, crc = schema.row_struct.size, stream.crc
        folder = self.run.data / name
        if name not in self._complete:
            directories |= self._make_directories(stream)
        for first in range(stream.rows // chunk_rows * chunk_rows, stop, chunk_rows):
            packed = rows(name, first, min(first + chunk_rows, stop))
            crc = google_crc32c.extend(crc, bytes(packed[max(stream.rows - first, 0) * size :]))
            for column, chunk in encode_chunks(schema, packed, chunk_rows).items():
                self._put_bytes(folder / column / "c" / str(first // chunk_rows), chunk)
        grown = stream.grown(stop, crc)
        for column_of in schema.columns:
            self._put(folder / column_of.name / "zarr.json", array_document(column_of, stop, chunk_rows))
            directories.update((folder / column_of.name, folder / column_of.name / "c"))
        if stream.rows == 0:
            self._put(folder / "zarr.json", group_document(grown))
            directories.add(folder)
        return grown

    def _make_directories(self, stream: PublishedStream) -> set[Path]:
        """Make the directories of a stream; those in which a name is new, to be synced before the commit."""
        folder = self.run.data / stream.schema.stream
        columns = [folder / name for name in stream.schema.names]
        for path in (folder, *columns, *(column / "c" for column in columns)):
            refuse_links(self.run.path, path)
            with naming(path):
                self._disk.make_directory(path)
        return {self.run.data, folder}

    def _put(self, target: Path, document: Mapping[str, Any]) -> None:
        self._put_bytes(target, json.dumps(document, separators=(",", ":")).encode())

    def _put_bytes(self, target: Path, data: bytes) -> None:
        put(self._disk, self.run.journal, target, data)


def put(disk: Disk, scratch: Path, target: Path, data: bytes) -> None:
    """Give ``target`` new content in one step, synced; half-written files exist only in ``scratch``."""
    half = scratch / "half-written.tmp"
    with naming(target):
        if half.exists():
            disk.remove(half)
        fd = disk.create(half)
        try:
            disk.write_at(fd, data, 0)
            disk.sync(fd)
        finally:
            disk.close(fd)
        disk.replace(half, target)


def read_root(run: RunFolder) -> dict[str, Any]:
    """The root document of a run, its format checked."""
    run.require()
    try:
        root = parsed(read_file(run.root, LARGEST_ROOT), run.root)
    except FileNotFoundError as error:
        raise corrupt(run.root, 0, "the commit file is gone") from error
    if not isinstance(root, dict) or not isinstance(root.get("attributes"), dict):
        raise corrupt(run.root, 0, "the commit file is no table with attributes")
    check_format(root["attributes"], run.root)
    return root


def read_committed(run: RunFolder, stream: PublishedStream, first: int, stop: int) -> NDArray[Any]:
    """The committed rows ``first`` to ``stop`` of a stream as one structured array."""
    for name in stream.schema.names:
        _require_chunks(run, stream, name, first, stop)
    table = empty_table(stream.schema, stop - first)
    for column in stream.schema.columns:
        table[column.name] = read_committed_column(run, stream, column.name, first, stop)
    return table


def read_committed_column(run: RunFolder, stream: PublishedStream, name: str, first: int, stop: int) -> NDArray[Any]:
    """The committed values ``first`` to ``stop`` of one column."""
    column = stream.schema.columns[stream.schema.index(name)]
    chunk_rows = stream.chunk_rows
    _require_chunks(run, stream, name, first, stop)
    values = empty_table(stream.schema, 0)[name].copy()
    values.resize(stop - first, refcheck=False)
    for chunk in range(first // chunk_rows, -(-stop // chunk_rows)):
        begin, end = max(first, chunk * chunk_rows), min(stop, (chunk + 1) * chunk_rows)
        decoded = decode_chunk(_chunk_file(run, stream, name, chunk), column.kind, chunk_rows)
        values[begin - first : end - first] = decoded[begin - chunk * chunk_rows : end - chunk * chunk_rows]
    return values


def _require_chunks(run: RunFolder, stream: PublishedStream, name: str, first: int, stop: int) -> None:
    """StoreCorrupt if a chunk is missing: before any memory is given to rows that are only said to be there."""
    refuse_links(run.path, run.data / stream.schema.stream / name / "c")
    for chunk in range(first // stream.chunk_rows, -(-stop // stream.chunk_rows)):
        if not (file := _chunk_file(run, stream, name, chunk)).exists():
            raise corrupt(file, 0, "a chunk of committed rows is missing")


def _chunk_file(run: RunFolder, stream: PublishedStream, name: str, chunk: int) -> Path:
    return run.data / stream.schema.stream / name / "c" / str(chunk)


def verify(run: RunFolder, streams: Mapping[str, PublishedStream]) -> None:
    """Compare every committed row with the digest made from the journal; `StoreCorrupt` if one differs."""
    for name, stream in streams.items():
        crc = 0
        for first in range(0, stream.rows, stream.chunk_rows):
            stop = min(first + stream.chunk_rows, stream.rows)
            crc = google_crc32c.extend(crc, read_committed(run, stream, first, stop).tobytes())
        if crc != stream.crc:
            raise corrupt(
                run.data / name,
                0,
                f"the {stream.rows} published rows of stream {name!r} are not those that were acknowledged "
                f"(CRC32-C {crc:08x} instead of {stream.crc:08x})",
                "The journal was kept; copy the run folder before anything else and check the disk",
            )
