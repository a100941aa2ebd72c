"""What a joint fit says of one couple, and which of the methods is believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from luggin_plugins.cv.bootstrap import bootstrap_spread
from luggin_plugins.cv.checks import NOT_MEASURING
from luggin_plugins.cv.estimate import REVERSIBLE_EXCESS, Estimate, Value, grid_uncertainty, total
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.joint import JointFit
from luggin_plugins.cv.theory import excess_of

JOINT = "joint fit of all waves (slow semi-derivatives, double layer, linear background, resistance)"
JOINT_GAP_V = 0.150  # waves closer than this pull at each other's peaks
JOINT_NOISE = 0.01  # noise of a point over the height of the smallest wave
AROUND_WAVE_V = 0.120
PERFECTLY_DESCRIBED = 0.01  # so little left over that nothing is left to be explained
WELL_DESCRIBED = 0.05  # of a wave's height left over: more, and its shape is not understood
MODEL_SHARE = 1e-3  # of RT/nF: what theory is right to, for a reversible couple; slow ones depend on more
LOSS_WEIGHS = 20.0  # the same for what a follow-up reaction adds, per k RT / (nF v)
IRREVERSIBLE_WEIGHS = 3.0  # the same where an irreversible couple takes part
DISAGREE = 3.0  # combined standard uncertainties between two methods


def rows_that_count(vg: Voltammogram) -> NDArray[np.bool_]:
    """Rows that a joint fit may use: measured within range, and not of a conditioning cycle."""
    rows = (vg.flags & int(NOT_MEASURING)) == 0
    if len(vg.sweeps) >= 4:
        rows[: vg.sweeps[1].stop] = False
    return np.asarray(rows)


def from_joint_fit(
    fit: JointFit, vg: Voltammogram, number: int, slope_v: float, u_resistance: float, beside_v: float
) -> tuple[Value, dict[str, float], bool]:
    """E1/2 of one wave from a joint fit, the budget of its uncertainty, and whether it is reversible.

    The grid counts as noise of a point's potential does: spacing / (2 sqrt 3), averaged over the
    points across the wave in which it is located. A staircase is off by as much in all of its
    points, because theory is that of a ramp: there nothing averages out.
    """
    place = fit.description.place("potential", number)
    slow = fit.description.place("slowness", number)
    if place is None or slow is None:
        raise ValueError(f"wave {number} has no half-wave potential in this fit")
    unknowns = fit.design.shape[0]
    # a parameter at its bound is free to one side: half of all draws move it, half leave it there
    free, held = (bootstrap_spread(s[[place, slow]], fit.residuals, unknowns) for s in (fit.step, fit.held_step))
    u_noise, u_slowness = np.sqrt(0.5 * (free**2 + held**2))
    near = np.abs(vg.potential[fit.used] - fit.theta[place]) <= 2.2 * slope_v
    points = max(int(np.count_nonzero(near)), 1)
    grid = grid_uncertainty(vg.spacing) / float(np.sqrt(points))
    if vg.staircase:
        grid = grid_uncertainty(vg.staircase) / float(np.sqrt(2.0))
    wave = fit.expected.waves[number][fit.used]
    current = fit.expected.current[fit.used]
    half_sum = 0.5 * float(current[int(np.argmax(wave))] + current[int(np.argmin(wave))])
    doubts = float(fit.theta[slow]) + LOSS_WEIGHS * fit.value("follow_up", number)
    doubts += IRREVERSIBLE_WEIGHS if fit.description.irreversible else 0.0
    parts = {
        "noise_and_cycles": max(float(u_noise), _cycle_scatter(fit, vg, place)),
        "grid": grid,
        "switching_and_neighbours": beside_v,
        "resistance": abs(half_sum) * u_resistance,
        "transfer_coefficient": float(fit.prior_u[place]),
        "model": MODEL_SHARE * slope_v * (1.0 + doubts),
        "shape": slope_v * fit.misfit(vg, number, AROUND_WAVE_V),
    }
    excess = excess_of(float(fit.theta[slow]), slope_v)
    unsure = excess_of(float(fit.theta[slow] + 2.0 * u_slowness), slope_v) - excess
    return Value(float(fit.theta[place]), total(parts)), parts, excess <= REVERSIBLE_EXCESS * slope_v + unsure


def _cycle_scatter(fit: JointFit, vg: Voltammogram, place: int) -> float:
    """Standard uncertainty (V) of the mean from what each cycle alone would change."""
    cycle = np.zeros(vg.time.size, dtype=np.int64)
    for number, sweep in enumerate(vg.sweeps):
        cycle[sweep.rows] = number // 2
    of_rows = cycle[fit.used]
    names, counts = np.unique(of_rows, return_counts=True)
    whole = [n for n, c in zip(names, counts, strict=True) if c >= 0.8 * counts.max()]
    if len(whole) < 2:
        return 0.0
    shares = fit.step[place] * fit.residuals
    alone = [len(whole) * float(np.sum(shares[of_rows == n])) for n in whole]
    return float(np.std(alone, ddof=1)) / float(np.sqrt(len(whole)))


def believed(by_peaks: Estimate, by_fit: tuple[Value, dict[str, float], bool], peaks_are_off: bool) -> Estimate:
    """The estimate that is published: the joint fit, with what belongs to the peaks beside it.

    If the two differ by more than their uncertainties allow, neither is known as well as it claims:
    half of the difference joins the budget, and a flag says so. Peaks that are known to be
    off (of close waves, of products that react on, or where the fit leaves nothing) prove nothing.
    """
    value, parts, reversible = by_fit
    difference = abs(value.value - by_peaks.half_wave.value)
    if not peaks_are_off and difference > DISAGREE * float(np.hypot(value.u, by_peaks.half_wave.u)):
        parts = {**parts, "methods": 0.5 * difference}
    return replace(
        by_peaks,
        half_wave=Value(value.value, total(parts)),
        parts=parts,
        method=JOINT,
        reversible=reversible,
        flags=(f"methods differ by {1e3 * difference:.1f} mV",) if "methods" in parts else (),
    )


def only_joint(by_fit: tuple[Value, dict[str, float], bool], flag: str) -> Estimate:
    """The estimate of a couple without peaks of its own."""
    value, parts, reversible = by_fit
    return Estimate(value, parts, JOINT, None, 0.0, 0.0, None, None, None, reversible, flags=(flag,))


def checked(found: Estimate, semi: Value | None) -> Estimate:
    """The estimate beside the value of the semi-integral; a flag if the two contradict one another."""
    if semi is None:
        return found
    difference = abs(semi.value - found.half_wave.value)
    flags = found.flags
    if difference > DISAGREE * float(np.hypot(semi.u, found.half_wave.u)):
        flags = (*flags, f"semi-integral differs by {1e3 * difference:.1f} mV")
    return replace(found, semi_integral=semi, flags=flags)
