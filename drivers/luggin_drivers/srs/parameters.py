"""The parameters of a technique: complete, inside the limits, and rounded to what can be set."""

from __future__ import annotations

import math
from typing import Any

from luggin import units
from luggin.capabilities import Capabilities, Range, Technique
from luggin.errors import LimitError, NotSupported, UsageError
from luggin_drivers.srs.tables import HOLD_STEP, POINT_STEP, RATE_STEP

_NAMES = {
    "cv": ("begin", "vertices", "end", "rate", "step", "cycles", "quiet", "current_range"),
    "lsv": ("begin", "end", "rate", "step", "quiet", "current_range"),
    "ca": ("potential", "duration", "dt", "quiet", "current_range"),
    "cp": ("current", "duration", "dt", "potential_limit"),
    "ocp": ("duration", "dt"),
}
_OPTIONAL: dict[str, Any] = {"quiet": 0.0, "cycles": 1, "current_range": None, "potential_limit": None}
_MAY_BE_NONE = ("current_range", "potential_limit")
#: Parameters that are potentials (V), and the step of each.
_POTENTIALS = {"begin": POINT_STEP, "vertices": POINT_STEP, "end": POINT_STEP, "potential": HOLD_STEP}
_TOLERANCE = 1e-9


def complete(technique: Technique, capabilities: Capabilities, fastest: float, notes: list[str]) -> dict[str, Any]:
    """The parameters as the instrument will get them; what was rounded is added to ``notes``.

    Raises:
        NotSupported: not a technique of this instrument, or a way that it cannot go.
        LimitError: a value outside the limits.
        UsageError: a parameter is missing, unknown or no number.
    """
    name = technique.name
    if name not in _NAMES:
        raise NotSupported(f"the {capabilities.model} cannot do {name!r}; it can do {', '.join(_NAMES)}")
    values = {**{n: v for n, v in _OPTIONAL.items() if n in _NAMES[name]}, **technique.parameters}
    if name == "cv" and values.get("end") is None:
        values["end"] = values.get("begin")
    unknown = [n for n in values if n not in _NAMES[name]]
    missing = [n for n in _NAMES[name] if n not in values]
    if unknown or missing:
        said = [*(f"has no parameter {n!r}" for n in unknown), *(f"needs {n}" for n in missing)]
        raise UsageError(f"{name} {' and '.join(said)}; its parameters are {', '.join(_NAMES[name])}")
    for key, value in values.items():
        for one in value if key == "vertices" else (value,):
            _require_number(f"{name}.{key}", one, may_be_none=key in _MAY_BE_NONE)
    _check_limits(name, values, capabilities)
    rounded = {key: _rounded(name, key, values[key], notes) for key in _NAMES[name]}
    if name == "cv":
        _check_way(rounded, capabilities.model)
    _check_rows(name, rounded, fastest, capabilities.model)
    return rounded


def _require_number(what: str, value: Any, *, may_be_none: bool) -> None:
    if value is None and may_be_none:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{what} = {value!r} is not a number")


def _check_limits(name: str, values: dict[str, Any], capabilities: Capabilities) -> None:
    for key, allowed in capabilities.techniques[name].limits.items():
        _within(f"{name}.{key}", values[key], allowed, capabilities.model)
    for key in _POTENTIALS:
        for value in values.get(key, ()) if key == "vertices" else [values[key]] if key in values else []:
            _within(f"{name}.{key}", value, capabilities.potential, capabilities.model)
    if "current" in values:
        _within(f"{name}.current", values["current"], capabilities.current, capabilities.model)
    for key, largest in (("current_range", capabilities.current), ("potential_limit", capabilities.potential)):
        value = values.get(key)
        if value is not None:
            _within(f"{name}.{key}", value, Range(0.0, largest.high, largest.unit), capabilities.model)
            if value == 0:
                raise LimitError(f"{name}.{key} = 0: nothing can be measured or applied then")


def _within(what: str, value: float, allowed: Range, model: str) -> None:
    if value in allowed:
        return
    source = f" ({allowed.source})" if allowed.source else ""
    shown, low, high = (_shown(number, allowed.unit) for number in (value, allowed.low, allowed.high))
    raise LimitError(f"{what} = {shown}; the {model} allows {low} ... {high}{source}")


def _shown(value: float, unit: str) -> str:
    return f"{value:g}" if unit == "1" else units.show(value, unit, 6)


def _rounded(name: str, key: str, value: Any, notes: list[str]) -> Any:
    """Potentials to 0.2 mV (a held one to 1 mV), rates to 0.1 mV/s; cycles are whole."""
    if key == "vertices":
        return tuple(_to_step(f"{name}.{key}", one, POINT_STEP, "V", notes) for one in value)
    if key in _POTENTIALS:
        return _to_step(f"{name}.{key}", value, _POTENTIALS[key], "V", notes)
    if key == "rate":
        return _to_step(f"{name}.{key}", value, RATE_STEP, "V/s", notes)
    if key == "cycles":
        if value != int(value):
            raise UsageError(f"{name}.cycles = {value!r} is not a whole number")
        return int(value)
    return None if value is None else float(value)


def _to_step(what: str, value: float, step: float, unit: str, notes: list[str]) -> float:
    done = round(round(value / step) * step, 9)
    if not math.isclose(done, value, rel_tol=_TOLERANCE, abs_tol=1e-12):
        notes.append(f"{what}: {_shown(value, unit)} asked for, {_shown(done, unit)} can be set")
    return done


def _check_way(cv: dict[str, Any], model: str) -> None:
    """The generator goes from point 0 to point 1 to point 2, and then to and fro between the last two."""
    if len(cv["vertices"]) != 2:
        raise NotSupported(f"cv.vertices: the {model} turns at two potentials, not {len(cv['vertices'])}")
    first, second = cv["vertices"]
    if abs(first - second) < cv["step"]:
        raise LimitError(
            f"cv: the vertices {units.show(first, 'V')} and {units.show(second, 'V')} are less than one step "
            f"({units.show(cv['step'], 'V')}) apart"
        )
    if not min(first, second) <= cv["end"] <= max(first, second):
        raise NotSupported(
            f"cv: the last scan turns at {units.show(second, 'V')} towards {units.show(first, 'V')}, so it cannot "
            f"reach end = {units.show(cv['end'], 'V')}. Give an end between the vertices, or an lsv behind the cv."
        )


def _check_rows(name: str, given: dict[str, Any], fastest: float, model: str) -> None:
    if "rate" in given:
        interval = given["step"] / given["rate"]
        if interval < fastest * (1 - _TOLERANCE):
            raise LimitError(
                f"{name}: {units.show(given['step'], 'V')} at {units.show(given['rate'], 'V/s')} are "
                f"{units.show(interval, 's')} per row; the {model} is trusted with {units.show(fastest, 's')} (not "
                "documented, conservative). Take a larger step or a lower rate."
            )
        if name == "lsv" and abs(given["end"] - given["begin"]) < given["step"]:
            raise LimitError(f"lsv: begin and end are less than one step ({units.show(given['step'], 'V')}) apart")
    elif given["dt"] > given["duration"]:
        raise LimitError(
            f"{name}.dt = {units.show(given['dt'], 's')} is longer than the duration "
            f"({units.show(given['duration'], 's')}): there would be no row"
        )
