"""Potential steps and holds: Cottrell, Anson, the charging of the double layer, and its limits."""

import math

import numpy as np
import pytest

from luggin_sim.cells import RedoxCell, RedoxSpec
from luggin_sim.cells.redox_spec import FARADAY

# F A c sqrt(D/pi) of `one_couple` (A s^1/2): area 0.1 cm2, 1e-6 mol/cm3, 1e-5 cm2/s
COTTRELL = FARADAY * 0.1 * 1e-6 * math.sqrt(1e-5 / math.pi)


def blank(**cell):
    return RedoxCell(RedoxSpec((), **({"area": 0.1, "leak": 1e15} | cell)))


def test_current_behind_a_step_falls_as_cottrell_says(one_couple):
    cell = one_couple()
    cell.step_to(-0.5)
    for k in range(1, 200):
        current = cell.apply(-0.5, 0.04)
        assert current == pytest.approx(-COTTRELL / math.sqrt(0.04 * k), rel=2e-3), k


def test_cottrell_at_steps_from_microseconds_to_hours(one_couple):
    cell, elapsed = one_couple(k0=1e4), 0.0
    cell.step_to(-0.5)
    for dt in (1e-4, 3e-3, 1e-3, 0.5, 1e-2, 20.0, 3.0, 3600.0, 1.0):
        current, elapsed = cell.apply(-0.5, dt), elapsed + dt
        assert current == pytest.approx(-COTTRELL / math.sqrt(elapsed), rel=4e-3), elapsed


def test_slow_kinetics_limit_the_first_instants(one_couple):
    """i = F A k c exp(h^2 t) erfc(h sqrt(t)), h = (kf + kb)/sqrt(D) (Bard and Faulkner, section 5.5)."""
    cell, elapsed = one_couple(k0=1e-3), 0.0
    cell.step_to(0.0)  # at E1/2 both rate constants are k0
    for dt in (1e-3, 1e-3, 0.05, 0.5, 2.0):
        current, elapsed = cell.apply(0.0, dt), elapsed + dt
        x = 2e-3 / math.sqrt(1e-5) * math.sqrt(elapsed)
        exact = -FARADAY * 0.1 * 1e-3 * 1e-6 * math.exp(x * x) * math.erfc(x)
        assert current == pytest.approx(exact, rel=3e-3), elapsed


def test_charge_of_a_step_is_that_of_anson(one_couple):
    cell = one_couple()
    cell.step_to(-0.5)
    for _ in range(100):
        cell.apply(-0.5, 0.1)
    assert cell.charge == pytest.approx(-2 * COTTRELL * math.sqrt(10.0), rel=2e-3)


def test_charge_is_the_integral_of_the_currents(one_couple, sweep):
    cell = one_couple(k0=0.02, double_layer_capacitance=2e-6, solution_resistance=200.0)
    cell.apply(0.3, 1.0)
    before = cell.charge
    wave = sweep(cell, 0.3, -0.5, step=0.5e-3)
    dt = 0.5e-3 / 0.1
    trapezoid = dt * (np.sum(wave.current) - 0.5 * wave.current[-1])
    assert cell.charge - before == pytest.approx(trapezoid, rel=1e-3)


def test_what_was_reduced_comes_back_at_most(one_couple):
    cell = one_couple()
    cell.step_to(-0.5)
    cell.apply(-0.5, 10.0)
    there = cell.charge
    cell.step_to(0.5)
    back = [cell.apply(0.5, 10.0) for _ in range(5)]
    # double potential step (Anson): Q(t)/Q(tau) = sqrt(t/tau) - sqrt(t/tau - 1)
    assert cell.charge / there == pytest.approx(math.sqrt(6) - math.sqrt(5), rel=5e-3)
    assert min(back) > 0.0


def test_a_long_hold_behind_a_sweep_needs_no_short_steps(one_couple, sweep):
    coarse, fine = one_couple(), one_couple()
    for cell in (coarse, fine):
        cell.step_to(0.3)
        for potential in np.linspace(0.3, -0.1, 401)[1:].tolist():
            cell.apply(potential, 0.01)
    at_once = coarse.apply(-0.1, 600.0)
    for _ in range(60_000 // 100):
        slowly = fine.apply(-0.1, 1.0)
    assert at_once == pytest.approx(slowly, rel=2e-3)


@pytest.mark.parametrize(("capacitance", "resistance"), [(2e-6, 200.0), (20e-6, 1e4)])
def test_double_layer_charges_through_the_resistance(capacitance, resistance):
    cell, elapsed = blank(double_layer_capacitance=capacitance, solution_resistance=resistance), 0.0
    time_constant = capacitance * resistance
    cell.step_to(0.5)
    for part in (0.03, 0.2, 0.5, 1.0, 3.0):
        current, elapsed = cell.apply(0.5, part * time_constant), elapsed + part * time_constant
        assert current == pytest.approx(0.5 / resistance * math.exp(-elapsed / time_constant), rel=1e-6)
    cell.apply(0.5, 100 * time_constant)
    assert cell.charge == pytest.approx(0.5 * capacitance, rel=1e-6)


def test_double_layer_lags_behind_a_ramp():
    cell = blank(double_layer_capacitance=2e-6, solution_resistance=1e4)
    cell.apply(0.0, 1.0)
    currents = [cell.apply(0.1 * 0.01 * k, 0.01) for k in range(1, 31)]
    at = 0.01 * np.arange(1, 31)
    assert currents == pytest.approx((2e-6 * 0.1 * (1 - np.exp(-at / 0.02))).tolist(), rel=1e-6)


def test_without_resistance_a_step_charges_at_once():
    cell = blank(double_layer_capacitance=2e-6)
    cell.step_to(0.5)
    assert cell.charge == pytest.approx(1e-6, rel=1e-6)
    assert cell.apply(0.5, 1e-3) == pytest.approx(0.0, abs=1e-14)
    assert cell.apply(0.6, 1e-3) == pytest.approx(2e-6 * 100.0, rel=1e-6)


def test_without_capacitance_a_resistance_limits_the_step(one_couple):
    cell = one_couple(solution_resistance=1e4)
    ohmic = (-0.5 - cell.potential) / 1e4
    cell.step_to(-0.5)
    # the first reduced molecules hold the interface some 0.15 V above E1/2 for a moment
    assert cell.apply(-0.5, 1e-6) == pytest.approx((-0.5 - 0.15) / 1e4, rel=0.05)
    assert cell.apply(-0.5, 1e-3) > 0.99 * ohmic
    late = [cell.apply(-0.5, 1.0) for _ in range(30)][-1]
    assert late == pytest.approx(-COTTRELL / math.sqrt(30.0), rel=0.02)


def test_blank_shows_its_leak():
    cell = blank(leak=5e7, leak_potential=0.1)
    assert cell.apply(0.6, 1.0) == pytest.approx(0.5 / 5e7, rel=1e-9)


@pytest.mark.parametrize("dt", [0.0, -1.0, 1e-7, math.inf, math.nan])
def test_impossible_steps_are_refused(one_couple, dt):
    cell = one_couple()
    for advance in (lambda: cell.apply(0.1, dt), lambda: cell.rest(dt)):
        with pytest.raises(ValueError, match="time step"):
            advance()
