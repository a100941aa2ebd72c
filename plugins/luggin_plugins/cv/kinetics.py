"""A wave of a couple whose electron transfer takes time: Butler-Volmer at a planar electrode.

The surface of a reversible couple follows the potential; that of a slow one lags behind it. With
the oxidised fraction m at the surface, x = (E - E1/2) nF/RT, and the current j in units of
nFAC sqrt(D), the rate law of Matsuda and Ayabe (Z. Elektrochem. 1955, 59, 494) reads

    j = (k0 / sqrt(D)) (exp((1 - alpha) x) (1 - m) - exp(-alpha x) m),    j = d^1/2 m / dt^1/2.

``slowness`` is 1/psi of Nicholson (Anal. Chem. 1965, 37, 1351): 0 for a reversible couple.

A product that reacts on with the rate constant k is there only in part: where diffusion alone would
leave the fraction p of it, there is sqrt(s / (s + k)) p in Laplace's domain (Nicholson and Shain
1964, case VI). In time, a step of p decays as exp(-kt/2) I0(kt/2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.theory import oxidised_fraction

MOST_ROUNDS = 120
CLOSE_ENOUGH = 2e-6
SYMMETRIC = 0.5
_LARGEST_EXPONENT = 60.0
_ASYMPTOTIC = 200.0


@dataclass(frozen=True)
class SemiDerivative:
    """The semi-derivative on one equidistant grid of time, kept ready to be applied many times.

    ``own`` is the share of a point's own value in its semi-derivative (1 / s^1/2).
    """

    count: int
    size: int
    spectrum: np.ndarray
    own: float

    @classmethod
    def on_grid(cls, count: int, dt_s: float) -> SemiDerivative:
        """For ``count`` points at a distance of ``dt_s`` (s); the same scheme as `theory.semi_derivative`."""
        roots = np.sqrt(np.arange(count + 1, dtype=np.float64))
        weights = 2.0 / np.sqrt(np.pi * dt_s) * np.diff(roots)
        size = 1 << int(2 * count - 1).bit_length()
        # differences of the values and their weights in one: the first value is the state at rest
        combined = np.concatenate((weights[:1], np.diff(weights)))
        return cls(count, size, np.fft.rfft(combined, size), float(weights[0]))

    def __call__(self, values: Array) -> Array:
        """Semi-derivatives (per s^1/2) of one curve or of a stack of curves, from rest at their first value."""
        change = values - values[..., :1]
        product = np.fft.irfft(np.fft.rfft(change, self.size, axis=-1) * self.spectrum, self.size, axis=-1)
        return np.asarray(product[..., : self.count])


@dataclass(frozen=True)
class Loss:
    """What a follow-up reaction takes away of the product at the surface, on one grid of time."""

    count: int
    size: int
    spectrum: np.ndarray

    @classmethod
    def on_grid(cls, count: int, dt_s: float, rate_constant: float) -> Loss:
        """For a first-order reaction with ``rate_constant`` (1/s)."""
        half = 0.5 * rate_constant * dt_s * np.arange(count + 1, dtype=np.float64)
        left = np.where(half < _ASYMPTOTIC, 1.0, 0.0) * np.exp(-np.minimum(half, _ASYMPTOTIC))
        left = left * np.i0(np.minimum(half, _ASYMPTOTIC))
        far = half >= _ASYMPTOTIC  # there exp(-z) I0(z) is 1 / sqrt(2 pi z) to 1 / (8 z)
        left[far] = (1.0 + 0.125 / half[far]) / np.sqrt(2.0 * np.pi * half[far])
        size = 1 << int(2 * count - 1).bit_length()
        return cls(count, size, np.fft.rfft(np.diff(1.0 - left), size))

    def __call__(self, product: Array) -> Array:
        """The lost part of the product fraction, which was nothing before the first point."""
        lost = np.fft.irfft(np.fft.rfft(product, self.size) * self.spectrum, self.size)
        return np.asarray(lost[: self.count])


def slow_surface(
    potential: Array,
    half_wave: float,
    slope_v: float,
    slowness: float,
    rate_v_per_s: float,
    semi: SemiDerivative,
    alpha: float = SYMMETRIC,
    guess: Array | None = None,
    loss: Loss | None = None,
    product: int = -1,
    available: Array | None = None,
) -> Array:
    """Oxidised fraction at the surface of a couple on a grid of time; its semi-derivative is the current.

    The rate law is linear in m, and a point's own value enters its semi-derivative with a known
    weight; solving for that and repeating with the rest from the round before converges always,
    because what is left over acts on later points only.

    Args:
        potential: potential of the electrode surface (V) on the grid.
        half_wave: E1/2 (V).
        slope_v: RT/nF (V).
        slowness: 1/psi at ``rate_v_per_s``; not negative.
        rate_v_per_s: scan rate (V/s) that psi refers to.
        semi: semi-derivative of the grid.
        alpha: transfer coefficient of the reduction.
        guess: where to begin, if a solution near by is known.
        loss: what a follow-up reaction does to the product; None if there is no such reaction.
        product: -1 if the product is the reduced form, +1 if it is the oxidised one.
        available: share of both forms that a further, irreversible step has not taken; None for all.
    """
    settled = oxidised_fraction(potential, half_wave, slope_v)
    if available is not None:
        settled = settled * available if product < 0 else 1.0 - (1.0 - settled) * available
    if slowness <= 0.0 and loss is None:
        return settled
    x = np.clip((potential - half_wave) / slope_v, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
    lag = slowness / np.sqrt(np.pi * rate_v_per_s / slope_v) * np.exp(alpha * x) / (1.0 + np.exp(x))
    share = 1.0 / (1.0 + lag * semi.own)
    surface = settled if guess is None else guess
    for _ in range(MOST_ROUNDS):
        rest = semi(surface) - semi.own * (surface - surface[0])
        present = settled
        if loss is not None and product < 0:
            present = settled * (1.0 - loss(1.0 - surface))
        elif loss is not None:
            present = settled + (1.0 - settled) * loss(surface)
        following = share * (present - lag * (rest - semi.own * surface[0]))
        moved = float(np.max(np.abs(following - surface)))
        surface = following
        if moved < CLOSE_ENOUGH:
            break
    return surface
