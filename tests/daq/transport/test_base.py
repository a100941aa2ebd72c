"""Lines, deadlines and exchanges, whatever carries the bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.clock import VirtualClock
from luggin.errors import LineLost, ReplyTimeout


def test_a_line_comes_when_its_last_byte_does(timed_line, clock):
    line = timed_line((1.0, b"P=0"), (1.5, b".25\n"))
    assert line.read_line() == b"P=0.25"
    assert clock.now() == 1.5


def test_several_lines_of_one_chunk_are_read_one_by_one(timed_line, clock):
    line = timed_line((1.0, b"one\ntwo\n\nfour"), (3.0, b"!\n"))
    assert [line.read_line() for _ in range(4)] == [b"one", b"two", b"", b"four!"]
    assert clock.now() == 3.0


@pytest.mark.parametrize("border", range(1, 10))
def test_a_terminator_of_two_bytes_may_be_cut_by_a_chunk_border(timed_line, border):
    data = b"ab\r\nc\rd\r\n"
    line = timed_line((1.0, data[:border]), (1.1, data[border:]), terminator=b"\r\n")
    assert line.read_line() == b"ab"
    assert line.read_line() == b"c\rd"


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.lists(st.binary(max_size=6), max_size=8), st.sampled_from([b"\n", b"\r\n", b"\r\n\r"]), st.data())
def test_lines_do_not_depend_on_chunk_borders(line_type, lines, terminator, data):
    lines = [line.replace(b"\n", b".").replace(b"\r", b".") for line in lines]
    stream = b"".join(line + terminator for line in lines)
    borders = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[a:b] for a, b in zip([0, *borders], [*borders, len(stream)], strict=True)]
    arrivals = [(float(n), chunk) for n, chunk in enumerate(chunks) if chunk]
    line = line_type(VirtualClock(), arrivals, terminator=terminator, timeout=100.0)
    assert [line.read_line() for _ in lines] == lines
    assert line.statistics()["buffered"] == 0


def test_bytes_that_mean_nothing_are_dropped_wherever_they_stand(timed_line):
    line = timed_line((1.0, b"\x11ab\x13c\x11"), (1.1, b"\x13"), (1.2, b"\x11\n\x13"), ignore=b"\x11\x13")
    assert line.read_line() == b"abc"
    assert line.statistics() == {"read": 10, "written": 0, "buffered": 0}


def test_silence_is_a_timeout_at_the_deadline_and_makes_the_line_suspect(timed_line, clock):
    line = timed_line(timeout=2.0)
    clock.sleep(5.0)
    assert not line.suspect
    with pytest.raises(ReplyTimeout, match=r"timed: no answer within 2 s \(nothing came\)") as missed:
        line.read_line()
    assert clock.now() == 7.0
    assert missed.value.partial == b""
    assert line.suspect


def test_half_a_line_is_kept_in_the_timeout(timed_line, clock):
    line = timed_line((0.5, b"P=0."), timeout=2.0)
    with pytest.raises(ReplyTimeout, match=r"only b'P=0\.'") as missed:
        line.read_line(timeout=1.0)
    assert clock.now() == 1.0
    assert missed.value.partial == b"P=0."


def test_bytes_on_their_way_do_not_move_the_deadline(timed_line, clock):
    line = timed_line(*((0.1 * n, b".") for n in range(1, 100)), timeout=2.05)
    with pytest.raises(ReplyTimeout) as missed:
        line.read_line()
    assert clock.now() == pytest.approx(2.05)
    assert missed.value.partial == b"." * 20


def test_a_line_that_is_there_needs_no_time(timed_line, clock):
    line = timed_line((0.0, b"here\n"))
    assert line.read_line(timeout=0.0) == b"here"
    assert clock.now() == 0.0


def test_a_late_answer_is_drained(timed_line, clock):
    line = timed_line((3.0, b"late "), (3.2, b"answer\n"), (10.0, b"next\n"))
    with pytest.raises(ReplyTimeout):
        line.read_line(timeout=1.0)
    assert line.drain(quiet=2.5) == b"late answer\n"
    assert clock.now() == pytest.approx(5.7)
    assert line.statistics()["buffered"] == 0


def test_draining_a_line_that_never_stops_ends(timed_line, clock):
    line = timed_line(*((0.1 * n, b"x\n") for n in range(1000)))
    assert line.drain(quiet=0.5, longest=3.05) == b"x\n" * 31
    assert clock.now() == pytest.approx(3.05)


def test_draining_forgets_where_the_search_stood(timed_line):
    line = timed_line((0.0, b"0123456789"), (5.0, b"a\n"), timeout=10.0)
    line.drain(quiet=1.0)
    assert line.read_line() == b"a"


def test_a_token_ends_the_wait_for_a_line(timed_line, clock):
    line, stop = timed_line((10.0, b"too late\n"), timeout=60.0), clock.cancel()

    def operator() -> None:
        clock.sleep(3.0)
        stop.set()

    with clock.worker("owner"):
        worker = clock.start_worker("operator", operator)
        assert line.read_line(cancel=stop) is None
        assert clock.now() == 3.0
        worker.join()
    assert not line.suspect
    assert line.read_line() == b"too late"


def test_a_whole_line_is_given_out_before_a_set_token_counts(timed_line, clock):
    line, stop = timed_line((0.0, b"one\ntwo")), clock.cancel()
    assert line.read_line(cancel=stop) == b"one"
    stop.set()
    line._buffer += b"\nthree"
    assert line.read_line(cancel=stop) == b"two"
    assert line.read_line(cancel=stop) is None
    assert line.statistics()["buffered"] == len(b"three")


def test_a_megabyte_without_an_end_of_line_is_no_instrument_of_ours(timed_line):
    line = timed_line(*((0.0, b"\xff" * (1 << 18)) for _ in range(5)), (1.0, b"ok\n"))
    with pytest.raises(LineLost, match="baud rate"):
        line.read_line()
    assert line.read_line() == b"ok"


def test_the_trace_has_every_byte_with_its_time(timed_line):
    seen = []
    line = timed_line((1.0, b"\x11a"), (2.0, b"b\n"), ignore=b"\x11")
    line.trace = lambda *entry: seen.append(entry)
    assert line.exchange(b"?\n", timeout=5.0) == b"ab"
    assert seen == [(0.0, ">", b"?\n"), (1.0, "<", b"\x11a"), (2.0, "<", b"b\n")]
    assert line.statistics() == {"read": 4, "written": 2, "buffered": 0}


def test_leaving_closes_and_sends_nothing(timed_line):
    with timed_line() as line:
        pass
    assert line.closed == 1
    assert line.written == []


def test_two_workers_never_get_each_others_answers_and_time_goes_on(timed_line, clock):
    """Each answer takes 0.5 s of lab time, in which the other worker waits for its turn on the clock."""
    line = timed_line(answer=lambda data, now: [(now + 0.5, b"to " + data)])
    wrong, order = [], []

    def asker(name: str) -> None:
        for number in range(20):
            question = f"{name}{number}".encode()
            reply = line.exchange(question + b"\n")
            order.append(clock.now())
            if reply != b"to " + question:
                wrong.append((question, reply))

    with clock.worker("starter"):
        workers = [clock.start_worker(name, lambda name=name: asker(name)) for name in "ab"]
        assert all(worker.join() for worker in workers)
    assert wrong == []
    assert order == [0.5 * n for n in range(1, 41)]


def test_the_holder_of_the_line_may_take_it_again_and_gives_it_back_once(timed_line, clock):
    line, log = timed_line(answer=lambda data, now: [(now + 1.0, b"a\n")]), []

    def second() -> None:
        with line.lock:
            log.append(("second", clock.now()))

    with clock.worker("first"):
        with line.lock:
            worker = clock.start_worker("second", second)
            line.exchange(b"?\n")
            line.exchange(b"?\n")
            log.append(("first", clock.now()))
        worker.join()
    assert log == [("first", 2.0), ("second", 2.0)]


def test_an_exchange_that_fails_gives_the_line_back(timed_line, clock):
    line = timed_line()
    with clock.worker("first"):
        with pytest.raises(ReplyTimeout):
            line.exchange(b"?\n")
        worker = clock.start_worker("second", lambda: line.lock.__enter__())
        assert worker.join(until=10.0)
