"""Reading buffers: what was measured when, and how its elements are written."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from luggin_sim.dialects.keithley_2450.scpi import CURRENT, Arguments, short_form
from luggin_sim.dialects.keithley_2450.status import ScpiError

DEFAULT_BUFFERS = ("defbuffer1", "defbuffer2")
DEFAULT_CAPACITY = 100_000
SMALLEST, LARGEST = 10, 6_875_000
MOST_ELEMENTS = 14
#: What stands for a reading that the range cannot hold (2461 reference manual, p. 6-65).
OVERFLOW = 9.9e37

_UNITS = {CURRENT: ("Amp DC", "A")}
_VOLT = ("Volt DC", "V")


class Reading(NamedTuple):
    """One row of a buffer: lab time (s), source value, reading, status words, functions."""

    time: float
    source: float
    value: float
    source_status: int
    status: int
    source_function: str
    function: str


class ReadingBuffer:
    """One buffer. Indices begin at 1; they go on counting while a continuous buffer drops old readings."""

    def __init__(self, name: str, capacity: int, *, continuous: bool) -> None:
        self.name, self.continuous = name, continuous
        self.capacity = capacity
        self._readings: list[Reading] = []
        self._dropped = 0

    @property
    def first(self) -> int:
        """Index of the oldest reading; 0 if there is none."""
        return self._kept_from + 1 if self._readings else 0

    @property
    def last(self) -> int:
        """Index of the newest reading; 0 if there is none."""
        return self._dropped + len(self._readings)

    @property
    def count(self) -> int:
        """Readings that can be had."""
        return self.last - self._kept_from

    @property
    def _kept_from(self) -> int:
        return max(self._dropped, self.last - self.capacity)

    def add(self, reading: Reading) -> None:
        """Append; a full buffer loses this reading, or its oldest one if it is continuous."""
        readings = self._readings
        if len(readings) >= self.capacity:
            if not self.continuous:
                return
            if len(readings) >= 2 * self.capacity:  # now and then, so that one more reading costs nothing
                self._dropped += len(readings) - self.capacity
                del readings[: len(readings) - self.capacity]
        readings.append(reading)

    def clear(self) -> None:
        """Forget all readings; the next one has index 1."""
        self._readings, self._dropped = [], 0

    def resize(self, capacity: int) -> None:
        """Another capacity, which loses the readings."""
        self.capacity = capacity
        self.clear()

    def rows(self, first: int, last: int) -> tuple[float, Sequence[Reading]]:
        """Time of the oldest reading, and the readings from ``first`` to ``last``.

        Raises:
            ScpiError: there are no such readings.
        """
        if not self.first <= first <= last <= self.last or not self._readings:
            raise ScpiError(-222)
        origin = self._readings[self._kept_from - self._dropped].time
        return origin, self._readings[first - 1 - self._dropped : last - self._dropped]


class Buffers:
    """The two buffers that are always there, and those that were made."""

    def __init__(self) -> None:
        self._buffers: dict[str, ReadingBuffer] = {}
        self.reset()

    def reset(self) -> None:
        """Only the default buffers, empty."""
        self._buffers = {name: ReadingBuffer(name, DEFAULT_CAPACITY, continuous=True) for name in DEFAULT_BUFFERS}

    def taken(self, arguments: Arguments) -> ReadingBuffer:
        """The buffer that the next argument names; the first default one if there is no argument."""
        if arguments.is_empty:
            return self._buffers[DEFAULT_BUFFERS[0]]
        buffer = self._buffers.get(arguments.text())
        if buffer is None:
            raise ScpiError(-224)
        return buffer

    def make(self, name: str, capacity: int) -> None:
        """A new buffer, which is filled once."""
        if not name or name in DEFAULT_BUFFERS:
            raise ScpiError(-224)
        if name in self._buffers:
            raise ScpiError(1115)
        self._buffers[name] = ReadingBuffer(name, capacity, continuous=False)

    def delete(self, name: str) -> None:
        """Delete a buffer that was made."""
        if name in DEFAULT_BUFFERS or name not in self._buffers:
            raise ScpiError(-224)
        del self._buffers[name]


class Context(NamedTuple):
    """What the elements need beside the reading: time of the buffer's first reading, and the calendar."""

    origin: float
    date: Callable[[float], datetime]
    seconds: Callable[[float], float]


def formatted(value: float, function: str) -> str:
    """A value as the front panel shows it."""
    for factor, prefix in ((1.0, ""), (1e3, "m"), (1e6, "u"), (1e9, "n")):
        if abs(value) * factor >= 1.0 or prefix == "n":
            return f"{value * factor:+.5f} {prefix}{_UNITS.get(function, _VOLT)[1]}"
    return ""


ELEMENTS: dict[str, Callable[[Reading, Context], str]] = {
    "READing": lambda r, c: f"{r.value:.6E}",
    "SOURce": lambda r, c: f"{r.source:.6E}",
    "RELative": lambda r, c: f"{r.time - c.origin:.6f}",
    "STATus": lambda r, c: str(r.status),
    "SOURSTATus": lambda r, c: str(r.source_status),
    "SEConds": lambda r, c: str(int(c.seconds(r.time))),
    "FRACtional": lambda r, c: f"{c.seconds(r.time) % 1:.6f}",
    "TSTamp": lambda r, c: f"{c.date(r.time):%m/%d/%Y %H:%M:%S.%f}",
    "DATE": lambda r, c: f"{c.date(r.time):%m/%d/%Y}",
    "TIME": lambda r, c: f"{c.date(r.time):%H:%M:%S.%f}",
    "UNIT": lambda r, c: _UNITS.get(r.function, _VOLT)[0],
    "SOURUNIT": lambda r, c: _UNITS.get(r.source_function, _VOLT)[0],
    "FORMatted": lambda r, c: formatted(r.value, r.function),
    "SOURFORMatted": lambda r, c: formatted(r.source, r.source_function),
}
_WRITERS = {short_form(written): write for written, write in ELEMENTS.items()}
_BINARY: dict[str, Callable[[Reading, Context], float]] = {
    "READ": lambda r, c: r.value,
    "SOUR": lambda r, c: r.source,
    "REL": lambda r, c: r.time - c.origin,
}


def chosen_elements(arguments: Arguments, *, binary: bool) -> list[str]:
    """The elements that a query asks for, in their short forms; the reading if it asks for none."""
    chosen = [argument.word(*ELEMENTS) for argument in arguments.rest()] or ["READ"]
    if len(chosen) > MOST_ELEMENTS:
        raise ScpiError(-108)
    if binary and not set(chosen) <= _BINARY.keys():
        raise ScpiError(1133)
    return chosen


def as_text(rows: Sequence[Reading], elements: Sequence[str], context: Context) -> str:
    """Rows as ASCII, element by element, with commas between all of them."""
    writers = [_WRITERS[name] for name in elements]
    return ",".join([write(row, context) for row in rows for write in writers])


def as_block(rows: Sequence[Reading], elements: Sequence[str], context: Context, letter: str, border: str) -> bytes:
    """Rows as an IEEE 488.2 block of indefinite length: ``#0`` and numbers (``d`` or ``f``)."""
    readers = [_BINARY[name] for name in elements]
    values = [read(row, context) for row in rows for read in readers]
    return b"#0" + struct.pack(f"{border}{len(values)}{letter}", *values)
