"""How a step goes on that was interrupted: from its beginning, or with what is left of it.

Each technique says what a chemist expects of it (``resume_policy`` of its class); ``on_resume`` in the
protocol says otherwise. A sweep begins again, because it begins at a potential with a cell at rest.
What was asked for as a time at open circuit, or as a charge (a current for a time), is not done
twice. A chain, a pre-flight and all that people do begin again.
"""

from __future__ import annotations

from luggin.steps.base import Resumption, Step
from luggin.steps.quantities import Quantity

Policy = Resumption


def policy_of(step: Step) -> Policy:
    """What becomes of a step that was interrupted."""
    return step.on_resume or step.resume_policy


def remaining(step: Step, done: float) -> Step | None:
    """The step with what is left of it after ``done`` seconds of its technique; None if it begins again.

    Where nothing is left, what remains is one reading: the step is over then, and was not done twice.

    >>> from luggin.steps import CP
    >>> remaining(CP(current="1 mA", duration="60 s", dt="1 s"), done=45.0).duration
    <15 s>
    """
    duration = getattr(step, "duration", None)
    if duration is None or not step.can_continue or policy_of(step) != "continue" or done <= 0:
        return None
    quiet = float(getattr(step, "quiet", None) or 0.0)
    quiet_left = max(quiet - done, 0.0)
    left = duration - max(done - quiet, 0.0)
    shortest = float(getattr(step, "dt", None) or 0.0)
    changes: dict[str, Quantity | None] = {"duration": _seconds(max(left, shortest))}
    if quiet:
        changes["quiet"] = _seconds(quiet_left) if quiet_left else None
    return step.model_copy(update=changes)


def _seconds(value: float) -> Quantity:
    return Quantity.parse(f"{value:.9g} s", "s")
