"""The command that says what goes on now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luggin.cli.output import echo_json
from luggin.units import show_duration

if TYPE_CHECKING:
    from luggin.catalog import Entry
    from luggin.engine.latch import Latch
    from luggin.engine.situation import Owned, Situation

_UNFINISHED = ("cut off", "interrupted", "limit tripped", "failed")
#: So many runs that could be taken up again are told; `luggin list` has them all.
_TOLD = 5


@dataclass(frozen=True)
class _Now:
    """All that is told."""

    running: Sequence[Situation]
    unfinished: Sequence[Entry]
    lines: Sequence[Owned]
    latched: Sequence[Latch]
    problems: Sequence[str]


@click.command()
@click.argument("folders", metavar="[FOLDER]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where runs are looked for, if no FOLDER is given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else.")
def status(folders: tuple[Path, ...], runs: Path, as_json: bool) -> int:
    """Say what goes on now: runs that are being written, lines that are in use, runs that could be taken up again.

    FOLDER is a run, or a folder with runs in it. Only looks; a run is not disturbed, whoever's it is.
    """
    from luggin.engine.latch import all_latched
    from luggin.engine.situation import newest_first, owned_lines

    running: list[Situation] = []
    unfinished: list[Entry] = []
    problems: list[str] = []
    for folder in folders or (runs,):
        if not folders and not folder.is_dir():
            continue
        for entry in _entries(folder):
            if entry.outcome == "running":
                _look(entry, running, problems)
            elif entry.outcome in _UNFINISHED:
                unfinished.append(entry)
            elif entry.outcome == "broken":
                problems.append(f"{entry.folder}: {entry.problem}")
    unfinished.sort(key=lambda entry: entry.dated, reverse=True)
    now = _Now(newest_first(running), unfinished, owned_lines(), all_latched(), problems)
    if as_json:
        echo_json(_json(now))
    else:
        click.echo("\n".join(_words(now)))
    return 0


def _entries(folder: Path) -> list[Entry]:
    """What is said of a run, or of all runs in a folder."""
    from luggin.catalog import Query, find_runs
    from luggin.catalog.entries import read_entry
    from luggin.engine.approval import home

    if (folder / "run.log").is_file():
        return [read_entry(folder)]
    return list(find_runs(folder, Query(), catalog=home() / "catalog.sqlite").entries)


def _look(entry: Entry, running: list[Situation], problems: list[str]) -> None:
    """Look closer at a run that is being written; one that cannot be read is named, and the others are told."""
    from luggin import plugins as plugin_manager
    from luggin.cli.running import vocabulary
    from luggin.engine.situation import situation_of
    from luggin.errors import LugginError

    try:
        running.append(situation_of(entry.folder, vocabulary(plugin_manager.load())))
    except LugginError as error:
        problems.append(f"{entry.folder}: {error}")


def _json(now: _Now) -> dict[str, Any]:
    return {
        "running": [situation.to_json() for situation in now.running],
        "unfinished": [
            {"run": str(entry.folder), "outcome": entry.outcome, "title": entry.title, "simulated": entry.simulated}
            for entry in now.unfinished
        ],
        "lines": [line.to_json() for line in now.lines],
        "latched": [asdict(latch) for latch in now.latched],
        "problems": list(now.problems),
    }


def _words(now: _Now) -> Iterator[str]:
    if not now.running:
        yield "no run is going on"
    for situation in now.running:
        yield from _run(situation)
    yield from _lines(now)
    if now.unfinished:
        yield "could be taken up again (luggin resume FOLDER --dry-run says what that would do):"
        for entry in now.unfinished[:_TOLD]:
            yield f"  {entry.folder}: {entry.outcome}{', SIMULATED' if entry.simulated else ''}"
        if len(now.unfinished) > _TOLD:
            yield f"  and {len(now.unfinished) - _TOLD} more: luggin list"
    for problem in now.problems:
        yield f"problem: {problem}"


def _run(situation: Situation) -> Iterator[str]:
    yield f"{situation.folder}: {situation.title}{' (SIMULATED)' if situation.simulated else ''}"
    for name, text in _facts(situation):
        if text:
            yield f"  {name:10} {text}"


def _facts(situation: Situation) -> Iterator[tuple[str, str]]:
    from luggin.engine.situation import progress

    process = "?" if situation.pid is None else situation.pid
    yield "written by", f"process {process} of {situation.user} on {situation.host}, since {_local(situation.started)}"
    attempt = f", attempt {situation.attempt}" if situation.attempt > 1 else ""
    begun = f", since {_local(situation.step_began)}"
    step = f": {situation.path} {situation.step}{attempt}{begun}" if situation.path else ""
    yield "does", f"{progress(situation)}{step} ({situation.doing})"
    age = "" if situation.last_row is None else f", the last one {show_duration(situation.last_row)} ago"
    yield "rows", f"{situation.rows}{age}"
    since = "" if situation.last_event_age is None else f" ({show_duration(situation.last_event_age)} ago)"
    yield "last", f"{situation.last_event}{since}" if situation.last_event else ""
    yield "tripped", situation.trip
    yield "guardian", situation.guardian
    if situation.remaining is not None:
        ends = "" if situation.ends is None else f", until {_local(situation.ends)} or later"
        yield "left", f"at least {show_duration(situation.remaining)}{ends}"
    yield "problem", situation.problem


def _lines(now: _Now) -> Iterator[str]:
    if now.lines:
        yield "lines in use:"
        for line in now.lines:
            process = "?" if line.pid is None else line.pid
            yield f"  {line.resource}: process {process} of {line.user} since {line.since} ({line.purpose})"
    if now.latched:
        yield "lines that a limit has closed (luggin clear opens them):"
        for latch in now.latched:
            yield f"  {latch}"


def _local(moment: datetime | None) -> str:
    return "?" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
