"""The analog side of a board: converter, ranges, switches of the electrodes, and the cell on its leads."""

from __future__ import annotations

import math

from luggin_sim.dialects.base import Leads
from luggin_sim.dialects.iorodeo_rodeostat.models import DAC_STEPS, Model
from luggin_sim.dialects.iorodeo_rodeostat.programmes import Parameters
from luggin_sim.dialects.iorodeo_rodeostat.rules import Rules

ELECTRODES = ("Ref", "Ctr", "Wrk")
_SHORTEST = 1e-6
_MILLISECOND = 1e-3
_MICROAMPERE = 1e-6


class Board:
    """One board with its cell. Times are seconds that never go back."""

    def __init__(self, model: Model, rules: Rules, leads: Leads) -> None:
        self.volt_range = self.ref_range = next(iter(model.volt_ranges))
        self.curr_range = model.first_curr_range
        self.auto_connect = True
        self.connected = dict.fromkeys(ELECTRODES, False)
        self.multiplexes = False
        self._model, self._rules, self._leads = model, rules, leads
        self._asked = 0.0
        self._time: float | None = None
        self.set_volt(0.0)
        self._switch()

    @property
    def is_closed(self) -> bool:
        """Whether current can flow."""
        return self._leads.is_on

    # -- switches
    def connect(self, connected: bool, *electrodes: str) -> None:
        """Close or open the switches of electrodes, of all if none is named."""
        for electrode in electrodes or ELECTRODES:
            self.connected[electrode] = connected
        self._switch()

    def multiplex(self, on: bool) -> None:
        """Use the multiplexer or not; it begins and ends with all electrodes disconnected."""
        if on != self.multiplexes:
            self.multiplexes = on
            self.connect(False)

    def before_test(self) -> None:
        """What is connected by itself when a test begins."""
        if self.multiplexes or (self._model.has_switches and self.auto_connect):
            self.connect(True)

    def after_test(self) -> None:
        """What becomes of converter and electrodes when a test ends."""
        if self._rules.after_test == "zero":
            self.set_volt(0.0)
        if self.multiplexes or (self._model.has_switches and self.auto_connect):
            self.connect(False)

    def _switch(self) -> None:
        has_way_out = self._model.has_switches or self._rules.multiplexer
        if not has_way_out or (self.connected["Ctr"] and self.connected["Wrk"]):
            self._leads.close()
        else:
            self._leads.open()

    # -- potential
    def set_volt(self, potential: float) -> None:
        """Apply a potential (V) as well as the range and the converter's steps allow."""
        self._asked = potential
        self._leads.jump(self.level(potential))

    def volt(self) -> float:
        """What the converter gives (V)."""
        return self.level(self._asked)

    def level(self, potential: float) -> float:
        """The potential (V) that comes of one that is asked for: clipped without a word, in steps."""
        full = self._model.volt_ranges[self.volt_range]
        clipped = min(max(potential, -full), full)
        if self._rules.dac == "none":
            return clipped
        steps = DAC_STEPS * (clipped + full) / (2.0 * full)
        # A step that is meant exactly is hit, whatever is left behind the twelfth digit.
        whole = math.floor(steps + (0.5 if self._rules.dac == "nearest" else 1e-9))
        return whole * 2.0 * full / DAC_STEPS - full

    def choose_volt_range(self, low: float, high: float) -> None:
        """The smallest range that holds both; none: the one that is set stays."""
        for name, full in self._model.volt_ranges.items():
            if -full <= low and high <= full:
                self.volt_range = name
                return

    # -- current
    def current(self) -> tuple[float, bool]:
        """The current (uA) as it is read now, and whether it is at the end of its range."""
        return self._read(self._leads.current_now() if self._leads.is_on else 0.0)

    def reference(self) -> float:
        """What stands at the reference input (V)."""
        if self._model.has_switches and not self.connected["Ref"]:
            return 0.0
        full = self._model.volt_ranges[self.ref_range]
        potential = self._leads.setpoint if self._leads.is_on else self._leads.potential_now()
        return min(max(self._leads.cell.measure_potential(potential), -full), full)

    def _read(self, flowing: float) -> tuple[float, bool]:
        """Amperes as the board shows them (uA), and whether they are at the end of the range."""
        full = self._model.curr_ranges[self.curr_range]
        shown = self._leads.cell.measure_current(flowing) / _MICROAMPERE
        if self._rules.polarity == "inverted":
            shown = -shown
        if self._rules.adc_counts and not math.isnan(shown):
            step = 2.0 * full / self._rules.adc_counts
            shown = round(shown / step) * step
        if math.isnan(shown) or abs(shown) < full:
            return shown, False
        return math.copysign(full, shown), True

    # -- time
    def wait(self, until: float) -> None:
        """Let time pass at the potential that is set, or at open circuit."""
        if self._time is not None:
            self._leads.dwell(until - self._time)
        self._time = until

    def follow(self, test: Parameters, start: float, end: float, began: float) -> tuple[float, bool]:
        """Apply a test from one of its times (ms) to another; the current (uA) then. ``began`` is lab time (s)."""
        flowing = None
        at = start
        for turn, jumps in [*test.turns(start, end), (end, False)]:
            seconds = (turn - at) * _MILLISECOND
            # Just before a jump the potential is still the one of its own piece.
            goal = self.level(test.value(turn if not jumps else (at + turn) / 2))
            if seconds >= _SHORTEST:
                flowing = self._leads.ramp(goal, seconds) if self._leads.is_on else None
                if not self._leads.is_on:
                    self._leads.dwell(seconds)
            if jumps:
                self._leads.jump(self.level(test.value(turn)))
                flowing = None
            at = turn
        self._asked = test.value(end)
        self._time = began + end * _MILLISECOND
        if flowing is None:
            return self.current()
        return self._read(flowing)
