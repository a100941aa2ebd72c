"""The potential at which the currents of an electrode balance: Newton's method within a bracket."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

#: Potential (V) -> total current (A), its derivative (A/V), rates of the couples, their derivatives.
CurrentLaw = Callable[[float], tuple[float, float, list[float], list[float]]]

# Newton stops at a step this small (V) and takes the step's linear part into account: what is left
# is of second order, 1e-13 of a current.
_SETTLED = 1e-8
_LARGEST_STEP = 0.25
_MOST_ITERATIONS = 100


class Solution(NamedTuple):
    """The end of a piece: potential of the interface (V), current (A), rates and their derivatives."""

    interface: float
    current: float
    rates: list[float]
    rate_slopes: list[float]


def balance(law: CurrentLaw, guess: float, target: float, resistance: float | None = None) -> Solution:
    """Where the current is ``target`` (A), or, behind a ``resistance`` (ohm), the applied potential is ``target`` (V).

    Both increase with the potential of the interface, so Newton's method within a shrinking bracket
    ends. Its steps may grow: a current that the couples cannot carry drives the potential far away.

    Raises:
        ArithmeticError: no potential is found.
    """
    potential, low, high, reach = guess, -math.inf, math.inf, _LARGEST_STEP
    for _ in range(_MOST_ITERATIONS):
        current, slope, rates, rate_slopes = law(potential)
        if resistance is None:
            change = (target - current) / slope
        else:
            change = (target - potential - resistance * current) / (1.0 + resistance * slope)
        if abs(change) < _SETTLED:
            rates = [rate + s * change for rate, s in zip(rates, rate_slopes, strict=True)]
            return Solution(potential + change, current + slope * change, rates, rate_slopes)
        if change < 0.0:
            high = potential
        else:
            low = potential
        trial = potential + min(max(change, -reach), reach)
        if abs(change) > reach:
            reach *= 2.0
        potential = trial if low < trial < high else 0.5 * (low + high)
    raise ArithmeticError(f"no potential balances the currents near {potential:g} V")
