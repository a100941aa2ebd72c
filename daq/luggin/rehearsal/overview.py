"""What a protocol amounts to on its bench, from what the drivers declare; nobody is talked to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luggin.capabilities import MeasuringInstrument, Realised, Technique, measures
from luggin.clock import RealClock
from luggin.engine.allowed import too_late
from luggin.engine.execution import ends_at
from luggin.engine.monitors import check_monitor, taken_streams, wants_instrument
from luggin.engine.outlook import title_of
from luggin.engine.stepping import with_stepping
from luggin.engine.temperatures import TEMPERATURE, objection
from luggin.engine.watches import judged_columns
from luggin.errors import LugginError, Problem, ProtocolError, UsageError
from luggin.rehearsal.holding import held_by, never_judged, out_of_reach

if TYPE_CHECKING:
    from luggin.engine.start import Plan
    from luggin.plugins import Plugins
    from luggin.steps import Execution, LoadedProtocol, TechniqueStep, TemperatureStep

#: Rate at which a pre-flight begins to look for a response (V/s).
_PREFLIGHT_RATE = 0.05
#: Bytes that the engine adds to each row: time, received, step, attempt.
_OWN_BYTES = 24


@dataclass(frozen=True)
class PlannedStep:
    """One step as it will be executed.

    It takes ``duration`` (s), or with ``least`` as long at least: nobody knows how long a temperature takes to come.
    ``latency`` is the largest age of a row on arrival (s); ``late`` says which limit that is too much
    for, ``columns`` what limits can be judged by.
    """

    path: str
    title: str
    duration: float
    rows: int
    bytes: int
    latency: float
    closed: bool
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    late: str = ""
    least: bool = False


@dataclass(frozen=True)
class Overview:
    """What a protocol amounts to on its bench; ``refused`` says why it cannot run there as it is (empty if it can)."""

    steps: tuple[PlannedStep, ...]
    limits: Mapping[str, str]
    warnings: tuple[str, ...]
    largest_charge: float | None
    refused: str = ""

    @property
    def duration(self) -> float:
        """Planned time of all steps (s), without prompts and without the way to temperatures."""
        return sum(step.duration for step in self.steps)

    @property
    def is_whole(self) -> bool:
        """Whether nothing comes on top of that but people."""
        return not any(step.least for step in self.steps)

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
            "refused": self.refused,
        }


def look_over(loaded: LoadedProtocol, plan: Plan, plugins: Plugins) -> Overview:
    """Check a protocol against its bench without talking to it.

    Raises:
        ProtocolError: set points outside the limits or the instrument's range, a technique that it
            cannot do, a role that is not there; all of them, with their lines.
    """
    from luggin.bench import check_roles, requires_limits
    from luggin.steps import TemperatureStep

    devices = {name: plugins.driver(role.driver).offline(role.settings) for name, role in plan.bench.roles.items()}
    stepped = {name: with_stepping(device, RealClock()) for name, device in devices.items()}
    offline = {name: instrument for name, instrument in stepped.items() if measures(instrument)}
    is_real = not all(plan.bench.is_simulated(role) for role in plan.bench.roles)
    problems = list(check_roles(plan.bench, loaded))
    warnings = ["`record` is noted, but this version keeps every row"] if loaded.protocol.record else []
    steps: list[PlannedStep] = []
    prepared: dict[str, PlannedStep | Problem] = {}
    for execution in loaded.protocol.walk():
        key = f"{execution.step.fingerprint()}"
        if key not in prepared:
            if isinstance(execution.step, TemperatureStep):
                found = _plan_tempering(execution, execution.step, devices, loaded, plan)
            else:
                found = _plan_step(execution, offline, loaded, plan, warnings)
            prepared[key] = found
            if isinstance(found, Problem):
                problems.append(found)
            elif found.late and is_real:
                problems.append(_problem(loaded, execution, f"{found.late}."))
            elif found.late:
                warnings.append(f"step {execution.path}: {found.late}. A bench with real instruments refuses it")
        found = prepared[key]
        if isinstance(found, PlannedStep):
            # The same step in another turn of a loop: prepared once, and told as what it is in this one.
            steps.append(replace(found, path=execution.path, title=title_of(execution.step)))
    capabilities = [instrument.capabilities for instrument in offline.values()]
    if len(problems) == 0:
        problems += never_judged(plan, loaded, steps)
    problems += out_of_reach(plan, loaded, capabilities)
    problems += _wrong_monitors(plan, loaded, devices, taken_streams(offline.values()))
    if problems:
        # The values of a for_each share one place in the file: what is said of all of them is said once.
        raise ProtocolError(loaded.document.name, list(dict.fromkeys(problems)))
    held = {limit.describe(): held_by(limit, plan, steps, capabilities) for limit in plan.limits}
    refused = requires_limits(plan.bench, plan) or ""
    return Overview(tuple(steps), held, tuple(dict.fromkeys(warnings)), _largest_charge(plan, steps), refused)


def _plan_step(
    execution: Execution,
    offline: Mapping[str, MeasuringInstrument],
    loaded: LoadedProtocol,
    plan: Plan,
    warnings: list[str],
) -> PlannedStep | Problem:
    from luggin.steps import Chain, Preflight, Rest, TechniqueStep

    step = execution.step
    title = title_of(step)
    members: Sequence[Any] = step.steps if isinstance(step, Chain) else [step]
    techniques = [member for member in members if isinstance(member, TechniqueStep)]
    waiting = float(step.duration) if isinstance(step, Rest) else 0.0
    if not techniques and not isinstance(step, Preflight):
        return PlannedStep(execution.path, title, waiting, 0, 0, 0.0, closed=False)
    role = _role(step.on, offline)
    if role is None:
        # Said already by check_roles, once for each role, with its line.
        return PlannedStep(execution.path, title, 0.0, 0, 0, 0.0, closed=False)
    try:
        if isinstance(step, Preflight):
            realised = _one_after_another(offline[role], [step.open_circuit(), step.excursion(0.0, _PREFLIGHT_RATE)])
        else:
            realised = _prepared(offline[role], techniques, execution, warnings)
    except LugginError as error:
        return _problem(loaded, execution, str(error))
    columns = set().union(*(judged_columns(schema) for schema in realised.schemas))
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
        columns=tuple(sorted(columns)),
        late=too_late(plan.limits, realised, offline[role].capabilities),
    )


def _plan_tempering(
    execution: Execution,
    step: TemperatureStep,
    devices: Mapping[str, object],
    loaded: LoadedProtocol,
    plan: Plan,
) -> PlannedStep | Problem:
    """A step of a temperature controller; how long the way to a temperature takes, nobody knows beforehand."""
    from luggin.steps import SetTemperature

    if said := objection(devices, plan.limits, step):
        return _problem(loaded, execution, f"{said}.")
    duration, dt = float(getattr(step, "dwell", 0.0)), getattr(step, "dt", None)
    rows = 0 if dt is None else int(duration / dt) + 1
    return PlannedStep(
        execution.path,
        title_of(step),
        duration + float(step.rest_before or 0.0),
        rows,
        rows * (TEMPERATURE.row_struct.size + _OWN_BYTES),
        0.0,
        closed=False,
        columns=TEMPERATURE.names if dt is not None else (),
        least=not isinstance(step, SetTemperature),
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


def _one_after_another(instrument: MeasuringInstrument, techniques: Sequence[Technique]) -> Realised:
    """Techniques that are run one by one, with the cell open between them, as one."""
    each = [instrument.prepare([technique]) for technique in techniques]
    return Realised(
        techniques=tuple(t for r in each for t in r.techniques),
        schemas=tuple(s for r in each for s in r.schemas),
        durations=tuple(d for r in each for d in r.durations),
        rows=tuple(n for r in each for n in r.rows),
        latency=max(r.latency for r in each),
        notes=tuple(dict.fromkeys(note for r in each for note in r.notes)),
    )


def _role(on: str | None, offline: Mapping[str, Any]) -> str | None:
    if on is None:
        measuring = [name for name, device in offline.items() if measures(device)] or list(offline)
        return measuring[0] if len(measuring) == 1 else "cell" if "cell" in offline else None
    return on if on in offline else None


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


def _largest_charge(plan: Plan, steps: Sequence[PlannedStep]) -> float | None:
    """The largest current that the limits let through, for as long as the cell is closed (C)."""
    windows = [limit for limit in plan.limits if limit.column == "current" and limit.kind == "between"]
    allowed = [max(abs(limit.low), abs(limit.high)) for limit in windows]
    return min(allowed) * sum(step.duration for step in steps if step.closed) if allowed else None
