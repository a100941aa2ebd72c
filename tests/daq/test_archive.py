"""A run folder is read as it is: steps that go on or were cut off have their rows, times follow the clock."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from luggin.analysis import open_run
from luggin.clock import VirtualClock
from luggin.platform import FileLock
from luggin.records import ATTEMPT, CURRENT, POTENTIAL, RECEIVED, STEP, TIME, Frame, Schema
from luggin.store import RunLog, StoreWriter

BEGUN = datetime(2031, 3, 14, 8, 30, tzinfo=UTC)
RUN = {"kind": "run", "time": 0.0, "created": BEGUN.isoformat(), "monitors": [{"stream": "bath"}]}
SESSION = {"kind": "session", "time": 0.0, "utc": BEGUN.isoformat()}
CV = {"rate": 0.025, "begin": 0.0, "vertices": [-0.9, 0.2]}


def schema(stream):
    return Schema(stream, (TIME, POTENTIAL, CURRENT, RECEIVED, STEP, ATTEMPT))


def start(step, do, attempt=1, **said):
    return {"kind": "start", "time": 10.0 * step, "path": str(step), "step": step, "attempt": attempt, "do": do, **said}


def end(step, stream, first, count, attempt=1, kind="end", **said):
    part = {
        "technique": stream,
        "stream": stream,
        "first": first,
        "count": count,
        "id": "full",
        "role": "",
        "label": "",
    }
    status = "done" if kind == "end" else kind
    parts = [{**part, "parameters": CV, "status": status}]
    return {
        "kind": kind, "time": 10.0 * step + 5, "path": str(step), "step": step, "attempt": attempt, "status": "done",
        "parts": parts, **said,
    }  # fmt: skip


def prepared(step, attempt, *techniques):
    said = [{"name": name, "parameters": parameters} for name, parameters in techniques]
    return {"kind": "event", "time": 1.0, "what": "prepared", "step": step, "attempt": attempt, "techniques": said}


def session(time, seconds):
    return {"kind": "session", "time": time, "utc": (BEGUN + timedelta(seconds=seconds)).isoformat()}


@pytest.fixture
def make(tmp_path):
    """Makes a run folder of records and of rows: stream, step, attempt, how many."""

    def make(records, blocks=()):
        folder = tmp_path / "run"
        writer = StoreWriter.create(folder, {}, host_clock=VirtualClock(), durable=False)
        received = 0.0
        for stream, step, attempt, count in blocks:
            rows = np.zeros(count, schema(stream).dtype)
            rows["step"], rows["attempt"] = step, attempt
            rows["received"] = received + np.arange(count)
            received += count
            rows["potential"] = -rows["received"]
            writer.append(Frame(schema(stream), 0.0, array=rows))
        writer.sync()
        writer.close()
        with RunLog.create(folder) as log:
            for record in records:
                log.append(record)
        return folder

    return make


def lock_of(folder):
    return FileLock(folder / "journal" / "lock")


def parts(step):
    return [(p["technique"], p["stream"], p["first"], p["count"], p["id"], p["status"]) for p in step.parts]


def test_a_step_without_an_end_has_the_rows_that_are_there(make):
    records = [
        RUN,
        SESSION,
        start(1, "ocp"),
        end(1, "ocp", 0, 3),
        start(2, "cv", id="wave"),
        prepared(2, 1, ("cv", CV)),
    ]
    folder = make(records, [("ocp", 1, 1, 3), ("bath", 2, 1, 7), ("cv", 2, 1, 5)])
    done, cut = open_run(folder).steps
    assert (done.status, cut.status, cut.ended) == ("done", "cut off", None)
    assert parts(cut) == [("cv", "cv", 0, 5, "wave", "cut off")]
    assert cut.parts[0]["parameters"] == CV
    lock = lock_of(folder)
    lock.acquire("a process")
    archive = open_run(folder)
    assert (archive.outcome, archive.steps[1].status) == ("running", "running")
    assert archive.steps[1].parts[0]["count"] == 5
    lock.release()
    (table,) = open_run(folder).tables(on="wave")
    assert (table.complete, table.parameters, table.step) == (False, CV, 2)
    assert table.columns["potential"].tolist() == [-10.0, -11.0, -12.0, -13.0, -14.0]


def test_only_what_was_begun_last_can_be_running(make):
    records = [RUN, SESSION, start(1, "cv"), prepared(1, 1, ("cv", CV)), session(100.0, 100.0)]
    folder = make(records, [("cv", 1, 1, 4)])
    lock = lock_of(folder)
    lock.acquire("a process")
    assert [s.status for s in open_run(folder).steps] == ["cut off"]
    with RunLog.open(folder) as log:
        log.append(start(1, "cv", attempt=2))
    assert [(s.status, len(s.parts)) for s in open_run(folder).steps] == [("cut off", 1), ("running", 0)]
    lock.release()


def test_the_completed_attempt_counts_and_then_the_latest_with_rows(make):
    blocks = [("cv", 1, 1, 4), ("cv", 1, 2, 6), ("cv", 1, 3, 2)]
    records = [RUN, SESSION, start(1, "cv"), prepared(1, 1, ("cv", CV)), start(1, "cv", 2), end(1, "cv", 4, 6, 2)]
    records += [start(1, "cv", 3, re_established=True)]
    archive = open_run(make(records, blocks))
    assert [sum(p["count"] for p in s.parts) for s in archive.steps] == [4, 6, 2]
    (table,) = archive.tables()
    assert (table.attempt, len(table), table.complete) == (2, 6, True)


def test_without_a_completed_attempt_the_latest_with_rows_counts(make):
    records = [RUN, SESSION, start(1, "cv"), end(1, "cv", 0, 4, kind="interrupted"), start(1, "cv", 2)]
    records += [
        start(1, "cv", 3),
        {"kind": "interrupted", "time": 30.0, "path": "1", "step": 1, "attempt": 3, "parts": []},
    ]
    folder = make(records, [("cv", 1, 1, 4), ("cv", 1, 2, 6)])
    (table,) = open_run(folder).tables()
    assert (table.attempt, len(table), table.complete) == (2, 6, False)


def test_techniques_of_a_chain_keep_their_names_and_parameters_where_these_are_certain(make):
    request = {"steps": [{"do": "ca", "id": "hold"}, {"do": "cv", "id": "a"}, {"do": "cv", "id": "b"}]}
    records = [RUN, SESSION, start(1, "chain", request=request)]
    records += [prepared(1, 1, ("ca", {"potential": 0.2}), ("cv", CV), ("cv", {**CV, "rate": 0.1}))]
    (step,) = open_run(make(records, [("ca", 1, 1, 3), ("cv", 1, 1, 9)])).steps
    assert parts(step) == [("ca", "ca", 0, 3, "hold", "cut off"), ("cv", "cv", 0, 9, "", "cut off")]
    assert [p["parameters"] for p in step.parts] == [{"potential": 0.2}, {}]


def test_rows_that_are_not_side_by_side_are_not_taken_for_one_stretch(make):
    blocks = [("cv", 1, 1, 2), ("cv", 0, 0, 3), ("cv", 1, 1, 4)]
    (step,) = open_run(make([RUN, SESSION, start(1, "cv")], blocks)).steps
    assert [(p["first"], p["count"]) for p in step.parts] == [(0, 2), (5, 4)]


def test_a_store_that_cannot_be_read_leaves_what_was_done(make):
    folder = make([RUN, SESSION, start(1, "cv")], [("cv", 1, 1, 2)])
    (folder / "data.zarr" / "zarr.json").write_text("{")
    (step,) = open_run(folder).steps
    assert (step.do, step.status, step.parts) == ("cv", "cut off", ())


@pytest.mark.parametrize(
    ("header", "run_time", "seconds"),
    [
        ({}, 40.0, 40.0),
        ({"speed": 20.0}, 40.0, 2.0),
        ({"speed": 20.0}, 899.9, 44.995),  # still by the first session
        ({"speed": 20.0}, 1000.0, 51.0),  # 100 s of laboratory time behind the second, which came after 46 s
        ({"speed": 20.0, "virtual": True}, 1000.0, 1000.0),
    ],
)
def test_the_time_of_day_follows_the_clock_of_its_session(make, header, run_time, seconds):
    archive = open_run(make([{**RUN, **header}, SESSION, session(900.0, 46.0)]))
    assert archive.moment(run_time) == BEGUN + timedelta(seconds=seconds)


def test_a_run_that_does_not_know_when_it_began_has_no_time_of_day(make):
    assert open_run(make([{"kind": "run", "time": 0.0}])).moment(1.0) is None
