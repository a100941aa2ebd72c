"""Protocols written in Python: executed, stored, and executed again on resume."""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.engine.history import History
from luggin.engine.start import Ambient, Plan, Source, ambient, take_up
from luggin.errors import Interrupted, LugginError, UsageError

if TYPE_CHECKING:
    from luggin.engine.run import Run
    from luggin.plugins import Plugins

_LARGEST = 1 << 20
NO_BENCH = "No bench is named: this runs on the built-in SIMULATED bench."


def read_script(path: Path, arguments: Sequence[str]) -> Source:
    """A Python protocol, not yet executed.

    Raises:
        UsageError: it cannot be read, is too large or is not Python.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such file.") from error
    except OSError as error:
        raise UsageError(f"{path}: the file cannot be read ({error.strerror}).") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{path}: the file is larger than 1 MiB; it was not read.")
    try:
        text = data.decode("utf-8")
        compile(text, str(path), "exec")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: the file is not UTF-8. Save it again with the encoding UTF-8.") from error
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: this is not Python: {error.msg}.") from error
    except ValueError as error:
        raise UsageError(f"{path}: this is not Python: {error}.") from error
    return Source("python", str(path), text, hashlib.sha256(data).hexdigest(), tuple(arguments))


def execute_script(surroundings: Ambient) -> list[Run]:
    """Execute the script of these surroundings; returns the runs that it started.

    Runs that the script left open are finished first, whatever it raises.

    Raises:
        LugginError: from the script, with a note of its line; any other exception of the script
            comes out as one that names its line.
    """
    source = surroundings.source
    path = Path(source.name)
    code = compile(source.text, source.name, "exec")
    argv, import_path = sys.argv, list(sys.path)
    sys.argv = [source.name, *source.arguments]
    sys.path.insert(0, str(path.parent))
    with ambient(surroundings):
        try:
            exec(code, {"__name__": "__main__", "__file__": source.name, "__builtins__": __builtins__})
        except BaseException as error:
            for run in surroundings.runs:
                run.finish(error)
            if not isinstance(error, Exception) or isinstance(error, Interrupted):
                raise
            place, statement = _place_in_script(error, source)
            if isinstance(error, LugginError):
                error.add_note(f"{place}: {statement}")
                raise
            mistake = LugginError(f"{place}: {type(error).__name__}: {error}")
            mistake.add_note(statement)
            raise mistake from error
        finally:
            sys.argv, sys.path[:] = argv, import_path
        for run in surroundings.runs:
            run.finish(None)
    return surroundings.runs


def _place_in_script(error: Exception, source: Source) -> tuple[str, str]:
    """File and line of the script that led to an error, and what stands there."""
    numbers = [
        line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == source.name
    ]
    lines = source.text.splitlines()
    if not numbers or not 1 <= numbers[-1] <= len(lines):
        return source.name, ""
    return f"{source.name}:{numbers[-1]}", lines[numbers[-1] - 1].strip()


def plan_of_script(
    surroundings: Ambient | None,
    sample: Mapping[str, Any],
    bench: str | Path | None,
    title: str,
    limits: Sequence[Mapping[str, Any]],
    monitors: Sequence[Mapping[str, Any]] = (),
) -> tuple[Plan, Plugins]:
    """What a script's call of `luggin.start` amounts to."""
    from luggin import plugins as plugin_manager
    from luggin.bench import load_bench
    from luggin.engine.limits import limits_of
    from luggin.engine.protocols import monitors_of
    from luggin.steps import MonitorEntry, parse_limits, parse_sample
    from luggin.steps.base import MistakenRecord
    from luggin.steps.setpoints import unmonitored

    plugins = surroundings.plugins if surroundings else plugin_manager.load()
    source = surroundings.source if surroundings else _own_source()
    if surroundings is not None and surroundings.bench is not None:
        opened = surroundings.bench
    elif bench is None:
        print(NO_BENCH, file=sys.stderr)
        opened = load_bench(text=plugins.simulator().default_bench_text(), drivers=list(plugins.drivers()))
    else:
        beside = Path(source.name).parent / bench
        place = beside if beside.exists() else Path(bench)
        opened = load_bench(place, drivers=list(plugins.drivers()))
    watched = [MonitorEntry(**entry) for entry in monitors]
    kept = parse_limits(limits)
    if wrong := unmonitored(kept, [name for entry in watched for name in entry.read]):
        raise MistakenRecord("limits", wrong)
    plan = Plan(
        title=title or Path(source.name).stem,
        bench=opened,
        source=source,
        sample=parse_sample(sample),
        limits=limits_of(kept),
        monitors=monitors_of(watched),
    )
    return plan, plugins


def _own_source() -> Source:
    """The script that is running, if there is one (a notebook has none and cannot be resumed)."""
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    if path and Path(path).is_file():
        return read_script(Path(path), sys.argv[1:])
    return Source("interactive", "interactive", "", hashlib.sha256(b"").hexdigest())


def take_up_script(surroundings: Ambient, plan: Plan) -> Run:
    """Attach a replayed script to the run that it started."""
    from luggin.store import RunLog

    folder = surroundings.resume
    if folder is None:
        raise UsageError("no run to resume")
    history = History(RunLog.read(folder))
    history.require_resumable(folder)
    return take_up(
        folder, plan, history, surroundings.plugins, people=surroundings.people, watcher=surroundings.watcher
    )
