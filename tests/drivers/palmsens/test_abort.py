"""Ending a technique from another thread: the owner of the line says it between two reads."""

from __future__ import annotations

import pytest

from luggin.capabilities import Technique
from luggin.errors import InstrumentFault, ReplyTimeout

CA = Technique("ca", {"potential": 0.5, "duration": 3600.0, "dt": 60.0, "quiet": 0.0, "current_range": None})
LSV = Technique("lsv", {"begin": 0.5, "end": 0.6, "rate": 0.1, "step": 0.01, "quiet": 0.0, "current_range": None})

BEGIN = b"e\nM0007\n"


def row(minutes: int) -> bytes:
    """A package of the chronoamperometry below, which has one each minute."""
    return f"Peb{60_000 * minutes + 2**27:07X}m;da807A120u;ba8000000p,10,218\n".encode()


ROW, SECOND, THIRD = row(1), row(2), row(3)
ABORT = b"Z\n"


@pytest.fixture
def stepping(running):
    """`running` with a slow chronoamperometry."""
    return lambda answer, *further, techniques=(CA,), **settings: running(
        answer, *further, techniques=techniques, **settings
    )


def test_abort_in_mid_stream_keeps_the_rows_that_still_come(stepping, clock):
    instrument = stepping(BEGIN + ROW, (ABORT, [(0.0, SECOND), (0.01, b"Z\n" + THIRD), (0.02, b"*\n\n")]))
    stream = instrument.frames()
    assert len(next(stream)) == 1
    instrument.request_abort()
    assert sum(len(frame) for frame in stream) == 2
    # the wait of a minute for the next point was over at once
    assert clock.now() < 0.1
    assert instrument.transport.written[-1] == ABORT
    assert not instrument.transport.suspect


@pytest.mark.parametrize("tail", [b"Z\n\n", b"Z\n*\n\n", b"Z\n-\n*\n\n", b"*\n\nZ!0006\n", b"*\n\nZ\n", b"Z!0006\n"])
def test_everything_that_may_follow_an_abort(stepping, tail):
    instrument = stepping(BEGIN + ROW, (ABORT, tail))
    stream = instrument.frames()
    next(stream)
    instrument.request_abort()
    assert list(stream) == []
    assert instrument.transport.statistics()["buffered"] == 0


def test_abort_from_another_worker_while_the_owner_waits(stepping, clock):
    instrument = stepping(BEGIN, (ABORT, b"Z\n*\n\n"))

    def operator():
        clock.sleep(5.0)
        instrument.request_abort()

    with clock.worker("owner"):
        worker = clock.start_worker("operator", operator)
        assert list(instrument.frames()) == []
        worker.join()
    assert clock.now() == pytest.approx(5.0)


def test_abort_before_the_start_sends_nothing(stepping):
    instrument = stepping(BEGIN)
    instrument.request_abort()
    assert list(instrument.frames()) == []
    assert instrument.transport.written == []
    instrument.transport.left.clear()


def test_abort_of_the_last_technique_does_not_end_the_next(stepping):
    instrument = stepping(BEGIN + ROW + b"*\n\n")
    instrument.request_abort()
    instrument.prepare([CA])
    assert sum(len(frame) for frame in instrument.frames()) == 1


def test_abort_asked_twice_is_said_once(stepping):
    instrument = stepping(BEGIN + ROW, (ABORT, SECOND + b"Z\n*\n\n"))
    stream = instrument.frames()
    next(stream)
    instrument.request_abort()
    next(stream)
    instrument.request_abort()
    assert list(stream) == []


def test_an_abort_that_is_not_answered_is_an_error(stepping):
    instrument = stepping(BEGIN + ROW, (ABORT, b""))
    stream = instrument.frames()
    next(stream)
    instrument.request_abort()
    with pytest.raises(ReplyTimeout):
        next(stream)
    assert instrument.transport.suspect


def test_an_instrument_that_goes_on_after_the_abort_is_an_error(stepping, clock):
    endless = [(0.5 * n, row(1 + n)) for n in range(1, 40)]
    instrument = stepping(BEGIN + ROW, (ABORT, endless))
    stream = instrument.frames()
    next(stream)
    instrument.request_abort()
    with pytest.raises(ReplyTimeout, match="goes on"):
        list(stream)
    assert clock.now() < 6.0


def test_an_abort_that_is_refused_is_an_error(stepping):
    instrument = stepping(BEGIN + ROW, (ABORT, b"Z!7FFF\n"))
    stream = instrument.frames()
    next(stream)
    instrument.request_abort()
    with pytest.raises(InstrumentFault, match="reset"):
        next(stream)


def test_late_answer_to_an_abort_does_not_disturb_the_next_script(stepping):
    instrument = stepping(b"Z\ne\nM0007\n" + ROW + b"Z!0006\n*\n\n")
    assert sum(len(frame) for frame in instrument.frames()) == 1


def test_one_technique_of_a_chain_ends_the_chain_by_default(stepping):
    instrument = stepping(BEGIN + ROW, (ABORT, b"Z\n*\n\n"), techniques=(CA, LSV))
    stream = instrument.frames()
    next(stream)
    instrument.end_technique()
    assert list(stream) == []


def test_leaving_a_loop_goes_on_with_the_chain(stepping):
    rest = b"Y\n" + SECOND + b"*\nM0000\n" + ROW + b"*\n\n"
    instrument = stepping(BEGIN + ROW, (b"Y\n", rest), techniques=(CA, LSV), loop_exit="Y")
    stream = instrument.frames()
    assert next(stream).part == 0
    instrument.end_technique()
    assert [frame.part for frame in stream] == [0, 1]


def test_leaving_in_the_quiet_time_leaves_the_whole_technique(stepping):
    quiet = Technique("ca", {**CA.parameters, "quiet": 100.0})
    instrument = stepping(
        BEGIN + ROW,
        (b"Y\n", b"Y\n*\nM0007\n"),
        (b"Y\n", b"Y\n*\nM0000\n" + ROW + b"*\n\n"),
        techniques=(quiet, LSV),
        loop_exit="Y",
    )
    stream = instrument.frames()
    next(stream)
    instrument.end_technique()
    assert [frame.part for frame in stream] == [1]


def test_leaving_before_the_first_loop(stepping):
    instrument = stepping(
        b"e\n" + b"M0007\n", (b"Y\n", b"Y\n*\nM0000\n" + ROW + b"*\n\n"), techniques=(CA, LSV), loop_exit="Y"
    )
    instrument.end_technique()
    assert [frame.part for frame in instrument.frames()] == [1]


def test_an_instrument_that_does_not_know_how_to_leave_is_aborted(stepping):
    refused, aborted = (b"Y\n", b"Y!0003\n"), (ABORT, b"Z\n*\n\n")
    instrument = stepping(BEGIN + ROW, refused, aborted, techniques=(CA, LSV), loop_exit="Y")
    stream = instrument.frames()
    next(stream)
    instrument.end_technique()
    assert list(stream) == []


def test_the_line_is_brought_in_step_after_an_iterator_that_was_dropped(stepping):
    rest = THIRD + b"Z\n" + row(4) + b"*\n\n"
    instrument = stepping(BEGIN + ROW + SECOND, (b"\nZ\n", rest), (b"v\n", b"v0108\n"))
    stream = instrument.frames()
    next(stream)
    stream.close()
    instrument.resynchronise()
    assert instrument.methodscript_version.read() == "0108"
