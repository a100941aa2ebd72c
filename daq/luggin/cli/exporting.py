"""The command that writes a run in another format."""

from __future__ import annotations

from pathlib import Path

import click

from luggin import plugins as plugin_manager
from luggin.cli.output import echo_json
from luggin.errors import RunFolderError, UsageError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.argument("format_name", metavar="FORMAT", required=False)
@click.option("--output", type=click.Path(path_type=Path), help="What to write (default: FORMAT in the run folder).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else.")
def export(folder: Path | None, format_name: str | None, output: Path | None, as_json: bool) -> int:
    """Write the run in FOLDER in another FORMAT. Without a format it lists what there is."""
    exporters = plugin_manager.load().exporters()
    if folder is None or format_name is None:
        if as_json:
            echo_json({"formats": {name: exporter.title for name, exporter in exporters.items()}})
        else:
            for name, exporter in exporters.items():
                click.echo(f"{name:16} {exporter.title}")
        return 0
    if format_name not in exporters:
        from luggin.documents import did_you_mean

        hint = did_you_mean(format_name, exporters) or f"There are {', '.join(exporters)}."
        raise UsageError(f"there is no format {format_name!r}. {hint}")
    if not (folder / "run.log").is_file():
        raise RunFolderError(f"{folder}: not a run folder (it has no run.log).")
    exporter = exporters[format_name]
    target = output or folder / f"{format_name}{exporter.suffix}"
    if target.exists():
        raise UsageError(f"{target} exists already; nothing is written over. Give another place with --output.")
    exporter.write(folder, target)
    if as_json:
        echo_json({"run": str(folder), "format": format_name, "written": str(target)})
    else:
        click.echo(target)
    return 0
