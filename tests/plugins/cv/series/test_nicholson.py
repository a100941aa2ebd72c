"""The separation of the peaks against psi, compared with two other solutions and with the printed table."""

import numpy as np
import pytest

from luggin_plugins.cv.series.diffusion import STAIRS_LOWER
from luggin_plugins.cv.series.nicholson import separation_table, solve
from luggin_plugins.cv.series.transfer import STAIRS_WIDEN_V

MILLIVOLTS = 25.692579  # RT/F at 25 degC

# psi: n dEp in mV, turned 141 mV and 500 mV behind E1/2 (two independent solvers), and the table of 1965
KNOWN = {
    20: (60.23, 58.62, 61),
    7: (62.59, 61.08, 63),
    6: (63.19, 61.70, 64),
    5: (64.03, 62.58, 65),
    4: (65.28, 63.88, 66),
    3: (67.35, 66.03, 68),
    2: (71.41, 70.26, 72),
    1: (83.07, 82.45, 84),
    0.75: (90.44, 90.17, 92),
    0.5: (104.28, 104.72, 105),
    0.35: (120.48, 121.81, 121),
    0.25: (139.68, 142.13, 141),
    0.1: (210.68, 216.84, 212),
}


@pytest.mark.parametrize(("turn_mv", "column"), [(141.0, 0), (500.0, 1)])
def test_separations_agree_with_other_solvers_to_a_tenth_of_a_millivolt(turn_mv, column):
    found = solve(np.array(list(KNOWN), dtype=float), turn_mv / MILLIVOLTS).separation * MILLIVOLTS
    np.testing.assert_allclose(found, [row[column] for row in KNOWN.values()], atol=0.1)


def test_the_printed_table_is_met_within_its_rounding():
    found = solve(np.array(list(KNOWN), dtype=float), 141.0 / MILLIVOLTS).separation * MILLIVOLTS
    np.testing.assert_allclose(found, [row[2] for row in KNOWN.values()], atol=1.6)


def test_a_reversible_couple_has_the_height_and_separation_of_the_books():
    table = separation_table(500.0 / MILLIVOLTS)
    assert table.reversible_height == pytest.approx(0.44629, rel=1e-3)
    assert table.reversible_separation * MILLIVOLTS == pytest.approx(57.27, abs=0.1)


def test_an_irreversible_couple_has_the_height_of_the_books():
    peaks = solve(np.array([0.001]), 1000.0 / MILLIVOLTS)
    assert peaks.height[0] == pytest.approx(0.3506, rel=2e-3)  # 0.4958 sqrt(alpha) at alpha = 0.5


@pytest.mark.parametrize("ohmic", [0.0, 0.3])
@pytest.mark.parametrize("psi", [0.15, 1.0, 5.0])
def test_the_table_gives_back_what_went_into_it(psi, ohmic):
    peaks = solve(np.array([psi]), 12.0, ohmic=ohmic)
    assert separation_table(12.0, ohmic=ohmic).psi_at(float(peaks.separation[0])) == pytest.approx(psi, rel=5e-3)


def test_a_resistance_moves_the_peaks_farther_apart_than_its_drop():
    free, behind = (solve(np.array([1e5]), 16.5, ohmic=rho) for rho in (0.0, 0.5))
    excess = float(behind.separation[0] - free.separation[0])
    drop = 0.5 * float(behind.height[0]) * 1.75  # the swing of the current between the peaks is 1.75 times the first
    assert 1.2 * drop < excess < 1.6 * drop
    assert behind.height[0] < free.height[0]


@pytest.mark.parametrize("step_mv", [0.25, 1.0, 2.0, 5.0])
def test_what_a_staircase_does_grows_with_the_root_of_its_steps(step_mv):
    """A reversible couple behind a staircase, sampled at the end of each step (superposition of Cottrell decays)."""
    down = np.arange(476.0, -424.0 - 1e-9, -step_mv)
    potential = np.concatenate([down, down[-2::-1]])
    oxidised = 1.0 / (1.0 + np.exp(-potential / MILLIVOLTS))
    ends = (np.arange(potential.size) + 1.0) * step_mv / MILLIVOLTS
    current = np.convolve(np.diff(oxidised, prepend=oxidised[0]), 1.0 / np.sqrt(np.pi * ends))[: potential.size]

    def top(x, y):
        near = np.abs(x - x[np.argmax(y)]) <= max(25.0, 4 * step_mv)
        polynomial = np.polyfit(x[near] - x[near].mean(), y[near], 4)
        fine = np.linspace(-15.0, 15.0, 3001)
        heights = np.polyval(polynomial, fine)
        return x[near].mean() + fine[np.argmax(heights)], heights.max()

    forward, back = top(down, -current[: down.size]), top(potential[down.size :], current[down.size :])
    ideal = separation_table(424.0 / MILLIVOLTS)
    lowered = 1.0 - forward[1] / ideal.reversible_height
    widened = back[0] - forward[0] - ideal.reversible_separation * MILLIVOLTS
    assert lowered == pytest.approx(STAIRS_LOWER * np.sqrt(step_mv), rel=0.08)
    assert widened == pytest.approx(1e3 * STAIRS_WIDEN_V * np.sqrt(step_mv), rel=0.08)
