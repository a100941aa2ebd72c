"""How a step goes on that was interrupted: from its beginning, or with what is left of it."""

from __future__ import annotations

from typing import Literal

from luggin.steps.base import Step
from luggin.steps.quantities import Quantity
from luggin.steps.techniques import OCP

Policy = Literal["restart", "continue", "stop"]


def policy_of(step: Step) -> Policy:
    """What becomes of a step that was interrupted."""
    return "continue" if isinstance(step, OCP) else "restart"


def remaining(step: Step, done: float) -> Step | None:
    """The step with what is left of it after ``done`` seconds; None if it begins again."""
    if isinstance(step, OCP) and step.duration - done > 0:
        return step.model_copy(update={"duration": Quantity.parse(f"{step.duration - done:.9g} s", "s")})
    return None
