"""One pass over all rows of a run: what the overview draws, and what stands behind each step.

The rows themselves are looked at, not the records of steps: a step that was cut off has no record
of its rows, but its rows are there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from luggin.engine.events import EVENTS
from luggin.records import Flag
from luggin_plugins.report.thinning import MOST_POINTS, Array, extremes

if TYPE_CHECKING:
    from luggin.store import StoredRun

BLOCK = 1 << 16
"""Rows that are in memory at a time."""

Key = tuple[int, int]
"""Step and attempt."""


@dataclass(frozen=True)
class Trace:
    """One column of one stream over the time of the run (s), with NaN where the line has a gap."""

    name: str
    unit: str
    time: Array
    values: Array


@dataclass(frozen=True)
class Readings:
    """What a pass over the rows gives.

    Attributes:
        traces: potential, voltage, current and temperature over time, thinned.
        rows: how many rows each attempt at a step has.
        flags: how many rows of each attempt carry which status bit, by its name.
        streams: rows of each stream.
    """

    traces: tuple[Trace, ...] = ()
    rows: Mapping[Key, int] = field(default_factory=dict)
    flags: Mapping[Key, Mapping[str, int]] = field(default_factory=dict)
    streams: Mapping[str, int] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        """Time of the last row (s); 0 without rows."""
        return max((float(np.nanmax(t.time)) for t in self.traces if np.isfinite(t.time).any()), default=0.0)


SHOWN = ("potential", "voltage", "current", "temperature")


def read_through(store: StoredRun) -> Readings:
    """Look at every row once, block by block; memory does not grow with the run.

    The stream of events has no readings: what it says stands in ``run.log`` in words.
    """
    rows: Counter[Key] = Counter()
    flags: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    traces: list[Trace] = []
    streams = {}
    for stream in measured(store):
        count = store.rows(stream)
        streams[stream] = count
        schema = store.schema(stream)
        shown = [c for c in schema.columns if c.name in SHOWN and c.kind in ("f8", "f4")]
        pieces: list[tuple[Array, ...]] = []
        for start in range(0, count, BLOCK):
            block = store.array(stream, start, min(start + BLOCK, count))
            keys = _keys(block)
            _count(block, keys, rows, flags)
            if "time" in schema.names and shown:
                pieces.append(_piece(block, keys, [c.name for c in shown], -(-2 * len(shown) * count // MOST_POINTS)))
        if pieces:
            time, *columns = _again([np.concatenate(parts) for parts in zip(*pieces, strict=True)])
            traces += [Trace(c.name, c.unit, time, v) for c, v in zip(shown, columns, strict=True)]
    return Readings(tuple(traces), dict(rows), {k: dict(v) for k, v in flags.items()}, streams)


def measured(store: StoredRun) -> tuple[str, ...]:
    """The streams that hold readings."""
    return tuple(name for name in store.streams if name != EVENTS.stream)


def _again(columns: list[Array]) -> list[Array]:
    """Thinned once more where thousands of short steps left too much; breaks between steps are too fine to see then."""
    count = len(columns[0])
    if count <= 2 * MOST_POINTS:
        return columns
    columns = [column[~np.isnan(columns[0])] for column in columns]
    kept = extremes(-(-2 * (len(columns) - 1) * len(columns[0]) // MOST_POINTS), *columns[1:])
    return [column[kept] for column in columns]


def _keys(block: Any) -> Any:
    """Step and attempt of each row; 0 where a stream does not say."""
    names = block.dtype.names or ()
    keys = np.zeros((len(block), 2), np.int64)
    for place, name in enumerate(("step", "attempt")):
        if name in names:
            keys[:, place] = block[name]
    return keys


def _count(block: Any, keys: Any, rows: Counter[Key], flags: defaultdict[Key, Counter[str]]) -> None:
    marked = block["flags"] if "flags" in (block.dtype.names or ()) else np.zeros(len(block), np.uint32)
    for first, stop in _segments(keys):
        key = (int(keys[first, 0]), int(keys[first, 1]))
        rows[key] += stop - first
        bits = marked[first:stop]
        if bits.any():
            for flag in Flag:
                hit = int(np.count_nonzero(bits & flag.value))
                if hit:
                    flags[key][str(flag.name).lower().replace("_", " ")] += hit


def _segments(keys: Any, breaks: Any = None) -> list[tuple[int, int]]:
    """Stretches of rows of one attempt."""
    changed = np.any(keys[1:] != keys[:-1], axis=1)
    if breaks is not None:
        changed = changed | breaks[1:]
    edges = [0, *(np.flatnonzero(changed) + 1).tolist(), len(keys)]
    return list(pairwise(edges))


def _piece(block: Any, keys: Any, names: list[str], stretch: int) -> tuple[Array, ...]:
    """Time and columns of a block, thinned within each segment, with a row of NaN behind it."""
    gaps = (block["flags"] & Flag.GAP.value) != 0 if "flags" in (block.dtype.names or ()) else None
    wanted = [block[name].astype(np.float64) for name in ("time", *names)]
    parts: list[list[Array]] = [[] for _ in wanted]
    end = np.array([np.nan])
    for first, stop in _segments(keys, gaps):
        kept = first + extremes(stretch, *(column[first:stop] for column in wanted[1:]))
        for part, column in zip(parts, wanted, strict=True):
            part += [column[kept], end]
    return tuple(np.concatenate(part) for part in parts)
