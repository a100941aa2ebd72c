"""Limits of what is computed (rates, power, charge), of other units, and which of several trips decides."""

import math

import numpy as np
import pytest

from luggin.engine.limits import Limit, LimitGuard, Trip, limits_of
from luggin.engine.watches import judged_columns
from luggin.errors import UnitError
from luggin.records import CURRENT, FLAGS, INSTRUMENT_TIME, POTENTIAL, TIME, VOLTAGE, Column, Flag, Frame, Schema
from luggin.steps import parse_limits

SCHEMA = Schema("cp", (INSTRUMENT_TIME, POTENTIAL, CURRENT, FLAGS))
NAN = math.nan


def short(rows, schema=SCHEMA) -> Frame:
    return Frame(schema, 0.0, rows=rows)


def block(rows, schema=SCHEMA) -> Frame:
    return Frame(schema, 0.0, array=np.array(rows, dtype=schema.dtype))


both_paths = pytest.mark.parametrize("frame", [short, block])
CALM = [(float(n), 0.0, 0.0, 0) for n in range(-12, 0)]


# -- power


@both_paths
def test_power_is_potential_times_current(frame):
    limit = Limit("power", -1e-3, 1e-3, "W")
    rows = [*CALM, (0.0, 2.0, 0.4e-3, 0), (1.0, -2.0, 0.6e-3, 0)]
    trip = LimitGuard([limit], SCHEMA).check(frame(rows))
    assert (trip.row, trip.value) == (len(CALM) + 1, -1.2e-3)
    assert trip.describe() == "power was -1.2 mW; allowed is power between -1 mW and 1 mW"


@both_paths
def test_in_a_cell_of_two_electrodes_it_is_voltage_times_current(frame):
    schema = Schema("charge", (INSTRUMENT_TIME, POTENTIAL, VOLTAGE, CURRENT))
    rows = [(float(n), 0.1, 2.0, 1e-3) for n in range(12)]
    trip = LimitGuard([Limit("power", -1e-3, 1e-3, "W")], schema).check(frame(rows, schema))
    assert trip.value == 2e-3


@both_paths
def test_a_column_of_its_own_comes_before_what_is_computed(frame):
    schema = Schema("x", (INSTRUMENT_TIME, POTENTIAL, CURRENT, Column("power", "mW"), Column("charge", "mC")))
    rows = [(float(n), 9.0, 9.0, 0.5, 0.5) for n in range(12)]
    limits = [Limit("power", -1e-3, 1e-3, "W"), Limit("charge", -1e-3, 1e-3, "C")]
    assert LimitGuard(limits, schema).check(frame(rows, schema)) is None
    rows[3] = (3.0, 0.0, 0.0, 1.5, 0.5)
    trip = LimitGuard(limits, schema).check(frame(rows, schema))
    assert (trip.row, trip.value, trip.limit.unit) == (3, 1.5, "mW")


# -- charge


@both_paths
def test_charge_is_the_current_over_the_instruments_time(frame):
    """2 mA for 5 s are 10 mC: with more than that allowed nothing trips, with a little less the row that passes it."""
    rows = [(float(n), 0.0, 2e-3, 0) for n in range(6)] + [(float(n), 0.0, 0.0, 0) for n in range(6, 20)]
    # Trapezoids: five whole intervals, and half of the one in which the current goes to 0.
    assert LimitGuard([Limit("charge", -1.0, 0.0110001, "C")], SCHEMA).check(frame(rows)) is None
    trip = LimitGuard([Limit("charge", -1.0, 0.0109, "C")], SCHEMA).check(frame(rows))
    assert (trip.row, trip.value) == (6, pytest.approx(0.011))
    assert trip.describe().startswith("charge was 11 mC; allowed is charge between -1 C and")


@both_paths
def test_what_flows_both_ways_cancels(frame):
    rows = [(float(n), 0.0, 1e-3 * (-1) ** (n // 10), 0) for n in range(200)]
    assert LimitGuard([Limit("charge", -0.011, 0.011, "C")], SCHEMA).check(frame(rows)) is None


@both_paths
def test_charge_goes_on_over_missing_readings_and_not_over_an_open_cell(frame):
    missing = [
        (0.0, 0.0, 1e-3, 0),
        (1.0, 0.0, NAN, 0),
        (2.0, 0.0, 1e-3, 0),
        *((3.0 + n, 0.0, 0.0, 0) for n in range(9)),
    ]
    assert LimitGuard([Limit("charge", -1.0, 2.4e-3, "C")], SCHEMA).check(frame(missing)).row == 3
    assert LimitGuard([Limit("charge", -1.0, 2.51e-3, "C")], SCHEMA).check(frame(missing)) is None
    opened = [(0.0, 0.0, 1e-3, 0), (100.0, 0.0, 1e-3, int(Flag.CELL_OFF | Flag.GAP)), (101.0, 0.0, 1e-3, 0)]
    assert LimitGuard([Limit("charge", -1.0, 1.1e-3, "C")], SCHEMA).check(frame(opened)) is None


def test_charge_of_a_time_that_begins_anew_is_not_negative():
    rows = [(98.0, 0.0, 1e-3, 0), (99.0, 0.0, 1e-3, 0), (0.0, 0.0, 1e-3, 0), (1.0, 0.0, 1e-3, 0)]
    assert LimitGuard([Limit("charge", -1e-9, 2.01e-3, "C")], SCHEMA).check(short(rows)) is None


# -- rates


def rate(low, high, over=0.0, column="potential", unit="V", **more):
    return Limit(column, low, high, unit, kind="rate", over=over, **more)


@both_paths
def test_a_rate_from_row_to_row(frame):
    rows = [*CALM, (0.0, 0.5, 0.0, 0), (1.0, 1.6, 0.0, 0), (2.0, 1.6, 0.0, 0)]
    trip = LimitGuard([rate(-1.0, 1.0)], SCHEMA).check(frame(rows))
    assert (trip.row, trip.value) == (len(CALM) + 1, pytest.approx(1.1))
    assert trip.describe() == "rate of potential was 1.1 V/s; allowed is rate of potential between -1 V/s and 1 V/s"
    assert LimitGuard([rate(-1.0, 1.0, rows=2)], SCHEMA).check(frame(rows)) is None


@both_paths
def test_a_rate_over_a_time_does_not_see_the_noise(frame):
    noise = np.random.default_rng(3).normal(0.0, 0.01, 2000)
    calm = [(0.01 * n, float(e), 0.0, 0) for n, e in enumerate(noise)]
    assert LimitGuard([rate(-0.02, 0.02, over=2.0)], SCHEMA).check(frame(calm)) is None
    assert LimitGuard([rate(-0.02, 0.02)], SCHEMA).check(frame(calm)) is not None
    drifting = [(t, e + 0.03 * max(t - 10.0, 0.0), i, f) for t, e, i, f in calm]
    trip = LimitGuard([rate(-0.02, 0.02, over=2.0)], SCHEMA).check(frame(drifting))
    assert 10.0 < drifting[trip.row][0] < 12.0, "seen within the time over which it is taken"
    assert trip.describe().endswith("between -20 mV/s and 20 mV/s over 2 s")


@both_paths
@pytest.mark.parametrize("over", [0.0, 3.0])
def test_a_rate_is_not_judged_across_a_gap(frame, over):
    before = [(float(n), 0.0, 0.0, 0) for n in range(10)]
    after = [(10.0 + n, 50.0, 0.0, int(Flag.GAP) if n == 0 else 0) for n in range(10)]
    assert LimitGuard([rate(-0.1, 0.1, over)], SCHEMA).check(frame([*before, *after])) is None
    unmarked = [(t, e, i, 0) for t, e, i, _ in after]
    assert LimitGuard([rate(-0.1, 0.1, over)], SCHEMA).check(frame([*before, *unmarked])).row == 10


def test_a_rate_is_not_judged_across_a_new_technique():
    """A guard is made for each technique; what the one before read is nothing to it."""
    for _ in range(2):
        assert LimitGuard([rate(-0.1, 0.1)], SCHEMA).check(short([(0.0, 5.0, 0.0, 0)])) is None


@both_paths
def test_missing_readings_are_left_out_of_a_rate_and_counted(frame):
    rows = [(float(n), NAN if n in (5, 6) else 0.5 * n, 0.0, 0) for n in range(12)]
    assert LimitGuard([rate(0.49, 0.51)], SCHEMA).check(frame(rows)) is None
    lost = [*rows, *((12.0 + n, NAN, 0.0, 0) for n in range(5))]
    trip = LimitGuard([rate(0.49, 0.51, then="end_step")], SCHEMA).check(frame(lost))
    assert (trip.row, trip.then, trip.reason) == (16, "stop", "invalid")


@both_paths
def test_a_rate_of_what_is_computed(frame):
    rows = [(float(n), 1.0, 1e-3 * n, 0) for n in range(20)]
    trip = LimitGuard([rate(-1.0, 0.9e-3, column="power", unit="W")], SCHEMA).check(frame(rows))
    assert (trip.row, trip.value) == (1, pytest.approx(1e-3))


@both_paths
@pytest.mark.parametrize("unit", ["K", "degC"])
def test_a_rate_of_temperature_as_a_protocol_writes_it(frame, unit):
    """6 K/min in 10 s steps: 1 K a step. In degC and in K the same differences."""
    schema = Schema("oven", (TIME, Column("temperature", unit), FLAGS))
    (limit,) = limits_of(parse_limits([{"column": "temperature", "rate": ["-5 K/min", "5 K/min"], "over": "30 s"}]))
    zero = 298.0 if unit == "K" else 25.0
    slow = [(10.0 * n, zero + 0.8 * n, 0) for n in range(30)]
    fast = [(10.0 * n, zero + 1.0 * n, 0) for n in range(30)]
    assert LimitGuard([limit], schema).check(frame(slow, schema)) is None
    trip = LimitGuard([limit], schema).check(frame(fast, schema))
    assert trip.row == 3
    assert trip.describe() == (
        "rate of temperature was 6 K/min; allowed is rate of temperature between -5 K/min and 5 K/min over 30 s"
    )


# -- units


@both_paths
def test_a_column_in_another_unit_is_judged_in_its_own(frame):
    schema = Schema("oven", (INSTRUMENT_TIME, Column("temperature", "degC")))
    (limit,) = limits_of(parse_limits([{"column": "temperature", "between": ["20 degC", "30 degC"]}]))
    rows = [(float(n), 25.0) for n in range(12)]
    assert LimitGuard([limit], schema).check(frame(rows, schema)) is None
    trip = LimitGuard([limit], schema).check(frame([*rows, (20.0, 30.5)], schema))
    assert trip.describe() == "temperature was 30.5 degC; allowed is temperature between 20 degC and 30 degC"


def test_what_counts_as_back_is_converted_too():
    entry = {
        "column": "temperature",
        "between": ["20 degC", "30 degC"],
        "then": "suspend",
        "back": ["22 degC", "28 degC"],
    }
    (limit,) = limits_of(parse_limits([entry]))
    bath = limit.in_unit("degC")
    assert (bath.low, bath.high, bath.back_low, bath.back_high) == pytest.approx((20.0, 30.0, 22.0, 28.0))
    assert bath.is_back(25.0)
    assert not bath.is_back(29.0)
    assert bath.in_unit("K").back_high == pytest.approx(limit.back_high)


def test_a_column_of_another_kind_cannot_be_judged():
    schema = Schema("x", (Column("temperature", "V"),))
    with pytest.raises(UnitError, match="'K' cannot be turned into 'V'"):
        LimitGuard([Limit("temperature", 0.0, 1.0, "K")], schema)


def test_what_limits_can_be_judged_by():
    assert judged_columns(SCHEMA) >= {"potential", "current", "power", "charge"}
    assert "charge" not in judged_columns(Schema("x", (POTENTIAL, CURRENT)))
    assert "power" not in judged_columns(Schema("ocp", (INSTRUMENT_TIME, POTENTIAL)))


# -- which of several decides


@both_paths
def test_a_stop_comes_before_a_suspension_before_the_end_of_a_step(frame):
    limits = [
        Limit("potential", -1.0, 1.0, "V", then="end_step"),
        Limit("current", -1e-3, 1e-3, "A", then="suspend"),
        Limit("power", -1.0, 1.0, "W", then="stop"),
    ]
    two = [*CALM, (0.0, 2.0, 0.0, 0), (1.0, 0.0, 5e-3, 0), (2.0, 2.0, 0.0, 0)]
    trip = LimitGuard(limits, SCHEMA).check(frame(two))
    assert (trip.then, trip.row) == ("suspend", len(CALM) + 1)
    trip = LimitGuard(limits, SCHEMA).check(frame([*two, (3.0, 200.0, 6e-3, 0)]))
    assert (trip.then, trip.limit.column) == ("stop", "power")
    assert trip.outweighs(None)
    assert not trip.outweighs(trip)


def test_a_limit_of_a_temperature_is_told_as_it_was_written():
    (limit,) = limits_of(parse_limits([{"column": "temperature", "between": ["0 degC", "70.25 degC"]}]))
    assert limit.unit == "K"
    assert limit.describe() == "temperature between 0 degC and 70.25 degC"
    assert Trip(limit, 343.65, 0, "stop").describe() == f"temperature was 70.5 degC; allowed is {limit.describe()}"
    assert limit.in_unit("degC").describe() == limit.describe()
