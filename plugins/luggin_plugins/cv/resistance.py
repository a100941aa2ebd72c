"""The resistance between working and reference electrode: where it is known from, and taking its drop off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from luggin.errors import UnitError
from luggin.results import Refusal, Table
from luggin.units import parse_with_uncertainty
from luggin_plugins.cv import refusals
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.model import Program
from luggin_plugins.cv.noise import Array

SMOOTHING_V = 6e-3  # half width over which the current is smoothed before its drop is taken off
UNSTATED_SHARE = 0.05  # relative uncertainty of a resistance that was written without one


@dataclass(frozen=True)
class Resistance:
    """Resistance of the solution with its standard uncertainty (ohm), and where it is from."""

    value: float
    u: float
    source: str


def known_resistance(said: str, tables: Sequence[Table]) -> Resistance | Refusal | None:
    """The resistance that the option ``resistance`` means; None if the option was not given.

    Args:
        said: a quantity (``"120(5) ohm"``), or the id or role of a step that measured it.
        tables: all tables that the analysis was given; one that measured a resistance has it among
            its parameters, ``{"solution_resistance": {"value": ohm, "u": ohm}}``.
    """
    if not said:
        return None
    try:
        value, u = parse_with_uncertainty(said, "ohm")
    except UnitError:
        return _measured(said, tables)
    if value < 0:
        return refusals.no_resistance(said, "it is negative")
    return Resistance(value, u or UNSTATED_SHARE * value, f"as given ({said})")


def _measured(said: str, tables: Sequence[Table]) -> Resistance | Refusal:
    named = [t for t in tables if said in (t.id, t.role)]
    found = [m for t in named if isinstance(m := t.parameters.get("solution_resistance"), Mapping)]
    if not found:
        return refusals.no_resistance(said, "no step of that id or role measured one")
    value, u = found[-1].get("value"), found[-1].get("u")
    if not isinstance(value, int | float) or not np.isfinite(value) or value < 0:
        return refusals.no_resistance(said, "the measurement gave no number")
    if not isinstance(u, int | float) or not np.isfinite(u) or u <= 0:
        u = UNSTATED_SHARE * value
    return Resistance(float(value), float(u), f"measured ({said})")


def corrected(vg: Voltammogram, program: Program, resistance_ohm: float) -> tuple[Voltammogram, Program]:
    """Voltammogram and program with the potentials at the surface: E - R i, with the current smoothed.

    The sweeps stay as they were cut by the potential at the instrument.
    """
    current = smoothed(vg)
    potential = vg.potential - resistance_ohm * current
    on_grid = program.potential - resistance_ohm * np.interp(program.time, program.rows_time, current)
    return replace(vg, potential=potential), replace(program, potential=on_grid)


def smoothed(vg: Voltammogram) -> Array:
    """The current (A) through a local parabola over +/- 6 mV, sweep by sweep; as measured outside of sweeps."""
    current = vg.current.copy()
    half = max(2, round(SMOOTHING_V / max(vg.spacing, 1e-6)))
    x = np.arange(-half, half + 1, dtype=np.float64)
    kernel = np.linalg.pinv(np.vander(x, 3, increasing=True))[0]
    for sweep in vg.sweeps:
        part = vg.current[sweep.rows]
        if part.size > 2 * half + 1:
            current[sweep.start + half : sweep.stop - half] = np.convolve(part, kernel[::-1], mode="valid")
    return current
