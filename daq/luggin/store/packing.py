"""Frames to packed rows: the bytes that the journal keeps."""

from __future__ import annotations

import struct
from typing import Any

from luggin.errors import StoreError
from luggin.records import Frame, Schema


def pack(frame: Frame) -> bytes:
    """The rows of a frame, one after another, little endian, without padding."""
    if frame.is_block:
        return _pack_block(frame)
    pack_row = frame.schema.row_struct.pack
    try:
        return b"".join([pack_row(*row) for row in frame.rows()])
    except (struct.error, TypeError) as error:
        raise StoreError(
            f"a row of stream {frame.schema.stream!r} does not fit its columns {', '.join(frame.schema.names)} "
            f"({error}); this is a mistake in the driver that made it"
        ) from error


def _pack_block(frame: Frame) -> bytes:
    block: Any = frame.array()
    wanted = frame.schema.dtype
    if block.ndim != 1 or block.dtype.names != wanted.names:
        raise StoreError(
            f"a block of stream {frame.schema.stream!r} has the fields {block.dtype.names}, its columns are "
            f"{wanted.names}; this is a mistake in the driver that made it"
        )
    if block.dtype != wanted:
        block = _cast(block, frame.schema)
    return bytes(block.tobytes())


def _cast(block: Any, schema: Schema) -> Any:
    """The same numbers in the kinds of the schema, or an error where a number would change its nature."""
    try:
        return block.astype(schema.dtype, casting="same_kind")
    except TypeError as error:
        raise StoreError(
            f"a block of stream {schema.stream!r} cannot be stored as {schema.dtype}: {error}; "
            "this is a mistake in the driver that made it"
        ) from error
