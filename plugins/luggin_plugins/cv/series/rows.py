"""The tables of the outcome: one row per couple and rate, and the budget of each diffusion coefficient."""

from __future__ import annotations

from typing import Any

import numpy as np

from luggin_plugins.cv.series.couples import Couple
from luggin_plugins.cv.series.diffusion import Currents, Diffusion
from luggin_plugins.cv.series.transfer import Kinetics

UNITS: dict[str, dict[str, str]] = {
    "rates": {
        "scan_rate": "V/s",
        "half_wave_potential": "V",
        "u": "V",
        "peak_separation": "V",
        "u_peak_separation": "V",
        "peak_current": "A",
        "u_peak_current": "A",
        "reversible_peak_current": "A",
        "limiting_semi_integral": "A s0.5",
        "psi": "1",
        "u_psi": "1",
    },
    "uncertainty": dict.fromkeys(("peak_currents", "area", "concentration", "temperature", "waveform", "u"), "1"),
}


def rate_rows(couple: Couple, currents: Currents, kinetics: Kinetics | None) -> list[dict[str, Any]]:
    """One couple, rate by rate."""
    rows = []
    for k, reading in enumerate(couple.readings):
        psi = kinetics.psi[k] if kinetics is not None else np.nan
        rows.append(
            {
                "label": couple.label,
                "scan": reading.scan.name,
                "scan_rate": reading.scan.rate,
                "half_wave_potential": reading.wave.potential,
                "u": reading.wave.u,
                "peak_separation": reading.wave.separation,
                "u_peak_separation": float(couple.separations[1][k]),
                "peak_current": float(currents.height[k]),
                "u_peak_current": float(currents.u[k]),
                "reversible_peak_current": float(currents.reversible[k]),
                "limiting_semi_integral": reading.limit.limit if reading.limit else None,
                "psi": float(psi) if np.isfinite(psi) else None,
                "u_psi": float(kinetics.u_psi[k]) if kinetics is not None and np.isfinite(psi) else None,
                "verdict": reading.wave.verdict,
            }
        )
    return rows


def budget_row(label: str, diffusion: Diffusion) -> dict[str, Any]:
    """What the relative uncertainty of a diffusion coefficient consists of."""
    return {"label": label, **diffusion.parts, "u": diffusion.u / diffusion.value}
