"""The newest rows of a stream in memory, so that publishing them need not read the journal."""

from __future__ import annotations

from collections import deque


class Window:
    """At most two chunks of packed rows: the one being filled and the full one before it.

    A publisher that is slower than the instrument finds older chunks in the journal; memory stays
    where it is.
    """

    def __init__(self, chunk_rows: int, row_size: int, first: int = 0, rows: bytes = b"") -> None:
        """``rows`` are those from row ``first``, the beginning of a chunk, on."""
        self._size = row_size
        self._chunk_bytes = chunk_rows * row_size
        self.chunk_rows = chunk_rows
        self._open = bytearray(rows)
        self._open_first = first
        self._full: deque[tuple[int, bytearray]] = deque(maxlen=1)

    def extend(self, payload: bytes) -> bool:
        """Add rows; True if a chunk became full."""
        room = self._chunk_bytes - len(self._open)
        if len(payload) < room:
            self._open += payload
            return False
        view = memoryview(payload)
        while len(view) >= room:
            self._open += view[:room]
            self._full.append((self._open_first, self._open))
            self._open, self._open_first = bytearray(), self._open_first + self.chunk_rows
            view, room = view[room:], self._chunk_bytes
        self._open += view
        return True

    def rows(self, first: int, stop: int) -> bytes | bytearray | None:
        """Rows ``first`` to ``stop`` of the chunk that begins at ``first``; None if not held any more.

        A full chunk is given as it is, because nothing writes to it any more.
        """
        if first == self._open_first:
            return bytes(memoryview(self._open)[: (stop - first) * self._size])
        for begin, chunk in self._full:
            if first == begin:
                return chunk if stop - first == self.chunk_rows else bytes(chunk[: (stop - first) * self._size])
        return None

    def held_bytes(self) -> int:
        """Bytes of rows in memory."""
        return len(self._open) + sum(len(chunk) for _, chunk in self._full)
