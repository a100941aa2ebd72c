"""Before a run touches anything: look the plan over, and rehearse it on simulated twins.

The overview is arithmetic on declared data. The rehearsal is the real thing in virtual time: the
same engine, drivers and bytes, in a folder that is thrown away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.capabilities import Capabilities, MeasuringInstrument, Realised, Technique, measures
from luggin.clock import RealClock
from luggin.engine.approval import note_rehearsal, rehearsal_key
from luggin.engine.execution import ends_at
from luggin.engine.monitors import check_monitor, taken_streams, wants_instrument
from luggin.engine.progress import SimulatedOperator
from luggin.engine.protocols import run_protocol, watched
from luggin.engine.scripts import execute_script
from luggin.engine.start import Ambient, Plan, Source
from luggin.engine.stepping import with_stepping
from luggin.errors import LugginError, Problem, ProtocolError, UsageError

if TYPE_CHECKING:
    from luggin.bench import Bench
    from luggin.plugins import Plugins
    from luggin.steps import Execution, LoadedProtocol, TechniqueStep

#: Bytes that the engine adds to each row: time, received, step, attempt.
_OWN_BYTES = 24
#: Above this age of a row on arrival (s), a ``stop`` limit in the runner alone is late.
SLOW = 1.0


@dataclass(frozen=True)
class PlannedStep:
    """One step as it will be executed."""

    path: str
    title: str
    duration: float
    rows: int
    bytes: int
    latency: float
    closed: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Overview:
    """What a protocol amounts to on its bench."""

    steps: tuple[PlannedStep, ...]
    limits: Mapping[str, str]
    warnings: tuple[str, ...]
    largest_charge: float | None

    @property
    def duration(self) -> float:
        """Planned time of all steps (s), without prompts."""
        return sum(step.duration for step in self.steps)

    @property
    def rows(self) -> int:
        """Planned rows of all steps."""
        return sum(step.rows for step in self.steps)

    @property
    def bytes(self) -> int:
        """Planned size of the rows, uncompressed."""
        return sum(step.bytes for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        """What ``luggin check --json`` prints."""
        return {
            "steps": [vars(step) for step in self.steps],
            "duration_s": self.duration,
            "rows": self.rows,
            "bytes": self.bytes,
            "largest_charge_C": self.largest_charge,
            "limits": dict(self.limits),
            "warnings": list(self.warnings),
        }


def look_over(loaded: LoadedProtocol, plan: Plan, plugins: Plugins) -> Overview:
    """Check a protocol against its bench without talking to it.

    Raises:
        ProtocolError: set points outside the limits or the instrument's range, a technique that it
            cannot do, a role that is not there; all of them, with their lines.
    """
    from luggin.bench import check_roles

    devices = {name: plugins.driver(role.driver).offline(role.settings) for name, role in plan.bench.roles.items()}
    stepped = {name: with_stepping(device, RealClock()) for name, device in devices.items()}
    offline = {name: instrument for name, instrument in stepped.items() if measures(instrument)}
    problems = list(check_roles(plan.bench, loaded))
    warnings = ["`record` is noted, but this version keeps every row"] if loaded.protocol.record else []
    steps: list[PlannedStep] = []
    prepared: dict[str, PlannedStep | Problem] = {}
    for execution in loaded.protocol.walk():
        key = f"{execution.step.fingerprint()}"
        if key not in prepared:
            prepared[key] = _plan_step(execution, offline, loaded, warnings)
            if isinstance(found := prepared[key], Problem):
                problems.append(found)
        found = prepared[key]
        if isinstance(found, PlannedStep):
            steps.append(replace(found, path=execution.path))
    capabilities = [instrument.capabilities for instrument in offline.values()]
    problems.extend(_limits_out_of_reach(plan, loaded, capabilities))
    problems.extend(_wrong_monitors(plan, loaded, devices, taken_streams(offline.values())))
    if problems:
        # The values of a for_each share one place in the file: what is said of all of them is said once.
        raise ProtocolError(loaded.document.name, list(dict.fromkeys(problems)))
    held = {limit.describe(): _held_by(limit.column, capabilities) for limit in plan.limits}
    slow = [step for step in steps if step.latency > SLOW and step.closed]
    if slow and any(limit.then == "stop" for limit in plan.limits):
        warnings.append(
            f"step {slow[0].path}: rows may be {slow[0].latency:.3g} s old on arrival, and no limit is held by the "
            "instrument; shorten the time between readings if the cell can be harmed within that time"
        )
    return Overview(tuple(steps), held, tuple(dict.fromkeys(warnings)), _largest_charge(plan, steps))


def _plan_step(
    execution: Execution,
    offline: Mapping[str, MeasuringInstrument],
    loaded: LoadedProtocol,
    warnings: list[str],
) -> PlannedStep | Problem:
    from luggin.steps import Chain, Rest, TechniqueStep

    step = execution.step
    title = " ".join(filter(None, [step.do, step.id and f"'{step.id}'", step.label]))
    members: Sequence[Any] = step.steps if isinstance(step, Chain) else [step]
    techniques = [member for member in members if isinstance(member, TechniqueStep)]
    waiting = float(step.duration) if isinstance(step, Rest) else 0.0
    if not techniques:
        return PlannedStep(execution.path, title, waiting, 0, 0, 0.0, closed=False)
    role = _role(step.on, offline)
    if role is None:
        # Said already by check_roles, once for each role, with its line.
        return PlannedStep(execution.path, title, 0.0, 0, 0, 0.0, closed=False)
    try:
        realised = _prepared(offline[role], techniques, execution, warnings)
    except LugginError as error:
        return _problem(loaded, execution, str(error))
    size = sum(r * (s.row_struct.size + _OWN_BYTES) for r, s in zip(realised.rows, realised.schemas, strict=True))
    return PlannedStep(
        execution.path,
        title,
        realised.duration + float(step.rest_before or 0.0),
        sum(realised.rows),
        size,
        realised.latency,
        closed=any(t.name != "ocp" for t in realised.techniques),
        notes=realised.notes,
    )


def _problem(loaded: LoadedProtocol, execution: Execution, message: str, hint: str = "") -> Problem:
    """A mistake of one execution, with the line of its step (a path names turns of loops, which a file has not)."""
    place: list[str | int] = []
    for segment in execution.path.split("/"):
        if segment.isdigit():
            place += ["steps", int(segment) - 1]
    written = "".join(f"[{p + 1}]" if isinstance(p, int) else f"{'.' if n else ''}{p}" for n, p in enumerate(place))
    return Problem(message, written, loaded.document.line(tuple(place)), hint)


def _prepared(
    instrument: MeasuringInstrument, members: Sequence[TechniqueStep], execution: Execution, warnings: list[str]
) -> Realised:
    requests: list[Technique] = []
    previous: float | None = None
    for member in members:
        zeros = {p.zero for potentials in member.setpoints().values() for p in potentials}
        if zeros & {"ocp", "previous"} and (previous is None or "ocp" in zeros):
            warnings.append(
                f"step {execution.path}: potentials against an open-circuit or previous potential are looked over as "
                "if that were 0 V vs ref; the run checks the real one"
            )
        technique = member.technique(0.0, 0.0 if previous is None else previous)
        requests.append(technique)
        previous = ends_at(technique, previous)
    return instrument.prepare(requests)


def _role(on: str | None, offline: Mapping[str, Any]) -> str | None:
    if on is None:
        return next(iter(offline)) if len(offline) == 1 else "cell" if "cell" in offline else None
    return on if on in offline else None


def _limits_out_of_reach(plan: Plan, loaded: LoadedProtocol, capabilities: Sequence[Capabilities]) -> list[Problem]:
    """Limits that the instrument would never reach protect nothing, and hide a mistake."""
    problems = []
    for number, limit in enumerate(plan.limits):
        ranges = {"potential": [c.potential for c in capabilities], "current": [c.current for c in capabilities]}
        for reach in ranges.get(limit.column, []):
            if limit.low < reach.low and limit.high > reach.high:
                problems.append(
                    Problem(
                        f"{limit.describe()} is wider than the instrument reaches ({reach.low:g} ... {reach.high:g} "
                        f"{reach.unit}), so it protects nothing",
                        f"limits[{number + 1}]",
                        loaded.document.line(("limits", number)),
                        "Narrow it to what the cell can bear.",
                    )
                )
    return problems


def _wrong_monitors(
    plan: Plan, loaded: LoadedProtocol, devices: Mapping[str, object], taken: set[str]
) -> list[Problem]:
    """Monitors of readings or roles that are not there, or of an instrument that is busy with techniques."""
    working: dict[str | None, str] = {}
    if plan.monitors:
        for execution in loaded.protocol.walk():
            if wants_instrument(execution.step):
                working.setdefault(_role(execution.step.on, devices), execution.path)
    problems = []
    for number, spec in enumerate(plan.monitors):
        place, line = f"monitors[{number + 1}]", loaded.document.line(("monitors", number))
        if spec.on in working:
            message = f"{spec.on} runs step {working[spec.on]}; an instrument that is read beside the steps runs none."
            problems.append(Problem(message, place, line, "Name another instrument of the bench."))
            continue
        try:
            check_monitor(spec, devices, plan.limits, taken)
        except UsageError as error:
            problems.append(Problem(str(error), place, line))
        taken.add(spec.stream)
    return problems


def _held_by(column: str, capabilities: Sequence[Capabilities]) -> str:
    held = [f"{c.model}: {c.enforced[column]}" for c in capabilities if column in c.enforced]
    return "; ".join(held) or "the runner, on every reading"


def _largest_charge(plan: Plan, steps: Sequence[PlannedStep]) -> float | None:
    """The largest current that the limits let through, for as long as the cell is closed (C)."""
    allowed = [max(abs(limit.low), abs(limit.high)) for limit in plan.limits if limit.column == "current"]
    return min(allowed) * sum(step.duration for step in steps if step.closed) if allowed else None


# -- the rehearsal --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rehearsal:
    """What happened on the simulated twins."""

    outcome: str
    rows: int
    charge: float
    error: str = ""
    exit_code: int = 0
    results: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    def to_json(self) -> dict[str, Any]:
        """What ``luggin check --json`` prints."""
        return dict(vars(self))


def rehearse(loaded: LoadedProtocol, plan: Plan, plugins: Plugins) -> Rehearsal:
    """Run the protocol on simulated twins in virtual time, in a folder that is thrown away.

    A completed rehearsal is noted, so that a run of the same protocol on the same bench may start.

    Raises:
        UsageError: an instrument of the bench has no simulated twin.
    """
    twins = replace(plan, bench=twin_bench(plan.bench, plugins))
    with tempfile.TemporaryDirectory(prefix="luggin-rehearsal-") as place:
        finished = run_protocol(
            loaded, replace(twins, folder=Path(place) / "run", analyses=()), plugins, people=SimulatedOperator()
        )
        rows, charge = _measured(finished.folder)
    if finished.error is None:
        note_rehearsal(rehearsal_key(plan))
    return Rehearsal(finished.outcome, rows, charge, str(finished.error or ""), finished.exit_code)


def rehearse_script(source: Source, bench: Bench | None, plugins: Plugins) -> Rehearsal:
    """Execute a Python protocol on simulated twins in virtual time; all runs that it starts."""
    keys: list[str] = []
    with tempfile.TemporaryDirectory(prefix="luggin-rehearsal-") as place:

        def on_twins(plan: Plan) -> Plan:
            keys.append(rehearsal_key(plan))
            return replace(plan, bench=twin_bench(plan.bench, plugins), folder=Path(place) / str(len(keys)))

        surroundings = Ambient(plugins, source, people=SimulatedOperator(), bench=bench, adapt=on_twins)
        finished = watched(surroundings, lambda: execute_script(surroundings))
        measured = [_measured(run.folder) for run in surroundings.runs]
    if finished.error is None:
        for key in keys:
            note_rehearsal(key)
    return Rehearsal(
        finished.outcome,
        sum(rows for rows, _ in measured),
        sum(charge for _, charge in measured),
        str(finished.error or ""),
        finished.exit_code,
    )


def _measured(folder: Path) -> tuple[int, float]:
    """Rows, and the charge that went through the cell (C, both directions counted)."""
    import numpy as np

    from luggin.analysis import open_run

    rows, charge = 0, 0.0
    for table in open_run(folder).tables():
        rows += len(table)
        if "current" in table.columns and len(table) > 1:
            current, time = np.abs(table.columns["current"]), table.columns["time"]
            charge += float(np.nansum((current[1:] + current[:-1]) / 2 * np.diff(time)))
    return rows, charge


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
