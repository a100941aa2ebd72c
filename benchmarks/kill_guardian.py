"""Kills and hangs runs at random moments, and takes the time until the guardian has opened the cell.

    PYTHONPATH=daq:drivers:plugins:sim_instruments python benchmarks/kill_guardian.py [--each 20] [--load 2] [--seed 1]

A simulated instrument in a process of its own goes on measuring whatever happens to the run that
drives it. A run is killed (SIGKILL), stopped as a whole (SIGSTOP), or its worker goes into an endless
loop; then the instrument is asked every few milliseconds whether its cell is still on. Runs that
are ended by Ctrl-C and may not be touched by their guardian go between them.

Read the table like this: *cell off* is the computer's time from the kill (or the beginning of the
hang) to the open cell, which must stay below 2 s; *not opened* and *wrong kills* (a guardian that
acted on a healthy run) must be 0. ``--load`` adds processes that do nothing but take the computer's time.
"""

from __future__ import annotations

import argparse
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "whole"))

from killing import SAMPLE, Command, Oracle, environment, wait_for

from luggin.guardian import read_interventions

RUNNER = Path(__file__).parents[1] / "tests" / "whole" / "guarded_runner.py"
LIMIT_S = 2.0
GIVE_UP_S = 30.0
PROTOCOL = f"""
title = "to be watched over"
steps = [
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "400 mV/s", step = "5 mV", cycles = 2000}},
]
{SAMPLE}
"""
BUSY = "while True: pass"


class Measured:
    """One way of going wrong."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seconds: list[float] = []
        self.not_opened = self.wrong = self.unfinished = 0

    def row(self) -> str:
        if not self.seconds:
            return f"{self.name:22} {'-':>5} {'-':>8} {'-':>8} {'-':>8} {self.not_opened:10} {self.wrong:12}"
        times = sorted(self.seconds)
        late = times[min(len(times) - 1, int(0.99 * len(times)))]
        return (
            f"{self.name:22} {len(times):5} {statistics.median(times):8.3f} {late:8.3f} {times[-1]:8.3f} "
            f"{self.not_opened:10} {self.wrong:12}"
        )


def time_to_open(oracle: Oracle, begun: float) -> float | None:
    """Seconds until the cell is open; None if it stays on."""
    while time.monotonic() - begun < GIVE_UP_S:
        if not oracle.cell_is_on():
            return time.monotonic() - begun
        time.sleep(0.004)
    return None


def measure(oracle: Oracle, folder: Path, begun: float, measured: Measured) -> None:
    seconds = time_to_open(oracle, begun)
    if seconds is None:
        measured.not_opened += 1
        return
    measured.seconds.append(seconds)
    finished = wait_for(lambda: [i for i in read_interventions(folder) if i.finished], "the end of the guardian")
    measured.unfinished += bool(finished[0].open_ends)


def started(oracle: Oracle, home: Path, chance: random.Random) -> Command:
    """A run that has measured for a random while."""
    home.mkdir()
    (home / "protocol.toml").write_text(PROTOCOL, encoding="utf-8")
    run = Command("run", "protocol.toml", "--bench", oracle.bench, "--folder", "run", "--no-report", cwd=home)
    wait_for(lambda: not run.is_alive or oracle.cell_is_on(), "the cell to be on")
    time.sleep(chance.uniform(0.0, 1.0))
    return run


def by_signal(number: int) -> Callable[[Oracle, Path, random.Random, Measured], None]:
    def go(oracle: Oracle, home: Path, chance: random.Random, measured: Measured) -> None:
        run = started(oracle, home, chance)
        if (home / "run" / "guardian.log").exists() or not run.is_alive:
            measured.wrong += 1
            return
        begun = time.monotonic()
        run.signal(number)
        measure(oracle, home / "run", begun, measured)
        run.end()

    return go


def by_endless_loop(oracle: Oracle, home: Path, chance: random.Random, measured: Measured) -> None:
    home.mkdir()
    folder = home / "run"
    folder.mkdir()
    runner = subprocess.Popen(
        [sys.executable, str(RUNNER), str(oracle.bench), str(folder), "spin"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(home),
    )
    with runner:
        if not any(line.startswith("measures") for line in runner.stdout or ()):
            measured.wrong += 1
            return
        measure(oracle, folder, time.monotonic(), measured)


def untouched(oracle: Oracle, home: Path, chance: random.Random, measured: Measured) -> None:
    run = started(oracle, home, chance)
    time.sleep(chance.uniform(0.0, 4.0))
    run.signal(signal.SIGINT)
    run.end()
    measured.wrong += (home / "run" / "guardian.log").exists()
    measured.not_opened += oracle.cell_is_on()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=20, help="runs of each kind")
    parser.add_argument("--load", type=int, default=0, help="busy processes beside them")
    parser.add_argument("--speed", type=float, default=1.0, help="lab seconds per second")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    ways: dict[Measured, Callable[[Oracle, Path, random.Random, Measured], None]] = {
        Measured("killed"): by_signal(signal.SIGKILL),
        Measured("stopped as a whole"): by_signal(signal.SIGSTOP),
        Measured("worker in a loop"): by_endless_loop,
        Measured("ended by Ctrl-C"): untouched,
    }
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(options.load)]
    try:
        with tempfile.TemporaryDirectory() as base, Oracle(Path(base) / "oracle", speed=options.speed) as oracle:
            for number in range(options.each):
                for kind, (measured, go) in enumerate(ways.items()):
                    go(oracle, Path(base) / f"{number}-{kind}", chance, measured)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    print(f"speed {options.speed:g}, {options.load} busy processes beside it")
    print(f"{'cell off (s)':22} {'n':>5} {'median':>8} {'p99':>8} {'most':>8} {'not opened':>10} {'wrong kills':>12}")
    for measured in ways:
        print(measured.row())
    bad = any(m.not_opened or m.wrong or m.unfinished or max(m.seconds, default=0.0) > LIMIT_S for m in ways)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
