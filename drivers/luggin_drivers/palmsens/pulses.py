"""Pulse voltammetry in MethodSCRIPT: columns, limits, and the measurement loops ``dpv`` and ``swv``.

Manual, "Measurement loops": ``meas_loop_dpv E I Ebegin Eend Estep Epulse tpulse rate`` and
``meas_loop_swv E I Iforward Ireverse Ebegin Eend Estep Eamplitude frequency``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin import units
from luggin.capabilities import Range, TechniqueCapability
from luggin.errors import LimitError, NotSupported
from luggin.instrument.pulses import FORWARD_CURRENT, NET_CURRENT, REVERSE_CURRENT, levels
from luggin.records import CURRENT_RANGE, FLAGS, INSTRUMENT_TIME, Column, Schema
from luggin_drivers.palmsens import script
from luggin_drivers.palmsens.settings import Settings
from luggin_drivers.palmsens.tables import APPLIED_POTENTIAL, CURRENT, TIME

_LEVEL = Column("potential", "V", "f8", "level of the staircase, without the pulse (variable da)")

DPV = Schema("dpv", (INSTRUMENT_TIME, _LEVEL, NET_CURRENT, CURRENT_RANGE, FLAGS))
SWV = Schema("swv", (INSTRUMENT_TIME, _LEVEL, NET_CURRENT, FORWARD_CURRENT, REVERSE_CURRENT, CURRENT_RANGE, FLAGS))

NAMES: Mapping[str, tuple[str, ...]] = {
    "dpv": ("begin", "end", "step", "pulse", "pulse_time", "rate", "quiet", "current_range"),
    "swv": ("begin", "end", "step", "amplitude", "frequency", "quiet", "current_range"),
}
WAY_OUT = {
    "pulse": "choose a smaller pulse",
    "pulse_time": "choose another time",
    "amplitude": "choose another amplitude",
    "frequency": "choose another frequency",
}

_LARGEST_PULSE = 0.25
_SHORTEST_PULSE, _LONGEST_PULSE = 1e-3, 10.0
_SLOWEST = 0.1
#: A pulse may take no more than this share of its period (third-party reading of the manual).
_LARGEST_SHARE = 0.5


def capabilities(settings: Settings, sweep: Mapping[str, Range], why: str) -> dict[str, TechniqueCapability]:
    """What is declared of both; ``sweep`` has the ranges of rate, step and quiet time, ``why`` their source."""
    step, quiet = sweep["step"], sweep["quiet"]
    pulse = Range(-_LARGEST_PULSE, _LARGEST_PULSE, "V", False, why)
    pulse_time = Range(_SHORTEST_PULSE, _LONGEST_PULSE, "s", False, why)
    amplitude = Range(settings.min_step, _LARGEST_PULSE, "V", False, why)
    frequency = Range(_SLOWEST, settings.line_rate, "Hz", False, f"{why}; setting max_line_rate changes it")
    return {
        "dpv": TechniqueCapability("native", DPV, {**sweep, "pulse": pulse, "pulse_time": pulse_time}),
        "swv": TechniqueCapability(
            "native", SWV, {"step": step, "amplitude": amplitude, "frequency": frequency, "quiet": quiet}
        ),
    }


def check(technique: str, parameters: Mapping[str, Any], direction: str) -> None:
    """Refuse what the instrument cannot put on its staircase; ``direction`` is the setting ``dpv_pulses``."""
    span, step = parameters["end"] - parameters["begin"], parameters["step"]
    if abs(span) < step:
        raise LimitError(
            f"{technique}: begin and end are {units.show(abs(span), 'V')} apart, less than one step "
            f"({units.show(step, 'V')})"
        )
    if technique == "swv":
        return
    pulse, period = parameters["pulse"], step / parameters["rate"]
    if pulse == 0 or (pulse > 0) != (span > 0):
        raise NotSupported(
            f"dpv.pulse = {units.show(pulse, 'V')}: pulses of this instrument go the way that the staircase goes"
        )
    if direction == "up" and pulse < 0:
        raise NotSupported(
            "dpv: pulses go to positive potentials always, as the setting dpv_pulses says: begin at the negative end"
        )
    if parameters["pulse_time"] > _LARGEST_SHARE * period * (1 + 1e-9):
        raise LimitError(
            f"dpv.pulse_time = {units.show(parameters['pulse_time'], 's')} is more than half of the period "
            f"({units.show(period, 's')}, step / rate): take shorter pulses, a lower rate, or larger steps"
        )


def interval(technique: str, parameters: Mapping[str, Any]) -> float:
    """Time from one row to the next (s)."""
    return float(1 / parameters["frequency"] if technique == "swv" else parameters["step"] / parameters["rate"])


def edges_per_second(technique: str, parameters: Mapping[str, Any]) -> float:
    """How fast the potential must be able to jump (1/s): two half-waves in a period, or one pulse time."""
    return float(2 * parameters["frequency"] if technique == "swv" else 1 / parameters["pulse_time"])


def head(technique: str, parameters: Mapping[str, Any]) -> str:
    """The line that begins the measurement loop."""
    stairs = [parameters[name] for name in ("begin", "end", "step")]
    if technique == "swv":
        wave = [parameters["amplitude"], parameters["frequency"]]
        return script.command("meas_loop_swv", "p", "c", "f", "r", *stairs, *wave)
    pulse = [abs(parameters["pulse"]), parameters["pulse_time"], parameters["rate"]]
    return script.command("meas_loop_dpv", "p", "c", *stairs, *pulse)


def variables(technique: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the variables that are sent, and the types of the whole package."""
    if technique == "swv":
        return ("p", "c", "f", "r"), (TIME, APPLIED_POTENTIAL, CURRENT, CURRENT, CURRENT)
    return ("p", "c"), (TIME, APPLIED_POTENTIAL, CURRENT)


def rows(parameters: Mapping[str, Any]) -> int:
    """Rows without those of the quiet time."""
    return levels(parameters)
