"""Everything that ``luggin show`` says about one run, as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from luggin.analysis import RunArchive, StepRecord
from luggin.engine.limits import Limit
from luggin.errors import LugginError
from luggin.guardian.record import Intervention, read_interventions
from luggin.observing.states import faults_of
from luggin.records import Flag


def summary_of(archive: RunArchive) -> dict[str, Any]:
    """Header, conditions, steps, interruptions, faults and results of a run that may be going on.

    Times are run times (s), which is time in the laboratory, and in UTC where the run knows when it
    began. What cannot be read stands in ``problems``; all else is there.
    """
    header, finish, problems = archive.header, archive.finish, []
    streams: dict[str, int] = {}
    gaps: dict[str, int] = {}
    counted: Counter[tuple[int, int]] = Counter()
    try:
        streams, gaps, counted = _rows(archive)
    except (LugginError, OSError) as error:
        problems.append(f"the rows cannot be read: {error}")
    try:
        results = archive.results
    except (OSError, ValueError, KeyError, TypeError) as error:
        results = []
        problems.append(f"the results cannot be read: {error}")
    over = finish.get("kind") == "finish"
    return {
        "run": str(archive.folder),
        "title": header.get("title", ""),
        "outcome": archive.outcome,
        "error": (finish.get("error") or {}).get("message", ""),
        "simulated": archive.simulated,
        "imported": bool(header.get("imported")),
        "virtual": bool(header.get("virtual")),
        "speed": archive.speed,
        "source": dict(header.get("source", {})),
        "started": _utc(archive, 0.0),
        "ended": _utc(archive, float(finish["time"])) if over else None,
        "sample": dict(header.get("sample", {})),
        "protocol": {k: header.get("protocol", {}).get(k, "") for k in ("kind", "name", "sha256")},
        "bench": header.get("bench", {}).get("path"),
        "limits": [
            {"words": Limit(**limit).describe(), "then": limit.get("then", "")} for limit in header.get("limits", ())
        ],
        "instruments": _instruments(archive),
        "steps": [_step(step, counted) for step in archive.steps],
        "preflights": [_preflight(record, archive) for record in archive.records if record.get("kind") == "preflight"],
        "resumes": [_resume(session, archive) for session in archive.sessions[1:]],
        "interventions": [_intervention(intervention) for intervention in read_interventions(archive.folder)],
        "observer_faults": faults_of(archive.folder, archive.records),
        "plugin_faults": [
            dict(fault) for r in archive.records if r.get("kind") == "plugins" for fault in r.get("faults", ())
        ],
        "rows_after_a_gap": gaps,
        "streams": streams,
        "data": str(archive.folder / "data.zarr"),
        "results": results,
        "problems": problems,
    }


def _rows(archive: RunArchive) -> tuple[dict[str, int], dict[str, int], Counter[tuple[int, int]]]:
    """Rows of each stream, rows that follow a gap, and rows that each attempt at a step measured."""
    import numpy as np

    store = archive.store
    streams: dict[str, int] = {}
    gaps: dict[str, int] = {}
    counted: Counter[tuple[int, int]] = Counter()
    for stream in store.streams:
        names = store.schema(stream).names
        streams[stream] = store.rows(stream)
        if "flags" in names:
            found = int(np.count_nonzero(store.column(stream, "flags") & Flag.GAP.value))
            gaps.update({stream: found} if found else {})
        if stream not in {"events", *archive.monitored} and {"step", "attempt"} <= set(names):
            pairs = np.column_stack([store.column(stream, "step"), store.column(stream, "attempt")])
            for (step, attempt), count in zip(*np.unique(pairs, axis=0, return_counts=True), strict=True):
                counted[int(step), int(attempt)] += int(count)
    return streams, gaps, counted


def _step(step: StepRecord, counted: Counter[tuple[int, int]]) -> dict[str, Any]:
    # A step that was cut off has no record of its rows, but its rows are there: so they are counted.
    rows = counted[step.step, step.attempt] or sum(int(part["count"]) for part in step.parts)
    return {
        "path": step.path,
        "do": step.do,
        "id": step.id,
        "role": step.role,
        "label": step.label,
        "step": step.step,
        "attempt": step.attempt,
        "status": "suspended" if step.suspended else step.status,
        "re_established": step.re_established,
        "started": step.started,
        "ended": step.ended,
        "rows": rows,
        "error": (step.error or {}).get("message", ""),
    }


def _preflight(record: Mapping[str, Any], archive: RunArchive) -> dict[str, Any]:
    """The verdict of one look at the cell, each check also in words, and why the run went on all the same."""
    from luggin.engine.cell_checks import Check

    path, attempt = record.get("path", ""), record.get("attempt", 1)
    went_on = next((s.values.get("went_on") for s in archive.steps if (s.path, s.attempt) == (path, attempt)), None)
    checks = [{**check, "said": str(Check(**check))} for check in record.get("checks", ())]
    return {
        "path": path,
        "attempt": attempt,
        "verdict": record.get("verdict", ""),
        "checks": checks,
        "went_on": str(went_on or ""),
    }


def _intervention(intervention: Intervention) -> dict[str, Any]:
    return {**vars(intervention), "words": intervention.words}


def _resume(session: Mapping[str, Any], archive: RunArchive) -> dict[str, Any]:
    begin, end = session.get("gap", {}).get("from"), session.get("gap", {}).get("to")
    last = None if begin is None else _utc(archive, float(begin))
    return {
        "utc": _utc(archive, float(session.get("time", 0.0))),
        "time": session.get("time", 0.0),
        "gap": {"from": begin, "to": end, "from_utc": last},
        "recovery": session.get("recovery", ""),
    }


def _instruments(archive: RunArchive) -> list[dict[str, Any]]:
    """Each instrument that answered, once, with its role."""
    found: list[dict[str, Any]] = []
    for session in archive.sessions:
        for role, identity in session.get("instruments", {}).items():
            said = {"role": role, **{k: identity.get(k, "") for k in ("maker", "model", "serial", "firmware")}}
            if said not in found:
                found.append(said)
    return found


def _utc(archive: RunArchive, run_time: float) -> str | None:
    moment = archive.moment(run_time)
    return None if moment is None else moment.isoformat(timespec="seconds")
