"""The way of the potential in a sweep, in time: where it turns, when a cycle begins, how long it takes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Path:
    """Corners (V) in the order of time, gone along with one rate (V/s).

    Attributes:
        corners: from the beginning to the end.
        rate: V/s.
        cycle_begins: times (s) at which the second and each further cycle begin.
    """

    corners: tuple[float, ...]
    rate: float
    cycle_begins: tuple[float, ...] = ()

    @property
    def duration(self) -> float:
        """Time from the first to the last corner (s)."""
        return sum(abs(b - a) for a, b in itertools.pairwise(self.corners)) / self.rate

    def cycles(self, times: NDArray[Any]) -> NDArray[Any]:
        """Number of the cycle, from 1, at each of these times (s)."""
        import numpy as np

        return 1 + np.searchsorted(np.array(self.cycle_begins), times, side="right")


def path_of(name: str, given: Mapping[str, Any]) -> Path:
    """The way of an ``lsv`` or ``cv``.

    A cycle begins where the sweep passes its beginning, or at the second vertex if the beginning does
    not lie between the vertices (as `luggin.instrument.staircase` has it).

    >>> path = path_of("cv", {"begin": 0.0, "vertices": (0.2, -0.2), "end": 0.0, "cycles": 2, "rate": 0.1})
    >>> path.corners, round(path.duration, 9), [round(time, 9) for time in path.cycle_begins]
    ((0.0, 0.2, -0.2, 0.2, -0.2, 0.0), 16.0, [8.0])
    """
    rate = given["rate"]
    if name == "lsv":
        return Path((given["begin"], given["end"]), rate)
    first, second = given["vertices"]
    begin, end, cycles = given["begin"], given["end"], given["cycles"]
    corners = [begin, *(first, second) * cycles]
    if end != second:
        corners.append(end)
    passes_begin = min(first, second) <= begin <= max(first, second)
    to_begin = abs(begin - second) / rate if passes_begin else 0.0
    whole = 2 * abs(second - first) / rate
    one = (abs(first - begin) + abs(second - first)) / rate
    begins = tuple(one + to_begin + number * whole for number in range(cycles - 1))
    return Path(tuple(corners), rate, begins)
