"""What every simulated cell offers to the instrument that hangs on it."""

from __future__ import annotations

import math
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

SHORTEST_STEP = 1e-6
"""Shortest time (s) by which a cell can be advanced; a jump without time is `Cell.step_to`."""


def checked_step(dt: float) -> float:
    """``dt`` (s) if a cell can be advanced by it; ValueError if not."""
    if not SHORTEST_STEP <= dt < math.inf:
        raise ValueError(f"a time step of {dt!r} s; allowed are {SHORTEST_STEP:g} s and more")
    return dt


class Cell(Protocol):
    """A two-terminal object under test, advanced by whoever holds it; it knows no clock.

    Current (A) is positive for oxidation at the working electrode. Potentials (V) are those of the
    working electrode against the reference. Times (s) are lengths of steps, at least a microsecond.
    """

    @property
    def truth(self) -> Any:
        """What the cell was made from."""

    @property
    def potential(self) -> float:
        """Potential (V) between the instrument's working and reference leads now, without noise."""

    @property
    def current(self) -> float:
        """Current (A) through the leads at the end of the last step."""

    @property
    def is_open(self) -> bool:
        """True before the first `apply` and after every `rest`."""

    def apply(self, potential: float, dt: float, limit: float = math.inf) -> float:
        """Ramp the applied potential from its last value to ``potential`` over ``dt``; the current then.

        If the circuit was open it is closed at ``potential``, which is then held for ``dt``. The
        current never exceeds ``limit`` (A): where the programme asks for more, the limit flows
        instead, and `potential` is what that leaves.
        """

    def step_to(self, potential: float, limit: float = math.inf) -> None:
        """Change the applied potential at once; time does not pass. Closes an open circuit.

        With a ``limit`` (A) nothing is charged in no time; it is charged in the time that comes.
        """

    def apply_current(self, current: float, dt: float, limit: float = math.inf) -> float:
        """Send ``current`` through the closed circuit for ``dt``; the potential then.

        The potential never leaves -``limit`` to ``limit`` (V): where the current asks for more, the
        limit is applied instead.
        """

    def rest(self, dt: float) -> float:
        """Leave the circuit open for ``dt``; the open-circuit potential then."""

    def measure_current(self, current: float) -> float:
        """``current`` as a meter reads it, with the cell's noise."""

    def measure_potential(self, potential: float) -> float:
        """``potential`` as a meter reads it, with the cell's noise."""

    def fresh(self) -> Self:
        """The same cell at its start, with the noise sequence from its start."""


@runtime_checkable
class Tempered(Protocol):
    """A cell that depends on its temperature, and can stand in a chamber."""

    def set_temperature(self, temperature: float) -> None:
        """The cell has another temperature (K) from now on."""


class ReadingNoise:
    """White Gaussian noise of a cell's readings; the same seed gives the same sequence.

    Currents and potentials draw from sequences of their own, so that reading one more potential
    does not change the currents.
    """

    def __init__(self, current: float, potential: float, seed: int) -> None:
        self._current, self._potential = current, potential
        streams = np.random.SeedSequence(seed).spawn(2)
        self._for_current, self._for_potential = (np.random.default_rng(s) for s in streams)

    def on_current(self, value: float) -> float:
        """``value`` (A) with noise."""
        if self._current == 0.0:
            return value
        return value + self._current * float(self._for_current.standard_normal())

    def on_potential(self, value: float) -> float:
        """``value`` (V) with noise."""
        if self._potential == 0.0:
            return value
        return value + self._potential * float(self._for_potential.standard_normal())
