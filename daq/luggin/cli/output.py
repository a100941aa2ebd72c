"""How results look in a terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from luggin.engine.protocols import Finished


def echo_json(data: Mapping[str, Any]) -> None:
    """One JSON object on standard output."""
    click.echo(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False, default=str))


def rounded(value: float | None, u: float | None) -> tuple[str, str]:
    """Value and uncertainty for people: u with two digits, the value to the same place.

    >>> rounded(-0.47612, 0.00043)
    ('-0.47612', '0.00043')
    """
    if value is None or not math.isfinite(value):
        return "-", "-"
    if u is None or not math.isfinite(u) or u <= 0:
        return f"{value:.5g}", "-"
    places = max(0, 1 - math.floor(math.log10(u)))
    return f"{value:.{places}f}", f"{u:.{places}f}"


def print_results(results: list[dict[str, Any]]) -> None:
    """One table of quantities per analysis, refusals with their reasons below it."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for result in results:
        console.print(f"\n[bold]{result['analysis']}[/bold]")
        if result["quantities"]:
            table = Table(box=SIMPLE_HEAD, pad_edge=False)
            for heading in ("quantity", "of"):
                table.add_column(heading)
            for heading in ("value", "u"):
                table.add_column(heading, justify="right", no_wrap=True)
            for heading in ("unit", "verdict", "flags"):
                table.add_column(heading)
            for q in result["quantities"]:
                value, u = rounded(q["value"], q["u"])
                table.add_row(
                    q["name"].replace("_", " "), q["label"], value, u, q["unit"], q["verdict"], "; ".join(q["flags"])
                )
            console.print(table)
        for refusal in result["refusals"]:
            label = f" ({refusal['label']})" if refusal.get("label") else ""
            console.print(f"no number{label}: {refusal['reason']} [dim]\\[{refusal['code']}][/dim]", soft_wrap=True)
        for flag in result.get("flags", []):
            console.print(f"note: {flag}", soft_wrap=True)


def print_finished(finished: Finished, *, quiet: bool) -> None:
    """How a run ended. With ``quiet`` only what went wrong, on standard error."""
    if not quiet:
        print_results(finished.results)
        click.echo()
        simulated = " (SIMULATED: no real instrument was used)" if finished.simulated else ""
        click.echo(f"run     {finished.folder}: {finished.outcome}{simulated}")
        if finished.report is not None:
            click.echo(f"report  {finished.report}")
    if finished.error is not None:
        click.echo(f"luggin: {finished.error}", err=True)
        for note in getattr(finished.error, "__notes__", ()):
            click.echo(f"        {note}", err=True)
        if finished.outcome in ("interrupted", "failed"):
            click.echo(f"        take it up again with: luggin resume {finished.folder}", err=True)
