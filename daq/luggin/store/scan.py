"""Understanding a journal that is there: after a crash, or while another process writes it."""

from __future__ import annotations

import json
from collections.abc import Callable

from luggin.errors import RunFolderError
from luggin.records import Schema
from luggin.store.checked import schema_of
from luggin.store.faults import corrupt
from luggin.store.framing import VERSION, Kind, Position, Record, SegmentReader, durable_mark
from luggin.store.index import RowIndex
from luggin.store.layout import RunFolder, check_format

_NOT_WHOLE = "a record is not whole"
RowsSeen = Callable[["ScannedStream", int, bytes], None]
"""Called with each record of rows: the stream, the first row, the packed rows."""


class ScannedStream:
    """One stream as the journal tells it: rows ``first`` to ``rows``."""

    def __init__(self, schema: Schema, number: int, first: int) -> None:
        self.schema = schema
        self.number = number
        self.first = first
        self.rows = first
        self.row_size = schema.row_struct.size
        self.index = RowIndex()


class JournalScan:
    """Reads a journal from its first segment on; `advance` goes on where the last call ended.

    A tail that is not whole is passed over when nothing says that it had ever been durable
    (``torn_bytes``); otherwise it is damage, and `StoreCorrupt`, unless ``strict`` is False.
    """

    def __init__(self, run: RunFolder, rows_seen: RowsSeen | None = None, strict: bool = True) -> None:
        self.streams: dict[str, ScannedStream] = {}
        self.torn_bytes = 0
        self.damage: str | None = None
        self._run = run
        self._rows_seen = rows_seen
        self._strict = strict
        self._numbers: dict[int, ScannedStream] = {}
        self._position: Position | None = None

    @property
    def position(self) -> Position | None:
        """Where understanding ended; None before any segment was seen."""
        return self._position

    def advance(self) -> None:
        """Read what is there now. Raises `FileNotFoundError` if a segment is dropped meanwhile."""
        numbers = self._run.segments()
        if self._position is not None:
            if self._position.segment not in numbers:
                raise FileNotFoundError(self._run.segment(self._position.segment))
            numbers = [n for n in numbers if n >= self._position.segment]
        for i, number in enumerate(numbers):
            if not self._read_segment(number, numbers[i:]):
                return

    def _read_segment(self, number: int, remaining: list[int]) -> bool:
        """Read one segment; False if the journal ends here for us, whatever lies behind."""
        resumed = self._position is not None and self._position.segment == number
        if self._position is not None and not resumed and number != self._position.segment + 1:
            return self._end_here(remaining, f"segment {self._position.segment + 1} is missing")
        reader = SegmentReader(self._run.segment(number), self._position.offset if resumed and self._position else 0)
        for record in reader:
            try:
                problem = self._take(number, record)
            except (ValueError, RecursionError) as error:
                # Its CRC is right, so no power cut has made it: somebody else has.
                return self._damaged(Position(number, record.offset), f"a record says what none of ours says ({error})")
            if problem:
                return self._end_here(remaining, problem)
            self._position = Position(number, reader.end)
        if reader.newer_version is not None:
            raise RunFolderError(
                f"{reader.path} was written by a newer Luggin (journal version {reader.newer_version}; this one reads "
                f"{VERSION}). Install a newer Luggin to read or resume this run; nothing was changed"
            )
        if self._position is None or self._position.segment != number:
            self._position = Position(number, 0)
        if reader.end < reader.size:
            return self._end_here(remaining, _NOT_WHOLE)
        return True

    def _take(self, segment: int, record: Record) -> str | None:
        """Take one record in; a sentence if it does not follow from those before it."""
        if record.kind == Kind.ROWS:
            stream = self._numbers.get(record.stream)
            if stream is None:
                return f"rows of an unknown stream (number {record.stream})"
            if record.first != stream.rows:
                return f"row {record.first} of stream {stream.schema.stream!r} follows row {stream.rows - 1}"
            if len(record.payload) % stream.row_size:
                raise ValueError(f"{len(record.payload)} bytes are no whole rows of {stream.row_size}")
            stream.index.add(record.first, segment, record.offset)
            stream.rows += len(record.payload) // stream.row_size
            if self._rows_seen:
                self._rows_seen(stream, record.first, record.payload)
        elif record.kind == Kind.SCHEMA:
            return self._take_schema(record)
        elif record.kind == Kind.HEAD:
            head = json.loads(record.payload)
            if not isinstance(head, dict):
                raise ValueError("the head of a segment is a table")
            check_format(head, self._run.segment(segment))
        return None

    def _take_schema(self, record: Record) -> str | None:
        schema: Schema = schema_of(json.loads(record.payload))
        known = self._numbers.get(record.stream)
        if known is None:
            if schema.stream in self.streams:
                raise ValueError(f"stream {schema.stream!r} begins a second time")
            self._numbers[record.stream] = known = ScannedStream(schema, record.stream, record.first)
            self.streams[schema.stream] = known
        if known.schema != schema:
            return f"stream {schema.stream!r} has another schema than before"
        if known.rows != record.first:
            return f"stream {schema.stream!r} goes on at row {record.first} instead of {known.rows}"
        return None

    def _end_here(self, remaining: list[int], problem: str) -> bool:
        """Decide whether what is not understood is a torn tail or damage. Always False: no further."""
        here = self._position or Position(remaining[0], 0)
        marks = []
        self.torn_bytes = 0
        for number in remaining:
            begin = here.offset if number == here.segment else 0
            path = self._run.segment(number)
            self.torn_bytes += path.stat().st_size - begin
            mark = durable_mark(path, begin)
            if mark is not None:
                marks.append(mark)
        if marks and max(marks) > here:
            file = self._run.segment(here.segment)
            if any(True for _ in SegmentReader(file, here.offset)) and problem == _NOT_WHOLE:
                return False  # its writer has finished the record in the meantime
            return self._damaged(here, f"{problem}, although it was once safe on this disk")
        return False

    def _damaged(self, here: Position, problem: str) -> bool:
        """Say that the journal is damaged. Always False: no further."""
        file = self._run.segment(here.segment)
        self.damage = f"{file}: byte {here.offset}: {problem}"
        if self._strict:
            raise corrupt(
                file,
                here.offset,
                problem,
                "The rows before it and all committed rows are whole; `luggin recover --accept-damage` keeps "
                "them and sets the damaged journal aside",
            )
        return False
