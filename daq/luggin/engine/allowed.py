"""What the limits of a run say to a technique before it begins, and what is passed on to the instrument."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from luggin import units
from luggin.capabilities import LimitRequest
from luggin.engine.limits import Limit
from luggin.engine.watches import judged_columns

if TYPE_CHECKING:
    from luggin.capabilities import Capabilities, Realised, Technique

#: An instrument may show more than it may apply or source, but not so many times more.
_BEYOND_REACH = 3.0


def requests_of(limits: Sequence[Limit]) -> list[LimitRequest]:
    """The limits that an instrument is asked to hold by itself: windows of values, not of rates."""
    return [LimitRequest(limit.column, limit.low, limit.high) for limit in limits if limit.kind == "between"]


def reach_of(capabilities: Capabilities) -> dict[str, tuple[float, float]]:
    """The readings that an instrument can give, by column: far beyond what it may apply, and no further."""
    ranges = {"potential": capabilities.potential, "voltage": capabilities.potential, "current": capabilities.current}
    widest = {column: _BEYOND_REACH * max(abs(r.low), abs(r.high)) for column, r in ranges.items()}
    return {column: (-most, most) for column, most in widest.items()}


def forbidden(technique: Technique, limits: Sequence[Limit]) -> str:
    """Why a technique with absolute potentials may not be begun under these limits; empty if it may.

    Where it depends on a measured zero of potentials, this is known only in the run.
    """
    from luggin.steps import broken_by

    for parameter, value, limit in broken_by(technique, limits):
        return (
            f"{technique.name}: {parameter} would be {value}; the limits of this run allow {limit.describe()}. "
            "Nothing was applied."
        )
    return ""


def too_late(limits: Sequence[Limit], realised: Realised, capabilities: Capabilities) -> str:
    """Why a ``stop`` limit would be noticed too late during what was prepared; empty if it would not.

    The program alone watches a limit that the instrument does not hold, and rows may reach it so late
    that the cell is harmed before. With the cell open nothing drives it anywhere.
    """
    for technique, schema in zip(realised.techniques, realised.schemas, strict=True):
        known = judged_columns(schema)
        for limit in limits if technique.name != "ocp" else ():
            held = limit.kind == "between" and limit.column in capabilities.enforced
            if limit.then == "stop" and limit.column in known and realised.latency > limit.latency and not held:
                late, wanted = units.show(realised.latency, "s"), units.show(limit.latency, "s")
                return (
                    f"{technique.name}: readings may be {late} old on arrival; the limit {limit.describe()} is watched "
                    f"by the program alone and wants them within {wanted}. Take readings more often, or accept the "
                    f'delay with latency = "{math.ceil(realised.latency)} s" in that limit'
                )
    return ""
