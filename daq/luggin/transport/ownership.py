"""One owner per instrument, over process borders: a lock file that says who has the line."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

from luggin import platform
from luggin.errors import LineInUse


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

    Raises:
        LineInUse: somebody else has it; the message says who and since when.
    """

    def __init__(self, resource: str, *, user: str, purpose: str, since: str, folder: Path | None = None) -> None:
        self.resource = resource
        where = folder or lock_folder()
        platform.make_shared_folder(where)
        name = hashlib.sha256(resource.encode()).hexdigest()[:24]
        self._path = where / f"{name}.lock"
        owner = {
            "resource": resource,
            "pid": platform.process_id(),
            "user": user,
            "purpose": purpose,
            "since": since,
        }
        lock = platform.try_lock(self._path, json.dumps(owner))
        if lock is None:
            raise LineInUse(
                f"{resource}: in use by {_owner(self._path)}. Stop that run first, or use another instrument."
            )
        self._lock = lock

    def release(self) -> None:
        """Give the line back. Releasing twice is fine."""
        self._lock.release()

    def __enter__(self) -> LineOwnership:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _owner(path: Path) -> str:
    try:
        owner = json.loads(path.read_text())
        return f"process {owner['pid']} of {owner['user']} since {owner['since']} ({owner['purpose']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
