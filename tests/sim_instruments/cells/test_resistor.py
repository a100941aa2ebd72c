"""The dummy cell against Ohm and an exponential."""

import math

import numpy as np
import pytest

from luggin_sim.cells import ResistorCell, ResistorSpec


def test_ohm():
    cell = ResistorCell(ResistorSpec(resistance=900.0, series_resistance=100.0))
    assert cell.apply(0.5, 0.1) == pytest.approx(0.5e-3, rel=1e-12)
    assert cell.apply(-0.25, 1e-6) == pytest.approx(-0.25e-3, rel=1e-12)
    assert cell.rest(1.0) == 0.0


def test_capacitor_charges_through_the_series_resistance():
    cell = ResistorCell(ResistorSpec(resistance=1e6, series_resistance=1e3, capacitance=1e-6))
    share, time_constant = 1e6 / 1.001e6, 1e6 * 1e3 / 1.001e6 * 1e-6
    cell.step_to(1.0)
    elapsed = 0.0
    for dt in (1e-5, 2e-4, 1e-3, 5e-3):
        elapsed += dt
        inner = share * (1 - math.exp(-elapsed / time_constant))
        assert cell.apply(1.0, dt) == pytest.approx((1.0 - inner) / 1e3, rel=1e-9)


def test_ramp_is_exact_at_any_steps():
    spec = ResistorSpec(resistance=1e5, series_resistance=1e4, capacitance=1e-6)
    once, often = ResistorCell(spec), ResistorCell(spec)
    for cell in (once, often):
        cell.apply(0.0, 1.0)
    at_once = once.apply(1.0, 0.02)
    for cut in np.cumsum(np.array([1, 5, 2, 8, 4]) / 20).tolist():
        in_pieces = often.apply(cut, 0.02 * (cut - often.potential))
    assert in_pieces == pytest.approx(at_once, rel=1e-12)
    # reference: many trapezoidal steps of C du/dt = (E - u)/Rs - u/R
    inner, dt = 0.0, 0.02 / 100_000
    for k in range(100_000):
        applied = (k + 0.5) / 100_000
        rate = 1e-4 + 1e-5
        inner += (applied * 1e-4 - inner * rate) * dt / (1e-6 + 0.5 * rate * dt)
    assert at_once == pytest.approx((1.0 - inner) / 1e4, rel=1e-7)


def test_capacitor_without_series_resistance_takes_the_ramp():
    cell = ResistorCell(ResistorSpec(resistance=1e6, capacitance=1e-6))
    cell.apply(0.0, 1.0)
    assert cell.apply(0.1, 0.5) == pytest.approx(0.1 / 1e6 + 1e-6 * 0.2, rel=1e-12)


def test_open_capacitor_discharges_through_the_resistance():
    cell = ResistorCell(ResistorSpec(resistance=1e6, series_resistance=10.0, capacitance=1e-6))
    cell.apply(1.0, 1.0)
    held = cell.rest(1e-6)
    assert held == pytest.approx(1.0, rel=1e-4)
    assert cell.rest(2.0) == pytest.approx(held * math.exp(-2.0), rel=1e-12)


def test_oxidation_current_is_positive_and_noise_is_seeded():
    spec = ResistorSpec(resistance=1e3, current_noise=1e-9, potential_noise=1e-6, seed=4)
    a, b = ResistorCell(spec), ResistorCell(spec)
    true = a.apply(0.1, 0.1)
    assert true == 0.1 / 1e3
    readings = [a.measure_current(true) for _ in range(5000)]
    assert np.std(readings) == pytest.approx(1e-9, rel=0.05)
    assert [b.measure_current(true) for _ in range(5000)] == readings
    assert [a.fresh().measure_potential(0.0)] == [b.measure_potential(0.0)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resistance": 0.0}, "resistance is 0 ohm"),
        ({"resistance": 1e3, "capacitance": -1e-6}, "capacitance is -1e-06 F"),
    ],
)
def test_an_impossible_resistor_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        ResistorSpec(**values)


@pytest.mark.parametrize("dt", [0.0, -0.1, math.nan])
def test_time_goes_forward(dt):
    cell = ResistorCell(ResistorSpec(1e3))
    with pytest.raises(ValueError, match="time step"):
        cell.apply(0.1, dt)
    with pytest.raises(ValueError, match="time step"):
        cell.rest(dt)
