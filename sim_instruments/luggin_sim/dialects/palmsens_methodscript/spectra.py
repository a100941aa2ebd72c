"""What the measurement loop for impedance spectra does on the cell, frequency by frequency.

The sine is so small that the cell answers in proportion, so its answer is worked out from the cell's
impedance instead of being followed in time; meanwhile the cell is held at the potential about which the
sine swings. The meter's noise is in both parts of the current.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from luggin_sim.cells import SmallSignal
from luggin_sim.dialects.base import Leads
from luggin_sim.dialects.palmsens_methodscript.rules import Rules

#: Highest frequency (Hz) and largest amplitude (V) of the family.
HIGHEST_FREQUENCY, LARGEST_AMPLITUDE = 200e3, 0.3
_LOWEST_FREQUENCY = 1e-5
_SETTLING, _PERIODS = 0.02, 8
# Each part of the current is the mean of so many readings.
_READINGS = 16

Meter = Callable[[float], float]


@dataclass(frozen=True)
class Spectrum:
    """``meas_loop_eis``: frequencies (Hz) from first to last, equally far apart on a logarithmic scale."""

    amplitude: float
    first: float
    last: float
    count: int
    bias: float

    def peak(self, rules: Rules) -> float:
        """Amplitude (V) from the middle of the sine to its peak."""
        return self.amplitude * (math.sqrt(2.0) if rules.eis_amplitude == "rms" else 1.0)

    @property
    def frequencies_are_possible(self) -> bool:
        """Whether the instrument can generate them."""
        return all(_LOWEST_FREQUENCY <= f <= HIGHEST_FREQUENCY for f in (self.first, self.last))

    def frequencies(self) -> Iterator[float]:
        """All frequencies in the order of time."""
        ratio = math.log(self.last / self.first) / max(self.count - 1, 1)
        return (self.first * math.exp(ratio * k) for k in range(self.count))

    def at(self, frequency: float, leads: Leads, meter: Meter, rules: Rules) -> tuple[complex, float]:
        """The impedance (ohm) at one frequency, and the amplitude of the current (A)."""
        if not isinstance(leads.cell, SmallSignal):
            raise TypeError(f"a {type(leads.cell).__name__} has no impedance")
        wanted = self.peak(rules) / leads.cell.impedance(frequency)
        current = complex(_mean(meter, wanted.real), _mean(meter, wanted.imag))
        impedance = self.peak(rules) / current if current else complex(math.inf)
        return impedance, abs(current)


def _mean(meter: Meter, current: float) -> float:
    return sum(meter(current) for _ in range(_READINGS)) / _READINGS


def lasts(frequency: float) -> float:
    """How long one point takes (s): some periods, and time to settle."""
    return _SETTLING + _PERIODS / frequency
