"""What a trip leaves behind: a run that is not taken up, and lines that no run uses, until somebody cleared them.

The run keeps it in its ``run.log``. For the lines of the cell there is a file for each beside their
locks, so that another run on the same cell is refused as well, whoever starts it. Whoever sets or
asks for a latch owns the line, so the two never meet. Simulated lines inside a run (``sim://``) are
not latched: their cell is gone with the run.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.clock import RealClock
from luggin.errors import RunFolderError, StoreError, UsageError
from luggin.platform import DISK, FileLock
from luggin.transport.ownership import lock_folder

if TYPE_CHECKING:
    from luggin.bench import Bench

_SUFFIX = ".latch"
#: How often a latch that another process is just writing is waited for; each time takes some 40 ms.
_TRIES = 50


@dataclass(frozen=True)
class Latch:
    """A line that a trip has closed: which, why, by which run, of whom and since when (UTC)."""

    resource: str
    words: str
    run: str
    user: str
    utc: str

    def __str__(self) -> str:
        return f"{self.resource}: a limit stopped {self.run} on it ({self.words}; {self.user}, {self.utc})"


def lines_of(bench: Bench) -> tuple[str, ...]:
    """The lines of a bench that can be latched, each under the one name that it has on this computer.

    A served simulator is another one each time it is started: its lines carry its address.
    """
    from luggin.engine.session import canonical

    resources = [role.resource for role in bench.roles.values() if not role.resource.startswith("sim://")]
    where = f" at {bench.simulator}" if bench.simulator else ""
    return tuple(dict.fromkeys(f"{canonical(resource)}{where}" for resource in resources))


def latch(resources: Iterable[str], words: str, run: Path | str, *, folder: Path | None = None) -> None:
    """Close lines after a trip. It is on the disk when this returns.

    Args:
        resources: names of the lines (`lines_of`).
        words: what tripped.
        run: folder of the run.
        folder: where the latches are; beside the locks of the lines if not given.

    Raises:
        StoreError: it cannot be written.
    """
    utc = RealClock().utc().isoformat(timespec="seconds")
    for resource in resources:
        note = Latch(resource, words, os.path.abspath(run), getpass.getuser(), utc)
        _write(_path(resource, folder), json.dumps(asdict(note)))


def latched(resource: str, *, folder: Path | None = None) -> Latch | None:
    """Why a line is closed, or None if it is not."""
    return _read(_path(resource, folder), resource)


def all_latched(*, folder: Path | None = None) -> list[Latch]:
    """Every line of this computer that is closed."""
    place = folder or lock_folder()
    found = [_read(path, path.stem) for path in sorted(place.glob(f"*{_SUFFIX}"))] if place.is_dir() else []
    return [one for one in found if one is not None]


def require_unlatched(resources: Iterable[str], *, folder: Path | None = None) -> None:
    """Refuse lines that a trip has closed; to be asked by whoever owns them.

    Raises:
        UsageError: one is closed; says why, and how it is cleared.
    """
    for resource in resources:
        if (why := latched(resource, folder=folder)) is not None:
            raise UsageError(f"{why}. Look at the cell first; then clear it with `luggin clear {why.run}`.")


def clear(resources: Iterable[str], *, folder: Path | None = None) -> list[Latch]:
    """Open lines again; which ones were closed.

    Raises:
        StoreError: a latch cannot be written.
    """
    cleared = []
    for resource in resources:
        if (why := latched(resource, folder=folder)) is not None:
            # Emptied, not removed: in a shared folder nobody may remove the file of another user.
            _write(_path(resource, folder), "")
            cleared.append(why)
    return cleared


def clear_run(run: Path, note: str, *, folder: Path | None = None) -> tuple[str, list[Latch]]:
    """Clear the trip of a run, and the lines that it closed. Who did it, when and why is in its ``run.log``.

    Returns:
        What had tripped (empty if the run itself was cleared before), and the lines that are open again.

    Raises:
        RunFolderError: not a run, or one that no limit stopped.
        StoreLocked: the run is being written.
    """
    from luggin.engine.history import History
    from luggin.store import RunLog
    from luggin.store.layout import RunFolder
    from luggin.store.lock import RunLock

    if not (run / "run.log").is_file():
        raise RunFolderError(f"{run}: not a run folder (it has no run.log).")
    closed = [one.resource for one in all_latched(folder=folder) if one.run == os.path.abspath(run)]
    records = RunLog.read(run)
    if not History(records).trip:
        if not closed:
            raise RunFolderError(f"{run}: {_nothing_to_clear(records)}")
        return "", clear(closed, folder=folder)
    lock = RunLock(RunFolder(run))
    lock.acquire()
    try:
        history = History(RunLog.read(run))
        with RunLog.open(run) as log:
            log.append(_cleared(history.trip, note, history.last_time), sync=True)
    finally:
        lock.release()
    return history.trip, clear(closed, folder=folder)


def _nothing_to_clear(records: Iterable[Mapping[str, Any]]) -> str:
    """Why a run that no trip closes cannot be cleared: nothing ever tripped, or somebody has cleared it."""
    said = [record for record in records if record.get("kind") == "cleared"]
    if not said:
        return "no limit stopped this run, so there is nothing to clear."
    last = said[-1]
    moment = datetime.fromisoformat(str(last["utc"])).astimezone()
    note = f' ("{last["note"]}")' if last.get("note") else ""
    return (
        f"its limit ({last.get('trip', '?')}) was cleared by {last.get('user', '?')} on {moment:%Y-%m-%d at %H:%M:%S}"
        f"{note}; nothing is left to clear."
    )


def _cleared(trip: str, note: str, time: float) -> dict[str, Any]:
    utc = RealClock().utc().isoformat()
    return {"kind": "cleared", "time": time, "utc": utc, "user": getpass.getuser(), "note": note, "trip": trip}


def _path(resource: str, folder: Path | None) -> Path:
    return (folder or lock_folder()) / f"{hashlib.sha256(resource.encode()).hexdigest()[:24]}{_SUFFIX}"


def _write(path: Path, text: str) -> None:
    """Replace what a latch says, and see it onto the disk."""
    lock = FileLock(path)
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
            path.parent.chmod(0o1777)
        new = not path.exists()
        _acquire(lock, text)
        if new:
            path.chmod(0o666)  # whoever looked at the cell clears it, whoever's run it was
        fd = DISK.open(path)
        try:
            DISK.sync(fd)
        finally:
            DISK.close(fd)
    except OSError as error:
        raise StoreError(f"{path}: the latch of a line cannot be written ({error.strerror or error})") from error
    finally:
        lock.release()


def _acquire(lock: FileLock, text: str) -> None:
    for _ in range(_TRIES - 1):
        try:
            return lock.acquire(text)
        except BlockingIOError:
            continue
    lock.acquire(text)


def _read(path: Path, resource: str) -> Latch | None:
    """What a latch says. One that cannot be understood is closed: better asked once too often."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        return Latch(resource, f"its latch {path} cannot be read: {error.strerror}", "an unknown run", "?", "?")
    if not text.strip("\0 \n"):
        return None
    try:
        said: Mapping[str, Any] = json.loads(text)
        return Latch(**{name: str(said[name]) for name in ("resource", "words", "run", "user", "utc")})
    except (ValueError, KeyError, TypeError):
        return Latch(resource, f"its latch {path} is damaged", "an unknown run", "?", "?")
