"""Straight lines with uncertainties, for few points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luggin_plugins.cv.noise import Array


@dataclass(frozen=True)
class Line:
    """y = intercept + slope (x - centre), fitted with weights; ``birge`` is how much more than u the points scatter."""

    slope: float
    u_slope: float
    intercept: float
    u_intercept: float
    centre: float
    birge: float

    def at(self, x: Array) -> Array:
        """The line at some x."""
        return np.asarray(self.intercept + self.slope * (x - self.centre))

    def u_at(self, x: float) -> float:
        """Standard uncertainty of the line at x."""
        return float(np.hypot(self.u_intercept, self.u_slope * (x - self.centre)))


def fit_line(x: Array, y: Array, u: Array) -> Line:
    """Weighted least squares; where the points scatter more than their u, the scatter counts (Birge 1932).

    The intercept is given at the weighted mean of x, where it is independent of the slope.
    """
    weights = 1.0 / np.square(u)
    total = float(weights.sum())
    centre = float(weights @ x / total)
    away = x - centre
    spread = float(weights @ away**2)
    intercept = float(weights @ y / total)
    slope = float(weights @ (away * y) / spread)
    birge = birge_ratio(y - intercept - slope * away, u, 2)
    inflated = max(1.0, birge)
    return Line(slope, inflated / np.sqrt(spread), intercept, inflated / np.sqrt(total), centre, birge)


def birge_ratio(residuals: Array, u: Array, parameters: int) -> float:
    """Root of chi squared per degree of freedom; 0 where there is no degree of freedom."""
    free = residuals.size - parameters
    return float(np.sqrt(np.sum(np.square(residuals / u)) / free)) if free > 0 else 0.0


def weighted_mean(values: Array, u: Array) -> tuple[float, float, float]:
    """Mean, standard uncertainty (not smaller than the scatter allows), and the Birge ratio."""
    weights = 1.0 / np.square(u)
    mean = float(weights @ values / weights.sum())
    birge = birge_ratio(values - mean, u, 1)
    return mean, max(1.0, birge) / float(np.sqrt(weights.sum())), birge


def mean_of_scans(values: Array, u: Array) -> tuple[float, float, float]:
    """Weighted mean over voltammograms with its u and Birge ratio.

    What their uncertainties have in common (grid, resistance, calibration) does not average out, and nobody
    knows how much it is: the mean is never called better than the best of them.
    """
    mean, u_mean, birge = weighted_mean(values, u)
    return mean, max(u_mean, float(u.min())), birge
