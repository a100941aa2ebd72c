"""From a table of ``dpv`` or ``swv`` to clean levels and net currents, or the reason why that is impossible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luggin.errors import AnalysisError, UnitError
from luggin.records import Flag
from luggin.results import Refusal, Table
from luggin.units import convert
from luggin_plugins.cv import pulse_refusals, refusals
from luggin_plugins.cv.noise import Array

FEWEST_POINTS = 20
SMALLEST_CURRENT_A = 1e-18
_NOT_A_LEVEL = Flag.QUIET_TIME | Flag.CELL_OFF


@dataclass(frozen=True)
class PulseVoltammogram:
    """Levels (V) in the order of time, net currents (A, anodic positive), flags.

    Attributes:
        direction: 1 if the staircase goes to positive potentials, -1 if to negative ones.
        sign: of the peaks; that of the pulses, which usually go the same way.
        step: mean distance (V) of two levels.
    """

    levels: Array
    current: Array
    flags: NDArray[np.int64]
    direction: int
    sign: int
    step: float


def take_in(table: Table) -> PulseVoltammogram | Refusal:
    """The rows of one execution in SI units, without the quiet time."""
    levels, current = _si(table, "potential", "V"), _si(table, "current", "A")
    if levels.size != current.size:
        return refusals.columns_differ(f"current {current.size}, potential {levels.size}")
    flags = np.zeros(levels.size, dtype=np.int64)
    if "flags" in table.columns:
        flags = np.asarray(table.columns["flags"], dtype=np.int64)
    keep = (flags & int(_NOT_A_LEVEL)) == 0
    levels, current, flags = levels[keep], current[keep], flags[keep]
    for name, values in (("potential", levels), ("current", current)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            return refusals.not_a_number(name, bad.size, int(bad[0]))
    if levels.size < FEWEST_POINTS:
        return refusals.too_few_points(levels.size)
    if float(np.max(np.abs(current))) < SMALLEST_CURRENT_A:
        return pulse_refusals.no_peak(0.0, "")
    steps = np.diff(levels)
    direction = 1 if levels[-1] > levels[0] else -1
    if np.any(direction * steps <= 0):
        return pulse_refusals.not_a_staircase("")
    pulse = table.parameters.get("pulse", direction)
    sign = -1 if isinstance(pulse, int | float) and pulse < 0 else 1
    return PulseVoltammogram(levels, current, flags, direction, sign, float(np.mean(np.abs(steps))))


def _si(table: Table, name: str, unit: str) -> Array:
    """A column in its SI unit; the table's ``units`` say what it is in, if they say anything."""
    try:
        values = np.asarray(table.columns[name], dtype=np.float64)
        factor = convert(1.0, table.units[name], unit) if table.units.get(name, unit) != unit else 1.0
    except KeyError as error:
        raise AnalysisError(f"the table has no column {name!r}") from error
    except (TypeError, ValueError, UnitError) as error:
        raise AnalysisError(f"column {name!r} is not a column of numbers in {unit}: {error}") from error
    if values.ndim != 1:
        raise AnalysisError(f"column {name!r} has {values.ndim} dimensions; one is expected")
    return values * factor
