"""One owner per instrument, over process borders: a lock file that says who has the line."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from pathlib import Path

from luggin.errors import LineInUse
from luggin.platform import FileLock, process_id


def lock_folder() -> Path:
    """Where all users of this computer see the locks."""
    return Path(tempfile.gettempdir()) / "luggin-lines"


class LineOwnership:
    """Holds the line of one resource for this process until `release`.

    The operating system frees the lock when the process dies, so a dead run never blocks a bench.

    Args:
        resource: canonical name of the line.
        user: who runs this process (for the message to others).
        purpose: what for, e.g. the run's folder.
        since: time of day, as text.
        folder: where the locks are; the computer's common place if not given.

    Raises:
        LineInUse: somebody else has it; the message says who and since when.
    """

    def __init__(self, resource: str, *, user: str, purpose: str, since: str, folder: Path | None = None) -> None:
        self.resource = resource
        where = folder or lock_folder()
        _make_shared(where)
        path = where / f"{hashlib.sha256(resource.encode()).hexdigest()[:24]}.lock"
        owner = {"resource": resource, "pid": process_id(), "user": user, "purpose": purpose, "since": since}
        self._lock = FileLock(path)
        try:
            self._lock.acquire(json.dumps(owner))
        except BlockingIOError as held:
            raise LineInUse(
                f"{resource}: in use by {_owner(self._lock)}. Stop that run first, or use another instrument."
            ) from held
        except PermissionError as foreign:
            raise LineInUse(
                f"{resource}: the lock file {path} is another user's and cannot be opened ({foreign.strerror}). Ask "
                f"{_owner(self._lock)} to remove it."
            ) from foreign
        with contextlib.suppress(PermissionError):  # the other user who made it has said so already
            path.chmod(0o666)

    def release(self) -> None:
        """Give the line back. Releasing twice is fine."""
        self._lock.release()

    def __enter__(self) -> LineOwnership:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _make_shared(folder: Path) -> None:
    """A folder that every user may write to, like the system's temporary folder."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return
    folder.chmod(0o1777)


def _owner(lock: FileLock) -> str:
    try:
        owner = json.loads(lock.note()[0])
        return f"process {owner['pid']} of {owner['user']} since {owner['since']} ({owner['purpose']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
