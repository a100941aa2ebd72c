"""The command that opens what a limit has closed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from luggin.cli.output import echo_json


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--bench", "bench_path", type=click.Path(path_type=Path), help="Clear the lines of this bench instead.")
@click.option("--note", default="", help="What was found; it is recorded in the run.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else.")
def clear(folder: Path | None, bench_path: Path | None, note: str, as_json: bool) -> int:
    """Say that the cell was looked at after a limit stopped the run in FOLDER.

    Until then the run is not taken up again, and no other run uses its instruments. Without FOLDER
    it lists what is closed on this computer; with --bench it opens the lines of that bench.
    """
    from luggin.engine.latch import all_latched, clear_run, lines_of
    from luggin.engine.latch import clear as clear_lines

    if folder is not None and bench_path is not None:
        raise click.UsageError("FOLDER clears a run and the lines that it closed, --bench the lines of a bench")
    if folder is None and bench_path is None:
        if note:
            raise click.UsageError("--note is recorded in the run in FOLDER; give one")
        closed = all_latched()
        if as_json:
            echo_json({"latched": [asdict(one) for one in closed]})
        else:
            click.echo("\n".join(str(one) for one in closed) or "no line of this computer is closed")
        return 0
    trip = ""
    if folder is not None:
        trip, opened = clear_run(folder, note)
    else:
        from luggin import plugins as plugin_manager
        from luggin.bench import load_bench

        opened = clear_lines(lines_of(load_bench(bench_path, drivers=list(plugin_manager.load().drivers()))))
    if as_json:
        run = None if folder is None else str(folder)
        echo_json({"run": run, "trip": trip, "note": note, "cleared": [asdict(one) for one in opened]})
        return 0
    if trip:
        click.echo(f"{folder}: cleared ({trip}); go on with: luggin resume {folder}")
    for one in opened:
        click.echo(f"{one.resource}: open again")
        if bench_path is not None:
            click.echo(f"        the run itself is taken up after: luggin clear {one.run}")
    if not trip and not opened:
        click.echo(f"{bench_path}: none of its lines was closed")
    return 0
