"""A run during which the time of day jumps is the run without jumps: no duration, row or record differs."""

import itertools
from datetime import timedelta

import pytest
from failing_disks import QuickDisk
from whole_runs import Bench

from luggin.clock import RealClock, VirtualClock
from luggin.store import RunLog, open_store

JUMPS = (0.0, -3600.0, 3600.0, -86400.0 * 365, 0.5, 1e8, -2.0)


@pytest.fixture(scope="module")
def bench():
    return Bench()


def rows_and_records(bench, folder):
    told = bench.run(folder, QuickDisk())
    assert (told.outcome, told.error) == ("completed", None)
    run = open_store(folder)
    rows = {stream: run.array(stream).tobytes() for stream in run.streams}
    records = [(r["kind"], r.get("path"), r["time"]) for r in RunLog.read(folder)]
    return rows, records


def test_jumps_of_the_time_of_day_change_no_duration_and_no_row(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    undisturbed = rows_and_records(bench, tmp_path / "undisturbed")
    asked = []
    for kind in (RealClock, VirtualClock):
        jumps = itertools.cycle(JUMPS)

        def utc(clock, own=kind.utc, jumps=jumps):
            asked.append(type(clock))
            return own(clock) + timedelta(seconds=next(jumps))

        monkeypatch.setattr(kind, "utc", utc)
    assert rows_and_records(bench, tmp_path / "disturbed") == undisturbed
    assert {RealClock, VirtualClock} <= set(asked)
