"""What the guardian is told survives the pipe, byte by byte."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import UsageError
from luggin.guardian.orders import GuardedLine, Orders, decode, encode
from luggin.transport.dialogue import Exchange

exchanges = st.builds(
    Exchange,
    send=st.binary(max_size=40),
    expect=st.text(max_size=20),
    timeout=st.floats(0, 100),
    required=st.booleans(),
    verifies=st.booleans(),
    pause=st.floats(0, 10),
)
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
lines = st.builds(
    GuardedLine,
    role=st.text(max_size=10),
    resource=st.text(max_size=30),
    owned_as=st.text(max_size=30),
    settings=st.dictionaries(st.text(max_size=10), plain, max_size=4),
    dialogue=st.lists(exchanges, max_size=4).map(tuple),
    modules=st.lists(st.text(max_size=8), max_size=2).map(tuple),
    leave_running=st.booleans(),
)


@settings(derandomize=True, deadline=None)
@given(lines=st.lists(lines, max_size=3).map(tuple))
def test_orders_come_out_as_they_went_in(lines):
    orders = Orders("/runs/a", 4711, "somebody", lines, speed=25.0, silence=0.5, patience=20.0)
    line = encode({"orders": orders.to_json()})
    assert line.count(b"\n") == 1
    assert Orders.from_json(decode(line)["orders"]) == orders


@pytest.mark.parametrize("setting", [object(), ["a"], {"bytes": "a"}, lambda: None])
def test_a_setting_that_no_other_process_can_be_told_is_named(setting):
    line = GuardedLine("cell", "COM3", "COM3", {"baudrate": 9600, "filter": setting}, ())
    with pytest.raises(UsageError, match=r"cell: line setting filter is .* which the guardian cannot be told"):
        line.to_json()


@pytest.mark.parametrize("line", [b"", b"{", b"[1]\n", b"{}\n", b"17\n", b'{"arm": "a", "beat": 1}\n', b"\xff\n"])
def test_what_is_no_message_is_a_value_error(line):
    with pytest.raises(ValueError):  # noqa: PT011 - that of json and ours are one to the reader
        decode(line)


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_a_value_error(data):
    try:
        message = decode(data)
    except ValueError:
        return
    assert json.loads(data) == message
    assert len(message) == 1
