"""IO Rodeo's Rodeostat: one JSON object per line, boards of hardware 0.1 and 0.2.

What a board answers to is in `commands`, what its tests apply in `programmes`, the analog side in
`board`; `rules` holds what the firmware's text does not say and what differs between its versions.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from luggin.errors import Problem
from luggin_sim.dialects.base import Leads
from luggin_sim.dialects.iorodeo_rodeostat.models import MODELS
from luggin_sim.dialects.iorodeo_rodeostat.rodeostat import RodeostatDialect
from luggin_sim.dialects.iorodeo_rodeostat.rules import Rules, check_rules

if TYPE_CHECKING:
    from luggin_sim.cells import Cell

__all__ = ["RodeostatDialect", "Rules", "MODELS", "check", "make"]


def check(model: str, options: Mapping[str, Any]) -> list[Problem]:
    """All mistakes in a bench file's model and options."""
    problems = check_rules(options)
    if model not in MODELS:
        close = difflib.get_close_matches(model, MODELS, 1)
        meant = f"Did you mean {close[0]!r}? " if close else ""
        hint = f"{meant}There are: {', '.join(MODELS)}."
        problems.insert(0, Problem(f"{model!r} is not a model of this dialect.", "model", hint=hint))
    return problems


def make(model: str, options: Mapping[str, Any], cell: Cell) -> RodeostatDialect:
    """A board that was just plugged in, with ``cell`` on its leads."""
    return RodeostatDialect(MODELS[model], Rules(**options), Leads(cell))
