"""``SOURce``, ``OUTPut``, ``ROUTe``: the command table of the source (2450 manual, section 6; 2461, p. 6-47 on)."""

from __future__ import annotations

from luggin_sim.dialects.keithley_2450.buffers import ReadingBuffer
from luggin_sim.dialects.keithley_2450.instrument import Instrument
from luggin_sim.dialects.keithley_2450.scpi import CURRENT, VOLTAGE, Arguments, Command, Getter, Setter
from luggin_sim.dialects.keithley_2450.settings import OFF_STATES, SourceSettings
from luggin_sim.dialects.keithley_2450.status import ScpiError
from luggin_sim.dialects.keithley_2450.sweep import Sweep

_LONGEST_DELAY = 10_000.0
_SHORTEST_DELAY = 50e-6
_MOST_AT_ONCE, _MOST_LEVELS = 100, 2500
_MOST_POINTS = 1_000_000
_MOST_COUNTS = 268_435_455
_PROTECTIONS = ("PROT2", "PROT5", "PROT10", "PROT20", "PROT40", "PROT60", "PROT80", "NONE")
_ALLOWED_EXCESS = 1.0 + 1e-9


class SourceCommands:
    """What the commands of the source do."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._unit = instrument.unit

    def table(self) -> list[Command]:
        """The command table."""
        return [
            Command(":OUTPut[1][:STATe]", self.switch, lambda f, a: str(int(self._unit.settings.output))),
            Command(":OUTPut[1][:<function>]:SMODe", self.set_off_state, lambda f, a: self._of(f).off_state),
            Command(":ROUTe:TERMinals", self.set_terminals, lambda f, a: self._unit.settings.terminals),
            Command(":SOURce[1]:FUNCtion[:MODE]", self.set_function, lambda f, a: self._unit.settings.source_function),
            Command(":SOURce[1]:<function>[:LEVel][:IMMediate][:AMPLitude]", self.set_level, self.level),
            Command(":SOURce[1]:<function>:RANGe", self.set_range, self.range),
            Command(":SOURce[1]:<function>:RANGe:AUTO", self.set_auto_range, self._switch_of("auto_range")),
            Command(":SOURce[1]:VOLTage:ILIMit[:LEVel]", self._limiter(VOLTAGE), self._limit_of(VOLTAGE)),
            Command(":SOURce[1]:CURRent:VLIMit[:LEVel]", self._limiter(CURRENT), self._limit_of(CURRENT)),
            Command(":SOURce[1]:VOLTage:ILIMit[:LEVel]:TRIPped", None, lambda f, a: self.tripped(VOLTAGE)),
            Command(":SOURce[1]:CURRent:VLIMit[:LEVel]:TRIPped", None, lambda f, a: self.tripped(CURRENT)),
            Command(":SOURce[1]:<function>:READ:BACK", self._switcher("read_back"), self._switch_of("read_back")),
            Command(":SOURce[1]:<function>:DELay", self.set_delay, self.delay),
            Command(":SOURce[1]:<function>:DELay:AUTO", self._switcher("auto_delay"), self._switch_of("auto_delay")),
            Command(
                ":SOURce[1]:<function>:HIGH:CAPacitance",
                self._switcher("high_capacitance"),
                self._switch_of("high_capacitance"),
            ),
            Command(":SOURce[1]:VOLTage:PROTection[:LEVel]", self.set_protection, self.protection),
            Command(
                ":SOURce[1]:VOLTage:PROTection[:LEVel]:TRIPped", None, lambda f, a: str(int(self._unit.is_protected))
            ),
            Command(":SOURce[1]:LIST:<function>", self.set_list, self.list),
            Command(":SOURce[1]:LIST:<function>:APPend", self.append, None),
            Command(":SOURce[1]:LIST:<function>:POINts", None, lambda f, a: str(len(self._of(f).levels))),
            Command(":SOURce[1]:SWEep:<function>:LIST", self.sweep_list, None),
            Command(":SOURce[1]:SWEep:<function>:LINear", self.sweep_linear, None),
        ]

    def _of(self, function: str) -> SourceSettings:
        settings = self._unit.settings
        return settings.source[function or settings.source_function]

    def _switcher(self, name: str) -> Setter:
        def set_switch(function: str, arguments: Arguments) -> None:
            value = arguments.switch()
            arguments.done()
            setattr(self._of(function), name, value)

        return set_switch

    def _switch_of(self, name: str) -> Getter:
        return lambda function, arguments: str(int(getattr(self._of(function), name)))

    # -- output
    def switch(self, _: str, arguments: Arguments) -> None:
        """``OUTP``."""
        on = arguments.switch()
        arguments.done()
        self._unit.switch(on, self._instrument.now)

    def set_off_state(self, function: str, arguments: Arguments) -> None:
        """``OUTP:SMOD``: of one source function, or of both."""
        state = arguments.word(*OFF_STATES)
        arguments.done()
        for name, settings in self._unit.settings.source.items():
            if function in ("", name):
                settings.off_state = state
        self._changed()

    def set_terminals(self, _: str, arguments: Arguments) -> None:
        """``ROUT:TERM``: the output goes off, for the cell hangs on one pair."""
        self._unit.settings.terminals = arguments.word("FRONt", "REAR")
        arguments.done()
        self._unit.switch(False, self._instrument.now)

    # -- level, range, limit
    def set_function(self, _: str, arguments: Arguments) -> None:
        """``SOUR:FUNC``: the output goes off if it changes."""
        function = arguments.word("VOLTage", "CURRent")
        arguments.done()
        if function != self._unit.settings.source_function:
            self._unit.settings.source_function = function
            self._unit.settings.output = False
            self._changed()

    def set_level(self, function: str, arguments: Arguments) -> None:
        """``SOUR:VOLT``, ``SOUR:CURR``."""
        largest = self._unit.largest(function) * _ALLOWED_EXCESS
        level = arguments.number(-largest, largest, 0.0)
        arguments.done()
        self._unit.check_level(function, level)
        self._unit.set_level(function, level)
        self._changed()

    def level(self, function: str, arguments: Arguments) -> str:
        """The level that was set."""
        largest = self._unit.largest(function)
        return self._answer(arguments, self._of(function).level, -largest, largest, 0.0)

    def set_range(self, function: str, arguments: Arguments) -> None:
        """``SOUR:VOLT:RANG``: the lowest range that holds the value, by hand from now on."""
        ranges, source = self._unit.ranges[function], self._of(function)
        largest = ranges[-1].full_scale
        value = abs(arguments.number(-largest, largest, ranges[0].full_scale))
        arguments.done()
        chosen = next(r for r in ranges if value <= r.full_scale * _ALLOWED_EXCESS)
        if not chosen.holds(source.level):
            raise ScpiError(-222)
        source.range, source.auto_range = chosen, False
        self._changed()

    def range(self, function: str, arguments: Arguments) -> str:
        """The full scale of the range."""
        ranges = self._unit.ranges[function]
        low, high = ranges[0].full_scale, ranges[-1].full_scale
        return self._answer(arguments, self._of(function).range.full_scale, low, high, low)

    def set_auto_range(self, function: str, arguments: Arguments) -> None:
        """``SOUR:VOLT:RANG:AUTO``."""
        source = self._of(function)
        source.auto_range = arguments.switch()
        arguments.done()
        self._unit.set_level(function, source.level)
        self._changed()

    def _limiter(self, function: str) -> Setter:
        def set_limit(_: str, arguments: Arguments) -> None:
            low, high, default = self._limit_range(function)
            limit = arguments.number(low, high * _ALLOWED_EXCESS, default)
            arguments.done()
            sense = self._unit.settings.sense[CURRENT if function == VOLTAGE else VOLTAGE]
            if not sense.auto_range and limit < 0.001 * sense.range.full_scale:
                raise ScpiError(-222)
            self._unit.check_envelope(function, self._of(function).level, limit)
            self._of(function).limit = limit
            self._changed()

        return set_limit

    def _limit_of(self, function: str) -> Getter:
        return lambda _, arguments: self._answer(arguments, self._of(function).limit, *self._limit_range(function))

    def _limit_range(self, function: str) -> tuple[float, float, float]:
        model = self._unit.model
        if function == VOLTAGE:
            return model.smallest_current_limit, model.largest_current, model.default_current_limit
        return model.smallest_voltage_limit, model.largest_voltage, model.default_voltage_limit

    def tripped(self, function: str) -> str:
        """``SOUR:VOLT:ILIM:TRIP?``: whether the limit holds the source back now."""
        return str(int(self._unit.is_limited(function, self._instrument.now)))

    def set_delay(self, function: str, arguments: Arguments) -> None:
        """``SOUR:VOLT:DEL``, which ends the automatic delay."""
        delay = arguments.number(0.0, _LONGEST_DELAY, 0.0)
        arguments.done()
        self._of(function).delay, self._of(function).auto_delay = delay, False

    def delay(self, function: str, arguments: Arguments) -> str:
        """The delay (s)."""
        return self._answer(arguments, self._of(function).delay, 0.0, _LONGEST_DELAY, 0.0)

    def set_protection(self, _: str, arguments: Arguments) -> None:
        """``SOUR:VOLT:PROT``."""
        self._unit.settings.protection = arguments.word(*_PROTECTIONS)
        arguments.done()
        self._changed()

    def protection(self, _: str, arguments: Arguments) -> str:
        """The protection level by its name."""
        arguments.done()
        return self._unit.settings.protection

    # -- sweeps
    def set_list(self, function: str, arguments: Arguments) -> None:
        """``SOUR:LIST:VOLT``: a new list."""
        self._of(function).levels = self._levels(function, arguments)

    def append(self, function: str, arguments: Arguments) -> None:
        """``SOUR:LIST:VOLT:APP``."""
        levels, more = self._of(function).levels, self._levels(function, arguments)
        if len(levels) + len(more) > _MOST_LEVELS:
            raise ScpiError(-222)
        self._of(function).levels = levels + more

    def _levels(self, function: str, arguments: Arguments) -> list[float]:
        largest = self._unit.largest(function) * _ALLOWED_EXCESS
        levels = [argument.number(-largest, largest) for argument in arguments.rest()]
        if not levels:
            raise ScpiError(-109)
        if len(levels) > _MOST_AT_ONCE:
            raise ScpiError(-108)
        return levels

    def list(self, function: str, arguments: Arguments) -> str:
        """The list."""
        arguments.done()
        return ",".join(map(self._instrument.number, self._of(function).levels))

    def sweep_list(self, function: str, arguments: Arguments) -> None:
        """``SOUR:SWE:VOLT:LIST start, delay, count, failAbort, "buffer"``."""
        levels = self._of(function).levels
        if not levels:
            raise ScpiError(-221)
        start = arguments.whole(1, _MOST_LEVELS)
        delay = 0.0 if arguments.is_empty else self._sweep_delay(arguments)
        count = 1 if arguments.is_empty else arguments.whole(0, _MOST_COUNTS)
        fail_abort = True if arguments.is_empty else arguments.switch()
        buffer = self._buffer(arguments)
        if start > len(levels):
            raise ScpiError(-222)
        self._load(Sweep(function, tuple(levels[start - 1 :]), delay, count, fail_abort, buffer))

    def sweep_linear(self, function: str, arguments: Arguments) -> None:
        """``SOUR:SWE:VOLT:LIN start, stop, points, delay, count, range type, failAbort, dual, "buffer"``."""
        largest = self._unit.largest(function) * _ALLOWED_EXCESS
        first, last = arguments.number(-largest, largest), arguments.number(-largest, largest)
        points = arguments.whole(2, _MOST_POINTS)
        delay = 0.0 if arguments.is_empty else self._sweep_delay(arguments)
        count = 1 if arguments.is_empty else arguments.whole(0, _MOST_COUNTS)
        range_type = "BEST" if arguments.is_empty else arguments.word("AUTO", "BEST", "FIXed")
        fail_abort = True if arguments.is_empty else arguments.switch()
        dual = False if arguments.is_empty else arguments.switch()
        levels = [first + (last - first) * k / (points - 1) for k in range(points)]
        if dual:
            levels += levels[-2::-1]
        self._load(Sweep(function, levels, delay, count, fail_abort, self._buffer(arguments), range_type))

    def _sweep_delay(self, arguments: Arguments) -> float:
        """0, or 50 us to 10 ks; -1 stands for the source's own delay."""
        delay = arguments.number(-1.0, _LONGEST_DELAY)
        if delay == -1.0:
            return 0.0
        if delay != 0.0 and delay < _SHORTEST_DELAY:
            raise ScpiError(-222)
        return delay

    def _buffer(self, arguments: Arguments) -> ReadingBuffer:
        buffer = self._instrument.buffers.taken(arguments)
        arguments.done()
        return buffer

    def _load(self, sweep: Sweep) -> None:
        self._instrument.trigger.load(sweep)

    # -- helpers
    def _changed(self) -> None:
        self._unit.update(self._instrument.now)

    def _answer(self, arguments: Arguments, value: float, low: float, high: float, default: float) -> str:
        """The value, or one of its bounds if ``MIN``, ``MAX`` or ``DEF`` is asked for."""
        if not arguments.is_empty:
            word = arguments.word("MINimum", "MAXimum", "DEFault")
            arguments.done()
            value = {"MIN": low, "MAX": high, "DEF": default}[word]
        return self._instrument.number(value)
