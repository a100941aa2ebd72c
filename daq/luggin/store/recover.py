"""Bringing a run into order after its writer has died: everything acknowledged becomes published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from luggin.errors import StoreCorrupt
from luggin.platform import DISK, Disk
from luggin.store.faults import corrupt, naming
from luggin.store.journal import remove_segments
from luggin.store.layout import RunFolder
from luggin.store.lock import RunLock
from luggin.store.published import Published
from luggin.store.runlog import RunLog
from luggin.store.scan import JournalScan
from luggin.store.sources import rows_on_disk


@dataclass(frozen=True)
class Recovery:
    """What a recovery did.

    ``rows`` are the rows of each stream that stood in the journal alone and are now published,
    ``torn_bytes`` what was cut off behind the last whole record (never acknowledged, or never
    durable before a power cut), ``litter`` the half-written files that were removed, ``damage``
    what was given up with ``accept_damage``.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    torn_bytes: int = 0
    litter: tuple[Path, ...] = ()
    damage: str | None = None
    next_segment: int = 0

    def __str__(self) -> str:
        done = [f"{n} rows of {name} taken over from the journal" for name, n in self.rows.items()]
        if self.torn_bytes:
            done.append(f"{self.torn_bytes} bytes behind the last whole record cut off")
        if self.litter:
            done.append(f"{len(self.litter)} half-written files removed")
        if self.damage:
            done.append(f"given up: {self.damage}")
        return "; ".join(done) or "nothing to do"


def recover(folder: Path, *, accept_damage: bool = False, disk: Disk = DISK) -> Recovery:
    """Bring the run in ``folder`` into order; a second call finds nothing to do.

    Raises `StoreLocked` while a process writes the run, and `StoreCorrupt` where bytes that were
    once durable have changed; with ``accept_damage`` the rows before the damage are kept and the
    damaged segments set aside (``*.damaged``). A damaged ``run.log`` has nothing to fall back on: it
    is named when the rows are in order.
    """
    run = RunFolder(folder)
    run.require()
    lock = RunLock(run)
    lock.acquire()
    try:
        recovery = recover_locked(run, disk, accept_damage)
        _tell_readers(Published.load(run, disk))
        _require_readable_log(run, recovery)
        return recovery
    finally:
        lock.release()


def recover_locked(run: RunFolder, disk: Disk, accept_damage: bool = False) -> Recovery:
    """`recover` for one who holds the lock."""
    published = Published.load(run, disk)
    litter = _remove_litter(run, disk)
    scan = JournalScan(run, strict=not accept_damage)
    with naming(run.journal):
        segments = run.segments()
        scan.advance()
    gained = _publish_tail(run, published, scan)
    if scan.damage:
        _set_aside(run, disk, segments, scan)
    remove_segments(run, disk)
    return Recovery(gained, scan.torn_bytes, litter, scan.damage, segments[-1] + 1 if segments else 0)


def _tell_readers(published: Published) -> None:
    """Nobody who reads the store alone shall take a run for running that has no writer any more."""
    if published.attributes.get("status") == "running":
        published.publish({}, _no_rows, {**published.attributes, "status": "cut off"})


def _require_readable_log(run: RunFolder, recovery: Recovery) -> None:
    """StoreCorrupt if the control records are damaged; its note says what was done for the rows all the same."""
    if not run.log.exists():
        return  # rows that were written without a runner
    try:
        RunLog.read(run.path)
    except StoreCorrupt as damage:
        damage.add_note(f"The rows are in order: {recovery}.")
        raise


def _no_rows(name: str, first: int, stop: int) -> bytes:
    raise KeyError(f"no rows {first} to {stop} of {name} are to be published")


def _publish_tail(run: RunFolder, published: Published, scan: JournalScan) -> dict[str, int]:
    """Publish what only the journal has; rows gained per stream."""
    committed = published.committed()
    for name, stream in scan.streams.items():
        if stream.first > committed.get(name, 0):
            raise corrupt(
                run.journal,
                0,
                f"stream {name!r} is committed up to row {committed.get(name, 0)}, but the journal begins at row "
                f"{stream.first}",
            )

    def rows(name: str, first: int, stop: int) -> bytes:
        stream = scan.streams[name]
        before = published.streams.get(name)
        return rows_on_disk(run, before, stream.index, stream.number, stream.row_size, first, stop)

    gained = {n: s.rows - committed.get(n, 0) for n, s in scan.streams.items() if s.rows > committed.get(n, 0)}
    if gained:
        stops = {name: (scan.streams[name].schema, scan.streams[name].rows) for name in gained}
        published.publish(stops, rows, published.attributes)
    return gained


def _remove_litter(run: RunFolder, disk: Disk) -> tuple[Path, ...]:
    """Remove what a killed writer (or zarr-python, ``*.partial``) has left half-written."""
    litter = (*sorted(run.journal.glob("*.tmp")), *sorted(run.data.rglob("*.partial")))
    for path in litter:
        with naming(path):
            disk.remove(path)
    return litter


def _set_aside(run: RunFolder, disk: Disk, segments: list[int], scan: JournalScan) -> None:
    """Keep the damaged segment and those behind it under another name, for whoever wants to look."""
    begin = scan.position.segment if scan.position else segments[0]
    for number in segments:
        if number >= begin:
            path = run.segment(number)
            with naming(path):
                disk.replace(path, path.with_suffix(".damaged"))
