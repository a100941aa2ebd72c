"""Where the rows of a stream stand in the journal, and reading them back from there."""

from __future__ import annotations

from bisect import bisect_right

from luggin.store.faults import corrupt
from luggin.store.framing import Kind, Position, SegmentReader
from luggin.store.layout import RunFolder

_STRIDE = 1024


class RowIndex:
    """Positions of records by row number: one for every thousand rows or so, and the first of each segment.

    Reading begins at the entry before the first wanted row and passes over the rest. With an entry
    per segment it never begins in a segment that was dropped because its rows are committed.
    """

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._positions: list[Position] = []
        self._next = 0
        self._segment = -1

    def add(self, first: int, segment: int, offset: int) -> None:
        """Remember where the record with row ``first`` begins (or leave it to its predecessor)."""
        if first >= self._next or segment != self._segment:
            self._rows.append(first)
            self._positions.append(Position(segment, offset))
            self._next = first + _STRIDE
            self._segment = segment

    def find(self, row: int) -> Position | None:
        """Where to begin reading for ``row``; None if that row is not in the journal."""
        at = bisect_right(self._rows, row) - 1
        return self._positions[at] if at >= 0 else None

    def forget_before(self, row: int) -> None:
        """Drop the entries that only earlier rows need."""
        at = bisect_right(self._rows, row) - 1
        if at > 0:
            del self._rows[:at], self._positions[:at]

    def __len__(self) -> int:
        return len(self._rows)


def read_rows(run: RunFolder, index: RowIndex, stream: int, first: int, stop: int, row_size: int) -> bytes:
    """The packed rows ``first`` to ``stop`` of a stream, checked record by record.

    Raises `StoreCorrupt` if the journal does not have them any more.
    """
    begin = index.find(first)
    if begin is None:
        raise corrupt(run.journal, 0, f"row {first} of stream number {stream} is not in the journal")
    parts: list[bytes] = []
    row, (segment, offset) = first, begin
    while row < stop:
        reader = SegmentReader(run.segment(segment), offset)
        for record in reader:
            if record.kind != Kind.ROWS or record.stream != stream:
                continue
            end = record.first + len(record.payload) // row_size
            if end <= row:
                continue
            if record.first > row:
                break
            parts.append(record.payload[(row - record.first) * row_size : (stop - record.first) * row_size])
            row = min(end, stop)
            if row == stop:
                break
        segment, offset = segment + 1, 0
        if not run.segment(segment).exists():
            break
    if row < stop:
        raise corrupt(run.journal, 0, f"rows {row} to {stop} of stream number {stream} are not in the journal")
    return b"".join(parts)
