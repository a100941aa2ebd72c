"""Impedance spectra as all drivers speak of them: the columns of the stream ``eis``.

Technique ``eis`` (SI): ``potential`` (V against the reference) about which a sine of ``amplitude`` (V, from
its middle to its peak) swings, ``begin_frequency`` and ``end_frequency`` (Hz), ``points`` (whole number,
equally far apart on a logarithmic scale) and ``current_range``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin.records import Column

FREQUENCY = Column("frequency", "Hz", "f8", "frequency of the sine")
IMPEDANCE_REAL = Column("impedance_real", "ohm", "f8", "real part of the impedance, Z'")
#: The sign is that of Z = Z' + jZ'': a capacitor has a negative imaginary part.
IMPEDANCE_IMAGINARY = Column(
    "impedance_imaginary", "ohm", "f8", "imaginary part of the impedance, Z''; negative for a capacitor"
)


def swing(parameters: Mapping[str, Any]) -> tuple[float, float]:
    """The potentials (V) between which the sine of a spectrum swings.

    >>> swing({"potential": 0.5, "amplitude": 0.01})
    (0.51, 0.49)
    """
    return parameters["potential"] + parameters["amplitude"], parameters["potential"] - parameters["amplitude"]
