"""Half-peak potentials: where the forward current has half of its height over the baseline."""

from __future__ import annotations

import numpy as np

from luggin_plugins.cv.calibration import Calibration, Passage, baseline
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.theory import REVERSIBLE_SEPARATION


def half_peak_potential(vg: Voltammogram, calibration: Calibration, number: int, passage: Passage) -> float | None:
    """Half-peak potential Ep/2 of the forward peak: half of the height over the baseline, before the top."""
    peak = passage.pair.forward
    rows = vg.sweeps[peak.sweep].rows
    centre = calibration.waves[number].centre
    base = baseline(calibration.program, calibration.expected, number, centre, peak)[rows]
    ahead = peak.direction * (peak.potential - vg.potential[rows])
    width = REVERSIBLE_SEPARATION * centre.slope
    part = (ahead > 0) & (ahead < 4.0 * width)
    over_base, height = vg.current[rows] - base, passage.height_forward
    foot = (ahead > 2.5 * width) & (ahead < 4.0 * width)
    if not centre.returns and np.count_nonzero(foot) >= 5:
        # theory's background fits a wave without return badly: let it start at the foot of the wave
        offset = float(np.mean(over_base[foot]))
        over_base, height = over_base - offset, height - offset
    if height == 0.0:
        return None
    share = (over_base / height)[part]
    below = np.flatnonzero(share < 0.5)
    if below.size == 0 or below[-1] >= share.size - 2:
        return None
    near = slice(max(0, int(below[-1]) - 3), int(below[-1]) + 5)
    potential = vg.potential[rows][part][near]
    line = np.polyfit(share[near] - 0.5, potential, 1)
    return float(line[1])
