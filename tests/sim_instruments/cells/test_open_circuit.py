"""The open circuit: rest potentials, their drift, and what opening and closing do."""

import math
from itertools import pairwise

import pytest

from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec
from luggin_sim.cells.redox_spec import FARADAY, GAS_CONSTANT

THERMAL = GAS_CONSTANT * 298.15 / FARADAY


@pytest.mark.parametrize(("oxidised", "n"), [(0.5, 1), (0.9, 1), (0.01, 1), (0.9, 2)])
def test_both_forms_rest_at_the_nernst_potential(one_couple, oxidised, n):
    cell = one_couple(half_wave=-0.2, k0=0.02, n=n, start=(oxidised, 1 - oxidised), double_layer_capacitance=2e-6)
    nernst = -0.2 + THERMAL / n * math.log(oxidised / (1 - oxidised))
    assert cell.potential == pytest.approx(nernst, abs=1e-5)
    for dt in (1e-3, 1.0, 600.0, 36_000.0):
        assert cell.rest(dt) == pytest.approx(nernst, abs=1e-5)


def test_nernst_potential_is_that_of_the_formal_potential(one_couple):
    cell = one_couple(k0=0.02, start=(0.5, 0.5), diffusion=(1e-5, 4e-5))
    assert cell.rest(10.0) == pytest.approx(-THERMAL * math.log(2.0), abs=1e-5)


def test_hot_cell_has_a_steeper_nernst_potential(one_couple):
    cell = one_couple(k0=0.02, start=(0.9, 0.1), temperature=348.15)
    assert cell.rest(1.0) == pytest.approx(GAS_CONSTANT * 348.15 / FARADAY * math.log(9.0), abs=1e-5)


def test_a_single_form_rests_where_the_leak_lets_it():
    chain = Chain((Couple(0.39, 0.02), Couple(-0.9, 0.02)), 5e-7, (1e-5,) * 3, start_state=1)
    cell = RedoxCell(RedoxSpec((chain,), area=0.07, double_layer_capacitance=2e-6, leak=5e7, leak_potential=-0.1))
    assert cell.rest(1.0) == pytest.approx(-0.1, abs=1e-3)
    assert cell.rest(86_400.0) == pytest.approx(-0.1, abs=1e-3)


@pytest.mark.parametrize(("start", "side"), [(0, 1), (1, -1)])
def test_a_single_form_drifts_slowly_and_stays_finite(one_couple, start, side):
    # the leak pulls the double layer across the couple, which holds the potential by converting a trace
    cell = one_couple(start=start, k0=0.02, double_layer_capacitance=2e-6, leak=5e7, leak_potential=-side * 1.0)
    rests = [cell.rest(dt) for dt in (1.0, 10.0, 100.0, 1000.0, 10_000.0)]
    assert all(0.0 < side * e < 0.4 for e in rests)
    assert all(side * (a - b) > 0 for a, b in pairwise(rests))


def test_blank_discharges_through_its_leak():
    cell = RedoxCell(RedoxSpec((), area=0.1, double_layer_capacitance=2e-6, solution_resistance=100.0, leak=5e7))
    cell.apply(0.5, 1.0)
    elapsed = 0.0
    for dt in (1e-3, 1.0, 30.0, 100.0, 200.0):
        elapsed += dt
        assert cell.rest(dt) == pytest.approx(0.5 * math.exp(-elapsed / 100.0), rel=1e-5)
        assert cell.potential == pytest.approx(0.5 * math.exp(-elapsed / 100.0), rel=1e-5)


def test_rest_in_one_go_equals_rest_in_many(one_couple):
    def after_oxidation():
        cell = one_couple(start=1, k0=0.02, double_layer_capacitance=5e-6, solution_resistance=100.0)
        cell.step_to(0.3)
        cell.apply(0.3, 5.0)
        return cell

    once, often = after_oxidation(), after_oxidation()
    at_once = once.rest(1800.0)
    for _ in range(1800):
        in_pieces = often.rest(1.0)
    assert at_once == pytest.approx(in_pieces, abs=0.2e-3)
    # what was made diffuses away: the surface returns towards the bulk as t^-1/2
    assert often.rest(86_400.0) < in_pieces < 0.0


def test_opening_keeps_the_double_layer_and_loses_the_ohmic_drop(one_couple):
    cell = one_couple(start=1, k0=0.02, double_layer_capacitance=20e-6, solution_resistance=5000.0)
    current = [cell.apply(0.3, 0.05) for _ in range(4)][-1]
    assert cell.potential == 0.3
    assert not cell.is_open
    opened = cell.rest(1e-6)
    assert cell.is_open
    assert opened == pytest.approx(0.3 - 5000.0 * current, abs=1e-4)


def test_no_charge_passes_while_open(one_couple):
    cell = one_couple(start=(0.5, 0.5), double_layer_capacitance=2e-6)
    cell.apply(0.05, 1.0)
    before = cell.charge
    cell.rest(100.0)
    assert cell.charge == before


def test_closing_at_the_rest_potential_passes_nothing(one_couple):
    cell = one_couple(start=(0.3, 0.7), k0=0.02, double_layer_capacitance=2e-6, solution_resistance=100.0)
    rest = cell.rest(60.0)
    assert abs(cell.apply(rest, 0.1)) < 1e-13


def test_open_double_layer_and_couple_exchange_charge(one_couple):
    """A charged double layer empties into a couple that it is large against: C dE = -Q of the couple."""
    capacitance = 1e-3
    cell = one_couple(start=1, k0=0.02, double_layer_capacitance=capacitance)
    cell.step_to(0.2)
    cell.apply(0.2, 1e-4)
    start, charge = cell.potential, cell.charge
    elapsed = 1e-4
    for _ in range(20):
        end = cell.rest(0.05)
        elapsed += 0.05
    # the wave's limiting (Anson) charge; the double layer falls too little to leave the plateau
    taken = 2 * FARADAY * 0.1 * 1e-6 * math.sqrt(1e-5 * elapsed / math.pi)
    assert charge > 0.0
    assert capacitance * (start - end) == pytest.approx(taken, rel=0.03)
