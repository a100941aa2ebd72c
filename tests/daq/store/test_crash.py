"""Death of the process, loss of power and failing disks at every single call that writes."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from failing_disks import dying

from luggin.errors import RunFolderError, StoreCorrupt, StoreError, StoreFull, StoreReadOnly
from luggin.store import StoreWriter, open_store, recover

_CHUNK = 32


def story(lab, folder: Path, disk, told: dict) -> None:
    """A short run: two streams, publications, a resumption, an end. ``told`` keeps what was promised.

    ``acknowledged`` counts rows whose append returned, ``durable`` those before the last sync that
    returned, ``tried`` everything that was ever given to append.
    """
    acknowledged, durable, tried = (told.setdefault(k, {}) for k in ("acknowledged", "durable", "tried"))
    options = {"sync_interval": 3600.0, "publish_interval": 3600.0}

    def append(writer, frame) -> None:
        name = frame.schema.stream
        tried[name] = tried.get(name, 0) + len(frame)
        first = writer.append(frame)
        assert first == tried[name] - len(frame)
        acknowledged[name] = first + len(frame)

    def sync(writer) -> None:
        writer.sync()
        durable.update(acknowledged)

    def commit(writer) -> None:
        writer.publish(wait=True)
        durable.update(acknowledged)

    writer = StoreWriter.create(folder, {}, host_clock=lab.StillClock(), chunk_rows=_CHUNK, disk=disk, **options)
    told["created"] = True
    writer._publisher.stop()  # the calls come in one order, every time
    try:
        for frame in lab.singles(lab.PAIR, 0, 5):
            append(writer, frame)
        sync(writer)
        append(writer, lab.block(lab.PAIR, 5, 40))
        append(writer, lab.block(lab.OVEN, 0, 3))
        commit(writer)
        append(writer, lab.block(lab.PAIR, 40, 44))
        sync(writer)
        append(writer, lab.block(lab.OVEN, 3, 9))
    finally:
        writer.abandon()
    writer = StoreWriter.resume(folder, host_clock=lab.StillClock(), disk=disk)
    durable.update(acknowledged)
    writer._publisher.stop()
    try:
        append(writer, lab.block(lab.PAIR, 44, 75))
        commit(writer)
        append(writer, lab.block(lab.OVEN, 9, 12))
        writer.close()
        durable.update(acknowledged)
    finally:
        writer.abandon()


def calls_of_the_story(lab, tmp_path) -> int:
    disk = lab.DyingDisk(1_000_000)
    told: dict = {}
    story(lab, tmp_path / "whole", disk, told)
    assert told["acknowledged"] == {"pair": 75, "temperature": 12}
    assert lab.check_xarray(tmp_path / "whole") == told["acknowledged"]
    return 1_000_000 - disk.left


def _look(lab, n: int):
    """Who looks at the published rows: xarray and zarr-python now and then, they take their time."""
    return lab.check_xarray if n % 16 == 0 else lab.check_zarr if n % 4 == 0 else lab.check_committed


def test_death_at_every_call_loses_nothing_acknowledged(lab, tmp_path):
    calls = calls_of_the_story(lab, tmp_path)
    assert calls > 100
    for n in range(calls):
        folder, told = tmp_path / str(n), {}
        disk = lab.DyingDisk(n, half=n % 3 != 0)
        with pytest.raises(StoreError):
            story(lab, folder, disk, told)
        assert disk.failed
        if not folder.exists():
            assert "created" not in told
            continue
        # As it was left: readable by us with every acknowledged row, by others up to the last commit.
        lab.check(folder, told.get("acknowledged", {}), told.get("tried", {}))
        look = _look(lab, n)
        look(folder)
        # Recovered, and recovered again: published whole.
        recover(folder, disk=lab.QuickDisk())
        again = recover(folder, disk=lab.QuickDisk())
        assert str(again) == "nothing to do"
        found = lab.check(folder, told.get("acknowledged", {}), told.get("tried", {}))
        assert look(folder) == found


@pytest.mark.parametrize(("status", "told"), [("running", "cut off"), ("interrupted", "interrupted"), (None, None)])
def test_a_recovered_run_is_not_called_running(lab, tmp_path, start, status, told):
    writer = start(attributes={"title": "a"} | ({"status": status} if status else {}))
    writer.append(lab.block(lab.PAIR, 0, 3))
    writer.abandon()
    recover(tmp_path / "run", disk=lab.QuickDisk())
    for _ in range(2):
        assert open_store(tmp_path / "run").attributes.get("status") == told
        assert open_store(tmp_path / "run").attributes["title"] == "a"
        assert lab.check_zarr(tmp_path / "run") == {"pair": 3}
        assert str(recover(tmp_path / "run", disk=lab.QuickDisk())) == "nothing to do"


def test_death_during_recovery_at_every_call_loses_nothing(lab, tmp_path, start, copied):
    writer = start(chunk_rows=_CHUNK, attributes={"status": "running"})
    writer.append(lab.block(lab.PAIR, 0, 50))
    writer.publish(wait=True)
    writer.append(lab.block(lab.PAIR, 50, 100))
    writer.append(lab.block(lab.OVEN, 0, 7))
    writer.abandon()
    told = {"pair": 100, "temperature": 7}
    for n in range(1000):
        folder = copied(tmp_path / "run")
        try:
            recover(folder, disk=lab.DyingDisk(n))
        except StoreError:
            lab.check(folder, told, told)
            lab.check_zarr(folder)
            recover(folder, disk=lab.QuickDisk())
            assert lab.check_zarr(folder) == told
            assert open_store(folder).attributes["status"] == "cut off"
        else:
            break
    assert 20 < n < 999


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_one_failing_call_anywhere_is_an_error_of_ours_and_loses_nothing(lab, tmp_path, number):
    calls = calls_of_the_story(lab, tmp_path)
    expected = StoreFull if number == errno.ENOSPC else StoreError
    failed = 0
    for n in range(calls):
        folder, told = tmp_path / str(n), {}
        try:
            story(lab, folder, lab.DyingDisk(n, error=number), told)
        except expected:
            failed += 1
        if folder.exists():
            lab.check(folder, told.get("acknowledged", {}), told.get("tried", {}))
            recover(folder, disk=lab.QuickDisk())
            assert _look(lab, n)(folder) == lab.check(folder, told.get("acknowledged", {}), told.get("tried", {}))
    assert failed > calls // 2


def test_a_power_cut_at_every_call_loses_nothing_durable(lab, tmp_path):
    """The disk keeps of unsynced writes and names what chance says; what was synced must be there."""
    chance = random.Random(20)
    calls = calls_of_the_story(lab, tmp_path)
    resumed = 0
    for n in range(0, calls):
        base, told = tmp_path / f"power-{n}", {}
        base.mkdir()
        disk = dying(lab.PowerCutDisk, n)(base)
        with pytest.raises(StoreError):
            story(lab, base / "run", disk, told)
        for k in range(2):
            folder = disk.cut(tmp_path / f"found-{n}-{k}", chance) / "run"
            try:
                open_store(folder)
            except RunFolderError:
                assert not told.get("durable"), f"cut {n}: the run folder itself is lost"
                continue
            lab.check(folder, told.get("durable", {}), told.get("tried", {}))
            _look(lab, n)(folder)
            recover(folder, disk=lab.QuickDisk())
            assert _look(lab, n)(folder) == lab.check(folder, told.get("durable", {}), told.get("tried", {}))
            resumed += 1
        disk.forget()
    assert resumed > calls


def test_a_full_disk_still_takes_the_frame_at_hand_and_the_last_words(lab, tmp_path, start):
    disk = lab.FullDisk((1 << 20) + 6000)
    writer = start(disk=disk)
    acknowledged = 0
    frames = lab.singles(lab.CV, 0, 10_000)
    while writer.failure is None:
        assert writer.append(next(frames)) == acknowledged
        acknowledged += 1
    with pytest.raises(StoreFull, match="make space on this disk and resume"):
        writer.append(next(frames))
    assert 10 < acknowledged < 100
    assert isinstance(writer.failure, StoreFull)
    lab.check(tmp_path / "run", {"cv": acknowledged}, {"cv": acknowledged})
    writer.append(lab.block(lab.CV, acknowledged, acknowledged + 20), last=True)
    writer.sync()
    with pytest.raises(StoreFull):
        writer.append(lab.block(lab.CV, acknowledged + 20, acknowledged + 21))
    lab.check(tmp_path / "run", {"cv": acknowledged + 20}, {"cv": acknowledged + 20})
    writer.abandon()
    resumed = start(resume=True)
    assert resumed.append(lab.block(lab.CV, acknowledged + 20, acknowledged + 30)) == acknowledged + 20
    resumed.close()
    assert lab.check_xarray(tmp_path / "run") == {"cv": acknowledged + 30}


def test_a_disk_that_fills_up_under_the_publisher_stops_acknowledging(lab, start, tmp_path):
    disk = lab.FullDisk(1 << 24)
    writer = start(disk=disk)
    writer.append(lab.block(lab.CV, 0, 100))
    disk.room = 100
    with pytest.raises(StoreFull):
        writer.publish(wait=True)
    with pytest.raises(StoreFull):
        writer.append(lab.block(lab.CV, 100, 101))
    writer.append(lab.block(lab.CV, 100, 101), last=True)
    disk.room = 1 << 24
    writer.close()
    assert lab.check_xarray(tmp_path / "run") == {"cv": 101}


def test_a_failed_sync_is_never_tried_again(lab, start, tmp_path):
    class Failing(lab.DyingDisk):
        synced = 0

        def sync(self, fd):
            self.synced += 1
            if self.synced > 4:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().sync(fd)

    disk = Failing(1_000_000)
    writer = start(disk=disk)
    disk.synced = 4
    writer.append(lab.block(lab.CV, 0, 10))
    with pytest.raises(StoreError, match="Input/output error"):
        writer.sync()
    before = disk.synced
    for act in (
        writer.sync,
        writer.sync_now,
        lambda: writer.append(lab.block(lab.CV, 10, 11)),
        writer.publish,
        writer.close,
    ):
        with pytest.raises(StoreError, match="Input/output error"):
            act()
    assert disk.synced == before
    lab.check(tmp_path / "run", {"cv": 10}, {"cv": 10})


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_read_only_disk_is_said_in_words(lab, tmp_path, start, number):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 10))
    writer.abandon()
    with pytest.raises(StoreReadOnly, match=r"may not be written.*check the permissions"):
        recover(tmp_path / "run", disk=lab.DyingDisk(0, error=number))
    lab.check(tmp_path / "run", {"cv": 10}, {"cv": 10})


def test_a_torn_tail_at_every_byte_of_the_last_frame_is_cut(lab, start, tmp_path, copied):
    writer = start()
    for frame in lab.singles(lab.CV, 0, 6):
        writer.append(frame)
    (segment,) = (tmp_path / "run/journal").glob("*.log")
    before = segment.stat().st_size
    writer.append(lab.block(lab.CV, 6, 8))
    after = segment.stat().st_size
    writer.abandon()
    assert after - before == 24 + 2 * lab.CV.row_struct.size
    for size in range(before, after):
        folder = copied(tmp_path / "run")
        os.truncate(folder / "journal" / segment.name, size)
        lab.check(folder, {"cv": 6}, {"cv": 6})
        recovery = recover(folder, disk=lab.QuickDisk())
        assert recovery.torn_bytes == size - before
        assert recovery.rows == {"cv": 6}
        assert lab.check_zarr(folder) == {"cv": 6}


def test_every_flipped_byte_of_durable_rows_is_found_and_named(lab, start, tmp_path, copied):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 3))
    (segment,) = (tmp_path / "run/journal").glob("*.log")
    before = segment.stat().st_size
    writer.append(lab.block(lab.CV, 3, 4))
    after = segment.stat().st_size
    writer.append(lab.block(lab.CV, 4, 6))
    writer.sync()
    writer.abandon()
    content = segment.read_bytes()
    for at in range(before, after):
        folder = copied(tmp_path / "run")
        damaged = bytearray(content)
        damaged[at] ^= 0x40
        (folder / "journal" / segment.name).write_bytes(damaged)
        for act in (open_store, recover):
            with pytest.raises(StoreCorrupt, match=rf"{segment.name}: byte {before}: .*once safe.*accept-damage"):
                act(folder)
    recovery = recover(folder, accept_damage=True)
    assert "given up" in str(recovery)
    assert recovery.rows == {"cv": 3}
    assert lab.check_xarray(folder) == {"cv": 3}
    assert [p.suffix for p in (folder / "journal").glob("0*")] == [".damaged"]
    assert str(recover(folder)) == "nothing to do"


def test_a_missing_segment_that_was_durable_is_found(lab, start, tmp_path):
    writer = start()
    writer._journal._segment_bytes = 2000
    for k in range(0, 200, 10):
        writer.append(lab.block(lab.CV, k, k + 10))
    writer.sync()
    writer.abandon()
    segments = sorted((tmp_path / "run/journal").glob("*.log"))
    assert len(segments) >= 3
    segments[-2].unlink()
    with pytest.raises(StoreCorrupt, match=rf"segment {int(segments[-2].stem)} is missing"):
        recover(tmp_path / "run")


def test_litter_is_removed(lab, start, tmp_path):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 10))
    writer.publish(wait=True)
    writer.abandon()
    litter = (tmp_path / "run/journal/half-written.tmp", tmp_path / "run/data.zarr/cv/time/c/0.abc.partial")
    for path in litter:
        path.write_bytes(b"half")
    recovery = recover(tmp_path / "run")
    assert recovery.litter == litter
    assert not any(path.exists() for path in litter)


_VICTIM = """
import sys
from pathlib import Path
from luggin.records import Frame, Schema, Column
from luggin.store import StoreWriter

class Clock:
    def now(self): return 0.0

folder, resume = Path(sys.argv[1]), sys.argv[2] == "resume"
schema = Schema("kill", (Column("row_number", "1", "i8"), Column("half", "1", "f8")))
writer = StoreWriter.resume(folder, host_clock=Clock()) if resume else StoreWriter.create(
    folder, {}, host_clock=Clock(), chunk_rows=256, publish_interval=0.01, sync_interval=0.01)
row = writer.rows("kill")
while True:
    assert writer.append(Frame(schema, 0.0, rows=[(row, row / 2)])) == row
    row += 1
    print(row, flush=True)
    if row % 500 == 0:
        writer.publish()
"""


def test_kill_minus_nine_again_and_again_loses_and_invents_nothing(tmp_path):
    chance = random.Random(5)
    folder = tmp_path / "run"
    for kill in range(5):
        victim = subprocess.Popen(
            [sys.executable, "-c", _VICTIM, str(folder), "resume" if kill else "create"],
            stdout=subprocess.PIPE,
            text=True,
        )
        until = chance.randrange(200, 2500)
        for lines, line in enumerate(victim.stdout):
            if lines == until:
                victim.send_signal(signal.SIGKILL)
            told = int(line)
        victim.stdout.close()
        assert victim.wait() == -signal.SIGKILL
        run = open_store(folder)
        rows = run.array("kill")
        assert told <= len(rows) <= told + 1
        assert rows["row_number"].tolist() == list(range(len(rows)))
        assert (rows["half"] * 2 == rows["row_number"]).all()
    recover(folder)
    assert open_store(folder).committed("kill") == len(rows)
