"""What keeps a process of observers small: memory, priority, output, and a death that needs nobody's help."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import resource

_NICE = 10
_CHUNK = 1 << 16


def confine(memory: int) -> list[str]:
    """Limit the memory of this process (bytes), lower its priority, offer it first to an out-of-memory killer.

    Gives what the system did not let it do, in words.
    """
    refused: list[str] = []
    if sys.platform == "win32":
        return ["memory is not limited on this system"]
    try:
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        wanted = _sensible(memory)
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    except (ValueError, OSError) as error:
        refused.append(f"memory is not limited: {error}")
    try:
        os.nice(_NICE)
    except OSError as error:
        refused.append(f"priority is not lowered: {error}")
    if sys.platform == "linux":
        try:
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
        except OSError as error:
            refused.append(f"not first in line when memory runs out: {error}")
    return refused


def _sensible(largest: int) -> int:
    """``largest`` bytes, or half of the computer's memory if that is less."""
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return largest
    return min(largest, physical // 2)


class BoundedLog:
    """Everything that this process prints, in one file of bounded size; the rest is counted and thrown away.

    Replaces standard output and standard error by a pipe that a thread of this process empties, so
    whoever prints without end waits for nobody but this process.
    """

    def __init__(self, path: Path, largest: int) -> None:
        self._file = _open_log(path, largest)
        self._left = largest - self._file.tell()
        self._dropped = 0
        out, into = os.pipe()
        for stream in (1, 2):
            os.dup2(into, stream, inheritable=True)
        os.close(into)
        self._thread = threading.Thread(target=self._empty, args=(out,), name="log", daemon=True)
        self._thread.start()

    @property
    def file(self) -> IO[bytes]:
        """The file itself, for what cannot go through a thread."""
        return self._file

    def _empty(self, out: int) -> None:
        while data := os.read(out, _CHUNK):
            kept = data[: max(self._left, 0)]
            self._left -= len(kept)
            self._dropped += len(data) - len(kept)
            try:
                self._file.write(kept)
            except OSError:
                self._dropped += len(kept)  # the disk is full: the run needs what is left of it
                self._left = 0

    def close(self, within: float) -> None:
        """Write what is on its way (s) and say how much was thrown away; what is printed later goes nowhere."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream_number in (1, 2):
            os.dup2(nowhere, stream_number)
        self._thread.join(within)
        if self._dropped:
            with contextlib.suppress(OSError):
                self._file.write(f"\n... and {self._dropped} bytes more, which are not kept\n".encode())


def _open_log(path: Path, largest: int) -> IO[bytes]:
    """The log of this and earlier sessions, begun anew when half of its space is taken; nowhere, if it cannot be."""
    try:
        begin_anew = path.is_file() and path.stat().st_size > largest // 2
        file = path.open("wb" if begin_anew else "ab", buffering=0)
        file.seek(0, os.SEEK_END)
        return file
    except OSError:
        return open(os.devnull, "wb", buffering=0)


class DeadMansHandle:
    """Ends this process, with the stacks of all threads in its log, if nobody holds on for ``seconds``.

    The thread that ends it is not Python's: code that never gives the interpreter back does not stop it.
    """

    def __init__(self, seconds: float, log: IO[bytes]) -> None:
        self._seconds = seconds
        self._log = log
        self.hold()

    def hold(self) -> None:
        """Still here."""
        faulthandler.dump_traceback_later(self._seconds, exit=True, file=self._log.fileno())
