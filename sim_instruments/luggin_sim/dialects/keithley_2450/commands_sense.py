"""``SENSe``: the command table of the meters (2461 reference manual, p. 6-52 on)."""

from __future__ import annotations

from luggin_sim.dialects.keithley_2450.instrument import Instrument
from luggin_sim.dialects.keithley_2450.scpi import CURRENT, VOLTAGE, Arguments, Command, Getter, Setter
from luggin_sim.dialects.keithley_2450.settings import SenseSettings
from luggin_sim.dialects.keithley_2450.status import ScpiError

_CYCLES = (0.01, 10.0)
_MOST_COUNTS = 300_000
_MOST_AVERAGES = 100
_ALLOWED_EXCESS = 1.0 + 1e-9
_NAMES = {VOLTAGE: ("VOLT", "VOLTAGE"), CURRENT: ("CURR", "CURRENT")}


class SenseCommands:
    """What the commands of the meters do. Without a function in the header they mean both."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._unit = instrument.unit

    def table(self) -> list[Command]:
        """The command table."""
        some = "[:SENSe[1]][:<function>]"
        one = "[:SENSe[1]]:<function>"
        return [
            Command("[:SENSe[1]]:FUNCtion[:ON]", self.set_function, self.function),
            Command("[:SENSe[1]]:COUNt", self.set_count, lambda f, a: str(self._unit.settings.count)),
            Command("[:SENSe[1]]:AZERo:ONCE", self.zero_once, None),
            Command(f"{one}:RANGe[:UPPer]", self.set_range, self.range),
            Command(f"{some}:RANGe:AUTO", self._switcher("auto_range"), self._switch_of("auto_range")),
            Command(
                f"{one}:RANGe:AUTO:LLIMit", self.set_lowest, lambda f, a: self._number(self._of(f).lowest.full_scale)
            ),
            Command(f"{some}:NPLCycles", self.set_cycles, self.cycles),
            Command(f"{some}:RSENse", self._switcher("four_wire"), self._switch_of("four_wire")),
            Command(f"{some}:AZERo[:STATe]", self._switcher("autozero"), self._switch_of("autozero")),
            Command(f"{some}:AVERage[:STATe]", self._switcher("averaging"), self._switch_of("averaging")),
            Command(f"{some}:AVERage:COUNt", self.set_averages, lambda f, a: str(self._of(f).average_count)),
            Command(f"{some}:AVERage:TCONtrol", self.set_average_mode, lambda f, a: self._of(f).average_mode),
        ]

    def _of(self, function: str) -> SenseSettings:
        settings = self._unit.settings
        return settings.sense[function or settings.sense_function]

    def _meant(self, function: str) -> list[SenseSettings]:
        return [s for name, s in self._unit.settings.sense.items() if function in ("", name)]

    def _number(self, value: float) -> str:
        return self._instrument.number(value)

    def _switcher(self, name: str) -> Setter:
        def set_switch(function: str, arguments: Arguments) -> None:
            value = arguments.switch()
            arguments.done()
            for sense in self._meant(function):
                setattr(sense, name, value)

        return set_switch

    def _switch_of(self, name: str) -> Getter:
        return lambda function, arguments: str(int(getattr(self._of(function), name)))

    def set_function(self, _: str, arguments: Arguments) -> None:
        """``SENS:FUNC "CURR"``; the name is a string."""
        text = arguments.text().upper().removesuffix(":DC")
        arguments.done()
        for function, names in _NAMES.items():
            if text in names:
                self._unit.settings.sense_function = function
                return
        raise ScpiError(-224)

    def function(self, _: str, arguments: Arguments) -> str:
        """The measurement function, as a string."""
        arguments.done()
        return f'"{self._unit.settings.sense_function}:DC"'

    def set_count(self, _: str, arguments: Arguments) -> None:
        """``SENS:COUN``: readings per ``READ?``."""
        self._unit.settings.count = arguments.whole(1, _MOST_COUNTS)
        arguments.done()

    def zero_once(self, _: str, arguments: Arguments) -> None:
        """``SENS:AZER:ONCE``: takes as long as the integrations that autozero adds to a reading."""
        arguments.done()
        rules = self._instrument.rules
        cycles = self._unit.settings.active_sense.cycles
        self._instrument.spend(rules.autozero_apertures * cycles / rules.line_frequency)

    def set_range(self, function: str, arguments: Arguments) -> None:
        """``SENS:CURR:RANG``: the lowest range that holds the value, by hand from now on."""
        ranges, sense = self._unit.ranges[function], self._of(function)
        value = abs(arguments.number(-ranges[-1].full_scale, ranges[-1].full_scale, ranges[0].full_scale))
        arguments.done()
        sense.range = next(r for r in ranges if value <= r.full_scale * _ALLOWED_EXCESS)
        sense.auto_range = False

    def range(self, function: str, arguments: Arguments) -> str:
        """The full scale of the range, or a bound."""
        ranges = self._unit.ranges[function]
        value = self._of(function).range.full_scale
        if not arguments.is_empty:
            word = arguments.word("MINimum", "MAXimum", "DEFault")
            value = ranges[-1].full_scale if word == "MAX" else ranges[0].full_scale
        arguments.done()
        return self._number(value)

    def set_lowest(self, function: str, arguments: Arguments) -> None:
        """``SENS:CURR:RANG:AUTO:LLIM``: autoranging goes no lower."""
        ranges = self._unit.ranges[function]
        value = arguments.number(0.0, ranges[-1].full_scale, ranges[0].full_scale)
        arguments.done()
        self._of(function).lowest = next(r for r in ranges if value <= r.full_scale * _ALLOWED_EXCESS)

    def set_cycles(self, function: str, arguments: Arguments) -> None:
        """``SENS:CURR:NPLC``: integration time in cycles of the mains."""
        cycles = arguments.number(*_CYCLES, 1.0)
        arguments.done()
        for sense in self._meant(function):
            sense.cycles = cycles

    def cycles(self, function: str, arguments: Arguments) -> str:
        """The integration time, or a bound."""
        value = self._of(function).cycles
        if not arguments.is_empty:
            word = arguments.word("MINimum", "MAXimum", "DEFault")
            value = {"MIN": _CYCLES[0], "MAX": _CYCLES[1], "DEF": 1.0}[word]
        arguments.done()
        return self._number(value)

    def set_averages(self, function: str, arguments: Arguments) -> None:
        """``SENS:CURR:AVER:COUN``."""
        count = arguments.whole(1, _MOST_AVERAGES)
        arguments.done()
        for sense in self._meant(function):
            sense.average_count = count

    def set_average_mode(self, function: str, arguments: Arguments) -> None:
        """``SENS:CURR:AVER:TCON``: repeating averages take their time, moving ones do not."""
        mode = arguments.word("REPeat", "MOVing")
        arguments.done()
        for sense in self._meant(function):
            sense.average_mode = mode
