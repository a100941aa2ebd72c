"""Opening the cell and verifying it; the same bytes as plain data for the guardian."""

from __future__ import annotations

import re

import pytest

from luggin.errors import UnsafeState

STOP = b"\nZ\n"
CELL_OFF = b"e\nset_pgstat_chan 0\ncell_off\n\n"
VERIFY = b"""e
var p
set_pgstat_chan 0
set_pgstat_mode 3
meas_loop_ocp p 100m 100m
pck_start
pck_add p
pck_end
endloop
on_finished:
cell_off

"""
# ab = 0.123 V
ONE_POINT = b"e\nM000B\nPab801E078u\n*\n\n"


def test_idle_instrument(dialogue):
    with dialogue([(STOP, b"Z!0006\n"), (CELL_OFF, b"e\n\n"), (VERIFY, ONE_POINT)]) as instrument:
        words = instrument.make_safe()
    assert "cell_off was run" in words
    assert "123 mV" in words
    assert not instrument.transport.suspect


def test_script_still_running(dialogue):
    rest = b"Peb8000000m;da8000000u;ba8000000p,10,218\nZ\nPeb8000064m;da8000000u;ba8000000p,10,218\n*\n\n"
    with dialogue([(STOP, rest), (CELL_OFF, b"e\n\n"), (VERIFY, b"eM000B\nPab8000000 ,10\n*\n\n")]) as instrument:
        assert "0 V" in instrument.make_safe()


def test_pause_after_the_error_that_an_idle_instrument_answers(dialogue, clock):
    sent = []
    with dialogue([(STOP, b"Z!0006\n"), (CELL_OFF, b"e\n\n"), (VERIFY, ONE_POINT)]) as instrument:
        instrument.transport.trace = lambda when, direction, data: sent.append((when, direction, data))
        instrument.make_safe()
    error = next(when for when, direction, data in sent if direction == "<" and b"!" in data)
    after = next(when for when, direction, data in sent if data == CELL_OFF)
    assert after - error > 0.05


def test_cell_still_on_is_unsafe(dialogue):
    attempt = [(STOP, b"Z!0006\n"), (CELL_OFF, b"e\n\n"), (VERIFY, b"e\n!0014: Line 4\n")]
    with dialogue(attempt * 2) as instrument:
        with pytest.raises(UnsafeState, match="cell is still on"):
            instrument.make_safe()


def test_second_attempt_counts(dialogue):
    lost = [(STOP, b""), (CELL_OFF, b"e!4001: Line 1\n")]
    good = [(STOP, b"Z!0006\n"), (CELL_OFF, b"e\n\n"), (VERIFY, ONE_POINT)]
    with dialogue(lost + good) as instrument:
        assert "cell_off was run" in instrument.make_safe()


def test_silence_is_unsafe(dialogue):
    with dialogue([(STOP, b""), (CELL_OFF, b"")] * 2) as instrument:
        with pytest.raises(UnsafeState, match="could not be verified"):
            instrument.make_safe()


def test_garbled_point_verifies_nothing(dialogue):
    attempt = [(STOP, b"Z!0006\n"), (CELL_OFF, b"e\n\n"), (VERIFY, b"e\nM000B\nPab80x\n*\n\n")]
    with dialogue(attempt * 2) as instrument:
        with pytest.raises(UnsafeState, match="could not be verified"):
            instrument.make_safe()


def test_end_without_a_point_verifies_nothing(dialogue):
    attempt = [(STOP, b"Z!0006\n"), (CELL_OFF, b"e\n\n"), (VERIFY, b"e\nM000B\n*\n\n")]
    with dialogue(attempt * 2) as instrument:
        with pytest.raises(UnsafeState, match="could not be verified"):
            instrument.make_safe()


def test_dialogue_for_the_guardian_has_the_bytes_of_make_safe(dialogue):
    with dialogue([(STOP, b"Z!0006\n"), (CELL_OFF, b"e\n\n"), (VERIFY, ONE_POINT)]) as instrument:
        exchanges = instrument.safe_dialogue()
        instrument.make_safe()
        assert instrument.transport.written == [e.send for e in exchanges if e.send]
    assert [e.verifies for e in exchanges if e.send] == [False, False, True]


@pytest.mark.parametrize(
    ("position", "answer", "complete"),
    [
        (0, b"Z!0006\n", True),
        (0, b"\nZ!0006\n", True),
        (0, b"Peb8000000m;da8000000u\nZ\nPeb8000001m;da8000000u\n*\n\n", True),
        (0, b"*\n\nZ!0006\n", True),
        (0, b"Z\nPeb8000001m;da8000000u\n", False),
        (1, b"e\n\n", True),
        (1, b"e!4001: Line 1\n\n", False),
        (1, b"Peb8000000m\n\n", False),
        (1, b"e\n!0003: Line 1\n\n", False),
        (2, ONE_POINT, True),
        (2, b"eM000B\nPab8000000 \n*\n\n", True),
        (2, b"e\nM000B\n!0014: Line 4\n\n", False),
        (2, b"e\nM000B\nPab8000000 \n*\n", False),
        (2, b"e\n\n", False),
    ],
)
def test_what_the_guardian_takes_for_an_answer(dialogue, position, answer, complete):
    with dialogue([]) as instrument:
        expect = [e for e in instrument.safe_dialogue() if e.send][position].expect
    assert bool(re.search(expect.encode(), answer)) is complete


def test_channel_and_mode_of_the_bench_file_are_used(dialogue):
    with dialogue([], model="emstat-pico", channel=1, mode=4) as instrument:
        sent = b"".join(e.send for e in instrument.safe_dialogue())
    assert sent.count(b"set_pgstat_chan 1\n") == 2
    assert b"set_pgstat_mode 4\n" in sent
