"""How ``luggin check`` looks."""

from __future__ import annotations

from pathlib import Path

import click

from luggin.errors import UsageError
from luggin.rehearsal import Overview, Rehearsal
from luggin.units import show, show_duration

_LONGEST = 40


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
    begins = 0.0
    for number, step in enumerate(overview.steps):
        if number < _LONGEST:
            latency = f"{step.latency:.2g} s" if step.rows else ""
            begun = show_duration(begins) if begins else "0"
            table.add_row(step.path, step.title, begun, show_duration(step.duration), str(step.rows or ""), latency)
        begins += step.duration
    console.print(table)
    if len(overview.steps) > _LONGEST:
        console.print(f"... and {len(overview.steps) - _LONGEST} steps more")
    steps = f"{len(overview.steps)} step{'s' * (len(overview.steps) != 1)}"
    click.echo(
        f"{steps}, {show_duration(overview.duration)} without prompts, {overview.rows} rows, "
        f"{show(overview.bytes, 'B')} uncompressed"
    )
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


def print_rehearsal(rehearsal: Rehearsal) -> None:
    """How the rehearsal went, in one line."""
    if rehearsal.error:
        click.echo(f"rehearsal: {rehearsal.outcome}: {rehearsal.error}")
    else:
        click.echo(
            f"rehearsal on simulated twins: {rehearsal.outcome}, {rehearsal.rows} rows, "
            f"{show(rehearsal.charge, 'C')} through the cell"
        )
    if rehearsal.refused:
        click.echo(f"it cannot run: {rehearsal.refused}")


def exit_code(rehearsal: Rehearsal | None, refused: str) -> int:
    """How a check ends: as its rehearsal did; and with 2 if that went well, but the bench refuses the protocol."""
    return (0 if rehearsal is None else rehearsal.exit_code) or (UsageError.exit_code if refused else 0)
