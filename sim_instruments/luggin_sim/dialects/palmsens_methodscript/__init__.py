"""PalmSens instruments that run MethodSCRIPT: EmStat Pico, EmStat4 LR and HR.

The manual's command table is in `commands`, the language in `script`, what a script does in
`machine`; `rules` holds what the manual does not say.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from luggin.errors import Problem
from luggin_sim.dialects.base import Leads
from luggin_sim.dialects.palmsens_methodscript.commands import MethodScriptDialect
from luggin_sim.dialects.palmsens_methodscript.models import MODELS
from luggin_sim.dialects.palmsens_methodscript.rules import Rules, check_rules

if TYPE_CHECKING:
    from luggin_sim.cells import Cell

__all__ = ["MethodScriptDialect", "Rules", "MODELS", "check", "make"]


def check(model: str, options: Mapping[str, Any]) -> list[Problem]:
    """All mistakes in a bench file's model and options."""
    problems = check_rules(options)
    if model not in MODELS:
        close = difflib.get_close_matches(model, MODELS, 1)
        meant = f"Did you mean {close[0]!r}? " if close else ""
        hint = f"{meant}There are: {', '.join(MODELS)}."
        problems.insert(0, Problem(f"{model!r} is not a model of this dialect.", "model", hint=hint))
    return problems


def make(model: str, options: Mapping[str, Any], cell: Cell) -> MethodScriptDialect:
    """A freshly switched-on instrument with ``cell`` on its leads."""
    rules = Rules(**options)
    return MethodScriptDialect(MODELS[model], rules, Leads(cell, rules.staircase))
