"""What forbids a number: checks of a whole voltammogram, and of one passage through a wave."""

from __future__ import annotations

import numpy as np

from luggin.records import Flag
from luggin.results import Refusal
from luggin_plugins.cv import refusals
from luggin_plugins.cv.calibration import FittedWave, Passage
from luggin_plugins.cv.intake import COARSEST_SPACING_V, Voltammogram
from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.pairing import Peak
from luggin_plugins.cv.peaks import END_MARGIN_V, breadth, rises_to_the_end
from luggin_plugins.cv.sweeps import Sweep

FEWEST_POINTS_ACROSS = 10
WIDEST_SEPARATION_V = 0.200
CLOSEST_WAVES_V = 0.075
NEAR_VERTEX_V = 0.120
BEHIND_V = 0.150  # a return peak stands at most this far behind its forward peak; then the sweep is long enough
BEHIND_WHEN_CUT_V = 2 * WIDEST_SEPARATION_V  # a slow return peak may have come in the rows that are missing
NOT_MEASURING = Flag.POTENTIAL_OVERLOAD | Flag.CURRENT_OVERLOAD | Flag.COMPLIANCE | Flag.CLIPPED | Flag.DECODE_ERROR
_LOOP_THE_WRONG_WAY = -0.05
_SHORTEST_PLATEAU_V = 8e-3


def wrong_sign(vg: Voltammogram, turned: str = "") -> Refusal | None:
    """The loop of a voltammogram runs anticlockwise: more current on the way up than on the way down.

    Diffusion waves and a double layer both do that when anodic current is positive. ``turned`` is by
    what the reader of a file turned its current.
    """
    openings, widths = [], []
    for one, other in zip(vg.sweeps[:-1], vg.sweeps[1:], strict=True):
        up, down = (one, other) if one.direction > 0 else (other, one)
        ends = [np.sort(vg.potential[s.rows])[[0, -1]] for s in (up, down)]
        low, high = max(e[0] for e in ends), min(e[1] for e in ends)
        if one.direction == other.direction or high - low < 0.05:
            continue
        at = np.linspace(low, high, 200)
        upper = np.interp(at, vg.potential[up.rows], vg.current[up.rows])
        lower = np.interp(at, vg.potential[down.rows][::-1], vg.current[down.rows][::-1])
        openings.append(float(np.mean(upper - lower)))
        widths.append(float(high - low))
    span = float(np.ptp(vg.current))
    if openings and span > 0 and float(np.average(openings, weights=widths)) < _LOOP_THE_WRONG_WAY * span:
        return refusals.current_sign(turned)
    return None


def fault_of_peak(vg: Voltammogram, peak: Peak, half_width: float, label: str) -> Refusal | None:
    """What makes one peak unfit to be read, if anything."""
    sweep = vg.sweeps[peak.sweep]
    potential, current, flags = vg.potential[sweep.rows], vg.current[sweep.rows], vg.flags[sweep.rows]
    inside = np.abs(potential - peak.potential) <= half_width
    if np.any(flags[inside] & int(NOT_MEASURING)):
        return refusals.overload(label, "the instrument was overloaded")
    if _has_plateau(potential[inside], current[inside], peak, half_width):
        return refusals.overload(label, "the current stands still, as if it were clipped,")
    if peak.vertex.points < FEWEST_POINTS_ACROSS:
        return refusals.few_points_across_peak(peak.vertex.points, label)
    missing = bool(np.any(flags[inside] & int(Flag.GAP)))
    if missing or peak.vertex.widest_gap > max(2.5 * COARSEST_SPACING_V, 4.0 * vg.spacing):
        return refusals.gap(label, peak.vertex.widest_gap)
    if peak.direction * (potential[-1] - peak.potential) < END_MARGIN_V:
        return ends_on_the_wave(vg, sweep, label)
    return None


def ends_on_the_wave(vg: Voltammogram, sweep: Sweep, label: str = "") -> Refusal:
    """The sweep ends on a wave: because it turns there, or because its rows were cut off there."""
    cut = not vg.complete and sweep is vg.sweeps[-1]
    return (refusals.cut_within_peak if cut else refusals.at_vertex)(
        sweep.name, float(vg.potential[sweep.stop - 1]), label
    )


def fault_of_passage(vg: Voltammogram, wave: FittedWave, passage: Passage, n: int, label: str) -> Refusal | None:
    """What forbids an E1/2 from one passage, if anything."""
    pair = passage.pair
    fault = fault_of_peak(vg, pair.forward, wave.half_width, label)
    if fault is not None:
        return fault
    if pair.back is None:
        return _why_no_return(vg, pair.forward, label)
    fault = fault_of_peak(vg, pair.back, wave.half_width, label)
    if fault is None and pair.separation > WIDEST_SEPARATION_V / n:
        return refusals.peaks_too_far_apart(pair.separation, WIDEST_SEPARATION_V / n, label)
    return fault


def _why_no_return(vg: Voltammogram, forward: Peak, label: str) -> Refusal:
    """No return peak because there is none, or because the sweep back never got there."""
    name = vg.sweeps[forward.sweep].name
    if forward.sweep and _turned_on_the_wave(vg, vg.sweeps[forward.sweep - 1], forward):
        before = vg.sweeps[forward.sweep - 1]
        return refusals.at_vertex(before.name, float(vg.potential[before.stop - 1]), label)
    following = vg.sweeps[forward.sweep + 1] if forward.sweep + 1 < len(vg.sweeps) else None
    if following is not None:
        reached = float(vg.potential[following.stop - 1])
        cut = not vg.complete and following is vg.sweeps[-1]
        if forward.direction * (forward.potential - reached) >= (BEHIND_WHEN_CUT_V if cut else BEHIND_V):
            return refusals.no_return_peak(name, forward.potential, label)
    return refusals.incomplete_sweep(name, forward.potential, label)


def _turned_on_the_wave(vg: Voltammogram, before: Sweep, peak: Peak) -> bool:
    """True if the peak is the return of a wave on whose rise the sweep before was turned."""
    potential, current = vg.potential[before.rows], before.direction * vg.current[before.rows]
    near = abs(float(potential[-1]) - peak.potential) <= NEAR_VERTEX_V
    return near and before.direction != peak.direction and rises_to_the_end(potential, current, share=0.01)


def _has_plateau(potential: Array, current: Array, peak: Peak, half_width: float) -> bool:
    """True if the current repeats one value over so wide a stretch that no peak could be so flat.

    A coarse converter also repeats values; then its step is larger than the fall of the peak.
    """
    changes = np.flatnonzero(np.diff(current) != 0)
    edges = np.concatenate(([-1], changes, [current.size - 1]))
    longest = int(np.argmax(np.diff(edges)))
    first, last = int(edges[longest]) + 1, int(edges[longest + 1])
    width = float(abs(potential[last] - potential[first])) if potential.size else 0.0
    if width < _SHORTEST_PLATEAU_V or last - first < 4:
        return False
    steps = np.abs(np.diff(current))
    steps = steps[steps > 0]
    scale = breadth(abs(peak.vertex.current), peak.vertex.curvature)
    fall = abs(peak.vertex.current) * (0.5 * width / max(scale, half_width)) ** 2 / 2
    return bool(steps.size == 0 or float(steps.min()) < fall)
