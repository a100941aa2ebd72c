r"""Semi-integration of fluxes that arrive live, at any time steps, without keeping their history.

Planar semi-infinite diffusion turns a flux :math:`r` through the electrode surface into a surface
concentration by a semi-integral (Oldham and Spanier, *The Fractional Calculus*, 1974, ch. 11):

.. math:: m(t) = \frac{1}{\sqrt\pi} \int_0^t \frac{r(u)}{\sqrt{t-u}}\,du

The flux is known at the ends of steps of any length and is linear between, and the integral over
each step is exact (product trapezoidal rule). The newest step is taken with the kernel itself. For
everything before, the kernel is written as a sum of decaying exponentials,

.. math:: \frac{1}{\sqrt t} = \frac{1}{\sqrt\pi}\int_{-\infty}^{\infty} e^{x/2} e^{-t e^x}\,dx
          \approx \sum_k w_k e^{-s_k t},

(trapezoidal rule in :math:`x`, whose relative error for spacing :math:`h` is
:math:`2\sqrt 2\, e^{-\pi^2/h}`, from :math:`|\Gamma(1/2 + iy)|`), because each exponential is carried
from one step to the next by one number. So a point costs the same after a week as after a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHORTEST_STEP = 1e-7
"""Shortest time step (s) for which the kernel holds."""
LONGEST_MEMORY = 1e7
"""Age (s, four months) up to which the kernel holds to `KERNEL_ERROR`; beyond it fades slowly."""
KERNEL_ERROR = 1e-10
"""Bound of the relative error of the kernel between `SHORTEST_STEP` and `LONGEST_MEMORY`."""

_SPACING = 0.4
_MERGED_BELOW = 1e-4 / LONGEST_MEMORY
_NEGLIGIBLE_ABOVE = 25.0 / SHORTEST_STEP
_REMEMBERED_STEP_LENGTHS = 256
# (1 - exp(-z))/z and (exp(-z) - 1 + z)/z^2 lose digits for small z; there their Taylor series serves.
_SERIES_BELOW = 0.05
_WHOLE = tuple((-1) ** k / math.factorial(k + 1) for k in range(8))
_RISING = tuple((-1) ** k / math.factorial(k + 2) for k in range(8))

_Array = NDArray[np.float64]


def kernel_modes() -> tuple[_Array, _Array]:
    """Rates ``s`` (1/s) and weights ``w`` (s^-1/2) with ``1/sqrt(t) = sum(w * exp(-s * t))``.

    Exponentials too slow to change within `LONGEST_MEMORY` share one mode of their total weight
    and mean rate; those that have decayed within `SHORTEST_STEP` are left out.
    """
    first = math.ceil(math.log(_MERGED_BELOW * 1e-30) / _SPACING)
    last = math.ceil(math.log(_NEGLIGIBLE_ABOVE) / _SPACING)
    rates = np.exp(_SPACING * np.arange(first, last + 1))
    weights = _SPACING / math.sqrt(math.pi) * np.sqrt(rates)
    slow = rates < _MERGED_BELOW
    slow_weight = weights[slow].sum()
    slow_rate = (weights[slow] * rates[slow]).sum() / slow_weight
    return np.append(slow_rate, rates[~slow]), np.append(slow_weight, weights[~slow])


_RATES, _WEIGHTS = kernel_modes()


@dataclass(frozen=True)
class _StepWeights:
    """What one step length does to the modes; shared by all steps of that length."""

    decay: _Array
    gain: _Array
    readout: _Array
    left_end: float
    right_end: float


def _step_weights(dt: float) -> _StepWeights:
    """Exact integrals over one step of length ``dt`` (s) with a flux linear between its ends."""
    z = _RATES * dt
    decay = np.exp(-z)
    # over the step, exp(-s(dt-u)) integrates to dt*whole; with the rising half of the flux to dt*rising
    whole, rising = np.empty_like(z), np.empty_like(z)
    few = int(np.searchsorted(z, _SERIES_BELOW))
    small, large = z[:few], z[few:]
    whole[:few], rising[:few] = _taylor(small, _WHOLE), _taylor(small, _RISING)
    lost = -np.expm1(-large)
    whole[few:] = lost / large
    rising[few:] = (large - lost) / (large * large)
    root = math.sqrt(dt / math.pi)
    return _StepWeights(
        decay=decay,
        gain=dt * np.stack([whole - rising, rising]),
        readout=_WEIGHTS * decay / math.sqrt(math.pi),
        left_end=2.0 / 3.0 * root,
        right_end=4.0 / 3.0 * root,
    )


def _taylor(z: _Array, coefficients: tuple[float, ...]) -> _Array:
    value = np.full_like(z, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * z + coefficient
    return value


class SemiIntegral:
    """The semi-integrals of several fluxes since the start, advanced step by step.

    Before the start all fluxes are zero.

    >>> m = SemiIntegral(1)
    >>> for _ in range(100):
    ...     m.advance(0.01, [2.0])
    >>> known, response = m.preview(0.01)
    >>> round(known[0] + response * 2.0, 3)  # 2 * 2 * sqrt(t / pi), t from the middle of the first rise
    2.262
    """

    def __init__(self, count: int) -> None:
        self._modes = np.zeros((count, _RATES.size))
        self._last: list[float] | None = [0.0] * count
        self._known_steps: dict[float, _StepWeights] = {}

    def break_here(self) -> None:
        """Let the fluxes jump now: over the next step they are constant instead of linear."""
        self._last = None

    def preview(self, dt: float) -> tuple[list[float], float]:
        """The semi-integrals ``dt`` seconds ahead as ``known + response * (flux at that time)``.

        ``known`` has one value per flux; ``response`` (s^1/2) is the same for all.
        """
        step = self._weights(dt)
        past: list[float] = (self._modes @ step.readout).tolist()
        left = step.left_end
        if self._last is None:
            return past, left + step.right_end
        return [p + left * f for p, f in zip(past, self._last, strict=True)], step.right_end

    def advance(self, dt: float, fluxes: list[float]) -> None:
        """Move ``dt`` seconds on, to ``fluxes`` at the end of the step."""
        step = self._weights(dt)
        ends = np.array([fluxes if self._last is None else self._last, fluxes])
        self._modes *= step.decay
        self._modes += ends.T @ step.gain
        self._last = fluxes

    def _weights(self, dt: float) -> _StepWeights:
        step = self._known_steps.get(dt)
        if step is None:
            if dt < SHORTEST_STEP:
                raise ValueError(f"a time step of {dt:g} s is shorter than {SHORTEST_STEP:g} s")
            if len(self._known_steps) >= _REMEMBERED_STEP_LENGTHS:
                self._known_steps.clear()
            step = self._known_steps[dt] = _step_weights(dt)
        return step
