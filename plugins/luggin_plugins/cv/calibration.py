"""Peaks measured and peaks expected, side by side: what the midpoint is off by, and the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.model import Centre, Expected, Program, fit, held_current
from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.pairing import Pair, Peak, Wave
from luggin_plugins.cv.peaks import Vertex, bootstrapped, breadth, locate, window
from luggin_plugins.cv.rivals import two_in_one
from luggin_plugins.cv.theory import REVERSIBLE_BREADTH, REVERSIBLE_PEAK_SHIFT, REVERSIBLE_SEPARATION

ROUNDS = 4
SMALLEST_SEPARATION = 0.8  # of the reversible one; below it the wave carries more electrons than said
MOST_ELECTRONS = 6
MOST_BROADENED = 3.0  # times RT/nF: a transfer coefficient of 0.3


@dataclass(frozen=True)
class Passage:
    """One passage through a wave with everything read off it, currents in A, potentials in V.

    ``bias`` is how far theory puts the midpoint of this passage from E1/2 (None if theory shows no
    such pair of peaks); ``base_forward`` and ``base_back`` are the baselines under the tops;
    ``at_switch`` is the wave's own current where the forward sweep ended.
    """

    pair: Pair
    bias: float | None
    base_forward: float
    base_back: float
    base_back_zero: float
    at_switch: float

    @property
    def height_forward(self) -> float:
        """Forward peak current over its baseline (A, anodic positive)."""
        return self.pair.forward.vertex.current - self.base_forward

    @property
    def height_back(self) -> float:
        """Return peak current over its baseline (A, anodic positive)."""
        back = self.pair.back
        return back.vertex.current - self.base_back if back else 0.0


@dataclass(frozen=True)
class FittedWave:
    """A wave with its passages, its centre in theory, and the half width (V) of its peak fits.

    ``misfit`` is what theory leaves of the currents around it beyond the noise, relative to its height; ``split``
    is the distance (V) of two waves that would explain them far better than the one, if any.
    """

    wave: Wave
    centre: Centre
    half_width: float
    passages: tuple[Passage, ...]
    electrons: int
    misfit: float = 0.0
    split: float | None = None


@dataclass(frozen=True)
class Calibration:
    """All waves of a voltammogram against theory."""

    waves: tuple[FittedWave, ...]
    expected: Expected
    program: Program


def locate_in_sweep(vg: Voltammogram, current: Array, sweep: int, centre: float, half_width: float) -> Vertex | None:
    """The top near ``centre`` in one sweep; the vertex's current has the sign of the data again."""
    s = vg.sweeps[sweep]
    top = locate(vg.potential[s.rows], s.direction * current[s.rows], centre, half_width)
    return replace(top, current=s.direction * top.current) if top else None


def calibrate(vg: Voltammogram, waves: Sequence[Wave], n: int, thermal_v: float, program: Program) -> Calibration:
    """Fit theory to the waves, measure both with the same ruler, and repeat until they agree."""
    centres = tuple(_first_centre(w, n, thermal_v) for w in waves)
    expected = fit(vg, program, centres)
    waves, widths = _measure_again(vg, waves, centres, expected)
    for _ in range(ROUNDS):
        centres = tuple(
            _moved(vg, w, c, width, expected.current)
            if w.pairs
            else _one_way(w.lost[0].forward, _height(vg, expected.without(k), w.lost[0].forward), thermal_v / n)
            for k, (w, c, width) in enumerate(zip(waves, centres, widths, strict=True))
        )
        expected = fit(vg, program, centres)
    fitted = []
    for k, (w, c, width) in enumerate(zip(waves, centres, widths, strict=True)):
        passages = _passages(vg, program, w, k, centres, width, expected)
        misfit, split = two_in_one(
            vg, program, c, k, expected, max((abs(p.height_forward) for p in passages), default=0.0)
        )
        fitted.append(FittedWave(w, c, width, passages, _electrons(w, n, thermal_v), misfit, split))
    return Calibration(tuple(fitted), expected, program)


def baseline(program: Program, expected: Expected, number: int, centre: Centre, peak: Peak) -> Array:
    """Baseline (A) of a peak: everything else, and the decay of the same wave's earlier current.

    Of a return peak that is the decay of the forward current, as if the sweep had never turned; of
    a forward peak in a later cycle it is what the cycles before have left.
    """
    others = expected.without(number)
    if not centre.returns or peak.sweep == 0:
        return others
    decay = program.to_rows(held_current(program, centre, peak.sweep - 1))
    return np.asarray(others + expected.heights[number] * decay)


def _electrons(wave: Wave, n: int, thermal_v: float) -> int:
    """Electrons that the separation of the peaks suggests: ``n``, or more if they stand too close."""
    if not wave.pairs:
        return n
    separation = float(np.mean([p.separation for p in wave.pairs]))
    if separation >= SMALLEST_SEPARATION * REVERSIBLE_SEPARATION * thermal_v / n:
        return n
    most = REVERSIBLE_SEPARATION * thermal_v / max(separation, 1e-6)
    return int(np.clip(round(most), n, MOST_ELECTRONS))


def _first_centre(wave: Wave, n: int, thermal_v: float) -> Centre:
    slope = thermal_v / _electrons(wave, n, thermal_v)
    if not wave.pairs:
        return _one_way(wave.lost[0].forward, wave.lost[0].forward.prominence, slope)
    separation = float(np.mean([p.separation for p in wave.pairs]))
    excess = max(0.0, separation - 1.02 * REVERSIBLE_SEPARATION * slope)
    return Centre(wave.potential, excess, slope, wave.direction)


def _one_way(peak: Peak, height: float, slope: float) -> Centre:
    """Centre of a wave without return. It may be irreversible, then it is broader by about 1 / alpha.

    How broad it is, its own top tells.
    """
    broad = breadth(height, peak.vertex.curvature) / REVERSIBLE_BREADTH
    broad = float(np.clip(broad, slope, MOST_BROADENED * slope))
    potential = peak.potential - peak.direction * REVERSIBLE_PEAK_SHIFT * broad
    return Centre(potential, 0.0, broad, peak.direction, returns=False)


def _measure_again(
    vg: Voltammogram, waves: Sequence[Wave], centres: Sequence[Centre], expected: Expected
) -> tuple[list[Wave], list[float]]:
    """Locate every peak once more, in a window that fits the wave's own height and breadth."""
    again, widths = [], []
    for k, wave in enumerate(waves):
        peaks = [p for pair in wave.pairs or wave.lost for p in (pair.forward, pair.back) if p]
        curvature = float(np.median([p.vertex.curvature for p in peaks]))
        others = expected.without(k)
        heights = [_height(vg, others, p) for p in peaks if p.direction == wave.direction]
        gaps = [abs(c.potential - centres[k].potential) for j, c in enumerate(centres) if j != k]
        width = min(window(float(np.median(heights)), curvature), 0.45 * max(min(gaps, default=1.0), 0.06))
        widths.append(width)
        again.append(Wave(tuple(_relocated(vg, p, width) for p in wave.pairs), wave.lost))
    return again, widths


def _relocated(vg: Voltammogram, pair: Pair, width: float) -> Pair:
    def moved(peak: Peak) -> Peak:
        top = locate_in_sweep(vg, vg.current, peak.sweep, peak.potential, width)
        return replace(peak, vertex=bootstrapped(top)) if top else peak

    return Pair(moved(pair.forward), moved(pair.back) if pair.back else None)


def _height(vg: Voltammogram, base: Array, peak: Peak) -> float:
    return abs(peak.vertex.current - _at_peak(vg, base, peak))


def _at_peak(vg: Voltammogram, values: Array, peak: Peak) -> float:
    """A curve's value under a peak (rows of its own sweep)."""
    rows = vg.sweeps[peak.sweep].rows
    near = np.argsort(np.abs(vg.potential[rows] - peak.potential), kind="stable")[:3]
    return float(np.mean(values[rows][near]))


def _expected_pair(vg: Voltammogram, pair: Pair, width: float, current: Array) -> tuple[Vertex, Vertex] | None:
    if pair.back is None:
        return None
    forward, back = (locate_in_sweep(vg, current, p.sweep, p.potential, width) for p in (pair.forward, pair.back))
    return (forward, back) if forward and back else None


def _sharp(vg: Voltammogram) -> float:
    """Half width (V) in which a polynomial finds the very top of a curve without noise."""
    return max(0.015, 3.2 * vg.spacing)


def _without_ruler(vg: Voltammogram, pair: Pair, width: float, current: Array) -> Pair:
    """The pair without what the wide polynomial shifts a peak by (about 1 mV), as seen on theory."""

    def freed(peak: Peak) -> Peak:
        wide, true = (locate_in_sweep(vg, current, peak.sweep, peak.potential, w) for w in (width, _sharp(vg)))
        if wide is None or true is None or abs(wide.potential - true.potential) > 0.3 * width:
            return peak
        # a quartic misses the fifth derivative: its shift goes as breadth^-3, as curvature^(3/2)
        share = float(np.clip(peak.vertex.curvature / wide.curvature, 0.3, 1.5)) ** 1.5
        potential = peak.vertex.potential - share * (wide.potential - true.potential)
        return replace(peak, vertex=replace(peak.vertex, potential=potential))

    return Pair(freed(pair.forward), freed(pair.back) if pair.back else None)


def _moved(vg: Voltammogram, wave: Wave, centre: Centre, width: float, current: Array) -> Centre:
    """The centre moved by what measured and expected peaks differ by, on average over the passages."""
    shifts, widenings = [], []
    for pair in wave.pairs:
        tops = _expected_pair(vg, pair, width, current)
        if tops is None:
            continue
        forward, back = (top.potential for top in tops)
        shifts.append(pair.midpoint - 0.5 * (forward + back))
        widenings.append(pair.separation - wave.direction * (forward - back))
    if not shifts:
        return centre
    step = float(np.clip(np.mean(shifts), -0.03, 0.03))
    excess = max(0.0, centre.excess + float(np.mean(widenings)))
    return replace(centre, potential=centre.potential + step, excess=excess)


def _passages(
    vg: Voltammogram,
    program: Program,
    wave: Wave,
    number: int,
    centres: Sequence[Centre],
    width: float,
    expected: Expected,
) -> tuple[Passage, ...]:
    others, centre = expected.without(number), centres[number]
    own = expected.waves[number]
    passages = []
    for raw in wave.pairs or wave.lost:
        pair = _without_ruler(vg, raw, width, expected.current)
        tops = _expected_pair(vg, raw, _sharp(vg), expected.current)
        bias = 0.5 * (tops[0].potential + tops[1].potential) - centre.potential if tops else None
        base_zero = _at_peak(vg, others, pair.back) if pair.back else 0.0
        forward = baseline(program, expected, number, centre, pair.forward)
        back = baseline(program, expected, number, centre, pair.back) if pair.back else others
        passages.append(
            Passage(
                pair=pair,
                bias=bias,
                base_forward=_at_peak(vg, forward, pair.forward),
                base_back=_at_peak(vg, back, pair.back) if pair.back else 0.0,
                base_back_zero=base_zero,
                at_switch=float(own[vg.sweeps[pair.forward.sweep].stop - 1]),
            )
        )
    return tuple(passages)
