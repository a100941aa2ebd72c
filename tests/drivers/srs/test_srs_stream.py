"""Packets of the data stream, how they are checked, and the rows that are made of frames."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import BadReply
from luggin.records import Flag
from luggin_drivers.srs import packets
from luggin_drivers.srs.windows import FRAME, Windows


def packet(currents, counter=7, record=0, ending=b"\x00" * 6 + b"\r\n", made=lambda data: sum(data) & 255):
    """A packet as the manual has it, with potentials 0.1, 0.2 ... V."""
    frames = b"".join(struct.pack("<Ifff", 0x41, 0.0, i, 0.1 * n) for n, i in enumerate(currents, 1))
    head = b"\x1f\x10" + struct.pack("<HI", counter, len(frames)) + ending
    whole = head + frames + struct.pack("<ffffB", 25.0, 0, 0, 0, record) + bytes(6)
    return whole + bytes([made(whole)])


def test_a_packet_is_read_and_its_currents_turned():
    raw = packet([1e-6, -2e-6])
    assert packets.payload_size(raw[:16], "cell") == 32
    read = packets.decode(raw)
    assert read.counter == 7
    assert read.current == pytest.approx([-1e-6, 2e-6], rel=1e-6)
    assert read.potential == pytest.approx([0.1, 0.2], rel=1e-6)
    assert read.flags == 0


@pytest.mark.parametrize(("record", "flag"), [(4, Flag.POTENTIAL_OVERLOAD), (8, Flag.CURRENT_OVERLOAD)])
def test_the_overload_record_becomes_a_flag(record, flag):
    assert packets.decode(packet([1e-6], record=record)).flags == flag


@pytest.mark.parametrize("ending", [b"\x00" * 6 + b"\r\n", b"\r\n" + b"\x00" * 6])
def test_the_end_of_line_in_the_header_may_come_first_or_last(ending):
    assert packets.payload_size(packet([1.0], ending=ending)[:16], "cell") == 16


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.binary(min_size=16, max_size=16))
def test_any_sixteen_bytes_are_a_header_or_refused(header):
    try:
        size = packets.payload_size(header, "cell")
    except BadReply:
        return
    assert size % 16 == 0
    assert 0 < size <= 1 << 20


@pytest.mark.parametrize("kind", packets.CHECKSUMS)
def test_how_packets_are_checked_is_found_out(kind):
    made = packets.CHECKSUMS[kind]
    good = [packet([k * 1e-6, 1e-7], counter=k, made=made) for k in range(4)]
    check = packets.Check("cell")
    check.learn(good)
    assert check.kind == kind
    check.require(good[0])
    damaged = bytearray(good[1])
    damaged[26] ^= 0x90
    with pytest.raises(BadReply, match="damaged"):
        check.require(bytes(damaged))


def test_one_damaged_packet_among_the_first_is_found():
    good = [packet([k * 1e-6], counter=k) for k in range(4)]
    damaged = bytearray(good[2])
    damaged[24] ^= 0x11
    with pytest.raises(BadReply, match="damaged"):
        packets.Check("cell").learn([*good[:2], bytes(damaged), good[3]])


def test_an_unknown_way_is_not_insisted_on():
    check = packets.Check("cell")
    check.learn([packet([k * 1e-6], counter=k, made=lambda data: 0) for k in range(4)])
    assert check.kind == ""
    check.require(packet([1.0]))


# -- rows


def frames(times, currents, flags=0, scale=1e-4):
    """Frames as an array, with the time as potential."""
    made = np.zeros(len(times), FRAME)
    made["time"] = made["potential"] = times
    made["current"], made["flags"], made["current_range"] = currents, flags, scale
    return made


def test_a_row_is_the_mean_of_the_frames_of_its_interval():
    windows = Windows(0.0, 1.0)
    first = windows.add(frames([0.25, 0.75, 1.25], [1.0, 3.0, 5.0]))
    assert [(row["time"], row["current"]) for row in first] == [(0.5, 2.0)]
    second = windows.add(frames([1.75, 2.25], [7.0, 100.0]))
    assert [(row["time"], row["current"]) for row in second] == [(1.5, 6.0)]
    assert [(row["time"], row["current"]) for row in windows.finish()] == [(2.25, 100.0)]
    assert len(windows.finish()) == 0


def test_flags_of_the_frames_are_joined_and_another_range_is_told():
    windows = Windows(0.0, 1.0)
    windows.add(frames([0.2, 0.4], 1.0, flags=[0, 16]))
    (row,) = windows.add(frames([0.6, 1.1], 1.0, scale=[1e-3, 1e-3]))
    assert Flag(int(row["flags"])) == Flag.COMPLIANCE | Flag.RANGE_CHANGED
    assert row["current_range"] == 1e-3


def test_an_interval_without_frames_has_no_row():
    rows = Windows(0.0, 1.0).add(frames([0.5, 3.5, 4.5], [1.0, 2.0, 3.0]))
    assert rows["time"].tolist() == [0.5, 3.5]


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.floats(0.011, 0.3))
def test_rows_do_not_depend_on_how_frames_come_and_lose_no_charge(sizes, interval):
    total = sum(sizes)
    times = (np.arange(total) + 0.5) * 0.01
    currents = np.cos(times)
    whole = Windows(0.0, interval)
    expected = np.concatenate([whole.add(frames(times, currents)), whole.finish()])
    windows, found, start = Windows(0.0, interval), [], 0
    for size in sizes:
        found.append(windows.add(frames(times[start : start + size], currents[start : start + size])))
        start += size
    found.append(windows.finish())
    rows = np.concatenate(found)
    assert rows["time"] == pytest.approx(expected["time"])
    counts = np.bincount(np.floor(times / interval + 1e-9).astype(int))
    assert (rows["current"] * counts[counts > 0]).sum() == pytest.approx(currents.sum())
