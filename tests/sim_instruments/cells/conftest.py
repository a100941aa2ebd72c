"""Voltammetry by hand: programmes of a triangle and the reading of peaks."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec
from luggin_sim.cells.redox_spec import FARADAY, GAS_CONSTANT

THERMAL = GAS_CONSTANT * 298.15 / FARADAY  # V


@dataclass(frozen=True)
class Voltammogram:
    """Potentials and currents of one cycle; the first ``turn`` points are the forward sweep."""

    potential: np.ndarray
    current: np.ndarray
    turn: int

    def _vertex(self, index):
        """Vertex of the parabola through three points."""
        near = slice(index - 1, index + 2)
        centre = self.potential[index]
        a, b, c = np.polyfit(self.potential[near] - centre, self.current[near], 2)
        return centre - b / (2 * a), c - b * b / (4 * a)

    @property
    def cathodic(self):
        """Potential and current of the cathodic peak."""
        return self._vertex(int(np.argmin(self.current)))

    @property
    def anodic(self):
        """Potential and current of the anodic peak."""
        return self._vertex(int(np.argmax(self.current)))

    @property
    def separation(self):
        return self.anodic[0] - self.cathodic[0]

    @property
    def midpoint(self):
        return 0.5 * (self.anodic[0] + self.cathodic[0])

    @property
    def half_peak(self):
        """Potential at half the cathodic peak current, on the forward sweep."""
        until = int(np.argmin(self.current)) + 1
        return np.interp(-self.cathodic[1] / 2, -self.current[:until], self.potential[:until])


@pytest.fixture
def sweep():
    """``sweep(cell, begin, vertex, rate, step)``: one triangle from ``begin`` and back."""

    def run(cell, begin, vertex, rate=0.1, step=1e-3):
        count = round(abs(vertex - begin) / step)
        forward = np.linspace(begin, vertex, count + 1)[1:]
        potential = np.concatenate([forward, np.linspace(vertex, begin, count + 1)[1:]])
        cell.step_to(begin)
        current = np.array([cell.apply(e, step / rate) for e in potential.tolist()])
        return Voltammogram(potential, current, count)

    return run


@pytest.fixture
def one_couple():
    """``one_couple(**changes)``: a cell with one reversible couple at 0 V and nothing else."""

    def build(half_wave=0.0, k0=1e3, alpha=0.5, n=1, diffusion=(1e-5, 1e-5), start=0, concentration=1e-6, **cell):
        chain = Chain((Couple(half_wave, k0, alpha, n),), concentration, diffusion, start)
        return RedoxCell(RedoxSpec((chain,), **({"area": 0.1, "leak": 1e15} | cell)))

    return build


@pytest.fixture
def peak_unit():
    """``peak_unit(rate, n)``: n F A c sqrt(D n v F/RT) of `one_couple`, the unit of sqrt(pi) chi."""

    def unit(rate=0.1, n=1, area=0.1, concentration=1e-6, diffusion=1e-5):
        return n * FARADAY * area * concentration * math.sqrt(diffusion * n * rate / THERMAL)

    return unit
