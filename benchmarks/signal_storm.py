"""Storms of signals at random moments of runs: is every cell off in the end, and every run as it says?

    PYTHONPATH=daq:drivers:plugins:sim_instruments python benchmarks/signal_storm.py [--storms 1000] [--seed 1]

A simulated instrument in a process of its own is driven by a run, and the run gets 1 to 20 signals
(SIGINT, SIGTERM, SIGHUP) with random pauses of 0 to 50 ms, from a random moment on: before its first
row (each fifth time counted from the start of the process), in the middle, or while it ends.
Afterwards the instrument is asked whether its cell is on.

*cells on* must be 0, and so must *hung* (the process was still there after 30 s), *unreadable* and
*wrong words* (an outcome that is neither interrupted nor completed). Runs that were over, or had not
begun, when the storm came are counted as such.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "whole"))

from killing import SAMPLE, Command, Oracle, shown_by_xarray, wait_for

from luggin.analysis import open_run
from luggin.clock import RealClock

PROTOCOL = f"""
title = "a storm"
steps = [
  {{do = "ocp", duration = "2 s", dt = "0.1 s"}},
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "400 mV/s", step = "5 mV", cycles = 8}},
]
{SAMPLE}
"""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: So many seconds of the computer's time after the beginning the storm comes at the latest.
LATEST = 2.5
PATIENCE = 30.0


def storm(oracle: Oracle, place: Path, chance: random.Random, tally: Counter[str]) -> None:
    """One run in one storm."""
    clock, folder, protocol = RealClock(), place / "run", place / "protocol.toml"
    protocol.write_text(PROTOCOL, encoding="utf-8")
    command = Command("run", protocol, "--bench", oracle.bench, "--folder", folder, "--no-report", cwd=place)
    if chance.random() < 0.8:
        wait_for(lambda: not command.is_alive or (folder / "run.log").is_file(), "beginning of the run")
    clock.sleep(chance.uniform(0.0, LATEST))
    for _ in range(chance.randint(1, 20)):
        if not command.is_alive:
            break
        command.signal(chance.choice(SIGNALS))
        clock.sleep(chance.uniform(0.0, 0.05))
    try:
        command.process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        tally["hung"] += 1
        command.kill()
    tally["storms"] += 1
    if oracle.cell_is_on():
        tally["cells on"] += 1
        print(f"{place}: the cell is on, exit code {command.process.returncode}")
    if not (folder / "run.log").is_file():
        tally["before the run began"] += 1
        return
    try:
        outcome = open_run(folder).outcome
        shown_by_xarray(folder)
    except Exception as error:  # noqa: BLE001 - whatever it is, it counts
        tally["unreadable"] += 1
        print(f"{place}: {error!r}")
        return
    if outcome not in ("interrupted", "completed"):
        tally["wrong words"] += 1
        print(f"{place}: {outcome}, exit code {command.process.returncode}")
    tally[outcome] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--storms", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    chance, tally = random.Random(chosen.seed), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="luggin-storms-") as name, Oracle(Path(name) / "oracle") as oracle:
        for number in range(chosen.storms):
            place = Path(name) / f"{number:04}"
            place.mkdir()
            storm(oracle, place, chance, tally)
    bad = ("cells on", "hung", "unreadable", "wrong words")
    for what in ("storms", *bad, "interrupted", "completed", "before the run began"):
        print(f"{what:24}{tally[what]}")
    sys.exit(any(tally[what] for what in bad))


if __name__ == "__main__":
    main()
