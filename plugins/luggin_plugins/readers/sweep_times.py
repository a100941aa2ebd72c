"""Times of a sweep from its potentials and its scan rate, for files that do not write times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REMARK = "the file has no times: they are counted from the potentials at {rate:.4g} mV/s"
SWEPT = frozenset({"cv", "lsv"})


def times_of_sweep(potential: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Time (s) of each point since the first: the way of the potential (V) so far, by the rate (V/s).

    >>> import numpy as np
    >>> times_of_sweep(np.array([0.0, 0.1, 0.2, 0.1]), 0.1).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    import numpy as np

    return np.concatenate([[0.0], np.cumsum(np.abs(np.diff(potential)))]) / rate


def needs_times(technique: str, columns: Mapping[str, object]) -> bool:
    """True for a sweep without a column of times."""
    return technique in SWEPT and "time" not in columns
