"""Whether scans at different rates say the same of a couple."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from luggin.results import Quantity
from luggin_plugins.cv import refusals
from luggin_plugins.cv.findings import Findings

SAME_COUPLE_V = 0.040
SAME_RATE = 0.05  # relative
DISAGREE = 3.0  # combined standard uncertainties


@dataclass(frozen=True)
class ScanResult:
    """One evaluated scan: how its labels end, its rate (V/s; 0 if unknown), and the labels of its couples."""

    suffix: str
    rate: float
    labels: tuple[str, ...]


def withdraw_what_rates_contradict(found: Findings, scans: Sequence[ScanResult]) -> None:
    """Refuse a couple whose scans at different rates differ by more than three times their uncertainty.

    Of an ideal couple the half-wave potential does not depend on the rate. Where it does, no scan's
    midpoint is E1/2; the values stay in the table ``waves``.
    """
    rate_of = {label: scan.rate for scan in scans for label in scan.labels}
    values = [q for q in found.quantities if q.name == "half_wave_potential" and q.label in rate_of]
    withdrawn: set[str] = set()
    for couple in _couples(values):
        worst: tuple[float, float, float] | None = None
        for one, other in combinations(couple, 2):
            slow, fast = sorted((rate_of[one.label], rate_of[other.label]))
            u = float(np.hypot(one.u or 0.0, other.u or 0.0))
            difference = abs(one.value - other.value)
            if fast - slow > SAME_RATE * fast and difference > DISAGREE * u:
                excess = difference / max(u, 1e-12)
                worst = max(worst or (0.0, 0.0, 0.0), (excess, difference, u))
        if worst is not None:
            withdrawn |= {q.label for q in couple}
            name = couple[0].label.split(", scan")[0]
            found.refusals.append(replace(refusals.rates_disagree(worst[1], worst[2], name), label=name))
    found.quantities[:] = [
        q
        for q in found.quantities
        if q.label not in withdrawn or q.name not in ("half_wave_potential", "peak_separation")
    ]


def _couples(values: Sequence[Quantity]) -> list[list[Quantity]]:
    """Values of all scans that belong to one couple."""
    groups: list[list[Quantity]] = []
    for value in values:
        near = [g for g in groups if abs(g[0].value - value.value) <= SAME_COUPLE_V]
        if near:
            near[0].append(value)
        else:
            groups.append([value])
    return groups
