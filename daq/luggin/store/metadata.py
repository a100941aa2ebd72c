"""The zarr.json documents of a run's store, as the zarr v3 specification writes them.

The root document is the commit point: it holds, inline, the metadata of every group and array
(what zarr-python and xarray call consolidated metadata) and ``committed``, the rows of each
stream. A reader that follows it never sees a column without its chunks or two columns of unequal
length.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from luggin.errors import StoreError
from luggin.records import Column, Flag, Schema
from luggin.store.checked import schema_of
from luggin.store.faults import corrupt
from luggin.store.layout import DIMENSION, FORMAT

_DATA_TYPES = {"f8": "float64", "f4": "float32", "i4": "int32", "u4": "uint32", "i8": "int64"}
_KINDS = {data_type: kind for kind, data_type in _DATA_TYPES.items()}
RESERVED = ("format", "committed", "digest", "store")
"""Root attributes that belong to the store itself."""
MOST_CHUNK_ROWS = 1 << 20
"""Rows of one chunk: a small file may not claim more memory than 8 MiB."""
_MOST_ROWS = 1 << 48
_LONGEST_INTERVAL = 1e9


@dataclass(frozen=True)
class Settings:
    """What a run was created with; a resumed run goes on with it. Intervals in s of host time."""

    durable: bool = True
    sync_interval: float = 1.0
    publish_interval: float = 10.0
    chunk_rows: int = 16384

    def __post_init__(self) -> None:
        if not all(0 < interval <= _LONGEST_INTERVAL for interval in (self.sync_interval, self.publish_interval)):
            raise StoreError(f"intervals of a store are positive numbers of seconds, not {self}")
        if type(self.chunk_rows) is not int or not 1 <= self.chunk_rows <= MOST_CHUNK_ROWS:
            raise StoreError(f"a chunk of a store has 1 to {MOST_CHUNK_ROWS} rows, not {self.chunk_rows!r}")
        if type(self.durable) is not bool:
            raise StoreError(f"a store is durable or not, not {self.durable!r}")


@dataclass(frozen=True)
class PublishedStream:
    """A stream as it is committed: ``rows`` rows, of which ``crc`` is the CRC32-C of their packed bytes."""

    schema: Schema
    chunk_rows: int
    rows: int = 0
    crc: int = 0

    def grown(self, rows: int, crc: int) -> PublishedStream:
        """The same stream with more rows."""
        return replace(self, rows=rows, crc=crc)


def column_attributes(column: Column) -> dict[str, Any]:
    """Attributes of a column's array: units readable by CF and pint, long name, BDF name, CF flags."""
    attributes: dict[str, Any] = {"units": column.unit}
    if column.long_name:
        attributes["long_name"] = column.long_name
    if column.bdf:
        attributes["bdf_name"] = column.bdf
    if column.name == "flags" and column.kind == "u4":
        attributes["flag_masks"] = [int(flag) for flag in Flag]
        attributes["flag_meanings"] = " ".join(str(flag.name).lower() for flag in Flag)
    if column.meanings:
        attributes["flag_values"] = [value for value, _ in column.meanings]
        attributes["flag_meanings"] = " ".join(word for _, word in column.meanings)
    return attributes


def array_document(column: Column, rows: int, chunk_rows: int) -> dict[str, Any]:
    """zarr.json of one column."""
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [rows],
        "data_type": _DATA_TYPES[column.kind],
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [chunk_rows]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        # A reading that is not there must not look like one; integers have no such value.
        "fill_value": "NaN" if column.kind.startswith("f") else 0,
        "codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {
                "name": "blosc",
                "configuration": {
                    "cname": "zstd",
                    "clevel": 1,
                    "shuffle": "shuffle",
                    "typesize": int(column.kind[1]),
                    "blocksize": 0,
                },
            },
        ],
        "attributes": column_attributes(column),
        "dimension_names": [DIMENSION],
        "storage_transformers": [],
    }


def group_document(stream: PublishedStream) -> dict[str, Any]:
    """zarr.json of one stream. It names the columns in the order in which rows carry them."""
    return {"zarr_format": 3, "node_type": "group", "attributes": {"columns": list(stream.schema.names)}}


def root_document(
    attributes: Mapping[str, Any], settings: Settings, streams: Mapping[str, PublishedStream]
) -> dict[str, Any]:
    """zarr.json of the store: attributes of the run, and everything that is committed."""
    documents: dict[str, Any] = {}
    for name, stream in streams.items():
        documents[name] = group_document(stream)
        for column in stream.schema.columns:
            documents[f"{name}/{column.name}"] = array_document(column, stream.rows, stream.chunk_rows)
    return {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {
            **attributes,
            "format": FORMAT,
            "committed": {name: stream.rows for name, stream in streams.items()},
            "digest": {name: f"crc32c:{stream.crc:08x}" for name, stream in streams.items()},
            "store": dict(vars(settings)),
        },
        "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": documents},
    }


def read_streams(root: Mapping[str, Any], file: Path) -> dict[str, PublishedStream]:
    """The committed streams of a root document. Raises `StoreCorrupt` where it contradicts itself."""
    try:
        documents = root["consolidated_metadata"]["metadata"]
        digests = root["attributes"]["digest"]
        streams = {
            name: _read_stream(name, rows, digests[name], documents)
            for name, rows in root["attributes"]["committed"].items()
        }
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        said = str(error)[:300]
        raise corrupt(file, 0, f"the metadata of the store is not what Luggin writes ({said})") from error
    for name, stream in streams.items():
        for column in stream.schema.columns:
            expected = array_document(column, stream.rows, stream.chunk_rows)
            if _layout(documents[f"{name}/{column.name}"]) != _layout(expected):
                raise corrupt(file, 0, f"array {name}/{column.name} is not stored in the way Luggin stores it")
    return streams


def _read_stream(name: str, rows: int, digest: str, documents: Mapping[str, Any]) -> PublishedStream:
    columns: list[dict[str, Any]] = []
    chunk_rows: object = 0
    for column in documents[name]["attributes"]["columns"]:
        array = documents[f"{name}/{column}"]
        attributes = array["attributes"]
        columns.append(
            {
                "name": column,
                "unit": attributes["units"],
                "kind": _KINDS[array["data_type"]],
                "long_name": attributes.get("long_name", ""),
                "bdf": attributes.get("bdf_name", ""),
                "meanings": _meanings(attributes),
            }
        )
        chunk_rows = array["chunk_grid"]["configuration"]["chunk_shape"][0]
    return PublishedStream(
        schema_of({"stream": name, "columns": columns}),
        _whole(chunk_rows, 1, MOST_CHUNK_ROWS, "rows of a chunk"),
        _whole(rows, 0, _MOST_ROWS, "rows"),
        _whole(int(digest.removeprefix("crc32c:"), 16), 0, 0xFFFFFFFF, "CRC"),
    )


def _whole(number: object, least: int, most: int, what: str) -> int:
    """A number of the document that can be true; ValueError if it cannot."""
    if type(number) is not int or not least <= number <= most:
        raise ValueError(f"{what}: {str(number)[:40]} instead of {least} to {most}")
    return number


def _meanings(attributes: Mapping[str, Any]) -> list[list[Any]]:
    """What the values of a column of codes mean (a mask has bits instead of values)."""
    if "flag_values" not in attributes:
        return []
    words = attributes["flag_meanings"].split(" ")
    return [list(pair) for pair in zip(attributes["flag_values"], words, strict=True)]


def _layout(document: Mapping[str, Any]) -> dict[str, Any]:
    """What decides how bytes are read."""
    keys = ("shape", "data_type", "chunk_grid", "chunk_key_encoding", "codecs", "fill_value")
    return {key: document.get(key) for key in keys}


def user_attributes(root: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of the run without those of the store itself."""
    return {key: value for key, value in root["attributes"].items() if key not in RESERVED}


def read_settings(root: Mapping[str, Any], file: Path) -> Settings:
    """The settings that the run was created with."""
    try:
        return Settings(**root["attributes"]["store"])
    except (KeyError, TypeError, StoreError) as error:
        said = str(error)[:300]
        raise corrupt(file, 0, f"the settings of the store are not what Luggin writes ({said})") from error


def own_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as plain data of JSON. Raises `StoreError` for what cannot be stored."""
    taken = [name for name in attributes if name in RESERVED]
    if taken:
        raise StoreError(f"attributes {', '.join(taken)} belong to the store itself; choose other names")
    try:
        own: dict[str, Any] = json.loads(json.dumps(dict(attributes), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise StoreError(f"attributes are text, finite numbers, lists and mappings of them: {error}") from error
    return own
