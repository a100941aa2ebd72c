"""Limits of the cell: when they trip, when not, and that short frames and blocks agree."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.engine.limits import FLAG_ROWS, INVALID_ROWS, Limit, LimitGuard
from luggin.records import CURRENT, FLAGS, INSTRUMENT_TIME, POTENTIAL, Column, Flag, Frame, Schema

SCHEMA = Schema("cv", (INSTRUMENT_TIME, POTENTIAL, CURRENT, FLAGS))
NAN = math.nan


def potential(then="stop", **lasting) -> Limit:
    return Limit("potential", -1.0, 1.0, "V", then=then, **lasting)


def current(then="stop", **lasting) -> Limit:
    return Limit("current", -1e-3, 1e-3, "A", then=then, **lasting)


def rows_of(potentials, currents=None, *, start=0.0, dt=1.0, flags=0):
    currents = [0.0] * len(potentials) if currents is None else currents
    return [(start + dt * n, e, i, flags) for n, (e, i) in enumerate(zip(potentials, currents, strict=True))]


def short(rows, received=0.0) -> Frame:
    return Frame(SCHEMA, received, rows=rows)


def block(rows, received=0.0) -> Frame:
    return Frame(SCHEMA, received, array=np.array(rows, dtype=SCHEMA.dtype))


INSIDE = [0.0] * 12
"""Enough rows for a block to take the vectorised path."""

both_paths = pytest.mark.parametrize("frame", [short, block])


# -- the range


@both_paths
@pytest.mark.parametrize("value", [-1.0, 1.0, 0.0, -0.0])
def test_values_at_the_limits_are_inside(frame, value):
    assert LimitGuard([potential()], SCHEMA).check(frame(rows_of([*INSIDE, value]))) is None


@both_paths
@pytest.mark.parametrize("value", [math.nextafter(1.0, 2.0), -1.0000001, math.inf, -math.inf])
def test_values_beyond_trip_at_their_row(frame, value):
    trip = LimitGuard([potential()], SCHEMA).check(frame(rows_of([*INSIDE, value, 0.0])))
    assert (trip.row, trip.value, trip.then) == (12, value, "stop")
    assert trip.limit == potential()


def test_the_first_of_several_rows_outside_is_the_trip():
    trip = LimitGuard([potential()], SCHEMA).check(short(rows_of([0.0, 1.5, 3.0])))
    assert (trip.row, trip.value) == (1, 1.5)


def test_without_limits_nothing_trips():
    for frame in (short, block):
        assert LimitGuard([], SCHEMA).check(frame(rows_of([99.0] * 20))) is None


def test_an_empty_frame_trips_nothing():
    guard = LimitGuard([potential()], SCHEMA)
    assert guard.check(short([])) is None
    assert guard.check(block([])) is None


def test_limits_on_columns_that_do_not_exist_are_inactive_and_said_so():
    oven = Limit("temperature", 0.0, 400.0, "K")
    guard = LimitGuard([oven, current()], SCHEMA)
    assert guard.applicable == (current(),)
    assert guard.check(short(rows_of([0.0], [2e-3]))).limit == current()
    assert LimitGuard([oven], SCHEMA).check(short(rows_of([99.0]))) is None


@both_paths
def test_rows_of_the_quiet_time_and_flagged_rows_count_too(frame):
    for flag in (Flag.QUIET_TIME, Flag.UNDERLOAD, Flag.RANGE_CHANGED):
        guard = LimitGuard([potential()], SCHEMA)
        assert guard.check(frame(rows_of([*INSIDE, 1.2], flags=int(flag)))) is not None
        assert guard.check(frame(rows_of(INSIDE, flags=int(flag)))) is None, "this flag is no trip"


@both_paths
def test_single_precision_is_judged_by_its_exact_value(frame):
    """0.1 in single precision is 0.10000000149: outside of 0.1, in both paths."""
    schema = Schema("cv", (Column("current", "A", "f4"),))
    guard = LimitGuard([Limit("current", -0.1, 0.1, "A")], schema)
    array = np.full(12, 0.1, dtype=schema.dtype)
    given = Frame(schema, 0.0, array=array) if frame is block else Frame(schema, 0.0, rows=array.tolist())
    assert guard.check(given).row == 0


# -- how long


@both_paths
def test_so_many_rows_in_a_row(frame):
    guard = LimitGuard([potential(rows=3)], SCHEMA)
    assert guard.check(frame(rows_of([*INSIDE, 2.0, 2.0, 0.0, 2.0, 2.0, 0.0]))) is None
    assert guard.check(frame(rows_of([*INSIDE, 2.0, 2.0, 2.5, 2.0]))).row == 14


@pytest.mark.parametrize("first", [short, block])
@pytest.mark.parametrize("second", [short, block])
def test_rows_outside_are_counted_over_frames(first, second):
    guard = LimitGuard([potential(rows=3)], SCHEMA)
    assert guard.check(first(rows_of([*INSIDE, 2.0]))) is None
    assert guard.check(second(rows_of([2.0]))) is None
    trip = guard.check(first(rows_of([2.0, *INSIDE])))
    assert (trip.row, trip.value) == (0, 2.0)


@pytest.mark.parametrize("between", [short, block])
def test_a_frame_inside_ends_the_count(between):
    guard = LimitGuard([potential(rows=2)], SCHEMA)
    assert guard.check(short(rows_of([2.0]))) is None
    assert guard.check(between(rows_of(INSIDE))) is None
    assert guard.check(short(rows_of([2.0]))) is None
    assert guard.check(short(rows_of([2.0]))) is not None


@both_paths
def test_so_many_seconds_by_the_instruments_time(frame):
    guard = LimitGuard([potential(seconds=10.0)], SCHEMA)
    rows = rows_of([*INSIDE, 2.0, 2.0, 2.0, 2.0], dt=4.0)  # outside at 48, 52, 56, 60 s
    trip = guard.check(frame(rows))
    assert trip.row == 15
    guard = LimitGuard([potential(seconds=12.0)], SCHEMA)
    assert guard.check(frame(rows)).row == 15, "outside for exactly that time counts"


def test_seconds_outside_are_counted_over_frames_and_forgotten_inside():
    guard = LimitGuard([potential(seconds=5.0)], SCHEMA)
    assert guard.check(short(rows_of([2.0], start=1.0))) is None
    assert guard.check(short(rows_of([2.0], start=5.9))) is None
    assert guard.check(short(rows_of([0.0], start=5.95))) is None
    assert guard.check(short(rows_of([2.0], start=6.0))) is None
    assert guard.check(short(rows_of([2.0], start=10.9))) is None
    assert guard.check(short(rows_of([2.0], start=11.0))) is not None


def test_an_instrument_that_begins_to_count_anew_does_not_hold_a_trip_back():
    at_once, lasting = LimitGuard([potential(rows=3)], SCHEMA), LimitGuard([potential(seconds=5.0)], SCHEMA)
    rows = [(time, 2.0, 0.0, 0) for time in (97.0, 98.0, 1.0, 2.0, 3.0, 4.0, 5.0)]
    assert at_once.check(short(rows)).row == 2
    assert lasting.check(short(rows)).row == 6, "1 s before and 4 s after; the jump itself counts nothing"


def test_seconds_are_those_of_arrival_where_the_instrument_has_no_time():
    schema = Schema("ocp", (POTENTIAL,))
    guard = LimitGuard([potential(seconds=5.0)], schema)
    outcome = [guard.check(Frame(schema, at, rows=[(2.0,)])) for at in (100.0, 103.0, 104.9, 105.0)]
    assert outcome[:3] == [None, None, None]
    assert outcome[3].value == 2.0


# -- readings that are no numbers


@both_paths
def test_too_many_readings_without_a_number_are_a_stop(frame):
    guard = LimitGuard([potential("end_step", rows=100)], SCHEMA)
    assert guard.check(frame(rows_of([*INSIDE, *[NAN] * (INVALID_ROWS - 1), 0.0]))) is None
    trip = guard.check(frame(rows_of([*INSIDE, *[NAN] * INVALID_ROWS])))
    assert (trip.row, trip.then) == (12 + INVALID_ROWS - 1, "stop")
    assert math.isnan(trip.value)
    assert trip.describe().startswith("potential was no usable reading; allowed is potential between")


def test_readings_without_a_number_are_counted_over_frames():
    guard = LimitGuard([potential()], SCHEMA)
    for _ in range(INVALID_ROWS - 1):
        assert guard.check(short(rows_of([NAN]))) is None
    assert guard.check(short(rows_of([NAN]))).then == "stop"


def test_a_missing_reading_does_not_end_a_stay_outside():
    guard = LimitGuard([potential(rows=3)], SCHEMA)
    assert guard.check(short(rows_of([2.0, NAN, 2.0, NAN, 2.0]))).row == 4


def test_a_missing_time_does_not_hold_a_trip_back():
    guard = LimitGuard([potential(seconds=5.0)], SCHEMA)
    assert guard.check(short([(0.0, 2.0, 0.0, 0), (NAN, 2.0, 0.0, 0)])).row == 1


def test_a_column_that_is_not_limited_may_be_no_number():
    assert LimitGuard([potential()], SCHEMA).check(block(rows_of(INSIDE, [NAN] * 12))) is None


# -- what happens then


@both_paths
def test_a_stop_anywhere_in_a_frame_comes_before_an_end_of_the_step(frame):
    guard = LimitGuard([potential("end_step"), current("stop")], SCHEMA)
    trip = guard.check(frame(rows_of([*INSIDE, 2.0, 0.0], [*INSIDE, 0.0, 5e-3])))
    assert (trip.then, trip.limit.column, trip.row) == ("stop", "current", 13)


@both_paths
def test_the_first_of_two_ends_of_the_step_is_told(frame):
    guard = LimitGuard([potential("end_step"), current("end_step")], SCHEMA)
    trip = guard.check(frame(rows_of([*INSIDE, 0.0, 2.0], [*INSIDE, 5e-3, 0.0])))
    assert (trip.then, trip.limit.column, trip.row) == ("end_step", "current", 12)


def test_limits_of_one_column_are_judged_separately():
    narrow = Limit("potential", -0.5, 0.5, "V", rows=2, then="end_step")
    guard = LimitGuard([narrow, potential()], SCHEMA)
    assert guard.check(short(rows_of([0.7]))) is None
    assert guard.check(short(rows_of([0.7]))).limit == narrow
    assert LimitGuard([narrow, potential()], SCHEMA).check(short(rows_of([1.7]))).then == "stop"


# -- in words


def test_a_trip_says_what_was_and_what_is_allowed():
    trip = LimitGuard([current(rows=3)], SCHEMA).check(short(rows_of([0.0] * 3, [2.5e-3] * 3)))
    assert trip.describe() == "current was 2.5 mA; allowed is current between -1 mA and 1 mA for 3 rows"
    assert potential(seconds=10.0).describe() == "potential between -1 V and 1 V for 10 s"
    assert potential().describe() == "potential between -1 V and 1 V"


# -- both paths, whatever the data


values = st.sampled_from([0.0, 0.0, 0.0, 0.9, 1.0, -1.0, 1.1, -3.0, NAN, math.inf])
UNITS = {"potential": "V", "current": "A", "temperature": "K", "power": "W", "charge": "C"}
limits = st.builds(
    lambda column, **fields: Limit(column, unit=UNITS[column], **fields),
    column=st.sampled_from(list(UNITS)),
    low=st.just(-1.0),
    high=st.sampled_from([1.0, 0.5]),
    rows=st.integers(1, 4),
    seconds=st.sampled_from([0.0, 0.0, 2.5, 7.0]),
    then=st.sampled_from(["stop", "suspend", "end_step"]),
    kind=st.sampled_from(["between", "between", "rate"]),
    over=st.sampled_from([0.0, 2.0]),
    invalid=st.integers(1, 6),
)
spacings = st.sampled_from([0.5, 0.5, 0.5, 0.0, -1.0])
flags = st.sampled_from([0] * 6 + [f.value for f in (*FLAG_ROWS, Flag.RANGE_CHANGED, Flag.GAP, Flag.QUIET_TIME)])
one_row = st.tuples(spacings, values, values, flags)
calm_rows = st.tuples(st.just(0.5), st.sampled_from([0.0, 0.1]), st.just(0.2), st.just(0))
pieces = st.lists(
    st.one_of(one_row.map(lambda row: [row]), st.builds(lambda row, n: [row] * n, calm_rows, st.integers(1, 25))),
    max_size=20,
)
"""Single rows of any kind among calm ones, of which blocks take the vectorised path."""


def summary(trip):
    return None if trip is None else (trip.limit, repr(trip.value), trip.row, trip.then, trip.reason, trip.describe())


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    st.lists(limits, max_size=3),
    pieces,
    st.sampled_from([0, Flag.COMPLIANCE | Flag.CURRENT_OVERLOAD]),
    st.data(),
)
def test_short_frames_and_blocks_give_the_same_answers(limits, pieces, expected, data):
    readings = [row for piece in pieces for row in piece]
    times = np.cumsum([step for step, *_ in readings]).tolist()
    rows = [(time, e, i, flag) for time, (_, e, i, flag) in zip(times, readings, strict=True)]
    borders = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    reach = {"potential": (-2.0, 2.0)}
    scalar, vectorised = (LimitGuard(limits, SCHEMA, int(expected), reach) for _ in range(2))
    for begin, end in zip([0, *borders], [*borders, len(rows)], strict=True):
        by_rows = summary(scalar.check(short(rows[begin:end], received=float(end))))
        by_block = summary(vectorised.check(block(rows[begin:end], received=float(end))))
        assert by_rows == by_block


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(values, max_size=60), st.integers(1, 4), st.data())
def test_where_a_run_of_rows_outside_is_cut_into_frames_does_not_matter(readings, lasting, data):
    rows, limit = rows_of(readings), potential(rows=lasting)
    whole = LimitGuard([limit], SCHEMA).check(short(rows))
    borders = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=5)))
    guard, place = LimitGuard([limit], SCHEMA), None
    for begin, end in zip([0, *borders], [*borders, len(rows)], strict=True):
        trip = guard.check(short(rows[begin:end]))
        if trip is not None:
            place = begin + trip.row
            break
    assert place == (None if whole is None else whole.row)


# -- what it costs


def calls(function, frames):
    """Python and C functions that are called for frames: what time is made of, on any computer."""
    count = 0

    def seen(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        for frame in frames:
            function(frame)
    finally:
        sys.setprofile(None)
    return count / len(frames)


def test_a_frame_of_one_row_costs_a_handful_of_calls_however_many_limits_there_are():
    frames = [short(rows_of([0.1 * (n % 3)], start=float(n))) for n in range(100)]
    two = calls(LimitGuard([potential(), current(rows=3)], SCHEMA).check, frames)
    twenty = calls(LimitGuard([potential(), current(rows=3)] * 10, SCHEMA).check, frames)
    assert two == twenty <= 6


def test_a_block_costs_no_calls_for_its_rows():
    limits = [potential(), current(rows=3), Limit("power", -1.0, 1.0, "W")]
    small, large = ([block(rows_of([0.1] * size, start=1e6 * n)) for n in range(20)] for size in (10, 1000))
    guard = LimitGuard(limits, SCHEMA)
    guard.check(large[0])  # the first block imports what blocks need
    assert calls(guard.check, large) == calls(guard.check, small) < 80
