"""What a follower tells of a run: everything once, in order, however the log comes to be."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.clock import VirtualClock
from luggin.errors import RunFolderError
from luggin.observing import Follower, follow
from luggin.observing.following import last_look
from luggin.observing.tail import LogTail
from luggin.store import RunLog

STEP = {"path": "1", "step": 1, "attempt": 1}


def told(happenings):
    return [(h.kind, h.words) for h in happenings]


@pytest.fixture
def dead_process():
    """The number of a process that is gone."""
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait()
    return gone.pid


def test_every_record_that_means_something_is_told_in_order(written):
    run = written()
    run.session()
    run.event("started", 0.0)
    run.write({"kind": "start", "time": 1.0, "do": "cv", "label": "blank", **STEP})
    run.event("prepared", 1.5, path="1")
    run.event("trip", 2.0, path="1", words="current over 100 uA")
    run.event("suspended", 2.0, words="the cell is open")
    run.event("continued", 3.0, words="temperature is back")
    run.event("line lost", 3.5, words="no answer")
    run.event("monitor lost", 3.6, words="bath: no answer")
    run.event("reconnected", 3.7, verified="cell off")
    run.event("gap", 3.8, words="no answer", **{"from": 3.5, "to": 3.8})
    run.write({"kind": "end", "time": 4.0, "status": "end_step", **STEP})
    run.write({"kind": "start", "time": 4.0, "do": "ocp", "path": "2", "step": 2, "attempt": 1})
    run.write({"kind": "failed", "time": 5.0, "path": "2", "step": 2, "attempt": 1})
    run.event("finished", 6.0, words="failed")
    run.finish("failed", 6.0)
    run.let_go()
    happenings = list(follow(run.folder))
    assert told(happenings) == [
        ("started", ""),
        ("step_began", "blank"),
        ("prepared", ""),
        ("trip", "current over 100 uA"),
        ("suspend", "the cell is open"),
        ("continued", "temperature is back"),
        ("line_lost", "no answer"),
        ("line_lost", "bath: no answer"),
        ("reconnected", "cell off"),
        ("gap", "no answer"),
        ("step_ended", "end_step"),
        ("step_began", ""),
        ("step_ended", "failed"),
        ("finished", "failed"),
    ]
    trip = happenings[3]
    assert (trip.path, trip.do, trip.time) == ("1", "cv", 2.0)
    assert trip.utc == datetime(2026, 3, 14, 10, 0, 2, tzinfo=UTC)
    assert (happenings[9].record["from"], happenings[9].record["to"]) == (3.5, 3.8)


def test_time_of_day_follows_the_speed_and_the_session(written):
    run = written(speed=10.0)
    run.session()
    run.event("trip", 20.0)
    run.session(reason="resume", time=100.0)
    run.event("trip", 120.0)
    run.finish()
    _, before, resumed, after, _ = follow(run.folder, whole=True)
    assert before.utc == datetime(2026, 3, 14, 10, 0, 2, tzinfo=UTC)
    assert resumed.utc == datetime(2026, 3, 14, 10, 0, 0, tzinfo=UTC)
    assert after.utc == datetime(2026, 3, 14, 10, 0, 2, tzinfo=UTC)


def test_a_resumed_run_is_told_from_where_it_was_taken_up(written):
    run = written()
    run.session()
    run.write({"kind": "start", "time": 1.0, "do": "cv", **STEP})
    run.event("trip", 2.0, words="the first time")
    run.finish("limit tripped")
    run.session(reason="resume", time=50.0, gap={"from": 9.0, "to": 50.0})
    run.write({"kind": "end", "time": 60.0, **STEP})
    run.finish()
    happenings = list(follow(run.folder))
    assert told(happenings) == [
        ("resumed", ""),
        ("gap", "nobody had the run"),
        ("step_ended", "done"),
        ("finished", "completed"),
    ]
    assert happenings[1].record == {"time": 50.0, "from": 9.0, "to": 50.0}
    assert happenings[2].do == "cv", "what was begun before is known"
    assert [h.kind for h in follow(run.folder, whole=True)] == [
        "started",
        "step_began",
        "trip",
        "finished",
        "resumed",
        "gap",
        "step_ended",
        "finished",
    ]


def test_one_who_follows_over_a_resume_hears_it(written, dead_process):
    run = written()
    run.session()
    follower = Follower(run.folder, clock=VirtualClock())
    assert [h.kind for h in follower.new()] == ["started"]
    assert follower.new() == []
    run.session(reason="resume", time=5.0)
    assert [h.kind for h in follower.new()] == ["resumed"]
    assert not follower.over


def test_a_run_that_nobody_has_any_more_was_cut_off(written, dead_process):
    run, clock = written(), VirtualClock()
    run.session()
    run.write({"kind": "session", "time": 1.0, "pid": dead_process, "reason": "resume"})
    follower = Follower(run.folder, clock=clock)
    follower.new()
    clock.sleep(1.5)
    assert follower.new() == [], "somebody holds the lock"
    run.let_go()
    clock.sleep(1.5)
    (end,) = follower.new()
    assert (end.kind, end.time, follower.over) == ("cut_off", 1.0, True)
    assert follower.new() == []


def test_a_lock_that_a_drive_does_not_share_is_not_the_end_while_the_process_lives(written):
    run, clock = written(), VirtualClock()
    run.session()
    follower = Follower(run.folder, clock=clock)
    follower.new()
    run.lock.release()
    clock.sleep(1.5)
    assert follower.new() == []
    assert not follower.over


def test_an_end_that_was_written_while_the_lock_was_looked_at_is_the_end(written, dead_process, monkeypatch):
    run, clock = written(), VirtualClock()
    run.write({"kind": "session", "time": 0.0, "pid": dead_process, "reason": "start"})
    follower = Follower(run.folder, clock=clock)
    follower.new()
    clock.sleep(1.5)

    def ends_in_this_moment(folder):
        run.finish()
        run.let_go()
        return False

    monkeypatch.setattr("luggin.store.is_being_written", ends_in_this_moment)
    assert [h.kind for h in follower.new()] == ["finished"]


def test_following_waits_and_can_be_stopped(written):
    run, clock = written(), VirtualClock()
    run.session()
    stop, heard = clock.cancel(), []
    for happening in follow(run.folder, clock=clock, every=0.5, stop=stop):
        heard.append((happening.kind, clock.now()))
        run.event("trip") if len(heard) == 1 else stop.set()
    assert heard == [("started", 0.0), ("trip", 0.5)]


def test_it_is_known_when_a_thread_last_looked(written):
    import threading

    run, clock = written(), VirtualClock()
    run.session()
    clock.sleep(7.0)
    follower = Follower(run.folder, clock=clock)
    follower.new()
    assert last_look(threading.get_ident()) == 7.0
    assert last_look(-1) is None


# -- the tail of a log


def test_a_torn_line_is_left_until_it_is_whole(written):
    run = written()
    tail = LogTail(run.folder)
    assert [r["kind"] for r in tail.new()] == ["run.log", "run"]
    run.event("trip")
    data = (run.folder / "run.log").read_bytes()
    for cut in (1, 20, len('{"kind":"event"}')):
        (run.folder / "run.log").write_bytes(data[:-cut])
        assert tail.new() == []
    (run.folder / "run.log").write_bytes(data)
    assert [r["kind"] for r in tail.new()] == ["event"]
    assert tail.new() == []


def test_a_line_that_is_damaged_is_never_told(written):
    run = written()
    tail = LogTail(run.folder)
    tail.new()
    run.event("trip", words="over 100 uA")
    path = run.folder / "run.log"
    path.write_bytes(path.read_bytes().replace(b"over 100 uA", b"over 900 uA"))
    assert tail.new() == []


@settings(deadline=None, derandomize=True, max_examples=30)
@given(cuts=st.lists(st.integers(1, 400), max_size=20), words=st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_in_whatever_pieces_a_log_appears_every_record_comes_once(tmp_path_factory, cuts, words):
    folder, growing = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("growing")
    with RunLog.create(folder) as log:
        for said in words:
            log.append({"kind": "event", "words": said})
    data, path = (folder / "run.log").read_bytes(), growing / "run.log"
    path.write_bytes(b"")
    tail, read, end = LogTail(growing), [], 0
    for cut in [*cuts, len(data)]:
        end += cut
        path.write_bytes(data[:end])
        read += tail.new()
    assert [r["words"] for r in read[1:]] == words


@pytest.mark.parametrize("size", [50, 300])
def test_a_log_whose_lines_or_whole_are_longer_than_one_reading_is_read_to_its_end(written, monkeypatch, size):
    monkeypatch.setattr("luggin.observing.tail._READ_AT_ONCE", size)
    run = written()
    for number in range(20):
        run.event("trip", words=str(number))
    assert [r["words"] for r in LogTail(run.folder).new()[2:]] == [str(n) for n in range(20)]


def test_what_is_no_run_folder_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match=r"not a run folder \(it has no run.log\)"):
        Follower(tmp_path)


def test_a_log_of_a_newer_luggin_is_refused_in_words(tmp_path):
    import google_crc32c

    body = b'"durable":0,"record":{"kind":"run.log","format":99}'
    (tmp_path / "run.log").write_bytes(b'{"crc32c":"%08x",%s}\n' % (google_crc32c.value(body), body))
    with pytest.raises(RunFolderError, match="newer Luggin"):
        Follower(tmp_path).new()


@pytest.mark.skipif(os.name == "nt", reason="POSIX")
def test_a_process_of_somebody_else_is_alive():
    from luggin.observing.following import _is_alive

    assert _is_alive(1)
    assert _is_alive(os.getpid())
    assert not _is_alive(0)
