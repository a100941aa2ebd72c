"""Where the rows of a chunk come from when it is to be written: memory, the journal, the store itself."""

from __future__ import annotations

from luggin.records import Schema
from luggin.store.index import RowIndex, read_rows
from luggin.store.journal import Journal, JournalStream
from luggin.store.layout import RunFolder
from luggin.store.metadata import PublishedStream
from luggin.store.published import Published, read_committed
from luggin.store.window import Window


class LiveStream:
    """A stream being written: its place in the journal and its newest rows in memory."""

    def __init__(self, journal: JournalStream, window: Window) -> None:
        self.schema: Schema = journal.schema
        self.journal = journal
        self.window = window


def continued(run: RunFolder, journal: Journal, published: Published) -> dict[str, LiveStream]:
    """The streams of a run that goes on: each begins where its published rows end.

    The rows of its unfinished chunk come back into memory, because the chunk is written whole again.
    """
    streams = {}
    for name, stream in published.streams.items():
        begin = stream.rows // stream.chunk_rows * stream.chunk_rows
        unfinished = read_committed(run, stream, begin, stream.rows).tobytes()
        window = Window(stream.chunk_rows, stream.schema.row_struct.size, begin, unfinished)
        streams[name] = LiveStream(journal.add_stream(stream.schema, stream.rows), window)
    return streams


def rows_on_disk(
    run: RunFolder,
    published: PublishedStream | None,
    index: RowIndex,
    number: int,
    row_size: int,
    first: int,
    stop: int,
) -> bytes:
    """Packed rows ``first`` to ``stop``: what is committed from the store, the rest from the journal."""
    begin = min(max(published.rows, first), stop) if published else first
    rows = b""
    if published is not None and first < begin:
        rows = read_committed(run, published, first, begin).tobytes()
    if begin < stop:
        rows += read_rows(run, index, number, begin, stop, row_size)
    return rows
