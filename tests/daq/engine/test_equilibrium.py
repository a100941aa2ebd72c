"""When a temperature counts as reached: band, slope, dwell, and beginning anew."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.engine.equilibrium import Criterion, Equilibrium, slope_of

BAND = Criterion(target=40.0, within=0.2, dwell=60.0)
FLAT = Criterion(target=40.0, within=0.2, dwell=60.0, slope=0.02 / 60, window=120.0)


def reached_at(criterion, values, dt=10.0):
    """The time of the reading at which it is reached, and the judge."""
    judged = Equilibrium(criterion)
    for number, value in enumerate(values):
        if judged.add(number * dt, value):
            return number * dt, judged
    return None, judged


def test_it_is_reached_when_it_has_held_for_the_dwell():
    assert reached_at(BAND, [30.0, 39.0] + [40.1] * 10)[0] == 20.0 + 60.0


def test_the_edge_of_the_band_is_inside():
    assert reached_at(Criterion(40.0, 0.25, 60.0), [40.25] * 7)[0] == 60.0
    assert reached_at(Criterion(40.0, 0.25, 60.0), [40.251] * 7)[0] is None


def test_a_single_reading_outside_begins_the_dwell_anew():
    when, judged = reached_at(BAND, [40.0] * 6 + [40.3] + [40.0] * 10)
    assert when == 70.0 + 60.0
    assert judged.restarts == 1


def test_without_a_dwell_the_first_good_reading_is_enough():
    assert reached_at(Criterion(40.0, 0.2, 0.0), [39.0, 40.0])[0] == 10.0


def test_a_drift_within_the_band_is_not_yet_equilibrium():
    """0.03 K/min through the band of 0.4 K: always inside, never flat."""
    drifting = [39.81 + 0.03 / 6 * k for k in range(80)]
    assert reached_at(BAND, drifting)[0] == 60.0
    assert reached_at(FLAT, drifting)[0] is None
    slower = [39.81 + 0.019 / 6 * k for k in range(80)]
    assert reached_at(FLAT, slower)[0] == pytest.approx(120.0 + 60.0)


def test_a_slope_is_taken_over_a_full_window_only():
    """The first readings are flat by chance; of twenty seconds the slope says nothing."""
    assert reached_at(FLAT, [40.0] * 30)[0] == 120.0 + 60.0


def test_noise_does_not_pass_for_a_slope():
    noise = random.Random(5)
    assert reached_at(FLAT, [40.0 + noise.gauss(0.0, 0.005) for _ in range(60)])[0] == 180.0


def test_an_exponential_approach_is_reached_when_the_slope_says_so():
    """T = 40 - 10 exp(-t/tau): in the band at t = tau ln 50; the slope is 0.02 K/min at tau ln(10 * 3000 / tau)."""
    tau, dt = 600.0, 5.0
    values = [40.0 - 10.0 * math.exp(-k * dt / tau) for k in range(2000)]
    when, _ = reached_at(Criterion(40.0, 0.2, 0.0), values, dt)
    assert when == pytest.approx(tau * math.log(50.0), abs=dt)
    when, _ = reached_at(Criterion(40.0, 0.2, 0.0, 0.02 / 60, 60.0), values, dt)
    # The line through the last minute has the slope of its middle, half a minute ago.
    assert when == pytest.approx(max(tau * math.log(50.0), tau * math.log(10 * 3000 / tau) + 30.0), abs=2 * dt)


def test_a_missing_reading_neither_begins_nor_breaks_a_dwell():
    when, judged = reached_at(BAND, [math.nan, 40.0, 40.0, math.nan, 40.0, 40.0, 40.0, 40.0, 40.0])
    assert when == 70.0
    assert judged.restarts == 0
    assert reached_at(BAND, [40.0] + [math.nan] * 20)[0] is None


def test_the_summary_is_that_of_the_last_window():
    judged = Equilibrium(Criterion(40.0, 1.0, 1e9, window=100.0))
    for k in range(50):
        judged.add(10.0 * k, 40.0 + (0.01 if k % 2 else -0.01) if k > 20 else 20.0)
    summary = judged.summary()
    assert summary.readings == 11
    assert summary.mean == pytest.approx(40.0, abs=0.001)
    assert summary.spread == pytest.approx(0.01, rel=0.06)
    assert math.isnan(Equilibrium(BAND).summary().mean)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.floats(-1, 1),
    st.floats(-100, 100),
    st.lists(st.floats(0, 1e5), min_size=2, max_size=30, unique=True),
)
def test_the_slope_of_a_line_is_its_slope(slope, offset, times):
    if max(times) - min(times) < 1.0:
        return
    assert slope_of([(t, offset + slope * t) for t in sorted(times)]) == pytest.approx(slope, abs=1e-6)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.floats(39.5, 40.5), max_size=60), st.floats(0, 200))
def test_reached_means_that_every_reading_of_the_dwell_was_inside(values, dwell):
    criterion = Criterion(40.0, 0.2, dwell)
    when, _ = reached_at(criterion, values)
    if when is not None:
        last = [v for k, v in enumerate(values) if when - dwell <= k * 10.0 <= when]
        assert all(abs(v - 40.0) <= 0.2 for v in last)
