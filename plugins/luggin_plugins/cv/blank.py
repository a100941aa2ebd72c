"""Taking the voltammogram of the electrolyte alone off that of the sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from luggin.errors import LugginError
from luggin.results import Refusal, Table
from luggin_plugins.cv import refusals
from luggin_plugins.cv.intake import Voltammogram, executions, take_in
from luggin_plugins.cv.sweeps import Sweep

SAME_RATE = 0.02  # relative
SAME_STEP = 0.05  # relative
REACH = 2.0  # steps: how much farther a sweep of the sample may go than that of the blank


def find_blank(said: str, tables: Sequence[Table]) -> tuple[Table, ...] | Refusal:
    """The tables of the blank: steps of this id or role, or the blank of another run's folder.

    Of another run it is what has the role ``blank``, or its only cyclic voltammogram.
    """
    here = tuple(t for t in tables if t.technique == "cv" and said in (t.id, t.role))
    if here:
        return executions(here)[-1]
    if not (Path(said) / "run.log").is_file():
        return refusals.no_blank(said, "neither a step of that id or role nor a run folder")
    from luggin.analysis import open_run

    try:
        there = open_run(said).tables(technique="cv")
    except LugginError as error:
        return refusals.no_blank(said, f"the run cannot be read ({error})")
    marked = executions([t for t in there if t.role == "blank"]) or executions(there)
    if not marked or len({t.role for e in marked for t in e}) > 1:
        return refusals.no_blank(said, "the run has no voltammogram with the role blank")
    return marked[-1]


def subtracted(vg: Voltammogram, blank: Sequence[Table], name: str) -> Voltammogram | Refusal:
    """The voltammogram without the current of the blank, sweep by sweep at equal potentials.

    Same rate, window and step, or a reason why not: a double layer's current goes with the rate, and
    what a wider window does to an electrode stays on it. Of a blank with fewer cycles the last
    ones stand for those that follow. Rows outside of sweeps are left out of the evaluation's sight by
    having no blank: they keep their current and belong to no sweep.
    """
    other = take_in(blank)
    if isinstance(other, Refusal):
        return refusals.no_blank(name, other.reason)
    current = vg.current.copy()
    for number, sweep in enumerate(vg.sweeps):
        partner = _partner(vg, sweep, other, number)
        if partner is None:
            return refusals.blank_differs(name, "it has no sweep in this direction")
        why = _difference(vg, sweep, other, partner)
        if why:
            return refusals.blank_differs(name, why)
        order = np.argsort(other.potential[partner.rows], kind="stable")
        potential = other.potential[partner.rows][order]
        current[sweep.rows] -= np.interp(vg.potential[sweep.rows], potential, other.current[partner.rows][order])
    return replace(vg, current=current)


def _partner(vg: Voltammogram, sweep: Sweep, blank: Voltammogram, number: int) -> Sweep | None:
    """The blank's sweep of the same number, or its last one in this direction that goes as far.

    A scan that begins between its vertices ends with a sweep that goes no farther than to its beginning.
    """
    same = [s for s in blank.sweeps if s.direction == sweep.direction]
    if number < len(blank.sweeps) and blank.sweeps[number] in same:
        same.append(blank.sweeps[number])
    fitting = [s for s in same if not _difference(vg, sweep, blank, s)]
    best = fitting or same
    return best[-1] if best else None


def _difference(vg: Voltammogram, sweep: Sweep, blank: Voltammogram, partner: Sweep) -> str:
    """In what a sweep of the blank differs from that of the sample; nothing if in nothing that matters."""
    own, its = _rate(vg, sweep), _rate(blank, partner)
    if abs(its - own) > SAME_RATE * own:
        return f"it was scanned at {1e3 * its:.4g} mV/s, the sample at {1e3 * own:.4g} mV/s"
    if abs(blank.spacing - vg.spacing) > SAME_STEP * vg.spacing:
        return f"its points are {1e3 * blank.spacing:.3g} mV apart, the sample's {1e3 * vg.spacing:.3g} mV"
    low, high = np.sort(vg.potential[sweep.rows])[[0, -1]]
    blank_low, blank_high = np.sort(blank.potential[partner.rows])[[0, -1]]
    reach = REACH * vg.spacing
    if abs(low - blank_low) > reach or abs(high - blank_high) > reach:
        return f"its window is {blank_low:.3f} to {blank_high:.3f} V, the sample's {low:.3f} to {high:.3f} V"
    return ""


def _rate(vg: Voltammogram, sweep: Sweep) -> float:
    """Scan rate (V/s) of a sweep."""
    time, potential = vg.time[sweep.rows], vg.potential[sweep.rows]
    return abs(float(np.polyfit(time - time[0], potential, 1)[0]))
