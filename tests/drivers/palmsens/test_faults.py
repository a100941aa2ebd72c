"""What goes wrong on the line: errors of the instrument, silence, garbage. No row is ever invented."""

from __future__ import annotations

import pytest

from luggin.capabilities import Technique
from luggin.errors import BadReply, InstrumentFault, ReplyTimeout, UsageError

ROW = b"Peb8000064m;da807A120u;ba8000000p,10,218\n"
BEGIN = b"e\nM0005\n"


def cv(**parameters):
    sweep = {"begin": -0.2, "vertices": (0.8, -0.2), "rate": 0.025, "step": 0.005}
    return (Technique("cv", {**sweep, **parameters}),)


def test_a_script_that_is_refused_shows_code_line_column_and_text(running, clock):
    instrument = running(b"e!4001: Line 12, Col 5\n", techniques=cv())
    with pytest.raises(InstrumentFault, match=r"unknown script command, line 12, column 5 .*'timer_start'") as found:
        list(instrument.frames())
    assert found.value.code == "4001"
    assert clock.now() >= 0.05
    assert instrument.transport.suspect


def test_a_run_time_error_keeps_the_rows_before_it(running):
    instrument = running(BEGIN + ROW + b"!0032: Line 13\n", techniques=cv())
    stream = instrument.frames()
    assert len(next(stream)) == 1
    with pytest.raises(InstrumentFault, match=r"critical overload.*line 13 of the script: 'meas_loop_cv") as found:
        next(stream)
    assert found.value.code == "0032"


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (b"!ABCD\n", "ABCD", "not in the tables"),
        (b"!abcd: Line 900\n", "ABCD", "line 900$"),
        (b"!12\n", "", "cannot be read"),
    ],
)
def test_errors_that_nobody_knows_are_shown_as_they_are(running, line, code, words):
    instrument = running(b"e\n" + line, techniques=cv())
    with pytest.raises(InstrumentFault, match=words) as found:
        list(instrument.frames())
    assert found.value.code == code


def test_silence_is_noticed_after_the_time_between_two_points(running, clock):
    instrument = running(BEGIN + ROW, techniques=cv(rate=0.0005))
    stream = instrument.frames()
    next(stream)
    with pytest.raises(ReplyTimeout):
        next(stream)
    # ten seconds between two points, a tenth more for its clock, and three seconds of patience
    assert clock.now() == pytest.approx(14.0)
    assert instrument.transport.suspect


def test_patience_is_set_in_the_bench_file(running, clock):
    instrument = running(BEGIN, techniques=cv(), silence="1 s")
    with pytest.raises(ReplyTimeout):
        list(instrument.frames())
    assert clock.now() == pytest.approx(0.2 * 1.1 + 1.0)


@pytest.mark.parametrize(
    "line", [b"Peb8000000m;da80", b"Peb8000000m;da8000000u;ba8000000", b"\xff\xfe", b"garbage", b"P;;", b"x"]
)
def test_a_garbled_line_is_no_row(running, line):
    instrument = running(BEGIN + line + b"\n", techniques=cv())
    with pytest.raises(BadReply) as refusal:
        list(instrument.frames())
    assert refusal.value.raw == line


@pytest.mark.parametrize("numbers", [(b"C0000", b"C0002"), (b"C0001", b"C0001"), (b"C0000", b"Cxyz"), (b"C", b"C")])
def test_a_scan_that_was_lost_is_noticed(running, numbers):
    scans = numbers[0] + b"\n" + ROW + b"-\n" + numbers[1] + b"\n"
    instrument = running(BEGIN + scans, techniques=cv(cycles=2))
    with pytest.raises(BadReply, match="does not follow"):
        list(instrument.frames())


def test_a_scan_outside_of_loops_is_refused(running):
    instrument = running(b"e\nC0000\n", techniques=cv(cycles=2))
    with pytest.raises(BadReply, match="C0000"):
        list(instrument.frames())


def test_a_row_outside_of_loops_is_refused(running):
    instrument = running(b"e\n" + ROW, techniques=cv())
    with pytest.raises(BadReply, match="outside of any measurement loop"):
        list(instrument.frames())


def test_a_loop_more_than_planned_is_refused(running):
    instrument = running(b"e\nM0005\n*\nM0005\n", techniques=cv())
    with pytest.raises(BadReply, match="loop more"):
        list(instrument.frames())


@pytest.mark.parametrize("answer", [b"e\n\n", b"e\nM0005\n\n"])
def test_a_script_that_ends_by_itself_is_an_error(running, answer):
    instrument = running(answer, techniques=cv())
    with pytest.raises(InstrumentFault, match="ended by itself"):
        list(instrument.frames())


def test_an_answer_that_acknowledges_nothing(running):
    instrument = running(b"v0108\n", techniques=cv())
    with pytest.raises(BadReply, match="not acknowledged") as refusal:
        list(instrument.frames())
    assert refusal.value.raw == b"v0108"


def test_each_preparation_runs_once(running):
    instrument = running(b"e\nM0005\n*\n\n", techniques=cv())
    assert list(instrument.frames()) == []
    with pytest.raises(UsageError, match="prepare"):
        list(instrument.frames())


def test_nothing_is_sent_before_the_first_frame_is_asked_for(dialogue):
    with dialogue([]) as instrument:
        instrument.prepare(cv())
        instrument.frames()
        assert instrument.transport.written == []


def test_a_line_that_missed_an_answer_is_brought_in_step_first(running):
    instrument = running(b"e\nM0005\n*\n\n", techniques=cv())
    instrument.transport.left.insert(0, (b"\nZ\n", b"v0108\nZ!0006\n"))
    instrument.transport.suspect = True
    assert list(instrument.frames()) == []
