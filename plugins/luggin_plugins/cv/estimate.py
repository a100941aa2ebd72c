"""From the passages of one wave to its half-wave potential and an uncertainty that can be defended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luggin_plugins.cv.calibration import FittedWave, Passage
from luggin_plugins.cv.theory import nicholson_ratio, transfer_coefficient_uncertainty

MIDPOINT = "midpoint of peaks (local quartic), corrected by theory for switching, neighbours and ohmic drop"
BIAS_TRUST = 0.2  # relative uncertainty of the correction that theory gives for the midpoint
REVERSIBLE_EXCESS = 0.16  # of RT/nF: 4 mV / n at 25 degC beyond the reversible separation (psi about 7)


@dataclass(frozen=True)
class Value:
    """A mean over passages with its standard uncertainty."""

    value: float
    u: float


@dataclass(frozen=True)
class Drop:
    """Resistance (ohm) whose drop is still to be taken off a midpoint, and its standard uncertainty."""

    resistance: float
    u: float


@dataclass(frozen=True)
class Estimate:
    """Everything that is published of a couple, in V; ``parts`` is the budget of ``half_wave.u``.

    ``midpoint`` and what belongs to peaks is None for a couple that has no peaks of its own;
    ``reaction`` is the rate constant (1/s) of a follow-up reaction that the fit found, if any.
    """

    half_wave: Value
    parts: dict[str, float]
    method: str
    midpoint: float | None
    bias: float
    ohmic: float
    separation: Value | None
    ratio: Value | None
    nicholson: float | None
    reversible: bool
    semi_integral: Value | None = None
    flags: tuple[str, ...] = ()
    reaction: float | None = None


def total(parts: dict[str, float]) -> float:
    """Standard uncertainty from its independent parts: the root of the sum of their squares."""
    return float(np.sqrt(sum(x * x for x in parts.values())))


def mean_of(values: Sequence[float], noise: Sequence[float]) -> Value:
    """Mean of repeated readings; if they scatter more than their noise, the scatter counts (Birge)."""
    count = len(values)
    mean = float(np.mean(values))
    u = float(np.sqrt(np.sum(np.square(noise)))) / count
    if count > 1:
        u = max(u, float(np.std(values, ddof=1)) / np.sqrt(count))
    return Value(mean, u)


def grid_uncertainty(spacing_v: float) -> float:
    """Standard uncertainty (V) of one peak potential from the potential grid: spacing / (2 sqrt 3)."""
    return float(spacing_v / (2.0 * np.sqrt(3.0)))


def largest_resistance(waves: Sequence[tuple[FittedWave, Sequence[Passage]]]) -> float:
    """The largest uncompensated resistance (ohm) that the peak separations allow.

    A cell has one resistance, so the couple whose peaks stand closest (for its currents) bounds it
    for all.
    """
    bounds = []
    for wave, passages in waves:
        for p in passages:
            if p.pair.back is None:
                continue
            swing = abs(p.pair.forward.vertex.current - p.pair.back.vertex.current)
            u = float(np.hypot(p.pair.forward.vertex.u, p.pair.back.vertex.u))
            if swing > 0:
                bounds.append((wave.centre.excess + 2.0 * u) / swing)
    return min(bounds, default=0.0)


def unknown_drop(waves: Sequence[tuple[FittedWave, Sequence[Passage]]]) -> Drop:
    """Half of the largest possible resistance; between none and all of it everything is equally likely.

    The excess of the peak separation may come from slow electron transfer, which hardly moves the
    midpoint, or from uncompensated resistance, which moves it by R (ipa + ipc) / 2. (Rectangular
    distribution: GUM, JCGM 100:2008, 4.3.7.)
    """
    largest = largest_resistance(waves)
    return Drop(0.5 * largest, largest / (2.0 * float(np.sqrt(3.0))))


def neighbours_share(centres: Sequence[float], number: int, slope_v: float) -> float:
    """How far (V) other couples may move one beyond what superposed waves say.

    Of successive steps of one molecule, a share exp(-gap / (RT/nF)) of it is in its middle form
    where theory has none or all of it.
    """
    gaps = [abs(c - centres[number]) for k, c in enumerate(centres) if k != number]
    return slope_v * float(sum(np.exp(-gap / slope_v) for gap in gaps))


def estimate(wave: FittedWave, passages: Sequence[Passage], spacing_v: float, drop: Drop, beside_v: float) -> Estimate:
    """Half-wave potential of a couple from the peaks of the passages that count.

    E1/2 = midpoint - bias - ohmic. ``bias`` is theory's (finite switching, neighbours, cycles), and
    ``beside_v`` (V) what theory does not know about the neighbours.
    """
    pairs = [(p, p.pair.back) for p in passages if p.pair.back is not None]
    noise = [0.5 * float(np.hypot(p.pair.forward.vertex.u, back.vertex.u)) for p, back in pairs]
    biases = [p.bias for p, _ in pairs if p.bias is not None]
    bias = float(np.mean(biases)) if biases else 0.0
    corrected = mean_of([p.pair.midpoint - (p.bias if p.bias is not None else bias) for p, _ in pairs], noise)
    half_sum = 0.5 * float(np.mean([p.pair.forward.vertex.current + back.vertex.current for p, back in pairs]))
    grid = grid_uncertainty(spacing_v) / float(np.sqrt(2.0))
    trusted = BIAS_TRUST * abs(bias) if biases else 0.3 * wave.centre.slope
    parts = {
        "noise_and_cycles": corrected.u,
        "grid": grid,
        "switching_and_neighbours": float(np.hypot(trusted, beside_v)),
        "resistance": abs(half_sum) * drop.u,
        "transfer_coefficient": transfer_coefficient_uncertainty(wave.centre.excess, wave.centre.slope),
    }
    separation = mean_of([p.pair.separation for p, _ in pairs], [2.0 * x for x in noise])
    u_separation = float(np.hypot(separation.u, 2.0 * grid))
    return Estimate(
        half_wave=Value(corrected.value - half_sum * drop.resistance, total(parts)),
        parts=parts,
        method=MIDPOINT,
        midpoint=float(np.mean([p.pair.midpoint for p, _ in pairs])),
        bias=bias,
        ohmic=half_sum * drop.resistance,
        separation=Value(separation.value, u_separation),
        ratio=_ratio(passages),
        nicholson=_nicholson(passages),
        reversible=wave.centre.excess <= REVERSIBLE_EXCESS * wave.centre.slope + 2.0 * u_separation,
    )


def _ratio(passages: Sequence[Passage]) -> Value:
    """|ip,return / ip,forward|, both over their baselines."""
    ratios, noise = [], []
    for p in passages:
        if p.pair.back is None or p.height_forward == 0.0:
            continue
        ratio = abs(p.height_back / p.height_forward)
        ratios.append(ratio)
        noise.append(
            float(np.hypot(p.pair.back.vertex.u_current, ratio * p.pair.forward.vertex.u_current))
            / abs(p.height_forward)
        )
    return mean_of(ratios, noise) if ratios else Value(float("nan"), float("nan"))


def _nicholson(passages: Sequence[Passage]) -> float:
    """Mean of Nicholson's ratio, from the wave's own current (other waves and background taken off)."""
    ratios = [
        nicholson_ratio(p.height_forward, p.pair.back.vertex.current - p.base_back_zero, p.at_switch)
        for p in passages
        if p.pair.back is not None and p.height_forward != 0.0
    ]
    return float(np.mean(ratios)) if ratios else float("nan")
