import numpy as np
import pytest

from luggin_plugins.cv.theory import (
    REVERSIBLE_PEAK_SHIFT,
    REVERSIBLE_SEPARATION,
    nicholson_ratio,
    oxidised_fraction,
    semi_derivative,
    thermal_voltage,
    transfer_coefficient_uncertainty,
)

MILLIVOLT = 1e-3


def reversible_wave(switch_mv, step_mv=0.25):
    """Potential (mV) and dimensionless current of a reduction switched ``switch_mv`` behind its peak."""
    slope = 1e3 * thermal_voltage(298.15)
    lowest = -28.5 - switch_mv
    down = np.arange(300.0, lowest, -step_mv)
    potential = np.concatenate([down, np.arange(lowest, 300.0 + step_mv, step_mv)])
    current = semi_derivative(oxidised_fraction(potential, 0.0, slope), step_mv / slope)
    return potential, current, down.size


def top(potential, current, rows):
    best = rows.start + int(np.argmax(current[rows]))
    fit = np.polyfit(potential[best - 6 : best + 7] - potential[best], current[best - 6 : best + 7], 2)
    return potential[best] - fit[1] / (2 * fit[0]), current[best]


def peaks(switch_mv):
    potential, current, turn = reversible_wave(switch_mv)
    cathodic = top(potential, -current, slice(0, turn))
    anodic = top(potential, current, slice(turn + 1, potential.size))
    return cathodic, anodic


def test_a_reversible_wave_has_the_height_and_place_of_nicholson_and_shain():
    (cathodic, height), _ = peaks(1000.0)
    assert height == pytest.approx(0.44629, rel=1e-3)
    assert cathodic == pytest.approx(-28.49, abs=0.1)
    assert cathodic == pytest.approx(-1e3 * REVERSIBLE_PEAK_SHIFT * thermal_voltage(298.15), abs=0.1)


@pytest.mark.parametrize(
    ("switch_mv", "separation_mv", "midpoint_mv"),
    [(71.5, 60.19, 1.60), (121.5, 58.78, 0.90), (171.5, 58.16, 0.59), (271.5, 57.64, 0.33), (500.0, 57.27, 0.14)],
)
def test_separation_and_midpoint_depend_on_where_the_scan_turns(switch_mv, separation_mv, midpoint_mv):
    (cathodic, _), (anodic, _) = peaks(switch_mv)
    assert anodic - cathodic == pytest.approx(separation_mv, abs=0.1)
    assert (anodic + cathodic) / 2 == pytest.approx(midpoint_mv, abs=0.05)


def test_separation_far_behind_the_wave_is_57_millivolts():
    assert 1e3 * REVERSIBLE_SEPARATION * thermal_voltage(298.15) == pytest.approx(57.0, abs=0.1)


@pytest.mark.parametrize("switch_mv", [71.5, 121.5, 271.5, 1000.0])
def test_nicholsons_ratio_of_an_ideal_couple_is_one_within_five_percent(switch_mv):
    _, current, turn = reversible_wave(switch_mv)
    ratio = nicholson_ratio(-current[:turn].min(), current[turn:].max(), current[turn - 1])
    assert ratio == pytest.approx(1.0, abs=0.05)


def test_semi_derivative_of_a_line_is_the_square_root_of_time():
    time = np.linspace(0.0, 4.0, 401)
    assert np.allclose(semi_derivative(3.0 * time, 0.01), 6.0 * np.sqrt(time / np.pi), atol=1e-9)


def test_semi_derivative_twice_is_the_derivative():
    time = np.linspace(0.0, 10.0, 4001)
    bump = np.exp(-((time - 5.0) ** 2))
    twice = semi_derivative(semi_derivative(bump, 0.0025), 0.0025)
    assert np.allclose(twice[1:], np.gradient(bump, time)[1:], atol=6e-3)


def test_oxidised_fraction_far_from_the_wave_is_nought_or_one_without_overflow():
    assert oxidised_fraction(np.array([-1e6, 0.0, 1e6]), 0.0, 0.0257).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(("excess_mv", "mv"), [(-5.0, 0.0), (0.0, 0.0), (24.9, 0.53), (63.7, 2.93), (107.3, 7.71)])
def test_transfer_coefficient_uncertainty_is_the_shift_of_the_midpoint_from_0_5_to_0_4(excess_mv, mv):
    found = transfer_coefficient_uncertainty(excess_mv * MILLIVOLT, thermal_voltage(298.15))
    assert found == pytest.approx(mv * MILLIVOLT, abs=0.01 * MILLIVOLT)


@pytest.mark.parametrize(("k0", "excess_mv"), [(0.0056, 24.9), (0.00196, 63.7)])
def test_that_shift_is_what_a_cell_shows(measure, cyclic, couple, values, k0, excess_mv):
    slope = thermal_voltage(298.15)
    points = cyclic(0.4, (-0.35, 0.4), 0.4)
    rows = [measure(points, [couple(0.0, k0, a)]).evaluate().tables["waves"][0] for a in (0.5, 0.4)]
    moved = rows[0]["midpoint"] - rows[1]["midpoint"]
    assert rows[0]["peak_separation"] == pytest.approx(0.0575 + excess_mv * MILLIVOLT, abs=6 * MILLIVOLT)
    assert moved == pytest.approx(transfer_coefficient_uncertainty(excess_mv * MILLIVOLT, slope), rel=0.3)
