"""What can be known of a resume before anything is touched: what it would execute, and why it would be refused."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from luggin.engine.approval import require_noted, require_rehearsed_again
from luggin.engine.history import History
from luggin.engine.latch import latched, lines_of
from luggin.engine.protocols import _require_same_world, _source, _stored_bench, plan_of
from luggin.engine.start import Plan, Source
from luggin.errors import LugginError, RunFolderError, UsageError

if TYPE_CHECKING:
    from luggin.bench import Bench
    from luggin.engine.outlook import Outlook
    from luggin.plugins import Plugins
    from luggin.steps import LoadedProtocol, Vocabulary


@dataclass(frozen=True)
class Stored:
    """What a run was executed with the last time, from its own folder."""

    history: History
    source: Source
    bench: Bench


def stored_run(folder: Path, plugins: Plugins) -> Stored:
    """The protocol and the bench that a run keeps.

    Raises:
        RunFolderError: it has none.
        StoreCorrupt: its ``run.log`` contradicts itself.
    """
    from luggin.store import RunLog

    history = History(RunLog.read(folder))
    if not history.header:
        raise RunFolderError(f"{folder}: run.log ends before the run began; there is no protocol in it")
    if history.header.get("imported"):
        raise RunFolderError(f"{folder}: this run was imported from a file; there is no protocol in it")
    return Stored(history, _source(history), _stored_bench(history, plugins))


def foresee(
    folder: Path,
    plugins: Plugins,
    vocabulary: Vocabulary,
    *,
    bench: Bench | None = None,
    changed: LoadedProtocol | Source | None = None,
    clear_trip: bool = False,
    force: bool = False,
) -> None:
    """Refuse protocols and benches that a run cannot go on with, so that nobody is told what would never be done.

    Args:
        folder: of the run.
        plugins: what is installed.
        vocabulary: the steps that its protocol may have.
        bench: instead of the run's own.
        changed: instead of the run's own protocol.
        clear_trip: its own trip is about to be cleared.
        force: without a rehearsal.

    Raises:
        Divergence: the changed protocol differs in a completed step.
        UsageError: the protocol is of another kind, the bench of another world, its lines are closed, or both
            were not rehearsed together.
    """
    stored = stored_run(folder, plugins)
    history, source = stored.history, stored.source
    if source.kind not in ("toml", "python") or (history.finished or {}).get("outcome") == "completed":
        return  # it is told why there is nothing to take up
    if changed is not None and isinstance(changed, Source) != (source.kind == "python"):
        raise UsageError(f"{folder}: this run has the {source.kind} protocol {source.name}; give a changed one like it")
    if changed is not None and not isinstance(changed, Source):
        history.require_prefix((e.path, e.step.do, e.step.fingerprint()) for e in changed.protocol.walk())
    used = bench or stored.bench
    _require_same_world(folder, history, used)
    _require_open_lines(folder, used, history.trip if clear_trip else "")
    before = source.sha256, str(history.header["bench"]["sha256"])
    # A check takes the folder of a run for its protocol: that of a run need not be a file any more.
    own = replace(source, name=str(folder))
    if source.kind == "python":
        script = changed if isinstance(changed, Source) else own
        plan = Plan(title="", bench=used, source=script, sample={})
        require_noted(plan, force or (script.sha256, used.sha256) == before)
        return
    plan = plan_of(_loaded(source, changed, vocabulary), used)
    plan = replace(plan, source=own if changed is None else plan.source, force=force)
    require_rehearsed_again(plan, *before)


def _loaded(source: Source, changed: LoadedProtocol | Source | None, vocabulary: Vocabulary) -> LoadedProtocol:
    from luggin.steps import load_protocol

    if changed is None or isinstance(changed, Source):
        return load_protocol(text=source.text, vocabulary=vocabulary, name=source.name)
    return changed


def _require_open_lines(folder: Path, bench: Bench, cleared: str) -> None:
    """UsageError for a line that a trip has closed, if that is not the trip that is about to be cleared."""
    for line in lines_of(bench):
        why = latched(line)
        if why is not None and not (cleared and why.run == os.path.abspath(folder)):
            raise UsageError(f"{why}. Look at the cell first; then clear it with `luggin clear {why.run}`.")


def refusal(outlook: Outlook, clear_trip: bool) -> LugginError | None:
    """The error with which a resume would end as things are, from what was told of it; None if it would begin."""
    if outlook.trouble is not None:
        return outlook.trouble
    if outlook.blocked:
        return RunFolderError(f"{outlook.folder}: {outlook.blocked}.")
    if outlook.trip and not clear_trip:
        return RunFolderError(
            f"{outlook.folder}: a limit stopped this run, and nobody has said that the cell was looked at. Say so with "
            f"`luggin clear {outlook.folder}`, or resume it with --clear-trip."
        )
    return None
