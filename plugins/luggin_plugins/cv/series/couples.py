"""One couple through all scan rates: what was read of it in each voltammogram, in order of the rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from luggin.results import Refusal
from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.series import refusals
from luggin_plugins.cv.series.convolution import Limit, Plateaux
from luggin_plugins.cv.series.nicholson import SYMMETRIC, SeparationTable, separation_table
from luggin_plugins.cv.series.scans import Scan, Wave
from luggin_plugins.cv.theory import thermal_voltage

FEWEST_RATES = 3
LEAST_SPAN = 3.0
SAME_RATE = 0.05  # relative
DISAGREE = 3.0  # combined standard uncertainties
_REVERSIBLE_HEIGHT = 0.4463  # of nFAC sqrt(D f v): the peak current of a reversible couple
FALLBACK_SHARE = 0.05  # relative uncertainty of a height over a baseline that is theory's alone


@dataclass(frozen=True)
class Reading:
    """One couple in one voltammogram."""

    scan: Scan
    wave: Wave
    limit: Limit | None

    @property
    def height(self) -> tuple[float, float]:
        """Height of the forward peak (A, not negative) and its standard uncertainty."""
        if self.limit is not None:
            return abs(self.limit.height), self.limit.u_height
        height = abs(self.wave.height or 0.0)
        return height, float(np.hypot(self.wave.u_height, FALLBACK_SHARE * height))

    def unit_current(self, slope_v: float) -> float:
        """The current nFAC sqrt(D f v) (A), which is the limiting semi-integral times sqrt(f v)."""
        if self.limit is not None:
            return self.limit.limit * float(np.sqrt(self.scan.rate / slope_v))
        return self.height[0] / _REVERSIBLE_HEIGHT


@dataclass(frozen=True)
class Couple:
    """One couple at all rates; every array is in the order of ``readings`` (V/s, V, A)."""

    label: str
    readings: tuple[Reading, ...]
    slope_v: float

    @property
    def rate(self) -> Array:
        """Scan rates."""
        return np.array([r.scan.rate for r in self.readings])

    @property
    def heights(self) -> tuple[Array, Array]:
        """Heights of the forward peaks and their standard uncertainties."""
        both = np.array([r.height for r in self.readings])
        return both[:, 0], both[:, 1]

    @property
    def potentials(self) -> tuple[Array, Array]:
        """Half-wave potentials and their standard uncertainties."""
        both = np.array([(r.wave.potential, r.wave.u) for r in self.readings])
        return both[:, 0], both[:, 1]

    @property
    def separations(self) -> tuple[Array, Array]:
        """Separations of the peaks as they were measured, with the drop in the solution, and their u."""
        both = np.array([(_separation(r), _u_separation(r)) for r in self.readings])
        return both[:, 0], both[:, 1]

    @property
    def swings(self) -> Array:
        """Current between the peaks."""
        return np.array([r.wave.swing for r in self.readings], dtype=np.float64)

    @property
    def turns(self) -> Array:
        """How far behind E1/2 each sweep turned, in RT/nF."""
        return np.array([r.wave.turn / self.slope_v for r in self.readings])

    @property
    def ohmic(self) -> Array:
        """The drop in the solution that a current nFAC sqrt(D f v) would make, in RT/nF; 0 where R is not known."""
        resistance = np.array([r.scan.resistance.value if r.scan.resistance else 0.0 for r in self.readings])
        return np.asarray(resistance * np.array([r.unit_current(self.slope_v) for r in self.readings]) / self.slope_v)

    def stairs(self, n: int) -> float:
        """Root of the steps (in mV / n) that the sweeps may have been made of, on average; 0 for ramps."""
        return float(np.mean([np.sqrt(1e3 * n * r.scan.stairs) for r in self.readings]))

    def tables(self, alpha: float = SYMMETRIC) -> list[SeparationTable]:
        """What theory says of the separation of the peaks in each voltammogram."""
        pairs = zip(self.turns, self.ohmic, strict=True)
        return [separation_table(float(turn), alpha, float(ohmic)) for turn, ohmic in pairs]


def _separation(reading: Reading) -> float:
    """The separation at the instrument: what ``cv.half-waves`` has taken off for a known resistance is put back."""
    resistance = reading.scan.resistance
    drop = resistance.value * abs(reading.wave.swing or 0.0) if resistance else 0.0
    return float(reading.wave.separation or 0.0) + drop


def _u_separation(reading: Reading) -> float:
    resistance = reading.scan.resistance
    drop = resistance.u * abs(reading.wave.swing or 0.0) if resistance else 0.0
    return float(np.hypot(reading.wave.u_separation, drop))


def different_rates(rates: Sequence[float]) -> list[float]:
    """Scan rates without those that are the same within 5 %, ascending."""
    found: list[float] = []
    for rate in sorted(rates):
        if not found or rate > (1.0 + SAME_RATE) * found[-1]:
            found.append(rate)
    return found


def fault_of_series(scans: Sequence[Scan]) -> Refusal | None:
    """What forbids any number of the whole series."""
    rates = different_rates([s.rate for s in scans if s.voltammogram is not None])
    if len(rates) < FEWEST_RATES:
        return refusals.too_few_rates(len(rates))
    if rates[-1] < LEAST_SPAN * rates[0]:
        return refusals.rates_too_close(rates[0], rates[-1], LEAST_SPAN)
    return None


def labels_of(scans: Sequence[Scan], couples: Sequence[Mapping[str, object]]) -> list[str]:
    """The couples to report: those that were named, or all that were found if none was."""
    named = [str(c["label"]) for c in couples]
    return named or list(dict.fromkeys(w.label for s in scans for w in s.waves))


def couple_of(label: str, scans: Sequence[Scan], levels: Mapping[int, Plateaux | None], n: int) -> Couple | Refusal:
    """A couple in all voltammograms, or the rates at which it cannot be read."""
    readings, missing, reasons = [], [], []
    for number, scan in sorted(enumerate(scans), key=lambda entry: entry[1].rate):
        wave = scan.wave(label)
        if wave is None or wave.separation is None or wave.swing is None:
            missing.append(scan.rate)
            why = scan.refusal(label)
            reasons += [why.code] if why else []
            continue
        found = levels[number]
        limit = next((c for c in found.couples if c.label == label), None) if found else None
        if limit is None and wave.height is None:
            missing.append(scan.rate)
        else:
            readings.append(Reading(scan, wave, limit))
    if missing:
        return refusals.not_at_all_rates(missing, ", ".join(dict.fromkeys(reasons)), label)
    slope = thermal_voltage(float(np.mean([r.scan.temperature_k for r in readings]))) / n
    return Couple(label, tuple(readings), slope)


def moves(couple: Couple) -> Refusal | None:
    """The refusal of a half-wave potential that depends on the scan rate."""
    values, u = couple.potentials
    rates = couple.rate
    for one in range(values.size):
        for other in range(one + 1, values.size):
            apart = abs(values[one] - values[other])
            differ = rates[other] > (1.0 + SAME_RATE) * rates[one]
            if differ and apart > DISAGREE * float(np.hypot(u[one], u[other])):
                return refusals.half_wave_moves(f"{values[0]:.4f} V", f"{values[-1]:.4f} V", couple.label)
    return None
