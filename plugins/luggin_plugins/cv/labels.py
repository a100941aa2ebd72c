"""What the waves are called, and what is known about the cell around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luggin.errors import AnalysisError
from luggin.results import Refusal
from luggin_plugins.cv import refusals
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


def surroundings(sample: Mapping[str, Any], parameters: Mapping[str, Any]) -> Surroundings:
    """Read temperature and reference electrode from what is known about sample and measurement."""
    flags = []
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


def rate_words(time: Any, potential: Any) -> str:
    """Scan rate of a sweep in words, from its rows."""
    rate = abs(float(np.polyfit(time - time[0], potential, 1)[0]))
    return f"{1e3 * rate:.4g} mV/s"
