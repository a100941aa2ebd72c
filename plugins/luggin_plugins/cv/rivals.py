"""Telling one wave from two couples that are hidden under one pair of peaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.model import Centre, Expected, Program, wave_current
from luggin_plugins.cv.noise import Array, white_noise

AROUND_WAVE_V = 0.120
SMALLEST_MISFIT, LARGEST_MISFIT = 0.02, 0.5  # between them a second wave is worth a try
TWO_FIT_BETTER = 1 / 3
GAPS_V = (0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10, 0.11, 0.12, 0.13)
SHIFTS_V = (-0.01, 0.0, 0.01)


def two_in_one(
    vg: Voltammogram,
    program: Program,
    centre: Centre,
    number: int,
    expected: Expected,
    height: float,
) -> tuple[float, float | None]:
    """Relative misfit of a wave, and how far apart two reversible waves in its place would stand.

    Two couples less than about 130 mV apart show a single pair of peaks, just as far apart as
    those of one slow couple, but the shape between them is another. Two waves are believed only if
    they leave less than a third of what the one leaves.
    """
    around = np.abs(vg.potential - centre.potential) <= AROUND_WAVE_V

    def misfit(current: Array) -> float:
        return float(np.sqrt(np.mean((vg.current - current)[around] ** 2))) / height

    if height == 0.0 or not centre.returns or not np.any(around):
        return 0.0, None
    single = misfit(expected.current)
    noise = white_noise(vg.current) / height
    beyond_noise = float(np.sqrt(max(single**2 - noise**2, 0.0)))
    if beyond_noise < SMALLEST_MISFIT:
        return beyond_noise, None
    if single > LARGEST_MISFIT:
        return beyond_noise, None
    # all trial waves stand on a common grid of potentials, so each is computed once
    offsets = sorted({round(s + sign * 0.5 * g, 4) for g in GAPS_V for s in SHIFTS_V for sign in (-1, 1)})
    shapes = {
        o: program.to_rows(wave_current(program, replace(centre, potential=centre.potential + o, excess=0.0)))[around]
        for o in offsets
    }
    left_over = (vg.current - expected.without(number))[around]
    potential = vg.potential[around] - centre.potential
    turn = np.sign(np.gradient(potential)) * np.abs(expected.heights[number])
    rest = [turn, np.ones(potential.size), potential]
    best, split = single, None
    for gap in GAPS_V:
        for shift in SHIFTS_V:
            pair = [shapes[round(shift + sign * 0.5 * gap, 4)] for sign in (-1, 1)]
            design = np.array([*pair, *rest]).T
            scale = np.linalg.norm(design, axis=0)
            scale[scale == 0.0] = 1.0
            heights, *_ = np.linalg.lstsq(design / scale, left_over, rcond=1e-9)
            left = float(np.sqrt(np.mean((left_over - design / scale @ heights) ** 2))) / height
            both = heights[:2] / scale[:2] * np.sign(expected.heights[number])
            if left < best and min(both) > 0.2 * max(both):
                best, split = left, gap
    return beyond_noise, split if best < TWO_FIT_BETTER * single else None
