"""How noisy a column is, judged from its own differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MAD_TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution
_MAXIMUM_INFLATION = 5.0


def white_noise(values: Array) -> float:
    """Standard deviation of the point-to-point noise.

    Third differences remove any smooth curve (a peak is locally a parabola); for white noise
    their variance is 1 + 9 + 9 + 1 = 20 times that of a point. The median makes single spikes and
    range changes harmless.
    """
    if values.size < 8:
        return 0.0
    third = np.diff(values, 3)
    return float(_MAD_TO_SIGMA * np.median(np.abs(third - np.median(third))) / np.sqrt(20.0))


def correlation_inflation(residuals: Array) -> float:
    """Factor by which correlated noise widens the uncertainty of a fit: sqrt((1 + r) / (1 - r)).

    ``r`` is the lag-1 correlation of the residuals (first-order autoregressive noise; filtered
    currents have it). Never below 1, and at most 5.
    """
    spread = float(np.dot(residuals, residuals))
    if residuals.size < 8 or spread <= 0.0:
        return 1.0
    r = float(np.dot(residuals[1:], residuals[:-1])) / spread
    if r <= 0.0:
        return 1.0
    return float(min(_MAXIMUM_INFLATION, np.sqrt((1.0 + r) / max(1.0 - r, 1e-6))))
