"""Axes with units that suit their values: ``I / µA``, ``E vs Ag/AgCl (3.5 M KCl) / V``, ``t / min``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luggin_plugins.report.readings import Trace
from luggin_plugins.report.thinning import Array
from luggin_plugins.report.wording import pretty_unit, short

_PREFIXES = (("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0), ("m", 1e-3), ("µ", 1e-6), ("n", 1e-9), ("p", 1e-12))
_WITH_PREFIX = ("A", "Hz", "ohm", "F", "S", "W", "C")
_TIMES = (("d", 2 * 86400.0, 86400.0), ("h", 3 * 3600.0, 3600.0), ("min", 300.0, 60.0), ("s", 0.0, 1.0))
_SYMBOLS = {"potential": "E", "current": "I", "current/√v": "I/√v", "voltage": "U", "time": "t", "temperature": "T"}


@dataclass(frozen=True)
class Scale:
    """The unit of an axis, and by what values in SI are multiplied to be in it."""

    unit: str
    factor: float = 1.0


def scale_for(values: Sequence[Array], unit: str) -> Scale:
    """The prefix with which the greatest value has one to three digits before the point.

    Potentials stay in V, and so does every unit that takes no prefix. Of a product the first unit takes it.

    >>> scale_for([np.array([2e-6])], "A s0.5")
    Scale(unit='µA √s', factor=1000000.0)
    """
    if unit.partition(" ")[0] not in _WITH_PREFIX:
        return Scale(pretty_unit(unit))
    greatest = max((_greatest(v) for v in values), default=0.0)
    for prefix, size in _PREFIXES:
        if greatest >= size:
            return Scale(prefix + pretty_unit(unit), 1.0 / size)
    return Scale(pretty_unit(unit))


def _greatest(values: Array) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 0.0


def time_scale(traces: Sequence[Trace]) -> Scale:
    """Seconds, minutes, hours or days, by the length of the run."""
    longest = max((_greatest(t.time) for t in traces), default=0.0)
    unit, _, size = next(t for t in _TIMES if longest >= t[1])
    return Scale(unit, 1.0 / size)


def axis_label(words: str, scale: Scale) -> str:
    """A quantity with its unit, as a quotient (IUPAC Green Book, 1.1): the numbers on the axis are pure.

    >>> axis_label("potential vs Ag/AgCl", Scale("V"))
    'E vs Ag/AgCl / V'
    """
    first, blank, rest = words.partition(" ")
    symbol = _SYMBOLS.get(first, first)
    unit = short(scale.unit, 30)
    if unit in ("", "1"):
        return f"{symbol}{blank}{rest}"
    unit = f"({unit})" if "/" in unit and not unit.startswith("√(") else unit
    return f"{symbol}{blank}{rest} / {unit}"
