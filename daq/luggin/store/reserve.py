"""Space kept for the last words of a run, so that a full disk does not silence it."""

from __future__ import annotations

from luggin.platform import Disk
from luggin.store.faults import naming
from luggin.store.layout import RunFolder

RESERVE_BYTES = 1 << 20


def keep_reserve(run: RunFolder, disk: Disk) -> None:
    """Occupy the space. Raises `StoreFull` where even that little is not there."""
    with naming(run.reserve):
        fd = disk.open(run.reserve) if run.reserve.exists() else disk.create(run.reserve)
        try:
            disk.reserve(fd, RESERVE_BYTES)
        finally:
            disk.close(fd)


def give_reserve(run: RunFolder, disk: Disk) -> bool:
    """Give the space to whoever writes next; False if it has been given already."""
    if not run.reserve.exists():
        return False
    with naming(run.reserve):
        disk.remove(run.reserve)
    return True
