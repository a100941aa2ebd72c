"""How long a week in the laboratory takes in virtual time.

Nine temperatures with two hours of soak each on a simulated bench, with the circulator's readings as
a monitor each ten seconds, through the engine, the driver, its bytes and the store. The bar: 5 s.

    python benchmarks/virtual_time.py [--dwell "2 h"] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from luggin import plugins as plugin_manager
from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.engine.protocols import Finished, plan_of, run_protocol
from luggin.steps import Vocabulary, load_protocol

BAR = 5.0
TEMPERATURES = (25, 30, 40, 50, 60, 70, 80, 90, 100)

BENCH = """
[instruments.oven]
driver = "julabo.circulator"
resource = "sim://oven"
settings = {model = "cf31", control = "external"}

[simulated.oven]
dialect = "julabo.circulator"
model = "cf31"
latency = "1 ms"
chamber = {sample_lag = "5 min"}
"""

PROTOCOL = """
title = "nine temperatures"
limits = [{column = "temperature", between = ["15 degC", "110 degC"]}]
monitors = [{on = "oven", read = ["temperature"], every = "10 s", stream = "oven"}]
steps = [
  {do = "for_each", var = "T", values = [VALUES], steps = [
    {do = "equilibrate", target = "$T", within = "0.2 K", slope = "0.02 K/min", dwell = "DWELL", timeout = "8 h"}]},
]
[sample]
id = "none"
wiring = "two-electrode, blocking"
electrodes = "Pt"
"""


def ladder(folder: Path, dwell: str) -> Finished:
    plugins = plugin_manager.load()
    values = ", ".join(f'"{t} degC"' for t in TEMPERATURES)
    text = PROTOCOL.replace("VALUES", values).replace("DWELL", dwell)
    loaded = load_protocol(text=text, vocabulary=Vocabulary(plugins.step_types()), name="ladder.toml")
    plan = plan_of(loaded, load_bench(text=BENCH, drivers=list(plugins.drivers())))
    return run_protocol(loaded, replace(plan, folder=folder / "run"), plugins)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dwell", default="2 h")
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    options = parser.parse_args()
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        if options.profile:
            profile.enable()
        finished = ladder(Path(folder), options.dwell)
        profile.disable()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        archive = open_run(finished.folder)
        rows = {name: len(archive.store.array(name)) for name in archive.store.streams}
        lab = float(archive.records[-1]["time"])
    print(f"{finished.outcome}: {lab / 3600:.1f} h of laboratory in {wall:.2f} s ({cpu:.2f} s CPU); rows {rows}")
    print(f"bar {BAR:g} s: {'held' if wall <= BAR else 'NOT HELD'}")
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
