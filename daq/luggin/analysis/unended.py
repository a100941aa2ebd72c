"""Rows of steps that go on, or were cut off: no record says where they are, the rows themselves do.

A step that ended has ``parts`` in its record. Before that, the columns ``step`` and ``attempt`` of
the rows tell whose they are, and the event that the instrument was prepared tells what was asked of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luggin.analysis.archive import StepRecord
    from luggin.store import StoredRun

#: The stream of what happened, and the word for a prepared instrument (docs/reference/run-folder.md).
_EVENTS, _PREPARED = "events", "prepared"

Techniques = list[tuple[str, Mapping[str, Any]]]


def parts_of(
    step: StepRecord, store: StoredRun, events: Sequence[Mapping[str, Any]], monitored: Collection[str], status: str
) -> tuple[Mapping[str, Any], ...]:
    """The parts of a step without an end, in the form in which ``run.log`` has those of other steps.

    Args:
        step: the step as its beginning was recorded.
        store: the rows.
        events: what happened in the run.
        monitored: streams of monitors; their rows carry the number of the step beside which they were read.
        status: of the parts.
    """
    prepared = _prepared(events, step.step, step.attempt)
    found = []
    for stream in store.streams:
        names = store.schema(stream).names
        if stream == _EVENTS or stream in monitored or not {"step", "attempt"} <= set(names):
            continue
        for first, count in _stretches(store, stream, step.step, step.attempt):
            technique, parameters = _technique(prepared, stream)
            said = _member(step.request, technique) or vars(step)
            part = {"technique": technique, "stream": stream, "first": first, "count": count}
            part |= {key: str(said.get(key) or "") for key in ("id", "role", "label")}
            part |= {"parameters": dict(parameters), "status": status}
            order = float(store.column(stream, "received", first, first + 1)[0]) if "received" in names else 0.0
            found.append((order, part))
    return tuple(part for _, part in sorted(found, key=lambda entry: entry[0]))


def _stretches(store: StoredRun, stream: str, step: int, attempt: int) -> Iterator[tuple[int, int]]:
    """First row and number of rows of every unbroken stretch of an attempt."""
    import numpy as np

    steps, attempts = store.column(stream, "step"), store.column(stream, "attempt")
    where = np.flatnonzero((steps == step) & (attempts == attempt))
    if where.size:
        for stretch in np.split(where, np.flatnonzero(np.diff(where) > 1) + 1):
            yield int(stretch[0]), len(stretch)


def _prepared(events: Sequence[Mapping[str, Any]], step: int, attempt: int) -> Techniques:
    """The techniques for which the instrument was prepared, with what it would really do."""
    return [
        (str(technique["name"]), technique.get("parameters", {}))
        for event in events
        if event.get("what") == _PREPARED and (event.get("step"), event.get("attempt")) == (step, attempt)
        for technique in event.get("techniques", ())
    ]


def _technique(prepared: Techniques, stream: str) -> tuple[str, Mapping[str, Any]]:
    """The technique whose rows a stream has. Of several with one name nothing says whose parameters hold."""
    fitting = [entry for entry in prepared if entry[0] == stream]
    if not fitting and len(prepared) == 1:
        fitting = prepared
    return fitting[0] if len(fitting) == 1 else (stream, {})


def _member(request: Mapping[str, Any], technique: str) -> Mapping[str, Any] | None:
    """The member of a chain that asked for a technique; None if no single one did."""
    members = [m for m in request.get("steps", ()) if isinstance(m, dict) and m.get("do") == technique]
    return members[0] if len(members) == 1 else None
