"""The tables of the outcome: one row per wave, one per passage, and the budget of each uncertainty."""

from __future__ import annotations

from typing import Any

from luggin_plugins.cv.calibration import Passage
from luggin_plugins.cv.estimate import Estimate

BASELINE = "by theory: other waves, double layer, linear background, and the decay of the same wave's earlier current"

UNITS: dict[str, dict[str, str]] = {
    "waves": {
        "half_wave_potential": "V",
        "u": "V",
        "midpoint": "V",
        "switching_correction": "V",
        "ohmic_correction": "V",
        "peak_separation": "V",
        "u_peak_separation": "V",
        "peak_current_ratio": "1",
        "u_peak_current_ratio": "1",
        "nicholson_ratio": "1",
        "semi_integral": "V",
        "u_semi_integral": "V",
    },
    "passages": {
        "anodic_peak_potential": "V",
        "cathodic_peak_potential": "V",
        "half_peak_potential": "V",
        "peak_separation": "V",
        "anodic_peak_current": "A",
        "cathodic_peak_current": "A",
        "u_forward_peak": "V",
        "u_return_peak": "V",
    },
    "uncertainty": {
        "noise_and_cycles": "V",
        "grid": "V",
        "switching_and_neighbours": "V",
        "resistance": "V",
        "transfer_coefficient": "V",
        "model": "V",
        "methods": "V",
        "follow_up_reaction": "V",
        "shape": "V",
        "calibration": "V",
        "u": "V",
    },
}


def wave_row(label: str, verdict: str, found: Estimate, electrons: int) -> dict[str, Any]:
    """One couple in numbers."""
    return {
        "label": label,
        "verdict": verdict,
        "method": found.method,
        "half_wave_potential": found.half_wave.value,
        "u": found.half_wave.u,
        "midpoint": found.midpoint,
        "switching_correction": -found.bias,
        "ohmic_correction": -found.ohmic,
        "peak_separation": found.separation.value if found.separation else None,
        "u_peak_separation": found.separation.u if found.separation else None,
        "peak_current_ratio": found.ratio.value if found.ratio else None,
        "u_peak_current_ratio": found.ratio.u if found.ratio else None,
        "nicholson_ratio": found.nicholson,
        "semi_integral": found.semi_integral.value if found.semi_integral else None,
        "u_semi_integral": found.semi_integral.u if found.semi_integral else None,
        "electrons": electrons,
    }


def budget_row(label: str, found: Estimate) -> dict[str, Any]:
    """What the uncertainty of one half-wave potential consists of."""
    parts = {name: found.parts.get(name, 0.0) for name in UNITS["uncertainty"] if name != "u"}
    return {"label": label, **parts, "u": found.half_wave.u}


def passage_row(label: str, cycle: int, passage: Passage, half_peak: float | None, note: str) -> dict[str, Any]:
    """One passage through a wave, used or not; ``note`` says why not."""
    forward, back = passage.pair.forward, passage.pair.back
    anodic, cathodic = (forward, back) if forward.direction > 0 else (back, forward)
    heights = {forward.direction: passage.height_forward}
    if back is not None:
        heights[back.direction] = passage.height_back
    return {
        "label": label,
        "cycle": cycle,
        "used": not note,
        "note": note,
        "anodic_peak_potential": anodic.potential if anodic else None,
        "cathodic_peak_potential": cathodic.potential if cathodic else None,
        "half_peak_potential": half_peak,
        "peak_separation": passage.pair.separation if back is not None else None,
        "anodic_peak_current": heights.get(1),
        "cathodic_peak_current": heights.get(-1),
        "u_forward_peak": forward.vertex.u,
        "u_return_peak": back.vertex.u if back is not None else None,
        "baseline": BASELINE,
    }
