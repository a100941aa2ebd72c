"""What can be asked of the instrument, and how question and answer stay together on its line."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from luggin.clock import Clock
from luggin.errors import BadReply, LineInUse, ReplyTimeout
from luggin.instrument import reading
from luggin.instrument.scpi import ScpiInstrument, number
from luggin.transport import Transport
from luggin_drivers.keithley import commands, replies

log = logging.getLogger(__name__)

_SHOWN = 80


def _whole(text: str) -> int:
    """A whole number, however it is written; ValueError for anything else."""
    value = number(text)
    if value != int(value):
        raise ValueError(f"{text!r} is not a whole number")
    return int(value)


class CommandTable(ScpiInstrument):
    """The readings of a source-measure unit and its buffer; `luggin_drivers.keithley.SourceMeter` does the rest."""

    # A unit that is gone must be told soon: one look for it, not three.
    _attempts = 1

    language = reading("*LANG?", unit="", decode=str, doc="Command set: SCPI, TSP or SCPI2400.")
    output = reading(commands.OUTPUT, unit="1", decode=_whole, doc="1 while the output is on.")
    count = reading(commands.COUNT, unit="1", decode=_whole, doc="Readings in the buffer.")
    trigger_state = reading(commands.STATE, unit="", decode=str, doc="State of the trigger model (p. 6-166).")
    current_limit = reading(commands.CURRENT_LIMIT, unit="A", decode=number, doc="Limit of the potential source.")
    potential_limit = reading(commands.POTENTIAL_LIMIT, unit="V", decode=number, doc="Limit of the current source.")

    voltage = reading(
        commands.MEASURE_VOLTAGE,
        unit="V",
        decode=number,
        doc="Voltage between the sense leads; the output stays as it is.",
    )
    current = reading(
        commands.MEASURE_CURRENT, unit="A", decode=number, doc="Current out of HI; the output stays as it is."
    )

    def __init__(self, transport: Transport, clock: Clock, name: str) -> None:
        super().__init__(transport, clock, name)
        self._brought_in_step = 0
        self._measures_technique = False

    def query(self, command: str) -> bytes:
        """As for every instrument; what changes what is measured is refused while a technique has the unit.

        Raises:
            LineInUse: the voltage or the current was asked for from beside a technique.
        """
        if self._measures_technique and command in (commands.MEASURE_VOLTAGE, commands.MEASURE_CURRENT):
            raise LineInUse(f"{self.name}: a technique has this unit; what it measures is in its own columns")
        return super().query(command)

    def _exchange(self, command: str) -> bytes:
        """As for every SCPI instrument; an answer that nobody has asked for must not pass for the next one."""
        if self.transport.statistics()["buffered"]:
            log.warning("%s: more came than was asked for; the line is brought in step", self.name)
            self.resynchronise()
        return super()._exchange(command)

    def resynchronise(self) -> None:
        """As for every SCPI instrument; behind a failure, the next attempt knows that more answers may still come."""
        self._brought_in_step += 1
        try:
            super().resynchronise()
        except ReplyTimeout:
            self._asked = "*IDN?"
            raise

    def output_is_on(self) -> bool:
        """Ask for the output."""
        state = self.output.read()
        if state not in (0, 1):
            raise BadReply(f"{self.name}: {commands.OUTPUT} was answered with {state}")
        return state == 1

    def buffer_count(self) -> int:
        """How many readings are in the buffer."""
        return self.count.read()

    def buffer_readings(self, first: int, last: int, after: float) -> replies.Readings:
        """Readings of the buffer by their numbers, from 1; the first one is later than ``after`` (s, its own time).

        Raises:
            BadReply: not so many readings, or their times do not rise.
        """
        reply = self.query(commands.readings(first, last))
        values = replies.decode(reply, last - first + 1, self.name)
        replies.require_later(values, after, reply, self.name)
        return values

    def checked_block(self, block: Sequence[str]) -> None:
        """Send commands that have no answer, and ask once whether the instrument took all of them.

        Raises:
            InstrumentFault: it did not; the message has the first words of the block and what it says.
        """
        with self.transport.lock:
            self._forget_stale_errors()
            for command in block:
                self.command(command)
            entries = self.errors()
        if entries:
            shown = "; ".join(command if len(command) < _SHOWN else f"{command[:_SHOWN]}..." for command in block)
            raise self._fault(f"one of these was not accepted: {shown}", entries)

    def require_no_errors(self, what: str) -> None:
        """InstrumentFault with the error queue behind ``what``, if there is anything in it."""
        if entries := self.errors():
            raise self._fault(what, entries)
