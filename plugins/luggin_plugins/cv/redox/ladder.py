"""The redox ladder: a rung for every couple, one column per compound, potentials upwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luggin.results import Curve, FigureSpec, Marker

HALF_WIDTH = 0.32


@dataclass(frozen=True)
class Rung:
    """One couple of a column, in V."""

    column: str
    label: str
    potential: float


def ladder(rungs: Sequence[Rung], reference: str) -> FigureSpec:
    """Rungs as curves of style ``level``, columns as markers of kind ``column``."""
    columns = list(dict.fromkeys(r.column for r in rungs))
    curves = tuple(
        Curve(
            columns.index(r.column) + np.array([-HALF_WIDTH, HALF_WIDTH]),
            np.array([r.potential, r.potential]),
            r.label,
            "level",
        )
        for r in rungs
    )
    markers = tuple(Marker(float(k), None, name, "column") for k, name in enumerate(columns))
    versus = f" vs {reference}" if reference else ""
    return FigureSpec("Redox ladder", "", f"potential{versus}", "1", "V", curves, markers)
