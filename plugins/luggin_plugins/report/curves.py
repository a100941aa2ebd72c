"""One curve of a figure: what each style looks like, and which colour it has.

Styles: ``line``, ``dashed``, ``points``, ``open points`` and ``bars`` (uncertainties, drawn as a line with
gaps); with ``residual`` before it a curve stands in a panel of its own below. ``level`` is a rung of a ladder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from luggin.results import Curve, FigureSpec
from luggin_plugins.report.axes import Scale
from luggin_plugins.report.svg import BLUE, GREEN, INK, PAPER, RED
from luggin_plugins.report.thinning import thinned
from luggin_plugins.report.wording import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_LABEL = 36
RESIDUAL = "residual "
_NAMED = ("line", "points", "open points")
_SERIES = (BLUE, RED, GREEN, INK)


def several(curves: Sequence[Curve]) -> bool:
    """True if curves are told apart by a legend."""
    return sum(1 for c in curves if c.style in _NAMED and c.label) > 1


def residuals(spec: FigureSpec) -> tuple[Curve, ...]:
    """The curves of the lower panel, with the styles that they have in it."""
    found = (c for c in spec.curves if c.style.startswith(RESIDUAL))
    return tuple(Curve(c.x, c.y, c.label, c.style.removeprefix(RESIDUAL)) for c in found)


def colours(curves: Sequence[Curve]) -> list[Any]:
    """One colour per curve; more lines than colours run from dark to bright in order of time.

    Uncertainties have the colour of what they belong to: the curve before them.
    """
    import matplotlib

    count = sum(1 for c in curves if c.style != "bars") or 1
    if not several(curves) or count <= len(_SERIES):
        ramp: list[Any] = [_SERIES[k % len(_SERIES)] for k in range(count)]
    else:
        plasma = matplotlib.colormaps["plasma"]
        ramp = [plasma(0.2 + 0.65 * k / (count - 1)) for k in range(count)]
    chosen: list[Any] = []
    for curve in curves:
        chosen.append(chosen[-1] if curve.style == "bars" and chosen else ramp.pop(0))
    return chosen


def draw_curve(axes: Axes, curve: Curve, colour: Any, x_scale: Scale, y_scale: Scale, most: int) -> None:
    """One curve in the units of the axes, with at most about ``most`` points."""
    x, y = np.asarray(curve.x, np.float64), np.asarray(curve.y, np.float64)
    if curve.style != "bars":
        x, y = thinned(x, y, most)
    style: dict[str, Any] = {"color": colour, "label": short(curve.label, LONGEST_LABEL) or "_nothing"}
    if curve.style == "dashed":
        style |= {"color": RED, "linestyle": (0, (4, 2)), "linewidth": 1.0}
    elif curve.style in ("points", "open points"):
        style |= {"linestyle": "none", "marker": "o", "markersize": 4.0}
        if curve.style == "open points":
            style |= {"markerfacecolor": PAPER}
    elif curve.style == "bars":
        style |= {"linewidth": 0.9}
    axes.plot(x * x_scale.factor, y * y_scale.factor, **style)
