"""Pulse voltammetry as all drivers speak of it: columns, and the potentials that pulses reach.

``dpv`` is a staircase with one pulse at the end of each level; ``swv`` a staircase whose every level
carries one period of a square wave. Both report one row for each level, at the potential of the level.

Parameters (SI), beside ``begin``, ``end``, ``step``, ``quiet`` and ``current_range``:

``dpv``
    ``pulse`` (V, with its sign: it goes the way that the staircase goes), ``pulse_time`` (s), ``rate`` (V/s)
``swv``
    ``amplitude`` (V, from the level to either side: half of what is from peak to peak), ``frequency`` (Hz)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin.records import Column

#: Column of both: what is left when the background that the two readings share is gone.
NET_CURRENT = Column(
    "current", "A", "f8", "net current: end of the pulse minus before it, or forward minus reverse half-wave"
)
FORWARD_CURRENT = Column("forward_current", "A", "f8", "current at the end of the half-wave in the direction of scan")
REVERSE_CURRENT = Column("reverse_current", "A", "f8", "current at the end of the half-wave against the scan")

PULSED = ("dpv", "swv")
"""Techniques whose potentials go beyond their begin and end."""


def reached(technique: str, parameters: Mapping[str, Any]) -> tuple[float, ...]:
    """The potentials (V) that the pulses of a technique reach at its two ends; none if it has no pulses.

    >>> reached("swv", {"begin": 0.0, "end": -0.5, "amplitude": 0.025})
    (0.025, -0.025, -0.475, -0.525)
    >>> reached("dpv", {"begin": 0.0, "end": -0.5, "pulse": -0.05})
    (-0.05, -0.55)
    """
    ends = [parameters[name] for name in ("begin", "end")] if technique in PULSED else []
    if technique == "dpv":
        return tuple(end + parameters["pulse"] for end in ends)
    return tuple(end + sign * parameters["amplitude"] for end in ends for sign in (1, -1))


def levels(parameters: Mapping[str, Any]) -> int:
    """How many levels the staircase has, the one at begin included: whole steps only.

    >>> levels({"begin": 0.0, "end": -0.5, "step": 0.004})
    126
    """
    whole = abs(parameters["end"] - parameters["begin"]) / parameters["step"]
    return int(whole + _WHOLE) + 1


# A span that is a whole number of steps must not lose its last one to rounding.
_WHOLE = 1e-6
