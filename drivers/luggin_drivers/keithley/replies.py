"""Readings of the buffer: numbers and flags from the text of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luggin.errors import BadReply
from luggin.instrument.scpi import numbers
from luggin.records import Flag
from luggin_drivers.keithley.tables import ELEMENTS_PER_READING, OUTPUT_ON, SOURCE_STATUS

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A status is 16 bits.
_STATUSES = 1 << 16
_SHOWN = 120


@dataclass(frozen=True)
class Readings:
    """Readings as the instrument has them, an array each: its own time (s), V and A, source status.

    A reading beyond the range is NaN.
    """

    time: NDArray[Any]
    sourced: NDArray[Any]
    measured: NDArray[Any]
    status: NDArray[Any]

    def flags(self, *, measures_current: bool) -> NDArray[Any]:
        """Our flags: from the source status, and for readings beyond the range."""
        import numpy as np

        flags = np.where(self.status & OUTPUT_ON, 0, Flag.CELL_OFF.value)
        for bit, flag in SOURCE_STATUS.items():
            flags |= np.where(self.status & bit, flag.value, 0)
        potential, current = (self.sourced, self.measured) if measures_current else (self.measured, self.sourced)
        flags |= np.where(np.isnan(potential), Flag.POTENTIAL_OVERLOAD.value, 0)
        flags |= np.where(np.isnan(current), Flag.CURRENT_OVERLOAD.value, 0)
        return flags.astype(np.uint32)


def decode(reply: bytes, expected: int, name: str) -> Readings:
    """``expected`` readings of REL, SOUR, READ, SOURSTAT.

    Raises:
        BadReply: another number of values, what is no number, or no time or status.
    """
    import numpy as np

    try:
        values = np.array(numbers(reply.decode("ascii")))
    except ValueError as error:
        raise BadReply(f"{name}: readings that are no numbers: {reply[:_SHOWN]!r}", reply) from error
    if len(values) != expected * ELEMENTS_PER_READING:
        raise BadReply(
            f"{name}: {expected} readings of {ELEMENTS_PER_READING} values were asked for, {len(values)} values came: "
            f"{reply[:_SHOWN]!r}",
            reply,
        )
    time, sourced, measured, status = values.reshape(expected, ELEMENTS_PER_READING).T
    known = np.isfinite(status) & (status >= 0) & (status < _STATUSES) & (status == np.floor(status))
    if not (np.isfinite(time).all() and known.all()):
        raise BadReply(f"{name}: a reading without its time or status: {reply[:_SHOWN]!r}", reply)
    return Readings(time, sourced, measured, status.astype(np.int64))


def require_later(readings: Readings, before: float, reply: bytes, name: str) -> float:
    """The time (s) of the last reading; all must be later than ``before``, each than the one before it.

    Raises:
        BadReply: a reading came twice, or the unit was started anew in between.
    """
    last = before
    for time in readings.time.tolist():
        if time <= last:
            raise BadReply(f"{name}: a reading of {time:g} s behind one of {last:g} s: {reply[:_SHOWN]!r}", reply)
        last = float(time)
    return last
