"""Columns of rows to compressed chunks and back.

The codec is loaded when it is first needed, which is in the publisher's thread: the start of an
acquisition does not wait for it.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.records import Schema
from luggin.store.checked import read_file
from luggin.store.faults import corrupt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_BLOSC_HEADER = 16
_ZSTD = 4


@functools.cache
def _blosc() -> Any:
    from numcodecs import blosc

    # One thread per call: the other cores belong to the acquisition.
    blosc.use_threads = False
    return blosc.Blosc(cname="zstd", clevel=1, shuffle=blosc.SHUFFLE)


def encode_chunks(schema: Schema, rows: bytes | bytearray, chunk_rows: int) -> dict[str, bytes]:
    """The chunk of each column for packed ``rows``; a chunk that is not full is filled up.

    The filling (NaN, or 0 for integers) lies behind the shape of the array and is never shown.
    """
    import numpy as np

    table = np.frombuffer(rows, schema.dtype)
    chunks = {}
    for column in schema.columns:
        values = np.full(chunk_rows, np.nan if column.kind.startswith("f") else 0, "<" + column.kind)
        values[: len(table)] = table[column.name]
        chunks[column.name] = bytes(_blosc().encode(values))
    return chunks


def decode_chunk(file: Path, kind: str, chunk_rows: int) -> NDArray[Any]:
    """The values of one chunk file. Its size is checked before memory is given to it."""
    import numpy as np

    dtype = np.dtype("<" + kind)
    wanted = chunk_rows * dtype.itemsize
    try:
        data = read_file(file, wanted + _BLOSC_HEADER)
    except FileNotFoundError:
        raise corrupt(file, 0, "a chunk of committed rows is missing") from None
    # Blosc's header: version of the format, of the codec, flags, type size, bytes unpacked, block size, bytes packed.
    # The flags have the codec in their upper three bits.
    if (
        len(data) < _BLOSC_HEADER
        or data[2] >> 5 != _ZSTD
        or data[3] != dtype.itemsize
        or int.from_bytes(data[4:8], "little") != wanted
        or int.from_bytes(data[12:16], "little") != len(data)
    ):
        raise corrupt(file, 0, f"this is not a chunk of {chunk_rows} values of kind {kind}")
    try:
        values = np.frombuffer(_blosc().decode(data), dtype)
    except (RuntimeError, ValueError) as error:
        raise corrupt(file, 0, f"the chunk cannot be unpacked ({error})") from error
    return values


def empty_table(schema: Schema, rows: int) -> NDArray[Any]:
    """An array for ``rows`` rows whose content is still to be set."""
    import numpy as np

    return np.empty(rows, schema.dtype)


def packed_table(schema: Schema, rows: bytes | bytearray) -> NDArray[np.void]:
    """Packed rows as one structured array (read-only if ``rows`` is)."""
    import numpy as np

    return np.frombuffer(rows, schema.dtype)
