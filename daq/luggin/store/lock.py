"""One writer per run: a lock that dies with its process and says who holds it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from luggin.errors import StoreLocked
from luggin.platform import FileLock, host_name, process_id
from luggin.store.faults import naming
from luggin.store.layout import RunFolder


class RunLock:
    """The right to write one run. `acquire` raises `StoreLocked` where another has it."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._lock = FileLock(run.lock)

    def acquire(self) -> None:
        """Take the lock, or say who has it."""
        note = json.dumps({"pid": process_id(), "host": host_name()})
        with naming(self._run.lock):
            self._run.journal.mkdir(exist_ok=True)
            try:
                self._lock.acquire(note)
            except BlockingIOError as held:
                raise StoreLocked(self._holder()) from held

    def is_held(self) -> bool:
        """Whether a process on this computer writes the run now; only a look."""
        with naming(self._run.lock):
            return self._lock.is_held()

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def _holder(self) -> str:
        note, since = self._lock.note()
        moment = datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds")
        try:
            who = json.loads(note)
            holder = f"process {who['pid']} on {who['host']} since {moment}"
        except (ValueError, KeyError, TypeError):
            # The holder has the lock but has not yet written its note.
            holder = f"another process since {moment}"
        return (
            f"{self._run.path} is being written by {holder}. Wait until that run has ended or stop it; "
            "reading is possible all the time"
        )


def is_being_written(folder: Path) -> bool:
    """Whether a process writes the run in ``folder`` now. One without an end that nobody writes was cut off.

    Where a network drive does not share its locks, writers on other computers are not seen.
    """
    return RunLock(RunFolder(folder)).is_held()
