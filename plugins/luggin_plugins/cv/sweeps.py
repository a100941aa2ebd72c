"""Cutting a voltammogram into its sweeps by the potential that was measured."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from luggin_plugins.cv.noise import Array, white_noise

SMALLEST_REVERSAL_V = 5e-3
SMALLEST_SWEEP_V = 50e-3


@dataclass(frozen=True)
class Sweep:
    """Rows ``start`` to ``stop`` (exclusive) in which the potential ran one way.

    ``direction`` is +1 for a sweep to positive potentials (anodic), -1 for the other way.
    """

    start: int
    stop: int
    direction: int

    @property
    def rows(self) -> slice:
        """The rows as a slice."""
        return slice(self.start, self.stop)

    @property
    def name(self) -> str:
        """What a peak of this sweep is called."""
        return "anodic" if self.direction > 0 else "cathodic"


def point_spacing(potential: Array) -> float:
    """Typical distance (V) between neighbouring points, rests left out; 0 if nothing moves."""
    steps = np.abs(np.diff(potential))
    moving = steps[steps > 1e-7]
    return float(np.median(moving)) if moving.size else 0.0


def cut_sweeps(potential: Array) -> tuple[Sweep, ...]:
    """The sweeps of a voltammogram, in order; every row belongs to at most one.

    A turning point counts only when the potential has come back by more than the noise, 1.5
    points and 5 mV, so a jittering readback or a staircase makes no extra sweeps. Rows at rest at
    either end of a sweep are left out, as are stretches shorter than 50 mV.
    """
    if potential.size < 3:
        return ()
    tolerance = max(SMALLEST_REVERSAL_V, 8.0 * white_noise(potential), 1.5 * point_spacing(potential))
    turns = _turning_points(potential, tolerance)
    rest = 0.2 * tolerance
    sweeps = []
    for first, last in pairwise(turns):
        part = potential[first : last + 1]
        if abs(part[-1] - part[0]) < SMALLEST_SWEEP_V:
            continue
        leaving = np.flatnonzero(np.abs(part - part[0]) > rest)[0]
        arrived = np.flatnonzero(np.abs(part - part[-1]) > rest)[-1] + 1
        start, stop = first + max(int(leaving) - 1, 0), first + min(int(arrived) + 1, part.size)
        if stop - start >= 3:
            sweeps.append(Sweep(start, stop, 1 if part[-1] > part[0] else -1))
    return tuple(sweeps)


def _turning_points(potential: Array, tolerance: float) -> list[int]:
    """Rows at which the potential turns by more than ``tolerance``, with the first and last row."""
    turns = [0]
    values = potential.tolist()
    highest = lowest = 0
    direction = 0
    for row, value in enumerate(values):
        if value > values[highest]:
            highest = row
        if value < values[lowest]:
            lowest = row
        if direction >= 0 and value < values[highest] - tolerance:
            if direction > 0 or highest > 0:
                turns.append(highest)
            direction, lowest = -1, row
            highest = row
        elif direction <= 0 and value > values[lowest] + tolerance:
            if direction < 0 or lowest > 0:
                turns.append(lowest)
            direction, highest = 1, row
            lowest = row
    turns.append(len(values) - 1)
    return sorted(set(turns))
