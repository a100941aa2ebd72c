"""What the measurement loops for pulse voltammetry do on the cell, level by level.

The current is read in a window at the end of a pulse, as the mean over the window: the charging of
the double layer, which is over by then, does not count. How long the real window is, is not documented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from luggin_sim.dialects.base import Leads
from luggin_sim.dialects.palmsens_methodscript.programmes import sweep, whole_steps
from luggin_sim.dialects.palmsens_methodscript.rules import Rules

# The mean over a window from so many points of it: the current is nearly straight there.
_POINTS = 4

#: Reads the meter for a current (A).
Meter = Callable[[float], float]


@dataclass(frozen=True)
class SquareWave:
    """``meas_loop_swv``: on each level half a period towards the end of the scan, and half a period back."""

    begin: float
    end: float
    step: float
    amplitude: float
    frequency: float

    @property
    def period(self) -> float:
        """Time of one level (s)."""
        return 1.0 / self.frequency

    def extremes(self, rules: Rules) -> tuple[float, ...]:
        """Potentials (V) between which everything lies."""
        return tuple(e + side * self.amplitude for e in (self.begin, self.end) for side in (-1.0, 1.0))

    def levels(self) -> Iterator[float]:
        """The staircase (V)."""
        return sweep(self.begin, self.end, self.step)

    def at(self, level: float, leads: Leads, meter: Meter, rules: Rules) -> tuple[float, float]:
        """One period on a level (V): forward and reverse current (A)."""
        height = self.amplitude if self.end > self.begin else -self.amplitude
        half = 0.5 * self.period
        forward = meter(held(leads, level + height, half, rules.sampled_share * half))
        return forward, meter(held(leads, level - height, half, rules.sampled_share * half))


@dataclass(frozen=True)
class DifferentialPulse:
    """``meas_loop_dpv``: a level is held, read, and ended by a pulse that is read too."""

    begin: float
    end: float
    step: float
    pulse: float
    pulse_time: float
    rate: float

    @property
    def period(self) -> float:
        """Time of one level with its pulse (s)."""
        return self.step / self.rate

    def height(self, rules: Rules) -> float:
        """The pulse with its sign (V)."""
        return self.pulse if self.end > self.begin or rules.pulse_direction == "up" else -self.pulse

    def extremes(self, rules: Rules) -> tuple[float, ...]:
        """Potentials (V) between which everything lies."""
        height = self.height(rules)
        return (self.begin, self.end, self.begin + height, self.end + height)

    def levels(self) -> Iterator[float]:
        """The staircase (V)."""
        return sweep(self.begin, self.end, self.step)

    def at(self, level: float, leads: Leads, meter: Meter, rules: Rules) -> tuple[float, float]:
        """One level (V) and its pulse: the current (A) at the end of the pulse, and that before it."""
        window = rules.sampled_share * self.pulse_time
        before = meter(held(leads, level, self.period - self.pulse_time, window))
        return meter(held(leads, level + self.height(rules), self.pulse_time, window)), before


PulseProgramme: TypeAlias = SquareWave | DifferentialPulse


def steps(programme: PulseProgramme) -> int:
    """Whole steps of the staircase."""
    return abs(whole_steps(programme.end - programme.begin, programme.step))


def held(leads: Leads, potential: float, seconds: float, window: float) -> float:
    """Jump to a potential (V) and hold it; the mean current (A) over a window (s) at the end."""
    leads.jump(potential)
    leads.dwell(seconds - window)
    return sum(leads.ramp(potential, window / _POINTS) for _ in range(_POINTS)) / _POINTS
