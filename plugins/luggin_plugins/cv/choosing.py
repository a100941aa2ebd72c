"""Whether all waves are to be fitted together, and which description of them is believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from luggin_plugins.cv.calibration import Calibration
from luggin_plugins.cv.companions import companion_of
from luggin_plugins.cv.evidence import AROUND_WAVE_V, JOINT_GAP_V, JOINT_NOISE, WELL_DESCRIBED, rows_that_count
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.irreversible import is_irreversible
from luggin_plugins.cv.joint import JointFit, fit_jointly
from luggin_plugins.cv.model import Centre
from luggin_plugins.cv.noise import white_noise
from luggin_plugins.cv.reading import Judged, distance_to_next
from luggin_plugins.cv.resistance import Resistance

UNDERSTOOD = 5e-3  # of a wave's height left over: as little as that needs no further explanation
REACH_OF_BAD_V = 0.250
SPLIT_FITS_BETTER = 0.5
A_COUPLE_OF_ITS_OWN = 0.2  # of the height of the wave beside it
HALF = 0.5  # of a misfit must be explained by one couple more
SLOW_EXCESS = 0.16  # of RT/nF: from here on resistance and slow transfer have to be told apart


def joint_fit(
    vg: Voltammogram, calibration: Calibration, judged: Sequence[Judged], known: Resistance | None
) -> tuple[JointFit | None, dict[int, tuple[int, ...]]]:
    """The joint fit where it is needed, and which of its waves belong to which wave of the peaks.

    The simplest description counts that leaves no more than noise: one wave per pair of peaks and a
    stable product, unless two waves or a product that reacts on leave far less.
    """
    counted = [j for j in judged if j.counted]
    if not counted or any(j.adsorbed for j in judged) or not _needs_joint_fit(vg, calibration, counted, known):
        return None, {}
    centres = [w.centre for w in calibration.waves]
    rows = rows_that_count(vg)

    def fitted(places: Sequence[Centre], follow_up: bool = False, irreversible: bool = False) -> JointFit | None:
        program, expected = calibration.program, calibration.expected
        return fit_jointly(vg, program, places, expected, rows, known is None, follow_up, irreversible)

    members: dict[int, tuple[int, ...]] = {k: (k,) for k in range(len(centres))}
    irreversible = any(is_irreversible(c) for c in centres)
    best = (fitted(centres, irreversible=True) if irreversible else None) or fitted(centres)
    if best is None:
        return None, {}
    misfit = max(best.misfit(vg, k, AROUND_WAVE_V) for k, c in enumerate(centres) if c.returns)
    if not irreversible and (misfit > UNDERSTOOD or not best.converged):
        lossy = fitted(centres, follow_up=True)
        if lossy is not None and _much_better(lossy, best, len(centres)):
            best = lossy
    bad = [k for k, c in enumerate(centres) if c.returns and best.misfit(vg, k, AROUND_WAVE_V) > WELL_DESCRIBED]
    if bad and len(bad) < sum(c.returns for c in centres):
        rows &= ~_only_near(vg, [centres[k].potential for k in bad], [c.potential for c in centres])
        best = fitted(centres) or best
    if any(j.wave.split is not None for j in counted):
        parted, of_parted = _parted(centres, judged)
        double = fitted(parted)
        if double is not None and np.sum(double.residuals**2) < SPLIT_FITS_BETTER * np.sum(best.residuals**2):
            return double, of_parted
    more = _with_companion(vg, calibration, centres, best, fitted)
    if more is None:
        return best, members
    with_companion, beside = more
    heights = np.abs(with_companion.expected.heights)
    if heights[-1] >= A_COUPLE_OF_ITS_OWN * heights[beside]:
        members[beside] = (beside, len(centres))
    return with_companion, members


def _with_companion(
    vg: Voltammogram,
    calibration: Calibration,
    centres: Sequence[Centre],
    best: JointFit,
    fitted: Callable[[Sequence[Centre]], JointFit | None],
) -> tuple[JointFit, int] | None:
    """The fit with one smaller couple more beside the wave that is understood least, if far less is left of it."""
    misfits = {k: best.misfit(vg, k, AROUND_WAVE_V) for k, c in enumerate(centres) if c.returns}
    worst = max(misfits, key=lambda k: misfits[k])
    if misfits[worst] <= UNDERSTOOD and best.converged:
        return None
    companion = companion_of(vg, calibration.program, best, worst, centres[worst])
    if companion is None:
        return None
    more = fitted([*centres, companion])
    if more is None or more.value("potential", len(centres)) == more.value("potential", worst):
        return None
    small = abs(more.expected.heights[-1]) < abs(more.expected.heights[worst])
    chance = not _much_better(more, best, 1)
    return (
        (more, worst)
        if small and not chance and more.misfit(vg, worst, AROUND_WAVE_V) < HALF * misfits[worst]
        else None
    )


def _only_near(vg: Voltammogram, bad: Sequence[float], all_places: Sequence[float]) -> NDArray[np.bool_]:
    """Rows around waves that no description fits, as far as they are not nearer to a good one."""
    good = [p for p in all_places if p not in bad]
    to_bad = np.min([np.abs(vg.potential - p) for p in bad], axis=0)
    to_good = np.min([np.abs(vg.potential - p) for p in good], axis=0)
    return np.asarray((to_bad < REACH_OF_BAD_V) & (to_bad < to_good))


def _needs_joint_fit(
    vg: Voltammogram, calibration: Calibration, counted: Sequence[Judged], known: Resistance | None
) -> bool:
    """True if peaks alone are not good enough: close waves, noise, or a shape that is not that of theory."""
    places = [w.centre.potential for w in calibration.waves]
    gaps = [distance_to_next(places, k) for k in range(len(places))]
    heights = [abs(p.height_forward) for j in counted for p in j.counted]
    noise = white_noise(vg.current) / max(min(heights, default=0.0), 1e-30)
    slow = any(j.wave.centre.excess > SLOW_EXCESS * j.wave.centre.slope for j in counted)
    strange = any(j.wave.misfit > UNDERSTOOD or j.wave.split is not None for j in counted)
    return known is not None or slow or strange or min(gaps) < JOINT_GAP_V or noise > JOINT_NOISE


def _parted(centres: Sequence[Centre], judged: Sequence[Judged]) -> tuple[list[Centre], dict[int, tuple[int, ...]]]:
    """The centres with two in the place of each wave that looks like two, and where those of each wave stand."""
    parted: list[Centre] = []
    members: dict[int, tuple[int, ...]] = {}
    for k, (centre, this) in enumerate(zip(centres, judged, strict=True)):
        apart = this.wave.split if this.counted else None
        halves = (-0.5 * apart, 0.5 * apart) if apart is not None else (0.0,)
        members[k] = tuple(range(len(parted), len(parted) + len(halves)))
        excess = 0.0 if apart is not None else centre.excess
        parted += [replace(centre, potential=centre.potential + h, excess=excess) for h in halves]
    return parted, members


def _much_better(one: JointFit, other: JointFit, more: int) -> bool:
    """True if a fit with ``more`` further parameters leaves so much less that chance is ruled out."""
    left, before = float(np.sum(one.residuals**2)), float(np.sum(other.residuals**2))
    noise = left / max(one.residuals.size - one.design.shape[0], 1)
    return one.converged and before - left > max(15.0 * more * noise, 0.02 * before)
