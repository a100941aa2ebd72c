"""Absolute deadlines: met, late, left out."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.clock import VirtualClock
from luggin.engine.pacing import Pace, Timing


def test_a_token_ends_the_wait():
    clock = VirtualClock()
    token = clock.cancel()
    token.set()
    assert Pace(clock, 0.0, 1.0).wait_next(token) is None
    assert clock.now() == 0.0


@pytest.mark.parametrize(
    ("busy", "lateness", "passed", "missed"),
    [
        (0.3, 0.0, 2, 0),
        (1.0, 0.0, 2, 0),
        (1.4, 0.4, 2, 0),  # less than half an interval late: at once, and the next deadline stays
        (1.6, 0.0, 3, 1),  # later: left out
        (4.2, 0.0, 6, 4),
    ],
)
def test_late_and_too_late(busy, lateness, passed, missed):
    clock = VirtualClock()
    pace = Pace(clock, 0.0, 1.0)
    assert pace.wait_next() == 0.0
    clock.sleep(busy)
    assert pace.wait_next() == pytest.approx(lateness)
    assert (pace.passed, pace.missed) == (passed, missed)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.floats(0.0, 5.0), min_size=1, max_size=40), st.sampled_from([0.1, 0.25, 1.0]))
def test_deadlines_are_never_bunched_and_all_accounted_for(work, dt):
    clock = VirtualClock()
    pace, begun, missed = Pace(clock, 0.0, dt), [], 0
    for busy in work:
        pace.wait_next()
        missed += pace.missed
        begun.append(clock.now())
        clock.sleep(busy)
    assert pace.passed == len(work) + missed
    assert all(later - earlier >= dt / 2 * (1 - 1e-9) for earlier, later in itertools.pairwise(begun))
    # whatever happened, each reading is within half an interval of a multiple of dt
    assert all(abs(time / dt - round(time / dt)) <= 0.5 for time in begun)


def test_nothing_was_achieved_without_readings():
    assert Timing("ca", 0.1).to_json() == {
        "technique": "ca", "rows": 0, "dt": 0.1, "missed_deadlines": 0, "lateness": {}, "real_dt": {},
    }  # fmt: skip
