"""Numbers as MethodSCRIPT takes them: integers with a prefix, exact or refused."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import LimitError
from luggin_drivers.palmsens.script import command, load_and_run, nearest, number

FACTORS = {"": 0, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.025, "25m"),
        (-0.2, "-200m"),
        (0.0, "0"),
        (-0.0, "0"),
        (2.0, "2"),
        (0.0025, "2500u"),
        (1.5, "1500m"),
        (1e-9, "1n"),
        (63e-6, "63u"),
        (200e3, "200000"),
        (0.000244, "244u"),
        (100e-9, "100n"),
    ],
)
def test_spelling(value, text):
    assert number(value) == text


@pytest.mark.parametrize("value", [1 / 3, 0.1 + 0.2, 134.217729001, 2.0**28, 1e-16, math.nan, math.inf])
def test_what_has_no_exact_spelling_is_refused(value):
    with pytest.raises(LimitError):
        number(value)


@settings(deadline=None, derandomize=True)
@given(st.floats(-1e8, 1e8))
def test_rounded_numbers_can_always_be_written_and_mean_themselves(value):
    rounded = nearest(value)
    text = number(rounded)
    mantissa, prefix = re.fullmatch(r"(-?\d+)([munpf]?)", text).groups()
    assert float(f"{mantissa}e{FACTORS[prefix]}") == rounded
    # the next coarser prefix begins at 134 thousand of the finer: half a unit of that is 3.7e-6
    assert rounded == pytest.approx(value, rel=3.8e-6, abs=0.5e-6)


def test_rounding_is_coarser_only_where_it_must_be():
    assert nearest(0.1234567) == 0.123457
    assert nearest(200.0000004) == 200.0
    assert nearest(200.0004) == 200.0
    assert nearest(200.001) == 200.001
    with pytest.raises(LimitError, match="too large"):
        nearest(1e9)


def test_no_line_is_longer_than_the_instrument_takes():
    assert len(command("x" * 250, "abcd")) == 255
    with pytest.raises(LimitError, match="256"):
        command("x" * 250, "abcde")


def test_a_script_is_loaded_by_e_and_ended_by_an_empty_line():
    assert load_and_run(["cell_off"]) == b"e\ncell_off\n\n"
