"""Turns descriptions of figures into pictures: voltammograms with what was found in them, and the overview.

Every figure is a matplotlib ``Figure`` without pyplot, so nothing global is opened or left behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from luggin.results import Curve, FigureSpec, Marker
from luggin_plugins.report.axes import Scale, axis_label, scale_for, time_scale
from luggin_plugins.report.curves import LONGEST_LABEL, RESIDUAL, colours, draw_curve, residuals, several
from luggin_plugins.report.ladders import draw_ladder, is_ladder
from luggin_plugins.report.readings import Trace
from luggin_plugins.report.svg import BLUE, FAINT, GREEN, INK, PAPER, RED, picture, settings
from luggin_plugins.report.thinning import MOST_POINTS, Array
from luggin_plugins.report.wording import minus, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 6.6, 4.3  # inches: the width of a page of A4 or letter between its margins
_PANELS = {"potential": GREEN, "voltage": GREEN, "current": BLUE, "temperature": RED}


@dataclass(frozen=True)
class Drawn:
    """A figure of the page.

    Attributes:
        svg: the picture.
        title: its heading.
        caption: what it shows, in sentences.
    """

    svg: str
    title: str
    caption: str


@dataclass(frozen=True)
class Mark:
    """A moment of the run (s) that the overview points at."""

    time: float
    words: str
    trouble: bool = False


def draw_spec(spec: FigureSpec, name: str, caption: str = "", most: int = MOST_POINTS) -> Drawn:
    """One figure of an analysis.

    Args:
        spec: what it shows.
        name: a word that no other figure of the page has.
        caption: what to say below it.
        most: points of a curve.
    """
    import matplotlib

    with matplotlib.rc_context(settings()):
        figure = _figure(HEIGHT)
        if is_ladder(spec):
            draw_ladder(figure.add_axes((0.11, 0.09, 0.87, 0.87)), spec)
        else:
            _draw_axes(figure, spec, most)
        title = short(spec.title, 160)
        return Drawn(picture(figure, name, title), title, caption)


def _draw_axes(figure: Figure, spec: FigureSpec, most: int) -> None:
    """The curves of a figure over one x axis, what is left over in a panel below if there is such a thing."""
    below = residuals(spec)
    axes = figure.add_axes((0.11, 0.345, 0.87, 0.555) if below else (0.11, 0.125, 0.87, 0.775))
    curves = [c for c in spec.curves if not c.style.startswith(RESIDUAL)]
    x_scale = scale_for([c.x for c in spec.curves], spec.x_unit)
    y_scale = scale_for([c.y for c in curves], spec.y_unit)
    for curve, colour in zip(curves, colours(curves), strict=True):
        draw_curve(axes, curve, colour, x_scale, y_scale, most)
    axes.set_ylabel(axis_label(short(spec.y_label, 80), y_scale))
    _decorate(axes)
    if curves and spec.x_unit == "V" and not several(curves):
        _point_out_start(axes, curves[0], x_scale, y_scale)
    _draw_markers(axes, spec.markers, x_scale, y_scale)
    if several(curves):
        axes.legend(frameon=False, fontsize=8)
    lowest = axes
    if below:
        lowest = figure.add_axes((0.11, 0.125, 0.87, 0.19), sharex=axes)
        axes.tick_params(labelbottom=False)
        own = scale_for([c.y for c in below], spec.y_unit)
        for curve in below:
            draw_curve(lowest, curve, INK, x_scale, own, most)
        lowest.set_ylabel(axis_label("left over", own))
        _decorate(lowest)
    lowest.set_xlabel(axis_label(short(spec.x_label, 80), x_scale))


def _figure(height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height))


def _decorate(axes: Axes) -> None:
    axes.axhline(0.0, color=FAINT, linewidth=0.8, zorder=0)
    axes.tick_params(top=True, right=True)
    axes.margins(x=0.03, y=0.12)


def _point_out_start(axes: Axes, curve: Curve, x_scale: Scale, y_scale: Scale) -> None:
    """A dot where the sweep begins, and an arrow the way it goes."""
    x, y = np.asarray(curve.x) * x_scale.factor, np.asarray(curve.y) * y_scale.factor
    whole = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if whole.size < 3:
        return
    first = int(whole[0])
    axes.plot(x[first], y[first], "o", color=INK, markersize=3.5)
    low, high = axes.get_ylim()
    span = float(np.ptp(x[whole]))
    away = whole[np.abs(x[whole] - x[first]) >= 0.04 * span] if span else whole[:0]
    if not away.size:
        return
    direction = 1.0 if x[away[0]] > x[first] else -1.0
    height = float(y[first]) + 0.09 * (high - low) * (1 if y[first] < (low + high) / 2 else -1)
    begin, end = x[first], x[first] + direction * 0.09 * span
    axes.annotate("", (end, height), (begin, height), arrowprops={"arrowstyle": "->", "color": INK, "linewidth": 0.9})
    axes.annotate(
        "scan", ((begin + end) / 2, height), (0, 3), textcoords="offset points", ha="center", fontsize=7.5, color=INK
    )


def _draw_markers(axes: Axes, markers: Sequence[Marker], x_scale: Scale, y_scale: Scale) -> None:
    points = [m for m in markers if m.y is not None]
    lines = sorted((m for m in markers if m.y is None), key=lambda m: m.x)
    low, high = axes.get_ylim()
    for marker in points:
        _draw_point(axes, marker, [line.x for line in lines], x_scale, y_scale)
    axes.set_ylim(low, high)
    for marker, level in zip(lines, _levels([m.x * x_scale.factor for m in lines], axes.get_xlim()), strict=True):
        x = marker.x * x_scale.factor
        axes.axvline(x, color=GREEN, linewidth=1.0, linestyle=(0, (6, 2, 1, 2)), zorder=1)
        axes.annotate(
            _line_label(marker, x_scale),
            (x, 1.0),
            (0, 3 + 11 * level),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8,
            color=GREEN,
        )


def _draw_point(axes: Axes, marker: Marker, lines: Sequence[float], x_scale: Scale, y_scale: Scale) -> None:
    """A point with its label outside the loop, and on the side that is away from the nearest line."""
    x, y = marker.x * x_scale.factor, float(marker.y or 0.0) * y_scale.factor
    axes.plot(x, y, "o", color=RED, markersize=4, markerfacecolor=PAPER)
    near = 0.2 * float(np.ptp(axes.get_xlim())) / x_scale.factor
    away = [marker.x - line for line in lines if abs(marker.x - line) < near]
    side = int(np.sign(min(away, key=abs))) if away else 0
    up = y >= 0
    axes.annotate(
        minus(short(marker.label, LONGEST_LABEL)),
        (x, y),
        (4 * side, 6 if up else -8),
        textcoords="offset points",
        ha={-1: "right", 0: "center", 1: "left"}[side],
        va="bottom" if up else "top",
        fontsize=8,
        color=RED,
    )


def _line_label(marker: Marker, scale: Scale) -> str:
    value = f"{minus(f'{marker.x * scale.factor:.3f}')} {scale.unit}"
    name = "E1/2" if marker.kind == "half_wave_potential" else short(marker.kind.replace("_", " "), 24)
    label = short(marker.label, LONGEST_LABEL)
    return f"{name}({label}) = {value}" if label else f"{name} = {value}"


def _levels(positions: Sequence[float], limits: tuple[float, float], room: float = 0.27) -> list[int]:
    """The line, counted from the axis, on which each label stands so that neighbours do not overlap."""
    span = abs(limits[1] - limits[0]) or 1.0
    ends: list[float] = []
    levels = []
    for position in positions:
        level = next((k for k, end in enumerate(ends) if position - end > room * span), len(ends))
        ends[level : level + 1] = [position]
        levels.append(level % 3)
    return levels


def draw_overview(traces: Sequence[Trace], marks: Sequence[Mark], name: str, caption: str) -> Drawn:
    """All readings over the time of the run, one panel per quantity; what happened is marked."""
    import matplotlib

    names = list(dict.fromkeys(t.name for t in traces))
    with matplotlib.rc_context(settings()):
        figure = _figure(0.75 + 1.55 * len(names))
        panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
        figure.subplots_adjust(
            left=0.11,
            right=0.98,
            bottom=0.5 / figure.get_figheight(),
            top=1 - 0.25 / figure.get_figheight(),
            hspace=0.1,
        )
        scale = time_scale(traces)
        for axes, quantity in zip(panels, names, strict=True):
            _draw_panel(axes, [t for t in traces if t.name == quantity], scale)
            for mark in marks:
                colour, style = (RED, "-") if mark.trouble else (INK, (0, (1, 2)))
                axes.axvline(mark.time * scale.factor, color=colour, linestyle=style, linewidth=0.8, zorder=0)
        _name_marks(panels[0], marks, scale)
        panels[-1].set_xlabel(axis_label("time since the start", scale))
        title = "Overview: " + " and ".join(names) + " over time"
        return Drawn(picture(figure, name, title), title, caption)


def _draw_panel(axes: Axes, traces: Sequence[Trace], scale: Scale) -> None:
    own = scale_for([t.values for t in traces], traces[0].unit)
    colour = _PANELS.get(traces[0].name, INK)
    for trace in traces:
        axes.plot(trace.time * scale.factor, trace.values * own.factor, color=colour, linewidth=0.9)
        _draw_lonely(axes, trace.time * scale.factor, trace.values * own.factor, colour)
    axes.set_ylabel(axis_label(traces[0].name, own))
    axes.tick_params(top=True, right=True)
    axes.margins(x=0.02, y=0.1)


def _draw_lonely(axes: Axes, x: Array, y: Array, colour: str) -> None:
    """Single rows between gaps, which no line shows."""
    whole = np.isfinite(x) & np.isfinite(y)
    padded = np.concatenate(([False], whole, [False]))
    lonely = whole & ~padded[:-2] & ~padded[2:]
    if lonely.any():
        axes.plot(x[lonely], y[lonely], ".", color=colour, markersize=2.5)


def _name_marks(axes: Axes, marks: Sequence[Mark], scale: Scale) -> None:
    """Names above the first panel: troubles that lie together share a name; then steps, where there is room."""
    low, high = axes.get_xlim()
    span = high - low
    taken: list[tuple[float, float]] = []
    for mark in (*_joined([m for m in marks if m.trouble], 0.02 * span / scale.factor), *marks):
        x, words = mark.time * scale.factor, short(mark.words, 40)
        left = x > low + 0.8 * span
        width = 0.0105 * len(words) * span
        begin, end = (x - width, x) if left else (x, x + width)
        if any(begin < other_end and other_begin < end for other_begin, other_end in taken):
            continue
        taken.append((begin, end))
        axes.annotate(
            words,
            (x, 1.0),
            (0, 2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right" if left else "left",
            fontsize=7.5,
            color=RED if mark.trouble else INK,
        )


def _joined(marks: Sequence[Mark], near: float) -> list[Mark]:
    """Marks with those together that are nearer than ``near`` (s): ``interrupted, resumed``."""
    joined: list[Mark] = []
    for mark in sorted(marks, key=lambda m: m.time):
        if joined and mark.time - joined[-1].time < near:
            joined[-1] = Mark(joined[-1].time, f"{joined[-1].words}, {mark.words}", True)
        else:
            joined.append(mark)
    return joined
