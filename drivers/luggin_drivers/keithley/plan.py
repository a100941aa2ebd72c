"""From techniques to list sweeps: levels, segments, integration times. Pure: nothing here talks to an instrument."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from luggin import units
from luggin.capabilities import Capabilities, LimitRequest, Range, Realised, Technique
from luggin.errors import LimitError, NotSupported, UsageError
from luggin.instrument.staircase import Staircase, of_technique, uneven
from luggin.records import Flag, Schema
from luggin_drivers.keithley.capabilities import SCHEMAS
from luggin_drivers.keithley.settings import Settings
from luggin_drivers.keithley.tables import DELAYS, LONGEST_LIST, NPLC, Model

#: The instrument's own limit lies a little outside the limit of the run: a reading beyond the run's limit is
#: still seen (and ends the run), and what comes between two polls is clamped.
HEADROOM = 1.1
# A fixed measure range reads up to so much of its full scale; the source is not allowed beyond it.
_OVERRANGE = 1.05
# The quiet time is watched so often (s), or as often as the sweep behind it if that is slower, but at least ...
_QUIET_INTERVAL = 0.1
_LONGEST_QUIET_INTERVAL = 1.0
_TOLERANCE = 1e-9

_NAMES = {
    "cv": ("begin", "vertices", "end", "rate", "step", "cycles", "quiet", "current_range"),
    "lsv": ("begin", "end", "rate", "step", "quiet", "current_range"),
}
_OPTIONAL: dict[str, Any] = {"quiet": 0.0, "cycles": 1, "current_range": None}


@dataclass(frozen=True)
class Segment:
    """One list sweep: ``levels`` (V) with the cycle of each, ``interval`` s apart as far as we know.

    ``nplc`` and ``delay`` (s) are what the instrument is told so that it comes out at the interval.
    """

    part: int
    schema: Schema
    levels: tuple[float, ...]
    cycles: tuple[int, ...]
    interval: float
    nplc: float
    delay: float
    flags: int = 0


@dataclass(frozen=True)
class Plan:
    """Segments in their order, and what will come of them."""

    segments: tuple[Segment, ...]
    potential_range: float
    current_range: float | None
    realised: Realised


def make_plan(techniques: Sequence[Technique], settings: Settings, capabilities: Capabilities) -> Plan:
    """List sweeps for all techniques.

    Raises:
        LimitError, NotSupported, UsageError: it cannot be done; the message says what can.
    """
    if not techniques:
        raise UsageError("there is no technique to prepare")
    segments: list[Segment] = []
    complete: list[Technique] = []
    notes: list[str] = []
    for part, technique in enumerate(techniques):
        given = _complete(technique, capabilities)
        complete.append(Technique(technique.name, given))
        segments += _segments(part, technique.name, given, settings, notes)
    widest = max(abs(level) for segment in segments for level in segment.levels)
    for level in (max(max(s.levels) for s in segments), min(min(s.levels) for s in segments)):
        _within(settings.table, complete[0].name, level, capabilities.potential)
    potential_range = next(r for r in settings.table.potential_ranges if r >= widest * (1 - _TOLERANCE))
    current_range = _current_range(complete, settings.table, potential_range)
    own = [[s for s in segments if s.part == part] for part in range(len(techniques))]
    realised = Realised(
        techniques=tuple(complete),
        schemas=tuple(SCHEMAS[t.name] for t in complete),
        durations=tuple(sum(len(s.levels) * s.interval for s in parts) for parts in own),
        rows=tuple(sum(len(s.levels) for s in parts) for parts in own),
        latency=max(settings.poll + s.interval for s in segments) + settings.poll,
        expected_flags=(Flag.QUIET_TIME | Flag.GAP).value if len(segments) > 1 else 0,
        notes=tuple(notes),
    )
    return Plan(tuple(segments), potential_range, current_range, realised)


def cut(stairs: Staircase, longest: int = LONGEST_LIST) -> list[tuple[int, int]]:
    """First and behind-last position of each list sweep.

    A sweep ends at the last turning point that its list can reach: the gap behind it is where the
    potential turns anyway, and not within a wave. A straight piece that is too long is cut at the
    length of the list.

    >>> cut(of_technique("lsv", {"begin": 0.0, "end": 2.5, "step": 0.001}))
    [(0, 2500), (2500, 2501)]
    """
    pieces, start, total = [], 0, len(stairs)
    while total - start > longest:
        reachable = [turn + 1 for turn in stairs.turns if start < turn + 1 <= start + longest and turn > start]
        stop = reachable[-1] if reachable else start + longest
        pieces.append((start, stop))
        start = stop
    return [*pieces, (start, total)]


def held_current(limits: Sequence[LimitRequest], model: Model, potential_range: float, measured: float | None) -> float:
    """The current (A) at which the source is to clamp.

    Just outside the wider side of the run's limits, never above what the model allows at this
    potential, nor above what a fixed measure range can show.
    """
    widest = [HEADROOM * max(abs(limit.low), abs(limit.high)) for limit in limits if limit.column == "current"]
    readable = [_OVERRANGE * measured] if measured is not None else []
    return min([*widest, *readable, allowed_current(model, potential_range)])


def allowed_current(model: Model, potential: float) -> float:
    """The largest current (A) that the model allows up to a potential (V)."""
    return next(current for largest, current in model.envelope if largest >= abs(potential))


def timing(interval: float, settings: Settings) -> tuple[float, float]:
    """Integration time (power line cycles) and delay (s) of points that are to be so far apart (s).

    As the maker's own voltammetry: what is left of the interval besides the instrument's overhead is
    integrated, up to the largest integration time; what is left then is waited.
    """
    room = interval - settings.point_overhead
    low, high = NPLC
    nplc = settings.nplc
    if nplc is None:
        fitting = room * settings.line_frequency / settings.integrations
        nplc = min(high, max(low, math.floor(fitting * 1000) / 1000))
    delay = room - settings.integrating(nplc)
    shortest, longest = DELAYS
    return nplc, min(longest, round(delay, 6)) if delay >= shortest else 0.0


def _segments(part: int, name: str, given: dict[str, Any], settings: Settings, notes: list[str]) -> list[Segment]:
    interval = given["step"] / given["rate"]
    _check_interval(name, given, interval, settings)
    stairs = of_technique(name, given)
    if odd := uneven(stairs, given["step"]):
        notes.append(f"{name}: {odd} steps are smaller than the others, to end at the vertices")
    schema = SCHEMAS[name]
    nplc, delay = timing(interval, settings)
    segments = _quiet(part, schema, given["quiet"], stairs.levels[0], interval, settings)
    pieces = cut(stairs)
    for start, stop in pieces:
        levels, cycles = stairs.levels[start:stop], stairs.cycles[start:stop]
        segments.append(Segment(part, schema, levels, cycles, interval, nplc, delay))
    if len(segments) > 1:
        notes.append(
            f"{name}: {len(segments)} list sweeps; between them the last potential is held for a moment, and the first "
            "row behind has the flag GAP"
        )
    if given["current_range"] is None:
        notes.append(f"{name}: without current_range the instrument changes ranges by itself, which takes time")
    return segments


def _quiet(part: int, schema: Schema, quiet: float, level: float, interval: float, settings: Settings) -> list[Segment]:
    """The quiet time as list sweeps over one level."""
    every = max(settings.fastest_point, min(_LONGEST_QUIET_INTERVAL, max(interval, _QUIET_INTERVAL)))
    rows = math.floor(quiet / every * (1 + _TOLERANCE))
    nplc, delay = timing(every, settings)
    lengths = [min(LONGEST_LIST, rows - start) for start in range(0, rows, LONGEST_LIST)]
    flag = Flag.QUIET_TIME.value
    return [Segment(part, schema, (level,) * n, (0,) * n, every, nplc, delay, flag) for n in lengths]


def _complete(technique: Technique, capabilities: Capabilities) -> dict[str, Any]:
    name = technique.name
    if name not in _NAMES:
        raise NotSupported(f"the {capabilities.model} cannot do {name!r} by itself; it can do {', '.join(_NAMES)}")
    values = {**{n: v for n, v in _OPTIONAL.items() if n in _NAMES[name]}, **technique.parameters}
    if name == "cv" and values.get("end") is None:
        values["end"] = values.get("begin")
    unknown = [n for n in values if n not in _NAMES[name]]
    missing = [n for n in _NAMES[name] if n not in values]
    if unknown or missing:
        said = [*(f"has no parameter {n!r}" for n in unknown), *(f"needs {n}" for n in missing)]
        raise UsageError(f"{name} {' and '.join(said)}; its parameters are {', '.join(_NAMES[name])}")
    for key, value in values.items():
        for one in value if key == "vertices" else () if value is None else (value,):
            if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one):
                raise UsageError(f"{name}.{key} = {value!r} is not a number")
    for key, allowed in capabilities.techniques[name].limits.items():
        if values[key] not in allowed:
            raise LimitError(
                f"{name}.{key} = {_shown(values[key], allowed.unit)}; the {capabilities.model} allows "
                f"{_shown(allowed.low, allowed.unit)} ... {_shown(allowed.high, allowed.unit)} ({allowed.source})"
            )
    return {n: values[n] for n in _NAMES[name]}


def _check_interval(name: str, given: dict[str, Any], interval: float, settings: Settings) -> None:
    fastest = settings.fastest_point
    if interval >= fastest * (1 - _TOLERANCE):
        return
    why = "setting min_interval; not documented"
    if settings.nplc is not None:
        why = f"it integrates {settings.nplc:g} power line cycles"
    raise LimitError(
        f"{name}: {units.show(given['step'], 'V')} at {units.show(given['rate'], 'V/s')} are "
        f"{units.show(interval, 's')} per point; the {settings.table.title} is trusted with {units.show(fastest, 's')} "
        f"({why}). Take at most {units.show(given['step'] / fastest, 'V/s')}, or steps of at least "
        f"{units.show(given['rate'] * fastest, 'V')}."
    )


def _current_range(techniques: Sequence[Technique], model: Model, potential_range: float) -> float | None:
    """The smallest range that covers what all of them must measure; None (by itself) if one leaves it open."""
    asked = [technique.parameters["current_range"] for technique in techniques]
    if any(value is None for value in asked):
        return None
    largest, allowed = max(asked), allowed_current(model, potential_range)
    if not 0 < largest <= allowed * (1 + _TOLERANCE):
        raise LimitError(
            f"{techniques[0].name}.current_range = {units.show(largest, 'A')}; on its range of "
            f"{units.show(potential_range, 'V')} the {model.title} allows up to {units.show(allowed, 'A')}"
        )
    return next((r for r in model.current_ranges if r >= largest * (1 - _TOLERANCE)), model.current_ranges[-1])


def _within(model: Model, name: str, level: float, allowed: Range) -> None:
    if level not in allowed:
        raise LimitError(
            f"{name}: {units.show(level, 'V')} is asked for; the {model.title} allows {units.show(allowed.low, 'V')} "
            f"... {units.show(allowed.high, 'V')} ({allowed.source})"
        )


def _shown(value: float, unit: str) -> str:
    return f"{value:g}" if unit == "1" else units.show(value, unit)
