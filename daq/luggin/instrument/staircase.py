"""A sweep of the potential as a staircase: the levels that an instrument steps through, one for each point."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Levels are multiples of a nanovolt: far below any source, and free of the noise of sums of steps.
_DIGITS = 9
# A piece that is longer than so many steps by less than this part of a step ends with a whole step.
_WHOLE = 1e-6


@dataclass(frozen=True)
class Staircase:
    """Levels in the order of time.

    Attributes:
        levels: V against the reference; the first is where the sweep begins.
        cycles: cycle of each level, from 1. A cycle begins where the sweep passes its beginning, or at
            the second vertex if the beginning does not lie between the vertices.
        turns: positions of the levels at which the sweep turns, and of the last one.
    """

    levels: tuple[float, ...]
    cycles: tuple[int, ...]
    turns: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.levels)


def cyclic(begin: float, vertices: tuple[float, float], end: float, cycles: int, step: float) -> Staircase:
    """From begin to the first and the second vertex, for each further cycle to both again, then to the end.

    >>> cyclic(0.0, (0.2, -0.1), 0.0, 1, 0.1).levels
    (0.0, 0.1, 0.2, 0.1, 0.0, -0.1, 0.0)
    >>> len(cyclic(0.0, (-1.7, 0.2), 0.0, 2, 0.001))
    7601
    """
    first, second = vertices
    passes_begin = min(vertices) <= begin <= max(vertices)
    levels, numbers, turns = [round(begin, _DIGITS)], [1], [0]
    points = [begin, *vertices * cycles, end]
    for piece, (here, there) in enumerate(itertools.pairwise(points)):
        cycle = piece // 2 + 1
        returning = piece % 2 == 0 and 0 < piece < 2 * cycles
        for level in _between(here, there, step):
            late = returning and passes_begin and (level - begin) * (first - second) <= 0
            levels.append(level)
            numbers.append(min(cycle - 1 if late else cycle, cycles))
        turns.append(len(levels) - 1)
    return Staircase(tuple(levels), tuple(numbers), tuple(dict.fromkeys(turns)))


def linear(begin: float, end: float, step: float) -> Staircase:
    """One straight sweep.

    >>> linear(0.0, 0.25, 0.1).levels
    (0.0, 0.1, 0.2, 0.25)
    """
    levels = (round(begin, _DIGITS), *_between(begin, end, step))
    return Staircase(levels, (1,) * len(levels), (0, len(levels) - 1))


def of_technique(name: str, parameters: Mapping[str, Any]) -> Staircase:
    """The staircase of a ``cv`` or ``lsv`` with the parameters of `luggin.capabilities.Technique`."""
    if name == "lsv":
        return linear(parameters["begin"], parameters["end"], parameters["step"])
    first, second = parameters["vertices"]
    return cyclic(parameters["begin"], (first, second), parameters["end"], parameters["cycles"], parameters["step"])


def uneven(staircase: Staircase, step: float) -> int:
    """How many steps are smaller than asked for, because a piece is no whole number of steps long."""
    pairs = itertools.pairwise(staircase.levels)
    return sum(not math.isclose(abs(b - a), step, rel_tol=1e-3, abs_tol=10.0**-_DIGITS) for a, b in pairs)


def _between(here: float, there: float, step: float) -> Sequence[float]:
    """The levels behind ``here`` up to and including ``there``; the last step may be smaller."""
    count = math.ceil(abs(there - here) / step - _WHOLE)
    signed = math.copysign(step, there - here)
    return [round(here + k * signed if k < count else there, _DIGITS) for k in range(1, count + 1)]
