"""The internal standard: which wave it is, where it lies, and every other couple against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from luggin.results import FigureSpec, Refusal
from luggin_plugins.cv.redox import refusals
from luggin_plugins.cv.series.fitting import mean_of_scans
from luggin_plugins.cv.series.scans import Scan, Wave

NEAR_V = 0.150
"""How far from the potential that was given the standard may lie."""

FOUND_NEAR_V = 0.030
"""How far it may lie from where a voltammogram of its own shows it: reference electrodes drift."""

UNSEEN_DRIFT_V = 0.005
"""Standard uncertainty for the drift of the reference electrode, where no couple shows it."""

ROLE = "reference"


@dataclass(frozen=True)
class Against:
    """One couple against the standard (V): ``same_solution`` if both were in one voltammogram."""

    label: str
    value: float
    u: float
    count: int
    same_solution: bool
    drift_seen: bool


def with_standard_named(scans: Sequence[Scan], name: str, near: float | None) -> list[Scan] | Refusal:
    """The scans with the wave of the standard called by its name, wherever it is; a refusal if it is nowhere."""
    reach = NEAR_V
    if near is None:
        found = _shown_alone(scans, name)
        if isinstance(found, Refusal):
            return found
        near, reach = found, FOUND_NEAR_V
    named = [_named(s, name, near, reach) for s in scans]
    if all(s.wave(name) is None for s in named):
        reasons = "; ".join(dict.fromkeys(r.reason for s in scans for r in s.refusals)) or "no wave lies near there"
        return refusals.no_standard(name, reasons)
    return named


def _shown_alone(scans: Sequence[Scan], name: str) -> float | Refusal:
    """Where the voltammogram with role "reference" has its only wave."""
    alone = [s for s in scans if s.tables[0].role == ROLE]
    if not alone:
        already = [w.potential for s in scans for w in s.waves if w.label == name]
        return float(np.mean(already)) if already else refusals.standard_not_named(name)
    for scan in alone:
        if len(scan.waves) > 1:
            return refusals.standard_not_alone(name, len(scan.waves))
    waves = [w.potential for s in alone for w in s.waves]
    if not waves:
        return refusals.no_standard(name, "; ".join(r.reason for s in alone for r in s.refusals))
    return float(np.mean(waves))


def _named(scan: Scan, name: str, near: float, reach: float) -> Scan:
    free = [w for w in scan.waves if abs(w.potential - near) <= reach]
    if not free or scan.wave(name) is not None:
        return scan
    own = min(free, key=lambda w: abs(w.potential - near))
    return replace(
        scan,
        waves=tuple(replace(w, label=name) if w is own else w for w in scan.waves),
        figures=tuple(_with_label(f, own.label, name) for f in scan.figures),
    )


def _with_label(figure: FigureSpec, before: str, name: str) -> FigureSpec:
    """A figure whose marks call a couple by another name."""
    return replace(figure, markers=tuple(replace(m, label=name) if m.label == before else m for m in figure.markers))


def potential_of(scans: Sequence[Scan], name: str) -> tuple[float, float]:
    """Half-wave potential of the standard against the reference electrode (V): mean and u."""
    waves = [w for s in scans if (w := s.wave(name)) is not None]
    value, u, _ = mean_of_scans(np.array([w.potential for w in waves]), np.array([w.u for w in waves]))
    return value, u


def against_standard(scans: Sequence[Scan], name: str) -> list[Against]:
    """Every couple of the run against the standard, from voltammograms that show both if there are any.

    Within one voltammogram the drift of the reference electrode drops out. A couple that was never
    seen together with the standard is converted with its mean, and the drift enters the uncertainty:
    as large as other couples show it between the voltammograms with and without the standard.
    """
    drift = _drift(scans, name)
    standard, u_standard = potential_of(scans, name)
    pairs: list[tuple[str, Wave, Scan]] = [(w.label, w, s) for s in scans for w in s.waves if w.label != name]
    found = []
    order = list(dict.fromkeys(label for label, _, _ in pairs))
    for label, group in groupby(sorted(pairs, key=lambda p: order.index(p[0])), key=lambda p: p[0]):
        entries = list(group)
        together = [(w, own) for _, w, s in entries if (own := s.wave(name)) is not None]
        if together:
            values = np.array([w.potential - own.potential for w, own in together])
            u = np.array([np.hypot(w.u, own.u) for w, own in together])
            value, u_value, _ = mean_of_scans(values, u)
            found.append(Against(label, value, u_value, len(together), True, True))
        else:
            alone = [w for _, w, _ in entries]
            mean, u_mean, _ = mean_of_scans(np.array([w.potential for w in alone]), np.array([w.u for w in alone]))
            u_drift = UNSEEN_DRIFT_V if drift is None else drift
            u_value = float(np.sqrt(u_mean**2 + u_standard**2 + u_drift**2))
            found.append(Against(label, mean - standard, u_value, len(alone), False, drift is not None))
    return sorted(found, key=lambda a: -a.value)


def _drift(scans: Sequence[Scan], name: str) -> float | None:
    """How far couples moved between voltammograms with and without the standard (V); None if none was in both."""
    moved = []
    for label in {w.label for s in scans for w in s.waves} - {name}:
        sides: dict[bool, list[float]] = {True: [], False: []}
        for s in scans:
            wave = s.wave(label)
            if wave is not None:
                sides[s.wave(name) is not None].append(wave.potential)
        if sides[True] and sides[False]:
            moved.append(abs(float(np.mean(sides[True]) - np.mean(sides[False]))))
    return max(moved) if moved else None
