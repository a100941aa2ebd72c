"""What an earlier process measured: of a step that it did not end, and last of all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from luggin.engine.parts import Part

if TYPE_CHECKING:
    from luggin.analysis import RunArchive
    from luggin.guardian.record import Intervention
    from luggin.store import StoredRun


def newest_row(store: StoredRun) -> tuple[int, float | None]:
    """How many rows of instruments a run has, and when the newest arrived (s of its time; None if there is none)."""
    rows, newest = 0, None
    for stream in store.streams:
        count = store.rows(stream)
        if not count or "received" not in store.schema(stream).names:
            continue
        rows += count
        received = float(store.column(stream, "received", count - 1, count)[0])
        newest = received if newest is None else max(newest, received)
    return rows, newest


def last_sign_of_life(
    archive: RunArchive, last_record: float, last_row: float | None, interventions: Iterable[Intervention]
) -> datetime | None:
    """When (UTC) a run was last known to be alive; None if it does not know when it began.

    The log of a run has a record now and then, its rows tell more; and a guardian acts as soon as it misses
    the run.
    """
    moment = archive.moment(max(last_record, last_row or 0.0))
    if moment is None:
        return None
    return max([moment.astimezone(UTC), *(datetime.fromisoformat(one.utc).astimezone(UTC) for one in interventions)])


def measured_before(folder: Path, path: str) -> tuple[list[Part], float]:
    """Rows of the last attempts at a path, and how far they came (s of the technique).

    Attempts count from the last one that began at the beginning. The rows are those that the recovered
    store has; the time is the instrument's own where it has one.
    """
    from luggin.analysis import open_run

    archive = open_run(folder)
    starts = {
        int(r.get("attempt", 1)): float(r.get("goes_on_after", 0.0))
        for r in archive.records
        if r.get("kind") == "start" and r.get("path") == path
    }
    parts: list[Part] = []
    elapsed = 0.0
    for step in (s for s in archive.steps if s.path == path and not s.re_established):
        if not starts.get(step.attempt):
            parts, elapsed = [], 0.0
        for part in step.parts:
            found = Part(**part)
            parts.append(found)
            name = "instrument_time"
            if name in archive.store.schema(found.stream).names and found.count:
                last = found.first + found.count
                elapsed += float(archive.store.column(found.stream, name, last - 1, last)[0])
    return parts, elapsed
