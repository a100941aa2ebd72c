"""The calls of the operating system that data depend on."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from luggin.platform import DISK, Disk, FileLock, host_name, process_id


def test_a_file_is_created_once_written_at_any_place_and_cut(tmp_path):
    path = tmp_path / "file"
    fd = DISK.create(path)
    with pytest.raises(FileExistsError):
        DISK.create(path)
    DISK.write_at(fd, b"world", 6)
    DISK.write_at(fd, b"hello ", 0)
    DISK.sync(fd)
    DISK.truncate(fd, 8)
    DISK.close(fd)
    assert path.read_bytes() == b"hello wo"
    fd = DISK.open(path)
    DISK.write_at(fd, b"j", 0)
    DISK.close(fd)
    assert path.read_bytes() == b"jello wo"
    with pytest.raises(FileNotFoundError):
        DISK.open(tmp_path / "none")


def test_a_write_that_the_system_takes_in_pieces_is_finished(tmp_path, monkeypatch):
    whole = os.pwrite
    monkeypatch.setattr("os.pwrite", lambda fd, data, offset: whole(fd, data[:3], offset))
    fd = DISK.create(tmp_path / "file")
    DISK.write_at(fd, b"0123456789", 2)
    DISK.close(fd)
    assert (tmp_path / "file").read_bytes() == b"\0\x000123456789"


def test_reserved_space_has_its_size(tmp_path):
    fd = DISK.create(tmp_path / "file")
    DISK.reserve(fd, 100_000)
    DISK.close(fd)
    status = (tmp_path / "file").stat()
    assert status.st_size == 100_000
    assert status.st_blocks * 512 >= 100_000


def test_replacing_renaming_and_removing(tmp_path):
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    DISK.replace(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "new"
    assert not (tmp_path / "new").exists()
    DISK.make_directory(tmp_path / "folder")
    DISK.make_directory(tmp_path / "folder")
    DISK.rename(tmp_path / "folder", tmp_path / "named")
    DISK.sync_directory(tmp_path / "named")
    DISK.remove(tmp_path / "old")
    assert [p.name for p in tmp_path.iterdir()] == ["named"]
    with pytest.raises(FileNotFoundError):
        DISK.make_directory(tmp_path / "none/below")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        DISK.make_directory(tmp_path / "file")


def test_a_lock_excludes_others_even_in_the_same_process(tmp_path):
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    first.acquire("me")
    with pytest.raises(BlockingIOError):
        second.acquire("not me")
    note, since = second.note()
    assert note == "me"
    assert since == (tmp_path / "lock").stat().st_mtime
    first.release()
    first.release()
    second.acquire("a longer note")
    second.release()
    first.acquire("b")
    assert first.note()[0] == "b"
    first.release()


def test_a_lock_ends_with_its_process_and_its_file_stays(tmp_path):
    code = (
        "import sys; from pathlib import Path; from luggin.platform import FileLock; "
        "lock = FileLock(Path(sys.argv[1])); lock.acquire('child'); print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout.readline() == b"locked\n"
        lock = FileLock(tmp_path / "lock")
        with pytest.raises(BlockingIOError):
            lock.acquire("parent")
        assert lock.note()[0] == "child"
        child.kill()
        child.wait()
    lock.acquire("parent")
    lock.release()
    assert (tmp_path / "lock").exists()


def test_whether_a_lock_is_held_can_be_seen_without_taking_it(tmp_path):
    path = tmp_path / "lock"
    lock = FileLock(path)
    assert not lock.is_held()
    assert not path.exists()
    lock.acquire("me")
    before = path.stat().st_mtime_ns
    assert lock.is_held()
    assert FileLock(path).is_held()
    assert (path.read_text(), path.stat().st_mtime_ns) == ("me", before)
    lock.release()
    assert not FileLock(path).is_held()
    assert path.read_text() == "me"


def test_who_only_looks_keeps_nobody_from_the_lock(tmp_path):
    path = tmp_path / "lock"
    path.touch()
    looking = os.open(path, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert not FileLock(path).is_held()  # two who look do not see each other
    threading.Timer(0.005, os.close, [looking]).start()
    lock = FileLock(path)
    lock.acquire("me")
    assert lock.is_held()
    lock.release()


def test_a_file_system_without_locks_has_no_holder(tmp_path, monkeypatch):
    (tmp_path / "lock").touch()

    def refusing(number):
        def flock(fd, operation):
            raise OSError(number, os.strerror(number))

        return flock

    monkeypatch.setattr("fcntl.flock", refusing(errno.ENOLCK))
    assert not FileLock(tmp_path / "lock").is_held()
    monkeypatch.setattr("fcntl.flock", refusing(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        FileLock(tmp_path / "lock").is_held()


def test_platform_imports_no_numpy():
    code = "import sys, luggin.platform; print(sorted({'numpy', 'numcodecs', 'zarr', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_names_of_computer_and_process():
    assert host_name()
    assert process_id() == os.getpid()


def test_a_disk_of_ones_own_needs_to_override_only_what_it_changes(tmp_path):
    class Counting(Disk):
        writes = 0

        def write_at(self, fd: int, data: bytes, offset: int) -> None:
            self.writes += 1
            super().write_at(fd, data, offset)

    disk = Counting()
    fd = disk.create(Path(tmp_path / "file"))
    disk.write_at(fd, b"x", 0)
    disk.close(fd)
    assert disk.writes == 1
