"""What one turn of a measurement loop does: applies a level, lets time pass, and puts readings into variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from luggin_sim.dialects.palmsens_methodscript.output import metadata
from luggin_sim.dialects.palmsens_methodscript.potentiostat import Potentiostat, Refused
from luggin_sim.dialects.palmsens_methodscript.pulses import PulseProgramme
from luggin_sim.dialects.palmsens_methodscript.rules import Rules
from luggin_sim.dialects.palmsens_methodscript.spectra import Spectrum

#: Applies one level for a time (s), with status bits, and reads the cell then.
Sampler: TypeAlias = Callable[[float, float, int], None]

CRITICAL_OVERLOAD = 0x0032
#: Index of the potential range (1 V) that is sent with imaginary parts.
POTENTIAL_RANGE = 6


class Variable:
    """A value, its two-letter type, and the metadata of the reading that it came from."""

    __slots__ = ("kind", "metadata", "value")

    def __init__(self) -> None:
        self.value, self.kind, self.metadata = float("nan"), "aa", ""

    def store(self, value: float, kind: str) -> None:
        """Another value, which is no reading."""
        self.value, self.kind, self.metadata = value, kind, ""


def current(lent: Sequence[Variable], potentiostat: Potentiostat) -> Sampler:
    """Ramps to the level; applied potential and current."""
    potential, flowing = lent
    _typed(lent, "da", "ba")
    leads, ranging, meter = potentiostat.leads, potentiostat.ranging, _meter(potentiostat)

    def sample(level: float, dt: float, status: int) -> None:
        if dt:
            passing = leads.ramp(level, dt)
        else:
            leads.jump(level)
            passing = leads.current_now()
        reading = meter(passing)
        potential.value = level
        flowing.value, flowing.metadata = ranging.read(reading, status)

    return sample


def potential(lent: Sequence[Variable], potentiostat: Potentiostat) -> Sampler:
    """The potential with the cell open."""
    (measured,), leads = lent, potentiostat.leads
    _typed(lent, "ab")

    def sample(_: float, dt: float, status: int) -> None:
        measured.value = leads.cell.measure_potential(leads.rest(dt) if dt else leads.potential_now())
        measured.metadata = metadata(status, None)

    return sample


def pulses(lent: Sequence[Variable], potentiostat: Potentiostat, programme: PulseProgramme, rules: Rules) -> Sampler:
    """Level, net current, and both of its readings where the loop has variables for them."""
    applied, *currents = lent
    _typed(lent, "da", *["ba"] * len(currents))
    leads, ranging, meter = potentiostat.leads, potentiostat.ranging, _meter(potentiostat)

    def sample(level: float, _: float, status: int) -> None:
        readings = [ranging.read(reading, status) for reading in programme.at(level, leads, meter, rules)]
        larger = max(readings, key=lambda reading: abs(reading[0]))
        net = readings[0][0] - readings[1][0]
        applied.value = level
        for variable, (value, said) in zip(currents, [(net, larger[1]), *readings], strict=False):
            variable.value, variable.metadata = value, said

    return sample


def impedance(lent: Sequence[Variable], potentiostat: Potentiostat, spectrum: Spectrum, rules: Rules) -> Sampler:
    """Frequency, real and imaginary part."""
    frequency, real, imaginary = lent
    _typed(lent, "dc", "cc", "cd")
    leads, ranging, meter = potentiostat.leads, potentiostat.ranging, _meter(potentiostat)

    def sample(at: float, dt: float, status: int) -> None:
        leads.dwell(dt)
        measured, amplitude = spectrum.at(at, leads, meter, rules)
        frequency.value, real.value, imaginary.value = at, measured.real, measured.imag
        _, real.metadata = ranging.read(amplitude, status)
        imaginary.metadata = metadata(status, POTENTIAL_RANGE)

    return sample


def _typed(lent: Sequence[Variable], *kinds: str) -> None:
    for variable, kind in zip(lent, kinds, strict=True):
        variable.store(0.0, kind)


def _meter(potentiostat: Potentiostat) -> Callable[[float], float]:
    """Reads a current (A) with the cell's noise; too much of it ends the script."""
    measure, critical = potentiostat.leads.cell.measure_current, potentiostat.critical_current

    def meter(flowing: float) -> float:
        reading = measure(flowing)
        if abs(reading) > critical:
            raise Refused(CRITICAL_OVERLOAD)
        return reading

    return meter
