"""kill -9 at any moment: nothing that was acknowledged is lost, nothing is invented, and the run goes on."""

import random

import pytest
from killing import SAMPLE, check_against, kill_run, luggin, shown_by_xarray, stored_rows

from luggin.analysis import open_run
from luggin.store import recover

PROTOCOL = f"""
title = "to be killed"
steps = [
  {{do = "ocp", id = "rest", duration = "2 s", dt = "0.1 s"}},
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "400 mV/s", step = "5 mV", cycles = 4}},
]
{SAMPLE}
"""
OCP_ROWS, CV_ROWS = 20, 1281
STEPS = [("1", "ocp"), ("2", "cv")]

moments = random.Random(20)
KILLS = [
    pytest.param(rows, number % 2 == 0, number % 3 == 0, id=f"after {rows} rows")
    for number, rows in enumerate(sorted(moments.randrange(OCP_ROWS + CV_ROWS) for _ in range(20)))
]


@pytest.fixture
def protocol(tmp_path):
    path = tmp_path / "protocol.toml"
    path.write_text(PROTOCOL, encoding="utf-8")
    return path


def begin(oracle, protocol, *options):
    """Start a run; its folder, the process, and how many scripts the instrument had run before."""
    from killing import Command

    folder = protocol.parent / "run"
    before = len(oracle.sent.advance().executions)
    command = Command(
        "run", protocol, "--bench", oracle.bench, "--folder", folder, "--no-report", *options, cwd=protocol.parent
    )
    return folder, command, before


def ends(archive):
    """Path, technique, attempt and status of every attempt, in the order of time."""
    return [(s.path, s.do, s.attempt, s.status) for s in archive.steps]


@pytest.mark.parametrize(("rows", "caught_up", "recovered_first"), KILLS)
def test_a_killed_run_keeps_every_row_and_is_completed(oracle, protocol, rows, caught_up, recovered_first):
    folder, command, before = begin(oracle, protocol)
    left = kill_run(oracle, command, folder, before, rows, caught_up=caught_up)
    assert left.stored >= left.seen
    if caught_up:
        # Nothing waits in the runner for more to come. (How fast it is, benchmarks/kill_run.py measures.)
        assert left.stored >= left.sent
    check_against(oracle, folder, before)
    assert sum(shown_by_xarray(folder).values()) <= left.stored
    killed = stored_rows(folder)

    if recovered_first:
        recover(folder)
        assert stored_rows(folder) == killed
        assert sum(shown_by_xarray(folder).values()) == left.stored
        assert str(recover(folder)) == "nothing to do"
    code, _, errors = luggin("resume", folder, "--no-report", cwd=protocol.parent)
    assert code == 0, errors

    archive = open_run(folder)
    assert archive.outcome == "completed"
    done = ends(archive)
    assert [step[:2] for step in done if step[3] == "done"] == STEPS
    assert [step[3] for step in done if step[3] != "done"] in ([], ["cut off"])
    for path, _ in STEPS:
        assert [step[2] for step in done if step[0] == path] == list(range(1, 1 + sum(s[0] == path for s in done)))
    resumed = stored_rows(folder)
    assert {key: resumed[key] for key in killed} == killed
    matched = check_against(oracle, folder, before)
    assert [len(rows) for key, rows, sent in matched if sent.complete and len(rows) == len(sent.rows)][-1] == CV_ROWS
    assert sum(shown_by_xarray(folder).values()) == sum(map(len, resumed.values()))
    assert not oracle.cell_is_on()
