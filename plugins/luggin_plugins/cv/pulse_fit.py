"""Fits the peaks of a pulse voltammogram with what theory says a reversible couple shows.

Peaks close to one another are fitted together, each with a half-wave potential, a slope and a height,
over one straight baseline for the group. The slope is RT/nF for a reversible couple; a slower one is
broader, so that the fitted slope says how far the shape can be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luggin_plugins.cv.noise import Array, correlation_inflation
from luggin_plugins.cv.pulse_theory import Programme, reversible

#: How far (V) to both sides of its peaks a group is fitted, at least, and in units of the slope.
_REACH_V, _REACH_SLOPES = 0.12, 6.0
#: A slope may be fitted so many times smaller or larger than that of a reversible couple.
_SLOPES = (0.3, 4.0)
_FARTHEST_V = 0.06  # how far a fitted half-wave potential may move from where it was looked for
_FEWEST_SPARE_POINTS = 3


@dataclass(frozen=True)
class FittedPeak:
    """One couple: half-wave potential (V), slope relative to RT/nF, height (A), standard uncertainties."""

    half_wave: float
    u_half_wave: float
    stretch: float
    u_stretch: float
    height: float


@dataclass(frozen=True)
class FittedGroup:
    """Couples that were fitted together, and what the fit leaves (A, root mean square).

    ``rows`` are those that were fitted, ``model`` and ``baseline`` (A) the curves there.
    """

    peaks: tuple[FittedPeak, ...]
    rows: NDArray[np.int64]
    model: Array
    baseline: Array
    misfit: float


def groups_of(potentials: Sequence[float], slope: float) -> list[list[int]]:
    """Which peaks are so close that their fits would overlap, as positions, in the order of potential."""
    reach = 2.0 * _reach(slope)
    groups: list[list[int]] = []
    for number in sorted(range(len(potentials)), key=lambda k: potentials[k]):
        if groups and potentials[number] - potentials[groups[-1][-1]] < reach:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def fit_group(
    levels: Array, current: Array, programme: Programme, guesses: Sequence[float], slope: float
) -> FittedGroup | None:
    """Fit couples near ``guesses`` (half-wave potentials, V) together; None if there are too few points.

    ``slope`` is RT/nF (V); ``levels`` are all levels of the staircase, in the order of time, because
    what was done before counts.
    """
    from scipy.optimize import least_squares

    reach, count = _reach(slope), len(guesses)
    near = np.any([np.abs(levels - guess) <= reach for guess in guesses], axis=0)
    rows = np.flatnonzero(near)
    if rows.size < 3 * count + 2 + _FEWEST_SPARE_POINTS:
        return None
    measured = current[rows]
    scale = float(np.ptp(measured)) or 1.0
    straight = np.column_stack([np.ones(rows.size), (levels[rows] - guesses[0]) / reach])

    def shapes(x: Array) -> Array:
        columns = [
            reversible(levels, programme, e, slope * np.exp(w))[rows] for e, w in zip(x[:count], x[count:], strict=True)
        ]
        return np.column_stack([*columns, straight])

    def heights(columns: Array) -> Array:
        return np.asarray(np.linalg.lstsq(columns, measured, rcond=None)[0])

    def left(x: Array) -> Array:
        columns = shapes(x)
        return np.asarray((columns @ heights(columns) - measured) / scale)

    start = np.concatenate([np.asarray(guesses, dtype=np.float64), np.zeros(count)])
    low = np.concatenate([start[:count] - _FARTHEST_V, np.full(count, np.log(_SLOPES[0]))])
    high = np.concatenate([start[:count] + _FARTHEST_V, np.full(count, np.log(_SLOPES[1]))])
    found = least_squares(
        left, start, bounds=(low, high), x_scale=np.concatenate([np.full(count, slope), np.ones(count)])
    )
    columns = shapes(found.x)
    linear = heights(columns)
    model = columns @ linear
    residuals = measured - model
    freedom = rows.size - 3 * count - 2
    noise = float(np.sqrt(residuals @ residuals / freedom))
    spread = noise / scale * correlation_inflation(residuals)
    u = spread * np.sqrt(np.diag(np.linalg.pinv(found.jac.T @ found.jac)))
    stretch = np.exp(found.x[count:])
    tops = np.max(np.abs(columns[:, :count]), axis=0) * np.abs(linear[:count])
    return FittedGroup(
        peaks=tuple(
            FittedPeak(
                float(found.x[k]), float(u[k]), float(stretch[k]), float(stretch[k] * u[count + k]), float(tops[k])
            )
            for k in range(count)
        ),
        rows=rows,
        model=model,
        baseline=straight @ linear[count:],
        misfit=noise,
    )


def _reach(slope: float) -> float:
    return max(_REACH_V, _REACH_SLOPES * slope)
