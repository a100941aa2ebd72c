"""What a host-stepped technique amounts to: levels, intervals, columns. Pure: nothing here talks to an instrument."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from luggin import units
from luggin.capabilities import Capabilities, Range, Realised, Technique, TechniqueCapability
from luggin.errors import LimitError, NotSupported, UsageError
from luggin.instrument.staircase import of_technique, uneven
from luggin.records import (
    APPLIED_POTENTIAL,
    CURRENT,
    CYCLE,
    FLAGS,
    INSTRUMENT_TIME,
    POTENTIAL,
    Column,
    Flag,
    Schema,
)

Kind = Literal["potential", "current"]

_APPLIED_CURRENT = Column("applied_current", "A", "f8", "current set by the instrument")

SCHEMAS: Mapping[str, Schema] = {
    "ocp": Schema("ocp", (INSTRUMENT_TIME, POTENTIAL, FLAGS)),
    "ca": Schema("ca", (INSTRUMENT_TIME, POTENTIAL, CURRENT, APPLIED_POTENTIAL, FLAGS)),
    "cp": Schema("cp", (INSTRUMENT_TIME, POTENTIAL, CURRENT, _APPLIED_CURRENT, FLAGS)),
    "lsv": Schema("lsv", (INSTRUMENT_TIME, POTENTIAL, CURRENT, APPLIED_POTENTIAL, FLAGS)),
    "cv": Schema("cv", (INSTRUMENT_TIME, POTENTIAL, CURRENT, CYCLE, APPLIED_POTENTIAL, FLAGS)),
}

_NAMES: Mapping[str, tuple[str, ...]] = {
    "ocp": ("duration", "dt"),
    "ca": ("potential", "duration", "dt", "quiet", "current_range"),
    "cp": ("current", "duration", "dt", "potential_limit"),
    "lsv": ("begin", "end", "rate", "step", "quiet", "current_range"),
    "cv": ("begin", "vertices", "end", "rate", "step", "cycles", "quiet", "current_range"),
}
_OPTIONAL: Mapping[str, Any] = {"quiet": 0.0, "cycles": 1, "current_range": None, "potential_limit": None}

_LONGEST = 400 * 86_400.0
_LONGEST_INTERVAL = 3600.0
# A quiet time is watched at least once a second, however slow the sweep behind it.
_LONGEST_QUIET_INTERVAL = 1.0
# Intervals are compared with this relative tolerance: 1 mV at 20 mV/s are 50 ms.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Hold:
    """A stretch with readings every ``dt`` s: ``levels`` one for each reading, or one for ``rows`` readings."""

    levels: tuple[float, ...]
    cycles: tuple[int, ...]
    dt: float
    rows: int
    flags: int = 0

    @property
    def is_sweep(self) -> bool:
        """True if each reading has a level of its own."""
        return len(self.levels) == self.rows > 1


@dataclass(frozen=True)
class SteppedTechnique:
    """One technique as the host will step it."""

    technique: Technique
    kind: Kind
    quiet: Hold | None
    main: Hold

    @property
    def schema(self) -> Schema:
        """Its columns."""
        return SCHEMAS[self.technique.name]

    @property
    def quiet_time(self) -> float:
        """How long the first level is held before (s)."""
        return float(self.technique.parameters.get("quiet", 0.0))

    @property
    def duration(self) -> float:
        """Time of the whole (s)."""
        return self.quiet_time + self.main.rows * self.main.dt

    @property
    def rows(self) -> int:
        """Planned readings."""
        return self.main.rows + (self.quiet.rows if self.quiet else 0)

    @property
    def widest(self) -> float:
        """The level that is farthest from zero (V or A)."""
        return max(self.main.levels, key=abs)


@dataclass(frozen=True)
class SteppedPlan:
    """Techniques of one kind, with the cell closed between them."""

    parts: tuple[SteppedTechnique, ...]
    realised: Realised

    @property
    def kind(self) -> Kind:
        """What is sourced."""
        return self.parts[0].kind

    @property
    def widest(self) -> float:
        """The level of all techniques that is farthest from zero: what the source must reach."""
        return max((part.widest for part in self.parts), key=abs)


def stepped_techniques(native: Capabilities, fastest: float) -> dict[str, TechniqueCapability]:
    """What the host can step over a line on which one step takes ``fastest`` s."""
    dt = Range(fastest, _LONGEST_INTERVAL, "s", source="shortest step of this line")
    held = {"dt": dt, "duration": Range(fastest, _LONGEST, "s")}
    sweep = {"step": Range(1e-6, native.potential.high - native.potential.low, "V")}
    limits: Mapping[str, Mapping[str, Range]] = {"ocp": held, "ca": held, "cp": held, "lsv": sweep, "cv": sweep}
    return {
        name: TechniqueCapability("stepped", schema, limits[name], latency=fastest) for name, schema in SCHEMAS.items()
    }


def make_stepped_plan(techniques: Sequence[Technique], capabilities: Capabilities, fastest: float) -> SteppedPlan:
    """Check and round.

    Raises:
        LimitError: outside of the instrument's range, or faster than the line can step.
        NotSupported: techniques that cannot follow one another without opening the cell.
        UsageError: a parameter is missing or unknown.
    """
    if not techniques:
        raise UsageError("there is no technique to prepare")
    parts = tuple(_stepped(technique, capabilities, fastest) for technique in techniques)
    if len(parts) > 1 and (len({part.kind for part in parts}) > 1 or any(p.technique.name == "ocp" for p in parts)):
        raise NotSupported(
            f"{', '.join(p.technique.name for p in parts)}: the {capabilities.model} would open the cell where it "
            "changes between potential and current. Chain only techniques that control the same; write the others as "
            "steps of their own."
        )
    flags = Flag.QUIET_TIME.value if any(part.quiet for part in parts) else 0
    if any(part.technique.parameters.get("potential_limit") is not None for part in parts):
        flags |= Flag.COMPLIANCE.value  # at the largest potential that the step allows, less current flows
    notes = [f"{part.technique.name}: host-stepped, {part.main.dt:.6g} s per reading" for part in parts]
    notes += [note for part in parts for note in _rounding(part)]
    realised = Realised(
        techniques=tuple(part.technique for part in parts),
        schemas=tuple(part.schema for part in parts),
        durations=tuple(part.duration for part in parts),
        rows=tuple(part.rows for part in parts),
        latency=max(fastest, *(part.main.dt for part in parts)),
        expected_flags=flags,
        notes=tuple(notes),
    )
    return SteppedPlan(parts, realised)


def _stepped(technique: Technique, capabilities: Capabilities, fastest: float) -> SteppedTechnique:
    name = technique.name
    given = _complete(technique)
    dt = float(given["step"] / given["rate"]) if "rate" in given else float(given["dt"])
    _check_interval(name, given, dt, fastest, capabilities)
    if "rate" in given:
        stairs = of_technique(name, given)
        main = Hold(stairs.levels, stairs.cycles, dt, len(stairs))
    else:
        level = {"ocp": 0.0, "ca": given.get("potential"), "cp": given.get("current")}[name]
        rows = max(1, math.floor(given["duration"] / dt * (1 + _TOLERANCE)))
        main = Hold((float(level or 0.0),), (1,), dt, rows)
    kind: Kind = "current" if name in ("ocp", "cp") else "potential"
    allowed = capabilities.current if kind == "current" else capabilities.potential
    for level in (min(main.levels), max(main.levels)):
        if level not in allowed:
            low, high = (units.show(v, allowed.unit) for v in (allowed.low, allowed.high))
            raise LimitError(
                f"{name}: {units.show(level, allowed.unit)} is asked for; the {capabilities.model} allows {low} ... "
                f"{high}{f' ({allowed.source})' if allowed.source else ''}"
            )
    bound = given.get("potential_limit")
    if bound is not None and bound > capabilities.potential.high:
        raise LimitError(
            f"{name}.potential_limit = {units.show(bound, 'V')}; the {capabilities.model} allows up to "
            f"{units.show(capabilities.potential.high, 'V')}"
        )
    return SteppedTechnique(Technique(name, given), kind, _quiet(given, main, fastest), main)


def _complete(technique: Technique) -> dict[str, Any]:
    if technique.name not in _NAMES:
        raise NotSupported(f"{technique.name!r} cannot be stepped by the host; {', '.join(_NAMES)} can")
    names = _NAMES[technique.name]
    for name in technique.parameters:
        if name not in names:
            close = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}"
            raise UsageError(f"{technique.name} has no parameter {name!r}; {hint}")
    values = {**{n: v for n, v in _OPTIONAL.items() if n in names}, **technique.parameters}
    missing = [n for n in names if n not in values]
    if missing:
        raise UsageError(f"{technique.name} needs {', '.join(missing)}")
    for name, value in values.items():
        numbers = value if name == "vertices" else () if value is None else (value,)
        if any(isinstance(n, bool) or not isinstance(n, int | float) or not math.isfinite(n) for n in numbers):
            raise UsageError(f"{technique.name}.{name} = {value!r} is not a number")
        if name in ("rate", "step", "dt", "duration") and not value > 0:
            raise UsageError(f"{technique.name}.{name} = {value!r} is not more than 0")
    return {n: values[n] for n in names}


def _check_interval(name: str, given: Mapping[str, Any], dt: float, fastest: float, capabilities: Capabilities) -> None:
    if dt >= fastest * (1 - _TOLERANCE):
        return
    said = (
        f"the {capabilities.model} is stepped from here, and one step over this line takes up to "
        f"{units.show(fastest, 's')}"
    )
    if "rate" not in given:
        raise LimitError(f"{name}.dt = {units.show(dt, 's')}: {said}. Take dt = {units.show(fastest, 's')} or more.")
    raise LimitError(
        f"{name}: {units.show(given['step'], 'V')} at {units.show(given['rate'], 'V/s')} are "
        f"{units.show(dt, 's')} per step; {said}. Take at most {units.show(given['step'] / fastest, 'V/s')}, or steps "
        f"of {units.show(given['rate'] * fastest, 'V')}."
    )


def _quiet(given: Mapping[str, Any], main: Hold, fastest: float) -> Hold | None:
    """Readings of the quiet time: as behind it, but at least once a second where the line can."""
    quiet = float(given.get("quiet", 0.0))
    if quiet < 0:
        raise UsageError(f"quiet = {quiet!r} is less than 0")
    dt = max(fastest, min(main.dt, _LONGEST_QUIET_INTERVAL))
    rows = math.floor(quiet / dt * (1 + _TOLERANCE))
    return Hold(main.levels[:1], (0,), dt, rows, Flag.QUIET_TIME.value) if rows else None


def _rounding(part: SteppedTechnique) -> list[str]:
    parameters, notes = part.technique.parameters, []
    if "step" in parameters:
        stairs = of_technique(part.technique.name, parameters)
        if odd := uneven(stairs, parameters["step"]):
            notes.append(f"{part.technique.name}: {odd} steps are smaller than the others, to end at the vertices")
    if parameters.get("current_range") is not None:
        notes.append(f"{part.technique.name}: the instrument chooses its current range by itself when it is stepped")
    return notes
