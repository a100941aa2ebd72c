"""From the waves of a voltammogram to the couples that have a number, and the reasons of those that have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from luggin.results import Refusal
from luggin_plugins.cv import refusals
from luggin_plugins.cv.adsorbed import is_adsorbed
from luggin_plugins.cv.calibration import Calibration, FittedWave, Passage
from luggin_plugins.cv.checks import CLOSEST_WAVES_V, fault_of_passage
from luggin_plugins.cv.estimate import Drop, Estimate, Value, estimate, neighbours_share, total, unknown_drop
from luggin_plugins.cv.evidence import (
    AROUND_WAVE_V,
    JOINT_GAP_V,
    WELL_DESCRIBED,
    believed,
    checked,
    from_joint_fit,
    needs_joint_fit,
    only_joint,
    rows_that_count,
)
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.joint import JointFit, fit_jointly
from luggin_plugins.cv.model import Centre
from luggin_plugins.cv.noise import white_noise
from luggin_plugins.cv.radial import radial_share
from luggin_plugins.cv.resistance import Resistance
from luggin_plugins.cv.semi_integral import half_wave_by_semi_integral
from luggin_plugins.cv.theory import transfer_coefficient_uncertainty

LARGEST_MISFIT = 0.25  # slow, ohmic and decaying couples stay below 0.12, drifting noise above 0.3
SMALLEST_SPLIT_V = 0.080  # two couples under one pair of peaks may be told apart from here on
SPLIT_FITS_BETTER = 0.5
RATIO_OF_A_STABLE_COUPLE = (0.7, 1.3)
RATIO_WITHOUT_A_NUMBER = (0.5, 2.0)
LARGEST_RADIAL_SHARE = 0.25
FOLLOW_UP_SHARE = 0.25  # of RT/nF: how far a lost product moves the midpoint, per lost share of its return peak
SLOW_EXCESS = 0.16  # of RT/nF: from here on resistance and slow transfer have to be told apart


@dataclass(frozen=True)
class Judged:
    """A wave after judgement: the passages that count, those that are usable, and why others are not."""

    wave: FittedWave
    counted: tuple[Passage, ...]
    usable: tuple[Passage, ...]
    faults: tuple[Refusal, ...]
    adsorbed: bool = False


@dataclass(frozen=True)
class Result:
    """One couple with a number: its wave, its estimate, verdict and flags."""

    wave: int
    estimate: Estimate
    verdict: str
    electrons: int
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Verdicts:
    """All of a voltammogram: couples with numbers, and refused waves with their reason."""

    judged: tuple[Judged, ...]
    results: tuple[Result, ...]
    refused: tuple[tuple[int, Refusal], ...]
    flags: tuple[str, ...]


def judge_all(vg: Voltammogram, calibration: Calibration, n: int, known: Resistance | None, u_scale: float) -> Verdicts:
    """Judge every wave and estimate the couples that may have a number.

    Args:
        vg: the voltammogram; its potentials are those of the surface if ``known`` is given.
        calibration: its waves against theory.
        n: electrons per wave.
        known: the resistance that was taken off.
        u_scale: standard uncertainty of the instrument's potential (V).
    """
    judged = [_judge(vg, calibration, k, n) for k in range(len(calibration.waves))]
    counted = [(j.wave, j.counted) for j in judged if j.counted]
    drop = Drop(0.0, known.u) if known is not None else unknown_drop(counted)
    fit, members = _joint(vg, calibration, judged, known)
    results: list[Result] = []
    refused: list[tuple[int, Refusal]] = []
    flags = _resistance_flags(fit, known)
    for k, this in enumerate(judged):
        if not this.counted:
            refused.append((k, _weightiest(this.faults)))
            continue
        for outcome in _couples(vg, calibration, k, this, drop, fit, members.get(k, ()), known):
            if isinstance(outcome, Refusal):
                refused.append((k, outcome))
            else:
                parts = {**outcome.parts, **({"calibration": u_scale} if u_scale else {})}
                whole = replace(outcome, parts=parts, half_wave=Value(outcome.half_wave.value, total(parts)))
                results.append(_with_verdict(k, whole, this, n))
    return Verdicts(tuple(judged), tuple(results), tuple(refused), flags)


def _couples(
    vg: Voltammogram,
    calibration: Calibration,
    number: int,
    judged: Judged,
    drop: Drop,
    fit: JointFit | None,
    members: Sequence[int],
    known: Resistance | None,
) -> list[Estimate | Refusal]:
    """The couples under one pair of peaks (mostly one), each estimated or refused."""
    wave = judged.wave
    centres = [w.centre.potential for w in calibration.waves]
    beside = neighbours_share(centres, number, wave.centre.slope)
    by_peaks = estimate(wave, judged.counted, vg.spacing, drop, beside)
    if judged.adsorbed:
        parts = {**by_peaks.parts, "switching_and_neighbours": 0.05 * wave.centre.slope}
        value = Value((by_peaks.midpoint or 0.0) - by_peaks.ohmic, total(parts))
        return [replace(by_peaks, half_wave=value, parts=parts, bias=0.0)]
    close = _distance_to_next(centres, number) < JOINT_GAP_V
    if fit is None or not members:
        gap = _distance_to_next(centres, number)
        return [refusals.close_waves_not_described(gap, "")] if close else [by_peaks]
    places = [fit.value("potential", m) for m in range(len(fit.description.slopes)) if m not in fit.description.fixed]
    found: list[Estimate | Refusal] = []
    for member in members:
        own = fit.value("potential", member)
        gap = min((abs(own - p) for p in places if p != own), default=np.inf)
        described = fit.converged and fit.misfit(vg, member, AROUND_WAVE_V) < WELL_DESCRIBED
        if gap < CLOSEST_WAVES_V:
            found.append(refusals.overlapping(gap, ""))
            continue
        if not described:
            found.append(refusals.close_waves_not_described(gap, "") if close or len(members) > 1 else by_peaks)
            continue
        u_resistance = known.u if known is not None else 0.0
        own_beside = neighbours_share(places, places.index(own), wave.centre.slope)
        by_fit = from_joint_fit(fit, vg, member, wave.centre.slope, u_resistance, own_beside)
        if len(members) > 1:
            found.append(only_joint(by_fit, "two couples under one pair of peaks, told apart by the joint fit"))
            continue
        semi = half_wave_by_semi_integral(
            vg,
            calibration.program,
            vg.current - fit.expected.background,
            own,
            np.array([p for p in places if p != own]),
            wave.centre.slope,
        )
        chosen = believed(by_peaks, by_fit, close)
        asymmetry = 2.0 * transfer_coefficient_uncertainty(wave.centre.excess, wave.centre.slope)
        by_area = Value(semi.value, float(np.hypot(semi.u, asymmetry))) if semi is not None else None
        found.append(checked(chosen, by_area))
    return found


def _joint(
    vg: Voltammogram, calibration: Calibration, judged: Sequence[Judged], known: Resistance | None
) -> tuple[JointFit | None, dict[int, tuple[int, ...]]]:
    """The joint fit where it is needed, and which of its waves belong to which wave of the peaks."""
    counted = [j for j in judged if j.counted and not j.adsorbed]
    centres = [w.centre for w in calibration.waves]
    places = [c.potential for c in centres]
    heights = [abs(p.height_forward) for j in counted for p in j.counted]
    noise = white_noise(vg.current)
    slow = any(j.wave.centre.excess > SLOW_EXCESS * j.wave.centre.slope for j in counted)
    split = any(j.wave.split is not None for j in counted)
    gaps = [_distance_to_next(places, k) for k in range(len(places))]
    if not counted or any(j.adsorbed for j in judged):
        return None, {}
    if not split and not needs_joint_fit(gaps, [noise / h for h in heights if h > 0], slow or known is not None):
        return None, {}
    rows = rows_that_count(vg)
    single = fit_jointly(vg, calibration.program, centres, calibration.expected, rows, known is None)
    members: dict[int, tuple[int, ...]] = {k: (k,) for k in range(len(centres))}
    if not split:
        return single, members
    parted: list[Centre] = []
    of_parted: dict[int, tuple[int, ...]] = {}
    for k, (centre, this) in enumerate(zip(centres, judged, strict=True)):
        apart = this.wave.split if this.counted else None
        halves = (-0.5 * apart, 0.5 * apart) if apart is not None else (0.0,)
        of_parted[k] = tuple(range(len(parted), len(parted) + len(halves)))
        excess = 0.0 if apart is not None else centre.excess
        parted += [replace(centre, potential=centre.potential + h, excess=excess) for h in halves]
    double = fit_jointly(vg, calibration.program, parted, calibration.expected, rows, known is None)
    if double is None or single is None:
        return single, members
    better = np.sum(double.residuals**2) < SPLIT_FITS_BETTER * np.sum(single.residuals**2)
    return (double, of_parted) if better else (single, members)


def _judge(vg: Voltammogram, calibration: Calibration, number: int, n: int) -> Judged:
    """Which passages of a wave count: all that can be read, without the first if there are more."""
    wave = calibration.waves[number]
    usable, faults = _sort_out(vg, wave, n)

    def refused(why: Refusal) -> Judged:
        return Judged(wave, (), (), (why, *faults))

    adsorbed = bool(usable) and is_adsorbed(vg, wave)
    gap = _distance_to_next([w.centre.potential for w in calibration.waves], number)
    if not usable or adsorbed:
        return Judged(wave, tuple(usable[1:] or usable), tuple(usable), tuple(faults), adsorbed)
    if gap < CLOSEST_WAVES_V:
        return refused(refusals.overlapping(gap, ""))
    if wave.misfit > LARGEST_MISFIT and wave.split is None:
        return refused(refusals.not_a_wave(wave.misfit, ""))
    if wave.split is not None and wave.split < SMALLEST_SPLIT_V:
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


def _with_verdict(number: int, found: Estimate, judged: Judged, n: int) -> Result:
    """The couple with what is to be said about it."""
    wave = judged.wave
    flags = ["single cycle"] if len(judged.usable) == 1 else []
    if wave.wave.lost:
        flags.append(f"return peak missing in {len(wave.wave.lost)} further passages")
    verdict = "reversible" if found.reversible else "quasi-reversible"
    if judged.adsorbed:
        verdict = "adsorbed"
        flags.append(f"peaks closer than {57 / n:.0f} mV: adsorption")
    elif wave.electrons > n:
        flags.append(f"peaks closer than {57 / n:.0f} mV: n > {n} or adsorption")
    low, high = RATIO_OF_A_STABLE_COUPLE
    if found.ratio is not None and not judged.adsorbed and not low <= found.ratio.value <= high:
        if found.ratio.value < low:
            verdict = "EC"
        flags.append(f"follow-up reaction? peak current ratio {found.ratio.value:.2f}")
        moved = FOLLOW_UP_SHARE * wave.centre.slope * abs(1.0 - found.ratio.value)
        parts = {**found.parts, "follow_up_reaction": moved}
        found = replace(found, parts=parts, half_wave=Value(found.half_wave.value, total(parts)))
    if found.midpoint is not None and not judged.adsorbed and all(p.bias is None for p in wave.passages):
        flags.append("switching bias not corrected")
    return Result(number, found, verdict, wave.electrons, tuple(flags))


def _weightiest(faults: Sequence[Refusal]) -> Refusal:
    """The reason to give when passages failed for several: that the scan just ended is the weakest."""
    return next((f for f in faults if f.code != "incomplete-sweep"), faults[0])


def _distance_to_next(potentials: Sequence[float], number: int) -> float:
    return min((abs(p - potentials[number]) for k, p in enumerate(potentials) if k != number), default=float("inf"))


def _resistance_flags(fit: JointFit | None, known: Resistance | None) -> tuple[str, ...]:
    """What is to be said about the resistance of the solution."""
    if known is not None:
        return (f"resistance {known.value:.4g} ohm taken off, {known.source}",)
    if fit is not None and fit.converged and fit.value("resistance") > 0.0:
        return (f"resistance not measured; the shape of the waves suggests {fit.value('resistance'):.2g} ohm",)
    return ()
