"""Rows that verify themselves, a clock that stands still, and disks that fail, die or lose power."""

from __future__ import annotations

import errno
import os
import random
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from luggin.platform import Disk
from luggin.records import CURRENT, CYCLE, FLAGS, POTENTIAL, STEP, TIME, Column, Frame, Schema
from luggin.store import StoreWriter, open_store, recover

CV = Schema("cv", (TIME, POTENTIAL, CURRENT, CYCLE, FLAGS, STEP))
OVEN = Schema("temperature", (TIME, Column("temperature", "degC", "f4"), Column("count", "1", "i8")))
# Few columns, because some tests go through a run once for every call that writes.
PAIR = Schema("pair", (TIME, CYCLE))
SCHEMAS = (CV, OVEN, PAIR)


class StillClock:
    """Host time that passes only when a test lets it."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time


def table(schema: Schema, start: int, stop: int):
    """Rows whose every column is a function of the row number, none of them a fill value."""
    k = np.arange(start + 1, stop + 1)
    rows = np.zeros(stop - start, schema.dtype)
    for i, column in enumerate(schema.columns):
        rows[column.name] = k * (i + 1) % 100_003 / (4 if column.kind[0] == "f" else 1) + 1
    return rows


def block(schema: Schema, start: int, stop: int) -> Frame:
    return Frame(schema, 0.0, array=table(schema, start, stop))


def singles(schema: Schema, start: int, stop: int):
    for row in table(schema, start, stop).tolist():
        yield Frame(schema, 0.0, rows=[row])


def check(folder: Path, acknowledged: dict[str, int], at_most: dict[str, int] | None = None) -> dict[str, int]:
    """The stored rows are the acknowledged ones (and at most those that were tried), each of them right."""
    run = open_store(folder)
    found = {}
    for schema in SCHEMAS:
        name = schema.stream
        wanted = acknowledged.get(name, 0)
        if name not in run.streams:
            assert wanted == 0, f"{name} is lost: {wanted} rows"
            continue
        rows = run.array(name)
        assert len(rows) >= wanted, f"{name}: {wanted - len(rows)} acknowledged rows lost"
        if at_most is not None:
            assert len(rows) <= at_most.get(name, 0), f"{name}: rows that nobody appended"
        np.testing.assert_array_equal(rows, table(schema, 0, len(rows)))
        found[name] = len(rows)
    return found


def check_xarray(folder: Path) -> dict[str, int]:
    """What xarray shows: every column of one length, every value right, and not one warning."""
    import xarray as xr

    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xr.open_datatree(folder / "data.zarr", engine="zarr") as tree:
            for schema in SCHEMAS:
                if schema.stream in tree.children:
                    data = tree[schema.stream].to_dataset()
                    rows = table(schema, 0, data.sizes["row"])
                    for name in schema.names:
                        np.testing.assert_array_equal(data[name].values, rows[name])
                    found[schema.stream] = len(rows)
    return found


def check_zarr(folder: Path) -> dict[str, int]:
    """What zarr-python shows by following the root: the same, and much faster to open."""
    import zarr

    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        root = zarr.open_group(folder / "data.zarr", mode="r")
        for schema in SCHEMAS:
            if schema.stream in root:
                rows = table(schema, 0, root.attrs["committed"][schema.stream])
                for name in schema.names:
                    np.testing.assert_array_equal(root[f"{schema.stream}/{name}"][:], rows[name])
                found[schema.stream] = len(rows)
    return found


def check_committed(folder: Path) -> dict[str, int]:
    """What our own reader finds behind the commit file alone."""
    run = open_store(folder)
    found = {}
    for schema in SCHEMAS:
        rows = run.committed(schema.stream)
        if rows:
            np.testing.assert_array_equal(run.array(schema.stream, 0, rows), table(schema, 0, rows))
            found[schema.stream] = rows
    return found


class QuickDisk(Disk):
    """Does not wait for the medium. A process that dies takes nothing from the page cache with it."""

    def sync(self, fd):
        pass

    def sync_directory(self, path):
        pass


class DyingDisk(QuickDisk):
    """Does ``calls`` writing calls and then none any more, like a process that is killed.

    With ``error`` it fails once with that number and goes on, like a disk with a fault. ``half``
    lets the fatal write get halfway.
    """

    def __init__(self, calls: int, error: int | None = None, half: bool = False) -> None:
        self.left = calls
        self.error = error
        self.half = half
        self.failed = 0

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0 and (self.error is None or self.failed == 0):
            self.failed += 1
            number = self.error or errno.EIO
            raise OSError(number, os.strerror(number))

    def create(self, path):
        self._count()
        return super().create(path)

    def write_at(self, fd, data, offset):
        try:
            self._count()
        except OSError:
            if self.half and self.failed == 1:
                super().write_at(fd, data[: len(data) // 2], offset)
            raise
        super().write_at(fd, data, offset)

    def sync(self, fd):
        self._count()

    def truncate(self, fd, size):
        self._count()
        super().truncate(fd, size)

    def reserve(self, fd, size):
        self._count()
        super().reserve(fd, size)

    def replace(self, source, target):
        self._count()
        super().replace(source, target)

    def rename(self, source, target):
        self._count()
        super().rename(source, target)

    def remove(self, path):
        self._count()
        super().remove(path)

    def make_directory(self, path):
        self._count()
        super().make_directory(path)

    def sync_directory(self, path):
        self._count()


class FullDisk(Disk):
    """A disk on which ``room`` more bytes can be written. Removing the reserve makes room for it."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write_at(self, fd, data, offset):
        if len(data) > self.room:
            super().write_at(fd, data[: self.room], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(data)
        super().write_at(fd, data, offset)

    def reserve(self, fd, size):
        if size > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= size
        super().reserve(fd, size)

    def remove(self, path):
        self.room += path.stat().st_size
        super().remove(path)


class PowerCutDisk(Disk):
    """Remembers what is on the medium: content since the last sync and names since the last
    directory sync may or may not be there after `cut`.

    Follows what POSIX promises and nothing more: an unsynced write may be lost, kept, or leave
    zeros, each for itself; an unsynced name may be the old or the new one.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: dict[int, dict] = {}  # inode -> durable content and writes since
        self._names: dict[Path, dict[str, int | None]] = {}  # directory -> durable names (inode; None = directory)
        self._fds: dict[int, int] = {}

    def _inode(self, path: Path) -> int:
        inode = path.stat().st_ino
        self._files.setdefault(inode, {"durable": b"", "writes": []})
        return inode

    def _new(self, fd: int) -> int:
        inode = os.fstat(fd).st_ino
        self._files[inode] = {"durable": b"", "writes": [], "keep": os.dup(fd)}  # a held inode is never used again
        self._fds[fd] = inode
        return fd

    def create(self, path):
        return self._new(super().create(path))

    def open(self, path):
        fd = super().open(path)
        self._fds[fd] = self._inode(path)
        return fd

    def close(self, fd):
        self._fds.pop(fd)
        super().close(fd)

    def write_at(self, fd, data, offset):
        self._files[self._fds[fd]]["writes"].append((offset, bytes(data)))
        super().write_at(fd, data, offset)

    def truncate(self, fd, size):
        file = self._files[self._fds[fd]]
        file["writes"].append((size, None))
        super().truncate(fd, size)

    def sync(self, fd):
        file = self._files[self._fds[fd]]
        file["durable"], file["writes"] = os.pread(fd, os.fstat(fd).st_size, 0), []

    def rename(self, source, target):
        super().rename(source, target)
        moved = {}
        for directory, names in self._names.items():
            if directory == source or source in directory.parents:
                directory = target / directory.relative_to(source)
            moved[directory] = names
        self._names = moved

    def sync_directory(self, path):
        self._names[path] = {p.name: None if p.is_dir() else self._inode(p) for p in path.iterdir()}

    def cut(self, target: Path, chance: random.Random) -> Path:
        """The run folder as it might be found after a power cut."""
        self._find(self.root, target, chance)
        return target

    def _find(self, directory: Path, target: Path, chance: random.Random) -> None:
        target.mkdir()
        durable = self._names.get(directory, {})
        volatile = {p.name: None if p.is_dir() else p.stat().st_ino for p in directory.iterdir()}
        for name in sorted({*durable, *volatile}):
            versions = [names[name] for names in (durable, volatile) if name in names]
            unsure = (name in durable) != (name in volatile)
            if unsure and chance.random() < 0.5:
                continue
            inode = chance.choice(versions)
            if inode is None:
                if (directory / name).is_dir():
                    self._find(directory / name, target / name, chance)
            else:
                (target / name).write_bytes(self._content(inode, chance))

    def _content(self, inode: int, chance: random.Random) -> bytes:
        file = self._files.get(inode, {"durable": b"", "writes": []})
        content = bytearray(file["durable"])
        for offset, data in file["writes"]:
            what = chance.choice(("kept", "lost", "zeros", "half"))
            if what == "lost":
                continue
            if data is None:
                del content[offset:]
                continue
            if what == "zeros":
                data = bytes(len(data))
            elif what == "half":
                data = data[: len(data) // 2]
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + len(data)] = data
        return bytes(content)

    def forget(self) -> None:
        """Close what was kept open to hold the inodes."""
        for file in self._files.values():
            if "keep" in file:
                os.close(file.pop("keep"))


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture(scope="session")
def lab():
    """Names for the tests: schemas, self-verifying rows and their checks, and disks."""
    return SimpleNamespace(
        CV=CV,
        OVEN=OVEN,
        PAIR=PAIR,
        QuickDisk=QuickDisk,
        StillClock=StillClock,
        table=table,
        block=block,
        singles=singles,
        check=check,
        check_xarray=check_xarray,
        check_zarr=check_zarr,
        check_committed=check_committed,
        DyingDisk=DyingDisk,
        FullDisk=FullDisk,
        PowerCutDisk=PowerCutDisk,
    )


@pytest.fixture
def start(tmp_path, clock):
    """Makes writers of runs that are gone after the test, closed or not.

    Nothing happens behind the test's back: timers never fire and, unless ``behind``, nothing is
    published but on request.
    """
    writers = []

    def make(name="run", resume=False, behind=False, **options):
        if resume:
            writer = StoreWriter.resume(tmp_path / name, host_clock=clock, **options)
        else:
            options = {"sync_interval": 3600.0, "publish_interval": 3600.0, "chunk_rows": 64} | options
            writer = StoreWriter.create(tmp_path / name, options.pop("attributes", {}), host_clock=clock, **options)
        if not behind:
            writer._publisher.stop()
        writers.append(writer)
        return writer

    yield make
    for writer in writers:
        writer.abandon()


@pytest.fixture
def copied(tmp_path):
    """A copy of a run folder, for one more look at the same crash."""
    count = iter(range(1_000_000))

    def copy(folder: Path) -> Path:
        target = tmp_path / f"copy-{next(count)}"
        shutil.copytree(folder, target)
        return target

    return copy


@pytest.fixture
def recovered(lab):
    """Recovers a run and returns what it did."""
    return recover
