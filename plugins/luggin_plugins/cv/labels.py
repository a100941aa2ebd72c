"""What the waves are called, and what is known about the cell around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luggin.errors import AnalysisError
from luggin.results import Refusal, Table
from luggin.units import convert
from luggin_plugins.cv import refusals
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.theory import ROOM_TEMPERATURE_K

NEAR_V = 0.150


@dataclass(frozen=True)
class Surroundings:
    """Temperature (K) and reference electrode, with what had to be assumed."""

    temperature_k: float
    reference: str
    flags: tuple[str, ...]

    @property
    def versus(self) -> str:
        """``" vs Ag/AgCl (3.5 M KCl)"``, or nothing if the electrode is not known."""
        return f" vs {self.reference}" if self.reference else ""


def surroundings(
    sample: Mapping[str, Any], parameters: Mapping[str, Any], tables: Sequence[Table] = ()
) -> Surroundings:
    """Read temperature and reference electrode from what is known about sample and measurement.

    A temperature that was measured beside the voltammogram (a column ``temperature`` of its rows,
    or ``temperature_K`` among its parameters) counts more than what the sample says.
    """
    flags = []
    temperature = measured_temperature(tables)
    if temperature is None:
        temperature = parameters.get("temperature_K", sample.get("temperature_K"))
    if temperature is None:
        flags.append("assumed 25 degC")
        temperature = ROOM_TEMPERATURE_K
    if isinstance(temperature, bool) or not isinstance(temperature, (int, float)) or not 150 <= temperature <= 800:
        raise AnalysisError(f"temperature_K = {temperature!r} is no temperature of a cell (150 ... 800 K)")
    reference = sample.get("reference")
    if isinstance(reference, Mapping):
        electrode, fill = reference.get("electrode", ""), reference.get("fill", "")
        reference = f"{electrode} ({fill})" if electrode and fill else electrode
    if not isinstance(reference, str) or not reference.strip():
        reference = ""
        flags.append("reference electrode unknown")
    return Surroundings(float(temperature), reference.strip(), tuple(flags))


def measured_temperature(tables: Sequence[Table]) -> float | None:
    """Mean temperature (K) of the rows, if they have a column of it."""
    readings = []
    for table in tables:
        if "temperature" in table.columns:
            values = np.asarray(table.columns["temperature"], dtype=np.float64)
            unit = table.units.get("temperature", "K")
            readings += [convert(float(v), unit, "K") for v in values[np.isfinite(values)]]
    return float(np.mean(readings)) if readings else None


def name_waves(
    potentials: Sequence[float], couples: Sequence[Mapping[str, Any]], suffix: str
) -> tuple[tuple[str, ...], tuple[Refusal, ...]]:
    """A label for each wave: of the couple expected nearby, or its number and potential.

    Couples take the nearest free wave within 0.15 V, the closest match first; a couple without a
    wave is a refusal of its own.
    """
    labels = [f"wave {k} ({round(e, 3) + 0.0:.3f} V){suffix}" for k, e in enumerate(potentials, 1)]
    distances = sorted(
        (abs(e - couple["near"]), k, c) for k, e in enumerate(potentials) for c, couple in enumerate(couples)
    )
    waves_taken: set[int] = set()
    couples_found: set[int] = set()
    for distance, k, c in distances:
        if distance <= NEAR_V and k not in waves_taken and c not in couples_found:
            labels[k] = f"{couples[c]['label']}{suffix}"
            waves_taken.add(k)
            couples_found.add(c)
    missing = tuple(
        refusals.couple_not_found(f"{couple['label']}{suffix}", float(couple["near"]))
        for c, couple in enumerate(couples)
        if c not in couples_found
    )
    return tuple(labels), missing


def scan_name(number: int, pieces: Sequence[Table], vg: Voltammogram | None) -> str:
    """``"scan 2 at 100 mV/s"``, or nothing for the only scan (``number`` 0).

    The rate is that of the first sweep; without one, what was asked for, or the name of the table.
    """
    if not number:
        return ""
    if vg is not None:
        return f"scan {number} at {1e3 * scan_rate(vg):.4g} mV/s"
    rate = pieces[0].parameters.get("rate")
    if isinstance(rate, (int, float)) and rate > 0:
        return f"scan {number} at {1e3 * rate:.4g} mV/s"
    name = pieces[0].label or pieces[0].id
    return f"scan {number} ({name})" if name else f"scan {number}"


def remarks_on(pieces: Sequence[Table], vg: Voltammogram, overloaded: int) -> list[str]:
    """What is to be known about a whole voltammogram: that it was cut, what its reader remarks, overloads."""
    found = [] if vg.complete else ["the voltammogram was cut short"]
    for table in pieces:
        remarks = table.parameters.get("remarks", ())
        found += [r for r in remarks if isinstance(r, str)] if isinstance(remarks, (list, tuple)) else []
    return found + ([f"overload in {overloaded} rows"] if overloaded else [])


def scan_rate(vg: Voltammogram) -> float:
    """Scan rate (V/s) of the first sweep, from its rows."""
    rows = vg.sweeps[0].rows
    return abs(float(np.polyfit(vg.time[rows] - vg.time[rows][0], vg.potential[rows], 1)[0]))
