"""Waves of slow couples and of products that react on, against tables and against other solvers."""

import numpy as np
import pytest

from luggin_plugins.cv.irreversible import half_wave_behind, irreversible_surface
from luggin_plugins.cv.kinetics import SemiDerivative, slow_surface
from luggin_plugins.cv.model import Program
from luggin_plugins.cv.semi_integral import semi_integral
from luggin_plugins.cv.theory import excess_of, semi_derivative, slowness_of, thermal_voltage

SLOPE = thermal_voltage(298.15)
RATE = 0.025
MILLIVOLT = 1e-3


def wave(points, step, half_wave=0.0, slowness=0.0, alpha=0.5):
    semi = SemiDerivative.on_grid(points.size, step / RATE)
    return semi(slow_surface(points, half_wave, SLOPE, slowness, RATE, semi, alpha))


def top(potential, current, rows):
    best = rows.start + int(np.argmax(current[rows]))
    near = slice(best - 8, best + 9)
    fit = np.polyfit(potential[near] - potential[best], current[near], 2)
    return potential[best] - fit[1] / (2 * fit[0])


def peaks(points, current):
    turn = int(np.argmin(points))
    return top(points, -current, slice(0, turn)), top(points, current, slice(turn, points.size))


@pytest.mark.parametrize(
    ("psi", "separation_mv"),
    [(20, 58.62), (7, 61.08), (4, 63.88), (2, 70.26), (1, 82.45), (0.5, 104.72), (0.25, 142.13), (0.1, 216.84)],
)
def test_the_peaks_of_a_slow_couple_stand_as_far_apart_as_nicholson_says(cyclic, psi, separation_mv):
    points = cyclic(0.45, (-0.5, 0.45), 0.45, step=5e-4)
    cathodic, anodic = peaks(points, wave(points, 5e-4, slowness=1 / psi))
    assert 1e3 * (anodic - cathodic) == pytest.approx(separation_mv, abs=0.3)


def test_an_irreversible_wave_is_late_by_what_nicholson_and_shain_say(cyclic):
    """Ep from 1/psi = 10^3, and |Ep - Ep/2| = 1.857 RT / (alpha F) = 95.4 mV for alpha = 0.5."""
    points = cyclic(0.4, (-0.9, 0.4), 0.4, step=5e-4)
    program = Program(np.arange(points.size) * 5e-4 / RATE, points, np.sign(np.gradient(points)), (), np.zeros(1))
    surface = irreversible_surface(program, points, 0.0, SLOPE, 3.0, RATE, 0.5)
    current = SemiDerivative.on_grid(points.size, 5e-4 / RATE)(surface)
    smooth = np.convolve(current, np.ones(16) / 16, mode="same")
    peak = top(points, -smooth, slice(0, int(np.argmin(points))))
    assert half_wave_behind(peak, -1, SLOPE, 3.0) == pytest.approx(0.0, abs=3 * MILLIVOLT)
    half = points[int(np.argmax(-smooth > -0.5 * smooth.min()))]
    assert half - peak == pytest.approx(0.0954, abs=2 * MILLIVOLT)


def test_both_ways_to_solve_a_slow_couple_agree(cyclic):
    points = cyclic(0.4, (-0.5, 0.4), 0.4)
    program = Program(np.arange(points.size) * 1e-3 / RATE, points, np.sign(np.gradient(points)), (), np.zeros(1))
    semi = SemiDerivative.on_grid(points.size, 1e-3 / RATE)
    by_steps = irreversible_surface(program, points, 0.0, SLOPE, np.log10(5.0), RATE, 0.4)
    by_rounds = slow_surface(points, 0.0, SLOPE, 5.0, RATE, semi, 0.4)
    assert np.max(np.abs(by_steps - by_rounds)) < 5e-3


def test_a_transfer_coefficient_and_its_complement_are_mirror_images(cyclic):
    points = cyclic(0.4, (-0.4, 0.4), 0.4)
    one = wave(points, 1e-3, slowness=1.0, alpha=0.3)
    other = wave(-points, 1e-3, slowness=1.0, alpha=0.7)
    assert np.allclose(one, -other, atol=1e-4)


def test_slowness_and_excess_are_inverse():
    for slowness in (0.0, 0.2, 1.0, 3.0, 5.0):
        assert slowness_of(excess_of(slowness, SLOPE), SLOPE) == pytest.approx(slowness)


def test_the_semi_derivative_that_is_kept_is_the_one_of_the_theory():
    values = np.sin(np.linspace(0, 7, 333)) + 2.0
    assert np.allclose(SemiDerivative.on_grid(333, 0.04)(values), semi_derivative(values, 0.04), atol=1e-9)


def test_semi_integral_undoes_the_semi_derivative():
    time = np.linspace(0.0, 10.0, 1001)
    step = 1.0 / (1.0 + np.exp(-(time - 5.0) / 0.4))
    program = Program(time, time, time, (), time)
    back = semi_integral(program, semi_derivative(step, 0.01))
    assert np.allclose(back, step - step[0], atol=2e-3)
