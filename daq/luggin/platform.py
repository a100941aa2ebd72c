"""What operating systems do differently: locking, syncing, reserving and replacing files.

All calls whose failure decides over data go through one object, `Disk`, so that tests can put a
disk in its place that fails, dies or loses power between any two of them. Errors come out as the
plain `OSError`; whoever knows what the file was for gives it a name.

The Windows branches are written from its documentation and have not been run on Windows.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import sys
import threading
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_BINARY = getattr(os, "O_BINARY", 0)
# Not on Windows, where making a link takes a right that people do not have, and where pipes are no files.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_REPLACE_TRIES = 100
_REPLACE_PAUSE_S = 0.02
_LOCK_TRIES = 4
_LOCK_PAUSE_S = 0.01
_LONGEST_NOTE = 4096
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class Disk:
    """The calls by which files become data. One instance, `DISK`, is the computer's own disk."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist; a descriptor for reading and writing."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)

    def open(self, path: Path) -> int:
        """A descriptor of an existing file for reading and writing; never what a link points at."""
        return open_regular(path, os.O_RDWR)

    def close(self, fd: int) -> None:
        """Give a descriptor back."""
        os.close(fd)

    def write_at(self, fd: int, data: bytes, offset: int) -> None:
        """Write all of ``data`` at ``offset``. A failure may leave a part of it behind."""
        done = _write_at(fd, data, offset)
        while done < len(data):
            done += _write_at(fd, data[done:], offset + done)

    def sync(self, fd: int) -> None:
        """Return when the content of the file is on the medium."""
        _sync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file (or fill it with zeros) to ``size`` bytes."""
        os.ftruncate(fd, size)

    def reserve(self, fd: int, size: int) -> None:
        """Make sure that the first ``size`` bytes of the file have their place on the disk."""
        _reserve(fd, size)

    def replace(self, source: Path, target: Path) -> None:
        """Put ``source`` in the place of ``target`` in one step. Both are on one file system."""
        _replace(source, target)

    def rename(self, source: Path, target: Path) -> None:
        """Give a directory its name; nothing may be open in it (Windows)."""
        os.rename(source, target)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        os.remove(path)

    def make_directory(self, path: Path) -> None:
        """Make one directory, which may exist already; its parent must exist."""
        try:
            os.mkdir(path)
        except FileExistsError:
            if not path.is_dir():
                raise

    def sync_directory(self, path: Path) -> None:
        """Return when the names in a directory are on the medium (Windows keeps them by itself)."""
        _sync_directory(path)

    def free(self, path: Path) -> int:
        """Bytes that may still be written where ``path`` is, or will be."""
        while not path.exists() and path != path.parent:
            path = path.parent
        return shutil.disk_usage(path).free


DISK = Disk()


def open_regular(path: Path, flags: int) -> int:
    """A descriptor of a file as it lies there: OSError for a link, a folder, a pipe or a device; never waits."""
    try:
        fd = os.open(path, flags | _BINARY | _NO_LINK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return fd


class FileLock:
    """A lock on a file that ends with the process that holds it, however it ends.

    The file stays when the lock is given back: removing it would let two processes lock two
    files of one name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self, note: str) -> None:
        """Take the lock or raise `BlockingIOError`; ``note`` says to others who holds it."""
        fd = self._open()
        try:
            _lock_soon(fd)
            os.ftruncate(fd, 0)
            _write_at(fd, note.encode(), 0)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd

    def _open(self) -> int:
        try:
            # Without O_CREAT first: in a shared folder Linux may refuse to "create" another user's file.
            return open_regular(self.path, os.O_RDWR)
        except FileNotFoundError:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | _BINARY | _NO_LINK, 0o666)

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def is_held(self) -> bool:
        """Whether some process, or this object, holds the lock; nothing is written.

        False also where there is no such file and where the file system knows no locks. A drive that
        does not share its locks says nothing about other computers.
        """
        try:
            fd = open_regular(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            _try_lock(fd)
        except BlockingIOError:
            return True
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        finally:
            os.close(fd)
        return False

    def note(self) -> tuple[str, float]:
        """The holder's note and when it was written (POSIX time, s)."""
        with os.fdopen(open_regular(self.path, os.O_RDONLY), "rb") as file:
            written = os.fstat(file.fileno()).st_mtime
            return file.read(_LONGEST_NOTE).decode("utf-8", errors="replace"), written


def host_name() -> str:
    """The name of this computer."""
    return socket.gethostname()


def process_id() -> int:
    """The number of this process."""
    return os.getpid()


if sys.platform == "win32":
    # The locked byte lies behind every note, because Windows lets nobody read a locked range.
    _LOCK_OFFSET = 1 << 30

    def _write_at(fd: int, data: bytes, offset: int) -> int:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.write(fd, data)

    def _sync(fd: int) -> None:
        os.fsync(fd)

    def _sync_directory(path: Path) -> None:
        """NTFS journals its directories; there is no call for it."""

    def _reserve(fd: int, size: int) -> None:
        _fill_with_zeros(fd, size)

    def _replace(source: Path, target: Path) -> None:
        """A reader (or a virus scanner) that has the target open refuses the replacement: try again."""
        for left in range(_REPLACE_TRIES, 0, -1):
            try:
                os.replace(source, target)
                return
            except PermissionError:
                if left == 1:
                    raise
                threading.Event().wait(_REPLACE_PAUSE_S)

    def _lock(fd: int) -> None:
        os.lseek(fd, _LOCK_OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error

    def _try_lock(fd: int) -> None:
        _lock(fd)

else:

    def _write_at(fd: int, data: bytes, offset: int) -> int:
        return os.pwrite(fd, data, offset)

    if sys.platform == "darwin":

        def _sync(fd: int) -> None:
            # fsync of macOS stops at the drive's cache.
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)

        def _reserve(fd: int, size: int) -> None:
            _fill_with_zeros(fd, size)

    else:

        def _sync(fd: int) -> None:
            os.fdatasync(fd)

        def _reserve(fd: int, size: int) -> None:
            os.posix_fallocate(fd, 0, size)

    def _sync_directory(path: Path) -> None:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _replace(source: Path, target: Path) -> None:
        os.replace(source, target)

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _try_lock(fd: int) -> None:
        # Shared, so that several who only look do not take each other for a holder.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _lock_soon(fd: int) -> None:
    """Lock, though someone who only looks whether the lock is held has it for a moment."""
    for left in range(_LOCK_TRIES, 0, -1):
        try:
            _lock(fd)
            return
        except BlockingIOError:
            if left == 1:
                raise
            threading.Event().wait(_LOCK_PAUSE_S)


def _fill_with_zeros(fd: int, size: int) -> None:
    """The place of a file where the system has no call that only reserves it."""
    block = bytes(1 << 16)
    for offset in range(0, size, len(block)):
        Disk().write_at(fd, block[: size - offset], offset)
