"""``luggin status`` beside a run in another process, which it does not disturb."""

import json
import os
import signal

import pytest
from killing import SAMPLE, Command, Oracle, luggin, stored_rows, wait_for

from luggin.analysis import open_run

SWEEP = 'begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "400 mV/s", step = "5 mV", cycles = 200'
PROTOCOL = f"""
title = "to be looked at"
steps = [
  {{do = "ocp", duration = "2 s", dt = "0.1 s"}},
  {{do = "cv", id = "long", {SWEEP}}},
  {{do = "ocp", duration = "20 s", dt = "0.1 s"}},
]
{SAMPLE}
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A simulated instrument in a process of its own, ten times as fast as the wall."""
    if not hasattr(os, "openpty"):
        pytest.skip("this operating system has no pseudo-terminals")
    with Oracle(tmp_path_factory.mktemp("status"), speed=10.0) as running:
        yield running.bench


@pytest.fixture
def going_on(bench, tmp_path):
    """A run that is in its second step; the process and its folder."""
    (tmp_path / "protocol.toml").write_text(PROTOCOL, encoding="utf-8")
    folder = tmp_path / "runs" / "live"
    command = Command("run", "protocol.toml", "--bench", bench, "--folder", folder, "--no-report", cwd=tmp_path)

    def has_rows_of_the_sweep():
        assert command.is_alive, command.end()
        return (folder / "run.log").is_file() and any(step == 2 for step, _ in stored_rows(folder))

    try:
        wait_for(has_rows_of_the_sweep, "a row of the sweep")
        yield command, folder
    finally:
        if command.is_alive:
            command.signal(signal.SIGINT)
            command.end()


def status(*arguments, cwd):
    code, said, errors = luggin("status", *arguments, "--json", cwd=cwd)
    assert code == 0, errors
    return json.loads(said)


def test_a_run_that_goes_on_and_then_does_not(going_on, tmp_path):
    command, folder = going_on
    (seen,) = status(cwd=tmp_path)["running"]
    assert seen["folder"] == "runs/live"
    assert seen["pid"] == command.process.pid
    assert (seen["path"], seen["step"], seen["number"], seen["steps"]) == ("2", "cv 'long'", 2, 3)
    assert (seen["doing"], seen["attempt"], seen["trip"]) == ("measuring", 1, "")
    assert seen["rows"] > 20
    assert 0.0 <= seen["last_row"] < 10.0
    # 200 cycles of 4 s, of which some are over, and 20 s at open circuit.
    assert 20.0 < seen["remaining"] <= 820.0
    assert "guards cell" in seen["guardian"]
    lines = status(str(folder), cwd=tmp_path)["lines"]
    assert command.process.pid in [line["pid"] for line in lines]

    code, words, errors = luggin("status", cwd=tmp_path)
    assert code == 0, errors
    assert "runs/live: to be looked at (SIMULATED)" in words
    assert f"written by process {command.process.pid} of " in words
    assert "step 2 of 3: 2 cv 'long', since " in words
    assert "lines in use:" in words

    command.signal(signal.SIGINT)
    code, _, errors = command.end()
    assert code == 130, errors
    assert [step.status for step in open_run(folder).steps] == ["done", "interrupted"]
    over = status(cwd=tmp_path)
    assert over["running"] == []
    assert [(run["run"], run["outcome"]) for run in over["unfinished"]] == [("runs/live", "interrupted")]
    assert command.process.pid not in [line["pid"] for line in over["lines"]]


def test_looking_changes_nothing_in_the_run_folder(going_on, tmp_path):
    command, folder = going_on
    before = sorted(path.name for path in folder.iterdir())
    for _ in range(3):
        status(cwd=tmp_path)
    assert command.is_alive
    assert sorted(path.name for path in folder.iterdir()) == before


def test_where_there_are_no_runs_nothing_goes_on(tmp_path):
    said = status(cwd=tmp_path)
    assert (said["running"], said["unfinished"], said["problems"]) == ([], [], [])
    code, words, _ = luggin("status", cwd=tmp_path)
    assert (code, words.splitlines()[0]) == (0, "no run is going on")
    assert list(tmp_path.glob("runs")) == []


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path):
    code, _, errors = luggin("status", "nowhere", cwd=tmp_path)
    assert code == 2
    assert "there is no folder nowhere" in errors
