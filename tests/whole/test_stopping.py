"""Whatever ends a run, the cell is open, the rows are kept, and the end says why."""

import signal

import numpy as np
import pytest
from killing import BENCH, SAMPLE, Command, check_against, luggin, stored_rows, wait_for

from luggin.analysis import open_run
from luggin.errors import (
    BadReply,
    Interrupted,
    LimitTripped,
    PluginFault,
    StoreFull,
)
from luggin.records import Flag, Frame
from luggin.units import show

PROTOCOL = f"""
title = "to be stopped"
steps = [
  {{do = "ocp", duration = "1 s", dt = "0.1 s"}},
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "400 mV/s", step = "5 mV", cycles = 10}},
]
{SAMPLE}
"""
ALL_ROWS = 10 + 10 * 320 + 1


def limited(then="stop", column="current", between='"-3 uA", "1 mA"', lasting="1 row", steps=1):
    """A protocol with one limit, which the first reduction of the cell leaves."""
    cv = '{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "200 mV/s", step = "5 mV"}'
    return f"""
title = "limited"
limits = [{{column = "{column}", between = [{between}], for = "{lasting}", then = "{then}"}}]
steps = [{", ".join([cv] * steps)}]
{SAMPLE}
"""


# -- signals, from outside


def started(oracle, folder):
    """A run that has begun to measure with the cell closed."""
    (folder / "protocol.toml").write_text(PROTOCOL, encoding="utf-8")
    before = len(oracle.sent.advance().executions)
    command = Command("run", "protocol.toml", "--bench", oracle.bench, "--folder", "run", "--no-report", cwd=folder)
    wait_for(lambda: sum(len(e.rows) for e in oracle.sent.advance().executions[before:]) > 100, "rows of the cv")
    assert oracle.cell_is_on()
    return command, folder / "run", before


@pytest.mark.parametrize(
    ("signals", "said"),
    [
        pytest.param([signal.SIGINT], "SIGINT", id="Ctrl-C"),
        pytest.param([signal.SIGINT, signal.SIGINT], "SIGINT", id="Ctrl-C twice"),
        pytest.param([signal.SIGTERM], "SIGTERM", id="kill"),
        pytest.param([signal.SIGHUP], "SIGHUP", id="closed terminal"),
        pytest.param([signal.SIGINT, signal.SIGTERM] * 25, "SIG", id="a storm of 50"),
    ],
)
def test_a_signal_opens_the_cell_keeps_the_rows_and_leaves_a_run_that_can_be_resumed(oracle, tmp_path, signals, said):
    command, folder, before = started(oracle, tmp_path)
    for number in signals:
        command.signal(number)
    code, _, errors = command.end()
    assert code == 130
    assert not oracle.cell_is_on()
    assert f"stopped by {said}" in errors
    assert "the cell is open, the data are kept" in errors
    assert "take it up again with: luggin resume run" in errors
    assert "Traceback" not in errors
    archive = open_run(folder)
    assert archive.outcome == "interrupted"
    assert [s.status for s in archive.steps] == ["done", "interrupted"]
    assert 100 < sum(map(len, stored_rows(folder).values())) < ALL_ROWS
    check_against(oracle, folder, before)

    code, _, errors = luggin("resume", "run", "--no-report", cwd=tmp_path)
    assert code == 0, errors
    assert [(s.attempt, s.status) for s in open_run(folder).steps[1:]] == [(1, "interrupted"), (2, "done")]
    check_against(oracle, folder, before)


def test_one_signal_stops_at_a_row_boundary_with_every_row_that_was_sent(oracle, tmp_path):
    command, folder, before = started(oracle, tmp_path)
    command.signal(signal.SIGINT)
    assert command.end()[0] == 130
    sent = oracle.sent.advance().executions[before:]
    assert [len(rows) for rows in stored_rows(folder).values()] == [len(e.rows) for e in sent]
    verified = [e for e in open_run(folder).events if e["what"] == "made safe"]
    assert "it refuses while the cell is on" in verified[-1]["verified"]


# -- stops, in virtual time


def stop_after(rows, **how):
    """Ask for a stop as soon as so many rows of the run are stored."""

    def on_begin(run):
        append, count = run.writer.append, 0

        def counting(frame, **options):
            nonlocal count
            count += len(frame)
            if count == rows:
                run.request_stop("the test", **how)
            return append(frame, **options)

        run.writer.append = counting

    return on_begin


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("rows", [1, 3, 40, 1000])
def test_a_stop_at_any_row_ends_with_an_open_cell(travel, rows, hard):
    seen = travel(PROTOCOL, BENCH, on_begin=stop_after(rows, hard=hard))
    assert isinstance(seen.finished.error, Interrupted)
    assert seen.finished.exit_code == 130
    assert not seen.cell_left_on
    stored = sum(map(len, stored_rows(seen.finished.folder).values()))
    assert rows - 3 <= stored <= rows + 5
    assert seen.archive.outcome == "interrupted"


def test_the_row_that_trips_is_stored_and_the_cell_is_opened(travel):
    seen = travel(limited(steps=2), BENCH)
    assert isinstance(seen.finished.error, LimitTripped)
    assert seen.finished.exit_code == 3
    assert not seen.cell_left_on
    current = seen.archive["cv"].to_numpy()["current"]
    first = int(np.argmax(current < -3e-6))
    assert current[first] < -3e-6
    assert str(seen.finished.error) == (
        f"step 1: current was {show(float(current[first]), 'A', 5)}; allowed is current between -3 uA and 1 mA. "
        "The cell is open; the data up to there are kept."
    )
    # What the instrument had measured when the abort reached it is kept as well.
    assert len(current) <= first + 3
    assert [s.status for s in seen.archive.steps] == ["failed"]
    assert [e["then"] for e in seen.archive.events if e["what"] == "trip"] == ["stop"]


def test_a_tripped_run_is_resumed_only_when_somebody_says_that_he_has_looked(travel, tmp_path):
    folder = travel(limited(), BENCH).finished.folder
    code, _, errors = luggin("resume", folder, "--no-report", cwd=tmp_path)
    assert code == 2
    assert "was stopped by a limit (step 1: current was -3." in errors
    assert "allowed is current between -3 uA and 1 mA). Look at the cell first; then say so with" in errors
    assert len(open_run(folder).steps) == 1
    code, _, errors = luggin("resume", folder, "--clear-trip", "--no-report", cwd=tmp_path)
    assert code == 3, errors
    assert [(s.attempt, s.status) for s in open_run(folder).steps] == [(1, "failed"), (2, "failed")]


def test_a_limit_that_ends_the_step_lets_the_run_go_on(travel):
    seen = travel(limited("end_step", steps=2), BENCH)
    assert seen.finished.outcome == "completed"
    assert seen.finished.exit_code == 0
    assert [s.status for s in seen.archive.steps] == ["end_step", "end_step"]
    assert "allowed is current between -3 uA and 1 mA" in seen.archive.steps[0].values["ended_by"]
    assert all(30 < len(rows) < 320 for rows in stored_rows(seen.finished.folder).values())
    assert not seen.cell_left_on


def test_a_limit_that_must_last_passes_over_a_single_row(travel):
    one = travel(limited("end_step"), BENCH, name="one")
    three = travel(limited("end_step", lasting="3 rows"), BENCH, name="three")
    long = travel(limited("end_step", lasting="1 s"), BENCH, name="long")
    lengths = [len(seen.archive["cv"]) for seen in (one, three, long)]
    assert lengths == sorted(lengths)
    assert lengths[2] - lengths[0] >= 40 - 3


# -- faults of instruments, drivers and disks


class Tampered:
    """An instrument whose frames pass through ``change(number, frame, run)`` on their way."""

    def __init__(self, instrument, change, run):
        self._instrument, self._change, self._run = instrument, change, run

    def __getattr__(self, name):
        return getattr(self._instrument, name)

    def frames(self):
        inner = self._instrument.frames()
        try:
            for number, frame in enumerate(inner):
                yield self._change(number, frame, self._run)
        finally:
            inner.close()


def replaced_frames(change):
    """What `travel` calls to put a `Tampered` in the place of the instrument."""

    def on_begin(run):
        run.session.instruments["cell"] = Tampered(run.session.instruments["cell"], change, run)

    return on_begin


def test_readings_that_are_no_numbers_stop_the_run(travel):
    def blind(number, frame, run):
        column = frame.schema.index("current") if "current" in frame.schema.names else None
        if column is None or number < 50:
            return frame
        rows = [(*row[:column], float("nan"), *row[column + 1 :]) for row in frame.rows()]
        return Frame(frame.schema, frame.received, rows, part=frame.part)

    seen = travel(limited(between='"-1 mA", "1 mA"'), BENCH, on_begin=replaced_frames(blind))
    assert isinstance(seen.finished.error, LimitTripped)
    assert "current was no usable reading" in str(seen.finished.error)
    assert not seen.cell_left_on
    current = seen.archive["cv"].to_numpy()["current"]
    assert np.isfinite(current[:50]).all()
    assert 5 <= np.isnan(current[50:]).sum() == len(current) - 50 <= 8


def test_an_error_of_the_instrument_names_its_place_in_the_script(travel):
    overload = BENCH.replace('"answered"}', '"answered", critical_overload = 3e-6}')
    seen = travel(PROTOCOL, overload)
    assert seen.finished.exit_code == 4
    assert seen.finished.outcome == "failed"
    assert "critical overload of the cell, measurement aborted" in str(seen.finished.error)
    assert "line " in str(seen.finished.error)
    assert "of the script: 'meas_loop_cv" in str(seen.finished.error)
    assert not seen.cell_left_on
    assert [s.status for s in seen.archive.steps] == ["done", "failed"]
    assert 10 < seen.archive.store.rows("cv") < 320


def failing_once(error):
    """The 30th row of the voltammogram is this error instead."""

    def broken(number, frame, run):
        if frame.schema.stream == "cv" and number == 30:
            assert run.session.lab.cell_is_on("cell")
            raise error
        return frame

    return replaced_frames(broken)


def test_a_driver_that_raises_leaves_an_open_cell_and_a_record(travel):
    seen = travel(PROTOCOL, BENCH, on_begin=failing_once(RuntimeError("a bug in the driver")))
    said, archive = seen.finished.error, seen.archive
    assert isinstance(said, PluginFault)
    assert "RuntimeError: a bug in the driver (test_stopping.py, line " in str(said)
    assert "not in your protocol" in str(said)
    assert archive.outcome == "failed"
    assert [s.status for s in archive.steps] == ["done", "failed"]
    assert archive.steps[1].error == {"type": "RuntimeError", "message": "a bug in the driver"}
    assert archive.store.rows("cv") == 30
    verified = [e["verified"] for e in archive.events if e["what"] == "made safe"]
    assert "it refuses while the cell is on" in verified[0]


def test_an_answer_that_makes_no_sense_ends_the_attempt_and_not_the_run(travel):
    seen = travel(PROTOCOL, BENCH, on_begin=failing_once(BadReply("nonsense", b"\xff")))
    archive = seen.archive
    assert (seen.finished.outcome, seen.cell_left_on) == ("completed", False)
    attempts = [(s.path, s.attempt, s.status) for s in archive.steps]
    assert attempts == [("1", 1, "done"), ("2", 1, "broken"), ("2", 2, "done")]
    assert archive.steps[1].error == {"type": "BadReply", "message": "nonsense"}
    happened = [e["what"] for e in archive.events]
    places = [happened.index(what) for what in ("made safe", "line lost", "reconnected", "gap")]
    assert places == sorted(places)
    rows = archive["cv"].to_numpy()
    assert (rows["attempt"] == 1).sum() == 30
    assert len(archive.tables(technique="cv")[0]) == ALL_ROWS - 10
    again = rows[rows["attempt"] == 2]
    assert again["flags"][0] & Flag.GAP
    assert not (again["flags"][1:] & Flag.GAP).any()


@pytest.mark.parametrize("rows", [0, 1, 57])
def test_a_full_disk_opens_the_cell_and_keeps_what_was_stored(travel, monkeypatch, rows):
    on = []

    def filling(run):
        append, count = run.writer.append, 0

        def full(frame, **options):
            nonlocal count
            if frame.schema.stream == "cv":
                count += 1
                if count > rows:
                    on.append(run.session.lab.cell_is_on("cell"))
                    raise StoreFull("no space left for run/journal: make space on this disk and resume the run")
            return append(frame, **options)

        run.writer.append = full

    seen = travel(PROTOCOL, BENCH, on_begin=filling)
    assert on == [True]
    assert isinstance(seen.finished.error, StoreFull)
    assert seen.finished.exit_code == 1
    assert "make space on this disk and resume" in str(seen.finished.error)
    assert not seen.cell_left_on
    assert seen.archive.outcome == "failed"
    assert (seen.archive.store.rows("cv") if rows else 0) == rows
