"""Impedance of a cell for amplitudes so small that everything is linear.

A redox cell is ``Ru + 1 / (jwC + G_leak + Y_faradaic)``. The faradaic admittance is that of Butler-Volmer
kinetics and semi-infinite diffusion about the state in which the cell is: a flux of the frequency ``w``
changes a surface concentration by ``flux / sqrt(jwD)``, which is what semi-integration becomes for
sinusoids (M. Sluyters-Rehbach, Pure Appl. Chem. 66 (1994) 1831; for one couple it is the circuit of
Randles). Impedances are complex numbers (ohm), negative imaginary parts for capacitors.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from luggin_sim.cells.kinetics import ChainKinetics


@runtime_checkable
class SmallSignal(Protocol):
    """A cell that can be asked for its impedance."""

    def impedance(self, frequency: float) -> complex:
        """The impedance (ohm) between the leads at a frequency (Hz), in the state in which the cell is now."""


def rate_slopes(
    chain: ChainKinetics, potential: float, concentrations: Sequence[float], frequency: float
) -> list[complex]:
    """Change of the couples' rates with potential (mol/(cm2 s V)) at a frequency (Hz).

    The state is that of the interface's potential (V) and the surface concentrations (mol/cm3) of all
    forms. Linearised, ``rate[j] = kox c[j+1] - kred c[j]`` is a tridiagonal system.
    """
    root = cmath.sqrt(2j * math.pi * frequency)
    response = [inverse / root for inverse in chain.inverse_root_diffusion]
    constants = chain.rate_constants(potential)
    count = len(constants)
    system = np.zeros((count, count), dtype=complex)
    driven = np.zeros(count, dtype=complex)
    for j, (kred, kox, inverse_thermal, alpha) in enumerate(constants):
        scale = 1.0 + kred + kox  # constants far from equilibrium are huge
        system[j, j] = (1.0 + kox * response[j + 1] + kred * response[j]) / scale
        if j + 1 < count:
            system[j, j + 1] = -kox * response[j + 1] / scale
        if j > 0:
            system[j, j - 1] = -kred * response[j] / scale
        backwards = (1.0 - alpha) * kox * concentrations[j + 1] + alpha * kred * concentrations[j]
        driven[j] = inverse_thermal * backwards / scale
    slopes: list[complex] = np.linalg.solve(system, driven).tolist()
    return slopes


def in_series(resistance: float, admittance: complex) -> complex:
    """``resistance`` (ohm) before something of this admittance (S)."""
    return complex(math.inf) if admittance == 0 else resistance + 1.0 / admittance
