"""Fixed exchanges: each is done to its expected answer, and what came is told."""

import re

import pytest

from luggin.errors import BadReply, LineLost, ReplyTimeout
from luggin.transport.dialogue import Exchange, Performed, perform

ASK = Exchange(b"OUTP?\n", r"(?m)^0$", timeout=2.0, verifies=True)


def answering(answers):
    """What a line does when it is written to: ``answers`` maps what is sent to (delay, bytes) pairs."""
    return lambda data, now: [(now + delay, said) for delay, said in answers.get(data, ())]


def test_exchanges_are_done_in_order_and_each_waits_for_its_answer(timed_line, clock):
    line = timed_line(answer=answering({b"OUTP?\n": [(0.5, b"0\n")], b"*OPC?\n": [(0.25, b"1\n")]}))
    done = perform(line, (Exchange(b"ABOR\n"), Exchange(b"*OPC?\n", "1"), ASK), clock)
    assert line.written == [b"ABOR\n", b"*OPC?\n", b"OUTP?\n"]
    assert [one.found for one in done] == [None, b"1", b"0"]
    assert [one.verified for one in done] == [False, False, True]
    assert clock.now() == 0.75


def test_what_comes_before_the_answer_is_read_over_and_kept(timed_line, clock):
    line = timed_line(answer=answering({b"OUTP?\n": [(0.1, b"+1.25E-3\n"), (0.2, b"half"), (0.3, b"\n0\n")]}))
    (done,) = perform(line, (ASK,), clock)
    assert done == Performed(ASK, b"+1.25E-3\nhalf\n0\n", b"0")
    assert not line.suspect


def test_an_answer_may_span_lines_and_needs_no_end_of_line(timed_line, clock):
    two = Exchange(b"Z\n", r"(?m)^Z\n(?:[^\n]+\n)*\n")
    line = timed_line(answer=answering({b"Z\n": [(0.1, b"Z\n*\n\n")], b"E?\n": [(0.1, b"off")]}))
    assert perform(line, (two, Exchange(b"E?\n", "^off$", timeout=1.0)), clock)[0].found == b"Z\n*\n\n"


def test_the_pause_is_waited_out_before_sending(timed_line, clock):
    line = timed_line()
    perform(line, (Exchange(b"a\n", pause=0.1), Exchange(b"b\n", pause=0.2)), clock)
    assert clock.now() == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("came", "error", "words"),
    [
        ([], ReplyTimeout, r"b'OUTP?\n' was not answered within 2 s"),
        ([(0.1, b"1\n")], BadReply, r"b'OUTP?\n' was answered with b'1\n', which is not the answer that confirms it"),
        ([(0.1, b"0")], None, ""),
        ([(2.5, b"0\n")], ReplyTimeout, "was not answered within 2 s"),
    ],
)
def test_a_required_answer_that_does_not_come_is_an_error(timed_line, clock, came, error, words):
    line = timed_line(answer=answering({b"OUTP?\n": came}))
    heard = []
    if error is None:
        assert perform(line, (ASK,), clock)[0].verified
        return
    with pytest.raises(error, match=re.escape(words)):
        perform(line, (ASK, Exchange(b"never\n")), clock, heard.append)
    assert line.written == [b"OUTP?\n"]
    assert line.suspect
    assert [(one.exchange, one.found) for one in heard] == [(ASK, None)]


def test_without_an_answer_that_is_not_required_it_goes_on(timed_line, clock):
    stop = Exchange(b"Z\n", "^Z", timeout=5.0, required=False)
    line = timed_line(answer=answering({b"OUTP?\n": [(0.0, b"0\n")]}))
    done = perform(line, (stop, ASK), clock)
    assert [one.found for one in done] == [None, b"0"]
    assert clock.now() == 5.0


def test_an_instrument_that_never_stops_talking_ends_the_wait_at_its_deadline(timed_line, clock):
    line = timed_line(*((0.01 * n, b"Peb80\n") for n in range(1000)))
    with pytest.raises(BadReply):
        perform(line, (ASK,), clock)
    assert clock.now() == pytest.approx(2.0, abs=0.02)


def test_a_line_that_breaks_is_said_to_be_lost(timed_line, clock):
    def breaks(data, now):
        raise LineLost("timed: the line broke")

    heard = []
    with pytest.raises(LineLost):
        perform(timed_line(answer=breaks), (ASK,), clock, heard.append)
    assert heard == []
