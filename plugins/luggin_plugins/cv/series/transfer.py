"""From the separation of the peaks at several rates to the rate constant of the transfer, or to a resistance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luggin.results import Refusal
from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.series import refusals
from luggin_plugins.cv.series.couples import FEWEST_RATES, Couple
from luggin_plugins.cv.series.diffusion import Diffusion
from luggin_plugins.cv.series.fitting import Line, fit_line, weighted_mean
from luggin_plugins.cv.series.nicholson import LARGEST_PSI, SMALLEST_PSI, SYMMETRIC, SeparationTable

SPREAD_OF_ALPHA = 0.1
"""Standard uncertainty of the transfer coefficient, which is taken as 0.5 where it is not known."""

LARGEST_BIRGE = 3.0

STAIRS_WIDEN_V = 8.4e-3
"""What a staircase that is sampled at the end of its steps adds to the separation (V n), at 1 mV / n; as their root."""

LARGEST_PART_OF_STAIRS = 0.3


@dataclass(frozen=True)
class Kinetics:
    """psi at each rate (NaN where it cannot be told) and psi sqrt(v) ((V/s)^1/2) with its standard uncertainty."""

    psi: Array
    u_psi: Array
    psi_root: float
    u_psi_root: float


def changes_with_rate(couple: Couple) -> bool:
    """True if the separation grows with the rate beyond its uncertainty (3 u)."""
    separation, u = couple.separations
    line = fit_line(np.log10(couple.rate), separation, u)
    return line.slope > 3.0 * line.u_slope


def kinetics_of(couple: Couple, n: int) -> Kinetics | Refusal:
    """Psi of Nicholson from each separation of ``n`` electrons, and what all rates say together."""
    separation, u = couple.separations
    gaps, u_gaps = separation / couple.slope_v, u / couple.slope_v
    tables = couple.tables()
    psi = np.array([t.psi_at(g) for t, g in zip(tables, gaps, strict=True)])
    u_psi = np.array([_u_psi(t, g, u_gap) for t, g, u_gap in zip(tables, gaps, u_gaps, strict=True)])
    good = (psi >= SMALLEST_PSI) & (psi <= LARGEST_PSI) & (u_psi < 0.5 * psi)
    if np.count_nonzero(good) < FEWEST_RATES:
        return refusals.out_of_reach(float(psi.min()), float(psi.max()), couple.label)
    root = np.sqrt(couple.rate)
    mean, u_mean, birge = weighted_mean((psi * root)[good], (u_psi * root)[good])
    if birge > LARGEST_BIRGE:
        return refusals.not_consistent(couple.label)
    other = np.array([t.psi_at(g) for t, g in zip(couple.tables(SYMMETRIC - SPREAD_OF_ALPHA), gaps, strict=True)])
    from_alpha = mean * float(np.mean(np.abs(other[good] / psi[good] - 1.0)))
    narrower = gaps - STAIRS_WIDEN_V / n * couple.stairs(n) / couple.slope_v
    ramp = np.array([t.psi_at(g) for t, g in zip(tables, narrower, strict=True)])
    from_stairs = mean * float(np.mean(np.abs(ramp[good] / psi[good] - 1.0))) / np.sqrt(3.0)
    if from_stairs > LARGEST_PART_OF_STAIRS * mean:
        return refusals.waveform_unknown(couple.label)
    return Kinetics(
        np.where(good, psi, np.nan),
        np.where(good, u_psi, np.nan),
        mean,
        float(np.sqrt(u_mean**2 + from_alpha**2 + from_stairs**2)),
    )


def _u_psi(table: SeparationTable, gap: float, u_gap: float) -> float:
    return 0.5 * abs(table.psi_at(gap - u_gap) - table.psi_at(gap + u_gap))


def rate_constant(
    kinetics: Kinetics, diffusion: Diffusion, slope_v: float, relative_u_temperature: float
) -> tuple[float, float]:
    """k0 (cm/s) = psi sqrt(pi D v nF/RT) with its standard uncertainty; D of both forms is taken as equal."""
    value = kinetics.psi_root * float(np.sqrt(np.pi * diffusion.value / slope_v))
    relative = np.sqrt(
        (kinetics.u_psi_root / kinetics.psi_root) ** 2
        + (0.5 * diffusion.u / diffusion.value) ** 2
        + (0.5 * relative_u_temperature) ** 2
    )
    return value, float(value * relative)


def resistance_from(couple: Couple) -> Line:
    """The line of the separations (V) over the current between the peaks (A): its slope is in ohm."""
    separation, u = couple.separations
    return fit_line(couple.swings, separation, u)
