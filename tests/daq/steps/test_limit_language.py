"""Limits as a protocol says them: what is understood, and what is refused with which words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.engine.limits import Limit as EngineLimit
from luggin.engine.limits import limits_of
from luggin.errors import UsageError
from luggin.steps import Limit, parse_limits

POTENTIAL = {"column": "potential", "between": ["-1 V", "1 V"]}
TEMPERATURE = {"column": "temperature", "between": ["20 degC", "30 degC"]}


def only(**entry) -> EngineLimit:
    (limit,) = limits_of(parse_limits([entry]))
    return limit


def refusal(**entry) -> str:
    with pytest.raises(UsageError) as refused:
        parse_limits([entry])
    return str(refused.value)


# -- what is understood


def test_a_window_has_defaults_for_all_else():
    assert only(**POTENTIAL) == EngineLimit("potential", -1.0, 1.0, "V", back_seconds=60.0, within=86400.0)


@pytest.mark.parametrize("unit", ["K", "degC", "°C"])
def test_a_rate_of_temperature_is_a_difference_in_whatever_unit(unit):
    limit = only(column="temperature", rate=[f"-6 {unit}/min", f"3 {unit}/min"], over="1 min")
    assert (limit.kind, limit.unit, limit.over) == ("rate", "K", 60.0)
    assert (limit.low, limit.high) == pytest.approx((-0.1, 0.05))


def test_temperatures_are_kelvin():
    limit = only(**TEMPERATURE)
    assert (limit.low, limit.high) == pytest.approx((293.15, 303.15))
    assert limit.unit == "K"


def test_a_suspension_says_what_is_back_for_how_long_and_how_long_to_wait():
    limit = only(**TEMPERATURE, then="suspend", back=["22 degC", "28 degC"], back_for="10 min", within="6 h")
    assert limit.then == "suspend"
    assert (limit.back_low, limit.back_high) == pytest.approx((295.15, 301.15))
    assert (limit.back_seconds, limit.within) == (600.0, 21600.0)
    assert [limit.is_back(t + 273.15) for t in (21.9, 22.1, 27.9, 28.1)] == [False, True, True, False]
    assert not limit.is_back(float("nan"))


def test_without_a_window_of_its_own_the_limit_itself_says_what_is_back():
    limit = only(**POTENTIAL, then="suspend")
    assert (limit.is_back(1.0), limit.is_back(1.001)) == (True, False)


def test_rows_that_cannot_be_used_and_late_readings_are_counted_as_written():
    limit = only(**POTENTIAL, invalid="2 rows", latency="30 s")
    assert (limit.invalid, limit.latency) == (2, 30.0)


def test_a_reading_of_a_monitor_keeps_the_unit_in_which_it_was_written():
    limit = only(column="reactor_pressure", between=["100 kPa", "0.2 MPa"])
    assert (limit.low, limit.high) == pytest.approx((100.0, 200.0))
    assert limit.unit == "kPa"
    bath = only(column="bath_temperature", rate=["-6 degC/min", "6 degC/min"])
    assert (bath.unit, bath.low) == ("K", pytest.approx(-0.1))
    rate = only(column="reactor_pressure", rate=["-1 kPa/min", "60 kPa/min"])
    assert (rate.unit, rate.low, rate.high) == ("kPa", pytest.approx(-1 / 60), pytest.approx(1.0))


def test_a_limit_is_kept_as_it_was_written():
    entry = {
        "column": "temperature",
        "rate": ["-5 degC/min", "5 K/min"],
        "over": "1 min",
        "then": "suspend",
        "back": ["20 degC", "30 degC"],
        "within": "2 h",
    }
    limit = Limit.model_validate(entry)
    assert limit.to_json() == entry
    assert str(limit) == "rate of temperature between -5 degC/min and 5 K/min over 1 min"
    assert Limit.model_validate(limit.to_json()) == limit


# -- what is refused


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"column": "potential"}, '`between` is missing. Write for example between = ["-2 V", "1 V"].'),
        (
            {**POTENTIAL, "rate": ["-1 V/s", "1 V/s"]},
            "rate: a limit is a window of values (`between`) or of rates (`rate`), not both. Write two limits.",
        ),
        ({**POTENTIAL, "over": "1 s"}, "over: `over` is the time over which a `rate` is taken; this limit has none."),
        (
            {"column": "temperature", "rate": ["-5 K", "5 K"]},
            "rate: 'K' is not a unit of 'K/s'; write for example \"1 K/s\".",
        ),
        (
            {"column": "temperature", "rate": ["5 K/min", "-5 K/min"]},
            "rate: 5 K/min is not below -5 K/min. The lowest value comes first.",
        ),
        (
            {"column": "temperature", "rate": ["-5 K/min", "5 K/min"], "over": "5 mV"},
            "over: 'mV' is not a unit of time (s)",
        ),
        (
            {"column": "temperature", "rate": ["-5 K/min", "5 K/min"], "over": "0 s"},
            "over: 0 s is out of range; allowed is more than 0 s.",
        ),
        ({"column": "charge", "between": ["-1 mA", "1 mA"]}, "between: 'mA' is not a unit of charge (C)"),
        ({**POTENTIAL, "invalid": "often"}, 'invalid: "often" is not a number of rows. Write for example "5 rows".'),
        ({**POTENTIAL, "invalid": "0 rows"}, 'invalid: "0 rows" is not a number of rows.'),
        ({**POTENTIAL, "latency": "0 s"}, "latency: 0 s is out of range; allowed is more than 0 s."),
        ({**POTENTIAL, "back": ["0 V", "1 V"]}, 'back: `back` belongs to a limit with then = "suspend".'),
        ({**POTENTIAL, "within": "1 h"}, 'within: `within` belongs to a limit with then = "suspend".'),
        (
            {"column": "current", "between": ["-1 mA", "1 mA"], "then": "suspend"},
            "then: a limit of current cannot suspend a run: with the cell open it is 0, so it would be back at once.",
        ),
        (
            {"column": "power", "between": ["-1 mW", "1 mW"], "then": "suspend"},
            "then: a limit of power cannot suspend a run: with the cell open it is 0, so it would be back at once.",
        ),
        (
            {"column": "charge", "between": ["-1 C", "1 C"], "then": "suspend"},
            "then: a limit of charge cannot suspend a run: with the cell open it does not change, so it would never be",
        ),
        (
            {"column": "temperature", "rate": ["-5 K/min", "5 K/min"], "then": "suspend"},
            "then: `back` is missing: in which window of temperature does the run go on",
        ),
        (
            {**TEMPERATURE, "then": "suspend", "back": ["22 degC", "31 degC"]},
            "back: 22 degC ... 31 degC is not inside the limit itself (temperature between 20 degC and 30 degC)",
        ),
        ({**POTENTIAL, "then": "pause"}, "then: \"pause\" is not one of 'stop', 'end_step' or 'suspend'."),
        ({"column": "a" * 200 + " ", "between": ["0 V", "1 V"]}, "cannot be limited"),
        ({"column": "no name", "between": ["0 V", "1 V"]}, "column: `no name` cannot be limited"),
        ({"column": "pressure_gauge", "between": ["1", "2 V"]}, "between: 'V' is not a unit of '1'"),
        ({"column": "pressure_gauge", "between": ["0 furlong", "1 furlong"]}, "'furlong' is not a known unit."),
        ({"column": "pressure_gauge", "between": [0, 1]}, "between: 0 is not a quantity."),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(entry, words):
    assert words in refusal(**entry)


def test_all_mistakes_of_all_limits_come_at_once():
    with pytest.raises(UsageError) as refused:
        parse_limits(
            [
                {"column": "current", "between": ["-1 mA", "1 mA"], "then": "suspend"},
                {**POTENTIAL, "invalid": "never"},
                POTENTIAL,
            ]
        )
    assert [line.split(":")[1].strip() for line in str(refused.value).splitlines()] == ["[1].then", "[2].invalid"]


texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["5 rows", "1 V", "-1 V", "5 K/min", "-5 degC/min", "1 h", "0", "nan V", "1e400 V", "5 /min"]),
)
anything = st.one_of(texts, st.integers(), st.none(), st.lists(texts, max_size=3), st.booleans())


@settings(deadline=None, derandomize=True, max_examples=400)
@given(
    st.fixed_dictionaries(
        {"column": st.one_of(texts, st.sampled_from(["potential", "temperature", "bath"]))},
        optional=dict.fromkeys(("between", "rate", "over", "for", "then", "invalid", "back", "within"), anything),
    )
)
def test_whatever_is_written_is_a_limit_or_a_refusal(entry):
    try:
        limits = limits_of(parse_limits([entry]))
    except UsageError:
        return  # anything else would be a failure
    assert limits[0].low < limits[0].high
