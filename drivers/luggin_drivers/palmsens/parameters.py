"""The parameters of a technique: complete, inside the limits, and rounded to what can be written.

Every refusal says which parameter, its value, what is allowed, where that comes from, and a way out.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luggin import units
from luggin.capabilities import Capabilities, Range, Technique
from luggin.errors import LimitError, NotSupported, UsageError
from luggin.instrument.pulses import PULSED, reached
from luggin.instrument.spectra import swing
from luggin_drivers.palmsens import pulses, spectra
from luggin_drivers.palmsens.script import nearest
from luggin_drivers.palmsens.settings import Settings

_NAMES: Mapping[str, tuple[str, ...]] = {
    "cv": ("begin", "vertices", "end", "rate", "step", "cycles", "quiet", "current_range"),
    "lsv": ("begin", "end", "rate", "step", "quiet", "current_range"),
    "ca": ("potential", "duration", "dt", "quiet", "current_range"),
    "ocp": ("duration", "dt"),
    **pulses.NAMES,
    **spectra.NAMES,
}
_OPTIONAL = {"quiet": 0.0, "cycles": 1, "current_range": None}
_WAY_OUT = {
    "rate": "scan at another rate, or use an instrument made for it",
    "step": "choose another step",
    "dt": "take the points at another interval",
    "duration": "choose another duration",
    "cycles": "split the step",
    "quiet": "choose another quiet time",
    **pulses.WAY_OUT,
    **spectra.WAY_OUT,
}
# Two potentials closer than this cannot be told apart by any model of the family.
_SAME_POTENTIAL = 1e-6


@dataclass(frozen=True)
class Rounded:
    """A technique with the parameters that the instrument will get, and what was rounded."""

    technique: Technique
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> Any:
        return self.technique.parameters[name]

    @property
    def name(self) -> str:
        """Name of the technique."""
        return self.technique.name

    @property
    def potentials(self) -> tuple[float, ...]:
        """Every potential that it turns or stays at, or that its pulses reach (V); none for ``ocp``."""
        if self.name == "cv":
            return (self["begin"], *self["vertices"], self["end"])
        if self.name == "lsv" or self.name in PULSED:
            far = (nearest(potential) for potential in reached(self.name, self.technique.parameters))
            return (self["begin"], self["end"], *far)
        if self.name == "eis":
            far = (nearest(potential) for potential in swing(self.technique.parameters))
            return (self["potential"], *far)
        return (self["potential"],) if self.name == "ca" else ()

    @property
    def quiet(self) -> float:
        """Time at the first potential before (s)."""
        return float(self.technique.parameters.get("quiet", 0.0))

    @property
    def interval(self) -> float:
        """Time between two points (s)."""
        if self.name in PULSED:
            return pulses.interval(self.name, self.technique.parameters)
        if self.name == "eis":
            return spectra.longest_interval(self.technique.parameters)
        return float(self["step"] / self["rate"]) if "rate" in self.technique.parameters else float(self["dt"])

    @property
    def edges_per_second(self) -> float:
        """How often in a second the potential changes, at its fastest."""
        if self.name in PULSED:
            return pulses.edges_per_second(self.name, self.technique.parameters)
        if self.name == "eis":
            return float(max(self["begin_frequency"], self["end_frequency"]))
        return 1 / self.interval


def check_and_round(technique: Technique, capabilities: Capabilities, settings: Settings) -> Rounded:
    """The technique as the instrument will get it.

    Raises:
        NotSupported: not a technique of this instrument, or a path that it cannot follow.
        LimitError: a value outside the limits.
        UsageError: a parameter is missing or unknown.
    """
    if technique.name not in capabilities.techniques:
        raise NotSupported(
            f"the {capabilities.model} cannot do {technique.name!r} (with this driver); "
            f"it can do {', '.join(capabilities.techniques)}"
        )
    given = _complete(technique)
    notes: list[str] = []
    rounded = {name: _rounded(technique.name, name, value, notes) for name, value in given.items()}
    for name, allowed in capabilities.techniques[technique.name].limits.items():
        _within(capabilities.model, f"{technique.name}.{name}", rounded[name], allowed, _WAY_OUT[name])
    result = Rounded(Technique(technique.name, rounded), tuple(notes))
    if technique.name in PULSED:
        pulses.check(technique.name, rounded, settings.dpv_pulses)
    elif technique.name != "eis":
        _check_geometry(result)
    line_rate = settings.line_rate
    quiet = rounded.get("quiet", 0.0)
    if 0 < quiet < 1 / line_rate:
        raise LimitError(
            f"{technique.name}.quiet = {units.show(quiet, 's')} is shorter than the time between two points can be "
            f"({units.show(1 / line_rate, 's')}): leave it out or make it longer"
        )
    if 1 / result.interval > line_rate * (1 + 1e-9):
        raise LimitError(
            f"{technique.name}: rate / step = {1 / result.interval:.4g} points per second; the {capabilities.model} is "
            f"trusted with {line_rate:g} (not documented, conservative; setting max_line_rate changes it). "
            "Take a larger step or a lower rate."
        )
    return result


def _complete(technique: Technique) -> dict[str, Any]:
    names = _NAMES[technique.name]
    for name in technique.parameters:
        if name not in names:
            close = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}"
            raise UsageError(f"{technique.name} has no parameter {name!r}; {hint}")
    values = {**{n: v for n, v in _OPTIONAL.items() if n in names}, **technique.parameters}
    if technique.name == "cv":
        values["end"] = values.get("begin") if values.get("end") is None else values["end"]
    missing = [n for n in names if n not in values]
    if missing:
        raise UsageError(f"{technique.name} needs {', '.join(missing)}")
    return {n: values[n] for n in names}


def _rounded(technique: str, name: str, value: Any, notes: list[str]) -> Any:
    if name == "vertices":
        if len(value) != 2:
            raise NotSupported(f"{technique}.vertices: this instrument turns at two potentials, not {len(value)}")
        return tuple(_rounded(technique, "vertex", v, notes) for v in value)
    if name == "current_range" and value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{technique}.{name} = {value!r} is not a number")
    if name in ("cycles", "points"):
        if value != int(value):
            raise UsageError(f"{technique}.{name} = {value!r} is not a whole number")
        return int(value)
    if name == "current_range":
        return float(value)
    written = nearest(float(value))
    if written != value and not math.isclose(written, value, rel_tol=1e-12):
        notes.append(f"{technique}.{name}: {value!r} asked for, {written!r} can be written")
    return written


def _within(model: str, what: str, value: float, allowed: Range, way_out: str) -> None:
    if value in allowed:
        return
    unit = allowed.unit
    source = f" ({allowed.source})" if allowed.source else ""
    shown = f"{value:g}" if unit == "1" else units.show(value, unit)
    low, high = (f"{v:g}" if unit == "1" else units.show(v, unit) for v in (allowed.low, allowed.high))
    raise LimitError(f"{what} = {shown}; the {model} allows {low} ... {high}{source}: {way_out}")


def _check_geometry(rounded: Rounded) -> None:
    if rounded.name == "cv":
        _check_cv_path(rounded)
    elif rounded.name == "lsv" and abs(rounded["end"] - rounded["begin"]) < rounded["step"]:
        span = units.show(abs(rounded["end"] - rounded["begin"]), "V")
        raise LimitError(
            f"lsv: begin and end are {span} apart, less than one step ({units.show(rounded['step'], 'V')})"
        )
    elif rounded.name in ("ca", "ocp") and rounded["dt"] > rounded["duration"]:
        raise LimitError(
            f"{rounded.name}.dt = {units.show(rounded['dt'], 's')} is longer than the duration "
            f"({units.show(rounded['duration'], 's')}): there would be no point"
        )


def _check_cv_path(rounded: Rounded) -> None:
    """The instrument runs begin -> v1 -> v2 -> begin; an ``end`` beyond begin is a linear scan behind that."""
    begin, (first, second), end = rounded["begin"], rounded["vertices"], rounded["end"]
    if abs(first - second) < rounded["step"]:
        raise LimitError(
            f"cv: the vertices {units.show(first, 'V')} and {units.show(second, 'V')} are less than one step "
            f"({units.show(rounded['step'], 'V')}) apart"
        )
    tail = end - begin
    if abs(tail) < _SAME_POTENTIAL:
        return
    if abs(tail) < rounded["step"]:
        raise LimitError(
            f"cv: end and begin are {units.show(abs(tail), 'V')} apart, less than one step "
            f"({units.show(rounded['step'], 'V')}): give the same value for both"
        )
    if (begin - second) * tail < 0:
        raise NotSupported(
            f"cv: the last scan comes from {units.show(second, 'V')} and always runs on to begin "
            f"({units.show(begin, 'V')}), so it cannot stop at end = {units.show(end, 'V')} on the way. "
            "Give end = begin, or an end that lies beyond begin in the direction of the last scan."
        )
