"""The redox ladder as a picture: potentials upwards, one column per compound, a rung per couple."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from luggin.results import Curve, FigureSpec
from luggin_plugins.report.axes import axis_label, scale_for
from luggin_plugins.report.svg import BLUE, INK
from luggin_plugins.report.wording import minus, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVEL = "level"
LONGEST_NAME = 34
PLACE_OF_ARROW = 0.42


def is_ladder(spec: FigureSpec) -> bool:
    """True if a figure is made of rungs."""
    return bool(spec.curves) and all(c.style == LEVEL for c in spec.curves)


def draw_ladder(axes: Axes, spec: FigureSpec) -> None:
    """Rungs with their couples and potentials, and the gaps between neighbours of one column."""
    scale = scale_for([c.y for c in spec.curves], spec.y_unit)
    columns: dict[float, list[Curve]] = {}
    for rung in spec.curves:
        columns.setdefault(round(float(np.mean(rung.x)), 6), []).append(rung)
    for rungs in columns.values():
        ordered = sorted(rungs, key=lambda c: -float(c.y[0]))
        for rung in ordered:
            _draw_rung(axes, rung, scale.factor, scale.unit)
        for upper, lower in pairwise(ordered):
            _draw_gap(axes, upper, lower, scale.factor, scale.unit)
    names = [m for m in spec.markers if m.kind == "column"]
    axes.set_xticks([m.x for m in names], [short(m.label, LONGEST_NAME) for m in names])
    axes.tick_params(axis="x", length=0, pad=6)
    places = [m.x for m in names] or [0.0]
    axes.set_xlim(min(places) - 0.7, max(places) + 0.7)
    axes.margins(y=0.15)
    axes.set_ylabel(axis_label(short(spec.y_label, 80), scale))


def _draw_rung(axes: Axes, rung: Curve, factor: float, unit: str) -> None:
    height = float(rung.y[0]) * factor
    axes.plot(rung.x, rung.y * factor, color=BLUE, linewidth=2.2, solid_capstyle="butt")
    for place, words, side in (
        (float(rung.x[0]), short(rung.label, LONGEST_NAME), "left"),
        (float(rung.x[-1]), f"{minus(f'{height:.3f}')} {unit}", "right"),
    ):
        axes.annotate(
            words, (place, height), (0, 3), textcoords="offset points", ha=side, va="bottom", fontsize=8, color=INK
        )


def _draw_gap(axes: Axes, upper: Curve, lower: Curve, factor: float, unit: str) -> None:
    """An arrow between two rungs with the distance of their potentials."""
    x = float(upper.x[0] + PLACE_OF_ARROW * (upper.x[-1] - upper.x[0]))  # left of the middle: the value has more room
    high, low = float(upper.y[0]) * factor, float(lower.y[0]) * factor
    axes.annotate("", (x, low), (x, high), arrowprops={"arrowstyle": "<->", "color": INK, "linewidth": 0.7})
    axes.annotate(
        f"{high - low:.3f} {unit}", (x, 0.5 * (high + low)), (4, 0), textcoords="offset points", fontsize=8, va="center"
    )
