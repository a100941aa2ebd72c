"""Times of a sweep from its potentials and its scan rate, for files that do not write times."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from luggin_plugins.readers.mapping import Mapping
    from luggin_plugins.readers.textfile import TextFile

REMARK = "the file has no times: they are counted from the potentials at {rate:.4g} mV/s"
SWEPT = frozenset({"cv", "lsv"})


def times_of_sweep(potential: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Time (s) of each point since the first: the way of the potential (V) so far, by the rate (V/s).

    >>> import numpy as np
    >>> times_of_sweep(np.array([0.0, 0.5, 1.0, 0.5]), 0.25).tolist()
    [0.0, 2.0, 4.0, 6.0]
    """
    import numpy as np

    return np.concatenate([[0.0], np.cumsum(np.abs(np.diff(potential)))]) / rate


def needs_times(technique: str, columns: Collection[str]) -> bool:
    """True for a sweep without a column of times."""
    return technique in SWEPT and "time" not in columns


def stated_times(
    file: TextFile, mapping: Mapping, columns: dict[str, NDArray[Any]]
) -> tuple[dict[str, NDArray[Any]], str]:
    """The columns with times by the scan rate of a mapping, and what is to be said of them.

    Raises:
        FileFormatError: the mapping states no rate.
    """
    if mapping.rate is None:
        file.fail(
            "it does not say the scan rate, from which the times follow; write it into "
            f'{mapping.path.name} beside it, or into another file for --map: rate = "100 mV/s"'
        )
    times = times_of_sweep(columns["potential"], mapping.rate)
    return {"time": times, **columns}, REMARK.format(rate=1e3 * mapping.rate)
