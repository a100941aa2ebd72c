"""The SRS EC301 potentiostat, galvanostat and ZRA, as its manual (rev 1.2) describes its remote interface.

`commands` is the command table, `ramp` the ramp generator, `analog` what all of it does to the cell,
`packets` the binary data stream, `registers` errors and status; `rules` holds what the manual does not say.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from luggin.errors import Problem
from luggin_sim.dialects.srs_ec301.dialect import Ec301Dialect
from luggin_sim.dialects.srs_ec301.rules import Rules, check_rules

if TYPE_CHECKING:
    from luggin_sim.cells import Cell

__all__ = ["Ec301Dialect", "MODELS", "Rules", "check", "make"]

MODELS = ("ec301",)


def check(model: str, options: Mapping[str, Any]) -> list[Problem]:
    """All mistakes in a bench file's model and options."""
    problems = check_rules(options)
    if model not in MODELS:
        close = difflib.get_close_matches(model, MODELS, 1)
        meant = f"Did you mean {close[0]!r}? " if close else ""
        hint = f"{meant}There are: {', '.join(MODELS)}."
        problems.insert(0, Problem(f"{model!r} is not a model of this dialect.", "model", hint=hint))
    return problems


def make(model: str, options: Mapping[str, Any], cell: Cell) -> Ec301Dialect:
    """A freshly switched-on instrument with ``cell`` on its leads."""
    return Ec301Dialect(Rules(**options), cell)
