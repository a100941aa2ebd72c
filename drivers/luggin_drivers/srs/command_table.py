"""What can be asked of the instrument, and how question and answer stay together on its line."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import ClassVar

from luggin.clock import Clock
from luggin.errors import BadReply, InstrumentFault, LineInUse, ReplyTimeout
from luggin.instrument import reading
from luggin.instrument.scpi import ScpiError, ScpiInstrument, number
from luggin.transport import Transport
from luggin_drivers.srs import commands, tables
from luggin_drivers.srs.signs import from_instrument

log = logging.getLogger(__name__)

# The manual wants to wait so long behind a change of the averaging (s).
_AVERAGING_PAUSE = 0.03
_SHOWN = 80


def whole(text: str) -> int:
    """A whole number; ValueError for anything else."""
    if not text.removeprefix("+").removeprefix("-").isdigit():
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


class CommandTable(ScpiInstrument):
    """The readings of an EC301. It speaks no SCPI, but identity, status and the way back are those of IEEE 488.2."""

    # A unit that is gone must be told soon: one look for it, not three.
    _attempts: ClassVar[int] = 1

    potential = reading(commands.POTENTIAL, unit="V", decode=number, doc="Potential of W against the reference (8.4).")
    current = reading(
        commands.CURRENT,
        unit="A",
        decode=lambda text: from_instrument(number(text)),
        doc="Current, oxidation positive; the instrument says it with the other sign (2.3, 8.4).",
    )
    cell_is_on = reading(commands.CELL_IS_ON, unit="1", decode=whole, doc="1 while the cell circuit is closed (8.4).")
    cell_enabled = reading("ceenab?", unit="1", decode=whole, doc="1 while the cell is asked to be closed (8.4).")
    control_mode = reading("ecmode?", unit="1", decode=whole, doc="0 potentiostat, 1 galvanostat, 2 ZRA (8.4).")
    range_code = reading("irange?", unit="1", decode=whole, doc="Current range: 1 is 1 A, 10 is 1 nA (8.4).")
    autoranging = reading("irnaut?", unit="1", decode=whole, doc="1 if the current range changes by itself (8.4).")
    bandwidth_code = reading("clbwth?", unit="1", decode=whole, doc="Bandwidth of the loop, 0 (1 MHz) to 5 (10 Hz).")
    compensates = reading("irenab?", unit="1", decode=whole, doc="1 while iR compensation is on (8.4).")
    scanning = reading("scntrg?", unit="1", decode=whole, doc="1 while a scan runs, or was not ended by rampen (8.4).")

    def __init__(self, transport: Transport, clock: Clock, name: str, pause: float) -> None:
        super().__init__(transport, clock, name)
        self._pause = pause
        self._streams = False

    # -- questions
    def query(self, command: str) -> bytes:
        """As for every instrument; while the data stream runs nothing can be asked.

        Raises:
            LineInUse: a technique streams its data.
        """
        if self._streams:
            raise LineInUse(f"{self.name}: its data stream has the line; what it measures is in its own columns")
        return super().query(command)

    def _exchange(self, command: str) -> bytes:
        """As for every instrument; an answer that nobody has asked for must not pass for the next one."""
        if self.transport.statistics()["buffered"]:
            log.warning("%s: more came than was asked for; the line is brought in step", self.name)
            self.resynchronise()
        return super()._exchange(command)

    def resynchronise(self) -> None:
        """End a data stream that a program has left running, forget answers, and ask who is there.

        Raises:
            ReplyTimeout: nobody answers.
        """
        with self.transport.lock:
            for command in (commands.STREAM_OFF, commands.CLEAR_INTERFACE):
                self.transport.write(command.encode("ascii") + self.transport.terminator)
            try:
                super().resynchronise()
            except ReplyTimeout:
                self._asked = "*IDN?"  # so that the next attempt knows that more answers may still come
                raise

    def start_stream(self) -> None:
        """Begin the data stream; until `make_safe` nothing can be asked."""
        self.command(commands.STREAM_ON)
        self._streams = True

    def measurement_status(self) -> int:
        """``MESR?``: what happened since it was asked last."""
        reply = self.query(commands.MEASUREMENT_STATUS).strip()
        if not reply.isdigit():
            raise BadReply(f"{self.name}: {commands.MEASUREMENT_STATUS} was answered with {reply!r}", reply)
        return int(reply)

    # -- blocks of commands
    def tell(self, block: Sequence[str]) -> None:
        """Send commands that have no answer, not too fast."""
        for command in block:
            self.command(command)
            self.clock.sleep(max(self._pause, _AVERAGING_PAUSE) if command.startswith("avgexp") else self._pause)

    def told(self, block: Sequence[str]) -> None:
        """The same, and ask whether the instrument took all of them.

        Raises:
            InstrumentFault: it did not; the message has the block and what it says.
        """
        with self.transport.lock:
            self.tell(block)
            entries = self.errors()
        if entries:
            shown = "; ".join(block)
            raise self._fault(f"one of these was not accepted: {shown}", entries)

    def errors(self) -> list[ScpiError]:
        """The last error, if there was one since somebody asked; an unknown command has no other sign.

        The event register says whether: nobody knows whether reading the error clears it.
        """
        if not self.event_status().errors:
            self._stale_errors = False
            return []
        reply = self.query(commands.LAST_ERROR)
        try:
            code = whole(reply.decode("ascii").strip())
        except ValueError as error:
            raise BadReply(f"{self.name}: {commands.LAST_ERROR} was answered with {reply!r}", reply) from error
        self._stale_errors = False
        return [ScpiError(code, tables.ERRORS.get(code, "see the manual's list of errors"))]

    def require_programme(self, mode: int) -> None:
        """InstrumentFault unless the ramp generator says that its programme is complete."""
        reply = self.query(f"ramppg? {mode}")
        try:
            lacking = whole(reply.decode("ascii").strip())
        except ValueError as error:
            raise BadReply(f"{self.name}: ramppg? was answered with {reply[:_SHOWN]!r}", reply) from error
        if lacking:
            missing = ", ".join(said for bit, said in tables.PROGRAMME_BITS.items() if lacking & bit)
            raise InstrumentFault(
                f"{self.name}: the ramp generator did not take its programme ({missing or 'no bit that is known'} is "
                f"missing, ramppg? {mode} = {lacking}); the cell stays open",
                str(lacking),
            )

    def require_setting(self, question: str, expected: int) -> None:
        """InstrumentFault unless a setting reads back as it was sent."""
        reply = self.query(question)
        if reply.strip().removeprefix(b"+") != str(expected).encode("ascii"):
            raise InstrumentFault(
                f"{self.name}: {question} answers {reply[:_SHOWN]!r}, {expected} was set; the cell stays open"
            )
