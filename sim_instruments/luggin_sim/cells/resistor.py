"""A dummy cell: resistors and a capacitor, as they come with an instrument for checking it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from luggin_sim.cells.base import ReadingNoise, checked_step
from luggin_sim.cells.impedance import in_series
from luggin_sim.cells.redox_spec import CELL_RANGES, Range, check_ranges

# The moment at which a limit takes over or lets go is found to this part of a step.
_TIME_RESOLUTION = 1e-14
# What is just at a limit is within it, whatever the last digit says.
_JUST_ABOVE = 1.0 + 1e-9
_SAME_POTENTIAL = 1e-9

RESISTOR_RANGES = {
    "resistance": Range(1e-6, 1e15, "ohm"),
    "series_resistance": Range(0.0, 1e12, "ohm"),
    "capacitance": Range(0.0, 1e3, "F"),
    "current_noise": CELL_RANGES["current_noise"],
    "potential_noise": CELL_RANGES["potential_noise"],
}


@dataclass(frozen=True)
class ResistorSpec:
    """``series_resistance`` (ohm) before ``resistance`` (ohm) parallel to ``capacitance`` (F).

    Noise is in A and V (standard deviations of readings).
    """

    resistance: float
    series_resistance: float = 0.0
    capacitance: float = 0.0
    current_noise: float = 0.0
    potential_noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, RESISTOR_RANGES)


class ResistorCell:
    """A cell made from a `ResistorSpec`; exact for every ramp. Satisfies `luggin_sim.cells.base.Cell`.

    Example:
        >>> ResistorCell(ResistorSpec(resistance=1000.0)).apply(0.5, dt=0.1)
        0.0005
    """

    def __init__(self, spec: ResistorSpec) -> None:
        self._spec = spec
        self._noise = ReadingNoise(spec.current_noise, spec.potential_noise, spec.seed)
        self._inner = 0.0  # potential (V) over the parallel part
        self._applied: float | None = None  # what is at the leads
        self._programmed: float | None = None  # what the instrument wants there; differs if it is limited
        self._current = 0.0

    @property
    def truth(self) -> ResistorSpec:
        """What the cell was made from."""
        return self._spec

    @property
    def potential(self) -> float:
        """Potential (V) between the leads: the applied one, or the open-circuit potential."""
        return self._inner if self._applied is None else self._applied

    @property
    def current(self) -> float:
        """Current (A) through the leads at the end of the last step."""
        return self._current

    @property
    def is_open(self) -> bool:
        """True before the first `apply` and after every `rest`."""
        return self._applied is None

    def fresh(self) -> Self:
        """The same cell at its start, with the noise sequence from its start."""
        return type(self)(self._spec)

    def measure_current(self, current: float) -> float:
        """``current`` (A) as a meter reads it, with the cell's noise."""
        return self._noise.on_current(current)

    def measure_potential(self, potential: float) -> float:
        """``potential`` (V) as a meter reads it, with the cell's noise."""
        return self._noise.on_potential(potential)

    def step_to(self, potential: float, limit: float = math.inf) -> None:
        """Change the applied potential (V) at once; a capacitor without resistance before it follows.

        Where a ``limit`` (A) is in its way, it follows in the time that comes.
        """
        self._applied = self._programmed = potential
        if self._spec.series_resistance == 0.0 and limit == math.inf:
            self._inner = potential

    def apply(self, potential: float, dt: float, limit: float = math.inf) -> float:
        """Ramp from the last applied potential (V) to ``potential`` in ``dt`` (s); the current (A) then.

        If the circuit was open it is closed at ``potential``, which is then held for ``dt``. Where
        more than ``limit`` (A) would flow, the limit flows, and `potential` is what that leaves.
        """
        checked_step(dt)
        if self._programmed is None:
            self.step_to(potential if self._applied is None else self._applied, limit)
        begin = self.potential if self._programmed is None else self._programmed
        slope = (potential - begin) / dt
        self._programmed = potential
        elapsed = 0.0
        while elapsed < dt:
            elapsed += self._follow_within(begin + slope * elapsed, slope, dt - elapsed, limit)
        return self._current

    def apply_current(self, current: float, dt: float, limit: float = math.inf) -> float:
        """Send ``current`` (A) through the closed circuit for ``dt`` (s); the potential (V) then.

        Where the potential would leave -``limit`` to ``limit`` (V), the limit is applied instead.
        """
        checked_step(dt)
        self._programmed = None
        elapsed = 0.0
        while elapsed < dt:
            elapsed += self._drive_within(current, dt - elapsed, limit)
        return self.potential

    def rest(self, dt: float) -> float:
        """Leave the circuit open for ``dt`` (s); the potential (V) then."""
        self._drive(0.0, checked_step(dt))
        self._applied = self._programmed = None
        return self._inner

    def impedance(self, frequency: float) -> complex:
        """Impedance (ohm) at a frequency (Hz)."""
        spec = self._spec
        return in_series(spec.series_resistance, 1.0 / spec.resistance + 2j * math.pi * frequency * spec.capacitance)

    def _follow_within(self, begin: float, slope: float, dt: float, limit: float) -> float:
        """Follow a ramp until the current limit (A) takes over or lets go, but no longer than ``dt``; that time."""
        start = self._inner

        def wanted(time: float) -> float:
            return self._current_at(self._inner_behind(start, begin, slope, time), begin + slope * time, slope)

        now = math.copysign(math.inf, begin - start) if self._is_stuck_at(begin) else wanted(0.0)
        if abs(now) > limit * _JUST_ABOVE:
            current, side = math.copysign(limit, now), math.copysign(1.0, now)
            until = _first(dt, lambda t: side * (begin + slope * t - self._driven_to(start, current, t)) <= 0.0)
            self._drive(current, until)
        else:
            until = _first(dt, lambda t: abs(wanted(t)) > limit * _JUST_ABOVE) if limit < math.inf else dt
            self._follow(begin, slope, until)
        return until

    def _drive_within(self, current: float, dt: float, limit: float) -> float:
        """Drive a current until the potential limit (V) takes over or lets go; how long that was."""
        start = self._inner
        now = self._driven_to(start, current, 0.0)
        if abs(now) > limit * _JUST_ABOVE:
            bound, side = math.copysign(limit, now), math.copysign(1.0, now)

            def at_bound(time: float) -> float:
                return self._current_at(self._inner_behind(start, bound, 0.0, time), bound, 0.0)

            until = _first(dt, lambda t: side * (at_bound(t) - current) >= 0.0)
            self._follow(bound, 0.0, until)
        else:
            until = _first(dt, lambda t: abs(self._driven_to(start, current, t)) > limit * _JUST_ABOVE)
            self._drive(current, until)
        return until

    def _is_stuck_at(self, potential: float) -> bool:
        """True if a capacitor stands without resistance before a potential (V) that it does not have."""
        spec = self._spec
        return (
            spec.series_resistance == 0.0 and spec.capacitance > 0.0 and abs(self._inner - potential) > _SAME_POTENTIAL
        )

    def _follow(self, begin: float, slope: float, dt: float) -> float:
        """The leads are at ``begin`` (V) and rise with ``slope`` (V/s); the current (A) after ``dt``."""
        self._inner = self._inner_behind(self._inner, begin, slope, dt)
        self._applied = begin + slope * dt
        self._current = self._current_at(self._inner, self._applied, slope)
        return self._current

    def _drive(self, current: float, dt: float) -> None:
        """The current (A) is given."""
        spec = self._spec
        self._applied = self._driven_to(self._inner, current, dt)
        self._inner = self._applied - current * spec.series_resistance
        self._current = current

    def _driven_to(self, start: float, current: float, time: float) -> float:
        """The potential (V) at the leads after a current (A) has flowed for ``time``, from ``start`` (V) inside."""
        spec = self._spec
        inner = current * spec.resistance
        if spec.capacitance > 0.0:
            decay = time / (spec.resistance * spec.capacitance)
            inner = start * math.exp(-decay) - inner * math.expm1(-decay)
        return inner + current * spec.series_resistance

    def _inner_behind(self, start: float, begin: float, slope: float, time: float) -> float:
        """The inner potential (V), which relaxes towards its share of the applied one and lags behind a ramp."""
        spec = self._spec
        share = spec.resistance / (spec.resistance + spec.series_resistance)
        time_constant = share * spec.series_resistance * spec.capacitance
        followed = share * (begin + slope * (time - time_constant))
        if time_constant > 0.0:
            followed += (start - share * (begin - slope * time_constant)) * math.exp(-time / time_constant)
        return followed

    def _current_at(self, inner: float, applied: float, slope: float) -> float:
        spec = self._spec
        if spec.series_resistance == 0.0:
            return applied / spec.resistance + spec.capacitance * slope
        return (applied - inner) / spec.series_resistance


def _first(end: float, condition: Callable[[float], bool]) -> float:
    """The time from which on ``condition`` holds, or ``end`` if it does not hold even then.

    It must hold from one time on. A ramp over a capacitor keeps this within one step.
    """
    if not condition(end):
        return end
    low, high = 0.0, end
    while high - low > _TIME_RESOLUTION * end:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if condition(middle) else (middle, high)
    return high
