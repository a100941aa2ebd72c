"""What a resume will do, before it does anything: for the person who has to agree to it.

Only reads. The decisions are those of the engine (`luggin.engine.history`, `luggin.steps.resuming`);
here they are put into words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from luggin.clock import RealClock
from luggin.engine.ahead import Ahead, GoesOn, MadeAgain
from luggin.engine.ahead import Outlook as Outlook
from luggin.engine.history import History
from luggin.errors import LugginError, RunFolderError, StoreLocked, UsageError

if TYPE_CHECKING:
    from luggin.engine.history import PathHistory
    from luggin.engine.progress import People
    from luggin.guardian.record import Intervention
    from luggin.steps import Execution, LoadedProtocol, Step, Vocabulary


def outlook_of(
    folder: Path,
    history: History,
    executions: Iterable[Execution] | None,
    *,
    ended: str,
    rows: int = 0,
    done: float = 0.0,
    gap: float | None = None,
    guardian: Sequence[str] = (),
    blocked: str = "",
    trouble: LugginError | None = None,
) -> Outlook:
    """What a resume will do, from what was done and what the protocol says.

    Args:
        folder: of the run.
        history: what was done.
        executions: all steps of the protocol; None for a script.
        ended: how the last process ended.
        rows: of the earlier attempts at the interrupted step.
        done: how far that had come (s of its technique).
        gap: since the last sign of life (s of the clock on the wall).
        guardian: what guardians did, in words.
        blocked: why nothing goes on, if something outside of the records says so.
        trouble: the error with which a resume would end then.
    """
    known = None if executions is None else {e.path: e.step for e in executions}
    begun = next((path for path in reversed(history.order) if history.paths[path].ended is None), None)
    interrupted = None if begun is None else _goes_on(history.paths[begun], known, rows, done)
    ahead = _ahead(history, known, begun)
    completed = [path for path in history.order if history.paths[path].ended is not None]
    anything = interrupted is not None or ahead is None or bool(ahead)
    again = _made_again(history, known, _first(history, known, begun)) if anything else ()
    finished = history.finished or {}
    blocked = blocked or _blocked(history, interrupted)
    return Outlook(
        folder=folder,
        title=str(history.header.get("title", "")),
        simulated=bool(history.header.get("simulated")),
        ended=ended,
        why=str((finished.get("error") or {}).get("message", "")),
        completed=tuple(f"{path} {history.paths[path].do}" for path in completed),
        again=again,
        interrupted=interrupted,
        ahead=ahead,
        gap=gap,
        speed=1.0 if history.header.get("virtual") else float(history.header.get("speed") or 1.0),
        trip=history.trip,
        guardian=tuple(guardian),
        blocked=blocked,
        trouble=trouble,
    )


def _goes_on(entry: PathHistory, known: Mapping[str, Step] | None, rows: int, done: float) -> GoesOn:
    from luggin.steps.lasting import lasts
    from luggin.steps.resuming import policy_of, remaining

    step = None if known is None else known.get(entry.path)
    if step is None:  # a script, or a companion of one (a prompt, an analysis): they begin again
        return GoesOn(entry.path, entry.do, None, attempt=entry.attempts + 1, rows=rows, done=done)
    left = remaining(step, done)
    return GoesOn(
        entry.path,
        title_of(step),
        lasts(step if left is None else left),
        _at_least(step),
        policy=policy_of(step),
        attempt=entry.attempts + 1,
        rows=rows,
        done=done,
        continues=left is not None,
    )


def _ahead(history: History, known: Mapping[str, Step] | None, begun: str | None) -> tuple[Ahead, ...] | None:
    from luggin.steps.lasting import lasts

    if known is None:
        return None
    done = {path for path, entry in history.paths.items() if entry.ended is not None}
    return tuple(
        Ahead(path, title_of(step), lasts(step), _at_least(step))
        for path, step in known.items()
        if path not in done and path != begun
    )


def _first(history: History, known: Mapping[str, Step] | None, begun: str | None) -> str | None:
    """The first step that will really run."""
    if known is None:
        return begun
    return next((path for path in known if path not in history.paths or history.paths[path].ended is None), None)


def _made_again(history: History, known: Mapping[str, Step] | None, before: str | None) -> tuple[MadeAgain, ...]:
    from luggin.steps.lasting import lasts

    own = set() if before is None else _states_of(before, history, known)
    states: dict[str, list[str]] = {}
    for state, entry in history.latest_establishing(before=before).items():
        if state not in own and state.partition("@")[0] + "@" not in own:
            states.setdefault(entry.path, []).append(state)
    made = []
    for path, its in states.items():
        step = None if known is None else known.get(path)
        title = history.paths[path].do if step is None else title_of(step)
        if step is None:
            made.append(MadeAgain(path, title, None, states=tuple(its)))
        else:
            made.append(MadeAgain(path, title, lasts(step), _at_least(step), states=tuple(its)))
    return tuple(made)


def _states_of(path: str, history: History, known: Mapping[str, Step] | None) -> set[str]:
    """The states that a step makes itself, so that nobody has to make them before it; ``temperature@``: of any role."""
    from luggin.steps import TemperatureStep

    if path in history.paths:
        return set(history.paths[path].establishes)
    step = None if known is None else known.get(path)
    if step is None:
        return set()
    states = {state if "@" in state else f"{state}@{step.on or 'cell'}" for state in step.establishes}
    if isinstance(step, TemperatureStep):
        states.add(f"temperature@{step.on or ''}")
    return states


def _blocked(history: History, interrupted: GoesOn | None) -> str:
    if (history.finished or {}).get("outcome") == "completed":
        return "this run is completed; there is nothing to resume"
    if history.header.get("imported"):
        return "this run was imported from a file; there is nothing to resume"
    kind = dict(history.header.get("protocol", {})).get("kind")
    if kind not in ("toml", "python"):
        return f"a run that was started {kind}ly cannot be resumed; its data are complete"
    if interrupted is not None and interrupted.policy == "stop":
        return f'step {interrupted.path} was interrupted, and says on_resume = "stop": start a new run'
    return ""


def read_outlook(folder: Path, vocabulary: Vocabulary, changed: LoadedProtocol | None = None) -> Outlook:
    """What ``luggin resume FOLDER`` would do now; nothing is written.

    Args:
        folder: of the run.
        vocabulary: the steps that its protocol may have.
        changed: the protocol that it would be resumed with, instead of its own.

    Raises:
        RunFolderError: not a run that has begun.
        ProtocolError: its protocol cannot be read any more, as when a plugin is missing.
    """
    from luggin.analysis import open_run
    from luggin.engine.leftovers import last_sign_of_life, measured_before, newest_row
    from luggin.guardian.record import read_interventions
    from luggin.store import is_being_written

    archive = open_run(folder)
    history = History(archive.records)
    if not history.header:
        raise RunFolderError(f"{folder}: run.log ends before the run began; there is nothing to resume")
    begun = next((path for path in reversed(history.order) if history.paths[path].ended is None), None)
    rows, done = 0, 0.0
    newest: float | None = None
    blocked = ""
    trouble: LugginError | None = None
    if is_being_written(folder):
        blocked = "a process writes it now; stop that first"
        trouble = StoreLocked(f"{folder}: {blocked}.")
    try:
        _, newest = newest_row(archive.store)
        if begun is not None:
            parts, done = measured_before(folder, begun)
            rows = sum(part.count for part in parts)
    except LugginError as error:
        blocked, trouble = blocked or f"its rows cannot be read: {error}", trouble or error
    interventions = read_interventions(folder)
    last = last_sign_of_life(archive, history.last_time, newest, interventions)
    virtual = bool(history.header.get("virtual"))
    gap = None if virtual or last is None else max((RealClock().utc() - last).total_seconds(), 0.0)
    return outlook_of(
        folder,
        history,
        _executions(history, vocabulary, changed),
        ended=archive.outcome,
        rows=rows,
        done=done,
        gap=gap,
        guardian=[_in_short(intervention) for intervention in interventions],
        blocked=blocked,
        trouble=trouble,
    )


def _in_short(acted: Intervention) -> str:
    """What a guardian did, without what instruments answered: that stands in ``guardian.log``."""
    did = [f"{role} {how.partition(' (')[0]}" for role, how in acted.safe.items()]
    did += [f"{role} COULD NOT BE MADE SAFE: {reason}" for role, reason in acted.open_ends.items()]
    moment = datetime.fromisoformat(acted.utc).astimezone()
    return f"{acted.why}; the guardian acted on {moment:%Y-%m-%d at %H:%M:%S}: {'; '.join(did)}"


def _executions(history: History, vocabulary: Vocabulary, changed: LoadedProtocol | None) -> Iterable[Execution] | None:
    """The steps of the protocol with which the run goes on; None for a script."""
    from luggin.steps import load_protocol

    if changed is not None:
        return changed.protocol.walk()
    source = (history.protocols[-1] if history.protocols else history.header).get("protocol", {})
    if source.get("kind") != "toml":
        return None
    return load_protocol(text=source["text"], vocabulary=vocabulary, name=source["name"]).protocol.walk()


def confirm_resume(outlook: Outlook, people: People | None) -> None:
    """Have a person agree to what was told of a real cell (`Outlook.words`). A simulated one needs nobody.

    Raises:
        RunFolderError: it cannot be resumed as things are.
        UsageError: nobody is there to ask.
    """
    if outlook.blocked:
        raise RunFolderError(f"{outlook.folder}: {outlook.blocked}.")
    if outlook.simulated:
        return
    if people is None:
        raise UsageError(
            f"{outlook.folder}: somebody has to agree to what a resume does to the cell; run it from a terminal, or "
            "with --yes"
        )
    people.ask(f"{outlook.folder}: is the cell ready for what will be done?", {}, _Never(), None)


class _Never:
    """A question before a run: nothing has begun that could stop it."""

    is_set = False


def _at_least(step: Step) -> bool:
    """Whether a step may take longer than it says: until a temperature is there, nobody knows how long."""
    from luggin.steps import TemperatureStep

    return isinstance(step, TemperatureStep)


def title_of(step: Step) -> str:
    """What a step is, in words."""
    return " ".join(filter(None, [step.do, step.id and f"'{step.id}'", step.label]))
