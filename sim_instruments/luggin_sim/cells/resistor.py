"""A dummy cell: resistors and a capacitor, as they come with an instrument for checking it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from luggin_sim.cells.base import ReadingNoise, checked_step
from luggin_sim.cells.redox_spec import CELL_RANGES, Range, check_ranges

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
        self._applied: float | None = None

    @property
    def truth(self) -> ResistorSpec:
        """What the cell was made from."""
        return self._spec

    @property
    def potential(self) -> float:
        """Potential (V) between the leads: the applied one, or the open-circuit potential."""
        return self._inner if self._applied is None else self._applied

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

    def step_to(self, potential: float) -> None:
        """Change the applied potential (V) at once; a capacitor without resistance before it follows."""
        self._applied = potential
        if self._spec.series_resistance == 0.0:
            self._inner = potential

    def apply(self, potential: float, dt: float) -> float:
        """Ramp from the last applied potential (V) to ``potential`` in ``dt`` (s); the current (A) then.

        If the circuit was open it is closed at ``potential``, which is then held for ``dt``.
        """
        if self._applied is None:
            self.step_to(potential)
        slope = (potential - self.potential) / checked_step(dt)
        spec = self._spec
        self._applied = potential
        if spec.series_resistance == 0.0:
            self._inner = potential
            return potential / spec.resistance + spec.capacitance * slope
        # the inner potential relaxes towards its share of the applied one, and lags behind a ramp
        share = spec.resistance / (spec.resistance + spec.series_resistance)
        time_constant = share * spec.series_resistance * spec.capacitance
        followed = share * (potential - slope * time_constant)
        if time_constant > 0.0:
            left_behind = self._inner - share * (potential - slope * (dt + time_constant))
            followed += left_behind * math.exp(-dt / time_constant)
        self._inner = followed
        return (potential - followed) / spec.series_resistance

    def rest(self, dt: float) -> float:
        """Leave the circuit open for ``dt`` (s); the potential (V) then."""
        time_constant = self._spec.resistance * self._spec.capacitance
        dt = checked_step(dt)
        self._inner *= math.exp(-dt / time_constant) if time_constant > 0.0 else 0.0
        self._applied = None
        return self._inner
