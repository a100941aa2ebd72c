"""The cell against an independent solver: the same problem on a grid in space and time.

The solver shares nothing with the package but the constants: concentrations stand on an expanding
grid, diffusion and charging are implicit Euler steps, and the surface is solved by a matrix.
"""

import math
from itertools import pairwise

import numpy as np
import pytest

from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec
from luggin_sim.cells.redox_spec import FARADAY, GAS_CONSTANT

CLUSTER = RedoxSpec(
    chains=(
        Chain(
            couples=(Couple(0.39, 0.02, 0.45), Couple(-0.90, 0.005, 0.55)),
            concentration=5e-7,
            diffusion_coefficients=(6e-6, 5e-6, 4e-6),
            start_state=1,
        ),
    ),
    area=0.0707,
    double_layer_capacitance=2e-6,
    solution_resistance=500.0,
    leak=1e9,
)


class Grid:
    """Implicit finite differences for one chain; steps of one length ``dt`` (s)."""

    def __init__(self, spec, dt, duration, potential):
        (chain,) = spec.chains
        self.spec, self.dt, self.potential = spec, dt, potential
        self.diffusion = np.array(chain.diffusion_coefficients)
        self.k0 = np.array([c.rate_constant for c in chain.couples])
        self.alpha = np.array([c.transfer_coefficient for c in chain.couples])
        self.f = np.array([c.electrons for c in chain.couples]) * FARADAY / (GAS_CONSTANT * spec.temperature)
        self.charge = spec.area * FARADAY * np.array([c.electrons for c in chain.couples])
        half_wave = np.array([c.half_wave_potential for c in chain.couples])
        self.formal = half_wave - np.log(self.diffusion[1:] / self.diffusion[:-1]) / (2 * self.f)

        first = 0.05 * math.sqrt(self.diffusion.min() * dt)
        reach = 6 * math.sqrt(self.diffusion.max() * duration)
        count = math.ceil(math.log(1 + reach / first * 0.06) / math.log(1.06)) + 1
        widths = first * 1.06 ** np.arange(count)
        volumes = 0.5 * (np.append(widths, 0) + np.insert(widths, 0, 0))
        self.concentration = np.repeat(np.array(chain.bulk)[:, None], count + 1, axis=1)
        self.forward = []
        for diffusion in self.diffusion:
            exchange = diffusion * dt / widths
            matrix = np.diag(1 + (np.append(exchange, 0) + np.insert(exchange, 0, 0)) / volumes)
            matrix -= np.diag(exchange / volumes[:-1], 1) + np.diag(exchange / volumes[1:], -1)
            self.forward.append(np.linalg.inv(matrix))
        self.forward = np.array(self.forward)
        self.from_flux = self.forward[:, :, 0] * dt / volumes[0]
        # influx of form k is rate[k] - rate[k-1], rates counted as oxidations
        forms = len(self.diffusion)
        self.influx = np.eye(forms)[:, : forms - 1] - np.eye(forms, k=-1)[:, : forms - 1]

    def _rates(self, potential, surface):
        x = self.f * (potential - self.formal)
        oxidation = np.diag(self.k0 * np.exp((1 - self.alpha) * x))
        reduction = np.diag(self.k0 * np.exp(-self.alpha * x))
        pick = oxidation @ np.eye(len(x), len(x) + 1, 1) - reduction @ np.eye(len(x), len(x) + 1)
        reached = pick @ (self.from_flux[:, 0][:, None] * self.influx)
        return np.linalg.solve(np.eye(len(x)) - reached, pick @ surface)

    def _current(self, potential, surface):
        charging = self.spec.double_layer_capacitance * (potential - self.potential) / self.dt
        leak = (potential - self.spec.leak_potential) / self.spec.leak
        return float(self.charge @ self._rates(potential, surface)) + charging + leak

    def step(self, applied):
        """One step to an applied potential (None: open circuit); the current."""
        relaxed = np.einsum("kij,kj->ki", self.forward, self.concentration)
        surface = relaxed[:, 0]

        def balance(e):
            i = self._current(e, surface)
            return i if applied is None else e + i * self.spec.solution_resistance - applied

        low, high = self.potential, self.potential + 1e-4
        for _ in range(50):  # secant
            at_low, at_high = balance(low), balance(high)
            if at_high == at_low:
                break
            low, high = high, high - at_high * (high - low) / (at_high - at_low)
            if abs(high - low) < 1e-9:
                break
        current = self._current(high, surface)
        flux = self.influx @ self._rates(high, surface)
        self.concentration = relaxed + self.from_flux * flux[:, None]
        self.potential = high
        return current


def test_cluster_voltammogram_agrees_within_three_permille():
    rate, step = 0.1, 1e-3
    corners = np.array([-0.25, 0.80, -1.30, -0.25])
    legs = [np.linspace(a, b, round(abs(b - a) / step) + 1)[1:] for a, b in pairwise(corners)]
    programme = np.concatenate(legs).tolist()
    cell = RedoxCell(CLUSTER)
    cell.step_to(-0.25)
    # two steps of the grid for one of the cell
    grid = Grid(CLUSTER, step / rate / 2, duration=50.0, potential=cell.rest(10.0))
    cell.step_to(-0.25)
    got, expected, before = [], [], -0.25
    for potential in programme:
        got.append(cell.apply(potential, step / rate))
        grid.step(0.5 * (before + potential))
        expected.append(grid.step(potential))
        before = potential
    got, expected = np.array(got), np.array(expected)
    # behind the first jump the grid's implicit steps smear the charging spike: compare after 10 points
    difference = np.abs(got - expected)[10:]
    assert np.max(difference) < 3e-3 * np.ptp(expected)
    assert np.ptp(expected) > 1.5e-5


def test_step_and_open_circuit_agree_in_time():
    # a hold on the oxidation wave, then rest: both forms at the surface set the potential
    dt, finer, count = 1e-3, 10, 150
    cell = RedoxCell(CLUSTER)
    grid = Grid(CLUSTER, dt / finer, duration=0.4, potential=cell.rest(1.0))
    cell.step_to(0.42)
    closed, closed_grid = [], []
    for _ in range(count):
        closed.append(cell.apply(0.42, dt))
        closed_grid.append([grid.step(0.42) for _ in range(finer)][-1])
    opened, opened_grid = [], []
    for _ in range(count):
        opened.append(cell.rest(dt))
        for _ in range(finer):
            grid.step(None)
        opened_grid.append(grid.potential)
    # the grid's own error falls with its steps: 0.7 % at dt/4, 0.2 % at dt/16 after 20 ms
    assert np.array(closed[10:]) == pytest.approx(np.array(closed_grid[10:]), rel=6e-3)
    assert np.array(closed[50:]) == pytest.approx(np.array(closed_grid[50:]), rel=2e-3)
    assert np.array(opened) == pytest.approx(np.array(opened_grid), abs=0.1e-3)
    assert opened[0] - opened[-1] > 5e-3
