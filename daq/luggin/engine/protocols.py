"""Runs a protocol from its file, new or taken up again, and says how it ended."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.clock import VirtualClock
from luggin.engine.history import History
from luggin.engine.latch import clear_run
from luggin.engine.limits import limits_of
from luggin.engine.monitors import MonitorSpec
from luggin.engine.progress import People, Watcher
from luggin.engine.start import Ambient, Plan, Source, begin, take_up
from luggin.errors import LugginError, PluginFault, RunFolderError, UsageError
from luggin.signals import SignalWatch

if TYPE_CHECKING:
    from luggin.bench import Bench
    from luggin.engine.run import Run
    from luggin.plugins import Plugins
    from luggin.steps import LoadedProtocol, Vocabulary


@dataclass
class Finished:
    """How a run ended: its folder, its outcome, what the analyses say, and what went wrong."""

    folder: Path
    outcome: str
    simulated: bool
    results: list[dict[str, Any]] = field(default_factory=list)
    error: LugginError | None = None
    report: Path | None = None

    @property
    def exit_code(self) -> int:
        """The code with which the command line ends."""
        return 0 if self.error is None else self.error.exit_code

    def to_json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        data: dict[str, Any] = {
            "run": str(self.folder),
            "outcome": self.outcome,
            "simulated": self.simulated,
            "results": self.results,
        }
        if self.report is not None:
            data["report"] = str(self.report)
        if self.error is not None:
            data["error"] = {"type": type(self.error).__name__, "message": str(self.error)}
        return data


def monitors_of(entries: Sequence[Any]) -> tuple[MonitorSpec, ...]:
    """The monitors of a protocol in the form in which the engine runs them."""
    return tuple(MonitorSpec(m.on, m.read, float(m.every), m.stream_name) for m in entries)


def plan_of(loaded: LoadedProtocol, bench: Bench) -> Plan:
    """What a protocol file on a bench amounts to."""
    protocol = loaded.protocol
    return Plan(
        title=protocol.title,
        bench=bench,
        source=Source("toml", str(loaded.path or "protocol"), loaded.text, loaded.sha256),
        sample=protocol.sample.to_json(),
        limits=limits_of(protocol.limits),
        analyses=[entry.to_json() for entry in protocol.analyses],
        monitors=monitors_of(protocol.monitors),
        steps=lambda: [{"path": e.path, **e.step.to_json()} for e in protocol.walk()],
    )


def run_protocol(
    loaded: LoadedProtocol,
    plan: Plan,
    plugins: Plugins,
    *,
    people: People | None = None,
    watcher: Watcher | None = None,
    on_begin: Callable[[Run], None] | None = None,
    shared: VirtualClock | None = None,
) -> Finished:
    """Run a protocol from its beginning. ``shared`` is virtual time that other runs live in too.

    Raises:
        UsageError, InstrumentError: the run could not begin; nothing was written.
    """
    with Listening() as signals:
        run = begin(plan, plugins, people=people, watcher=watcher, shared=shared)
        return _execute(run, loaded, plan, plugins, on_begin, signals)


def resume_protocol(
    folder: Path,
    plugins: Plugins,
    vocabulary: Vocabulary,
    *,
    bench: Bench | None = None,
    changed: LoadedProtocol | Source | None = None,
    clear_trip: bool = False,
    force: bool = False,
    people: People | None = None,
    watcher: Watcher | None = None,
) -> Finished:
    """Take a run up where it ended, with its stored protocol or one that was changed (a `Source` is a script).

    Raises:
        RunFolderError: the run is completed, tripped (and not cleared), or not one that can be resumed.
        Divergence: the changed protocol differs in a completed step.
        UsageError: it is of another kind than the protocol of the run.
    """
    from luggin.engine.scripts import execute_script
    from luggin.store import RunLog

    if not (folder / "run.log").is_file():
        raise RunFolderError(f"{folder}: {_no_run(folder)}")
    history = History(RunLog.read(folder))
    history.require_resumable(folder)
    if history.header.get("imported"):
        raise RunFolderError(f"{folder}: this run was imported from a file; there is nothing to take up")
    _require_cleared(folder, history, clear_trip)
    _require_repeatable(folder, history)
    source = _source(history)
    if changed is not None and isinstance(changed, Source) != (source.kind == "python"):
        raise UsageError(f"{folder}: this run has the {source.kind} protocol {source.name}; give a changed one like it")
    bench = bench or _stored_bench(history, plugins)
    _require_same_world(folder, history, bench)
    if source.kind == "python":
        if isinstance(changed, Source):
            source = replace(changed, arguments=source.arguments)
        surroundings = Ambient(plugins, source, people=people, watcher=watcher, bench=bench, resume=folder, force=force)
        return watched(surroundings, lambda: execute_script(surroundings), folder)
    if source.kind != "toml":
        raise RunFolderError(
            f"{folder}: a run that was started {source.kind}ly cannot be resumed; its data are complete"
        )
    if changed is None or isinstance(changed, Source):
        from luggin.steps import load_protocol

        loaded = load_protocol(text=source.text, vocabulary=vocabulary, name=source.name)
    else:
        loaded = changed
        history.require_prefix((e.path, e.step.do, e.step.fingerprint()) for e in loaded.protocol.walk())
    plan = replace(plan_of(loaded, bench), force=force)
    with Listening() as signals:
        run = take_up(folder, plan, history, plugins, people=people, watcher=watcher)
        return _execute(run, loaded, plan, plugins, None, signals)


def _no_run(folder: Path) -> str:
    """What a folder without ``run.log`` is. Only where nothing was measured may it be thrown away."""
    from luggin.store import open_store

    if not folder.is_dir():
        return "there is no such run folder."
    if not (folder / "data.zarr").is_dir():
        return "not a run folder (it has no run.log)."
    try:
        store = open_store(folder)
        rows = sum(store.rows(stream) for stream in store.streams)
    except LugginError as error:
        return f"it has no run.log, so it cannot be taken up: {error}"
    if rows:
        return f"its run.log is missing, so it cannot be taken up. Keep the folder: it has {rows} rows."
    return "this run died before its first step, so nothing was measured. Remove the folder and run it anew."


def _require_cleared(folder: Path, history: History, clear_trip: bool) -> None:
    if history.trip and not clear_trip:
        raise RunFolderError(
            f"{folder}: this run was stopped by a limit ({history.trip}). Look at the cell first; then say so with "
            f"`luggin clear {folder}`, or resume it with --clear-trip."
        )
    if history.trip:
        clear_run(folder, "resumed with --clear-trip")


def _require_repeatable(folder: Path, history: History) -> None:
    """RunFolderError if the step that was interrupted must not be done again."""
    begun = [entry for entry in history.paths.values() if entry.ended is None]
    for entry in begun:
        if entry.request.get("on_resume") == "stop":
            raise RunFolderError(
                f'{folder}: step {entry.path} ({entry.do}) was interrupted, and the protocol says on_resume = "stop": '
                "it must not be done again. What was measured is kept; start a new run for the rest."
            )


def _require_same_world(folder: Path, history: History, bench: Bench) -> None:
    """A run is real or simulated from its first row to its last: nobody could tell its rows apart afterwards."""
    before, now = bool(history.header.get("simulated")), all(bench.is_simulated(role) for role in bench.roles)
    if before == now:
        return
    words = {True: "simulated instruments", False: "real instruments"}
    raise UsageError(
        f"{folder}: this run was begun on {words[before]}, and {bench.path or 'this bench'} has {words[now]}. Rows of "
        "both never stand in one run: resume it on a bench like its first one, or start a new run."
    )


class Listening(SignalWatch):
    """Takes signals from before a run begins: what comes while its bench is opened stops it at its first step."""

    def __init__(self) -> None:
        super().__init__(self._heard)
        self._said: list[tuple[int, str]] = []
        self._run: Run | None = None

    def stop(self, run: Run) -> None:
        """From now on it is this run that is stopped; also by what came before."""
        self._run = run
        for count, name in list(self._said):
            run.stop_by_signal(count, name)

    def _heard(self, count: int, name: str) -> None:
        self._said.append((count, name))
        if self._run is not None:
            self._run.stop_by_signal(count, name)


def _source(history: History) -> Source:
    data = dict(history.header["protocol"])
    for record in history.protocols:
        data = dict(record["protocol"])
    return Source(data["kind"], data["name"], data["text"], data["sha256"], tuple(data.get("arguments", ())))


def _stored_bench(history: History, plugins: Plugins) -> Bench:
    from luggin.bench import load_bench

    stored = history.header["bench"]
    bench = load_bench(text=stored["text"], drivers=list(plugins.drivers()))
    return replace(bench, path=Path(stored["path"]) if stored["path"] else None)


def _execute(
    run: Run,
    loaded: LoadedProtocol,
    plan: Plan,
    plugins: Plugins,
    on_begin: Callable[[Run], None] | None,
    signals: Listening,
) -> Finished:
    def body() -> None:
        signals.stop(run)
        if on_begin is not None:
            on_begin(run)
        for execution in loaded.protocol.walk():
            run.do(execution.step, path=execution.path)

    error = _guarded(run, body)
    finished = Finished(run.folder, run.outcome, run.session.simulated, error=error)
    if plan.analyses and run.outcome in ("completed", "interrupted", "limit tripped", "failed"):
        finished.results = _analyses(run, plugins, plan)
    plugins.run_finished(run.folder)
    return finished


def _analyses(run: Run, plugins: Plugins, plan: Plan) -> list[dict[str, Any]]:
    from luggin.engine.analysing import analyse_protocol

    return analyse_protocol(run.folder, plugins, plan.analyses, run.session.clock.utc().isoformat())


def _guarded(run: Run, body: Callable[[], None]) -> LugginError | None:
    """Run to the end; the run is finished, and what stopped it comes back."""
    trouble: BaseException | None = None
    try:
        body()
    except BaseException as error:  # noqa: BLE001 - finished first, then raised or handed back
        trouble = error
    try:
        run.finish(trouble)
    except LugginError as worse:
        trouble = worse
    if isinstance(trouble, Exception) and not isinstance(trouble, LugginError):
        return _not_ours(trouble)
    if trouble is None or isinstance(trouble, LugginError):
        return trouble
    raise trouble


def _not_ours(error: Exception) -> LugginError:
    """An exception that nobody foresaw, in words; its traceback goes to the log."""
    logging.getLogger(__name__).error("unforeseen", exc_info=error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return PluginFault(
        f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno}). This is a mistake in a "
        "driver, a plugin or Luggin itself, not in your protocol. The cell is open, and the data up to there are kept."
    )


def watched(surroundings: Ambient, body: Callable[[], Any], folder: Path | None = None) -> Finished:
    """Execute a script under the signal watch; how its last run ended."""
    trouble: LugginError | None = None

    def stop(count: int, name: str) -> None:
        for run in surroundings.runs:
            if run.outcome == "running":
                run.stop_by_signal(count, name)

    with SignalWatch(stop):
        try:
            body()
        except LugginError as error:
            trouble = error
    if not surroundings.runs:
        if trouble is not None:
            raise trouble
        raise RunFolderError(f"{surroundings.source.name}: the script ended without calling luggin.start(...)")
    run = surroundings.runs[-1]
    finished = Finished(run.folder, run.outcome, run.session.simulated, error=trouble)
    from luggin.analysis import load_results

    finished.results = [_shown(r) for r in load_results(run.folder / "results")]
    surroundings.plugins.run_finished(run.folder)
    return finished


def _shown(result: Mapping[str, Any]) -> dict[str, Any]:
    return {k: result[k] for k in ("analysis", "quantities", "refusals", "tables", "table_units", "flags")}
