"""The source-measure unit behind the commands: what is set, what that does to the cell, what is read."""

from __future__ import annotations

import random

from luggin_sim.cells import Cell
from luggin_sim.dialects.keithley_2450.buffers import OVERFLOW, Reading, ReadingBuffer
from luggin_sim.dialects.keithley_2450.meter import Meter
from luggin_sim.dialects.keithley_2450.models import Model, range_for
from luggin_sim.dialects.keithley_2450.rules import Rules
from luggin_sim.dialects.keithley_2450.scpi import CURRENT, VOLTAGE
from luggin_sim.dialects.keithley_2450.settings import SenseSettings, ranges_of, reset_settings
from luggin_sim.dialects.keithley_2450.status import ScpiError
from luggin_sim.dialects.keithley_2450.terminals import OPEN, Drive, Terminals

# Source status (2450 reference manual, p. 8-29) and the terminal bit of the measure status (p. 8-33).
LIMITED, FOUR_WIRE, OUTPUT_ON = 32, 64, 128
FRONT_TERMINALS = 8
# With the output off, the limit of the other quantity is this part of a range (2461 manual, p. 6-47).
_OFF_LIMIT = 0.1
_PROTECTION = "PROT"


class SourceMeasureUnit:
    """One instrument with its cell. All times are lab seconds."""

    def __init__(self, model: Model, rules: Rules, cell: Cell) -> None:
        self.model, self.rules = model, rules
        self.ranges = ranges_of(model)
        self.settings = reset_settings(model)
        self.terminals = Terminals(cell, rules)
        noise = random.Random(rules.seed)
        self._meters = {function: Meter(ranges, rules, noise) for function, ranges in self.ranges.items()}
        self.update(0.0)

    # -- the output
    def reset(self, now: float) -> None:
        """``*RST``: the output goes off, and its off state is the normal one again."""
        self.settings = reset_settings(self.model)
        self.update(now)

    def switch(self, on: bool, now: float) -> None:
        """``OUTP``."""
        self.settings.output = on
        self.update(now)
        if on:
            self.terminals.plug_in(now)

    def update(self, now: float) -> None:
        """After a setting has changed: do to the cell what it asks for."""
        source = self.settings.active_source
        self.terminals.set(self.drive(source.level) if self.settings.output else self._off(), now)

    def drive(self, level: float) -> Drive:
        """What the output does at a level (V or A) of the source function in use."""
        settings = self.settings
        source = settings.active_source
        if self.rules.source_steps:
            level = round(level / source.range.source_step) * source.range.source_step
        most = self._most_voltage()
        if settings.source_function == CURRENT:
            return Drive("CURR", level, min(source.limit, most))
        return Drive("VOLT", max(-most, min(most, level)), source.limit)

    def _off(self) -> Drive:
        """What the off states do (2461 reference manual, p. 6-47)."""
        settings = self.settings
        source = settings.active_source
        if source.off_state == "HIMP":
            return OPEN
        if source.off_state == "GUAR" and settings.source_function == CURRENT:
            return Drive("CURR", 0.0, _OFF_LIMIT * settings.source[VOLTAGE].range.full_scale)
        limit = _OFF_LIMIT * settings.sense[CURRENT].range.full_scale
        if source.off_state == "ZERO":
            limit = source.limit if settings.source_function == VOLTAGE else max(abs(source.level), limit)
        return Drive("VOLT", 0.0, limit)

    def _most_voltage(self) -> float:
        protection = self.settings.protection
        return self.model.largest_voltage if protection == "NONE" else float(protection.removeprefix(_PROTECTION))

    @property
    def is_protected(self) -> bool:
        """True if the overvoltage protection holds the source back."""
        settings = self.settings
        level = settings.source[VOLTAGE].level if settings.source_function == VOLTAGE else 0.0
        return settings.output and abs(level) > self._most_voltage()

    def is_limited(self, function: str, now: float) -> bool:
        """True if ``function`` is sourced now and its limit holds it back."""
        if not self.settings.output or self.settings.source_function != function:
            return False
        self.terminals.wait(now)
        return self.terminals.is_limited()

    def check_level(self, function: str, level: float) -> None:
        """Refuse a level that the instrument, or the range that is set by hand, cannot give."""
        source = self.settings.source[function]
        if abs(level) > self.largest(function) * (1.0 + 1e-9):
            raise ScpiError(-222)
        if not source.auto_range and not source.range.holds(level):
            raise ScpiError(-222)
        self.check_envelope(function, level, source.limit)

    def check_envelope(self, function: str, level: float, limit: float) -> None:
        """Refuse a level and a limit that the instrument cannot give together."""
        voltage, current = (abs(level), limit) if function == VOLTAGE else (limit, abs(level))
        most = next((most for up_to, most in self.model.envelope if current <= up_to * (1.0 + 1e-9)), 0.0)
        if voltage > most * (1.0 + 1e-9):
            raise ScpiError(-221)

    def set_level(self, function: str, level: float) -> None:
        """Set a checked level, and the range for it if that is not set by hand."""
        source = self.settings.source[function]
        source.level = level
        if source.auto_range:
            source.range = range_for(self.ranges[function], level) or source.range

    def largest(self, function: str) -> float:
        """The largest level (V or A) that can be set."""
        return self.model.largest_voltage if function == VOLTAGE else self.model.largest_current

    # -- readings
    def reading_time(self) -> float:
        """How long one reading takes (s), without delays."""
        sense = self.settings.active_sense
        aperture = sense.cycles / self.rules.line_frequency
        apertures = 1.0 + self.settings.active_source.read_back
        apertures += self.rules.autozero_apertures if sense.autozero else 0.0
        if sense.averaging and sense.average_mode == "REP":
            apertures *= sense.average_count
        return apertures * aperture + self.rules.point_overhead

    def source_delay(self) -> float:
        """Time (s) from setting a level of a sweep to the reading."""
        source = self.settings.active_source
        return self.rules.auto_delay if source.auto_delay else source.delay

    def take(self, buffer: ReadingBuffer, level: float) -> Reading:
        """A reading of the moment up to which the cell is known; ``level`` (V or A) is what is sourced."""
        settings = self.settings
        sense, terminals = settings.active_sense, self.terminals
        function = settings.sense_function
        measured = terminals.measured_current() if function == CURRENT else terminals.measured_potential()
        value = self._meters[function].read(measured, self._range_of_the_source(function, sense))
        source_status = 0
        if settings.output:
            source_status = OUTPUT_ON | (FOUR_WIRE if sense.four_wire else 0)
            source_status |= LIMITED if terminals.is_limited() else 0
        status = FRONT_TERMINALS if settings.terminals == "FRON" else 0
        status |= self.model.questionable if value == OVERFLOW else 0
        reading = Reading(
            terminals.time,
            self._source_value(level),
            value,
            source_status,
            status,
            settings.source_function,
            function,
        )
        buffer.add(reading)
        return reading

    def _range_of_the_source(self, function: str, sense: SenseSettings) -> SenseSettings:
        """What is sourced is measured on the source's range (2461 reference manual, p. 6-65)."""
        if function != self.settings.source_function:
            return sense
        return SenseSettings(
            range=self.settings.active_source.range,
            lowest=sense.lowest,
            auto_range=False,
            cycles=sense.cycles,
            averaging=sense.averaging,
            average_count=sense.average_count,
        )

    def _source_value(self, level: float) -> float:
        """The value that was set or, with read-back, the one that is there."""
        function, source = self.settings.source_function, self.settings.active_source
        if not source.read_back:
            return level
        there = self.terminals.potential() if function == VOLTAGE else self.terminals.current()
        return self._meters[function].shown(there, source.range, self.settings.active_sense.cycles)
