"""The instruments: what they are called, their ranges, and what their converters resolve.

The 2450's resolutions and noise are those of its data sheet (SPEC-2450 Rev. A, 2013, speed 1 PLC).
Ranges of the 2460 and 2461 are those of the 2461 reference manual (2461-901-01, p. 6-97); their
resolutions and noise were not read anywhere: they are scaled from the 2450's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: A range reaches this far beyond its full scale, for source and measurement (data sheet, "overrange").
OVERRANGE = 1.05


@dataclass(frozen=True)
class Range:
    """One range: full scale, steps of source and measurement, noise of a reading at 1 PLC (V or A)."""

    full_scale: float
    source_step: float
    measure_step: float
    noise: float

    def holds(self, value: float) -> bool:
        """True if the range reaches ``value`` (V or A)."""
        return abs(value) <= OVERRANGE * self.full_scale * (1.0 + 1e-9)


@dataclass(frozen=True)
class Model:
    """One instrument model. Ranges are ascending; currents in A, potentials in V.

    ``envelope`` has the largest potential that can be had together with currents up to a value.
    ``questionable`` is the bit of ``STATus`` that marks a doubtful reading; it differs by model.
    """

    name: str
    serial: str
    voltage_ranges: tuple[Range, ...]
    current_ranges: tuple[Range, ...]
    largest_voltage: float
    largest_current: float
    envelope: tuple[tuple[float, float], ...]
    smallest_current_limit: float
    smallest_voltage_limit: float
    default_current_limit: float
    default_voltage_limit: float
    questionable: int


def range_for(ranges: tuple[Range, ...], value: float) -> Range | None:
    """The smallest range that holds ``value``; None if there is none.

    >>> range_for(MODELS["2450"].voltage_ranges, 2.05).full_scale
    2.0
    """
    return next((r for r in ranges if r.holds(value)), None)


_2450_VOLTAGES = (
    Range(0.02, 500e-9, 10e-9, 1e-6),
    Range(0.2, 5e-6, 100e-9, 1e-6),
    Range(2.0, 50e-6, 1e-6, 10e-6),
    Range(20.0, 500e-6, 10e-6, 100e-6),
    Range(200.0, 5e-3, 100e-6, 1e-3),
)
_2450_CURRENTS = (
    Range(10e-9, 500e-15, 10e-15, 500e-15),
    Range(100e-9, 5e-12, 100e-15, 500e-15),
    Range(1e-6, 50e-12, 1e-12, 5e-12),
    Range(10e-6, 500e-12, 10e-12, 40e-12),
    Range(100e-6, 5e-9, 100e-12, 400e-12),
    Range(1e-3, 50e-9, 1e-9, 5e-9),
    Range(10e-3, 500e-9, 10e-9, 40e-9),
    Range(100e-3, 5e-6, 100e-9, 100e-9),
    Range(1.0, 50e-6, 1e-6, 3e-6),
)
_2460_VOLTAGES = (
    *_2450_VOLTAGES[1:3],
    Range(7.0, 500e-6, 10e-6, 50e-6),
    Range(10.0, 500e-6, 10e-6, 100e-6),
    *_2450_VOLTAGES[3:4],
    Range(100.0, 5e-3, 100e-6, 1e-3),
)
_2460_CURRENTS = (
    *_2450_CURRENTS[2:],
    Range(4.0, 500e-6, 10e-6, 30e-6),
    Range(5.0, 500e-6, 10e-6, 30e-6),
    Range(7.0, 500e-6, 10e-6, 30e-6),
)


def _2460(name: str) -> Model:
    return Model(
        name=name,
        serial="04000002",
        voltage_ranges=_2460_VOLTAGES,
        current_ranges=_2460_CURRENTS,
        largest_voltage=105.0,
        largest_current=7.35,
        envelope=((1.05, 105.0), (4.2, 21.0), (5.25, 10.5), (7.35, 7.35)),
        smallest_current_limit=1e-6,
        smallest_voltage_limit=0.2,
        default_current_limit=105e-6,
        default_voltage_limit=7.35,
        questionable=1,
    )


MODELS: Mapping[str, Model] = {
    "2450": Model(
        name="2450",
        serial="04000001",
        voltage_ranges=_2450_VOLTAGES,
        current_ranges=_2450_CURRENTS,
        largest_voltage=210.0,
        largest_current=1.05,
        envelope=((0.105, 210.0), (1.05, 21.0)),
        smallest_current_limit=1e-9,
        smallest_voltage_limit=0.02,
        default_current_limit=105e-6,
        default_voltage_limit=21.0,
        questionable=2,
    ),
    "2460": _2460("2460"),
    "2461": _2460("2461"),
}
