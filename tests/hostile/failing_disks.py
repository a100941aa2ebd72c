"""Disks that do not wait, fail, fill up, die, or lose power."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

from luggin.platform import Disk

CALLS = (
    *("create", "open", "write_at", "sync", "truncate", "reserve", "replace", "rename", "remove"),
    *("make_directory", "sync_directory"),
)
"""The calls by which something is written, or made sure of."""


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


def dying(kind: type[PowerCutDisk], calls: int) -> type[PowerCutDisk]:
    """A disk of this kind whose calls all fail after the first ``calls``, as if the process were gone.

    What its folder holds when it is made is on the medium.
    """

    class Dying(kind):
        def __init__(self, root: Path) -> None:
            super().__init__(root)
            kind.sync_directory(self, root)
            self.left = calls

    def guarded(name: str):
        method = getattr(kind, name)

        def call(self, *args):
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return method(self, *args)

        return call

    for name in CALLS:
        if name != "open":
            setattr(Dying, name, guarded(name))
    return Dying
