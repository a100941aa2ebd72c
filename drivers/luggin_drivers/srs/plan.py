"""From techniques to what the instrument is told. Pure: nothing here talks to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luggin import units
from luggin.capabilities import Capabilities, Realised, Technique
from luggin.errors import LimitError, NotSupported, UsageError
from luggin.records import Flag, Schema
from luggin_drivers.srs import commands, tables
from luggin_drivers.srs.capabilities import SCHEMAS
from luggin_drivers.srs.parameters import complete
from luggin_drivers.srs.path import Path, path_of
from luggin_drivers.srs.settings import Settings

# So many frames at least are averaged to a row, if the instrument can make them short enough.
_FRAMES_PER_ROW = 4
# The quiet time is watched so often (s), or as often as the sweep behind it if that is slower, but at least ...
_QUIET_INTERVAL, _LONGEST_QUIET_INTERVAL = 0.1, 1.0
# What a packet and the way to us add to the age of a row (s).
_TRANSPORT = 0.6
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Part:
    """One technique.

    Attributes:
        number: in the chain, from 0.
        technique: as it was realised.
        schema: of its rows.
        interval: time between two rows (s).
        duration: of the technique behind its quiet time (s).
        quiet: time at the first potential before it (s).
        level: potential (V) or current (A) that is set first; None at open circuit.
        path: of a sweep.
        programme: what the ramp generator is told for it.
        mode: of the ramp generator.
        ends_itself: the ramp is over at the end of the path, else it has to be stopped there.
    """

    number: int
    technique: Technique
    schema: Schema
    interval: float
    duration: float
    quiet: float = 0.0
    level: float | None = None
    path: Path | None = None
    programme: tuple[str, ...] = ()
    mode: int = tables.CYCLIC
    ends_itself: bool = True

    @property
    def rows(self) -> int:
        """How many rows the technique has, without those of the quiet time."""
        return math.ceil(self.duration / self.interval - 1e-6)

    @property
    def quiet_interval(self) -> float:
        """Time between two rows of the quiet time (s)."""
        return min(_LONGEST_QUIET_INTERVAL, max(self.interval, _QUIET_INTERVAL), self.quiet or math.inf)

    @property
    def quiet_rows(self) -> int:
        """How many rows the quiet time has."""
        return math.ceil(self.quiet / self.quiet_interval - 1e-6) if self.quiet else 0


@dataclass(frozen=True)
class Plan:
    """Parts in their order, and what holds for all of them.

    ``current_range`` is the code of the fixed range, None for autoranging.
    """

    parts: tuple[Part, ...]
    kind: str
    potential_range: int
    current_range: int | None
    averaging: int
    realised: Realised

    @property
    def mode(self) -> int:
        """Of the control loop."""
        return commands.GALVANOSTAT if self.kind == "current" else commands.POTENTIOSTAT

    @property
    def full_scale(self) -> float:
        """Of the fixed current range (A); not a number with autoranging."""
        return math.nan if self.current_range is None else tables.CURRENT_RANGES[self.current_range]


def make_plan(techniques: Sequence[Technique], settings: Settings, capabilities: Capabilities) -> Plan:
    """What all techniques need, in one go.

    Raises:
        LimitError, NotSupported, UsageError: it cannot be done; the message says what can.
    """
    if not techniques:
        raise UsageError("there is no technique to prepare")
    notes: list[str] = []
    given = [complete(technique, capabilities, settings.fastest, notes) for technique in techniques]
    names = [technique.name for technique in techniques]
    kind = _kind(names)
    current_range = _current_range(names, given, kind, settings)
    if kind == "current" and current_range is not None:
        _round_currents(given, tables.CURRENT_RANGES[current_range], notes)
    last = len(names) - 1
    parts = tuple(_part(n, name, given[n], n == last, notes) for n, name in enumerate(names))
    if current_range is None and kind != "open":
        notes.append("without current_range the instrument changes its range by itself")
    if kind == "potential" and settings.ir_compensation != "off":
        notes.append(f"iR compensation is on ({settings.ir_compensation}): {_compensation(settings)}")
    realised = Realised(
        techniques=tuple(part.technique for part in parts),
        schemas=tuple(part.schema for part in parts),
        durations=tuple(part.quiet + part.duration for part in parts),
        rows=tuple(part.quiet_rows + part.rows for part in parts),
        latency=max(max(part.interval, part.quiet_interval if part.quiet else 0.0) for part in parts) + _TRANSPORT,
        expected_flags=_expected_flags(parts, current_range),
        notes=tuple(dict.fromkeys(notes)),
    )
    shortest = min(part.interval for part in parts)
    return Plan(parts, kind, _potential_range(parts, kind, settings), current_range, averaging(shortest), realised)


def averaging(interval: float) -> int:
    """Exponent of the averages of one frame, for rows so far apart (s).

    >>> averaging(0.04), averaging(0.001)
    (8, 5)
    """
    fitting = math.floor(math.log2(interval / (_FRAMES_PER_ROW * tables.SAMPLE_PERIOD)) + _TOLERANCE)
    return max(0, min(tables.LARGEST_AVERAGING, fitting))


def _kind(names: Sequence[str]) -> str:
    """``potential``, ``current`` or ``open``: what the loop controls; it cannot change with the cell closed."""
    kinds = {"ocp": "open", "cp": "current"}
    found = [kinds.get(name, "potential") for name in names]
    if len(set(found)) > 1 or (found[0] == "open" and len(found) > 1):
        raise NotSupported(
            f"the {tables.TITLE} changes between potential, current and open circuit with the cell open only: "
            f"{', '.join(names)} cannot be one chain. Make them steps of their own."
        )
    return found[0]


def _part(number: int, name: str, given: dict[str, Any], is_last: bool, notes: list[str]) -> Part:
    technique, schema, quiet = Technique(name, given), SCHEMAS[name], float(given.get("quiet", 0.0))
    if name not in ("cv", "lsv"):
        level = given.get("potential", given.get("current"))
        return Part(number, technique, schema, given["dt"], given["duration"], quiet, level)
    path = path_of(name, given)
    points, repeats, mode, ends_itself = _programme(name, given, is_last)
    if not ends_itself:
        notes.append(
            f"{name}: the ramp generator does not end at {units.show(path.corners[-1], 'V')}; the ramp is stopped when "
            "it passes there, and goes on for as long as that takes (about 0.1 s). Rows behind the end are left out."
        )
    return Part(
        number,
        technique,
        schema,
        given["step"] / given["rate"],
        path.duration,
        quiet,
        given["begin"],
        path,
        tuple(commands.ramp(points, given["rate"], repeats)),
        mode,
        ends_itself,
    )


def _programme(name: str, given: Mapping[str, Any], is_last: bool) -> tuple[tuple[float, ...], int, int, bool]:
    """Points, repeats and mode of the ramp generator, and whether it ends by itself where the path ends.

    It opens the cell at its own end. So what has to go on with a closed cell, or ends between the
    vertices, is programmed further than needed and stopped.
    """
    begin, end = given["begin"], given["end"]
    if name == "lsv":
        if is_last:
            return (begin, end), 0, tables.LINEAR, True
        return (begin, end, begin), 0, tables.CYCLIC, False
    first, second = given["vertices"]
    ends_itself = end == second and is_last
    repeats = given["cycles"] - 1 if ends_itself else given["cycles"]
    return (begin, first, second), repeats, tables.CYCLIC, ends_itself


def _current_range(
    names: Sequence[str], given: Sequence[Mapping[str, Any]], kind: str, settings: Settings
) -> int | None:
    """Code of the smallest range that holds what must be measurable; None for autoranging."""
    if kind == "open":
        return 1
    asked = [abs(one["current"]) for one in given] if kind == "current" else [one["current_range"] for one in given]
    if None in asked:
        if settings.ir_compensation == "positive-feedback":
            raise NotSupported(
                f"{names[asked.index(None)]}: the {tables.TITLE} cannot change its current range by itself while "
                "positive feedback compensates iR. Give the step a current_range."
            )
        return None
    largest = max(asked)
    return max(code for code, full in tables.CURRENT_RANGES.items() if full >= largest * (1 - _TOLERANCE))


def _round_currents(given: Sequence[dict[str, Any]], full_scale: float, notes: list[str]) -> None:
    step = tables.FRACTION_STEP * full_scale
    for one in given:
        done = round(one["current"] / step) * step
        if not math.isclose(done, one["current"], rel_tol=_TOLERANCE):
            asked, can = (units.show(value, "A", 9) for value in (one["current"], done))
            notes.append(f"cp.current: {asked} asked for, {can} can be set")
        one["current"] = done


def _potential_range(parts: Sequence[Part], kind: str, settings: Settings) -> int:
    """Code of the converter's range; the largest where nobody knows which potential the cell will have."""
    widest = tables.LARGEST_POTENTIAL
    if kind == "potential":
        widest = max(abs(e) for part in parts for e in (part.level or 0.0, *(part.path.corners if part.path else ())))
    if settings.potential_range is not None:
        if kind == "potential" and widest > settings.potential_range:
            raise LimitError(
                f"{parts[0].technique.name}: {units.show(widest, 'V')} is outside the potential range of "
                f"{units.show(settings.potential_range, 'V')} (setting potential_range)"
            )
        widest = settings.potential_range
    return next(code for code, full in tables.POTENTIAL_RANGES.items() if full >= widest)


def _compensation(settings: Settings) -> str:
    if settings.ir_resistance is not None:
        return f"{units.show(settings.ir_resistance, 'ohm')}; the potential includes what is added"
    return f"{settings.ir_correction:g} % of what the interrupts show"


def _expected_flags(parts: Sequence[Part], current_range: int | None) -> int:
    flags = Flag.RANGE_CHANGED if current_range is None else Flag(0)
    if any(part.quiet for part in parts):
        flags |= Flag.QUIET_TIME
    return flags.value
