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


def rehearsal_key(plan: Plan) -> str:
    """What a rehearsal is good for: this protocol, this bench, these versions."""
    content = [plan.source.sha256, plan.bench.sha256, dict(software())]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def home() -> Path:
    """Where Luggin keeps what belongs to a user: ``LUGGIN_HOME``, or the system's place for it."""
    import platformdirs

    chosen = os.environ.get("LUGGIN_HOME")
    return Path(chosen) if chosen else Path(platformdirs.user_state_dir("luggin", appauthor=False))


def note_rehearsal(key: str) -> None:
    """Note that a rehearsal was completed."""
    path = home() / "rehearsals.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        file.write(key + "\n")


def _is_rehearsed(key: str) -> bool:
    path = home() / "rehearsals.txt"
    return path.is_file() and key in path.read_text(encoding="ascii").split()


def require_rehearsed(plan: Plan, force: bool) -> Plan:
    """The plan, if it may run: with limits on a real bench, and rehearsed there (or forced, which is noted).

    Raises:
        UsageError: it has no limits, or was not rehearsed.
    """
    if all(plan.bench.is_simulated(role) for role in plan.bench.roles):
        return plan
    from luggin.bench import requires_limits

    if missing := requires_limits(plan.bench, plan):
        raise UsageError(f"{plan.source.name}: {missing}")
    if _is_rehearsed(rehearsal_key(plan)):
        return replace(plan, notes={**plan.notes, "rehearsed": True})
    if force:
        return replace(plan, notes={**plan.notes, "forced": "run without a rehearsal"})
    bench = f" --bench {plan.bench.path}" if plan.bench.path is not None else ""
    raise UsageError(
        f"{plan.source.name} was not rehearsed on this bench with these versions. Rehearse it with "
        f"`luggin check {plan.source.name}{bench}`, or run it with --force, which is recorded."
    )


def require_rehearsed_again(plan: Plan, protocol_sha256: str, bench_sha256: str) -> Plan:
    """As `require_rehearsed`, for a run that is taken up: what is as it was needs no second rehearsal."""
    unchanged = (plan.source.sha256, plan.bench.sha256) == (protocol_sha256, bench_sha256)
    return require_rehearsed(plan, plan.force or unchanged)
