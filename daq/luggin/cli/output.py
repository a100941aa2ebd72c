"""How results look in a terminal."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from luggin.units import rounded

if TYPE_CHECKING:
    from luggin.engine.protocols import Finished


def echo_json(data: Mapping[str, Any]) -> None:
    """One JSON object on standard output."""
    click.echo(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False, default=str))


def scripts_print_to(as_json: bool) -> contextlib.AbstractContextManager[Any]:
    """With ``--json`` standard output is for the one object: what a script prints goes to standard error."""
    return contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()


def shown(value: float | None, u: float | None) -> tuple[str, str]:
    """Value and uncertainty for a table: u with two digits, the value to the same place.

    >>> shown(-0.47612, 0.00043)
    ('-0.47612', '0.00043')
    """
    if value is None or not math.isfinite(value):
        return "-", "-"
    number, spread, power = rounded(value, u)
    exponent = f"e{power}" if power else ""
    return f"{number}{exponent}", f"{spread}{exponent}" if spread else "-"


def print_results(results: list[dict[str, Any]]) -> None:
    """One table of quantities per analysis, refusals with their reasons below it."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    # A pipe has no width, and a number that is cut to fit one is no number.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    for result in results:
        console.print(f"\n[bold]{result['analysis']}[/bold]{_reference(result['quantities'])}")
        if result["quantities"]:
            table = Table(box=SIMPLE_HEAD, pad_edge=False)
            for heading in ("", "of"):
                table.add_column(heading, overflow="fold")
            for heading in ("value", "u"):
                table.add_column(heading, justify="right", no_wrap=True, min_width=7)
            table.add_column("unit", no_wrap=True, min_width=2)
            table.add_column("verdict", overflow="fold")
            for q in result["quantities"]:
                value, u = shown(q["value"], q["u"])
                table.add_row(q["name"].replace("_", " "), escape(q["label"]), value, u, q["unit"], q["verdict"])
            console.print(table)
        for flag, labels in _flags(result["quantities"]).items():
            console.print(f"flag: {escape(flag)} [dim]({escape(labels)})[/dim]", soft_wrap=True)
        for refusal in result["refusals"]:
            label = f" ({refusal['label']})" if refusal.get("label") else ""
            words = escape(f"no number{label}: {refusal['reason']}")
            console.print(f"{words} [dim]\\[{refusal['code']}][/dim]", soft_wrap=True)
        for flag in result.get("flags", []):
            if flag not in _flags(result["quantities"]):
                console.print(f"note: {escape(flag)}", soft_wrap=True)


def _reference(quantities: list[dict[str, Any]]) -> str:
    """The reference electrode, where all potentials of a table have the same."""
    said = {q["method"].partition("; vs ")[2] for q in quantities if q["unit"] == "V"} - {""}
    return f", potentials vs {said.pop()}" if len(said) == 1 else ""


def _flags(quantities: list[dict[str, Any]]) -> dict[str, str]:
    """Each flag once, with whose it is."""
    whose: dict[str, list[str]] = {}
    for q in quantities:
        for flag in q["flags"]:
            whose.setdefault(flag, []).append(q["label"])
    everybody = {q["label"] for q in quantities}
    return {flag: "all" if set(ls) == everybody else ", ".join(dict.fromkeys(ls)) for flag, ls in whose.items()}


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
