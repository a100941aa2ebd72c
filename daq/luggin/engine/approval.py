"""What a run on a real bench needs before it may touch anything: limits, and one rehearsal."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from luggin.errors import UsageError
from luggin.versions import software

if TYPE_CHECKING:
    from luggin.engine.start import Plan


#: A line for each rehearsal, the latest last.
_NOTES = "rehearsals.txt"


def rehearsal_key(plan: Plan) -> str:
    """What a rehearsal is good for: this protocol, this bench, these versions."""
    content = [plan.source.sha256, plan.bench.sha256, dict(software())]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def home() -> Path:
    """Where Luggin keeps what belongs to a user: ``LUGGIN_HOME``, or the system's place for it."""
    import platformdirs

    chosen = os.environ.get("LUGGIN_HOME")
    return Path(chosen) if chosen else Path(platformdirs.user_state_dir("luggin", appauthor=False))


def note_rehearsal(key: str, trouble: str = "") -> None:
    """Note how a rehearsal went; ``trouble`` is what ended one that was not completed."""
    path = home() / _NOTES
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        file.write(f"{key} {json.dumps(trouble)}\n" if trouble else f"{key}\n")


def _rehearsed(key: str) -> str | None:
    """How the last rehearsal went: what ended it, empty if it was completed; None if there was none."""
    path = home() / _NOTES
    lines = path.read_text(encoding="ascii").splitlines() if path.is_file() else []
    noted = [trouble for noted, _, trouble in (line.partition(" ") for line in lines) if noted == key]
    if not noted:
        return None
    try:
        return str(json.loads(noted[-1])) if noted[-1] else ""
    except ValueError:  # cut off while it was written
        return "nobody knows how it ended"


def require_rehearsed(plan: Plan, force: bool) -> Plan:
    """The plan, if it may run: with limits on a real bench, and rehearsed there (or forced, which is noted).

    Raises:
        UsageError: it has no limits, was not rehearsed, or was stopped in its rehearsal.
    """
    if all(plan.bench.is_simulated(role) for role in plan.bench.roles):
        return plan
    from luggin.bench import requires_limits

    if missing := requires_limits(plan.bench, plan):
        raise UsageError(f"{plan.source.name}: {missing}")
    return require_noted(plan, force)


def require_noted(plan: Plan, force: bool) -> Plan:
    """The plan with what is known of its rehearsal: one that was completed, or none (or a bad one) and force.

    Raises:
        UsageError: neither; says how its rehearsal ended, or that there was none, and how there will be one.
    """
    if all(plan.bench.is_simulated(role) for role in plan.bench.roles):
        return plan
    trouble = _rehearsed(rehearsal_key(plan))
    if trouble == "":
        return replace(plan, notes={**plan.notes, "rehearsed": True})
    if force:
        without = "a rehearsal" if trouble is None else "a rehearsal that was completed"
        return replace(plan, notes={**plan.notes, "forced": f"run without {without}"})
    bench = f" --bench {plan.bench.path}" if plan.bench.path is not None else ""
    command = f"`luggin check {plan.source.name}{bench}`"
    if trouble is None:
        raise UsageError(
            f"{plan.source.name} was not rehearsed on this bench with these versions. Rehearse it with {command}, or "
            "run it with --force, which is recorded."
        )
    raise UsageError(
        f"the rehearsal of {plan.source.name} on this bench was not completed ({trouble}). Put that right and "
        f"rehearse it again with {command}, or run it with --force, which is recorded."
    )


def require_rehearsed_again(plan: Plan, protocol_sha256: str, bench_sha256: str) -> Plan:
    """As `require_rehearsed`, for a run that is taken up: what is as it was needs no second rehearsal."""
    unchanged = (plan.source.sha256, plan.bench.sha256) == (protocol_sha256, bench_sha256)
    return require_rehearsed(plan, plan.force or unchanged)
