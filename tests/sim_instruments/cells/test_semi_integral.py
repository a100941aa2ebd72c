"""The semi-integral without history against the direct sum over the whole history."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin_sim.cells.semi_integral import (
    KERNEL_ERROR,
    LONGEST_MEMORY,
    SHORTEST_STEP,
    SemiIntegral,
    kernel_modes,
)

steps = st.lists(st.tuples(st.floats(-6, 3).map(lambda x: 10.0**x), st.floats(-1, 1)), min_size=2, max_size=40)


def direct(lengths, fluxes):
    """Exact semi-integral at the end of a flux linear between all nodes (by parts, term by term).

    A step of slope ``q`` between the ages ``a > b`` brings ``4/3 q (a^1.5 - b^1.5)``, written here so
    that nothing cancels: ``a^3 - b^3 = (a - b)(a^2 + a b + b^2)``. ``fluxes`` has the flux at the start too.
    """
    ages = np.concatenate([np.cumsum(lengths[::-1])[::-1], [0.0]])
    a, b = ages[:-1], ages[1:]
    risen = (4 / 3) * np.diff(fluxes) * (a * a + a * b + b * b) / (a**1.5 + b**1.5)
    return (2 * fluxes[0] * math.sqrt(ages[0]) + np.sum(risen)) / math.sqrt(math.pi)


def stepped(lengths, fluxes):
    """The same by `SemiIntegral`."""
    memory = SemiIntegral(1)
    for length, flux in zip(lengths[:-1], fluxes[:-1], strict=True):
        memory.advance(length, [flux])
    known, response = memory.preview(lengths[-1])
    return known[0] + response * fluxes[-1]


def test_kernel_holds_from_the_shortest_step_to_four_months():
    rates, weights = kernel_modes()
    ages = np.logspace(math.log10(SHORTEST_STEP), math.log10(LONGEST_MEMORY), 4001)
    kernel = np.exp(-np.outer(ages, rates)) @ weights
    assert np.max(np.abs(kernel * np.sqrt(ages) - 1)) < KERNEL_ERROR


def test_kernel_fades_slowly_beyond_its_range():
    rates, weights = kernel_modes()
    ten_times_older = 10 * LONGEST_MEMORY
    kernel = np.exp(-rates * ten_times_older) @ weights
    assert kernel * math.sqrt(ten_times_older) == pytest.approx(1, abs=1e-7)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(steps)
def test_equals_the_sum_over_all_history_at_any_steps(steps):
    lengths, fluxes = (np.array(column) for column in zip(*steps, strict=True))
    expected = direct(lengths, np.concatenate([[0.0], fluxes]))
    scale = max(np.max(np.abs(fluxes)), 1e-300) * math.sqrt(np.sum(lengths))
    assert stepped(lengths.tolist(), fluxes.tolist()) == pytest.approx(expected, abs=1e-9 * scale)


def test_eight_thousand_points_equal_the_sum_over_all_history():
    count, dt = 8000, 0.04
    times = dt * np.arange(count + 1)
    fluxes = np.sin(0.05 * times) * np.exp(-times / 200)
    got = stepped([dt] * count, fluxes[1:].tolist())
    assert got == pytest.approx(direct(np.full(count, dt), fluxes), rel=1e-9)


def test_uniform_and_irregular_steps_give_the_same_ramp():
    exact = (4 / 3) * 10.0**1.5 / math.sqrt(math.pi)
    uniform = np.full(1000, 0.01)
    irregular = np.random.default_rng(5).uniform(0.1, 1.9, 700)
    irregular *= 10.0 / irregular.sum()
    for lengths in (uniform, irregular):
        assert stepped(lengths.tolist(), np.cumsum(lengths).tolist()) == pytest.approx(exact, rel=1e-9)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(steps, st.floats(0.05, 0.95))
def test_cutting_a_step_of_linear_flux_changes_nothing(steps, part):
    lengths, fluxes = ([float(x) for x in column] for column in zip(*steps, strict=True))
    lengths[0] = max(lengths[0], 1e-4)
    cut_lengths = [part * lengths[0], (1 - part) * lengths[0], *lengths[1:]]
    cut_fluxes = [part * fluxes[0], *fluxes]
    scale = max(abs(f) for f in (*fluxes, 1e-300)) * math.sqrt(sum(lengths))
    assert stepped(cut_lengths, cut_fluxes) == pytest.approx(stepped(lengths, fluxes), abs=1e-9 * scale)


def test_many_different_step_lengths_are_no_matter():
    lengths = 0.01 + 1e-6 * np.arange(700)
    fluxes = np.concatenate([[0.0], np.sqrt(np.cumsum(lengths))])
    assert stepped(lengths.tolist(), fluxes[1:].tolist()) == pytest.approx(direct(lengths, fluxes), rel=1e-9)


def test_fluxes_do_not_mix():
    memory = SemiIntegral(2)
    for k in range(50):
        memory.advance(0.02, [float(k), 0.0])
    known, _ = memory.preview(0.02)
    assert known[0] > 1.0
    assert known[1] == 0.0


def test_constant_flux_from_a_break_on():
    memory = SemiIntegral(1)
    memory.break_here()
    memory.advance(0.3, [2.0])
    memory.advance(5.0, [2.0])
    known, response = memory.preview(0.7)
    assert known[0] + 2.0 * response == pytest.approx(2 * 2.0 * math.sqrt(6.0 / math.pi), rel=1e-9)
    memory.break_here()  # the flux stops; what it left spreads
    known, _ = memory.preview(4.0)
    exact = 4.0 * (math.sqrt(9.3 / math.pi) - math.sqrt(4.0 / math.pi))
    assert known[0] == pytest.approx(exact, rel=1e-9)


def test_a_step_below_the_kernel_is_refused():
    with pytest.raises(ValueError, match="shorter than"):
        SemiIntegral(1).preview(SHORTEST_STEP / 2)
