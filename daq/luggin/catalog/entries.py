"""What the catalog knows of one run: read from its folder, and never needed to read the run itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from luggin.analysis import RunArchive, load_results, open_run
from luggin.analysis.archive import recorded_steps
from luggin.store import is_being_written

OUTCOMES = ("completed", "interrupted", "limit tripped", "failed", "running", "cut off", "broken", "vanished")
"""``running`` is being written; ``cut off`` has no end and nobody writes it: its program was killed, or the
power went. ``broken`` cannot be read; ``vanished`` was seen before and is not there any more."""

HEADLINES = (
    "half_wave_potential",
    "activation_energy",
    "ionic_conductivity",
    "specific_discharge_capacity",
    "capacity_retention",
    "lifetime",
)
"""Names of the quantities for which an experiment is made; the others explain them."""

_NO_TECHNIQUES = ("prompt", "note", "rest", "chain", "analyse", "read", "now", "random")


@dataclass(frozen=True)
class Entry:
    """One run. Times are POSIX times (s), None where they are not known (as for an imported run).

    ``dated`` is the time by which runs are sorted: ``started``, or where that is not known, when the
    imported file, or else the folder, was last written. ``results`` has one mapping for each analysis:
    its name, its headline quantities with uncertainty, and its refusals. ``problem`` says in words what
    could not be read.
    """

    folder: Path
    outcome: str
    sample: str = ""
    title: str = ""
    techniques: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    simulated: bool = False
    imported: bool = False
    started: float | None = None
    ended: float | None = None
    dated: float = 0.0
    results: tuple[Mapping[str, Any], ...] = ()
    problem: str = ""

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.name

    def to_json(self) -> dict[str, Any]:
        """What ``--json`` prints; times in UTC."""
        return {
            "run": str(self.folder),
            "outcome": self.outcome,
            "sample": self.sample,
            "title": self.title,
            "techniques": list(self.techniques),
            "instruments": list(self.instruments),
            "simulated": self.simulated,
            "imported": self.imported,
            "started": _iso(self.started),
            "ended": _iso(self.ended),
            "results": [dict(result) for result in self.results],
            "problem": self.problem,
        }


def read_entry(folder: Path) -> Entry:
    """What a run folder says of itself. One that cannot be read is ``broken``, with the reason."""
    try:
        archive = open_run(folder)
        entry = _entry(archive)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one folder, the others are listed
        return Entry(folder, "broken", dated=_written(folder), problem=f"{type(error).__name__}: {error}")
    try:
        results, problem = tuple(_headlines(load_results(folder / "results"))), ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        results, problem = (), f"its results cannot be read: {error}"
    return replace(entry, results=results, problem=entry.problem or problem)


def signature(folder: Path) -> str:
    """Changes whenever what `read_entry` reads does: size and time of ``run.log``, and the files of results."""
    stat = (folder / "run.log").stat()
    parts = [f"{stat.st_mtime_ns}:{stat.st_size}"]
    results = folder / "results"
    if results.is_dir():
        for place in sorted(p for p in results.iterdir() if p.is_dir()):
            files = sum(1 for _ in place.iterdir())
            parts.append(f"{place.name}:{place.stat().st_mtime_ns}:{files}")
    return " ".join(parts)


def has_another_fate(folder: Path, outcome: str) -> bool:
    """True if a run that was ``running`` or ``cut off`` is the other by now: its log does not tell, its lock does."""
    return outcome in ("running", "cut off") and is_being_written(folder) != (outcome == "running")


def _entry(archive: RunArchive) -> Entry:
    header, finish = archive.header, archive.finish
    steps = list(recorded_steps(archive.records))
    techniques = [str(part["technique"]) for step in steps for part in step.parts]
    techniques += [step.do for step in steps if not step.parts and step.do not in _NO_TECHNIQUES]
    over = finish.get("kind") == "finish"
    started = _posix(archive.moment(0.0))
    return Entry(
        folder=archive.folder,
        outcome=archive.outcome if header else "broken",
        sample=str(header.get("sample", {}).get("id", "")),
        title=str(header.get("title", "")),
        techniques=tuple(dict.fromkeys(techniques)),
        instruments=tuple(dict.fromkeys(_instruments(archive))),
        simulated=archive.simulated,
        imported=bool(header.get("imported")),
        started=started,
        ended=_posix(archive.moment(float(finish["time"]))) if over else None,
        dated=_dated(archive) if started is None else started,
        problem="" if header else "its run.log ends before the run began",
    )


def _instruments(archive: RunArchive) -> list[str]:
    found = (identity for session in archive.sessions for identity in session.get("instruments", {}).values())
    return [" ".join(str(identity.get(k) or "") for k in ("maker", "model", "serial")).strip() for identity in found]


def _headlines(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    said = []
    for result in results:
        quantities = [
            {key: q[key] for key in ("name", "label", "value", "u", "unit", "verdict")}
            for q in result["quantities"]
            if q["name"] in HEADLINES
        ]
        refusals = [{"code": r["code"], "reason": r["reason"]} for r in result["refusals"]]
        said.append({"analysis": result["analysis"], "quantities": quantities, "refusals": refusals})
    return said


def _dated(archive: RunArchive) -> float:
    """The date (POSIX, s) of a run that does not know when it began."""
    source = archive.header.get("source", {})
    said = source.get("modified_at") or source.get("imported_at")
    return datetime.fromisoformat(str(said)).timestamp() if said else _written(archive.folder)


def _posix(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _written(folder: Path) -> float:
    """When ``run.log``, or the folder if there is none, was last written (POSIX, s)."""
    log = folder / "run.log"
    try:
        return (log if log.exists() else folder).stat().st_mtime
    except OSError:
        return 0.0


def _iso(posix: float | None) -> str | None:
    return None if posix is None else datetime.fromtimestamp(posix, UTC).isoformat(timespec="seconds")
