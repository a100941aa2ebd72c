"""Whole runs on disks that fail, fill up, or lose power, at calls spread over their life.

`benchmarks/disk_faults.py` goes through every call; these are some of each kind.
"""

import errno
import os
import random

import pytest
from failing_disks import DyingDisk, FullDisk, PowerCutDisk, dying
from whole_runs import Bench, as_durable_as_real, check_failed_well, check_found, check_goes_on, check_stored

from luggin.errors import StoreFull

STRIDE = 11


@pytest.fixture(scope="module")
def bench():
    return Bench()


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))


def calls_of_a_run(bench, folder):
    disk = DyingDisk(1_000_000)
    told = bench.run(folder, disk)
    assert (told.outcome, told.error) == ("completed", None)
    check_stored(folder, told.acknowledged, told.acknowledged)
    return 1_000_000 - disk.left


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_a_call_that_fails_once_ends_the_run_in_words_with_the_cell_off_and_nothing_lost(bench, tmp_path, number):
    calls = calls_of_a_run(bench, tmp_path / "whole")
    assert calls > 150
    failed = 0
    for n in range(3 if number == errno.EIO else 11, calls, STRIDE):
        folder = tmp_path / f"{n}"
        told = bench.run(folder, DyingDisk(n, error=number))
        check_failed_well(told)
        failed += told.error is not None
        if folder.exists():
            check_goes_on(bench, folder, told)
    assert failed > calls // STRIDE // 2


def test_a_disk_that_dies_takes_nothing_acknowledged_with_it_and_leaves_no_cell_on(bench, tmp_path):
    calls = calls_of_a_run(bench, tmp_path / "whole")
    for n in range(7, calls, STRIDE):
        folder = tmp_path / f"{n}"
        told = bench.run(folder, DyingDisk(n, half=n % 2 == 0))
        assert told.error is not None
        check_failed_well(told)
        if folder.exists():
            check_goes_on(bench, folder, told)


def test_a_full_disk_ends_the_run_in_order(bench, tmp_path):
    full = 0
    for k, room in enumerate(range(2_000, 60_000, 6_000)):
        folder = tmp_path / f"{k}"
        told = bench.run(folder, FullDisk((1 << 20) + room))
        check_failed_well(told)
        if told.error is not None:
            assert isinstance(told.error, StoreFull)
            full += 1
        if folder.exists():
            check_goes_on(bench, folder, told)
    assert 3 <= full < 10


def test_a_power_cut_loses_no_step_whose_end_was_recorded(bench, tmp_path):
    chance = random.Random(4)
    with as_durable_as_real():
        calls = calls_of_a_run(bench, tmp_path / "whole")
        for n in range(5, calls, STRIDE):
            base = tmp_path / f"base-{n}"
            base.mkdir()
            disk = dying(PowerCutDisk, n)(base)
            told = bench.run(base / "run", disk)
            folder = disk.cut(tmp_path / f"found-{n}", chance) / "run"
            disk.forget()
            check_found(folder, told)


def test_the_disk_of_these_tests_is_the_one_that_runs_use(bench, tmp_path):
    told = bench.run(tmp_path / "run", DyingDisk(0))
    assert not (tmp_path / "run").exists()
    assert os.strerror(errno.EIO) in str(told.error)
