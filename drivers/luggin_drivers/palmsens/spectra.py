"""Impedance spectra in MethodSCRIPT: columns, limits, and the measurement loop ``eis``.

Manual, "Measurement loops": ``meas_loop_eis f Zreal Zimag amplitude fstart fend n Edc``, frequencies
equally far apart on a logarithmic scale. What is sent as imaginary part is Im(Z), negative for a
capacitor: the maker's example for drawing spectra adds it to the real part as it comes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luggin.capabilities import Range, TechniqueCapability
from luggin.instrument.spectra import FREQUENCY, IMPEDANCE_IMAGINARY, IMPEDANCE_REAL
from luggin.records import CURRENT_RANGE, FLAGS, INSTRUMENT_TIME, Schema
from luggin_drivers.palmsens import script
from luggin_drivers.palmsens.tables import APPLIED_FREQUENCY, IMAGINARY_IMPEDANCE, REAL_IMPEDANCE, TIME

# In the order of the package. The real part comes last, because the range that is kept of a package is
# that of its last field, and the real part carries the current range.
EIS = Schema("eis", (INSTRUMENT_TIME, FREQUENCY, IMPEDANCE_IMAGINARY, IMPEDANCE_REAL, CURRENT_RANGE, FLAGS))
TYPES = (TIME, APPLIED_FREQUENCY, IMAGINARY_IMPEDANCE, REAL_IMPEDANCE)
SENT = ("f", "j", "r")

NAMES: Mapping[str, tuple[str, ...]] = {
    "eis": ("potential", "amplitude", "begin_frequency", "end_frequency", "points", "current_range")
}
WAY_OUT = {
    "begin_frequency": "begin at another frequency",
    "end_frequency": "end at another frequency",
    "points": "take another number of points",
}

#: Bandwidth (Hz) of the control loop in the maker's examples for spectra.
BANDWIDTH = 200e3
_LOWEST, _HIGHEST = 0.01, 200e3
_SMALLEST_AMPLITUDE, _LARGEST_AMPLITUDE = 1e-3, 0.25
_MOST_POINTS = 500
# How long a point takes is not documented: so many periods, and this time (s) beside them, at most.
_PERIODS, _BESIDE = 20, 0.5


def capabilities(why: str) -> dict[str, TechniqueCapability]:
    """What is declared; ``why`` is the source of the ranges."""
    frequency = Range(_LOWEST, _HIGHEST, "Hz", False, why)
    return {
        "eis": TechniqueCapability(
            "native",
            EIS,
            {
                "begin_frequency": frequency,
                "end_frequency": frequency,
                "amplitude": Range(_SMALLEST_AMPLITUDE, _LARGEST_AMPLITUDE, "V", False, why),
                "points": Range(1, _MOST_POINTS, "1", False, why),
            },
        )
    }


def longest_interval(parameters: Mapping[str, Any]) -> float:
    """The longest time (s) from one row to the next."""
    lowest = min(parameters["begin_frequency"], parameters["end_frequency"])
    return float(_PERIODS / lowest + _BESIDE)


def duration(parameters: Mapping[str, Any]) -> float:
    """About how long a spectrum takes (s), at most."""
    ends, count = (parameters["begin_frequency"], parameters["end_frequency"]), parameters["points"]
    ratio = math.log(ends[1] / ends[0]) / max(count - 1, 1)
    return math.fsum(_PERIODS / (ends[0] * math.exp(ratio * k)) + _BESIDE for k in range(count))


@dataclass(frozen=True)
class Spectrum:
    """The frequencies (Hz) of a loop: ``points`` of them from ``first`` to ``last``, equally far apart in decades."""

    first: float
    last: float
    points: int

    def place(self, frequency: float) -> int | None:
        """Which of them this is, from 0; the instrument may round what it generates. None: no frequency.

        >>> [Spectrum(1000.0, 10.0, 3).place(f) for f in (1000.0, 98.0, 10.0, math.nan)]
        [0, 1, 2, None]
        """
        if not 0.0 < frequency < math.inf:
            return None
        if self.points < 2 or self.first == self.last:
            return 0
        return round((self.points - 1) * math.log(frequency / self.first) / math.log(self.last / self.first))


def spectrum(parameters: Mapping[str, Any]) -> Spectrum:
    """The frequencies of a technique."""
    return Spectrum(parameters["begin_frequency"], parameters["end_frequency"], parameters["points"])


def head(parameters: Mapping[str, Any], amplitude_means: str) -> str:
    """The line that begins the measurement loop; ``amplitude_means`` is the setting ``eis_amplitude``."""
    peak = parameters["amplitude"]
    amplitude = script.nearest(peak / math.sqrt(2.0) if amplitude_means == "rms" else peak)
    frequencies = (parameters["begin_frequency"], parameters["end_frequency"])
    points = f"{parameters['points']}i"
    return script.command("meas_loop_eis", "f", "r", "j", amplitude, *frequencies, points, parameters["potential"])
