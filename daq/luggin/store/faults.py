"""What the computer's errors mean for a run, and the way out of each."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from luggin.errors import StoreCorrupt, StoreError, StoreFull, StoreReadOnly

_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def store_error(error: OSError, path: Path) -> StoreError:
    """The error of our own tree for a failed call on ``path``."""
    if error.errno in _FULL:
        return StoreFull(
            f"no space left for {path} ({error.strerror}). All rows acknowledged so far are kept: make space on this "
            "disk and resume the run (`luggin recover` is enough where it had ended)"
        )
    if error.errno in _READ_ONLY:
        return StoreReadOnly(
            f"{path} may not be written ({error.strerror}): check the permissions of the run folder and whether its "
            "disk is mounted read-only, or copy the run to another place"
        )
    return StoreError(
        f"{path}: {error.strerror or error}. What was acknowledged before is kept: check the disk, then resume the run"
    )


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let errors of the computer come out as errors of the store that name ``path``."""
    try:
        yield
    except OSError as error:
        raise store_error(error, path) from error


def corrupt(file: Path, offset: int, what: str, way_out: str = "") -> StoreCorrupt:
    """`StoreCorrupt` that names the file, the byte and what is wrong there."""
    out = way_out or "Restore the file from a backup; no other file of the run was changed"
    return StoreCorrupt(f"{file}: byte {offset}: {what}. {out}")
