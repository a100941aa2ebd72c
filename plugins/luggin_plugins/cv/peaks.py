"""Peaks of one sweep: found by their prominence over the noise, located by a local polynomial.

Nothing here knows what a redox couple is: a sweep is turned so that its own peaks point upwards,
and every bump that stands out of the noise is a peak, however large its neighbours are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from luggin_plugins.cv.bootstrap import bootstrap_spread
from luggin_plugins.cv.noise import Array, correlation_inflation, white_noise

SMOOTHING_V = 0.015  # half width of the smoothing for the search: a quarter of a one-electron peak
FIRST_WINDOW_V = 0.030  # half width of the first fit, which measures how broad the peak is
WINDOW_PER_BREADTH = 0.8  # half width of the fit in units of the peak's breadth
NARROWEST_V, BROADEST_V = 0.015, 0.080
ORDER = 4
PROMINENCE_OVER_NOISE = 3.0
PROMINENCE_OVER_SMOOTHED_NOISE = 8.0
PROMINENCE_OVER_SPAN = 2e-3
END_MARGIN_V = 0.010


@dataclass(frozen=True)
class Vertex:
    """The top of a peak: where (V), how high (A), and how well that is known.

    ``u`` and ``u_current`` are standard uncertainties from noise alone; ``curvature`` (A/V2) is
    positive; ``points`` lie in the fit, and ``widest_gap`` (V) between two of them. ``pull`` is how
    the potential changes with each of the fitted readings (V/A), and ``residuals`` are what the fit
    leaves of them (A, in order of time).
    """

    potential: float
    current: float
    u: float
    u_current: float
    curvature: float
    noise: float
    points: int
    widest_gap: float
    pull: Array = field(repr=False, compare=False)
    residuals: Array = field(repr=False, compare=False)


@dataclass(frozen=True)
class Bump:
    """A peak as the search found it: row within the sweep, and its prominence (A)."""

    row: int
    prominence: float


def find_bumps(potential: Array, current: Array) -> tuple[tuple[Bump, ...], float]:
    """Upward peaks of one sweep by prominence, in the order of the sweep, and the noise (A).

    ``current`` points upwards for this sweep's direction. A bump counts when it stands higher
    over its saddles than three times the noise of a point and eight times the noise of the
    smoothed curve (of a thousand points some saddle is always five of those deep).
    """
    noise = white_noise(current)
    half = max(2, round(SMOOTHING_V / max(_spacing(potential), 1e-6)))
    if current.size < 2 * half + 3:
        return (), noise
    kernel = _smoothing_kernel(half)
    smooth = np.convolve(current, kernel[::-1], mode="valid")
    floor = max(
        PROMINENCE_OVER_NOISE * noise,
        PROMINENCE_OVER_SMOOTHED_NOISE * noise * float(np.linalg.norm(kernel)),
        PROMINENCE_OVER_SPAN * float(np.ptp(current)),
    )
    tops = np.flatnonzero((smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])) + 1
    bumps = [Bump(int(top) + half, p) for top in tops if (p := _prominence(smooth, int(top), floor)) >= floor > 0]
    return tuple(bumps), noise


def rises_to_the_end(potential: Array, current: Array, share: float = 0.1) -> bool:
    """True if the sweep's current is highest at its very end and still rising there.

    The rise over the last 30 mV must be worth at least ``share`` of the sweep's span: the slow slope
    of a background is no wave.
    """
    last = np.abs(potential - potential[-1]) <= 2 * SMOOTHING_V
    before = np.abs(potential - potential[-1]) <= 4 * SMOOTHING_V
    if np.count_nonzero(last) < 4 or np.all(before):
        return False
    span = float(np.ptp(current))
    rise = float(np.mean(current[last]) - np.mean(current[before & ~last]))
    top = np.mean(current[-5:]) >= np.max(current) - 0.1 * span
    return bool(span > 0 and top and rise > share * span)


def locate(potential: Array, current: Array, centre: float, half_width: float, order: int = ORDER) -> Vertex | None:
    """The top of an upward peak near ``centre`` (V), by a polynomial over +/- ``half_width`` (V).

    A polynomial of fourth order follows the asymmetry of a diffusion peak (a parabola over the
    same window is off by several mV), and its wide window averages the noise. None if the window
    holds too few points or the polynomial has no top in it.
    """
    inside = np.abs(potential - centre) <= half_width
    x = (potential[inside] - centre) / half_width
    y = current[inside]
    if x.size < order + 3:
        return None
    powers = np.vander(x, order + 1, increasing=True)
    inverse = np.linalg.pinv(powers)
    coefficients = inverse @ y
    top = _highest_top(coefficients)
    if top is None:
        return None
    polynomial = np.polynomial.Polynomial(coefficients)
    curvature = float(polynomial.deriv(2)(top))
    residuals = y - powers @ coefficients
    noise = float(np.sqrt(np.dot(residuals, residuals) / (x.size - order - 1)))
    slope_at_top = np.array([k * top ** (k - 1) if k else 0.0 for k in range(order + 1)])
    in_time = residuals if potential[inside][-1] > potential[inside][0] else residuals[::-1]
    spread = noise * correlation_inflation(in_time)
    pull = -half_width * (slope_at_top @ inverse) / curvature
    return Vertex(
        potential=centre + half_width * top,
        current=float(polynomial(top)),
        u=spread * float(np.linalg.norm(pull)),
        u_current=spread * float(np.linalg.norm(np.array([top**k for k in range(order + 1)]) @ inverse)),
        curvature=abs(curvature) / half_width**2,
        noise=noise,
        points=int(x.size),
        widest_gap=float(np.max(np.abs(np.diff(x))) * half_width),
        pull=pull if in_time is residuals else pull[::-1],
        residuals=in_time,
    )


def bootstrapped(vertex: Vertex, order: int = ORDER) -> Vertex:
    """The same top with the uncertainty of its potential from a bootstrap over its residuals."""
    (u,) = bootstrap_spread(vertex.pull[None, :], vertex.residuals, order + 1)
    return replace(vertex, u=float(u))


def breadth(height: float, curvature: float) -> float:
    """Breadth (V) of a peak from height over its baseline (A) and curvature (A/V2).

    sqrt(height / curvature): 56 mV / n for a reversible peak at 25 degC (from the series of
    Nicholson and Shain, Anal. Chem. 1964, 36, 706).
    """
    return float(np.sqrt(max(height, 0.0) / curvature)) if curvature > 0 else BROADEST_V


def window(height: float, curvature: float) -> float:
    """Half width (V) of the fit for a peak of this height and curvature."""
    return float(np.clip(WINDOW_PER_BREADTH * breadth(height, curvature), NARROWEST_V, BROADEST_V))


def _highest_top(coefficients: Array) -> float | None:
    """The highest maximum of a polynomial within -0.8..0.8 of its window."""
    polynomial = np.polynomial.Polynomial(coefficients)
    if not np.any(coefficients[1:]):
        return None
    roots = polynomial.deriv().roots()
    real = roots[np.abs(roots.imag) < 1e-9].real
    tops = [float(r) for r in real if abs(r) <= 0.8 and polynomial.deriv(2)(r) < 0]
    return max(tops, key=lambda r: float(polynomial(r))) if tops else None


def _prominence(values: Array, top: int, enough: float) -> float:
    """Height of ``values[top]`` over the higher of the two saddles beside it."""
    height = values[top]
    left, right = values[:top], values[top + 1 :]
    higher_left, higher_right = np.flatnonzero(left > height), np.flatnonzero(right > height)
    saddle_left = left[higher_left[-1] :].min() if higher_left.size else left.min(initial=height)
    saddle_right = right[: higher_right[0] + 1].min() if higher_right.size else right.min(initial=height)
    return float(height - max(saddle_left, saddle_right))


def _smoothing_kernel(half: int) -> Array:
    """Weights of a local parabola's middle over ``2 half + 1`` equidistant points."""
    x = np.arange(-half, half + 1, dtype=np.float64)
    return np.asarray(np.linalg.pinv(np.vander(x, 3, increasing=True))[0])


def _spacing(potential: Array) -> float:
    return float(abs(potential[-1] - potential[0]) / max(potential.size - 1, 1))
