"""Current over potential of the techniques that no analysis has drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from luggin.analysis import RunArchive, StepRecord
from luggin.results import Curve, FigureSpec
from luggin_plugins.report.wording import reference_name, short_status, value_with_unit

SWEPT = ("cv", "lsv")
"""Techniques whose current is looked at over the potential."""

MOST_ALONE = 4
"""Voltammograms of one technique that are drawn one by one; more are laid over each other."""

MOST_OVERLAID = 8

_TITLES = {"cv": "Cyclic voltammogram", "lsv": "Linear sweep voltammogram"}


def undrawn(archive: RunArchive, drawn: set[tuple[int, int]]) -> list[tuple[float, FigureSpec]]:
    """Figures of all sweeps, of every attempt, but those whose step and attempt are in ``drawn``.

    With each comes the run time (s) at which its last curve was begun.
    """
    sample = archive.sample
    against = f" vs {reference_name(sample)}" if reference_name(sample) else ""
    curves: dict[str, list[tuple[float, Curve]]] = {}
    for technique, begun, curve in _sweeps(archive, drawn):
        curves.setdefault(technique, []).append((begun, curve))
    specs = []
    for technique, found in curves.items():
        title = _TITLES.get(technique, technique)
        if len(found) <= MOST_ALONE:
            specs += [(begun, _spec(f"{title}: {c.label}", [c], against)) for begun, c in found]
        else:
            chosen = [found[k] for k in np.unique(np.linspace(0, len(found) - 1, MOST_OVERLAID).round().astype(int))]
            title = f"{title}s: {len(chosen)} of {len(found)}, evenly chosen"
            specs.append((chosen[-1][0], _spec(title, [c for _, c in chosen], against)))
    return specs


def _spec(title: str, curves: Sequence[Curve], against: str) -> FigureSpec:
    return FigureSpec(title, f"potential{against}", "current", "V", "A", tuple(curves))


def _sweeps(archive: RunArchive, drawn: set[tuple[int, int]]) -> Iterator[tuple[str, float, Curve]]:
    """Technique, beginning (run time, s) and curve of every sweep, however its step ended."""
    for step in archive.steps:
        for part in step.parts:
            if part["technique"] not in SWEPT or (step.step, step.attempt) in drawn:
                continue
            stream, first = str(part["stream"]), int(part["first"])
            rows = archive.store.array(stream, first, first + int(part["count"]))
            if len(rows) and {"potential", "current"} <= set(rows.dtype.names or ()):
                yield str(part["technique"]), step.started, Curve(rows["potential"], rows["current"], _name(step, part))


def _name(step: StepRecord, part: Mapping[str, Any]) -> str:
    """What a curve is called: by its label or id, its step, and whatever is unusual about the attempt."""
    unusual = [f"attempt {step.attempt}"] if step.attempt > 1 else []
    unusual += [] if step.completed else [short_status(step.status)]
    said = f"step {step.path}" + (f" ({', '.join(unusual)})" if unusual else "")
    return ", ".join(filter(None, [str(part["label"] or part["id"]), said]))


def sweep_words(parameters: Mapping[str, Any]) -> str:
    """``25 mV/s, 2 cycles``, as far as it is known."""
    rate, cycles = parameters.get("rate"), parameters.get("cycles")
    said = [value_with_unit(float(rate), "V/s")] if isinstance(rate, int | float) else []
    if isinstance(cycles, int):
        said.append(f"{cycles} cycle{'' if cycles == 1 else 's'}")
    return ", ".join(said)
