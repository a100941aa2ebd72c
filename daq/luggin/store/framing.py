"""The bytes of the journal: self-contained records with a CRC.

Every record is a header of 24 bytes and a payload::

    magic "LGJN" | version u8 | kind u8 | stream u16 | first row u64 | payload bytes u32 | CRC32-C u32

little endian; the CRC covers the header before it and the payload. ``ROWS`` carry packed rows in
the order of the schema, ``SCHEMA`` and ``HEAD`` carry JSON, ``SYNCED`` carries the position up to
which the journal was known to be on the medium when the record was written. That is how a later
reader tells a tail that a power cut has torn (never promised, cut off) from damage to bytes that
were already durable (an error, never cut off).
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import google_crc32c

from luggin.store.checked import LARGEST_SEGMENT, open_file, read_file

MAGIC = b"LGJN"
VERSION = 1
_HEAD = struct.Struct("<4sBBHQI")
_CRC = struct.Struct("<I")
HEADER_SIZE = _HEAD.size + _CRC.size
_POSITION = struct.Struct("<QQ")
MAX_PAYLOAD = 1 << 22
"""Bytes of one record. Longer blocks become several records, so that reading back stays cheap."""

_crc = google_crc32c.value
_extend = google_crc32c.extend


class Kind(enum.IntEnum):
    """What a record carries."""

    HEAD = 1
    SCHEMA = 2
    ROWS = 3
    SYNCED = 4


_ROWS = int(Kind.ROWS)


class Position(NamedTuple):
    """A place in the journal: segment number and byte offset. Later places compare greater."""

    segment: int
    offset: int


class Record(NamedTuple):
    """One record and the offset at which it begins."""

    offset: int
    kind: int
    stream: int
    first: int
    payload: bytes


def encode(kind: Kind, stream: int, first: int, payload: bytes) -> bytes:
    """The bytes of one record."""
    head = _HEAD.pack(MAGIC, VERSION, kind, stream, first, len(payload))
    return head + _CRC.pack(_extend(_crc(head), payload)) + payload


def encode_rows(stream: int, first: int, payload: bytes) -> bytes:
    """`encode` for rows, on the acquisition path: nothing but packing and one CRC."""
    head = _HEAD.pack(MAGIC, VERSION, _ROWS, stream, first, len(payload))
    return head + _CRC.pack(_extend(_crc(head), payload)) + payload


def encode_position(position: Position) -> bytes:
    """Payload of a ``SYNCED`` record."""
    return _POSITION.pack(*position)


class SegmentReader:
    """The records of one segment file from ``offset`` on, up to the first that is not whole.

    After iterating, ``end`` is where understanding ended and ``size`` how long the file was found.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.end = offset
        self.size = offset
        self.newer_version: int | None = None

    def __iter__(self) -> Iterator[Record]:
        with open_file(self.path, LARGEST_SEGMENT) as file:
            self.size = file.seek(0, 2)
            file.seek(self.end)
            while len(header := file.read(HEADER_SIZE)) == HEADER_SIZE:
                magic, version, kind, stream, first, length = _HEAD.unpack_from(header)
                if magic != MAGIC or length > MAX_PAYLOAD:
                    break
                payload = file.read(length)
                crc = _extend(_crc(header[: _HEAD.size]), payload)
                if len(payload) < length or crc != _CRC.unpack_from(header, _HEAD.size)[0]:
                    break
                if version != VERSION:
                    self.newer_version = version
                    break
                offset, self.end = self.end, self.end + HEADER_SIZE + length
                yield Record(offset, kind, stream, first, payload)
            self.size = max(self.size, self.end)


def durable_mark(path: Path, offset: int) -> Position | None:
    """The furthest ``SYNCED`` position stated by any whole record behind ``offset``, at whatever byte."""
    data = read_file(path, LARGEST_SEGMENT)
    size = HEADER_SIZE + _POSITION.size
    head = _HEAD.pack(MAGIC, VERSION, Kind.SYNCED, 0, 0, _POSITION.size)
    furthest: Position | None = None
    while (offset := data.find(head, offset)) >= 0:
        record = data[offset : offset + size]
        if len(record) == size and record == encode(Kind.SYNCED, 0, 0, record[HEADER_SIZE:]):
            position = Position(*_POSITION.unpack_from(record, HEADER_SIZE))
            furthest = position if furthest is None else max(furthest, position)
        offset += 1
    return furthest
