"""What stands in a run folder, checked before it is believed.

A run folder may come from anybody. Nothing in it is followed out of it (links), waited for (pipes),
executed, or given memory before its size was looked at; what is not what Luggin writes is
`StoreCorrupt`, with the file and the reason.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from luggin.errors import StoreError
from luggin.platform import open_regular
from luggin.records import Column, Schema
from luggin.store.faults import corrupt, naming, store_error
from luggin.store.layout import check_schema

LARGEST_ROOT = 16 << 20
"""Bytes of a commit file; one with a thousand columns has about one MiB."""
LARGEST_SEGMENT = 64 << 20
"""Bytes of a journal segment; ours end behind the first record beyond 16 MiB."""
LARGEST_LOG = 1 << 30
"""Bytes of a run.log; a million steps have less than half of it."""

_COLUMN_TEXTS = ("name", "unit", "kind", "long_name", "bdf")
_NOT_REGULAR = (errno.ELOOP, errno.EINVAL, errno.EISDIR, errno.ENXIO)


def open_file(file: Path, most: int) -> BinaryIO:
    """A regular file of at most ``most`` bytes, open for reading.

    Raises:
        FileNotFoundError: there is none; only the caller knows what that means.
        StoreCorrupt: it is a link, a pipe or a folder, or it is larger.
        StoreError: it cannot be read.
    """
    try:
        fd = open_regular(file, os.O_RDONLY)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in _NOT_REGULAR:
            raise corrupt(file, 0, f"{error.strerror}, where Luggin has a file of its own") from error
        raise store_error(error, file) from error
    size = os.fstat(fd).st_size
    if size > most:
        os.close(fd)
        raise corrupt(file, most, f"the file has {size} bytes; Luggin writes at most {most} there")
    return os.fdopen(fd, "rb", buffering=1 << 18)


def read_file(file: Path, most: int) -> bytes:
    """The content of such a file; raises as `open_file`."""
    with open_file(file, most) as content, naming(file):
        # Not read(most): that would take the memory first.
        return content.read(os.fstat(content.fileno()).st_size)


def parsed(data: bytes, file: Path, offset: int = 0) -> Any:
    """JSON as plain data; `StoreCorrupt` if it is none, or nested beyond all reason."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise corrupt(file, offset, f"this file cannot be read as JSON ({type(error).__name__})") from error


def schema_of(data: object) -> Schema:
    """A schema from plain data. ValueError, in words, if it is none or could not be stored."""
    if not isinstance(data, Mapping) or not isinstance(data.get("stream"), str):
        raise ValueError("a schema is a table with the name of a stream")
    columns = data.get("columns")
    if set(data) != {"stream", "columns"} or not isinstance(columns, list):
        raise ValueError("a schema has a stream and a list of columns")
    schema = Schema(data["stream"], tuple(_column_of(column) for column in columns))
    try:
        check_schema(schema)
    except StoreError as error:
        raise ValueError(str(error)) from error
    return schema


def _column_of(data: object) -> Column:
    if not isinstance(data, Mapping) or not {"name", "unit"} <= set(data) <= {*_COLUMN_TEXTS, "meanings"}:
        raise ValueError("a column is a table with name and unit")
    texts = {key: data[key] for key in _COLUMN_TEXTS if key in data}
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("a column is described by texts")
    return Column(**texts, meanings=_meanings_of(data.get("meanings", [])))


def _meanings_of(data: object) -> tuple[tuple[int, str], ...]:
    """What the values of a column of codes mean. ValueError if it is not pairs of a number and a word."""
    pairs: list[Any] = data if isinstance(data, list) else [data]
    if not all(
        isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int and isinstance(pair[1], str)
        for pair in pairs
    ):
        raise ValueError("the meanings of a column are pairs of a number and a word")
    return tuple((value, word) for value, word in pairs)
