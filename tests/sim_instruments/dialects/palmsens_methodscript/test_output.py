"""Values and errors byte for byte, with the published examples of the package format."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin_sim.dialects.palmsens_methodscript.output import error, metadata, pack

PREFIX = dict(zip("afpnum kMGTPE", (10.0**e for e in range(-18, 19, 3)), strict=True))


def unpack(text):
    """The value that the vendor's rule gives to a field."""
    return (int(text[:7], 16) - 2**27) * PREFIX[text[7]]


@pytest.mark.parametrize(
    ("value", "packed"),
    [
        (-0.499905, "7F85F3Fu"),
        (-5.7847747e-05, "48D503Dp"),
        (0.503857, "807B031u"),
        (5.3871765e-05, "B360495p"),
        (0.005137370, "84E63DAn"),
        (2.799987e-09, "82AB973f"),
        (0.0, "8000000 "),
        (math.nan, "     nan"),
        (math.inf, "     nan"),
        (1e30, "     nan"),
    ],
)
def test_published_fields_come_out_with_their_bytes(value, packed):
    assert pack(value) == packed


@pytest.mark.parametrize(
    ("value", "packed"),
    [
        (0.134217727, "FFFFFFFn"),  # 2^27 - 1 nanovolt still fits
        (0.134217728, "8020C4Au"),  # 2^27 does not
        (-0.134217728, "0000000n"),  # -2^27 does
        (134.0, "FFCAD80u"),
        (135.0, "8020F58m"),
    ],
)
def test_the_smallest_prefix_that_fits_28_bits_is_used(value, packed):
    assert pack(value) == packed


@settings(deadline=None, derandomize=True)
@given(st.floats(min_value=-1e20, max_value=1e20).filter(lambda v: abs(v) > 1e-12))
def test_a_packed_value_keeps_at_least_five_digits(value):
    packed = pack(value)
    assert len(packed) == 8
    assert unpack(packed) == pytest.approx(value, rel=1e-5)


def test_metadata_are_one_digit_of_status_and_two_of_range():
    assert metadata(0, 0x88) == ",10,288"
    assert metadata(4, 0x84) == ",14,284"
    assert metadata(10, 3) == ",1A,203"
    assert metadata(1, None) == ",11"


def test_errors_name_code_line_and_column():
    assert error(0x0006) == "!0006"
    assert error(0x4001, 3, 5) == "!4001: Line 3, Col 5"
    assert error(0x0032, 7) == "!0032: Line 7"
