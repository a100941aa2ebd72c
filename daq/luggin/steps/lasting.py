"""How long a step takes by what it says itself, without any instrument: for estimates in words.

What an instrument makes of it (its own steps of time, gaps between sweeps) is in the plan of a check
and in the record of a run.
"""

from __future__ import annotations

from itertools import pairwise

from luggin.steps.base import Step
from luggin.steps.control import Chain, Prompt
from luggin.steps.preflight import LASTS, Preflight
from luggin.steps.techniques import CV, LSV
from luggin.steps.temperature import Equilibrate, Ramp, SetTemperature


def lasts(step: Step) -> float | None:
    """Time (s) of one execution, the rest before it included; None if nobody can say.

    That is what people do, what a plugin brings without a ``duration``, and temperatures: the
    way to a temperature depends on where it begins. An `Equilibrate` takes its dwell at least.

    >>> lasts(CV(begin="0 V vs ref", vertices=("1 V", "0 V"), rate="0.1 V/s", step="1 mV", quiet="10 s"))
    30.0
    """
    inside = _technique(step)
    return None if inside is None else inside + float(step.rest_before or 0.0)


def _technique(step: Step) -> float | None:
    if isinstance(step, Chain):
        members = [lasts(member) for member in step.steps]
        return None if None in members else sum(member or 0.0 for member in members)
    if isinstance(step, Prompt | Ramp | SetTemperature):
        return None
    if isinstance(step, Equilibrate):
        return float(step.dwell)
    if isinstance(step, Preflight):
        return float(step.duration) + LASTS
    quiet = float(getattr(step, "quiet", None) or 0.0)
    if isinstance(step, CV):
        way = sum(abs(b.value - a.value) for a, b in pairwise(step.turning_points()))
        return way / step.rate + quiet
    if isinstance(step, LSV):
        return abs(step.end.value - step.begin.value) / step.rate + quiet
    duration = getattr(step, "duration", None)
    if duration is not None:
        return float(duration) + quiet
    return 0.0 if step.do == "note" else None
