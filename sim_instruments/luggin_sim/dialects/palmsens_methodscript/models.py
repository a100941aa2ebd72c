"""The instruments: who they say they are, which potentials and currents they have.

Ranges are the tables of metadata indices of the makers' examples; potential limits are those of the
MethodSCRIPT manual, appendix B, as cited by third parties. Nothing here was compared with hardware.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """One PGStat mode: lowest and highest potential (V), largest window (V), its current ranges."""

    low: float
    high: float
    window: float
    ranges: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Model:
    """One instrument model. ``ranges`` of a mode are (metadata index, full scale in A), ascending."""

    firmware: str
    serial: str
    script_version: str
    modes: Mapping[int, Mode]

    @property
    def largest_current(self) -> float:
        """Full scale (A) of the highest range."""
        return max(full_scale for mode in self.modes.values() for _, full_scale in mode.ranges)


_PICO_LOW_SPEED = (
    (0, 100e-9),
    (1, 2e-6),
    (2, 4e-6),
    (3, 8e-6),
    (4, 16e-6),
    (5, 32e-6),
    (6, 63e-6),
    (7, 125e-6),
    (8, 250e-6),
    (9, 500e-6),
    (10, 1e-3),
    (11, 5e-3),
)
_PICO_HIGH_SPEED = (
    (128, 100e-9),
    (129, 1e-6),
    (130, 6e-6),
    (131, 13e-6),
    (132, 25e-6),
    (133, 50e-6),
    (134, 100e-6),
    (135, 200e-6),
    (136, 1e-3),
    (137, 5e-3),
)
_EMSTAT4_COMMON = ((9, 100e-9), (12, 1e-6), (15, 10e-6), (18, 100e-6), (21, 1e-3), (24, 10e-3))
_EMSTAT4_LR = ((3, 1e-9), (6, 10e-9), *_EMSTAT4_COMMON)
_EMSTAT4_HR = (*_EMSTAT4_COMMON, (27, 100e-3))


def _emstat4_modes(potential: float, ranges: tuple[tuple[int, float], ...]) -> dict[int, Mode]:
    mode = Mode(-potential, potential, 2.0 * potential, ranges)
    return {2: mode, 3: mode, 4: mode}


MODELS: Mapping[str, Model] = {
    "emstat-pico": Model(
        firmware="espico1600#Sep 30 2025 12:00:00",
        serial="ESP0SIM00001",
        script_version="0108",
        modes={
            2: Mode(-1.25, 2.0, 2.2, _PICO_LOW_SPEED),
            3: Mode(-1.7, 2.0, 1.214, _PICO_HIGH_SPEED),
            4: Mode(-1.7, 2.0, 2.6, _PICO_LOW_SPEED),
        },
    ),
    "emstat4-lr": Model(
        firmware="es4_lr1400#Sep 30 2025 12:00:00",
        serial="ES4LSIM00001",
        script_version="0108",
        modes=_emstat4_modes(3.0, _EMSTAT4_LR),
    ),
    "emstat4-hr": Model(
        firmware="es4_hr1400#Sep 30 2025 12:00:00",
        serial="ES4HSIM00001",
        script_version="0108",
        modes=_emstat4_modes(6.0, _EMSTAT4_HR),
    ),
}
