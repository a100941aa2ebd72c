"""The two meters: which range a reading is taken on, its noise, its steps, and when it overflows."""

from __future__ import annotations

import math
import random

from luggin_sim.dialects.keithley_2450.buffers import OVERFLOW
from luggin_sim.dialects.keithley_2450.models import Range
from luggin_sim.dialects.keithley_2450.rules import Rules
from luggin_sim.dialects.keithley_2450.settings import SenseSettings

# Autoranging goes down when a reading is below this part of the range (2461 reference manual, p. 6-62).
_DOWN_BELOW = 0.1


class Meter:
    """Measures one quantity.

    Args:
        ranges: ascending.
        rules: whether there is noise and whether there are steps.
        noise: the sequence that both meters draw from.
    """

    def __init__(self, ranges: tuple[Range, ...], rules: Rules, noise: random.Random) -> None:
        self._ranges, self._rules, self._noise = ranges, rules, noise

    def read(self, value: float, settings: SenseSettings) -> float:
        """What is shown for ``value`` (V or A) on the range that is set, or that is chosen here and then set."""
        if settings.auto_range:
            settings.range = self._chosen(value, settings)
        if not settings.range.holds(value):  # the highest range has an end too, and not-a-number has no range
            return OVERFLOW
        averages = settings.average_count if settings.averaging else 1
        return self.shown(value, settings.range, settings.cycles * averages)

    def shown(self, value: float, used: Range, cycles: float) -> float:
        """``value`` with the noise and the steps of a range; noise falls with the root of the integration time."""
        if self._rules.noise:
            value += self._rules.noise * used.noise / math.sqrt(cycles) * self._noise.gauss(0.0, 1.0)
        if self._rules.measure_steps:
            value = round(value / used.measure_step) * used.measure_step
        return value

    def _chosen(self, value: float, settings: SenseSettings) -> Range:
        used = settings.range
        if used.holds(value) and abs(value) >= _DOWN_BELOW * used.full_scale:
            return used
        allowed = [r for r in self._ranges if r.full_scale >= settings.lowest.full_scale]
        return next((r for r in allowed if r.holds(value)), allowed[-1])
