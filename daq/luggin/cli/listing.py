"""How ``luggin list`` and ``luggin show`` look."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from luggin.cli.output import print_results, shown
from luggin.units import show_duration

if TYPE_CHECKING:
    from rich.console import Console

    from luggin.catalog import Entry, Found

_SYMBOLS = {
    "half_wave_potential": "E1/2",
    "activation_energy": "Ea",
    "ionic_conductivity": "sigma",
    "specific_discharge_capacity": "Q",
    "capacity_retention": "retention",
}
_WITHOUT_END = {
    "running": "running: a process is writing it now",
    "cut off": "cut off: its program was killed or the power went; `luggin resume` takes it up again",
}
_MOST_RESULTS = 6


def print_list(found: Found) -> None:
    """One row for each run, and below it what is wrong with some of them."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    console = _console()
    if found.entries:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for heading in ("begun", "run", "sample", "title"):
            table.add_column(heading, overflow="fold")
        table.add_column("outcome", min_width=9, overflow="fold")
        table.add_column("results", overflow="fold")
        short = dict(zip((e.name for e in found.entries), _short_names([e.name for e in found.entries]), strict=True))
        for entry in found.entries:
            cells = (_begun(entry), short[entry.name], entry.sample, entry.title, _outcome(entry))
            table.add_row(*(escape(_plain(cell)) for cell in cells), escape("\n".join(_results(entry))))
        console.print(table)
    else:
        click.echo("no run fits")
    for entry in found.entries:
        if entry.problem:
            console.print(f"{escape(entry.name)}: {escape(_plain(entry.problem))}", soft_wrap=True)
    for name, what in found.others:
        console.print(f"{escape(_plain(name))}: {what}", soft_wrap=True)


def print_summary(summary: Mapping[str, Any]) -> None:
    """One run: what, how it ended, under which conditions, step by step, what went wrong, and where the rows are."""
    click.echo(f"{_plain(summary['title']) or '(no title)'}{_mark(summary)}")
    for name, text in _facts(summary):
        click.echo(f"  {name:12} {_plain(text)}")
    _print_steps(summary["steps"])
    for line in (*_preflights(summary), *_interruptions(summary), *_faults(summary)):
        click.echo(_plain(line))
    if summary["results"]:
        print_results(summary["results"])
    click.echo("\nrows")
    for stream, rows in summary["streams"].items():
        click.echo(f"  {stream:12} {rows}")
    click.echo(f"  in xarray    xarray.open_zarr({summary['data']!r}, group={_first(summary)!r})")
    click.echo(f"  in Python    luggin.open({summary['run']!r})[{_first(summary)!r}].to_xarray()")
    for problem in summary["problems"]:
        click.echo(f"problem: {_plain(problem)}")


def _facts(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "run", summary["run"]
    ended = f" to {_local(summary['ended'])}" if summary["ended"] else ""
    if summary["started"]:
        yield "time", f"{_local(summary['started'])}{ended}"
    if summary["speed"] != 1:
        yield "clock", f"durations are laboratory time, {summary['speed']:g} times as fast as the clock on the wall"
    outcome = _WITHOUT_END.get(summary["outcome"], summary["outcome"])
    yield "outcome", outcome + (f": {summary['error']}" if summary["error"] else "")
    source = summary["source"]
    if source:
        yield (
            "source",
            f"{source.get('file', '')} ({source.get('bytes', '?')} bytes), by the reader {source.get('reader', '')}",
        )
        yield "SHA-256", str(source.get("sha256", ""))
        yield "kept as", f"{summary['run']}/{source.get('kept', '')}"
        yield "imported", _local(str(source.get("imported_at", "")))
    else:
        yield "protocol", str(summary["protocol"]["name"])
        yield "bench", str(summary["bench"] or "the built-in simulated bench")
    for name, value in summary["sample"].items():
        yield ("sample" if name == "id" else name.replace("_", " ")), _words(value)
    for limit in summary["limits"]:
        yield "limit", f"{limit['words']}, else {str(limit['then']).replace('_', ' ')}"
    for instrument in summary["instruments"]:
        said = " ".join(str(instrument[k]) for k in ("maker", "model", "serial") if instrument[k])
        yield instrument["role"], f"{said}, firmware {instrument['firmware'] or 'not given'}"


def _print_steps(steps: Sequence[Mapping[str, Any]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("step", "do", "id", "attempt", "rows", "took", "status"):
        table.add_column(
            heading, justify="right" if heading in ("attempt", "rows", "took") else "left", overflow="fold"
        )
    for step in steps:
        took = "" if step["ended"] is None else show_duration(step["ended"] - step["started"])
        status = step["status"] + (", done again after a stop" if step["re_established"] else "")
        if step["error"]:
            status += f": {step['error']}"
        cells = (step["path"], step["do"], step["id"], str(step["attempt"]), str(step["rows"] or ""), took, status)
        table.add_row(*(escape(_plain(cell)) for cell in cells))
    if steps:
        _console().print(table)
    else:
        click.echo("no step was begun")


def _preflights(summary: Mapping[str, Any]) -> Iterator[str]:
    """The verdict of every look at the cell, and the checks that it did not pass."""
    for look in summary["preflights"]:
        again = f", attempt {look['attempt']}" if look["attempt"] > 1 else ""
        on = f"; the run went on: {look['went_on']}" if look["went_on"] else ""
        yield f"pre-flight, step {look['path']}{again}: {look['verdict']}{on}"
        yield from (f"pre-flight: {check['said']}" for check in look["checks"] if check["verdict"] != "passed")


def _interruptions(summary: Mapping[str, Any]) -> Iterator[str]:
    for resume in summary["resumes"]:
        when = _local(resume["utc"] or "")
        yield f"taken up again {when}{_gap(resume)}; the store: {resume['recovery'] or 'not recorded'}"
    for stream, rows in summary["rows_after_a_gap"].items():
        yield f"{rows} rows of {stream} follow a gap in the readings; nothing was filled in"


def _faults(summary: Mapping[str, Any]) -> Iterator[str]:
    """What a guardian had to do, and what went wrong beside the run."""
    for intervention in summary["interventions"]:
        yield f"guardian: {intervention['words']}"
    for fault in summary["observer_faults"]:
        who = f"observer {fault['observer']}" if fault["observer"] else "observers"
        whose = f" of {fault['plugin']}" if fault["plugin"] else ""
        yield f"{who}{whose}: {fault['what']}"
    for fault in summary["plugin_faults"]:
        yield f"plugin {fault['plugin']}: {fault['what']}"


def _gap(resume: Mapping[str, Any]) -> str:
    """How long nothing was measured: by the clock on the wall, as one would tell it."""
    if resume["utc"] is None or resume["gap"]["from_utc"] is None:
        return ""
    gap = datetime.fromisoformat(resume["utc"]) - datetime.fromisoformat(resume["gap"]["from_utc"])
    return f", {show_duration(gap.total_seconds())} after the last row"


def _first(summary: Mapping[str, Any]) -> str:
    """The stream that a person most likely wants: the one with most rows."""
    streams = {name: rows for name, rows in summary["streams"].items() if name != "events"}
    return max(streams, key=lambda name: streams[name]) if streams else "cv"


def _console() -> Console:
    from rich.console import Console

    # A pipe has no width, and a number that is cut to fit one is no number.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 140)


def _begun(entry: Entry) -> str:
    """When the run began; of an imported one, which does not know, the date of its file in brackets."""
    if entry.started is None and not entry.imported:
        return ""
    said = datetime.fromtimestamp(entry.dated).astimezone().strftime("%Y-%m-%d %H:%M %z")
    return said if entry.started is not None else f"({said})"


def _local(utc: str) -> str:
    """A time of day in UTC as local time with its offset."""
    try:
        return datetime.fromisoformat(utc).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return utc


def _mark(summary: Mapping[str, Any]) -> str:
    if summary["simulated"]:
        return "  SIMULATED: no real instrument was used"
    return "  IMPORTED: measured elsewhere" if summary["imported"] else ""


def _outcome(entry: Entry) -> str:
    mark = " SIMULATED" if entry.simulated else " IMPORTED" if entry.imported else ""
    return entry.outcome + mark


def _results(entry: Entry) -> Iterator[str]:
    """The headline quantities with their uncertainty; where there is none, why."""
    said = []
    for result in entry.results:
        for q in result["quantities"]:
            value, u = shown(q["value"], q["u"])
            number = f"{value} (no uncertainty)" if u == "-" else f"{value} \N{PLUS-MINUS SIGN} {u}"
            unit = "" if q["unit"] == "1" else f" {q['unit']}"
            name = _SYMBOLS.get(q["name"], q["name"].replace("_", " "))
            said.append(_plain(f"{name} {q['label']}: {number}{unit}"))
        if not result["quantities"]:
            reasons = ", ".join(dict.fromkeys(r["code"] for r in result["refusals"])) or "nothing"
            said.append(_plain(f"{result['analysis']}: no number ({reasons})"))
    yield from said[:_MOST_RESULTS]
    if len(said) > _MOST_RESULTS:
        yield f"... and {len(said) - _MOST_RESULTS} more"


def _short_names(names: Sequence[str]) -> list[str]:
    """Each name up to its first ``_`` where that is enough to tell it from the others."""
    begins = [name.partition("_")[0] for name in names]
    return [b if sum(n.startswith(b) for n in names) == 1 else n for b, n in zip(begins, names, strict=True)]


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_words(item) for item in value)
    return str(value)


def _plain(text: object) -> str:
    """One line without what a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
