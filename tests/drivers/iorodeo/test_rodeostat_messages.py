"""One JSON object per line: what is written, what a line is, and what is neither."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import BadReply
from luggin_drivers.iorodeo.messages import EndOfTest, Reply, Sample, classified, padded, value_of, written


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 300))
def test_no_message_fills_its_packets(length):
    message = written("setParam", test="x" * length)
    data = padded(message)
    assert len(data) % 64
    assert json.loads(data) == json.loads(message)
    assert data.endswith(b"}\n")
    assert len(data) - len(message) == (2 if (len(message) + 1) % 64 == 0 else 1)


def test_the_length_at_which_a_message_is_lost():
    message = written("stopTest", note="x" * (63 - len(written("stopTest", note=""))))
    assert len(message) == 63
    assert padded(message) == b" " + message.encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"t":10,"v":-0.2,"i":-1.9}\r', Sample(10, -0.2, -1.9, False, 0)),
        (b'{"t":10,"v":1,"i":100,"le":true}', Sample(10, 1.0, 100.0, True, 0)),
        (b'{"t":10,"v":0.5,"i":2e-6,"n":3}', Sample(10, 0.5, 2e-6, False, 3)),
        (
            b'{"success":true,"response":{"command":"stopTest"}}\r',
            Reply("stopTest", {"command": "stopTest"}, ""),
        ),
        (
            b'{"success":false,"message":"command, foo, not found","response":{}}',
            Reply("", {}, "command, foo, not found"),
        ),
        (b'{"success":false,"response":{}}', Reply("", {}, "no reason given")),
    ],
)
def test_what_a_line_is(line, expected):
    assert classified(line, "cell") == expected


def test_the_end_of_a_test():
    assert isinstance(classified(b"{}\r", "cell"), EndOfTest)


def test_a_current_that_is_no_number():
    sample = classified(b'{"t":10,"v":0.5,"i":NaN}', "cell")
    assert isinstance(sample, Sample)
    assert math.isnan(sample.current)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"17",
        b"{",
        b'{"t":10,"v":0.5}',
        b'{"t":10.5,"v":0.5,"i":1}',
        b'{"t":true,"v":0.5,"i":1}',
        b'{"t":10,"v":"0.5","i":1}',
        b'{"t":10,"v":0.5,"i":1.{"t":20',
        b'{"success":1,"response":{}}',
        b'{"success":true}',
        b'{"other":1}',
        b"\xff\xfe",
        b"[" * 5000,
    ],
)
def test_what_is_no_line_keeps_its_bytes(line):
    with pytest.raises(BadReply) as caught:
        classified(line, "cell")
    assert caught.value.raw == line


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:0123456789.-eNatvisucre', max_size=60).map(str.encode))
def test_whatever_comes_is_classified_or_refused(line):
    found = None
    with contextlib.suppress(BadReply):
        found = classified(line, "cell")
    if found is None:
        with pytest.raises(BadReply) as caught:
            classified(line, "cell")
        assert caught.value.raw == line
    else:
        assert isinstance(found, Sample | Reply | EndOfTest)


def test_a_value_of_a_reply():
    volts = value_of("v", float)
    assert volts('{"success":true,"response":{"command":"getVolt","v":0.25}}') == 0.25
    for nonsense in ('{"success":false,"message":"no","response":{"v":1}}', '{"t":1,"v":1,"i":1}', "{}"):
        with pytest.raises(ValueError, match="has no v"):
            volts(nonsense)
