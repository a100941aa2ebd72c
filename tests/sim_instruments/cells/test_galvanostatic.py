"""Cells that are given a current: charging, Sand's transition, and limits that take over."""

import math

import pytest

from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec, ResistorCell, ResistorSpec
from luggin_sim.cells.redox_spec import FARADAY, GAS_CONSTANT

THERMAL = GAS_CONSTANT * 298.15 / FARADAY


def resistor(**values):
    return ResistorCell(ResistorSpec(**{"resistance": 1e3, **values}))


def blank(**values):
    return RedoxCell(RedoxSpec((), **({"area": 0.1, "leak": 1e12} | values)))


# --- a dummy cell --------------------------------------------------------------------------------


def test_ohm_the_other_way_round():
    cell = resistor(resistance=900.0, series_resistance=100.0)
    assert cell.apply_current(2e-3, 0.1) == pytest.approx(2.0, rel=1e-12)
    assert (cell.potential, cell.current, cell.is_open) == (pytest.approx(2.0), 2e-3, False)
    assert cell.apply_current(-1e-3, 1e-6) == pytest.approx(-1.0, rel=1e-12)


def test_a_capacitor_rises_by_i_over_c_behind_the_drop_over_the_resistance():
    cell = resistor(resistance=1e15, series_resistance=50.0, capacitance=1e-3)
    for elapsed in (1.0, 2.0, 3.0):
        assert cell.apply_current(1e-3, 1.0) == pytest.approx(0.05 + elapsed * 1.0, rel=1e-9)


def test_a_capacitor_with_a_resistor_beside_it_settles_at_ir():
    cell = resistor(resistance=1e3, capacitance=1e-3)
    elapsed = 0.0
    for dt in (0.1, 0.4, 2.0):
        elapsed += dt
        assert cell.apply_current(1e-3, dt) == pytest.approx(1.0 - math.exp(-elapsed), rel=1e-12)


@pytest.mark.parametrize("series", [0.0, 100.0])
def test_a_resistor_takes_the_current_limit_and_keeps_the_potential_that_it_leaves(series):
    cell = resistor(resistance=1e3 - series, series_resistance=series)
    cell.step_to(2.0, limit=1e-3)
    assert cell.apply(2.0, 0.1, limit=1e-3) == 1e-3
    assert cell.potential == pytest.approx(1.0, rel=1e-12)
    assert cell.apply(-3.0, 0.1, limit=1e-3) == -1e-3
    assert cell.potential == pytest.approx(-1.0, rel=1e-12)


def test_a_ramp_is_limited_from_the_moment_on_at_which_it_asks_for_too_much():
    limited, hand = (resistor(resistance=1e4, series_resistance=100.0, capacitance=1e-4) for _ in range(2))
    for cell in (limited, hand):
        cell.apply(0.0, 1.0)
    # C dE/dt = 0.1 mA soon after the start; what leaks through 10 kohm brings it to 0.11 mA
    assert limited.apply(1.0, 1.0, limit=0.11e-3) == pytest.approx(0.11e-3, rel=1e-12)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        trial = resistor(resistance=1e4, series_resistance=100.0, capacitance=1e-4)
        trial.apply(0.0, 1.0)
        low, high = (low, middle) if trial.apply(middle, max(middle, 1e-6)) > 0.11e-3 else (middle, high)
    hand.apply(high, high)
    assert limited.potential == pytest.approx(hand.apply_current(0.11e-3, 1.0 - high), rel=1e-6)


def test_a_capacitor_that_is_charged_with_a_limit_arrives_when_q_is_there():
    cell = resistor(resistance=1e15, capacitance=1e-3)  # no resistance before it: a jump would take all current
    cell.step_to(1.0, limit=1e-3)
    assert cell.apply(1.0, 0.4, limit=1e-3) == 1e-3
    assert cell.potential == pytest.approx(0.4)
    assert cell.apply(1.0, 0.5, limit=1e-3) == 1e-3
    assert cell.apply(1.0, 0.5, limit=1e-3) == pytest.approx(0.0, abs=1e-12)
    assert cell.potential == pytest.approx(1.0)


def test_a_voltage_limit_holds_the_capacitor_until_the_current_turns():
    cell = resistor(resistance=1e15, series_resistance=100.0, capacitance=1e-3)
    assert cell.apply_current(1e-3, 2.0, limit=1.0) == 1.0
    # 0.9 s of constant current, then the rest of 0.1 V over 100 ohm decays with RC = 0.1 s
    assert cell.current == pytest.approx(1e-3 * math.exp(-1.1 / 0.1), rel=1e-6)
    assert cell.apply_current(-1e-3, 1e-6, limit=1.0) == pytest.approx(0.9, abs=1e-4)


def test_a_voltage_limit_below_what_the_capacitor_has_discharges_it():
    cell = resistor(resistance=1e15, series_resistance=100.0, capacitance=1e-3)
    cell.apply(2.0, 10.0)
    assert cell.apply_current(0.0, 1e-3, limit=1.0) == 1.0
    assert cell.current == pytest.approx(-1.0 / 100.0, rel=0.02)


# --- a voltammetric cell -------------------------------------------------------------------------


def test_a_double_layer_rises_by_i_over_c():
    cell = blank(double_layer_capacitance=10e-6, solution_resistance=200.0)
    before = cell.potential
    for elapsed in (0.1, 0.2, 0.3):
        assert cell.apply_current(1e-6, 0.1) - before == pytest.approx(200e-6 + 0.1 * elapsed, rel=1e-6)


@pytest.mark.parametrize("capacitance", [0.0, 5e-6])
def test_zero_current_is_the_open_circuit(one_couple, capacitance):
    def oxidised():
        cell = one_couple(start=1, k0=0.02, double_layer_capacitance=capacitance, solution_resistance=100.0)
        cell.step_to(0.3)
        cell.apply(0.3, 5.0)
        return cell

    rested, driven = oxidised(), oxidised()
    for dt in (1e-3, 0.1, 10.0, 1000.0):
        assert driven.apply_current(0.0, dt) == rested.rest(dt)
    assert (driven.is_open, rested.is_open) == (False, True)
    assert driven.charge == rested.charge


@pytest.mark.parametrize("dt", [0.01, 0.1])
def test_the_transition_time_is_sands(one_couple, dt):
    """``i sqrt(tau) = n F A c sqrt(pi D) / 2`` (Bard and Faulkner, 2nd ed., eq. 8.2.14)."""
    area, concentration, diffusion, current = 0.1, 1e-6, 1e-5, -20e-6
    tau = (FARADAY * area * concentration * math.sqrt(math.pi * diffusion) / 2.0 / abs(current)) ** 2
    cell = one_couple(k0=10.0)
    elapsed, before = 0.0, 0.0
    while before > -0.5:  # the couple is at 0 V; when it is used up the potential leaves
        before = cell.apply_current(current, dt, limit=2.0)
        elapsed += dt
    assert 1.0 < tau < 10.0
    assert elapsed == pytest.approx(tau, abs=0.01 * tau + dt)
    assert cell.apply_current(current, tau, limit=2.0) == -2.0
    assert abs(cell.current) < abs(current)


def test_before_the_transition_the_potential_is_the_nernstian_one(one_couple):
    """``E = E1/2 + RT/nF ln((sqrt(tau) - sqrt(t)) / sqrt(t))`` (Bard and Faulkner, eq. 8.3.1)."""
    current = -20e-6
    tau = (FARADAY * 0.1 * 1e-6 * math.sqrt(math.pi * 1e-5) / 2.0 / abs(current)) ** 2
    cell = one_couple(k0=1e3)
    for k in range(1, 8):
        part = math.sqrt(k / 10)
        expected = THERMAL * math.log((1.0 - part) / part)
        assert cell.apply_current(current, tau / 10) == pytest.approx(expected, abs=0.2e-3)


def test_the_charge_is_that_of_the_current(one_couple):
    cell = one_couple(start=1, k0=0.02, double_layer_capacitance=20e-6, solution_resistance=300.0)
    before = cell.charge
    for current, dt in ((5e-6, 0.7), (-3e-6, 1.1), (0.0, 5.0), (1e-6, 0.01)):
        cell.apply_current(current, dt)
    assert cell.charge - before == pytest.approx(5e-6 * 0.7 - 3e-6 * 1.1 + 1e-8, rel=1e-12)


def test_a_current_that_a_potential_took_brings_that_potential_back(one_couple):
    cell, other = (one_couple(start=(0.5, 0.5), k0=0.02, double_layer_capacitance=2e-6) for _ in range(2))
    cell.step_to(0.05)
    current = cell.apply(0.05, 1.0)
    assert cell.apply_current(current, 1e-5) == pytest.approx(0.05, abs=1e-5)
    # a steady current from the start needs less of it than a decaying one
    assert abs(other.apply_current(current, 1.0)) < 0.05


def test_a_limited_jump_is_galvanostatic_until_the_current_falls(one_couple):
    limited, driven = (one_couple(start=1, k0=0.02, double_layer_capacitance=20e-6) for _ in range(2))
    limited.step_to(0.5, limit=1e-5)
    assert limited.apply(0.5, 0.2, limit=1e-5) == 1e-5
    assert limited.potential == pytest.approx(driven.apply_current(1e-5, 0.2), abs=2e-4)
    assert limited.potential < 0.5
    settled = limited.apply(0.5, 60.0, limit=1e-5)
    assert 0.0 < settled < 1e-5
    assert limited.potential == 0.5
    # the limiting current long after is Cottrell's, whatever the first seconds were
    cottrell = FARADAY * 0.1 * 1e-6 * math.sqrt(1e-5 / math.pi / 60.0)
    assert settled == pytest.approx(cottrell, rel=0.03)


def test_a_limited_wave_has_a_flat_top(one_couple):
    free, limited = (one_couple(start=1, double_layer_capacitance=1e-6, solution_resistance=100.0) for _ in range(2))
    for cell in (free, limited):
        cell.apply(-0.3, 1.0)
    levels = [-0.3 + 0.001 * k for k in range(700)]
    whole = [free.apply(e, 0.01) for e in levels]
    flat = [limited.apply(e, 0.01, limit=20e-6) for e in levels]
    assert max(whole) > 25e-6
    assert max(flat) == 20e-6
    before = next(k for k, current in enumerate(whole) if current > 20e-6)
    assert flat[:before] == whole[:before]
    assert limited.potential == levels[-1]


@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_a_current_that_nothing_can_carry_ends_at_the_potential_limit(one_couple, limit):
    cell = one_couple(double_layer_capacitance=0.0)
    assert cell.apply_current(1e-3, 10.0, limit=limit) == limit
    assert cell.current < 1e-3
    assert cell.apply_current(-1e-3, 10.0, limit=limit) == -limit


def test_without_a_limit_the_leak_carries_what_the_couple_cannot():
    chain = Chain((Couple(0.0),), 1e-6, (1e-5, 1e-5))
    cell = RedoxCell(RedoxSpec((chain,), area=0.1, leak=1e6))
    assert cell.apply_current(-1e-4, 1e4) == pytest.approx(-100.0, rel=0.02)


def test_going_back_from_a_current_to_a_potential_begins_where_the_cell_is(one_couple):
    cell = one_couple(start=1, k0=0.02, double_layer_capacitance=10e-6, solution_resistance=100.0)
    reached = cell.apply_current(5e-6, 1.0)
    current = cell.apply(reached, 1e-6)
    assert current == pytest.approx(5e-6, rel=0.01)
    assert cell.potential == reached


@pytest.mark.parametrize("make", [resistor, blank])
@pytest.mark.parametrize("dt", [0.0, -1.0, math.nan, math.inf])
def test_a_current_needs_time(make, dt):
    with pytest.raises(ValueError, match="time step"):
        make().apply_current(1e-6, dt)
