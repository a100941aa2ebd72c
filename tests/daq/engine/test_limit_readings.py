"""Readings that cannot be used and flags that nobody expects: counted, told in words, and never mistaken."""

import math

import numpy as np
import pytest

from luggin.engine.limits import FLAG_ROWS, Limit, LimitGuard
from luggin.records import CURRENT, FLAGS, INSTRUMENT_TIME, POTENTIAL, Column, Flag, Frame, Schema

SCHEMA = Schema("cv", (INSTRUMENT_TIME, POTENTIAL, CURRENT, FLAGS))
OPEN = Schema("ocp", (INSTRUMENT_TIME, POTENTIAL, FLAGS))
POTENTIAL_LIMIT = Limit("potential", -1.0, 1.0, "V", rows=100, then="end_step")
NAN = math.nan


def short(rows, schema=SCHEMA) -> Frame:
    return Frame(schema, 0.0, rows=rows)


def block(rows, schema=SCHEMA) -> Frame:
    return Frame(schema, 0.0, array=np.array(rows, dtype=schema.dtype))


both_paths = pytest.mark.parametrize("frame", [short, block])
CALM = [(float(n), 0.01 * n, 0.0, 0) for n in range(-12, 0)]
"""Enough rows for a block to take the vectorised path."""


def guard(*limits, **options) -> LimitGuard:
    return LimitGuard(limits or [POTENTIAL_LIMIT], SCHEMA, **options)


# -- stale: the row before once more


@both_paths
def test_a_row_that_comes_again_and_again_is_no_reading(frame):
    rows = [*CALM, *[(1.0, 0.5, 1e-6, 0)] * 6]
    trip = guard().check(frame(rows))
    assert (trip.row, trip.then, trip.reason) == (len(CALM) + 5, "stop", "invalid")
    assert trip.describe() == (
        "potential was no usable reading (the same reading again and again); allowed is potential between -1 V and 1 V "
        "for 100 rows"
    )
    assert guard().check(frame(rows[:-1])) is None, "five repetitions are wanted, not five equal rows"


@both_paths
def test_a_value_that_repeats_with_a_later_time_is_a_reading(frame):
    """A noiseless cell and a coarse instrument do that, for as long as they like."""
    assert guard().check(frame([(float(n), 0.5, 1e-6, 0) for n in range(1000)])) is None


@both_paths
def test_a_time_that_is_too_coarse_for_the_readings_is_no_standstill(frame):
    assert guard().check(frame([(math.floor(n / 50), 0.001 * n, 1e-6, 0) for n in range(900)])) is None


@both_paths
def test_a_missing_value_equals_a_missing_value(frame):
    rows = [*CALM, *[(1.0, 0.5, float("nan"), 0) for _ in range(6)]]
    assert guard().check(frame(rows)).row == len(CALM) + 5


@pytest.mark.parametrize("first", [short, block])
@pytest.mark.parametrize("second", [short, block])
def test_repetitions_are_counted_over_frames(first, second):
    watching = guard()
    assert watching.check(first([*CALM, (1.0, 0.5, 0.0, 0)])) is None
    assert watching.check(second([(1.0, 0.5, 0.0, 0)] * 4)) is None
    assert watching.check(first([(1.0, 0.5, 0.0, 0), *[(n + 2.0, 0.5, 0.0, 0) for n in range(9)]])).row == 0


def test_a_good_reading_ends_the_count():
    rows = [(1.0, 0.5, 0.0, 0)] * 5 + [(2.0, 0.5, 0.0, 0)] * 5
    assert guard().check(short(rows)) is None


def test_where_the_instrument_has_no_time_nothing_is_known_about_standstill():
    schema = Schema("meter", (Column("potential", "V"),))
    assert LimitGuard([POTENTIAL_LIMIT], schema).check(Frame(schema, 0.0, rows=[(0.5,)] * 99)) is None


# -- impossible


@both_paths
@pytest.mark.parametrize("value", [50.0, -31.0, math.inf])
def test_more_than_the_instrument_can_show_is_no_reading(frame, value):
    reach = {"potential": (-30.0, 30.0)}
    rows = [*CALM, *[(float(n), value, 0.0, 0) for n in range(5)]]
    trip = guard(reach=reach).check(frame(rows))
    assert (trip.row, trip.then, trip.reason) == (len(CALM) + 4, "stop", "invalid")
    assert "cannot be" in trip.describe()
    assert guard(reach=reach).check(frame(rows[:-1])) is None
    assert guard().check(frame([*rows[:-1], (9.0, 29.0, 0.0, 0)])) is None, "outside, but for less than 100 rows"


@both_paths
def test_what_is_impossible_is_outside_too(frame):
    at_once = Limit("potential", -1.0, 1.0, "V", then="end_step")
    trip = guard(at_once, reach={"potential": (-30.0, 30.0)}).check(frame([*CALM, (0.0, 50.0, 0.0, 0)]))
    assert (trip.reason, trip.then, trip.row) == ("outside", "end_step", len(CALM))


@both_paths
def test_inside_a_limit_that_is_wider_than_the_instrument_reaches(frame):
    wide = Limit("potential", -100.0, 100.0, "V")
    trip = guard(wide, reach={"potential": (-30.0, 30.0)}).check(
        frame([*CALM, *[(float(n), 50.0, 0.0, 0) for n in range(5)]])
    )
    assert trip.reason == "invalid"


@both_paths
@pytest.mark.parametrize(("unit", "cold"), [("K", -0.1), ("degC", -273.3)])
def test_nothing_is_colder_than_nothing(frame, unit, cold):
    schema = Schema("oven", (INSTRUMENT_TIME, Column("temperature", unit)))
    limit = Limit("temperature", 0.0, 400.0, "K", rows=100)
    rows = [(float(n), 300.0 if unit == "K" else 27.0) for n in range(12)] + [(20.0 + n, cold) for n in range(5)]
    assert LimitGuard([limit], schema).check(frame(rows, schema)).reason == "invalid"


@both_paths
@pytest.mark.parametrize("rows", [1, 2, 8])
def test_so_many_as_the_limit_says(frame, rows):
    limit = Limit("potential", -1.0, 1.0, "V", invalid=rows)
    missing = [*CALM, *[(float(n), NAN, 0.0, 0) for n in range(rows)]]
    assert guard(limit).check(frame(missing)).row == len(CALM) + rows - 1
    assert guard(limit).check(frame(missing[:-1])) is None


# -- flags


def flagged(flag, rows, start=0.0):
    return [(start + n, 0.1, 0.0, int(flag)) for n in range(rows)]


@both_paths
@pytest.mark.parametrize(("flag", "rows"), FLAG_ROWS.items())
def test_a_flag_that_nobody_expects(frame, flag, rows):
    trip = guard().check(frame([*CALM, *flagged(flag, rows), *flagged(0, 3, 50.0)]))
    assert (trip.row, trip.then, trip.reason) == (len(CALM) + rows - 1, "stop", "flag")
    assert (
        guard().check(frame([*CALM, *flagged(flag, rows - 1), *flagged(0, 1, 40.0), *flagged(flag, rows - 1, 50.0)]))
        is None
    )


@both_paths
@pytest.mark.parametrize("flag", FLAG_ROWS)
def test_a_flag_that_is_expected_is_no_trip(frame, flag):
    assert guard(expected_flags=flag.value).check(frame([*CALM, *flagged(flag, 99)])) is None


def test_what_the_instrument_reports_is_named():
    for flag, words in {
        Flag.CURRENT_OVERLOAD: "the instrument reports an overload of the current (5 rows in a row)",
        Flag.POTENTIAL_OVERLOAD: "the instrument reports an overload of the potential (5 rows in a row)",
        Flag.COMPLIANCE: "the instrument reports compliance: it cannot apply what was asked for (5 rows in a row)",
        Flag.CELL_OFF: "the instrument reports an open cell, while a technique runs on it (3 rows in a row)",
        Flag.OVERTEMPERATURE: "the instrument reports that it is too hot",
    }.items():
        assert guard().check(short(flagged(flag, 9))).describe() == words


@pytest.mark.parametrize("flag", [f for f in Flag if f not in FLAG_ROWS], ids=lambda flag: flag.name)
def test_other_flags_say_something_about_a_reading_and_trip_nothing(flag):
    assert guard().check(short(flagged(flag, 99))) is None


@both_paths
def test_flags_are_judged_without_any_limit(frame):
    watching = LimitGuard([], SCHEMA)
    assert watching.check(frame([*CALM, *flagged(Flag.CURRENT_OVERLOAD, 5)])).reason == "flag"
    assert LimitGuard([], Schema("x", (POTENTIAL,))).check(Frame(SCHEMA, 0.0, rows=[(9e9,)] * 20)) is None


@both_paths
def test_rows_at_which_the_range_changes_do_not_count(frame):
    changing = [(float(n), 0.1, 0.0, int(Flag.CURRENT_OVERLOAD | Flag.RANGE_CHANGED)) for n in range(50)]
    assert guard().check(frame([*CALM, *changing])) is None
    few = [(float(n), 0.1, 0.0, int(Flag.CURRENT_OVERLOAD)) for n in range(4)]
    assert guard().check(frame([*CALM, *few, *changing[10:], *flagged(0, 1, 60.0)])) is None
    # ... but they do not make an overload that stays look like a new one each time.
    assert guard().check(frame([*CALM, *few, changing[4], (9.0, 0.1, 0.0, 2)])).row == len(CALM) + 5


@both_paths
def test_compliance_at_a_limit_is_how_the_instrument_holds_it(frame):
    """The limit itself says for how long it may be left."""
    limit = Limit("current", -1e-3, 1e-3, "A", rows=20)
    held = [(float(n), 0.1, 1.1e-3, int(Flag.COMPLIANCE)) for n in range(20)]
    trip = guard(limit).check(frame([*CALM, *held]))
    assert (trip.row, trip.reason) == (len(CALM) + 19, "outside")
    inside = [(float(n), 0.1, 0.9e-3, int(Flag.COMPLIANCE)) for n in range(20)]
    assert guard(limit).check(frame([*CALM, *inside])).reason == "flag"


@both_paths
def test_an_open_cell_is_what_is_wanted_where_no_current_is_measured(frame):
    rows = [(float(n), 0.1, int(Flag.CELL_OFF)) for n in range(30)]
    assert LimitGuard([POTENTIAL_LIMIT], OPEN).check(frame(rows, OPEN)) is None


@pytest.mark.parametrize("first", [short, block])
@pytest.mark.parametrize("second", [short, block])
def test_flags_are_counted_over_frames(first, second):
    watching = guard()
    overloaded = [*CALM, *flagged(Flag.CURRENT_OVERLOAD, 4)]
    assert watching.check(first(overloaded)) is None
    assert watching.check(second([(9.0 + n, 0.1, 0.0, 2 if n == 0 else 0) for n in range(12)])).row == 0


@pytest.mark.parametrize("between", [short, block])
def test_a_frame_without_flags_ends_their_count(between):
    watching = guard()
    assert watching.check(short(flagged(Flag.CURRENT_OVERLOAD, 4))) is None
    assert watching.check(between(flagged(0, 12, 10.0))) is None
    assert watching.check(short(flagged(Flag.CURRENT_OVERLOAD, 4, 30.0))) is None
