"""The potentials that a measurement loop goes through, level by level."""

from __future__ import annotations

from collections.abc import Iterator

from luggin_sim.dialects.palmsens_methodscript.rules import Rules

# A span that is a whole number of steps must not lose its last one to rounding.
_TOLERANCE = 1e-6


def whole_steps(span: float, step: float) -> int:
    """How many whole steps fit into a span of either sign; the sign is the span's.

    >>> whole_steps(-1.7, 0.001), whole_steps(0.0259, 0.005)
    (-1700, 5)
    """
    count = int(abs(span) / step + _TOLERANCE)
    return count if span >= 0 else -count


def sweep(begin: float, end: float, step: float) -> Iterator[float]:
    """Levels (V) of a linear sweep, the begin potential included."""
    return (begin + k * step for k in _grid(0, whole_steps(end - begin, step), twice=True))


def cycle(begin: float, first: float, second: float, step: float, rules: Rules, *, again: bool) -> Iterator[float]:
    """Levels (V) of one scan begin, first vertex, second vertex, begin.

    All levels lie on the grid of whole steps from ``begin``. ``again``: this is not the first scan,
    and the begin potential was the last level of the scan before.
    """
    twice = rules.vertices == "twice"
    corners = (0, whole_steps(first - begin, step), whole_steps(second - begin, step), 0)
    if not again or rules.repeat_begin:
        yield begin
    at = 0
    for number, corner in enumerate(corners[1:]):
        for k in _grid(at, corner, twice=twice and number > 0):
            yield begin + k * step
        at = corner


def cycle_steps(begin: float, first: float, second: float, step: float) -> int:
    """Steps of one scan without its begin potential."""
    one, two = whole_steps(first - begin, step), whole_steps(second - begin, step)
    return abs(one) + abs(two - one) + abs(two)


def _grid(start: int, stop: int, *, twice: bool) -> range:
    """Grid numbers from ``start`` to ``stop``; ``start`` itself belongs to them only if ``twice``."""
    direction = 1 if stop >= start else -1
    return range(start if twice else start + direction, stop + direction, direction)
