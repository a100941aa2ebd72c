"""What an earlier process measured of a step that it did not end."""

from __future__ import annotations

from pathlib import Path

from luggin.engine.parts import Part


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
