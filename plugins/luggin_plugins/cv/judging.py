"""From the waves of a voltammogram to the couples that have a number, and the reasons of those that have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from luggin.results import Refusal
from luggin_plugins.cv import refusals
from luggin_plugins.cv.calibration import Calibration, FittedWave
from luggin_plugins.cv.checks import CLOSEST_WAVES_V
from luggin_plugins.cv.choosing import joint_fit
from luggin_plugins.cv.estimate import Drop, Estimate, Value, estimate, neighbours_share, total, unknown_drop
from luggin_plugins.cv.evidence import (
    AROUND_WAVE_V,
    JOINT,
    JOINT_GAP_V,
    PERFECTLY_DESCRIBED,
    WELL_DESCRIBED,
    believed,
    checked,
    from_joint_fit,
    only_joint,
)
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.joint import JointFit
from luggin_plugins.cv.reading import Judged, distance_to_next, judge
from luggin_plugins.cv.resistance import Resistance
from luggin_plugins.cv.semi_integral import half_wave_by_semi_integral
from luggin_plugins.cv.theory import transfer_coefficient_uncertainty

RATIO_OF_A_STABLE_COUPLE = (0.7, 1.3)
STRANGEST = 0.06  # of a wave's height left over: beyond, the midpoint of its peaks may be anywhere
FOLLOW_UP_SHARE = 0.25  # of RT/nF: how far a lost product moves the midpoint, per lost share of its return peak


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
    judged = [judge(vg, calibration, k, n) for k in range(len(calibration.waves))]
    counted = [(j.wave, j.counted) for j in judged if j.counted]
    drop = Drop(0.0, known.u) if known is not None else unknown_drop(counted)
    fit, members = joint_fit(vg, calibration, judged, known)
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
    close = distance_to_next(centres, number) < JOINT_GAP_V
    if fit is None or not members:
        gap = distance_to_next(centres, number)
        return [refusals.close_waves_not_described(gap, "")] if close else [by_peaks]
    sought = [m for m in range(len(fit.description.slopes)) if fit.description.place("slowness", m) is not None]
    found: list[Estimate | Refusal] = []
    for member in members:
        others = [fit.value("potential", m) for m in sought if m != member]
        gap = min((abs(fit.value("potential", member) - p) for p in others), default=np.inf)
        misfit = fit.misfit(vg, member, AROUND_WAVE_V)
        if gap < CLOSEST_WAVES_V:
            found.append(refusals.overlapping(gap, ""))
        elif member in sought and misfit < (WELL_DESCRIBED if fit.converged else PERFECTLY_DESCRIBED):
            found.append(_by_fit(vg, calibration, wave, by_peaks, fit, member, others, known, len(members) > 1))
        elif close or len(members) > 1:
            found.append(refusals.close_waves_not_described(gap, ""))
        else:
            found.append(_not_understood(by_peaks, wave))
    return found


def _by_fit(
    vg: Voltammogram,
    calibration: Calibration,
    wave: FittedWave,
    by_peaks: Estimate,
    fit: JointFit,
    member: int,
    others: Sequence[float],
    known: Resistance | None,
    one_of_two: bool,
) -> Estimate:
    """A couple as the joint fit has it, beside its peaks and its semi-integral."""
    own, slope = fit.value("potential", member), wave.centre.slope
    u_resistance = known.u if known is not None else 0.0
    by_fit = from_joint_fit(fit, vg, member, slope, u_resistance, neighbours_share([own, *others], 0, slope))
    if one_of_two:
        return only_joint(by_fit, "two couples under one pair of peaks, told apart by the joint fit")
    reaction = fit.reaction(member)
    pulled = min((abs(own - p) for p in others), default=np.inf) < JOINT_GAP_V or bool(fit.description.irreversible)
    settled = fit.misfit(vg, member, AROUND_WAVE_V) < PERFECTLY_DESCRIBED
    chosen = replace(believed(by_peaks, by_fit, pulled or settled or reaction is not None), reaction=reaction)
    faradaic = vg.current - fit.expected.background
    companions = range(len(calibration.waves), len(fit.description.slopes))
    if companions and not one_of_two:
        beside = [f"a smaller couple near {fit.value('potential', m):.3f} V is in the fit" for m in companions]
        chosen = replace(chosen, flags=(*chosen.flags, *beside))
    if fit.description.irreversible:  # what comes back late lies in the plateaus of the others
        return chosen
    semi = half_wave_by_semi_integral(vg, calibration.program, faradaic, own, np.array(others), slope)
    asymmetry = 2.0 * transfer_coefficient_uncertainty(wave.centre.excess, slope)
    return checked(chosen, Value(semi.value, float(np.hypot(semi.u, asymmetry))) if semi is not None else None)


def _not_understood(found: Estimate, wave: FittedWave) -> Estimate | Refusal:
    """The peaks of a wave whose shape no fit describes: worth as much less as is left over, or nothing."""
    low, high = RATIO_OF_A_STABLE_COUPLE
    if found.ratio is not None and not low <= found.ratio.value <= high:
        return refusals.follow_up_reaction(found.ratio.value, "")
    if wave.misfit > STRANGEST:
        return refusals.not_a_wave(wave.misfit, "")
    parts = {**found.parts, "shape": wave.misfit * wave.centre.slope}
    value = Value(found.half_wave.value, total(parts))
    return replace(found, half_wave=value, parts=parts, flags=(*found.flags, "shape not that of theory"))


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
        flags.append(f"follow-up reaction? peak current ratio {found.ratio.value:.2f}")
        if found.ratio.value < low:
            verdict = "EC"
        if found.method != JOINT:
            moved = FOLLOW_UP_SHARE * wave.centre.slope * abs(1.0 - found.ratio.value)
            parts = {**found.parts, "follow_up_reaction": moved}
            found = replace(found, parts=parts, half_wave=Value(found.half_wave.value, total(parts)))
    if found.reaction is not None:
        verdict = "EC"
        flags.append(f"follow-up reaction with k about {found.reaction:.2g} per second, in the fit")
    if found.method != JOINT and not judged.adsorbed and all(p.bias is None for p in wave.passages):
        flags.append("switching bias not corrected")
    return Result(number, found, verdict, wave.electrons, tuple(flags))


def _weightiest(faults: Sequence[Refusal]) -> Refusal:
    """The reason to give when passages failed for several: that the scan just ended is the weakest."""
    return next((f for f in faults if f.code != "incomplete-sweep"), faults[0])


def _resistance_flags(fit: JointFit | None, known: Resistance | None) -> tuple[str, ...]:
    """What is to be said about the resistance of the solution."""
    if known is not None:
        return (f"resistance {known.value:.4g} ohm taken off, {known.source}",)
    if fit is not None and fit.converged and fit.value("resistance") > 0.0:
        return (f"resistance not measured; the shape of the waves suggests {fit.value('resistance'):.2g} ohm",)
    return ()
