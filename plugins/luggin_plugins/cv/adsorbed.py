"""Couples that stick to the electrode: both peaks at one potential, and symmetric."""

from __future__ import annotations

import numpy as np

from luggin_plugins.cv.calibration import FittedWave
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.peaks import breadth
from luggin_plugins.cv.theory import REVERSIBLE_BREADTH, REVERSIBLE_SEPARATION, oxidised_fraction

CLOSE = 0.5  # of the separation that diffusion peaks of this breadth would have
LARGEST_MISFIT = 0.10  # of the height
BREADTH = float(np.sqrt(2.0))  # sqrt(height / curvature) of an adsorbed wave, in RT/nF
AROUND = 5.0  # RT/nF
UNEQUAL = 0.3  # how much the charges of the two directions may differ


def is_adsorbed(vg: Voltammogram, wave: FittedWave) -> bool:
    """True if the wave's peaks have the place and the shape of an adsorbed couple.

    Of a diffusion couple, breadth and separation both go as 1/n; the peaks of an adsorbed one lie
    at one potential however broad they are, with the current ~ f (1 - f) of its oxidised fraction f
    (E. Laviron, J. Electroanal. Chem. 1979, 101, 19).
    """
    passages = [p for p in wave.passages if p.pair.back is not None]
    if not passages:
        return False
    broad = float(np.median([breadth(abs(p.height_forward), p.pair.forward.vertex.curvature) for p in passages]))
    separation = float(np.mean([p.pair.separation for p in passages]))
    if broad <= 0.0 or separation > CLOSE * broad * REVERSIBLE_SEPARATION / REVERSIBLE_BREADTH:
        return False
    return all(_has_the_shape(vg, wave, (p.pair.forward.sweep, p.pair.forward.sweep + 1), broad) for p in passages)


def _has_the_shape(vg: Voltammogram, wave: FittedWave, sweeps: tuple[int, int], broad: float) -> bool:
    slope = broad / BREADTH
    heights = []
    for number in sweeps:
        rows = vg.sweeps[number].rows
        near = np.abs(vg.potential[rows] - wave.wave.potential) <= AROUND * slope
        potential, current = vg.potential[rows][near], vg.current[rows][near]
        if potential.size < 12:
            return False
        fraction = oxidised_fraction(potential, wave.wave.potential, slope)
        design = np.array([fraction * (1.0 - fraction), np.ones(potential.size), potential - potential.mean()])
        found, *_ = np.linalg.lstsq(design.T, current, rcond=1e-9)
        height = 0.25 * float(found[0]) * vg.sweeps[number].direction
        left = float(np.sqrt(np.mean((current - found @ design) ** 2)))
        if height <= 0.0 or left > LARGEST_MISFIT * height:
            return False
        heights.append(height)
    return abs(heights[0] - heights[1]) <= UNEQUAL * max(heights)
