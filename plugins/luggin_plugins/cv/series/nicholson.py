"""Cyclic voltammograms of one couple whose electron transfer takes time, from the integral equation.

R. S. Nicholson, Anal. Chem. 1965, 37, 1351: the separation of the peaks depends on
psi = k0 / sqrt(pi D f v), with f = nF/RT. Here the equation itself is solved, because the printed
table is rounded to 1 mV, holds for one switching potential, and does not tell the heights.

Dimensionless: potential x = f (E - E1/2), time tau = f v t, current y = i / (nFAC sqrt(D f v)),
and r, the share of the surface that is reduced, the semi-integral of y:

    y = sqrt(pi) psi (exp(-alpha z) (1 - r) - exp((1 - alpha) z) r),    r = d^-1/2 y / dtau^-1/2.

z = x + rho y is the potential at the surface, rho = f R i / y the resistance of the solution. Taking the drop
off afterwards is not the same: with a resistance the surface is not swept evenly, and its peaks stand farther
apart than those of an even sweep (3 to 4 mV at a drop of 10 mV).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from luggin_plugins.cv.noise import Array

SMALLEST_PSI, LARGEST_PSI = 0.1, 7.0
"""Where the separation of the peaks tells psi: above, couples look reversible; below, irreversible."""

STEP = 0.04
"""Of the grid in x; about 1 mV / n. The separations are then right to 0.1 mV / n."""

SYMMETRIC = 0.5
_BEFORE = 11.0  # x at which the sweep begins: 2e-5 of the surface is reduced there
_SLOWEST, _FASTEST = 0.05, 60.0
_REVERSIBLE = 1e5
_PER_DECADE = 12
_NEWTON = 3  # rounds; from the flux of the point before, the third changes nothing


@dataclass(frozen=True)
class Peaks:
    """The two peaks of a couple in theory: ``separation`` in RT/nF, ``height`` of the forward one (y)."""

    separation: Array
    height: Array


@dataclass(frozen=True)
class SeparationTable:
    """Separation and height of the peaks against psi, for one transfer coefficient and switching potential.

    ``separation`` is in RT/nF and falls with psi; ``share`` is the height of the forward peak as a
    part of ``reversible_height``, which is 0.4463 (Nicholson and Shain 1964). ``reversible_separation`` and
    ``reversible_share`` are those of a reversible couple behind the same resistance.
    """

    psi: Array
    separation: Array
    share: Array
    reversible_separation: float
    reversible_share: float
    reversible_height: float

    def psi_at(self, separation: float) -> float:
        """Psi at which the peaks stand so far apart (RT/nF); at most and at least what the table has."""
        return float(np.exp(np.interp(separation, self.separation[::-1], np.log(self.psi[::-1]))))

    def share_at(self, separation: float) -> float:
        """Height of the forward peak at this separation, as a part of that of a reversible couple."""
        separations = np.append(self.reversible_separation, self.separation[::-1])
        return float(np.interp(separation, separations, np.append(self.reversible_share, self.share[::-1])))


def separation_table(switching: float, alpha: float = SYMMETRIC, ohmic: float = 0.0) -> SeparationTable:
    """The table for a sweep that turns ``switching`` (RT/nF) behind E1/2, with the resistance ``ohmic`` (rho)."""
    return _table(round(switching, 2), alpha, round(ohmic, 5))


@lru_cache(maxsize=64)
def _table(switching: float, alpha: float, ohmic: float) -> SeparationTable:
    decades = np.log10(_FASTEST / _SLOWEST)
    psi = np.logspace(np.log10(_SLOWEST), np.log10(_FASTEST), round(_PER_DECADE * decades) + 1)
    peaks = solve(np.append(psi, _REVERSIBLE), switching, alpha, ohmic)
    free = peaks if not ohmic else solve(np.array([_REVERSIBLE]), switching, alpha)
    return SeparationTable(
        psi=psi,
        separation=peaks.separation[:-1],
        share=peaks.height[:-1] / free.height[-1],
        reversible_share=float(peaks.height[-1] / free.height[-1]),
        reversible_separation=float(peaks.separation[-1]),
        reversible_height=float(free.height[-1]),
    )


def solve(psi: Array, switching: float, alpha: float = SYMMETRIC, ohmic: float = 0.0, step: float = STEP) -> Peaks:
    """Peaks of couples with these psi, all at once, for a sweep that turns at x = -``switching``.

    The flux is taken as linear between the points of the grid, so its semi-integral is exact
    (product integration), and the rate law is solved for the flux of the newest point, by Newton's
    method where a resistance makes it an exponential of that flux.
    """
    forward = np.arange(_BEFORE, -switching - 0.5 * step, -step)
    back = np.arange(forward[-1] + step, _BEFORE, step)
    x = np.concatenate((forward, back))
    number = np.arange(x.size + 1.0) ** 1.5
    weights = np.empty(x.size)
    weights[0], weights[1:] = 1.0, number[2:] - 2.0 * number[1:-1] + number[:-2]
    weights *= 4.0 / 3.0 * np.sqrt(step / np.pi)
    backwards = weights[::-1].copy()
    slowness = 1.0 / (np.sqrt(np.pi) * np.asarray(psi, dtype=np.float64))
    flux = np.zeros((x.size, slowness.size))
    for row in range(1, x.size):
        history = backwards[x.size - 1 - row : x.size - 1] @ flux[:row]
        flux[row] = _newest(x[row], history, flux[row - 1], weights[0], slowness, alpha, ohmic)
    turn = forward.size
    tops = [_top(x[:turn], column[:turn]) for column in flux.T]
    bottoms = [_top(x[turn:], -column[turn:]) for column in flux.T]
    return Peaks(
        separation=np.array([bottom[0] - top[0] for top, bottom in zip(tops, bottoms, strict=True)]),
        height=np.array([top[1] for top in tops]),
    )


def _newest(x: float, history: Array, before: Array, own: float, slowness: Array, alpha: float, ohmic: float) -> Array:
    """Flux of the newest point: the rate law, with the share r = history + own * flux of the reduced form."""
    flux = before
    for _ in range(_NEWTON if ohmic else 1):
        z = x + ohmic * flux
        reduce, oxidise = np.exp(-alpha * z), np.exp((1.0 - alpha) * z)
        reduced = history + own * flux
        excess = slowness * flux - reduce * (1.0 - reduced) + oxidise * reduced
        slope = slowness + own * (reduce + oxidise)
        slope += ohmic * (alpha * reduce * (1.0 - reduced) + (1.0 - alpha) * oxidise * reduced)
        flux = flux - excess / slope
    return flux


def _top(x: Array, y: Array) -> tuple[float, float]:
    """Place and height of the highest point, by a parabola through it and two neighbours on each side."""
    row = int(np.clip(np.argmax(y), 2, y.size - 3))
    near = slice(row - 2, row + 3)
    a, b, c = np.polyfit(x[near] - x[row], y[near], 2)
    shift = -b / (2.0 * a)
    return float(x[row] + shift), float(c + 0.5 * b * shift)
