"""Julabo's circulators: the commands of the manual of the CF31 and CF41 (chapter 11), over a chamber.

`rules` holds what the manual does not say, and what can be set on the panel.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from luggin.errors import Problem
from luggin_sim.dialects.julabo_circulator.circulator import CirculatorDialect
from luggin_sim.dialects.julabo_circulator.models import MODELS
from luggin_sim.dialects.julabo_circulator.rules import Rules, check_rules

if TYPE_CHECKING:
    from luggin_sim.cells import Chamber

__all__ = ["CirculatorDialect", "Rules", "MODELS", "check", "make"]


def check(model: str, options: Mapping[str, Any]) -> list[Problem]:
    """All mistakes in a bench file's model and options."""
    problems = check_rules(options)
    if model not in MODELS:
        close = difflib.get_close_matches(model, MODELS, 1)
        meant = f"Did you mean {close[0]!r}? " if close else ""
        hint = f"{meant}There are: {', '.join(MODELS)}."
        problems.insert(0, Problem(f"{model!r} is not a model of this dialect.", "model", hint=hint))
    return problems


def make(model: str, options: Mapping[str, Any], chamber: Chamber) -> CirculatorDialect:
    """A freshly switched-on circulator on ``chamber``."""
    return CirculatorDialect(MODELS[model], Rules(**options), chamber)
