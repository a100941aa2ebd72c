"""The command that rehearses: ``luggin check``, and how it looks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from luggin import plugins as plugin_manager
from luggin.cli.output import echo_json, scripts_print_to
from luggin.cli.running import bench_option, json_option, load, protocol_argument, read_bench, vocabulary
from luggin.errors import RunFolderError, UsageError
from luggin.units import show, show_duration

if TYPE_CHECKING:
    from luggin.bench import Bench
    from luggin.engine.foreseen import Stored
    from luggin.plugins import Plugins
    from luggin.rehearsal import Overview, Rehearsal
    from luggin.steps import LoadedProtocol

_LONGEST = 40


@click.command()
@protocol_argument
@bench_option
@click.option("--no-rehearsal", is_flag=True, help="Only look it over; do not run it on the simulated twins.")
@click.argument("arguments", nargs=-1)
@json_option
def check(
    protocol: Path, bench_path: Path | None, no_rehearsal: bool, arguments: tuple[str, ...], as_json: bool
) -> int:
    """Look PROTOCOL over, then rehearse it in virtual time on simulated instruments.

    PROTOCOL may be the folder of a run: then it is the protocol of that run, on its bench or another.

    Prints the timetable, rows, bytes, charge, and which limits the instrument holds by itself.
    Nothing is touched: no instrument is opened, nothing is written but a note of the rehearsal. A
    Python protocol (.py) cannot be looked over; it is rehearsed with its ARGUMENTS.
    """
    from luggin.engine.protocols import plan_of
    from luggin.rehearsal import look_over, rehearse, rehearse_script

    plugins = plugin_manager.load()
    stored = _stored(protocol, bench_path, plugins) if (protocol / "run.log").is_file() else None
    if protocol.suffix == ".py" or (stored is not None and stored.source.kind == "python"):
        from luggin.engine.scripts import read_script

        bench = None if bench_path is None else read_bench(bench_path, plugins)
        script = read_script(protocol, arguments) if stored is None else stored.source
        with scripts_print_to(as_json):
            rehearsed = rehearse_script(script, bench or (None if stored is None else stored.bench), plugins)
        if as_json:
            echo_json({"protocol": str(protocol), "rehearsal": rehearsed.to_json()})
        else:
            print_rehearsal(rehearsed)
        return exit_code(rehearsed, rehearsed.refused)
    if stored is None:
        loaded, bench = load(protocol, bench_path, plugins)
    else:
        loaded, bench = _load_again(stored, bench_path, plugins)
    plan = plan_of(loaded, bench)
    overview = look_over(loaded, plan, plugins)
    rehearsal = None if no_rehearsal else rehearse(loaded, plan, plugins)
    if as_json:
        echo_json({"protocol": str(protocol), **overview.to_json(), "rehearsal": rehearsal and rehearsal.to_json()})
    else:
        print_check(protocol, overview, rehearsal)
    return exit_code(rehearsal, overview.refused)


def _stored(folder: Path, bench_path: Path | None, plugins: Plugins) -> Stored:
    """What a run was executed with, to be rehearsed."""
    from luggin.engine.foreseen import stored_run
    from luggin.observing import bench_of

    if (place := bench_path or bench_of(folder)) is not None:
        plugins.add_bench_plugin(place.parent)
    stored = stored_run(folder, plugins)
    if stored.source.kind not in ("toml", "python"):
        raise RunFolderError(f"{folder}: this run was started {stored.source.kind}ly; there is no protocol to rehearse")
    return stored


def _load_again(stored: Stored, bench_path: Path | None, plugins: Plugins) -> tuple[LoadedProtocol, Bench]:
    """The protocol of a run, with the bench of that run or another."""
    from luggin.steps import load_protocol

    source = stored.source
    loaded = load_protocol(text=source.text, vocabulary=vocabulary(plugins), name=source.name)
    return loaded, stored.bench if bench_path is None else read_bench(bench_path, plugins)


def print_check(protocol: Path, overview: Overview, rehearsal: Rehearsal | None) -> None:
    """The timetable, the totals, the limits, and how the rehearsal went."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=f"{protocol}", title_justify="left")
    table.add_column("path")
    table.add_column("step")
    for heading in ("begins", "takes", "rows", "latency"):
        table.add_column(heading, justify="right", no_wrap=True)
    begins, later = 0.0, False
    for number, step in enumerate(overview.steps):
        if number < _LONGEST:
            latency = f"{step.latency:.2g} s" if step.rows else ""
            begun = show_duration(begins) if begins else "0"
            takes = f"{'> ' if step.least else ''}{show_duration(step.duration)}"
            table.add_row(
                step.path, step.title, f"{'> ' if later else ''}{begun}", takes, str(step.rows or ""), latency
            )
        begins += step.duration
        later = later or step.least
    console.print(table)
    if len(overview.steps) > _LONGEST:
        console.print(f"... and {len(overview.steps) - _LONGEST} steps more")
    steps = f"{len(overview.steps)} step{'s' * (len(overview.steps) != 1)}"
    click.echo(f"{steps}, {_without(overview)}, {overview.rows} rows, {show(overview.bytes, 'B')} uncompressed")
    if overview.largest_charge is not None:
        click.echo(f"charge: the current limit lets at most {show(overview.largest_charge, 'C')} through")
    for limit, holder in overview.limits.items():
        click.echo(f"limit: {limit}; held by {holder}")
    if not overview.limits:
        click.echo("limits: none (a real bench refuses a run without limits of potential and current)")
    for step in overview.steps[:_LONGEST]:
        for note in step.notes:
            click.echo(f"step {step.path}: {note}")
    for warning in overview.warnings:
        click.echo(f"warning: {warning}")
    if rehearsal is None:
        click.echo("not rehearsed")
    else:
        print_rehearsal(rehearsal)
    if overview.refused:
        click.echo(f"it cannot run: {overview.refused}")


def _without(overview: Overview) -> str:
    """How long it takes, and what comes on top of that."""
    if overview.is_whole:
        return f"{show_duration(overview.duration)} without prompts"
    return f"at least {show_duration(overview.duration)} (without prompts and the way to temperatures)"


def print_rehearsal(rehearsal: Rehearsal) -> None:
    """How the rehearsal went, in one line."""
    if rehearsal.error:
        click.echo(f"rehearsal: {rehearsal.outcome}: {rehearsal.error}")
    else:
        click.echo(
            f"rehearsal on simulated twins: {rehearsal.outcome}, {rehearsal.rows} rows, "
            f"{show(rehearsal.charge, 'C')} through the cell, in {show_duration(rehearsal.duration)}"
        )
    if rehearsal.refused:
        click.echo(f"it cannot run: {rehearsal.refused}")


def exit_code(rehearsal: Rehearsal | None, refused: str) -> int:
    """How a check ends: as its rehearsal did; and with 2 if that went well, but the bench refuses the protocol."""
    return (0 if rehearsal is None else rehearsal.exit_code) or (UsageError.exit_code if refused else 0)
