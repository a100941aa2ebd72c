"""The command that serves simulated instruments to other processes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from luggin import plugins as plugin_manager
from luggin.cli.output import echo_json


@click.command()
@click.argument("bench", type=click.Path(path_type=Path), required=False)
@click.option(
    "--speed",
    type=click.FloatRange(min=0.01, max=100000),
    default=1.0,
    show_default=True,
    help="Lab seconds per second.",
)
@click.option(
    "--log", "log_folder", type=click.Path(path_type=Path), help="Folder for a log of everything the instruments send."
)
@click.option("--write-bench", type=click.Path(path_type=Path), help="Where to write the bench file for these ports.")
@click.option("--json", "as_json", is_flag=True, help="Announce the ports as one JSON object.")
def sim(bench: Path | None, speed: float, log_folder: Path | None, write_bench: Path | None, as_json: bool) -> int:
    """Serve the simulated instruments of BENCH on serial ports until Ctrl-C.

    Prints a port for each instrument and writes a bench file that names them, so that a run in
    another window (or another program) drives them like real ones. Without BENCH it serves the
    built-in bench.
    """
    from luggin.bench import live_bench_text, load_bench
    from luggin.signals import SignalWatch

    plugins = plugin_manager.load()
    simulator = plugins.simulator()
    if bench is None:
        loaded = load_bench(text=simulator.default_bench_text(), drivers=list(plugins.drivers()))
    else:
        from luggin.cli.running import read_bench

        loaded = read_bench(bench, plugins)
    stop = threading.Event()
    target = write_bench or Path(f"{bench.stem if bench else 'built-in'}.live.toml")

    def announce(status: Mapping[str, Any]) -> None:
        address = "tcp://{host}:{port}".format(**status["control"])
        target.write_text(live_bench_text(loaded, dict(status["resources"]), address), encoding="utf-8")
        if as_json:
            echo_json({**status, "bench": str(target)})
        else:
            click.echo(f"SIMULATED instruments, speed {speed:g}:")
            for name, port in dict(status["resources"]).items():
                click.echo(f"  {name:12} {port}")
            click.echo(f"bench file {target}; use it with: luggin run PROTOCOL --bench {target}\nCtrl-C ends it.")

    with SignalWatch(lambda count, name: stop.set()):
        simulator.serve(loaded.simulated_tables, speed, log_folder, announce, stop.is_set)
    return 0
