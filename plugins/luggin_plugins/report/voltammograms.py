"""Current over potential of the techniques that no analysis has drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from luggin.analysis import RunArchive
from luggin.results import Curve, FigureSpec
from luggin_plugins.report.readings import rows_of
from luggin_plugins.report.wording import reference_name, status_words, value_with_unit

SWEPT = ("cv", "lsv")
"""Techniques whose current is looked at over the potential."""

MOST_ALONE = 4
"""Voltammograms of one technique that are drawn one by one; more are laid over each other."""

MOST_OVERLAID = 8

_TITLES = {"cv": "Cyclic voltammogram", "lsv": "Linear sweep voltammogram"}


def undrawn(archive: RunArchive, drawn: set[tuple[int, int]]) -> list[FigureSpec]:
    """Figures of all sweeps but those whose step and attempt are in ``drawn``."""
    sample = archive.sample
    against = f" vs {reference_name(sample)}" if reference_name(sample) else ""
    curves: dict[str, list[Curve]] = {}
    for technique, curve in (*_recorded(archive, drawn), *_cut_off(archive, drawn)):
        curves.setdefault(technique, []).append(curve)
    specs = []
    for technique, found in curves.items():
        title = _TITLES.get(technique, technique)
        if len(found) <= MOST_ALONE:
            specs += [_spec(f"{title}: {c.label}", [c], against) for c in found]
        else:
            chosen = [found[k] for k in np.unique(np.linspace(0, len(found) - 1, MOST_OVERLAID).round().astype(int))]
            specs.append(_spec(f"{title}s: {len(chosen)} of {len(found)}, evenly chosen", chosen, against))
    return specs


def _spec(title: str, curves: Sequence[Curve], against: str) -> FigureSpec:
    return FigureSpec(title, f"potential{against}", "current", "V", "A", tuple(curves))


def _recorded(archive: RunArchive, drawn: set[tuple[int, int]]) -> Iterator[tuple[str, Curve]]:
    """Sweeps whose steps came to an end of any kind."""
    paths = {step.step: step.path for step in archive.steps}
    for technique in SWEPT:
        for table in archive.tables(technique=technique):
            if (table.step, table.attempt) not in drawn and {"potential", "current"} <= set(table.columns):
                name = ", ".join(filter(None, [table.label or table.id, f"step {paths.get(table.step, table.step)}"]))
                yield technique, Curve(table.columns["potential"], table.columns["current"], name)


def _cut_off(archive: RunArchive, drawn: set[tuple[int, int]]) -> Iterator[tuple[str, Curve]]:
    """Sweeps that go on, were killed or failed: no record says where their rows are, so these are searched for."""
    for step in archive.steps:
        if step.status == "done" or step.parts or step.do not in SWEPT or step.do not in archive.store.streams:
            continue
        rows = rows_of(archive.store, step.do, (step.step, step.attempt))
        names: Any = rows.dtype.names or ()
        if len(rows) and (step.step, step.attempt) not in drawn and {"potential", "current"} <= set(names):
            name = ", ".join(filter(None, [step.label or step.id, f"step {step.path} ({status_words(step.status)})"]))
            yield step.do, Curve(rows["potential"], rows["current"], name)


def sweep_words(parameters: Mapping[str, Any]) -> str:
    """``25 mV/s, 2 cycles``, as far as it is known."""
    rate, cycles = parameters.get("rate"), parameters.get("cycles")
    said = [value_with_unit(float(rate), "V/s")] if isinstance(rate, int | float) else []
    if isinstance(cycles, int):
        said.append(f"{cycles} cycle{'' if cycles == 1 else 's'}")
    return ", ".join(said)
