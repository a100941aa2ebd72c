"""Commands that keep track of runs: list, show, import."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luggin import plugins as plugin_manager
from luggin.cli.looking import mapping_option, read_foreign, reader_of
from luggin.cli.output import echo_json
from luggin.errors import FileFormatError

if TYPE_CHECKING:
    from luggin.plugins import Plugins
    from luggin.results import Table

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else.")
_OUTCOMES = ("completed", "interrupted", "limit-tripped", "failed", "running", "cut-off", "broken", "vanished")


@click.command("list")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
@click.option("--sample", help="Only runs of this sample.")
@click.option("--technique", help="Only runs with rows of this technique (cv, ocp ...).")
@click.option("--outcome", type=click.Choice(_OUTCOMES, case_sensitive=False), help="Only runs that ended like this.")
@click.option("--since", metavar="DATE", help="Only runs begun since then: 2026-11-20 or 2026-11-20T14:30, local time.")
@click.option("--rebuild", is_flag=True, help="Read every run anew, and forget those that have vanished.")
@_json
def list_runs(
    folder: Path,
    sample: str | None,
    technique: str | None,
    outcome: str | None,
    since: str | None,
    rebuild: bool,
    as_json: bool,
) -> int:
    """List the runs in FOLDER (runs/ if left out), newest first, with their headline results.

    An imported run has the date of its file, in brackets.

    What run folders say of themselves is remembered in a catalog in LUGGIN_HOME; a folder that has
    changed is read again. The catalog is never needed and can be deleted.
    """
    from luggin.catalog import Query, find_runs
    from luggin.cli.listing import print_list
    from luggin.engine.approval import home

    wanted = None if outcome is None else outcome.replace("-", " ")
    query = Query(sample, technique, wanted, None if since is None else _posix(since))
    found = find_runs(folder, query, catalog=home() / "catalog.sqlite", rebuild=rebuild)
    if found.note:
        click.echo(f"note: {found.note}", err=True)
    if as_json:
        others = [{"folder": name, "what": what} for name, what in found.others]
        echo_json({"folder": str(folder), "runs": [entry.to_json() for entry in found.entries], "others": others})
    else:
        print_list(found)
    return 0


def _posix(date: str) -> float:
    """A date or time of day of this computer's zone, or with an offset of its own, as POSIX time (s)."""
    try:
        return datetime.fromisoformat(date).astimezone().timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise click.BadParameter(
            f"{date!r} is not a date like 2026-11-20 or 2026-11-20T14:30", param_hint="--since"
        ) from error


@click.command()
@click.argument("run")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where runs are looked for by the beginning of their name.",
)
@_json
def show(run: str, folder: Path, as_json: bool) -> int:
    """Show RUN: its folder, or as much of its name as no other run has.

    Conditions, steps with their attempts and rows, pre-flights, interruptions, what a guardian did,
    faults of observers and plugins, limits, instruments, results, and where the rows are.
    Works while the run is going on; nothing is written.
    """
    from luggin.analysis import open_run
    from luggin.catalog import resolve_run, summary_of
    from luggin.cli.listing import print_summary

    summary = summary_of(open_run(resolve_run(run, folder)))
    if as_json:
        echo_json(summary)
    else:
        print_summary(summary)
    return 0


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--sample", default="", help="Id of the sample, which foreign files do not say.")
@click.option("--folder", type=click.Path(path_type=Path), help="The run folder (default: a new one below runs/).")
@mapping_option
@_json
def import_file(file: Path, sample: str, folder: Path | None, mapping: Path | None, as_json: bool) -> int:
    """Take FILE of another program in as a run, so that analyse, report and xarray work on it.

    The file is read by the installed readers (`luggin plugins`) and kept in the run, byte for byte.
    The run says of itself that it is imported: no instrument of a bench measured it.
    """
    from luggin.catalog import Origin, import_tables
    from luggin.engine.start import new_folder

    plugins = plugin_manager.load()
    tables, content = _read_whole(file, plugins, mapping)
    reader = reader_of(file, plugins, mapping).name
    target = folder or new_folder(file.stem, sample)
    origin = Origin(file.name, content, reader, file.stat().st_mtime)
    said = tables[0].sample if tables else {}
    import_tables(tables, origin, target, {**said, "id": sample} if sample else said)
    if as_json:
        read = [{"technique": t.technique, "rows": len(t), "complete": t.complete} for t in tables]
        echo_json({"run": str(target), "imported": True, "reader": reader, "tables": read})
    else:
        rows = ", ".join(f"{len(t)} rows of {t.technique}{'' if t.complete else ' (cut short)'}" for t in tables)
        click.echo(f"run     {target}: imported {rows} by the reader {reader}")
        click.echo(f"analyse it with: luggin analyse {target}")
    return 0


def _read_whole(file: Path, plugins: Plugins, mapping: Path | None) -> tuple[tuple[Table, ...], bytes]:
    """Tables and bytes of a file that nobody wrote meanwhile."""
    before = _stamp(file)
    tables = read_foreign(file, plugins, mapping)  # says in words what is wrong with a file that cannot be read
    content = file.read_bytes()
    if _stamp(file) != before:
        raise FileFormatError(f"{file}: it changed while it was read; wait until the program that writes it is done")
    return tables, content


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def __getattr__(name: str) -> click.Command:
    """The commands by their names on the command line, two of which are words of Python."""
    commands: dict[str, click.Command] = {"list": list_runs, "import": import_file}
    if name not in commands:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return commands[name]
