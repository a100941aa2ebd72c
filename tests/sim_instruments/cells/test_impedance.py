"""Impedances of simulated cells: formulas by hand, and the cell's own answer to a slow sine."""

import cmath
import math

import numpy as np
import pytest

from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec, ResistorCell, ResistorSpec
from luggin_sim.cells.faulty import FaultyCell
from luggin_sim.cells.redox_spec import FARADAY, GAS_CONSTANT
from luggin_sim.cells.wiring import WiredCell, WiringSpec

THERMAL = GAS_CONSTANT * 298.15 / FARADAY
AREA, CONCENTRATION, D, K0 = 0.1, 1e-6, 1e-5, 0.02


def half_oxidised(**more):
    chain = Chain((Couple(0.0, K0),), CONCENTRATION, (D, D), (0.5, 0.5))
    cell = RedoxCell(RedoxSpec((chain,), area=AREA, leak=math.inf, **more))
    cell.step_to(0.0)
    cell.apply(0.0, 1.0)
    return cell


@pytest.mark.parametrize("frequency", [0.1, 10.0, 1e3, 1e5])
def test_one_couple_at_equilibrium_is_the_circuit_of_randles(frequency):
    omega = 2 * math.pi * frequency
    transfer = THERMAL / (FARADAY * AREA * K0 * 0.5 * CONCENTRATION)
    warburg = THERMAL / (FARADAY * AREA * math.sqrt(2)) * 2 / (math.sqrt(D) * 0.5 * CONCENTRATION)
    faradaic = transfer + warburg * (1 - 1j) / math.sqrt(omega)
    expected = 150.0 + 1 / (1j * omega * 2e-6 + 1 / faradaic)
    got = half_oxidised(solution_resistance=150.0, double_layer_capacitance=2e-6).impedance(frequency)
    assert got == pytest.approx(expected, rel=1e-6)


def test_a_couple_far_from_its_potential_leaves_solution_double_layer_and_leak():
    chain = Chain((Couple(-0.5, K0), Couple(-1.3, K0)), CONCENTRATION, (D, D, D))
    cell = RedoxCell(
        RedoxSpec((chain,), AREA, double_layer_capacitance=2e-6, solution_resistance=80.0, leak=1e6, leak_potential=0.3)
    )
    cell.step_to(0.4)
    cell.apply(0.4, 10.0)
    omega = 2 * math.pi * 200.0
    assert cell.impedance(200.0) == pytest.approx(80.0 + 1 / (1j * omega * 2e-6 + 1e-6), rel=1e-9)


def test_the_cell_answers_to_a_slow_sine_in_time_as_its_impedance_says():
    frequency, amplitude, points = 5.0, 1e-3, 200
    cell = half_oxidised(solution_resistance=150.0, double_layer_capacitance=2e-6)
    expected = cell.impedance(frequency)
    dt, current = 1 / (frequency * points), []
    for k in range(1, 8 * points + 1):
        current.append(cell.apply(amplitude * math.sin(2 * math.pi * k / points), dt))
    last = np.array(current[-points:])  # settled
    phase = np.exp(-2j * math.pi * np.arange(1, points + 1) / points)
    measured = amplitude / (2j / points * np.sum(last * phase))
    assert abs(measured) == pytest.approx(abs(expected), rel=5e-3)
    assert cmath.phase(measured) == pytest.approx(cmath.phase(expected), abs=5e-3)


def test_asking_for_it_does_not_change_the_cell():
    asked, other = half_oxidised(double_layer_capacitance=1e-6), half_oxidised(double_layer_capacitance=1e-6)
    asked.impedance(1e3)
    assert [asked.apply(0.001 * k, 0.01) for k in range(5)] == [other.apply(0.001 * k, 0.01) for k in range(5)]


def test_a_dummy_is_its_circuit():
    cell = ResistorCell(ResistorSpec(resistance=1e3, series_resistance=50.0, capacitance=1e-6))
    omega = 2 * math.pi * 300.0
    assert cell.impedance(300.0) == pytest.approx(50.0 + 1 / (1e-3 + 1j * omega * 1e-6))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (None, 1000.0),
        ("reversed", 1000.0),
        ("current reversed", -1000.0),
        ("short", 0.1),
        ("counter open", math.inf),
        ("reference open", math.inf),
    ],
)
def test_wiring_is_seen(fault, expected):
    cell = FaultyCell(WiredCell(ResistorCell(ResistorSpec(resistance=1e3)), WiringSpec(fault)))
    assert cell.impedance(100.0) == pytest.approx(expected)
