"""The command that tries out whoever is told what happens to runs: notify."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luggin import plugins as plugin_manager
from luggin.cli.output import echo_json

if TYPE_CHECKING:
    from luggin.observing.states import State

_WAIT_S = 60.0


@click.command()
@click.option("--test", is_flag=True, help="Send a test message to everybody and say what became of it.")
@click.option(
    "--bench", "bench_path", type=click.Path(path_type=Path), help="Bench file; notify.toml beside it counts too."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else.")
def notify(test: bool, bench_path: Path | None, as_json: bool) -> int:
    """Say who would be told what happens to a run; with --test, tell them something.

    Webhooks and mailboxes stand in notify.toml, in the user's folder or beside the bench file. Other
    observers are tried out too: they see a run that is over at once.
    """
    from luggin.clock import RealClock
    from luggin.errors import UsageError
    from luggin.observing.observers import with_something_to_do
    from luggin.observing.places import folders_of_files
    from luggin.observing.watching import Watches

    plugins = plugin_manager.load()
    if bench_path is not None:
        if not bench_path.is_file():
            raise UsageError(f"there is no bench file {bench_path}")
        plugins.add_bench_plugin(bench_path.parent)
    sources = with_something_to_do(plugins, bench_path)
    if not sources:
        names = sorted({source.configured_by for source in plugins.observers() if source.configured_by})
        places = " or in ".join(str(folder) for folder in folders_of_files(bench_path))
        raise UsageError(f"nobody would be told: there is no {' or '.join(names) or 'observer'} in {places}")
    clock = RealClock()
    with tempfile.TemporaryDirectory(prefix="luggin-notify-") as place:
        watches = Watches(_a_run(Path(place) / "test", bench_path), clock, silence=_WAIT_S)
        for source in sources:
            watches.begin(source, only_ask=not test)
        until = clock.now() + _WAIT_S
        while any(state.state == "running" for state in watches.states()) and clock.now() < until:
            clock.sleep(0.05)
        states = watches.states()
    mistakes = [error for error in watches.errors() if isinstance(error, UsageError)]
    said = [_in_words(state, test) for state in states if state.what not in map(str, mistakes)]
    if mistakes:
        if not as_json:
            _tell(said)
        raise mistakes[0]
    if as_json:
        echo_json({"test": test, "observers": said})
    else:
        _tell(said)
    return 0 if all(state.state == "ended" for state in states) else 1


def _tell(said: list[dict[str, str]]) -> None:
    for entry in said:
        click.echo(f"{entry['observer'] or entry['plugin']}: {entry['what']}")


def _a_run(folder: Path, bench: Path | None) -> Path:
    """A run that says of itself that it is a test, and is over."""
    from luggin.clock import RealClock
    from luggin.platform import process_id
    from luggin.store import RunLog

    utc = RealClock().utc().isoformat()
    header: Mapping[str, Any] = {
        "title": "Test of notifications",
        "created": utc,
        "sample": {"id": ""},
        "bench": {"path": None if bench is None else str(bench.resolve())},
        "simulated": False,
        "test": True,
    }
    folder.mkdir()
    with RunLog.create(folder) as log:
        log.append({"kind": "run", "time": 0.0, **header})
        log.append({"kind": "session", "time": 0.0, "reason": "start", "utc": utc, "pid": process_id()})
        log.append({"kind": "finish", "time": 0.0, "outcome": "completed", "error": None})
    return folder


def _in_words(state: State, test: bool) -> dict[str, str]:
    what = {"ended": "done" if test else "would be told", "running": f"has not ended in {_WAIT_S:g} s"}
    return {"plugin": state.plugin, "observer": state.observer, "what": state.what or what.get(state.state, "")}
