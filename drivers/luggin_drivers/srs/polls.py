"""Frames by questions: for lines on which the data stream is not to be had (GPIB)."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

from luggin.clock import Cancel
from luggin.errors import BadReply, InstrumentFault
from luggin.instrument.scpi import number
from luggin.records import Flag
from luggin_drivers.srs import commands, tables
from luggin_drivers.srs.plan import Part, Plan
from luggin_drivers.srs.signs import from_instrument
from luggin_drivers.srs.windows import FRAME, Block

if TYPE_CHECKING:
    from luggin_drivers.srs.command_table import CommandTable

log = logging.getLogger(__name__)

# A potential and a current that were asked for belong together within this part of an interval.
_TOGETHER = 0.5
# Between the two potentials around a current the cell moves by no more than this (V), and what a ramp makes of it.
_MOVED = 0.05
_MOST_FAILED = 2
_OVERRANGE, _ABOVE = 2.0, 1.01


class Polls:
    """One question after the other, in the middle of each interval; times are the host's."""

    def __init__(self, unit: CommandTable, plan: Plan) -> None:
        self._unit, self._plan = unit, plan
        self._began = 0.0
        self._ramp: Part | None = None
        self._interval = 0.0
        self._last = -1
        self._failed = 0

    def start(self) -> None:
        """Nothing is to be started; what happened before is cleared."""
        self._unit.measurement_status()

    def told(self, part: Part, what: str) -> None:
        """Time counts from here."""
        self._began, self._interval = self._unit.clock.now(), 0.0
        self._ramp = part if what == "ramp" else None

    def read(self, interval: float, wake: Cancel) -> Block | None:
        """The state of the cell, potential and current, and what happened meanwhile.

        Raises:
            InstrumentFault: time after time the answers are too slow, or do not belong together.
        """
        clock = self._unit.clock
        while True:
            passed = math.floor((clock.now() - self._began) / interval + 0.5 + 1e-6)
            if not clock.wait_until(self._began + (passed + 0.5) * interval, wake):
                return None
            block = self._reading(interval)
            if block is not None:
                self._failed = 0
                return block
            self._failed += 1
            if self._failed >= _MOST_FAILED:
                raise InstrumentFault(
                    f"{self._unit.name}: the answers take longer than rows that are {interval:g} s apart allow, or do "
                    "not belong together. Take a larger step or interval, or a better line."
                )

    def _reading(self, interval: float) -> Block | None:
        """Potential, current, potential again; None if they do not belong together."""
        import numpy as np

        unit, clock = self._unit, self._unit.clock
        closed = unit.cell_is_on.read() == 1
        asked = clock.now()
        texts = [unit.query(command) for command in (commands.POTENTIAL, commands.CURRENT, commands.POTENTIAL)]
        took = clock.now() - asked
        status = unit.measurement_status()
        before, current, behind = (_number(text, unit.name) for text in texts)
        if took > _TOGETHER * interval or not self._plausible(texts, before, current, behind, interval):
            log.warning("%s: a reading is thrown away: %r, in %.3g s", unit.name, texts, took)
            return None
        time = asked + 0.5 * took
        flags = self._flags(status, time, interval)
        ramp = self._ramp
        ramping = ramp is not None and (not ramp.ends_itself or time - self._began < ramp.duration)
        full_scale = self._plan.full_scale
        row = (time, 0.5 * (before + behind), from_instrument(current), full_scale, flags, closed, ramping)
        return Block(np.array([row], FRAME), began=self._began)

    def _plausible(self, texts: list[bytes], before: float, current: float, behind: float, interval: float) -> bool:
        """An answer that was cut, or that belongs to the question before, is a number too."""
        ramp = self._ramp
        rate = ramp.path.rate if ramp is not None and ramp.path is not None else 0.0
        largest = tables.LARGEST_CURRENT
        if not math.isnan(self._plan.full_scale):
            largest = min(largest, _OVERRANGE * self._plan.full_scale)
        repeated = current != 0.0 and texts[1] in (texts[0], texts[2])
        return not repeated and abs(behind - before) <= _MOVED + rate * interval and abs(current) <= largest * _ABOVE

    def _flags(self, status: int, time: float, interval: float) -> int:
        """What happened since the last reading, and whether readings are missing before this one."""
        flags = 0
        for bit, flag in tables.MEASUREMENT_STATUS.items():
            flags |= flag.value if status & bit else 0
        number = math.floor((time - self._began) / interval)
        expected = self._last + 1 if interval == self._interval else 0
        self._interval, self._last = interval, number
        return flags | (Flag.GAP.value if number > expected else 0)

    def to_json(self) -> dict[str, Any]:
        """How the rows came."""
        return {"data": "poll", "rows": "current between two potentials (their mean), in the middle of each interval"}


def _number(text: bytes, name: str) -> float:
    try:
        return number(text.decode("ascii"))
    except ValueError as error:
        raise BadReply(f"{name}: {text!r} is no reading", text) from error
