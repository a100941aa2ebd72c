"""A smaller couple hidden beside a wave: it makes no peak of its own, but pulls at that of the wave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.joint import JointFit
from luggin_plugins.cv.model import Centre, Program, wave_current

OFFSETS_V = tuple(0.02 * k for k in range(-11, 12) if abs(k) >= 2)
SMALLEST = 0.01  # of the wave's height


def companion_of(vg: Voltammogram, program: Program, fit: JointFit, number: int, centre: Centre) -> Centre | None:
    """Where a smaller couple beside a wave would explain most of what a fit leaves; None if none would.

    Every place on a grid is tried with all parameters of the fit free in first order, so that what
    a moved or slower wave would explain as well counts for nothing.
    """
    own = fit.value("potential", number)
    height = fit.expected.heights[number]
    scale = np.linalg.norm(fit.design, axis=1)
    scale[scale == 0.0] = 1.0
    known, _ = np.linalg.qr((fit.design / scale[:, None]).T)
    best, place = 0.0, None
    for offset in OFFSETS_V:
        trial = replace(centre, potential=own + offset, excess=0.0, returns=True)
        shape = program.to_rows(wave_current(program, trial))[fit.used]
        fresh = shape - known @ (known.T @ shape)
        norm = float(fresh @ fresh)
        share = float(fresh @ fit.residuals) / norm / height if norm > 1e-12 * float(shape @ shape) else 0.0
        explained = share * share * height * height * norm
        if SMALLEST < share < 1.0 and explained > best:
            best, place = explained, trial
    return place
