"""Which part of the engine does which step, where that is not a plain technique.

An executor is a function ``(attempt, step) -> (status, parts, values)``; its module is imported when
a protocol has such a step.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luggin.engine.execution import Attempt, Executed
    from luggin.steps import Step

_EXECUTORS = {
    "prompt": "luggin.engine.asking:prompt",
    "note": "luggin.engine.asking:note",
    "preflight": "luggin.engine.preflight:preflight",
    "set_temperature": "luggin.engine.tempering:set_temperature",
    "ramp": "luggin.engine.tempering:ramp",
    "solution_resistance": "luggin.engine.resistance:solution_resistance",
    "compensate": "luggin.engine.resistance:compensate",
    "equilibrate": "luggin.engine.tempering:equilibrate",
}


def executor_of(step: Step) -> Callable[[Attempt, Any], Executed] | None:
    """The function that does this step; None for techniques, which the engine does itself."""
    place = _EXECUTORS.get(step.do)
    if place is None:
        return None
    module, _, name = place.partition(":")
    found: Callable[[Attempt, Any], Executed] = getattr(importlib.import_module(module), name)
    return found
