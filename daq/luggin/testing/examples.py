"""A short technique of each kind on a dummy resistor, within what an instrument declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin.capabilities import Capabilities, Range, Technique

#: What is applied at most (V); positive and negative differ, so that a lost sign shows.
_HIGHEST, _LOWEST = 0.4, -0.2
#: The dummy (ohm), unless so much current would be too near the instrument's largest.
_RESISTANCE = 10e3
_SHARE_OF_LARGEST_CURRENT = 0.1
#: Half of what an instrument can apply is plenty.
_SHARE_OF_POTENTIAL = 0.5
_STEP, _RATE, _INTERVAL, _DURATION = 0.02, 0.2, 0.1, 3.0


def highest(capabilities: Capabilities) -> float:
    """The largest potential that is applied to the dummy (V)."""
    return min(_HIGHEST, _SHARE_OF_POTENTIAL * capabilities.potential.high)


def lowest(capabilities: Capabilities) -> float:
    """The lowest potential that is applied to the dummy (V)."""
    return max(_LOWEST, _SHARE_OF_POTENTIAL * capabilities.potential.low)


def dummy_resistance(capabilities: Capabilities) -> float:
    """The dummy resistor (ohm): 10 kohm, or more for an instrument of small currents."""
    return max(_RESISTANCE, highest(capabilities) / (_SHARE_OF_LARGEST_CURRENT * capabilities.current.high))


def example(name: str, capabilities: Capabilities, resistance: float) -> Technique | None:
    """A technique of some seconds for the dummy; None for a technique that this kit has no example of."""
    limits = capabilities.techniques[name].limits
    high, low = highest(capabilities), lowest(capabilities)
    timed = {"duration": _within(_DURATION, limits, "duration"), "dt": _within(_INTERVAL, limits, "dt")}
    sweep = {"step": _within(_STEP, limits, "step"), "rate": _within(_RATE, limits, "rate")}
    examples: Mapping[str, Mapping[str, Any]] = {
        "ocp": timed,
        "ca": {"potential": high, **timed},
        "cp": {"current": high / resistance, "potential_limit": 2 * high, **timed},
        "lsv": {"begin": low, "end": high, **sweep},
        "cv": {"begin": 0.0, "vertices": (high, low), "end": 0.0, "cycles": 1, **sweep},
    }
    return Technique(name, examples[name]) if name in examples else None


def _within(value: float, limits: Mapping[str, Range], name: str) -> float:
    allowed = limits.get(name)
    return value if allowed is None else min(max(value, allowed.low), allowed.high)
