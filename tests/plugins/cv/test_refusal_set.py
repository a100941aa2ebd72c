"""What must not give a wrong number: each case gives the right one within its uncertainty, or its own refusal."""

import numpy as np
import pytest

from luggin.results import AnalysisInput, Table
from luggin_plugins.cv.half_waves import half_waves

MILLIVOLT = 1e-3


def codes(outcome):
    return [r.code for r in outcome.refusals]


def numbers(outcome):
    return [q for q in outcome.quantities if q.name == "half_wave_potential"]


def scaled(cell, noise, seed=2):
    """The voltammogram with white noise relative to its largest current."""
    return cell.noisy(noise * float(np.max(np.abs(cell.current))), seed)


@pytest.fixture(scope="module")
def scan(cyclic):
    return cyclic(0.3, (-0.4, 0.3), 0.3, step=2e-3, cycles=2)


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("lost", [0.01, 0.03, 0.1, 0.3, 0.6, 1.0, 3.0, 10.0])
def test_a_product_that_reacts_on_gives_the_right_number_or_none(diffuse, scan, lost, noise):
    outcome = scaled(diffuse(scan, lost=lost), noise).evaluate()
    assert all(abs(q.value) <= 3 * q.u for q in numbers(outcome))
    if lost >= 3.0:
        assert codes(outcome) == ["no-return-peak"]


@pytest.mark.parametrize("lost", [0.1, 0.3])
def test_a_product_that_reacts_on_is_called_so_with_its_rate(diffuse, scan, lost):
    (found,) = numbers(diffuse(scan, lost=lost).evaluate())
    assert found.verdict == "EC"
    assert found.value == pytest.approx(0.0, abs=0.1 * MILLIVOLT)
    assert any(f"k about {lost:.2g} per second" in flag for flag in found.flags)


def test_a_stable_product_is_not_called_so(diffuse, scan):
    (found,) = numbers(diffuse(scan).evaluate())
    assert found.verdict == "reversible"
    assert not any("follow-up" in flag for flag in found.flags)


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("radius", [0.2, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001])
def test_a_small_sphere_gives_the_right_number_or_none(diffuse, scan, radius, noise):
    """From a planar electrode (cm) to a steady state: diffusion from all sides flattens the peaks and moves none."""
    outcome = scaled(diffuse(scan, radius=radius), noise).evaluate()
    assert all(abs(q.value) <= 3 * q.u for q in numbers(outcome))
    if radius <= 0.002:
        assert codes(outcome) == ["steady-state"]
        assert "plateau" in outcome.refusals[0].reason


def test_a_sigmoid_is_a_steady_state_and_a_line_is_not(scan):
    time = np.arange(scan.size) * 0.02
    noise = 1e-11 * np.random.default_rng(4).standard_normal(scan.size)

    def ask(current):
        columns = {"time": time, "potential": scan, "current": current + noise}
        return codes(half_waves(AnalysisInput((Table("cv", columns),))))

    assert ask(-1e-8 / (1.0 + np.exp(scan / 0.0257))) == ["steady-state"]
    assert ask(1e-8 * scan) == ["no-wave"]


@pytest.mark.parametrize("alpha", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("k0", [1e-2, 1e-3, 3e-4, 1e-5])
def test_slow_couples_give_the_right_number_or_none(in_cell, cyclic, couple, k0, alpha):
    points = cyclic(0.5, (-0.7, 0.5), 0.5, step=2e-3)
    for resistance in (0.0, 4000.0):
        cell = in_cell([couple(0.0, k0, alpha)], points, resistance=resistance)
        for noise in (0.0, 0.02):
            outcome = scaled(cell, noise).evaluate()
            assert all(abs(q.value) <= 3 * q.u for q in numbers(outcome))
            if k0 <= 1e-5:
                assert not numbers(outcome)


@pytest.mark.parametrize("second", [0.1, 0.2, 0.4, 1.0])
@pytest.mark.parametrize("apart", [0.06, 0.08, 0.10, 0.13, 0.16])
def test_unequal_couples_close_together_give_right_numbers_or_none(measure, cyclic, couple, apart, second):
    """The sum of two independent couples of different concentrations."""
    points = cyclic(0.4, (-0.6, 0.4), 0.4, step=2e-3)
    one, other = (measure(points, [couple(e, 0.02)], capacitance=1e-6) for e in (0.0, -apart))
    cell = type(one)(one.time, one.potential, one.current + second * other.current)
    for noise in (0.0, 0.02):
        for q in numbers(scaled(cell, noise).evaluate()):
            assert min(abs(q.value), abs(q.value + apart)) <= 3 * q.u


def test_an_adsorbed_couple_is_called_so(scan):
    """Surface-bound and reversible: both peaks at one potential, current ~ f (1 - f)."""
    fraction = 1.0 / (1.0 + np.exp(38.92 * scan))
    direction = np.sign(np.gradient(scan))
    noise = 2e-8 * np.random.default_rng(8).standard_normal(scan.size)
    current = direction * (4e-6 * fraction * (1.0 - fraction) + 2e-7) + noise
    columns = {"time": np.arange(scan.size) * 0.02, "potential": scan, "current": current}
    (found,) = numbers(half_waves(AnalysisInput((Table("cv", columns),))))
    assert found.verdict == "adsorbed"
    assert abs(found.value) <= 3 * found.u
    assert any("adsorption" in flag for flag in found.flags)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_two_electrons_at_once_are_not_refused(in_cell, cyclic, couple, noise):
    cell = in_cell([couple(0.0, 0.1, 0.5, 2)], cyclic(0.3, (-0.3, 0.3), 0.3, cycles=2))
    (found,) = numbers(scaled(cell, noise).evaluate())
    assert abs(found.value) <= max(3 * found.u, 0.1 * MILLIVOLT)
    assert found.verdict in ("reversible", "quasi-reversible")


def test_a_scan_that_is_inverted_is_refused_whole(in_cell, cyclic, couple):
    cell = in_cell([couple(-0.2), couple(-0.8)], cyclic(0.2, (-1.1, 0.2), 0.2))
    outcome = type(cell)(cell.time, cell.potential, -cell.current).noisy(1e-8, 1).evaluate()
    assert codes(outcome) == ["current-sign"]
    assert outcome.refused


def test_a_clipped_potential_or_current_gives_no_number(in_cell, cyclic, couple):
    cell = in_cell([couple(0.0)], cyclic(0.3, (-0.3, 0.3), 0.3))
    clipped = type(cell)(cell.time, cell.potential, np.clip(cell.current, -2.5e-6, 2.5e-6))
    assert not numbers(clipped.evaluate())
    held = type(cell)(cell.time, np.maximum(cell.potential, -0.02), cell.current)
    assert not numbers(held.evaluate())


def test_scans_at_different_rates_that_disagree_are_withdrawn(in_cell, cyclic, couple):
    points = cyclic(0.3, (-0.3, 0.3), 0.3)
    slow = in_cell([couple(0.0)], points, rate=0.025).noisy(2e-8, 1)
    fast = in_cell([couple(0.006)], points, rate=0.1).noisy(2e-8, 2)
    outcome = half_waves(AnalysisInput((slow.table(step=1), fast.table(step=2))))
    assert codes(outcome) == ["rates-disagree"]
    assert not numbers(outcome)
    assert len(outcome.tables["waves"]) == 2
    agreeing = in_cell([couple(0.0)], points, rate=0.1).noisy(2e-8, 2)
    assert len(numbers(half_waves(AnalysisInput((slow.table(step=1), agreeing.table(step=2)))))) == 2
