"""Levels of sweeps: known ones, and what holds for all of them."""

import doctest
import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from luggin.instrument import spread, staircase
from luggin.instrument.staircase import cyclic, linear, of_technique, uneven

QUIET = settings(deadline=None, derandomize=True, max_examples=200)
POTENTIALS = st.integers(-2000, 2000).map(lambda millivolts: millivolts / 1000)
STEPS = st.sampled_from([0.001, 0.0025, 0.01, 0.3, 0.0007])


@pytest.mark.parametrize("module", [spread, staircase])
def test_the_examples_are_true(module):
    assert doctest.testmod(module).failed == 0


def test_a_cycle_begins_where_the_sweep_passes_its_beginning():
    stairs = cyclic(0.0, (0.2, -0.2), 0.0, 2, 0.1)
    assert stairs.levels == (0, 0.1, 0.2, 0.1, 0, -0.1, -0.2, -0.1, 0, 0.1, 0.2, 0.1, 0, -0.1, -0.2, -0.1, 0)
    assert stairs.cycles == (1,) * 9 + (2,) * 8
    assert stairs.turns == (0, 2, 6, 10, 14, 16)


def test_a_cycle_begins_behind_the_second_vertex_where_the_beginning_is_not_between_them():
    stairs = cyclic(0.5, (0.2, -0.1), 0.5, 2, 0.3)
    assert stairs.levels == (0.5, 0.2, -0.1, 0.2, -0.1, 0.2, 0.5)
    assert stairs.cycles == (1, 1, 1, 2, 2, 2, 2)


def test_a_beginning_at_the_first_vertex_adds_no_level():
    stairs = cyclic(0.2, (0.2, 0.0), 0.2, 2, 0.1)
    assert stairs.levels == (0.2, 0.1, 0.0, 0.1, 0.2, 0.1, 0.0, 0.1, 0.2)
    assert stairs.cycles == (1,) * 5 + (2,) * 4


def test_steps_that_do_not_fit_are_counted():
    assert uneven(linear(0.0, 0.25, 0.1), 0.1) == 1
    assert uneven(linear(0.0, 1.9, 0.001), 0.001) == 0
    # 0.25 V up, down and up again: one smaller step in front of each turn
    assert uneven(cyclic(0.0, (0.25, 0.0), 0.0, 1, 0.1), 0.1) == 2


def test_thousands_of_steps_gather_no_noise():
    levels = linear(-1.7, 0.2, 0.001).levels
    assert len(levels) == 1901
    assert levels[1000] == -0.7
    assert all(f"{level:.9g}" == f"{round(level, 3):.9g}" for level in levels)


@QUIET
@given(POTENTIALS, POTENTIALS, POTENTIALS, POTENTIALS, st.integers(1, 3), STEPS)
def test_every_turning_point_is_reached_and_no_step_is_larger(begin, first, second, end, cycles, step):
    assume(first != second)
    stairs = cyclic(begin, (first, second), end, cycles, step)
    assert (stairs.levels[0], stairs.levels[-1]) == (begin, end)
    assert {first, second} <= {stairs.levels[turn] for turn in stairs.turns}
    assert all(abs(b - a) <= step * (1 + 1e-5) for a, b in itertools.pairwise(stairs.levels))
    assert len(stairs.cycles) == len(stairs)
    assert all(b - a in (0, 1) for a, b in itertools.pairwise(stairs.cycles))
    assert (stairs.cycles[0], stairs.turns[-1]) == (1, len(stairs) - 1)


@QUIET
@given(POTENTIALS, POTENTIALS, STEPS)
def test_a_sweep_back_has_the_levels_of_the_sweep(begin, end, step):
    there, back = (of_technique("lsv", {"begin": a, "end": b, "step": step}) for a, b in ((begin, end), (end, begin)))
    assert len(there) == len(back)
    assert (there.levels[0], there.levels[-1]) == (back.levels[-1], back.levels[0])
