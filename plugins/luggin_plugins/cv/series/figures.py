"""Figures of a series: all scans, the same over the root of the rate, Randles-Sevcik with residuals, semi-integrals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from luggin.results import Curve, FigureSpec, Marker
from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.series.convolution import Plateaux
from luggin_plugins.cv.series.couples import Couple
from luggin_plugins.cv.series.diffusion import Currents, Diffusion
from luggin_plugins.cv.series.scans import Scan


def rate_words(rate: float) -> str:
    """A scan rate for a legend.

    >>> rate_words(0.025), rate_words(2.0)
    ('25 mV/s', '2 V/s')
    """
    return f"{1e3 * rate:.3g} mV/s" if rate < 0.9995 else f"{rate:.3g} V/s"


def overlays(scans: Sequence[Scan]) -> list[FigureSpec]:
    """The last cycle of every scan, as measured and divided by the root of its rate."""
    drawn = [s for s in sorted(scans, key=lambda s: s.rate) if s.voltammogram is not None]
    plain, normalised = [], []
    for scan in drawn:
        potential, current = _last_cycle(scan)
        plain.append(Curve(potential, current, rate_words(scan.rate)))
        normalised.append(Curve(potential, current / np.sqrt(scan.rate), rate_words(scan.rate)))
    x_label = f"potential{drawn[0].versus if drawn else ''}"
    return [
        FigureSpec("Scan rates", x_label, "current", "V", "A", tuple(plain)),
        FigureSpec(
            "Scan rates, current over the root of the rate",
            x_label,
            "current/√v",
            "V",
            "A (V/s)-0.5",
            tuple(normalised),
        ),
    ]


def _last_cycle(scan: Scan) -> tuple[Array, Array]:
    """Rows of the last closed loop: two sweeps, or three where the scan began between its vertices."""
    vg = scan.voltammogram
    if vg is None:
        return np.zeros(0), np.zeros(0)
    spans = [abs(float(vg.potential[s.stop - 1] - vg.potential[s.start])) for s in vg.sweeps]
    between = len(spans) > 2 and spans[-1] < 0.9 * spans[-2]
    first = vg.sweeps[max(0, len(spans) - (3 if between else 2))].start
    return vg.potential[first:], vg.current[first:]


def randles_sevcik(couple: Couple, currents: Currents, diffusion: Diffusion | None) -> FigureSpec:
    """Peak currents over the root of the rate: as measured, corrected, and the line of the corrected ones."""
    root = np.sqrt(currents.rate)
    curves = [
        Curve(root, currents.height, "as measured", "open points"),
        Curve(root, currents.reversible, "reversible", "points"),
        Curve(*_bars(root, currents.reversible, currents.u_reversible), "", "bars"),
    ]
    if diffusion is not None:
        ends = np.array([0.0, 1.04 * root.max()])
        curves += [
            Curve(ends, diffusion.slope * ends, "Randles-Sevcik", "line"),
            Curve(root, diffusion.residuals, "residuals", "residual points"),
            Curve(*_bars(root, diffusion.residuals, currents.u_reversible), "", "residual bars"),
        ]
    title = f"Peak current of {couple.label} over the root of the scan rate"
    return FigureSpec(title, "√v", "peak current", "(V/s)0.5", "A", tuple(curves))


def _bars(x: Array, y: Array, u: Array) -> tuple[Array, Array]:
    """Error bars as one line that is interrupted between them."""
    gap = np.full(x.size, np.nan)
    return np.column_stack([x, x, gap]).ravel(), np.column_stack([y - u, y + u, gap]).ravel()


def semi_integrals(scans: Sequence[Scan], levels: Mapping[int, Plateaux | None]) -> list[FigureSpec]:
    """The semi-integral of the slowest scan that has plateaux, with them, and the half-wave potentials."""
    having = [(scans[k].rate, k) for k, level in levels.items() if level is not None]
    if not having:
        return []
    rate, number = min(having)
    found, scan = levels[number], scans[number]
    if found is None:
        return []
    curves = (
        Curve(found.potential, found.values, "measured"),
        Curve(found.potential, found.levels, "plateaux", "dashed"),
    )
    markers = tuple(Marker(w.potential, None, w.label, "half_wave_potential") for w in scan.waves)
    title = f"Semi-integral of the current at {rate_words(rate)}, background taken off"
    return [FigureSpec(title, f"potential{scan.versus}", "semi-integral", "V", "A s0.5", curves, markers)]
