"""Numbers, units and times as they are printed."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.units import rounded
from luggin_plugins.report.axes import Scale, axis_label, scale_for
from luggin_plugins.report.markup import Html, clean, element, escaped, table
from luggin_plugins.report.wording import (
    Times,
    described,
    limit_words,
    parameters,
    quantity_name,
    quantity_unit,
    reference_name,
    short,
    value_with_unit,
    with_uncertainty,
)


@pytest.mark.parametrize(
    ("value", "u", "said"),
    [
        (-0.4760492, 0.00034175, ("-0.47605", "0.00034", 0)),
        (0.0659948, 0.000996, ("0.0660", "0.0010", 0)),
        (0.00002, 0.00034, ("0.00002", "0.00034", 0)),
        (12345.0, 678.0, ("12340", "680", 0)),
        (1.0234e-5, 0.051e-5, ("1.023", "0.051", -5)),
        (-1.5e7, 2.0e5, ("-1.500", "0.020", 7)),
        (0.476049, None, ("0.47605", "", 0)),
        (0.476049, 0.0, ("0.47605", "", 0)),
        (0.476049, math.inf, ("0.47605", "", 0)),
        (0.0, None, ("0", "", 0)),
    ],
)
def test_rounded_to_two_digits_of_the_uncertainty(value, u, said):
    assert rounded(value, u) == said


@settings(deadline=None, derandomize=True)
@given(st.floats(-1e9, 1e9), st.floats(1e-12, 1e8))
def test_rounding_never_moves_a_value_by_more_than_a_tenth_of_its_uncertainty(value, u):
    number, spread, power = rounded(value, u)
    assert abs(float(number) * 10.0**power - value) <= 0.0501 * u * (1 + 1e-9) + 1e-12 * abs(value)
    assert abs(float(spread) * 10.0**power - u) <= 0.051 * u
    assert len(spread.replace(".", "").lstrip("0").rstrip("0")) <= 2


def test_value_carries_all_its_digits_for_programs():
    assert with_uncertainty(-0.47604921500376, 0.00034) == ('<data value="-0.47604921500376">−0.47605 ± 0.00034</data>')
    assert with_uncertainty(1.0234e-5, 5.1e-7) == '<data value="1.0234e-05">(1.023 ± 0.051) · 10<sup>−5</sup></data>'


def test_number_without_uncertainty_says_so():
    assert "no uncertainty stated" in with_uncertainty(0.5, None)
    assert with_uncertainty(None, 0.1) == with_uncertainty(math.nan, 0.1) == "no number"


def test_names_and_units_of_quantities():
    assert quantity_name("half_wave_potential") == "half-wave potential <i>E</i><sub>1/2</sub>"
    assert quantity_name("<b>") == "&lt;b&gt;"
    assert quantity_unit("peak_potential", "V", "Ag/AgCl (3.5 M KCl)") == "V vs Ag/AgCl (3.5 M KCl)"
    assert quantity_unit("peak_potential", "V", "") == "V (reference electrode not stated)"
    assert quantity_unit("peak_separation", "V", "Ag/AgCl") == "V"
    assert quantity_unit("solution_resistance", "ohm", "Ag/AgCl") == "Ω"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ({"electrode": "Ag/AgCl", "fill": "3.5 M KCl"}, "Ag/AgCl (3.5 M KCl)"),
        ({"electrode": "SCE"}, "SCE"),
        ({"name": "Ag wire"}, "Ag wire"),
        ("Li foil", "Li foil"),
        (None, ""),
    ],
)
def test_reference_electrode(reference, said):
    assert reference_name({"reference": reference}) == said


def test_parameters_in_words_with_the_zero_that_was_asked_for():
    said = parameters(
        {"begin": 0.1234, "rate": 0.025, "quiet": 0.0, "current_range": None},
        {"begin": "0 V vs ocp", "rate": "25 mV/s"},
    )
    assert said == ("begin 0.1234 V (asked for: 0 V vs ocp); scan rate 25 mV/s; current range automatic")
    assert (
        parameters({"dt": 0.5, "duration": 7200.0, "twist": "x"}, {}) == "one point every 500 ms; duration 2 h; twist x"
    )


def test_values_and_limits():
    assert value_with_unit(-0.0000471, "A") == "−47.1 µA"
    assert value_with_unit(-0.476, "V") == "−0.476 V"
    assert limit_words({"low": -1e-4, "high": 1e-4, "unit": "A"}) == "−100 µA … 100 µA"
    assert limit_words({"low": -math.inf, "high": 2.0, "unit": "V"}) == "at most 2 V"
    assert limit_words({"low": 1.0, "high": None, "unit": "V"}) == "at least 1 V"
    assert limit_words({}) == "anything"


def test_described_electrode_and_long_texts():
    assert described({"material": "glassy carbon", "diameter": "3.0(1) mm"}) == "glassy carbon, diameter 3.0(1) mm"
    assert short("a" * 500, 10) == "a" * 9 + "…"
    assert short("two\n lines") == "two lines"


def test_time_of_day_is_local_and_says_its_offset():
    first = datetime(2030, 1, 1, 23, 30, tzinfo=UTC)
    times = Times(lambda run_time: first + timedelta(seconds=run_time), timezone(timedelta(hours=-3, minutes=-30)))
    utc = "2030-01-01T23:31:00.000Z"
    assert times.show(60.0) == f'<time datetime="{utc}" title="UTC {utc}">2030-01-01 20:01:00 −03:30</time>'


def test_run_that_does_not_know_when_it_began_says_run_time():
    assert Times(lambda _: None).show(95.0) == "1 min 35 s after the start"


@pytest.mark.parametrize(
    ("greatest", "unit", "said", "factor"),
    [
        (4.6e-6, "A", "µA", 1e6),
        (1e-3, "A", "mA", 1e3),
        (0.0, "A", "A", 1.0),
        (1.7, "V", "V", 1.0),
        (0.002, "V", "V", 1.0),
        (5e4, "ohm", "kΩ", 1e-3),
        (300.0, "K", "K", 1.0),
    ],
)
def test_axes_take_the_prefix_of_their_greatest_value(greatest, unit, said, factor):
    scale = scale_for([np.array([0.0, -greatest, np.nan])], unit)
    assert scale.unit == said
    assert scale.factor == pytest.approx(factor)


def test_axis_labels_are_quotients():
    assert axis_label("potential vs Ag/AgCl (3.5 M KCl)", Scale("V")) == "E vs Ag/AgCl (3.5 M KCl) / V"
    assert axis_label("current", Scale("µA")) == "I / µA"
    assert axis_label("scan rate", Scale("mV/s")) == "scan rate / (mV/s)"
    assert axis_label("ratio", Scale("1")) == "ratio"


@settings(deadline=None, derandomize=True)
@given(st.text(st.characters()))
def test_any_text_becomes_a_text_of_one_element(text):
    made = element("p", text, title=text)
    assert made.count("<") == 2
    assert made.count(">") == 2
    assert made.count('"') == 2
    made.encode("utf-8")


def test_markup_is_kept_and_text_is_not():
    assert element("p", Html("<b>x</b>"), "<b>") == "<p><b>x</b>&lt;b&gt;</p>"
    assert escaped("\x1b\u202e") == "\ufffd\ufffd"
    assert clean("tab\tand\nline") == "tab\tand\nline"


def test_short_row_of_a_table_fills_the_rest():
    assert '<td colspan="3" class="gap">… 4 more</td>' in table(["a", "b", "c"], [["… 4 more"]])
