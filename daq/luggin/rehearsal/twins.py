"""The rehearsal: a protocol on the simulated twins of its instruments, in virtual time."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.engine.approval import note_rehearsal, rehearsal_key
from luggin.engine.history import History
from luggin.engine.progress import SimulatedOperator
from luggin.engine.protocols import Finished, run_protocol, watched
from luggin.engine.scripts import execute_script
from luggin.engine.start import Ambient, Plan, Source
from luggin.errors import UsageError

if TYPE_CHECKING:
    from luggin.bench import Bench
    from luggin.plugins import Plugins
    from luggin.steps import LoadedProtocol


@dataclass(frozen=True)
class Rehearsal:
    """What happened on the simulated twins, in ``duration`` of virtual time (s).

    ``refused`` says why a script cannot run on its own bench all the same.
    """

    outcome: str
    rows: int
    charge: float
    error: str = ""
    exit_code: int = 0
    results: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    refused: str = ""
    duration: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """What ``luggin check --json`` prints."""
        return dict(vars(self))


def rehearse(loaded: LoadedProtocol, plan: Plan, plugins: Plugins) -> Rehearsal:
    """Run the protocol on simulated twins in virtual time, in a folder that is thrown away.

    How it went is noted, so that a run of the same protocol on the same bench may start, or hears why not.

    Raises:
        UsageError: an instrument of the bench has no simulated twin.
    """
    twins = replace(plan, bench=twin_bench(plan.bench, plugins), observe=False)
    with tempfile.TemporaryDirectory(prefix="luggin-rehearsal-") as place:
        finished = run_protocol(
            loaded, replace(twins, folder=Path(place) / "run", analyses=()), plugins, people=SimulatedOperator()
        )
        rows, charge, duration = _measured(finished.folder)
        _note([rehearsal_key(plan)], finished)
    error = str(finished.error or "")
    return Rehearsal(finished.outcome, rows, charge, error, finished.exit_code, duration=duration)


def rehearse_script(source: Source, bench: Bench | None, plugins: Plugins) -> Rehearsal:
    """Execute a Python protocol on simulated twins in virtual time; all runs that it starts."""
    from luggin.bench import requires_limits

    keys: list[str] = []
    refused: list[str] = []
    with tempfile.TemporaryDirectory(prefix="luggin-rehearsal-") as place:

        def on_twins(plan: Plan) -> Plan:
            keys.append(rehearsal_key(plan))
            refused.extend(filter(None, [requires_limits(plan.bench, plan)]))
            twins = twin_bench(plan.bench, plugins)
            return replace(plan, bench=twins, folder=Path(place) / str(len(keys)), observe=False)

        surroundings = Ambient(plugins, source, people=SimulatedOperator(), bench=bench, adapt=on_twins)
        finished = watched(surroundings, lambda: execute_script(surroundings))
        measured = [_measured(run.folder) for run in surroundings.runs]
        _note(keys, finished)
    return Rehearsal(
        finished.outcome,
        sum(rows for rows, _, _ in measured),
        sum(charge for _, charge, _ in measured),
        str(finished.error or ""),
        finished.exit_code,
        refused=refused[0] if refused else "",
        duration=sum(duration for _, _, duration in measured),
    )


def _note(keys: Sequence[str], finished: Finished) -> None:
    """Note how a rehearsal went. One that somebody interrupted says nothing about the protocol."""
    from luggin.store import RunLog

    if finished.outcome == "interrupted":
        return
    trouble = (History(RunLog.read(finished.folder)).trip or str(finished.error or "")).rstrip(".")
    for key in keys:
        note_rehearsal(key, trouble and f"{finished.outcome}: {trouble}")


def _measured(folder: Path) -> tuple[int, float, float]:
    """Rows, the charge that went through the cell (C, both directions counted), and how long it took (s)."""
    import numpy as np

    from luggin.analysis import open_run

    rows, charge = 0, 0.0
    archive = open_run(folder)
    for table in archive.tables():
        rows += len(table)
        if "current" in table.columns and len(table) > 1:
            current, time = np.abs(table.columns["current"]), table.columns["time"]
            charge += float(np.nansum((current[1:] + current[:-1]) / 2 * np.diff(time)))
    return rows, charge, History(archive.records).last_time


def twin_bench(bench: Bench, plugins: Plugins) -> Bench:
    """The same roles on simulated instruments in virtual time."""
    tables = dict(bench.simulated_tables)
    roles = {}
    for name, role in bench.roles.items():
        if role.resource.startswith("sim://"):
            roles[name] = role
            continue
        table = tables.get(name) or plugins.simulator().twin_table(role.driver, role.settings)
        if table is None:
            raise UsageError(
                f"{bench.path}: {name} ({role.driver}) has no simulated twin, so it cannot be rehearsed. Add a "
                f"[simulated.{name}] table to the bench, or run with --force."
            )
        tables[name] = table
        roles[name] = replace(role, resource=f"sim://{name}")
    return replace(bench, roles=roles, simulated_tables=tables, simulator=None)
