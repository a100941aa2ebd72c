"""A short technique of each kind on a dummy resistor, within what an instrument declares, and what comes of it."""

from __future__ import annotations

import math
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
#: Of the highest potential: step, pulse (and distance of the wave from peak to peak), and what a sweep goes in 1 s.
_STEPS, _PULSES, _PER_SECOND = 0.05, 0.125, 0.5
_INTERVAL, _DURATION = 0.1, 3.0
_PULSE_TIME, _FREQUENCY = 0.02, 10.0
#: A spectrum of two decades within some seconds.
_FIRST_FREQUENCY, _LAST_FREQUENCY, _POINTS, _AMPLITUDE = 1000.0, 10.0, 30, 0.01


def highest(capabilities: Capabilities) -> float:
    """The largest potential that is applied to the dummy (V)."""
    return min(_HIGHEST, _SHARE_OF_POTENTIAL * capabilities.potential.high)


def lowest(capabilities: Capabilities) -> float:
    """The lowest potential that is applied to the dummy (V)."""
    return max(_LOWEST, _SHARE_OF_POTENTIAL * capabilities.potential.low)


def dummy_resistance(capabilities: Capabilities) -> float:
    """The dummy resistor (ohm): 10 kohm, or more for an instrument of small currents."""
    return max(_RESISTANCE, highest(capabilities) / (_SHARE_OF_LARGEST_CURRENT * capabilities.current.high))


def example(
    name: str, capabilities: Capabilities, resistance: float, span: tuple[float, float] | None = None
) -> Technique | None:
    """A technique of some seconds for the dummy; None for a technique that this kit has no example of.

    ``span`` has the lowest and the highest potential (V) that anything of it reaches, as asked for.
    """
    limits = capabilities.techniques[name].limits
    low, high = span or (lowest(capabilities), highest(capabilities))
    timed = {"duration": _within(_DURATION, limits, "duration"), "dt": _within(_INTERVAL, limits, "dt")}
    step = {"step": _within(_STEPS * high, limits, "step")}
    rate = {"rate": _within(_PER_SECOND * high, limits, "rate")}
    pulse, amplitude = _PULSES * high, 0.5 * _PULSES * high
    examples: Mapping[str, Mapping[str, Any]] = {
        "ocp": timed,
        "ca": {"potential": high, **timed},
        "cp": {"current": high / resistance, "potential_limit": 2 * high, **timed},
        "lsv": {"begin": low, "end": high, **step, **rate},
        "cv": {"begin": 0.0, "vertices": (high, low), "end": 0.0, "cycles": 1, **step, **rate},
        "dpv": {"begin": low, "end": high - pulse, **step, **rate, "pulse": pulse, "pulse_time": _PULSE_TIME},
        # Downwards: a sign that is lost in the direction of the scan shows here.
        "swv": {
            "begin": high - amplitude,
            "end": low + amplitude,
            **step,
            "amplitude": amplitude,
            "frequency": _within(_FREQUENCY, limits, "frequency"),
        },
        "eis": {
            "potential": high - _AMPLITUDE,
            "amplitude": _AMPLITUDE,
            "begin_frequency": _FIRST_FREQUENCY,
            "end_frequency": _LAST_FREQUENCY,
            "points": _POINTS,
        },
    }
    return Technique(name, examples[name]) if name in examples else None


def ohmic(technique: Technique, row: Mapping[str, float], resistance: float) -> Mapping[str, float]:
    """What a row has to say on a resistor (ohm), by column, given the potential that stands in it.

    The definitions of the columns are those of `luggin.instrument.pulses` and `luggin.instrument.spectra`.

    >>> ohmic(Technique("swv", {"begin": 1.0, "end": 0.0, "amplitude": 0.1}), {"potential": 0.5}, 1e3)
    {'forward_current': 0.0004, 'reverse_current': 0.0006, 'current': -0.0002}
    """
    given, name = technique.parameters, technique.name
    if name == "eis":
        return {"impedance_real": resistance, "impedance_imaginary": 0.0}
    if name == "dpv":
        return {"current": given["pulse"] / resistance}
    potential = row["potential"] if "potential" in row else row["voltage"]
    if name == "swv":
        towards = math.copysign(given["amplitude"], given["end"] - given["begin"])
        return {
            "forward_current": (potential + towards) / resistance,
            "reverse_current": (potential - towards) / resistance,
            "current": 2 * towards / resistance,
        }
    return {"current": potential / resistance} if "current" in row else {}


def _within(value: float, limits: Mapping[str, Range], name: str) -> float:
    allowed = limits.get(name)
    return value if allowed is None else min(max(value, allowed.low), allowed.high)
