"""Keithley's touch-screen SourceMeters that speak SCPI: 2450, 2460, 2461.

The manuals' command tables are in the ``commands_…`` modules, the syntax in `scpi`, what the
commands do to source, meters and cell in `unit`, `terminals` and `sweep`; `rules` holds what the
manuals do not say.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from luggin.errors import Problem
from luggin_sim.dialects.keithley_2450.dialect import SourceMeasureDialect
from luggin_sim.dialects.keithley_2450.models import MODELS
from luggin_sim.dialects.keithley_2450.rules import Rules, check_rules

if TYPE_CHECKING:
    from luggin_sim.cells import Cell

__all__ = ["SourceMeasureDialect", "Rules", "MODELS", "check", "make"]


def check(model: str, options: Mapping[str, Any]) -> list[Problem]:
    """All mistakes in a bench file's model and options."""
    problems = check_rules(options)
    if model not in MODELS:
        close = difflib.get_close_matches(model, MODELS, 1)
        meant = f"Did you mean {close[0]!r}? " if close else ""
        hint = f"{meant}There are: {', '.join(MODELS)}."
        problems.insert(0, Problem(f"{model!r} is not a model of this dialect.", "model", hint=hint))
    return problems


def make(model: str, options: Mapping[str, Any], cell: Cell) -> SourceMeasureDialect:
    """A freshly switched-on instrument with ``cell`` for its terminals."""
    return SourceMeasureDialect(MODELS[model], Rules(**options), cell)
