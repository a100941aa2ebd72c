"""``READ?``, ``FETCh?``, ``MEASure?``, ``TRACe``, ``FORMat``: the table of readings (2450 manual, p. 6-3 on)."""

from __future__ import annotations

from collections.abc import Sequence

from luggin_sim.dialects.keithley_2450.buffers import (
    LARGEST,
    SMALLEST,
    Context,
    ReadingBuffer,
    as_block,
    as_text,
    chosen_elements,
)
from luggin_sim.dialects.keithley_2450.instrument import Instrument
from luggin_sim.dialects.keithley_2450.scpi import Arguments, Command
from luggin_sim.dialects.keithley_2450.status import ScpiError

_LETTERS = {"REAL": "d", "SRE": "f"}
_BORDERS = {"NORM": ">", "SWAP": "<"}


class DataCommands:
    """What the commands around readings do."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._buffers = instrument.buffers

    def table(self) -> list[Command]:
        """The command table."""
        return [
            Command(":READ", None, self.read),
            Command(":MEASure[:<function>]", None, self.measure),
            Command(":FETCh", None, self.fetch),
            Command(":TRACe:TRIGger", self.take_readings, None),
            Command(":TRACe:MAKE", self.make, None),
            Command(":TRACe:DELete", self.delete, None),
            Command(":TRACe:CLEar", self.clear, None),
            Command(":TRACe:POINts", self.resize, lambda f, a: str(self._only_buffer(a).capacity)),
            Command(":TRACe:FILL:MODE", self.set_fill, self.fill),
            Command(":TRACe:ACTual", None, lambda f, a: str(self._only_buffer(a).count)),
            Command(":TRACe:ACTual:STARt", None, lambda f, a: str(self._only_buffer(a).first)),
            Command(":TRACe:ACTual:END", None, lambda f, a: str(self._only_buffer(a).last)),
            Command(":TRACe:DATA", None, self.data),
            Command(":FORMat[:DATA]", self.set_format, lambda f, a: self._instrument.format),
            Command(":FORMat:BORDer", self.set_border, lambda f, a: self._instrument.border),
        ]

    def _only_buffer(self, arguments: Arguments) -> ReadingBuffer:
        buffer = self._buffers.taken(arguments)
        arguments.done()
        return buffer

    # -- readings
    def read(self, _: str, arguments: Arguments) -> str:
        """``READ? "buffer", elements``: as many readings as ``SENS:COUN`` says; the last one is sent."""
        buffer = self._buffers.taken(arguments)
        elements = chosen_elements(arguments, binary=self._is_binary)
        self._measure(buffer)
        return self._newest(buffer, elements)

    def measure(self, function: str, arguments: Arguments) -> str:
        """``MEAS:CURR?``: choose the function, then `read`."""
        if function:
            self._instrument.unit.settings.sense_function = function
        return self.read("", arguments)

    def fetch(self, _: str, arguments: Arguments) -> str:
        """``FETC?``: the newest reading again."""
        buffer = self._buffers.taken(arguments)
        return self._newest(buffer, chosen_elements(arguments, binary=self._is_binary))

    def take_readings(self, _: str, arguments: Arguments) -> None:
        """``TRAC:TRIG "buffer"``: as `read`, but nothing is sent."""
        self._measure(self._only_buffer(arguments))

    def _measure(self, buffer: ReadingBuffer) -> None:
        instrument = self._instrument
        if instrument.trigger.is_running:
            raise ScpiError(-213)
        unit = instrument.unit
        for _ in range(unit.settings.count):
            instrument.spend(unit.reading_time())
            unit.terminals.wait(instrument.now)
            unit.take(buffer, unit.settings.active_source.level)

    def _newest(self, buffer: ReadingBuffer, elements: Sequence[str]) -> str:
        if not buffer.count:
            raise ScpiError(-230)
        return self._rendered(buffer, buffer.last, buffer.last, elements)

    # -- buffers
    def make(self, _: str, arguments: Arguments) -> None:
        """``TRAC:MAKE "buffer", size``."""
        name = arguments.text()
        capacity = arguments.whole(SMALLEST, LARGEST)
        if not arguments.is_empty:
            arguments.word("COMPact", "STANdard", "FULL")
        arguments.done()
        self._buffers.make(name, capacity)

    def delete(self, _: str, arguments: Arguments) -> None:
        """``TRAC:DEL "buffer"``."""
        name = arguments.text()
        arguments.done()
        self._buffers.delete(name)

    def clear(self, _: str, arguments: Arguments) -> None:
        """``TRAC:CLE "buffer"``."""
        self._only_buffer(arguments).clear()

    def resize(self, _: str, arguments: Arguments) -> None:
        """``TRAC:POIN size, "buffer"``."""
        capacity = arguments.whole(SMALLEST, LARGEST)
        self._only_buffer(arguments).resize(capacity)

    def set_fill(self, _: str, arguments: Arguments) -> None:
        """``TRAC:FILL:MODE``; the readings are lost."""
        mode = arguments.word("CONTinuous", "ONCE")
        buffer = self._only_buffer(arguments)
        buffer.continuous = mode == "CONT"
        buffer.clear()

    def fill(self, _: str, arguments: Arguments) -> str:
        """How the buffer is filled."""
        return "CONT" if self._only_buffer(arguments).continuous else "ONCE"

    def data(self, _: str, arguments: Arguments) -> str:
        """``TRAC:DATA? first, last, "buffer", elements``."""
        first, last = arguments.whole(1, 2**53), arguments.whole(1, 2**53)
        buffer = self._buffers.taken(arguments)
        return self._rendered(buffer, first, last, chosen_elements(arguments, binary=self._is_binary))

    # -- format
    def set_format(self, _: str, arguments: Arguments) -> None:
        """``FORM``: text, or blocks of doubles or floats."""
        self._instrument.format = arguments.word("ASCii", "REAL", "SREal")
        arguments.done()

    def set_border(self, _: str, arguments: Arguments) -> None:
        """``FORM:BORD``: the most significant byte first (``NORM``), or last."""
        self._instrument.border = arguments.word("NORMal", "SWAPped")
        arguments.done()

    @property
    def _is_binary(self) -> bool:
        return self._instrument.format != "ASC"

    def _rendered(self, buffer: ReadingBuffer, first: int, last: int, elements: Sequence[str]) -> str:
        """Rows in the format that is set; the bytes of a block as the characters of the same numbers."""
        origin, rows = buffer.rows(first, last)
        status = self._instrument.status
        context = Context(origin, status.date, status.seconds)
        if not self._is_binary:
            return as_text(rows, elements, context)
        letter, border = _LETTERS[self._instrument.format], _BORDERS[self._instrument.border]
        return as_block(rows, elements, context, letter, border).decode("latin-1")
