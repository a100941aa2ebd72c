"""A voltammetric cell for the tests, by another method than the analysis uses.

The analysis superposes semi-derivatives of reversible waves. Here the Butler-Volmer equation of
each couple is solved for the current at every point, implicitly, with the history of the current
in its semi-integral (Nicholson and Shain 1964), the double layer's charging current, and the
potential drop in the solution.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest

from luggin.results import AnalysisInput, Table
from luggin_plugins.cv.half_waves import half_waves
from luggin_sim import cells as simulated

FARADAY_OVER_RT = 96485.33212331001 / (8.31446261815324 * 298.15)
FARADAY = 96485.33212331001
DIFFUSION = 1e-5  # cm2/s
AREA = 0.0707  # cm2


@dataclass(frozen=True)
class Couple:
    """A couple: E1/2 (V), k0 (cm/s), transfer coefficient, electrons, and whether its product is lost."""

    e: float
    k0: float = 10.0
    alpha: float = 0.5
    n: int = 1


def program(begin, vertices, end, step=1e-3, cycles=1):
    """The potentials (V) of a cyclic program, point by point."""
    points = [begin]
    for target in [*(v for _ in range(cycles) for v in vertices), end]:
        count = round(abs(target - points[-1]) / step)
        points += np.linspace(points[-1], target, count + 1)[1:].tolist()
    return np.array(points)


@functools.lru_cache(maxsize=64)
def _currents(points, couples, rate, concentration, capacitance, resistance):
    potentials = np.array(points)
    count = potentials.size
    dt = float(np.median(np.abs(np.diff(potentials)))) / rate
    power = np.arange(count + 2.0) ** 1.5
    weights = np.concatenate(([1.0], power[2:] - 2 * power[1:-1] + power[:-2])) * 4 / 3 * math.sqrt(dt / math.pi)
    backwards = weights[::-1].copy()
    size = weights.size
    fluxes, currents = np.zeros((count, len(couples))), np.zeros(count)
    guess, across = 0.0, potentials[0]
    oxidised = [1.0 if potentials[0] > c.e else 0.0 for c in couples]
    scale = [c.n * FARADAY * AREA * concentration * math.sqrt(DIFFUSION) for c in couples]

    def solve(current, applied, history):
        inner = applied - current * resistance
        total, own = capacitance * (inner - across) / dt, []
        for k, c in enumerate(couples):
            x = max(-80.0, min(80.0, c.n * FARADAY_OVER_RT * (inner - c.e)))
            reduce = c.k0 / math.sqrt(DIFFUSION) * math.exp(-c.alpha * x)
            oxidise = c.k0 / math.sqrt(DIFFUSION) * math.exp((1 - c.alpha) * x)
            flux = reduce * (oxidised[k] - history[k]) - oxidise * (1 - oxidised[k] + history[k])
            own.append(flux / (1 + (reduce + oxidise) * weights[0]))
            total -= scale[k] * own[-1]
        return total, own

    for row in range(1, count):
        history = backwards[size - 1 - row : size - 1] @ fluxes[:row]
        for _ in range(30):
            total, own = solve(guess, potentials[row], history)
            miss = total - guess
            if resistance == 0 or abs(miss) < 1e-13:
                guess = total
                break
            slope = (solve(guess + 1e-9, potentials[row], history)[0] - 1e-9 - guess - miss) / 1e-9
            guess -= miss / slope
        fluxes[row], currents[row] = own, guess
        across = potentials[row] - guess * resistance
    return np.arange(count) * dt, potentials, currents


@dataclass(frozen=True)
class Measured:
    """A voltammogram that can be turned into a table and evaluated."""

    time: np.ndarray
    potential: np.ndarray
    current: np.ndarray

    def noisy(self, sigma, seed):
        """The same with white noise of ``sigma`` (A) on the current."""
        noise = sigma * np.random.default_rng(seed).standard_normal(self.current.size)
        return Measured(self.time, self.potential, self.current + noise)

    def rows(self, part):
        """Some of the rows."""
        return Measured(self.time[part], self.potential[part], self.current[part])

    def table(self, **more):
        """As a table; keywords ``sample``, ``parameters``, ``step`` ... go to the table, arrays are columns."""
        columns = {"time": self.time, "potential": self.potential, "current": self.current}
        columns |= {k: v for k, v in more.items() if isinstance(v, np.ndarray)}
        return Table("cv", columns, **{k: v for k, v in more.items() if not isinstance(v, np.ndarray)})

    def evaluate(self, sample=None, options=None, **more):
        """The outcome of ``cv.half-waves``."""
        return half_waves(AnalysisInput((self.table(**more),), sample or {}, options or {}))


@pytest.fixture(scope="session")
def measure():
    """``measure(potentials, couples, ...)`` runs a program on the cell of these tests."""

    def run(points, couples, rate=0.025, concentration=0.5e-6, capacitance=0.0, resistance=0.0):
        return Measured(
            *_currents(tuple(points.tolist()), tuple(couples), rate, concentration, capacitance, resistance)
        )

    return run


@pytest.fixture(scope="session")
def cyclic():
    """The program builder."""
    return program


@pytest.fixture(scope="session")
def couple():
    """The couple's class."""
    return Couple


@pytest.fixture(scope="session")
def one_couple(measure):
    """A reversible couple at 0 V, two cycles from +0.3 to -0.3 V, with a double layer."""
    return measure(program(0.3, (-0.3, 0.3), 0.3, cycles=2), [Couple(0.0)], capacitance=2e-6)


@pytest.fixture(scope="session")
def cluster(measure):
    """Two quasi-reversible couples as of an octahedral cluster, three cycles, with double layer and resistance."""
    points = program(0.0, (-1.7, 0.2), 0.0, cycles=3)
    couples = [Couple(-0.476, k0=0.02), Couple(-1.294, k0=0.02)]
    return measure(points, couples, concentration=1.6e-6, capacitance=2e-6, resistance=200.0)


def _in_cell(couples, points, rate, start, concentration, capacitance, resistance, chained):
    """A run of the simulated cell, which knows nothing of the analysis; ramps from point to point."""
    couples = sorted(couples, key=lambda c: -c.e)
    forms = [simulated.Couple(c.e, c.k0, c.alpha, c.n) for c in couples]
    groups = [tuple(forms)] if chained else [(form,) for form in forms]
    chains = tuple(
        simulated.Chain(group, concentration, (DIFFUSION,) * (len(group) + 1), start if chained else 0)
        for group in groups
    )
    spec = simulated.RedoxSpec(chains, AREA, double_layer_capacitance=capacitance, solution_resistance=resistance)
    cell = simulated.RedoxCell(spec)
    cell.step_to(points[0])
    for _ in range(50):
        cell.apply(points[0], 0.2)
    step = abs(points[1] - points[0])
    current = [cell.apply(points[0], step / rate)]
    current += [cell.apply(float(e), abs(e - before) / rate) for before, e in itertools.pairwise(points)]
    return Measured(np.arange(points.size) * step / rate, points, np.array(current))


@pytest.fixture(scope="session")
def in_cell():
    """``in_cell(couples, points, ...)`` runs a program on a cell of the simulated bench."""

    def run(couples, points, rate=0.025, start=0, concentration=0.5e-6, capacitance=2e-6, resistance=0.0, chained=True):
        return _in_cell(couples, points, rate, start, concentration, capacitance, resistance, chained)

    return run


@pytest.fixture(scope="session")
def diffuse():
    """Explicit finite differences of one reversible couple at 0 V: a product that reacts on, a spherical electrode."""

    def run(points, rate=0.1, lost=0.0, radius=None, parts=4, concentration=1e-6):
        dt = abs(points[1] - points[0]) / rate / parts
        dx = math.sqrt(DIFFUSION * dt / 0.45)
        count = int(6 * math.sqrt(DIFFUSION * dt * parts * points.size) / dx) + 5
        shell = np.arange(count) * dx + (radius or 0.0)
        outer = (DIFFUSION * dt / dx**2) * (((shell + dx / 2) / shell) ** 2 if radius else np.ones(count))
        inner = (DIFFUSION * dt / dx**2) * (((shell - dx / 2) / shell) ** 2 if radius else np.ones(count))
        oxidised, reduced, current = np.ones(count), np.zeros(count), np.zeros(points.size)
        for row in range(1, points.size):
            for part in range(1, parts + 1):
                applied = points[row - 1] + (points[row] - points[row - 1]) * part / parts
                for form in (oxidised, reduced):
                    form[1:-1] += outer[1:-1] * np.diff(form)[1:] - inner[1:-1] * np.diff(form)[:-1]
                reduced[1:] *= math.exp(-lost * dt)
                near = [4 * form[1] - form[2] for form in (oxidised, reduced)]  # gradients over three points
                nernst = math.exp(FARADAY_OVER_RT * applied)
                reduced[0] = sum(near) / 3 / (1 + nernst)
                oxidised[0] = nernst * reduced[0]
            gradient = (near[0] - 3 * oxidised[0]) / (2 * dx)
            current[row] = -FARADAY * AREA * concentration * DIFFUSION * gradient
        return Measured(np.arange(points.size) * dt * parts, points, current)

    return run


@pytest.fixture
def values():
    """``values(outcome, name)`` maps labels to quantities of one name."""

    def pick(outcome, name="half_wave_potential"):
        return {q.label: q for q in outcome.quantities if q.name == name}

    return pick
