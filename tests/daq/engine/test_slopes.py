"""The rate of change over a sliding time: known slopes, noise, gaps, and that nothing grows or drifts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.engine.slopes import GROUPS, SlidingSlope


def slopes(over, times, values):
    sliding = SlidingSlope(over)
    return [sliding.add(t, v) for t, v in zip(times, values, strict=True)]


def test_from_row_to_row_it_is_the_difference_of_two_readings():
    assert slopes(0.0, [0.0, 2.0, 3.0, 3.0, 4.0], [1.0, 5.0, 4.0, 9.0, 9.0]) == [None, 2.0, -1.0, None, 0.0]


def test_there_is_none_before_the_readings_span_the_time():
    found = slopes(2.0, [0.0, 1.0, 1.99, 2.0, 3.0], [0.0, 3.0, 5.97, 6.0, 9.0])
    assert found[:3] == [None] * 3
    assert found[3:] == pytest.approx([3.0, 3.0])


def test_readings_rarer_than_the_time_are_compared_two_by_two():
    found = slopes(5.0, [0.0, 10.0, 20.0, 30.0], [0.0, 1.0, 3.0, 3.0])
    assert found == [None, pytest.approx(0.1), pytest.approx(0.2), pytest.approx(0.0)]


def test_it_is_the_straight_line_of_least_squares_of_the_last_readings():
    """An independent fit (numpy) through exactly the readings of that time, also after days and far from zero."""
    over, dt = 10.0, 0.5
    times = 5e6 + dt * np.arange(5000)
    values = 298.15 + 1e-3 * (times - times[0]) + np.sin(times)
    found = slopes(over, times.tolist(), values.tolist())
    for last in (20, 57, 640, 4999):
        # Readings are let go of one group at a time; here a group is one reading.
        part = slice(last - 20, last + 1)
        expected = np.polyfit(times[part] - times[last], values[part] - values[last], 1)[0]
        assert found[last] == pytest.approx(expected, abs=1e-9)


def test_noise_of_single_readings_becomes_as_small_as_the_page_says():
    over, n = 10.0, 1000
    times = np.arange(40_000) * over / n
    noise = np.random.default_rng(7).normal(0.0, 0.1, times.size)
    found = [slope for slope in slopes(over, times.tolist(), noise.tolist()) if slope is not None]
    # Neighbours share nearly all readings: one value for each ten seconds is independent.
    spread = np.std(found)
    assert spread == pytest.approx(0.1 * math.sqrt(12 / n) / over, rel=0.35)
    assert np.max(np.abs(found)) < 6 * 0.1 * math.sqrt(12 / n) / over
    to_row = [slope for slope in slopes(0.0, times.tolist(), noise.tolist()) if slope is not None]
    assert np.std(to_row) == pytest.approx(0.1 * math.sqrt(2) / (over / n), rel=0.05)


def test_one_outlier_in_many_readings_is_hardly_seen():
    over, n = 10.0, 1000
    values = [0.0] * 3000
    values[1500] = 1.0
    largest = max(abs(s) for s in slopes(over, [k * over / n for k in range(3000)], values) if s is not None)
    # 6 d/(n over) at the end of the line (a straight line's weight of one point)
    assert largest == pytest.approx(6 * 1.0 / (n * over), rel=0.1)


def test_what_is_kept_does_not_grow_with_the_readings():
    sliding = SlidingSlope(10.0)
    for number in range(50_000):
        sliding.add(number * 1e-3, 0.0)
    assert len(sliding._groups) <= GROUPS + 2


def test_after_a_reset_and_where_time_goes_back_it_begins_anew():
    sliding = SlidingSlope(2.0)
    for t in (0.0, 1.0, 2.0):
        last = sliding.add(t, 10 * t)
    assert last == pytest.approx(10.0)
    sliding.reset()
    assert sliding.add(3.0, 1000.0) is None
    assert sliding.add(4.0, 1000.0) is None
    assert sliding.add(5.0, 1000.0) == pytest.approx(0.0)
    assert sliding.add(0.5, -7.0) is None, "the instrument began to count anew"
    assert sliding.add(1.5, -7.0) is None


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.floats(-1e3, 1e3),
    st.floats(-1e3, 1e3),
    st.lists(st.floats(0.01, 3.0), min_size=3, max_size=120),
    st.sampled_from([0.0, 0.5, 4.0]),
)
def test_a_straight_line_has_its_slope_however_it_is_sampled(slope, offset, spacings, over):
    times = np.cumsum(spacings).tolist()
    found = slopes(over, times, [offset + slope * t for t in times])
    assert [s for s in found if s is not None] == pytest.approx(
        [slope] * sum(s is not None for s in found), rel=1e-6, abs=1e-6
    )
