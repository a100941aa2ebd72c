"""From the tables of a run to one clean voltammogram, or the reason why that is impossible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luggin.errors import AnalysisError, UnitError
from luggin.records import Flag
from luggin.results import Refusal, Table
from luggin.units import convert
from luggin_plugins.cv import refusals
from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.sweeps import Sweep, cut_sweeps, point_spacing

FEWEST_POINTS = 20
COARSEST_SPACING_V = 5e-3
LARGEST = {"time": 1e10, "potential": 100.0, "current": 1e6}  # s, V, A: beyond lies a broken file
SMALLEST_CURRENT_A = 1e-18
_NOT_A_SWEEP = Flag.QUIET_TIME | Flag.CELL_OFF


@dataclass(frozen=True)
class Voltammogram:
    """One execution of ``cv``: time (s), potential (V), current (A, anodic positive), flags, sweeps.

    ``staircase`` is the step (V) by which the instrument set the potential; 0 if that is not known.
    """

    time: Array
    potential: Array
    current: Array
    flags: NDArray[np.int64]
    sweeps: tuple[Sweep, ...]
    spacing: float
    complete: bool
    staircase: float = 0.0


def executions(tables: Sequence[Table]) -> tuple[tuple[Table, ...], ...]:
    """Tables that are pieces of one execution, put together; executions in the order given.

    Pieces carry the same identity (file or run, step, attempt); a file split in two is one
    measurement.
    """
    groups: dict[tuple[str, str, int, int, str], list[Table]] = {}
    for table in tables:
        if table.technique != "cv":
            name = table.label or table.id or table.source or "a table"
            raise AnalysisError(f"cv.half-waves evaluates cyclic voltammograms (cv); {name} is {table.technique!r}")
        groups.setdefault((table.source, table.id, table.step, table.attempt, table.label), []).append(table)
    return tuple(tuple(group) for group in groups.values())


def take_in(pieces: Sequence[Table]) -> Voltammogram | Refusal:
    """One execution as arrays in SI units, without its quiet time, cut into sweeps."""
    columns: list[tuple[Array, Array, Array, NDArray[np.int64]]] = []
    for table in pieces:
        taken = _columns(table)
        if isinstance(taken, Refusal):
            return taken
        columns.append(taken)
    time, potential, current = (np.concatenate([c[k] for c in columns]) for k in range(3))
    flags = np.concatenate([c[3] for c in columns])
    for name, values in (("time", time), ("potential", potential), ("current", current)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            return refusals.not_a_number(name, bad.size, int(bad[0]))
        worst = float(np.max(np.abs(values), initial=0.0))
        if worst > LARGEST[name]:
            return refusals.implausible(name, worst)
    backwards = np.flatnonzero(np.diff(time) < 0)
    if backwards.size:
        return refusals.time_order(int(backwards[0]) + 1)
    if time.size < FEWEST_POINTS:
        return refusals.too_few_points(time.size)
    if time[-1] == time[0]:
        return refusals.time_order(1)
    if float(np.max(np.abs(current))) < SMALLEST_CURRENT_A:
        return refusals.no_wave(0.0)
    sweeps = cut_sweeps(potential)
    if not sweeps:
        return refusals.no_sweep(float(np.ptp(potential)))
    spacing = float(np.median([point_spacing(potential[s.rows]) for s in sweeps]))
    if spacing > COARSEST_SPACING_V * 1.02:  # 5 mV nominal is allowed; a readback jitters
        return refusals.sampling_too_coarse(spacing)
    complete = all(t.complete for t in pieces)
    return Voltammogram(time, potential, current, flags, sweeps, spacing, complete, _staircase(pieces[0]))


def _staircase(table: Table) -> float:
    """The step (V) that was asked for; 0 if the table does not say one."""
    step = table.parameters.get("step")
    if isinstance(step, bool) or not isinstance(step, int | float) or not 0 < step < 1:
        return 0.0
    return float(step)


def _columns(table: Table) -> tuple[Array, Array, Array, NDArray[np.int64]] | Refusal:
    has = ", ".join(sorted(table.columns))
    clock = next((name for name in ("instrument_time", "time") if name in table.columns), None)
    if clock is None:
        return refusals.column_missing("time (or instrument_time)", has)
    for name in ("potential", "current"):
        if name not in table.columns:
            return refusals.column_missing(name, has)
    lengths = {name: len(table.columns[name]) for name in table.columns}
    if len(set(lengths.values())) > 1:
        return refusals.columns_differ(", ".join(f"{k} {v}" for k, v in sorted(lengths.items())))
    time, potential, current = (
        _si(table, name, unit) for name, unit in ((clock, "s"), ("potential", "V"), ("current", "A"))
    )
    flags = np.zeros(time.size, dtype=np.int64)
    if "flags" in table.columns:
        written = np.asarray(table.columns["flags"], dtype=np.float64)
        flags = np.where(np.isfinite(written), written, 0.0).astype(np.int64)
    keep = (flags & int(_NOT_A_SWEEP)) == 0
    if "cycle" in table.columns:
        keep &= np.asarray(table.columns["cycle"]) != 0
    return time[keep], potential[keep], current[keep], flags[keep]


def _si(table: Table, name: str, unit: str) -> Array:
    """A column in its SI unit; the table's ``units`` say what it is in, if they say anything."""
    try:
        values = np.asarray(table.columns[name], dtype=np.float64)
        factor = convert(1.0, table.units[name], unit) if table.units.get(name, unit) != unit else 1.0
    except (TypeError, ValueError, UnitError) as error:
        raise AnalysisError(f"column {name!r} is not a column of numbers in {unit}: {error}") from error
    if values.ndim != 1:
        raise AnalysisError(f"column {name!r} has {values.ndim} dimensions; one is expected")
    return values * factor if factor != 1.0 else values
