"""Control records: in order, whole, and honest about damage."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import RunFolderError, StoreCorrupt, StoreError, StoreFull
from luggin.store import RunLog


def test_records_come_back_in_order_with_every_kind_of_value(tmp_path):
    records = [
        {"kind": "start", "path": "3/cycle=12/1", "title": "Ω · 温度\nsecond line", "none": None},
        {"kind": "end", "rows": [0, 2**53], "value": -1.25e-9, "ok": True, "nested": {"a": [{}, []]}},
        {},
    ]
    with RunLog.create(tmp_path) as log:
        for record in records:
            log.append(record, sync=record == records[1])
    assert RunLog.read(tmp_path) == records
    with RunLog.open(tmp_path) as log:
        log.append({"kind": "resumed"})
    assert RunLog.read(tmp_path) == [*records, {"kind": "resumed"}]


def test_a_log_is_never_begun_twice_nor_found_where_none_is(tmp_path):
    RunLog.create(tmp_path).close()
    with pytest.raises(RunFolderError, match="exists already"):
        RunLog.create(tmp_path)
    for act in (RunLog.read, RunLog.open):
        with pytest.raises(RunFolderError, match="not the folder of a run"):
            act(tmp_path / "none")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_json_cannot_say_is_refused_before_anything_is_written(tmp_path, value):
    with RunLog.create(tmp_path) as log:
        with pytest.raises(StoreError, match="plain JSON"):
            log.append({"x": value})
        log.append({"x": 1})
    assert RunLog.read(tmp_path) == [{"x": 1}]


def test_a_torn_tail_at_every_byte_is_cut_when_the_log_is_opened(tmp_path):
    with RunLog.create(tmp_path) as log:
        log.append({"n": 1}, sync=True)
        before = (tmp_path / "run.log").stat().st_size
        log.append({"n": 2})
    content = (tmp_path / "run.log").read_bytes()
    for size in range(before, len(content)):
        (tmp_path / "run.log").write_bytes(content[:size])
        assert RunLog.read(tmp_path) == [{"n": 1}]
        with RunLog.open(tmp_path) as log:
            assert (tmp_path / "run.log").stat().st_size == before
            log.append({"n": 3})
        assert RunLog.read(tmp_path) == [{"n": 1}, {"n": 3}]


def test_every_flipped_byte_of_a_durable_line_is_found_and_named(tmp_path):
    with RunLog.create(tmp_path) as log:
        log.append({"n": 1}, sync=True)
        log.append({"n": 2})
    content = (tmp_path / "run.log").read_bytes()
    first, second, _ = content.splitlines(keepends=True)
    begin, end = len(first), len(first) + len(second) - 1
    for at in range(begin, end):
        damaged = bytearray(content)
        damaged[at] ^= 0x01
        (tmp_path / "run.log").write_bytes(damaged)
        for act in (RunLog.read, RunLog.open):
            with pytest.raises(StoreCorrupt, match=r"run.log: line 2 \(byte \d+\) is damaged.*backup"):
                act(tmp_path)


def test_lines_lost_by_a_power_cut_before_they_were_durable_are_a_torn_tail(tmp_path):
    """A page in the middle of what was never synced may be missing although a later one is there."""
    with RunLog.create(tmp_path) as log:
        log.append({"n": 1}, sync=True)
        at = (tmp_path / "run.log").stat().st_size
        log.append({"n": 2})
        log.append({"n": 3})
    content = bytearray((tmp_path / "run.log").read_bytes())
    content[at : at + 10] = bytes(10)
    (tmp_path / "run.log").write_bytes(content)
    assert RunLog.read(tmp_path) == [{"n": 1}]


def test_a_log_whose_first_line_never_arrived_is_begun_anew(tmp_path):
    (tmp_path / "run.log").write_bytes(b"")
    assert RunLog.read(tmp_path) == []
    with RunLog.open(tmp_path) as log:
        log.append({"n": 1})
    assert RunLog.read(tmp_path) == [{"n": 1}]


def test_a_newer_log_is_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr("luggin.store.runlog.FORMAT", 2)
    RunLog.create(tmp_path).close()
    with pytest.raises(RunFolderError, match=r"run.log was written by a newer Luggin \(format 2"):
        RunLog.open(tmp_path)


def test_a_full_disk_still_takes_the_reason_why_the_run_stopped(tmp_path, lab):
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal/reserve").write_bytes(bytes(4096))
    disk = lab.FullDisk(200)
    with RunLog.create(tmp_path, disk=disk) as log:
        log.append({"kind": "trip", "why": "potential above 1.2 V", "frame": list(range(100))}, sync=True)
        assert not (tmp_path / "journal/reserve").exists()
        with pytest.raises(StoreFull):
            log.append({"much": "x" * 5000})
        log.append({"kind": "end"})
    assert [r["kind"] for r in RunLog.read(tmp_path)] == ["trip", "end"]


def test_a_failed_sync_is_final(tmp_path, lab):
    class Failing(lab.QuickDisk):
        broken = False
        syncs = 0

        def sync(self, fd):
            self.syncs += 1
            if self.broken:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    disk = Failing()
    with RunLog.create(tmp_path, disk=disk) as log:
        disk.broken = True
        with pytest.raises(StoreError, match="Input/output"):
            log.append({"n": 1}, sync=True)
        before = disk.syncs
        for act in (log.sync, lambda: log.append({"n": 2})):
            with pytest.raises(StoreError, match="Input/output"):
                act()
        assert disk.syncs == before
    with pytest.raises(StoreError, match="closed"):
        log.append({"n": 3})


@settings(deadline=None, derandomize=True, max_examples=200)
@given(cut=st.integers(0, 400), flip=st.integers(0, 400), bit=st.integers(0, 7))
def test_no_damage_makes_a_record_that_was_not_written(tmp_path_factory, cut, flip, bit):
    folder = tmp_path_factory.mktemp("log")
    records = [{"n": n, "text": "y" * n} for n in range(4)]
    with RunLog.create(folder) as log:
        for record in records:
            log.append(record, sync=record["n"] == 1)
    content = bytearray((folder / "run.log").read_bytes())
    if flip < len(content):
        content[flip] ^= 1 << bit
    (folder / "run.log").write_bytes(content[: max(cut, 60)])
    try:
        found = RunLog.read(folder)
    except StoreCorrupt:
        return
    assert found == records[: len(found)]
