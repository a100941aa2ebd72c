"""Peak currents against the scan rate: the exponent, and the diffusion coefficient of Randles and Sevcik.

    ip = 0.4463 n F A C sqrt(n F v D / RT)          (A. Sevcik 1948; J. E. B. Randles 1948)

holds for a reversible couple. A slow transfer lowers the peak by up to a fifth before anybody would
call it slow; by how much is told by the separation of the same peaks, so each current is first
divided by that share (`luggin_plugins.cv.series.nicholson`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.series.couples import Couple
from luggin_plugins.cv.series.fitting import Line, birge_ratio, fit_line, weighted_mean
from luggin_plugins.cv.series.sample import Stated
from luggin_plugins.cv.theory import FARADAY, thermal_voltage

DIFFUSION, ADSORPTION = 0.5, 1.0
NEAR_EXPONENT = 0.05
"""Exponents within this of 0.5 are called diffusion even where their uncertainty is smaller."""

STAIRS_LOWER = 0.065
"""What a staircase that is sampled at the end of its steps takes off a peak, at steps of 1 mV / n; as their root.

Recomputed for a reversible couple: 3.3, 6.5, 9.0 and 13.8 % at 0.25, 1, 2 and 5 mV.
"""

TRUST_IN_SHARE = 0.2
"""Relative uncertainty of the correction for slow transfer (1 - share): its transfer coefficient is not known."""


@dataclass(frozen=True)
class Currents:
    """Heights of the forward peak of one couple over the rates (V/s, A, not negative), and reversible ones."""

    rate: Array
    height: Array
    u: Array
    reversible: Array
    u_reversible: Array


@dataclass(frozen=True)
class Diffusion:
    """D (cm2/s) with its standard uncertainty and what it consists of (relative)."""

    value: float
    u: float
    parts: dict[str, float]
    slope: float
    residuals: Array


def corrected_currents(couple: Couple) -> Currents:
    """The peak currents that a reversible couple would have had."""
    height, u = couple.heights
    separation, u_separation = couple.separations
    gaps, u_gaps = separation / couple.slope_v, u_separation / couple.slope_v
    shares, u_shares = [], []
    for gap, u_gap, table in zip(gaps, u_gaps, couple.tables(), strict=True):
        share = table.share_at(gap)
        u_share = 0.5 * abs(table.share_at(gap + u_gap) - table.share_at(gap - u_gap))
        shares.append(share)
        u_shares.append(np.hypot(u_share, TRUST_IN_SHARE * (1.0 - share)))
    all_shares = np.array(shares)
    reversible = height / all_shares
    u_reversible = reversible * np.hypot(u / height, np.array(u_shares) / all_shares)
    return Currents(couple.rate, height, u, reversible, u_reversible)


def limiting_coefficient(
    couple: Couple, n: int, area: Stated, concentration: Stated, stairs: float
) -> tuple[float, float] | None:
    """D (cm2/s) and its standard uncertainty from the limiting semi-integrals; None where there are none."""
    limits = [r.limit for r in couple.readings if r.limit is not None]
    if not limits:
        return None
    values, u = (np.array([getattr(limit, name) for limit in limits]) for name in ("limit", "u_limit"))
    mean, u_mean, _ = weighted_mean(values, u)
    common = float(np.min(u / values))  # a background that is no straight line is none at any rate
    root = mean / (n * FARADAY * area.value * concentration.value)
    waveform = STAIRS_LOWER * stairs / np.sqrt(3.0)
    relative = np.sqrt(max(u_mean / mean, common) ** 2 + area.relative**2 + concentration.relative**2 + waveform**2)
    return float(root**2), float(2.0 * relative * root**2)


def exponent(rate: Array, height: Array, u: Array) -> Line:
    """The line of log ip against log v."""
    return fit_line(np.log10(rate), np.log10(height), u / height / np.log(10.0))


def meaning_of(line: Line) -> str:
    """What an exponent says about how the couple reaches the electrode."""
    for value, words in ((DIFFUSION, "diffusion"), (ADSORPTION, "adsorbed")):
        if abs(line.slope - value) <= max(NEAR_EXPONENT, 2.0 * line.u_slope):
            return words
    return "between diffusion and adsorption" if DIFFUSION < line.slope < ADSORPTION else "neither"


def diffusion_coefficient(
    currents: Currents,
    n: int,
    area: Stated,
    concentration: Stated,
    temperature_k: float,
    u_temperature: float,
    reversible_height: float,
    stairs: float = 0.0,
) -> Diffusion:
    """D of Randles and Sevcik from the line of the reversible peak currents through zero.

    Args:
        currents: heights (A) over the rates (V/s).
        n: electrons.
        area: of the electrode (cm2).
        concentration: of the compound (mol/cm3).
        temperature_k: temperature (K).
        u_temperature: its standard uncertainty (K).
        reversible_height: 0.4463, from the same solution of the equations as the shares.
        stairs: root of the steps (mV / n) that the sweep may have been made of.
    """
    root = np.sqrt(currents.rate)
    weights = 1.0 / np.square(currents.u_reversible)
    slope = float((weights * root) @ currents.reversible / ((weights * root) @ root))
    residuals = currents.reversible - slope * root
    birge = birge_ratio(residuals, currents.u_reversible, 1)
    u_slope = max(1.0, birge) / float(np.sqrt((weights * root) @ root))
    # what the shares and the baselines have in common at all rates does not average out
    common = float(np.mean(currents.u_reversible / currents.reversible))
    per_root = reversible_height * n * FARADAY * area.value * concentration.value
    value = (slope / per_root) ** 2 * thermal_voltage(temperature_k) / n
    parts = {
        "peak_currents": 2.0 * max(u_slope / slope, common),
        "area": 2.0 * area.relative,
        "concentration": 2.0 * concentration.relative,
        "temperature": u_temperature / temperature_k,
        "waveform": 2.0 * STAIRS_LOWER * stairs / float(np.sqrt(3.0)),
    }
    return Diffusion(value, value * float(np.sqrt(sum(p * p for p in parts.values()))), parts, slope, residuals)
