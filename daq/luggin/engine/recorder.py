"""From a driver's frames to the rows of the run: adds the run's time, the step and the attempt."""

from __future__ import annotations

import math
from typing import Any, Protocol

from luggin.records import ATTEMPT, RECEIVED, STEP, TIME, Frame, Schema


class Writer(Protocol):
    """Where rows are acknowledged: the run's store."""

    def append(self, frame: Frame) -> int:
        """Write a frame; the number of its first row in the stream."""
        ...


class Recorder:
    """Stores the frames of one technique of one step.

    ``time`` is the start of the technique on the run's clock plus the instrument's own time; the
    start is fixed by the first frame (its arrival less the instrument time of its last row), so that
    the spacing of rows is the instrument's and not the line's. A row without instrument time has the
    time of its arrival.

    Args:
        writer: the store.
        schema: the driver's columns.
        step: number of the step's execution within the run.
        attempt: attempt at it, from 1.
        zero: lab time at which the run's time is 0.
        flag: bits that the first row gets besides its own: what came before it.
    """

    def __init__(self, writer: Writer, schema: Schema, step: int, attempt: int, zero: float, flag: int = 0) -> None:
        self.schema = Schema(schema.stream, (TIME, *schema.columns, RECEIVED, STEP, ATTEMPT))
        self.rows = 0
        self.first = -1
        self._append = writer.append
        self._step = step
        self._attempt = attempt
        self._zero = zero
        self._start: float | None = None
        self._flag = flag
        names = schema.names
        self._clocked = names.index("instrument_time") if "instrument_time" in names else -1
        self._flags = names.index("flags") if "flags" in names else -1
        self.last: tuple[Any, ...] = ()

    def append(self, frame: Frame) -> None:
        """Store a frame. When this returns, its rows survive the death of the process."""
        if not len(frame):
            return
        if self._flag and self._flags >= 0:
            frame = self._flagged(frame)
        stored = self._block(frame) if frame.is_block else self._short(frame)
        number = self._append(stored)
        if self.first < 0:
            self.first = number
        self.rows += len(frame)

    def _flagged(self, frame: Frame) -> Frame:
        """The first frame, with what its first row is flagged with."""
        first, *others = frame.rows()
        at, flag = self._flags, self._flag
        self._flag = 0
        rows = [(*first[:at], int(first[at]) | flag, *first[at + 1 :]), *others]
        return Frame(frame.schema, frame.received, rows, part=frame.part)

    def _started(self, received: float, own: float) -> float:
        """When the technique started, given the arrival and the instrument time of a frame's last row."""
        if self._start is not None:
            return self._start
        if math.isfinite(own):
            self._start = received - own
        return received - own

    def _short(self, frame: Frame) -> Frame:
        received = frame.received - self._zero
        tail = (received, self._step, self._attempt)
        clocked = self._clocked
        source = list(frame.rows())
        self.last = source[-1]
        if clocked < 0:
            return Frame(self.schema, frame.received, [(received, *row, *tail) for row in source])
        start = self._started(received, source[-1][clocked])
        rows = []
        for row in source:
            time = start + row[clocked]
            rows.append((time if math.isfinite(time) else received, *row, *tail))
        return Frame(self.schema, frame.received, rows)

    def _block(self, frame: Frame) -> Frame:
        import numpy as np

        source = frame.array()
        stored = np.empty(len(source), self.schema.dtype)
        for name in frame.schema.names:
            stored[name] = source[name]
        received = frame.received - self._zero
        stored["time"] = received
        if self._clocked >= 0:
            own = source["instrument_time"]
            time = self._started(received, float(own[-1])) + own
            np.copyto(stored["time"], time, where=np.isfinite(time))
        stored["received"] = received
        stored["step"] = self._step
        stored["attempt"] = self._attempt
        self.last = source[-1].item()
        return Frame(self.schema, frame.received, array=stored)
