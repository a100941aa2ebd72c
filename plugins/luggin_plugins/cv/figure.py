"""The voltammogram with its peaks, baselines and half-wave potentials, as a description to be drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luggin.results import Curve, FigureSpec, Marker
from luggin_plugins.cv.calibration import Calibration, FittedWave, Passage, baseline
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.pairing import Peak

FOOT_V = 0.120  # how far before its peak a baseline is drawn


def draw(
    vg: Voltammogram,
    calibration: Calibration | None,
    shown: Sequence[Passage | None],
    half_waves: Sequence[tuple[str, float]],
    title: str,
    versus: str,
) -> FigureSpec:
    """The whole voltammogram in order of acquisition; of each wave the passage in ``shown``."""
    curves = [Curve(vg.potential, vg.current, "measured")]
    markers = []
    for number, passage in enumerate(shown):
        if calibration is None or passage is None:
            continue
        fitted = calibration.waves[number]
        pair = passage.pair
        for peak, at_peak in ((pair.forward, passage.base_forward), (pair.back, passage.base_back)):
            if peak is not None:
                base = baseline(calibration.program, calibration.expected, number, fitted.centre, peak)
                markers.append(_peak(peak))
                curves.append(_line_below(vg, peak, base, at_peak))
    markers += [Marker(value, None, label, "half_wave_potential") for label, value in half_waves]
    return FigureSpec(
        title=title,
        x_label=f"potential{versus}",
        y_label="current",
        x_unit="V",
        y_unit="A",
        curves=tuple(curves),
        markers=tuple(markers),
    )


def last_used(fitted: FittedWave, used: Sequence[Passage]) -> Passage | None:
    """The passage that a figure shows: the last that counts, else the last there is."""
    return (used or fitted.passages)[-1] if (used or fitted.passages) else None


def _peak(peak: Peak) -> Marker:
    name = "Epa" if peak.direction > 0 else "Epc"
    return Marker(peak.potential, peak.vertex.current, f"{name} {peak.potential:.3f} V", "peak")


def _line_below(vg: Voltammogram, peak: Peak, base: Array, at_peak: float) -> Curve:
    """The baseline from the foot of the peak to right under its top."""
    rows = vg.sweeps[peak.sweep].rows
    potential, current = vg.potential[rows], base[rows]
    behind = peak.direction * (peak.potential - potential)
    part = (behind >= 0) & (behind <= FOOT_V)
    return Curve(np.append(potential[part], peak.potential), np.append(current[part], at_peak), "baseline", "dashed")
