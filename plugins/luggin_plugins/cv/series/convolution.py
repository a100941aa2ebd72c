"""The limiting semi-integral of each couple, and the height of its first peak over a measured background.

Far behind its wave, the semi-integral m of the current of a couple is m_lim = n F A C sqrt(D), at any scan
rate, however slow the transfer and whatever the resistance of the solution (K. B. Oldham and J. Spanier,
J. Electroanal. Chem. 1970, 26, 331; Imbeaux and Saveant, ibid. 1973, 44, 169). Only the rows on the plateaux
are used, together with a double layer, a residual current and a leak: what lies between the plateaux is
drawn, and nothing is read from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.noise import Array, white_noise
from luggin_plugins.cv.series.scans import Wave
from luggin_plugins.cv.theory import REVERSIBLE_SEPARATION, oxidised_fraction, semi_derivative

PLATEAU = 6.0  # RT/nF from the place of the wave: there the plateau is reached to 0.25 %
FEWEST_ROWS = 20
MODEL_SHARE = 0.01  # relative standard uncertainty from a background that is no straight line
PEAK_V = 0.035  # half width in which a quartic follows a peak
FIRST_LOOK_V = 0.050
_QUARTIC = 1.9  # how much noisier its top is than a mean of as many rows


@dataclass(frozen=True)
class Limit:
    """One couple: ``limit`` (A s^1/2) of its semi-integral, ``height`` (A, signed) of its first peak, and their u."""

    label: str
    limit: float
    u_limit: float
    height: float
    u_height: float


@dataclass(frozen=True)
class Plateaux:
    """The semi-integral (A s^1/2) without double layer and residual current, and the couples.

    ``levels`` are its plateaux, each drawn as far as the half-wave potentials on both sides.
    """

    potential: Array
    values: Array
    levels: Array
    couples: tuple[Limit, ...]


def semi_integral(values: Array, dt_s: float) -> Array:
    """d^-1/2 values / dt^-1/2 on an equidistant grid, from rest: (unit of values) s^1/2.

    The semi-derivative of the running integral.

    >>> bool(abs(semi_integral(np.ones(400), 0.01)[-1] - 2.0 * np.sqrt(3.99 / np.pi)) < 1e-3)
    True
    """
    running = np.concatenate(([0.0], np.cumsum(0.5 * (values[1:] + values[:-1])) * dt_s))
    return semi_derivative(running, dt_s)


def plateaux(vg: Voltammogram, waves: Sequence[Wave], slope_v: float) -> Plateaux | None:
    """Steps of the semi-integral at all waves of a voltammogram; None where they have no plateaux.

    Args:
        vg: the voltammogram.
        waves: all of its couples.
        slope_v: RT/nF (V).
    """
    if not waves:
        return None
    time = np.linspace(vg.time[0], vg.time[-1], vg.time.size)
    dt = float(time[1] - time[0])
    potential, current = np.interp(time, vg.time, vg.potential), np.interp(time, vg.time, vg.current)
    shapes = np.array([_oxidised(potential, vg, time, w, slope_v) for w in waves])
    shapes -= shapes[:, :1]
    sources = np.array([np.gradient(potential, dt), np.ones(time.size), potential])
    design = np.vstack([shapes, *(semi_integral(s, dt)[None] for s in sources)])
    used = np.all([np.abs(potential - w.potential) >= PLATEAU * slope_v + _lag(w, slope_v) for w in waves], axis=0)
    if np.count_nonzero(used) < FEWEST_ROWS + 4 * len(waves) or not all(_passed_whole(s[used]) for s in shapes):
        return None
    values = semi_integral(current, dt)
    scale = np.sqrt(np.mean(design[:, used] ** 2, axis=1))
    found, *_ = np.linalg.lstsq((design[:, used] / scale[:, None]).T, values[used], rcond=1e-9)
    found = found / scale
    count = len(waves)
    clean = values - found[count:] @ design[count:]
    level = found[:count] @ shapes
    u = float(np.sqrt(np.mean((clean - level)[used] ** 2)))  # neighbours share their noise: it does not average out
    faradaic = current - found[count:] @ sources
    couples = []
    for k, wave in enumerate(waves):
        others = [j for j in range(count) if j != k]
        alone = faradaic - np.sum([found[j] * semi_derivative(shapes[j], dt) for j in others], axis=0)
        first = next(s for s in vg.sweeps if s.direction == (1 if wave.potential > potential[0] else -1))
        until = int(np.searchsorted(time, vg.time[first.stop - 1]))
        top, u_top = _first_peak(potential[:until], alone[:until], wave, slope_v, white_noise(vg.current))
        limit = abs(float(found[k]))
        couples.append(
            Limit(
                wave.label,
                limit,
                float(np.hypot(u, MODEL_SHARE * limit)),
                top,
                float(np.hypot(u_top, MODEL_SHARE * top)),
            )
        )
    stairs = np.array([potential > w.potential for w in waves], dtype=np.float64)
    return Plateaux(potential, clean, found[:count] @ (stairs - stairs[:, :1]), tuple(couples))


def _oxidised(potential: Array, vg: Voltammogram, time: Array, wave: Wave, slope_v: float) -> Array:
    """Oxidised share of a wave that stands where its peaks do: moved by half of their excess with each sweep."""
    direction = np.zeros(vg.time.size)
    for sweep in vg.sweeps:
        direction[sweep.rows] = sweep.direction
    nearest = np.clip(np.searchsorted(vg.time, time), 0, vg.time.size - 1)
    return oxidised_fraction(potential, wave.potential + 0.5 * _lag(wave, slope_v) * direction[nearest], slope_v)


def _lag(wave: Wave, slope_v: float) -> float:
    """By how much (V) the peaks stand farther apart than those of a reversible couple."""
    return max(0.0, (wave.separation or 0.0) - REVERSIBLE_SEPARATION * slope_v)


def _passed_whole(shape: Array) -> bool:
    """True if the rows on plateaux lie on both sides of the wave."""
    return bool(np.ptp(shape) > 0.9)


def _first_peak(potential: Array, current: Array, wave: Wave, slope_v: float, noise: float) -> tuple[float, float]:
    """Height (A, signed) of the first peak of a wave in a current without background, and its u from noise."""
    way = 1.0 if wave.potential > potential[0] else -1.0
    signed = way * current
    centre = wave.potential + 0.5 * way * (wave.separation or REVERSIBLE_SEPARATION * slope_v)
    for half_width in (FIRST_LOOK_V, PEAK_V):
        near = np.abs(potential - centre) <= half_width
        polynomial = np.polyfit(potential[near] - centre, signed[near], 4)
        fine = np.linspace(-half_width, half_width, 281)
        heights = np.polyval(polynomial, fine)
        top = float(heights.max())
        centre += float(fine[int(np.argmax(heights))])
    return way * top, _QUARTIC * noise / float(np.sqrt(np.count_nonzero(near)))
