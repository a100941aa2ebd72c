"""Decoding: the fields that the maker published, status and range metadata, and garbage."""

from __future__ import annotations

import math
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import BadReply
from luggin.records import Flag
from luggin_drivers.palmsens.packages import PackageDecoder
from luggin_drivers.palmsens.tables import MODELS

PICO = MODELS["emstat-pico"].range_index


def decode(line, *types, ranges=PICO):
    return PackageDecoder(types, ranges).decode(line)


@pytest.mark.parametrize(
    ("line", "types", "values", "flags", "scale"),
    [
        (b"Pda7F85F3Fu", ("da",), [-0.499905], 0, math.nan),
        (b"Pba48D503Dp,10,288", ("ba",), [-5.7847747e-05], 0, 1e-3),
        (b"Pda807B031u;baB360495p,10,288", ("da", "ba"), [0.503857, 5.3871765e-05], 0, 1e-3),
        (b"Pda84E63DAn;ba82AB973f,14,284", ("da", "ba"), [0.005137370, 2.799987e-09], Flag.UNDERLOAD, 25e-6),
        (b"Pda800000Am", ("da",), [0.01], 0, math.nan),
        (b"Pba4BA99F0p", ("ba",), [-5.488e-05], 0, math.nan),
        (b"Peb8000000 ", ("eb",), [0.0], 0, math.nan),
        (b"Peb8000002k", ("eb",), [2000.0], 0, math.nan),
        (b"Pee8000011i", ("ee",), [17.0], 0, math.nan),
        (b"Pba0000000a", ("ba",), [-(2.0**27) / 1e18], 0, math.nan),
        (b"PbaFFFFFFFm", ("ba",), [(2**27 - 1) / 1e3], 0, math.nan),
    ],
)
def test_published_fields(line, types, values, flags, scale):
    found, status, full_scale = decode(line, *types)
    assert found == pytest.approx(values, rel=1e-5)
    assert status == flags
    assert full_scale == pytest.approx(scale, nan_ok=True)


def test_values_are_rounded_once():
    (value,), _, _ = decode(b"Pda7F85F3Fu", "da")
    assert value == -0.499905


def test_not_a_number_is_nan_and_flagged():
    (time, current), flags, scale = decode(b"Peb8000064m;ba     nan,10,20B", "eb", "ba")
    assert time == 0.1
    assert math.isnan(current)
    assert flags == Flag.GAP
    assert scale == 5e-3


@pytest.mark.parametrize(
    ("digit", "flags"),
    [
        ("0", 0),
        ("1", Flag.TIMING),
        ("2", Flag.CURRENT_OVERLOAD),
        ("4", Flag.UNDERLOAD),
        ("8", Flag.OVERLOAD_WARNING),
        ("A", Flag.CURRENT_OVERLOAD | Flag.OVERLOAD_WARNING),
        ("F", Flag.TIMING | Flag.CURRENT_OVERLOAD | Flag.UNDERLOAD | Flag.OVERLOAD_WARNING),
    ],
)
def test_status_bits(digit, flags):
    assert decode(f"Pba8000000p,1{digit},200".encode(), "ba")[1] == flags


def test_overload_of_a_potential():
    assert decode(b"Pab8000000u,12", "ab")[1] == Flag.POTENTIAL_OVERLOAD


def test_flags_of_all_fields_are_kept():
    assert decode(b"Pda8000000u,11;ba8000000p,14,200", "da", "ba")[1] == Flag.TIMING | Flag.UNDERLOAD


@pytest.mark.parametrize(
    ("model", "index", "full_scale"),
    [
        ("emstat-pico", 0x00, 100e-9),
        ("emstat-pico", 0x06, 63e-6),
        ("emstat-pico", 0x0B, 5e-3),
        ("emstat-pico", 0x80, 100e-9),
        ("emstat-pico", 0x89, 5e-3),
        ("sensit", 0x85, 50e-6),
        ("emstat4-lr", 0x03, 1e-9),
        ("emstat4-lr", 0x06, 10e-9),
        ("emstat4-lr", 0x18, 10e-3),
        ("emstat4-hr", 0x12, 100e-6),
        ("emstat4-hr", 0x1B, 100e-3),
    ],
)
def test_ranges_of_all_families(model, index, full_scale):
    line = f"Pba8000000p,10,2{index:02X}".encode()
    assert decode(line, "ba", ranges=MODELS[model].range_index)[2] == full_scale


@pytest.mark.parametrize(("model", "index"), [("emstat4-lr", 0x1B), ("emstat4-hr", 0x06), ("emstat-pico", 0x7F)])
def test_range_that_the_model_has_not_is_unknown_and_not_invented(model, index):
    line = f"Pba8000000p,10,2{index:02X}".encode()
    assert math.isnan(decode(line, "ba", ranges=MODELS[model].range_index)[2])


def test_noise_and_unknown_metadata_are_passed_over():
    assert decode(b"Pba8000000p,14,20B,40", "ba")[1:] == (Flag.UNDERLOAD, 5e-3)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"P",
        b"Pda7F85F3F",
        b"Pda7F85F3u",
        b"Pda7f85f3fu",
        b"Pda+F85F3Fu",
        b"Pda7_85F3Fu",
        b"Pda7F85F3Fx",
        b"Pda7F85F3Fu;",
        b"Pba7F85F3Fu",
        b"Pda7F85F3Fuu",
        b"Pda7F85F3Fu,",
        b"Pda7F85F3Fu,100",
        b"Pda7F85F3Fu,2",
        b"Pda7F85F3Fu;ba8000000p,10,288",
        b"Pda    nan",
        b"Mda7F85F3Fu",
    ],
)
def test_what_is_no_package_is_refused_with_its_bytes(line):
    with pytest.raises(BadReply) as refusal:
        decode(line, "da")
    assert refusal.value.raw == line


def refused_bytes(line):
    """What a refusal keeps of a line; None if the line is a package."""
    try:
        decode(line, "eb", "da", "ba")
    except BadReply as refusal:
        return refusal.raw
    return None


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_package_or_a_bad_reply(noise):
    for line in (noise, b"Peb8000000m;da" + noise, b"Peb8000000m;da8000000u;ba8000000p," + noise):
        assert refused_bytes(line) in (None, line)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.data())
def test_a_package_with_one_changed_byte_decodes_to_numbers_or_is_refused(data):
    good = bytearray(b"Peb8000064m;da7F85F3Fu;ba48D503Dp,10,288")
    good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.sampled_from(list(string.printable.encode())))
    try:
        values, _, _ = decode(bytes(good), "eb", "da", "ba")
    except BadReply:
        return
    assert all(math.isfinite(v) for v in values)


@settings(deadline=None, derandomize=True)
@given(st.integers(-(2**27), 2**27 - 1), st.sampled_from([("p", 12), ("n", 9), ("u", 6), ("m", 3), (" ", 0)]))
def test_every_mantissa_is_read_back_exactly(mantissa, prefix):
    letter, exponent = prefix
    (value,), _, _ = decode(f"Pba{mantissa + 2**27:07X}{letter}".encode(), "ba")
    assert value == float(f"{mantissa}e-{exponent}")


def test_metadata_of_hostile_variety_are_still_decoded():
    decoder = PackageDecoder(("ba",), PICO)
    for noise in range(5000):
        assert decoder.decode(f"Pba8000000p,14,20B,4{noise:X}".encode())[1:] == (Flag.UNDERLOAD, 5e-3)
