"""Fewer points, no lost extreme, nothing invented."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin_plugins.report.thinning import extremes, thinned

ANYTHING = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=300)


@settings(deadline=None, derandomize=True)
@given(ANYTHING, st.integers(1, 50))
def test_kept_rows_are_in_order_and_hold_the_extremes(values, stretch):
    column = np.array(values, np.float64)
    rows = extremes(stretch, column)
    assert np.all(np.diff(rows) > 0)
    assert rows[0] == 0
    assert rows[-1] == len(column) - 1
    finite = column[np.isfinite(column)]
    if finite.size:
        assert np.isin([finite.min(), finite.max()], column[rows]).all()


@settings(deadline=None, derandomize=True)
@given(ANYTHING, st.integers(1, 50))
def test_a_stretch_without_a_number_keeps_its_gap(values, stretch):
    column = np.concatenate([np.array(values, np.float64), np.full(stretch, np.nan), np.full(stretch, np.nan), [1.0]])
    rows = extremes(stretch, column)
    inside = (rows >= len(values)) & (rows < len(column) - 1)
    assert np.isnan(column[rows[inside]]).any()


def test_single_spike_among_a_million_points_is_kept():
    y = np.zeros(1_000_000)
    y[123_457] = 1.0
    x, thin = thinned(np.arange(1e6), y)
    assert len(thin) <= 4002
    assert x[thin == 1.0].tolist() == [123_457.0]


def test_turning_points_of_the_potential_are_kept():
    potential = np.concatenate([np.linspace(0, -1.7, 8000), np.linspace(-1.7, 0.2, 9000), np.linspace(0.2, 0, 1000)])
    x, _ = thinned(potential, np.zeros(len(potential)))
    assert (x.min(), x.max()) == (-1.7, 0.2)


@pytest.mark.parametrize("count", [0, 1, 2, 4000])
def test_short_curves_are_left_alone(count):
    x = np.arange(count, dtype=np.float64)
    assert thinned(x, -x)[0] is x
