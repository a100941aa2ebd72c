"""Streams, columns and frames: the unit in which readings move through the program.

A frame is a block of rows of one stream. A driver that receives one line per point yields frames
of one row (plain tuples, no numpy on the way); a driver that reads blocks yields structured
arrays. Everything behind the driver takes both.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STRUCT_CODES = {"f8": "d", "f4": "f", "i4": "i", "u4": "I", "i8": "q"}


class Flag(enum.IntFlag):
    """What an instrument says about a reading. One set of bits for all drivers."""

    POTENTIAL_OVERLOAD = 1
    CURRENT_OVERLOAD = 2
    OVERLOAD_WARNING = 4
    UNDERLOAD = 8
    COMPLIANCE = 16
    TIMING = 32
    CELL_OFF = 64
    OVERTEMPERATURE = 128
    CLIPPED = 256
    RANGE_CHANGED = 512
    DECODE_ERROR = 1024
    GAP = 2048
    QUIET_TIME = 4096
    SUSPENDED = 8192
    UNSTABLE = 16384


@dataclass(frozen=True)
class Column:
    """One column of a stream: its name, unit (CF/pint readable), kind and long name.

    ``kind`` is one of ``f8 f4 i4 u4 i8`` (little endian). ``bdf`` is the machine name of the
    Battery Data Format where there is one. ``meanings`` names the values of a column
    of codes, each by one word (CF separates them by blanks).
    """

    name: str
    unit: str
    kind: str = "f8"
    long_name: str = ""
    bdf: str = ""
    meanings: tuple[tuple[int, str], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in _STRUCT_CODES:
            raise ValueError(f"column {self.name!r} has kind {self.kind!r}; known are {', '.join(_STRUCT_CODES)}")


@dataclass(frozen=True)
class Schema:
    """The columns of one stream, in the order in which rows carry them."""

    stream: str
    columns: tuple[Column, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(c.name for c in self.columns)

    @cached_property
    def layout(self) -> tuple[tuple[str, str, str], ...]:
        """Name, unit and kind of each column: what makes two schemas one stream, whatever their words say."""
        return tuple((c.name, c.unit, c.kind) for c in self.columns)

    @cached_property
    def row_struct(self) -> struct.Struct:
        """Packs one row, little endian, without padding."""
        return struct.Struct("<" + "".join(_STRUCT_CODES[c.kind] for c in self.columns))

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The same row as a numpy structured type."""
        import numpy as np

        return np.dtype([(c.name, "<" + c.kind) for c in self.columns])

    def index(self, name: str) -> int:
        """Position of a column; KeyError if there is none of this name."""
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f"stream {self.stream!r} has no column {name!r}; it has {', '.join(self.names)}") from None

    def extended(self, *columns: Column) -> Schema:
        """The same stream with further columns behind its own."""
        return Schema(self.stream, self.columns + columns)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for the journal and the store."""
        return {"stream": self.stream, "columns": [_column_to_json(column) for column in self.columns]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Schema:
        """The reverse of `to_json`."""
        return cls(data["stream"], tuple(_column_from_json(column) for column in data["columns"]))


def _column_to_json(column: Column) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": column.name,
        "unit": column.unit,
        "kind": column.kind,
        "long_name": column.long_name,
        "bdf": column.bdf,
    }
    if column.meanings:
        data["meanings"] = [list(meaning) for meaning in column.meanings]
    return data


def _column_from_json(data: dict[str, Any]) -> Column:
    meanings = tuple((int(value), str(word)) for value, word in data.get("meanings", ()))
    return Column(**{**data, "meanings": meanings})


class Frame:
    """A block of rows of one stream.

    ``received`` is the lab-clock time (s) at which the last byte of the block arrived. ``part``
    is the position of its technique in a chain, from 0. Rows are either plain tuples in the order
    of the schema or one structured array; `rows` and `array` give both views.
    """

    __slots__ = ("_array", "_rows", "part", "received", "schema")

    def __init__(
        self,
        schema: Schema,
        received: float,
        rows: Sequence[tuple[Any, ...]] | None = None,
        array: NDArray[Any] | None = None,
        part: int = 0,
    ) -> None:
        self.schema = schema
        self.part = part
        self.received = received
        self._rows = rows
        self._array = array

    def __len__(self) -> int:
        return len(self.array() if self._rows is None else self._rows)

    @property
    def is_block(self) -> bool:
        """True if the rows are a structured array, for which vectorised code is worth it."""
        return self._rows is None

    def rows(self) -> Iterable[tuple[Any, ...]]:
        """The rows as tuples in the order of the schema."""
        if self._rows is not None:
            return self._rows
        rows: list[tuple[Any, ...]] = self.array().tolist()
        return rows

    def array(self) -> NDArray[Any]:
        """The rows as one structured array of ``schema.dtype``."""
        if self._array is None:
            import numpy as np

            # numpy takes a list for rows and a tuple for one row, so a tuple of rows would not do.
            self._array = np.array(list(self._rows or ()), dtype=self.schema.dtype)
        return self._array

    def column(self, name: str) -> NDArray[Any]:
        """One column as a 1-d array."""
        column: NDArray[Any] = self.array()[name]
        return column


TIME = Column("time", "s", "f8", "time since the start of the run", "test_time_second")
INSTRUMENT_TIME = Column("instrument_time", "s", "f8", "time since the start of the technique, by the instrument")
POTENTIAL = Column("potential", "V", "f8", "potential of the working electrode against the reference")
APPLIED_POTENTIAL = Column("applied_potential", "V", "f8", "potential set by the instrument")
VOLTAGE = Column("voltage", "V", "f8", "voltage of the working electrode against the counter electrode", "voltage_volt")
CURRENT = Column("current", "A", "f8", "current, positive = oxidation at the working electrode", "current_ampere")
CYCLE = Column("cycle", "1", "i4", "cycle of the technique, from 1", "cycle_count")
CURRENT_RANGE = Column("current_range", "A", "f8", "full scale of the current range")
FLAGS = Column("flags", "1", "u4", "status of the reading (bits of luggin.records.Flag)")
RECEIVED = Column("received", "s", "f8", "lab time of arrival since the start of the run")
STEP = Column("step", "1", "i4", "number of the step's execution within the run", "step_count")
ATTEMPT = Column("attempt", "1", "i4", "attempt at this step, from 1")
