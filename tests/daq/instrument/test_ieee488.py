"""Binary blocks, whatever arrives, and the numbers and status bits in them."""

from __future__ import annotations

import struct
from array import array

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from luggin.clock import VirtualClock
from luggin.errors import BadReply, ReplyTimeout
from luggin.instrument.ieee488 import EventStatus, StatusByte, floats, numpy_array
from luggin.transport import Transport
from luggin.transport.base import LONGEST_BLOCK

often = settings(deadline=None, derandomize=True, max_examples=300)


class Chunks(Transport):
    """A line on which these chunks arrive, one a second; on a bus, the last one ends a message."""

    def __init__(self, *chunks, on_a_bus=False, terminator=b"\n"):
        super().__init__("line", VirtualClock(), timeout=100.0, terminator=terminator)
        self.chunks = list(chunks)
        self._carries_messages = on_a_bus
        self.endless = False

    def _read_chunk(self, until, cancel):
        due = self.clock.now() + 1.0 if self.chunks else float("inf")
        self.clock.wait_until(min(until, due))
        if due > until:
            return b""
        chunk = self.chunks.pop(0)
        self._ended = self._carries_messages and not self.chunks and not self.endless
        return chunk

    def _write(self, data):
        self.chunks.append(b"next\n")

    def close(self):
        pass


def cut(data, borders):
    inner = sorted({border % (len(data) + 1) for border in borders})
    return [piece for a, b in zip([0, *inner], [*inner, len(data)], strict=True) if (piece := data[a:b])]


def definite(data):
    return b"#%d%d" % (len(str(len(data))), len(data)) + data


@often
@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=6), st.booleans(), st.booleans())
def test_a_block_comes_whole_whatever_the_chunks_and_the_next_answer_is_the_next(data, borders, with_end, on_a_bus):
    message = definite(data) + (b"\n" if with_end else b"")
    line = Chunks(*cut(message, borders), on_a_bus=on_a_bus)
    assert line.read_block() == data
    assert not line.suspect
    assert line.exchange(b"?\n") == b"next"


@often
@given(st.binary(max_size=100), st.lists(st.integers(0, 120), max_size=4))
def test_an_end_of_line_of_two_bytes_after_a_block_may_be_cut_too(data, borders):
    line = Chunks(*cut(definite(data) + b"\r\n1.5\r\n", borders), terminator=b"\r\n")
    assert line.read_block() == data
    assert line.read_line() == b"1.5"


@often
@given(st.binary(max_size=60), st.lists(st.integers(0, 80), max_size=4))
@example(b"#", [])
@example(b"#0", [])
@example(b"#10", [])
@example(b"#9999999999", [])
@example(b"#3+12" + bytes(20), [])
@example(b"#2 7" + bytes(20), [])
@example("#٣123".encode(), [])
@example(b"9.9E37\n", [])
@example(b"\n", [])
def test_nonsense_on_a_bus_is_a_bad_reply_at_once_and_nothing_else(data, borders):
    chunks = cut(data, borders)
    line = Chunks(*chunks, on_a_bus=True)
    block, bad = None, None
    try:
        block = line.read_block()
    except BadReply as refused:
        bad = refused
    except ReplyTimeout:
        assert chunks == []  # silence
        return
    assert line.clock.now() <= len(chunks)
    if bad is None:
        assert block == _by_the_book(data)
        return
    assert bad.raw
    assert data.startswith(bad.raw)
    assert line.suspect


def _by_the_book(data):
    if data.startswith(b"#0"):
        return data[2:].removesuffix(b"\n")
    digits = int(data[1:2])
    return data[2 + digits : 2 + digits + int(data[2 : 2 + digits])]


@often
@given(st.binary(max_size=60))
def test_nonsense_on_a_stream_is_a_bad_reply_or_a_timeout(data):
    line = Chunks(*cut(data, []))
    try:
        block = line.read_block()
    except (BadReply, ReplyTimeout):
        assert line.suspect
    else:
        assert block == _by_the_book(data)


@pytest.mark.parametrize("header", [b"#9999999999", b"#9268435457", b"#3999"])
def test_a_huge_length_is_refused_before_anything_is_allocated(header):
    line = Chunks(header + b"x" * 100)
    with pytest.raises(BadReply, match=rf"a block of {header[2:].decode()} bytes is longer than \d+") as bad:
        line.read_block(longest=100 if header == b"#3999" else LONGEST_BLOCK)
    assert bad.value.raw.startswith(header)
    assert len(bad.value.raw) <= 250


def test_an_indefinite_block_is_bounded_too():
    line = Chunks(b"#0" + bytes(50), bytes(60), b"\n", on_a_bus=True)
    with pytest.raises(BadReply, match="more than 100 bytes"):
        line.read_block(longest=100)


def test_an_indefinite_block_without_an_end_is_a_timeout():
    line = Chunks(b"#0abc", on_a_bus=True)
    line.endless = True
    with pytest.raises(ReplyTimeout, match="3 bytes had no end") as missed:
        line.read_block(timeout=4.0)
    assert missed.value.partial == b"abc"
    assert line.suspect


def test_the_timeout_is_for_the_whole_block():
    line = Chunks(*[b"#3999"] + [b"x"] * 999)
    with pytest.raises(ReplyTimeout, match="of 999 bytes"):
        line.read_block(timeout=10.0)
    assert line.clock.now() == pytest.approx(10.0)


# -- numbers


@often
@given(st.lists(st.floats(width=32), max_size=20), st.sampled_from(["little", "big"]))
def test_single_precision_both_ways_round(values, order):
    block = struct.pack(f"{'<' if order == 'little' else '>'}{len(values)}f", *values)
    assert floats(block, "f", order).tobytes() == array("f", values).tobytes()
    np.testing.assert_array_equal(numpy_array(block, "<f4" if order == "little" else ">f4"), np.array(values, "f4"))


def test_double_precision_is_big_endian_unless_said():
    block = bytes.fromhex("3ff8000000000000 c000000000000000")
    assert floats(block, "d").tolist() == [1.5, -2.0]
    assert floats(block, "d", "little").tolist() != [1.5, -2.0]
    assert numpy_array(block, ">f8").tolist() == [1.5, -2.0]


@pytest.mark.parametrize("decode", [floats, numpy_array])
def test_a_block_that_is_cut_in_a_number_is_a_bad_reply(decode):
    with pytest.raises(BadReply, match="a block of 7 bytes does not hold whole numbers of 4 bytes") as bad:
        decode(b"1234567")
    assert bad.value.raw == b"1234567"
    assert len(decode(b"")) == 0


# -- status


def test_bits_have_the_weights_of_the_standard():
    assert StatusByte(0x64) == StatusByte.SERVICE_REQUEST | StatusByte.EVENT_STATUS | StatusByte.ERROR_QUEUE
    assert [int(bit) for bit in EventStatus] == [1, 2, 4, 8, 16, 32, 64, 128]


def test_which_events_are_errors():
    assert not EventStatus(1 | 2 | 64 | 128).errors
    assert EventStatus(255).errors == EventStatus(4 | 8 | 16 | 32)
