"""Which passages of a wave count, and what forbids a number before any is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luggin.results import Refusal
from luggin_plugins.cv import refusals
from luggin_plugins.cv.adsorbed import is_adsorbed
from luggin_plugins.cv.calibration import Calibration, FittedWave, Passage
from luggin_plugins.cv.checks import CLOSEST_WAVES_V, fault_of_passage
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.irreversible import is_irreversible
from luggin_plugins.cv.radial import radial_share

LARGEST_MISFIT = 0.25  # slow, ohmic and decaying couples stay below 0.12, drifting noise above 0.3
SMALLEST_SPLIT_V = 0.080  # two couples under one pair of peaks may be told apart from here on
RATIO_WITHOUT_A_NUMBER = (0.5, 2.0)
LARGEST_RADIAL_SHARE = 0.25


@dataclass(frozen=True)
class Judged:
    """A wave after judgement: the passages that count, those that are usable, and why others are not."""

    wave: FittedWave
    counted: tuple[Passage, ...]
    usable: tuple[Passage, ...]
    faults: tuple[Refusal, ...]
    adsorbed: bool = False


def judge(vg: Voltammogram, calibration: Calibration, number: int, n: int) -> Judged:
    """Which passages of a wave count: all that can be read, without the first if there are more."""
    wave = calibration.waves[number]
    usable, faults = _sort_out(vg, wave, n)

    def refused(why: Refusal) -> Judged:
        return Judged(wave, (), (), (why, *faults))

    adsorbed = bool(usable) and is_adsorbed(vg, wave)
    gap = distance_to_next([w.centre.potential for w in calibration.waves], number)
    if not usable or adsorbed:
        return Judged(wave, tuple(usable[1:] or usable), tuple(usable), tuple(faults), adsorbed)
    if gap < CLOSEST_WAVES_V:
        return refused(refusals.overlapping(gap, ""))
    # an irreversible couple's product may come back under this wave: only the joint fit can tell
    beside = any(is_irreversible(w.centre) for k, w in enumerate(calibration.waves) if k != number)
    if wave.misfit > LARGEST_MISFIT and wave.split is None:
        return refused(refusals.not_a_wave(wave.misfit, ""))
    if wave.split is not None and wave.split < SMALLEST_SPLIT_V and not beside:
        return refused(refusals.two_in_one(wave.split, ""))
    counted = tuple(usable[1:] or usable)
    ratio = float(np.mean([abs(p.height_back / p.height_forward) for p in counted if p.height_forward != 0.0]))
    low, high = RATIO_WITHOUT_A_NUMBER
    if wave.split is None and not low <= ratio <= high:
        return refused(refusals.follow_up_reaction(ratio, ""))
    share = radial_share(vg, calibration, number)
    if share > LARGEST_RADIAL_SHARE:
        return refused(refusals.radial(share, ""))
    return Judged(wave, counted, tuple(usable), tuple(faults))


def _sort_out(vg: Voltammogram, wave: FittedWave, n: int) -> tuple[list[Passage], list[Refusal]]:
    """The passages that may be used, and the reasons against the others."""
    used, faults = [], []
    for passage in wave.passages:
        fault = fault_of_passage(vg, wave, passage, n, "")
        if fault is None:
            used.append(passage)
        else:
            faults.append(fault)
    return used, faults


def distance_to_next(potentials: Sequence[float], number: int) -> float:
    """Distance (V) from one wave to the nearest other; infinite if it is alone."""
    return min((abs(p - potentials[number]) for k, p in enumerate(potentials) if k != number), default=float("inf"))
