"""The parameters of a technique: complete, inside the limits, and rounded to whole milliseconds.

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
from luggin_drivers.iorodeo.tables import SAMPLE_PERIOD

_NAMES: Mapping[str, tuple[str, ...]] = {
    "cv": ("begin", "vertices", "end", "rate", "step", "cycles", "quiet", "current_range"),
    "lsv": ("begin", "end", "rate", "step", "quiet", "current_range"),
    "ca": ("potential", "duration", "dt", "quiet", "current_range"),
}
_OPTIONAL = {"quiet": 0.0, "cycles": 1, "current_range": None}
# Two potentials closer than this cannot be told apart by any board.
_SAME_POTENTIAL = 1e-6
_MILLISECONDS = 1e3
_NO_CHANGE = 1e-9


@dataclass(frozen=True)
class Rounded:
    """A technique with what the board will get, in whole milliseconds, and what was rounded.

    Attributes:
        interval: time between two samples (ms).
        quiet: quiet time (ms), a multiple of the interval.
        active: the rest (ms): one cycle of a ``cv``, else everything.
    """

    technique: Technique
    interval: int
    quiet: int
    active: int
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> Any:
        return self.technique.parameters[name]

    @property
    def name(self) -> str:
        """Name of the technique."""
        return self.technique.name

    @property
    def potentials(self) -> tuple[float, ...]:
        """Every potential that it turns or stays at (V)."""
        return potentials_of(self.name, self.technique.parameters)

    @property
    def done_at(self) -> int:
        """When it is over (ms)."""
        return self.quiet + self.active * (self["cycles"] if self.name == "cv" else 1)


def potentials_of(name: str, given: Mapping[str, Any]) -> tuple[float, ...]:
    """Every potential of a technique (V), with all that it turns or stays at."""
    if name == "cv":
        return (given["begin"], *given["vertices"], given["end"])
    return (given["begin"], given["end"]) if name == "lsv" else (given["potential"],)


def check_and_round(technique: Technique, capabilities: Capabilities) -> Rounded:
    """The technique as the board will do it.

    Raises:
        NotSupported: not a technique of this board, or a path that it cannot follow.
        LimitError: a value outside the limits.
        UsageError: a parameter is missing, unknown, or no number.
    """
    name = technique.name
    if name not in capabilities.techniques:
        raise NotSupported(
            f"the {capabilities.model} cannot do {name!r} (with this driver); it can do "
            f"{', '.join(capabilities.techniques)}"
        )
    given = {key: _number(name, key, value) for key, value in _complete(technique).items()}
    for key, allowed in capabilities.techniques[name].limits.items():
        _within(capabilities.model, f"{name}.{key}", given[key], allowed)
    for potential in potentials_of(name, given):
        _within(capabilities.model, f"{name}: potential", potential, capabilities.potential)
    if name == "ca":
        return _rounded_ca(given)
    _check_path(name, given)
    return _rounded_sweep(name, given)


def _complete(technique: Technique) -> dict[str, Any]:
    names = _NAMES[technique.name]
    for name in technique.parameters:
        if name not in names:
            close = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}"
            raise UsageError(f"{technique.name} has no parameter {name!r}; {hint}")
    values = {**{n: v for n, v in _OPTIONAL.items() if n in names}, **technique.parameters}
    if technique.name == "cv" and values.get("end") is None:
        values["end"] = values.get("begin")
    if missing := [n for n in names if n not in values]:
        raise UsageError(f"{technique.name} needs {', '.join(missing)}")
    return {n: values[n] for n in names}


def _number(technique: str, name: str, value: Any) -> Any:
    if name == "vertices":
        if len(value) != 2:
            raise NotSupported(f"{technique}.vertices: this instrument turns at two potentials, not {len(value)}")
        return tuple(_number(technique, "vertex", one) for one in value)
    if name == "current_range" and value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{technique}.{name} = {value!r} is not a number")
    if name == "cycles":
        if value != int(value):
            raise UsageError(f"{technique}.cycles = {value!r} is not a whole number")
        return int(value)
    return float(value)


def _within(model: str, what: str, value: float, allowed: Range) -> None:
    if value in allowed:
        return
    shown, low, high = (
        f"{v:g}" if allowed.unit == "1" else units.show(v, allowed.unit) for v in (value, allowed.low, allowed.high)
    )
    raise LimitError(f"{what} = {shown}; the {model} allows {low} ... {high} ({allowed.source})")


def _check_path(name: str, given: Mapping[str, Any]) -> None:
    step, begin, end = given["step"], given["begin"], given["end"]
    if name == "lsv":
        if abs(end - begin) < step:
            raise LimitError(f"lsv: begin and end are {units.show(abs(end - begin), 'V')} apart, less than one step")
        return
    low, high = sorted(given["vertices"])
    if high - low < step:
        raise LimitError(f"cv: the vertices are {units.show(high - low, 'V')} apart, less than one step")
    if not low - _SAME_POTENTIAL <= begin <= high + _SAME_POTENTIAL:
        raise NotSupported(
            f"cv: begin = {units.show(begin, 'V')} is not between the vertices {units.show(low, 'V')} and "
            f"{units.show(high, 'V')}, but this instrument runs triangles between two potentials. Begin at one of "
            "them, or between them."
        )
    if abs(end - begin) > _SAME_POTENTIAL:
        raise NotSupported(
            f"cv: this instrument runs whole cycles, which end where they begin ({units.show(begin, 'V')}), and not at "
            f"end = {units.show(end, 'V')}. Leave end out, or do the rest by an lsv behind it."
        )


def _rounded_sweep(name: str, given: dict[str, Any]) -> Rounded:
    """Whole milliseconds for the way and between two samples; the rate and the step are what comes of them."""
    notes: list[str] = []
    way = 2 * abs(given["vertices"][1] - given["vertices"][0]) if name == "cv" else abs(given["end"] - given["begin"])
    active = max(1, round(_MILLISECONDS * way / given["rate"]))
    rate = _MILLISECONDS * way / active
    wanted = _MILLISECONDS * given["step"] / given["rate"]
    interval = round(wanted)
    shortest, longest = (round(_MILLISECONDS * bound) for bound in SAMPLE_PERIOD)
    if not shortest <= interval <= longest:
        raise LimitError(
            f"{name}: step / rate = {units.show(wanted / _MILLISECONDS, 's')} between two points; this instrument "
            f"allows {shortest} ms ... {longest} ms (firmware, samplePeriod). At this rate the step may be "
            f"{units.show(rate * SAMPLE_PERIOD[0], 'V')} ... {units.show(rate * SAMPLE_PERIOD[1], 'V')}."
        )
    if active < 2 * interval:
        raise LimitError(
            f"{name}: a way of {units.show(way, 'V')} has no two points of {units.show(given['step'], 'V')}"
        )
    quiet = interval * round(_MILLISECONDS * given["quiet"] / interval)
    real = {"rate": rate, "step": rate * interval / _MILLISECONDS, "quiet": quiet / _MILLISECONDS}
    return Rounded(Technique(name, _changed(name, given, real, notes)), interval, quiet, active, tuple(notes))


def _rounded_ca(given: dict[str, Any]) -> Rounded:
    notes: list[str] = []
    interval = max(1, round(_MILLISECONDS * given["dt"]))
    if given["dt"] > given["duration"]:
        raise LimitError(
            f"ca.dt = {units.show(given['dt'], 's')} is longer than the duration "
            f"({units.show(given['duration'], 's')}): there would be no point"
        )
    active = interval * max(1, round(_MILLISECONDS * given["duration"] / interval))
    quiet = interval * round(_MILLISECONDS * given["quiet"] / interval)
    real = {"dt": interval / _MILLISECONDS, "duration": active / _MILLISECONDS, "quiet": quiet / _MILLISECONDS}
    return Rounded(Technique("ca", _changed("ca", given, real, notes)), interval, quiet, active, tuple(notes))


def _changed(name: str, given: dict[str, Any], real: Mapping[str, float], notes: list[str]) -> dict[str, Any]:
    """The parameters with what is real, and a note for each that differs from what was asked for."""
    kept = dict(given)
    for key, value in real.items():
        if not math.isclose(value, given[key], rel_tol=_NO_CHANGE, abs_tol=_NO_CHANGE * _NO_CHANGE):
            notes.append(f"{name}.{key}: {given[key]!r} asked for, {value!r} in whole milliseconds")
            kept[key] = value
    return kept
