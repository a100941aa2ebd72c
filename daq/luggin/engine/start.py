"""Starting a run and taking one up again: folder, bench, record, in the order that touches least.

First the bench is opened (if an instrument does not answer, nothing was written), then the folder
appears, whole.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.clock import RealClock, VirtualClock
from luggin.engine.approval import require_rehearsed, require_rehearsed_again
from luggin.engine.events import Event
from luggin.engine.history import History
from luggin.engine.monitors import MonitorSpec
from luggin.engine.progress import Lines, People, Silent, SimulatedOperator, Watcher
from luggin.engine.run import Run
from luggin.engine.session import BenchSession
from luggin.engine.space import require_space
from luggin.errors import RunFolderError, UsageError
from luggin.guardian.record import read_interventions
from luggin.platform import process_id
from luggin.versions import software

if TYPE_CHECKING:
    from luggin.bench import Bench
    from luggin.engine.limits import Limit
    from luggin.plugins import Plugins

#: Where new runs go, below the working directory.
RUNS = Path("runs")


@dataclass(frozen=True)
class Source:
    """What is executed: the text of a protocol or script, kept with the run so that it can be resumed."""

    kind: str
    name: str
    text: str
    sha256: str
    arguments: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``run.log``."""
        return {**vars(self), "arguments": list(self.arguments)}


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before a run begins."""

    title: str
    bench: Bench
    source: Source
    sample: Mapping[str, Any]
    limits: Sequence[Limit] = ()
    analyses: Sequence[Mapping[str, Any]] = ()
    monitors: Sequence[MonitorSpec] = ()
    force: bool = False
    folder: Path | None = None
    #: What the run may take on the disk; 0 if nobody knows.
    bytes: int = 0
    #: False for rehearsals, which nobody hears of.
    observe: bool = True
    notes: Mapping[str, Any] = field(default_factory=dict)
    #: The steps, expanded; none of a script, which says them as it goes.
    steps: Callable[[], Sequence[Mapping[str, Any]]] = list

    @property
    def simulated(self) -> bool:
        """True if no real instrument is on the bench."""
        return all(self.bench.is_simulated(role) for role in self.bench.roles)

    def told(self, resumed: bool) -> dict[str, Any]:
        """What plugins are told before a run begins (``luggin_check_run``)."""
        return {
            "title": self.title,
            "sample": dict(self.sample),
            "limits": [vars(limit) for limit in self.limits],
            "analyses": [dict(entry) for entry in self.analyses],
            "monitors": [monitor.to_json() for monitor in self.monitors],
            "steps": list(self.steps()),
            "protocol": self.source.to_json(),
            "bench": str(self.bench.path) if self.bench.path else None,
            "simulated": self.simulated,
            "resumed": resumed,
        }


def new_folder(title: str, sample: str, base: Path = RUNS) -> Path:
    """A name for a run folder: UTC, sample, title, and four random letters."""
    utc = RealClock().utc().strftime("%Y%m%dT%H%M%SZ")
    words = [re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:32].rstrip("-") for text in (sample, title)]
    return base / "_".join(filter(None, [utc, *words, secrets.token_hex(2)]))


def begin(
    plan: Plan,
    plugins: Plugins,
    *,
    people: People | None,
    watcher: Watcher | None,
    shared: VirtualClock | None = None,
) -> Run:
    """Open the bench and make the run folder. ``shared`` is virtual time that other runs live in too.

    Raises:
        RunFolderError: the folder exists already.
        InstrumentError, UsageError: the bench cannot be opened; nothing was written.
        StoreError: there is not enough space, or the folder cannot be made; the bench is closed again.
    """
    from luggin.store import RunLog, StoreWriter

    folder = plan.folder or new_folder(plan.title, str(plan.sample.get("id", "")))
    if folder.exists():
        raise RunFolderError(f"{folder} exists already. {_way_out(folder)}")
    plan = require_rehearsed(plan, plan.force)
    tight = require_space(folder, plan.bytes)
    plugins.check_run(lambda: plan.told(resumed=False), plan.bench.document.data)
    session = BenchSession(plan.bench, plugins, str(folder), shared)
    writer: StoreWriter | None = None
    try:
        header = _header(plan, session)
        writer = StoreWriter.create(
            folder, _attributes(plan, session), host_clock=RealClock(), durable=not session.clock.virtual
        )
        log = RunLog.create(folder)
        log.append({"kind": "run", "time": 0.0, **header})
        log.append(_session_record(session, 0.0, "start"), sync=True)
    except BaseException:
        if writer is not None:
            writer.abandon()
        session.close()
        raise
    run = _run(folder, session, writer, log, History(), plan, plugins, people, watcher)
    if tight:
        run.watcher.said(tight)
    return run


def _way_out(folder: Path) -> str:
    """What to do about a folder that is there."""
    from luggin.store import RunLog

    if not (folder / "run.log").is_file():
        return "Choose another folder."
    if (History(RunLog.read(folder)).finished or {}).get("outcome") == "completed":
        return "That run is completed: choose another folder."
    return f"Continue it with `luggin resume {folder}`, or choose another folder."


def take_up(
    folder: Path, plan: Plan, history: History, plugins: Plugins, *, people: People | None, watcher: Watcher | None
) -> Run:
    """Recover a run folder and open its bench again.

    Raises:
        StoreLocked: the run is still being written.
        StoreCorrupt: the folder contradicts itself.
        InstrumentError, UsageError: the bench cannot be opened.
    """
    from luggin.store import RunLog, StoreWriter

    source = history.protocols[-1]["protocol"] if history.protocols else history.header["protocol"]
    require_rehearsed_again(plan, source["sha256"], history.header["bench"]["sha256"])
    plugins.check_run(lambda: plan.told(resumed=True), plan.bench.document.data)
    writer = StoreWriter.resume(folder, host_clock=RealClock())
    session: BenchSession | None = None
    try:
        session = BenchSession(plan.bench, plugins, str(folder))
        stopped = max(history.last_time, _last_row(folder))
        resumed = max(stopped, _elapsed(history, session))
        history.last_time = resumed
        log = RunLog.open(folder)
        record = _session_record(session, resumed, "resume")
        gap = {"from": stopped, "to": resumed}
        guarded = [intervention.words for intervention in read_interventions(folder)]
        said = {"gap": gap, "recovery": str(writer.recovery), "trip_cleared": True, "guardian": guarded}
        log.append({**record, **said}, sync=True)
        writer.set_attributes({"status": "running"})
        if plan.source.sha256 != history.header["protocol"]["sha256"]:
            log.append({"kind": "protocol", "time": resumed, "protocol": plan.source.to_json()})
    except BaseException:
        writer.abandon()
        if session is not None:
            session.close()
        raise
    return _run(folder, session, writer, log, history, plan, plugins, people, watcher)


def _last_row(folder: Path) -> float:
    """Run time at which the last row of the run arrived (s)."""
    from luggin.store import open_store

    store = open_store(folder)
    last = 0.0
    for stream in store.streams:
        rows = store.rows(stream)
        if rows and "received" in store.schema(stream).names:
            last = max(last, float(store.column(stream, "received", rows - 1, rows)[0]))
    return last


def _elapsed(history: History, session: BenchSession) -> float:
    """Run time that passed since the start of the run, by the time of day (virtual time stands still)."""
    if session.clock.virtual:
        return 0.0
    created = datetime.fromisoformat(str(history.header["created"]))
    return (RealClock().utc() - created).total_seconds() * session.clock.speed


def _run(
    folder: Path,
    session: BenchSession,
    writer: Any,
    log: Any,
    history: History,
    plan: Plan,
    plugins: Plugins,
    people: People | None,
    watcher: Watcher | None,
) -> Run:
    if people is None:
        people = SimulatedOperator() if session.clock.virtual else _Nobody()
    run = Run(
        folder,
        session,
        writer,
        log,
        history,
        limits=plan.limits,
        sample=plan.sample,
        plugins=plugins,
        people=people,
        watcher=watcher or Silent(),
    )
    try:
        run.event(Event.RESUMED if history.order else Event.STARTED)
        if not session.clock.virtual:
            run.kept_up()
        run.guarded()
        run.observed(plan.bench.path, plan.observe)
        run.monitor(plan.monitors)
        run.watcher.began(str(folder), session.simulated)
    except BaseException as error:
        run.finish(error)
        raise
    return run


class _Nobody:
    def ask(
        self, text: str, fields: Mapping[str, str], cancelled: Any, until: float | None
    ) -> Mapping[str, str] | None:
        raise UsageError(
            f"the protocol asks {text!r}, but nobody is there to answer; run it from a terminal, or with --yes"
        )


def _header(plan: Plan, session: BenchSession) -> dict[str, Any]:
    return {
        "title": plan.title,
        "created": _created(session),
        "protocol": plan.source.to_json(),
        "bench": {
            "path": str(plan.bench.path) if plan.bench.path else None,
            "text": plan.bench.text,
            "sha256": plan.bench.sha256,
        },
        "sample": dict(plan.sample),
        "limits": [vars(limit) for limit in plan.limits],
        "analyses": [dict(entry) for entry in plan.analyses],
        "monitors": [monitor.to_json() for monitor in plan.monitors],
        "simulated": session.simulated,
        "virtual": session.clock.virtual,
        "speed": session.speed,
        "software": dict(software()),
        "notes": dict(plan.notes),
    }


def _created(session: BenchSession) -> str:
    return (session.clock if session.clock.virtual else RealClock()).utc().isoformat()


def _session_record(session: BenchSession, time: float, reason: str) -> dict[str, Any]:
    return {
        "kind": "session",
        "time": time,
        "reason": reason,
        "utc": RealClock().utc().isoformat(),
        "pid": process_id(),
        "instruments": {name: vars(identity) for name, identity in session.identities.items()},
        "made_safe": dict(session.made_safe),
        "software": dict(software()),
    }


def _attributes(plan: Plan, session: BenchSession) -> dict[str, Any]:
    return {
        "title": plan.title,
        "status": "running",
        "started": _created(session),
        "simulated": session.simulated,
        "sample": dict(plan.sample),
        "instruments": {
            name: {
                **vars(identity),
                "driver": plan.bench.roles[name].driver,
                "resource": plan.bench.roles[name].resource,
            }
            for name, identity in session.identities.items()
        },
        "protocol": {"name": plan.source.name, "sha256": plan.source.sha256},
        "conventions": "current > 0 is oxidation at the working electrode (IUPAC); times in s since `started`",
        "software": dict(software()),
    }


# -- Python protocols ---------------------------------------------------------------------------


@dataclass
class Ambient:
    """What the command line hands to a script that calls `luggin.start`."""

    plugins: Plugins
    source: Source
    people: People | None = None
    watcher: Watcher | None = None
    folder: Path | None = None
    bench: Bench | None = None
    resume: Path | None = None
    force: bool = False
    adapt: Callable[[Plan], Plan] | None = None
    runs: list[Run] = field(default_factory=list)


_ambient: list[Ambient] = []


@contextmanager
def ambient(surroundings: Ambient) -> Iterator[Ambient]:
    """Within the block, `luggin.start` follows the command line."""
    _ambient.append(surroundings)
    try:
        yield surroundings
    finally:
        _ambient.remove(surroundings)


def start(
    *,
    sample: Mapping[str, Any],
    bench: str | Path | None = None,
    title: str = "",
    limits: Sequence[Mapping[str, Any]] = (),
    monitors: Sequence[Mapping[str, Any]] = (),
    folder: str | Path | None = None,
    force: bool = False,
) -> Run:
    """Start a run from Python, to be used as a context.

    ::

        with luggin.start(bench="bench.toml", sample=sample, title="voltammograms") as run:
            run.do(OCP(duration="10 s"))

    Run as ``luggin run script.py`` the run can be resumed with ``luggin resume``; run as
    ``python script.py`` it works the same way, and ``luggin resume`` executes the stored copy.

    Args:
        sample: as the ``[sample]`` table of a protocol file.
        bench: path of the bench file, relative to the script; the built-in simulated bench if not given.
        title: of the run.
        limits: as ``limits`` of a protocol file.
        monitors: as ``monitors`` of a protocol file.
        folder: the run folder; a new one below ``runs/`` if not given.
        force: run on a real bench without a rehearsal (``luggin check script.py``); this is recorded.

    Raises:
        UsageError: a real bench without limits or rehearsal; sample, limits or bench are wrong.
        InstrumentError: the bench cannot be opened.
    """
    from luggin.engine.scripts import plan_of_script, take_up_script

    surroundings = _ambient[-1] if _ambient else None
    plan, plugins = plan_of_script(surroundings, sample, bench, title, limits, monitors)
    if surroundings is None:
        run = begin(
            replace(plan, folder=Path(folder) if folder else None, force=force), plugins, people=None, watcher=Lines()
        )
        run.watch_signals()
    elif surroundings.resume is not None and not surroundings.runs:
        run = take_up_script(surroundings, plan)
    else:
        chosen = surroundings.folder if not surroundings.runs else None
        place = chosen or (Path(folder) if folder else None)
        plan = replace(plan, folder=place, force=force or surroundings.force)
        if surroundings.adapt is not None:
            plan = surroundings.adapt(plan)
        run = begin(plan, plugins, people=surroundings.people, watcher=surroundings.watcher)
    if surroundings is not None:
        surroundings.runs.append(run)
    return run
