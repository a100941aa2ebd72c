"""Common commands, ``SYSTem``, ``STATus``, ``INITiate``, ``ABORt``, ``TRIGger`` (2461 reference manual, appendix B)."""

from __future__ import annotations

from luggin_sim.dialects.keithley_2450.instrument import Instrument
from luggin_sim.dialects.keithley_2450.scpi import Arguments, Command
from luggin_sim.dialects.keithley_2450.status import OPERATION_COMPLETE, ScpiError

FIRMWARE = "1.7.16a"
_SCPI_VERSION = "1996.0"
_BYTE = 255


class SystemCommands:
    """What the commands around the whole instrument do."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._status = instrument.status

    def common(self) -> list[Command]:
        """Commands that every language of the instrument knows."""
        return [
            Command("*IDN", None, self.identity),
            Command("*LANG", self.set_language, lambda f, a: self._instrument.language),
            Command("*RST", self.reset, None),
            Command("*CLS", self.clear_status, None),
            Command("*ESR", None, lambda f, a: str(self._status.take_events())),
            Command("*ESE", self.set_event_enable, lambda f, a: str(self._status.event_enable)),
            Command("*SRE", self.set_service_enable, lambda f, a: str(self._status.service_enable)),
            Command("*STB", None, lambda f, a: str(self._status.byte(message_available=False))),
            Command("*OPC", self.announce_completion, lambda f, a: "1"),
            Command("*WAI", lambda f, a: a.done(), None),
            Command("*TST", None, lambda f, a: "0"),
        ]

    def table(self) -> list[Command]:
        """The command table."""
        return [
            Command(":SYSTem:ERRor[:NEXT]", None, lambda f, a: self._status.next_error()),
            Command(":SYSTem:ERRor:CODE[:NEXT]", None, lambda f, a: self._status.next_code()),
            Command(":SYSTem:ERRor:COUNt", None, lambda f, a: str(self._status.error_count())),
            Command(":SYSTem:EVENtlog:NEXT", None, lambda f, a: self._status.next_error()),
            Command(":SYSTem:CLEar", self.forget_errors, None),
            Command(":SYSTem:LFRequency", None, lambda f, a: f"{self._instrument.rules.line_frequency:g}"),
            Command(":SYSTem:VERSion", None, lambda f, a: _SCPI_VERSION),
            Command(":STATus:CLEar", self.clear_status, None),
            Command(":INITiate[:IMMediate]", self.start, None),
            Command(":ABORt", self.abort, None),
            Command(":TRIGger:STATe", None, lambda f, a: self._instrument.trigger.state(self._instrument.now)),
        ]

    def identity(self, _: str, arguments: Arguments) -> str:
        """``*IDN?``."""
        arguments.done()
        model = self._instrument.model
        return f"{self._instrument.rules.identity},MODEL {model.name},{model.serial},{FIRMWARE}"

    def set_language(self, _: str, arguments: Arguments) -> None:
        """``*LANG``: what ``*LANG?`` says; it is spoken after the next power cycle."""
        self._instrument.language = arguments.word("SCPI", "TSP", "SCPI2400")
        arguments.done()

    def reset(self, _: str, arguments: Arguments) -> None:
        """``*RST``."""
        arguments.done()
        self._instrument.reset()

    def clear_status(self, _: str, arguments: Arguments) -> None:
        """``*CLS``."""
        arguments.done()
        self._status.forget_errors()
        self._status.events = 0

    def forget_errors(self, _: str, arguments: Arguments) -> None:
        """``SYST:CLE``."""
        arguments.done()
        self._status.forget_errors()

    def set_event_enable(self, _: str, arguments: Arguments) -> None:
        """``*ESE``."""
        self._status.event_enable = arguments.whole(0, _BYTE)
        arguments.done()

    def set_service_enable(self, _: str, arguments: Arguments) -> None:
        """``*SRE``."""
        self._status.service_enable = arguments.whole(0, _BYTE)
        arguments.done()

    def announce_completion(self, _: str, arguments: Arguments) -> None:
        """``*OPC``: the event comes now, or when the sweep is over."""
        arguments.done()
        if self._instrument.trigger.is_running:
            self._instrument.completes = True
        else:
            self._status.events |= OPERATION_COMPLETE

    def start(self, _: str, arguments: Arguments) -> None:
        """``INIT``."""
        arguments.done()
        if self._instrument.trigger.is_running:
            raise ScpiError(-213)
        self._instrument.trigger.start(self._instrument.now)

    def abort(self, _: str, arguments: Arguments) -> None:
        """``ABOR``."""
        arguments.done()
        self._instrument.trigger.abort(self._instrument.now)
