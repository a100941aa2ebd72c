"""Half-wave potentials from the semi-integral: no peaks, no baseline of a return peak.

The semi-integral of the current of a couple is a wave with two plateaus; E1/2 lies midway between
them (K. B. Oldham, Anal. Chem. 1972, 44, 196; Imbeaux and Saveant, J. Electroanal. Chem. 1973,
44, 169). Only where one form is absent from the solution is the lower plateau zero, so "at half of
the limiting value" would be wrong for a scan that begins between its waves. It shares the
background with the other methods, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.kinetics import SemiDerivative
from luggin_plugins.cv.model import Program
from luggin_plugins.cv.noise import Array, white_noise

FROM_WAVE = 4.5  # RT/nF from the wave its plateau is reached to 1 %
PLATEAU = 2.0  # RT/nF: the shortest plateau that is believed
LONGEST_PLATEAU_V = 0.100
CENTRE = 1.5  # RT/nF around E1/2 in which the wave is nearly straight on a logarithmic scale
FEWEST_POINTS = 6


@dataclass(frozen=True)
class SemiIntegralValue:
    """E1/2 (V) of one wave from its semi-integral, with the standard uncertainty from noise and sweeps."""

    value: float
    u: float
    sweeps: int


def semi_integral(program: Program, current: Array) -> Array:
    """Semi-integral (A s^1/2) of a current (A, on the grid) from rest: the inverse of the semi-derivative.

    The current is taken as linear between the points, which is exact for a product integration.
    """
    semi = SemiDerivative.on_grid(program.time.size, program.dt)
    # the semi-integral is the running integral of the current, differentiated by half
    integral = np.concatenate(([0.0], np.cumsum(0.5 * (current[1:] + current[:-1])) * program.dt))
    return semi(integral)


def half_wave_by_semi_integral(
    vg: Voltammogram,
    program: Program,
    faradaic: Array,
    centre: float,
    neighbours: Array,
    slope_v: float,
) -> SemiIntegralValue | None:
    """E1/2 midway between the plateaus of each sweep, on average of pairs of sweeps; None without plateaus.

    Slow transfer and resistance move the two directions of a pair oppositely, so only whole pairs
    count. Where the next wave or the end of the sweep leaves no plateau, there is no value.

    Args:
        vg: the voltammogram.
        program: its grid of time.
        faradaic: current (A, rows) without double layer and residual current.
        centre: about where the wave lies (V).
        neighbours: potentials of the other waves (V).
        slope_v: RT/nF (V).
    """
    values = program.to_rows(semi_integral(program, np.interp(program.time, program.rows_time, faradaic)))
    noise = white_noise(values)
    found: dict[int, float] = {}
    spreads = []
    for number, sweep in enumerate(vg.sweeps):
        crossing = _crossing(vg.potential[sweep.rows], values[sweep.rows], centre, neighbours, slope_v)
        if crossing is not None:
            found[number], steepness = crossing
            spreads.append(noise / steepness)
    pairs = [0.5 * (found[k] + found[k + 1]) for k in found if k + 1 in found]
    pairs = pairs[1:] if len(pairs) > 2 else pairs
    if not pairs:
        return None
    scatter = float(np.std(pairs, ddof=1)) / np.sqrt(len(pairs)) if len(pairs) > 1 else 0.0
    # a fifth of a pair's distance: background and plateaus are extrapolated, not measured, at E1/2
    extrapolated = 0.2 * float(np.mean([abs(found[k + 1] - found[k]) for k in found if k + 1 in found]))
    u = float(np.sqrt(np.mean(spreads) ** 2 + scatter**2 + (0.1 * extrapolated) ** 2 + (0.02 * slope_v) ** 2))
    return SemiIntegralValue(float(np.mean(pairs)), u, len(found))


def _crossing(
    potential: Array, values: Array, centre: float, neighbours: Array, slope_v: float
) -> tuple[float, float] | None:
    """Potential (V) midway between the plateaus of one sweep, and the steepness (A s^1/2 / V) there."""
    plateaus = []
    for side in (-1, 1):
        away = side * (potential - centre)
        others = side * (np.asarray(neighbours) - centre)
        until = min(
            FROM_WAVE * slope_v + LONGEST_PLATEAU_V,
            float(np.min(others[others > 0], initial=np.inf)) - FROM_WAVE * slope_v,
            float(np.max(away)) - 2e-3,
        )
        inside = (away >= FROM_WAVE * slope_v) & (away <= until)
        if until - FROM_WAVE * slope_v < PLATEAU * slope_v or np.count_nonzero(inside) < FEWEST_POINTS:
            return None
        plateaus.append(np.polyfit(potential[inside] - centre, values[inside], 1))
    near = np.abs(potential - centre) <= CENTRE * slope_v
    if np.count_nonzero(near) < FEWEST_POINTS:
        return None
    x = potential[near] - centre
    low, high = (np.polyval(p, x) for p in plateaus)
    share = (values[near] - low) / (high - low)
    if np.any((share <= 0.0) | (share >= 1.0)) or not np.all(np.isfinite(share)):
        return None
    line = np.polyfit(x, np.log(share / (1.0 - share)), 1, w=np.sqrt(share * (1.0 - share)))
    height = abs(float(np.polyval(plateaus[1], 0.0) - np.polyval(plateaus[0], 0.0)))
    if line[0] <= 0.0 or height == 0.0:
        return None
    return centre - float(line[1] / line[0]), height * float(line[0]) / 4.0
