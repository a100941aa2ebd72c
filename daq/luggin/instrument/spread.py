"""How well a time was kept, in four numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Times are told to the nanosecond: what stands behind it is the noise of sums.
_DIGITS = 9


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean, median, 99th percentile and largest value; nothing of nothing.

    >>> spread([0.1, 0.1, 0.1, 0.3])
    {'mean': 0.15, 'p50': 0.1, 'p99': 0.3, 'max': 0.3}
    """
    if not values:
        return {}
    ordered = sorted(values)
    return {
        "mean": round(sum(ordered) / len(ordered), _DIGITS),
        "p50": _nearest_rank(ordered, 50),
        "p99": _nearest_rank(ordered, 99),
        "max": round(ordered[-1], _DIGITS),
    }


def _nearest_rank(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of all do not exceed."""
    return round(ordered[max(1, math.ceil(percent / 100 * len(ordered))) - 1], _DIGITS)
