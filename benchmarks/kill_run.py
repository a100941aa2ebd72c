"""Kills runs at random moments and compares what is left with what the instrument says that it sent.

    PYTHONPATH=daq:drivers:plugins:sim_instruments python benchmarks/kill_run.py [--kills 200] [--seed 1] [--hangs]

A simulated instrument in a process of its own logs what it sends. A run on it is killed (SIGKILL)
when a random number of rows has been sent; what the store has then is compared with the log, row by
row; every fourth recovery is killed at a random moment and repeated; the run is resumed, and every
fourth resume is killed as well before the last one ends it. With ``--hangs`` a run is stopped
(SIGSTOP) instead of killed: its guardian has to notice, and to kill it.

*cell off* is the time from the kill until the simulator says that its cell is off; nobody but the
guardian switches it off.

Read the table like this: *lost* and *invented* must be 0. *behind* is how many rows had left the
instrument more than 100 ms of the computer's time before the kill and were not stored: this one
depends on the computer, and on what else it does.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "whole"))

from killing import (
    SAMPLE,
    Command,
    Kill,
    Oracle,
    check_against,
    kill_run,
    shown_by_xarray,
    stored_rows,
    wait_for,
)

from luggin.analysis import open_run
from luggin.clock import RealClock
from luggin.store import recover

PROTOCOL = f"""
title = "to be killed"
steps = [
  {{do = "ocp", duration = "2 s", dt = "0.1 s"}},
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "400 mV/s", step = "5 mV", cycles = 4}},
]
{SAMPLE}
"""
ROWS = 20 + 1281
STEPS = [("1", "ocp"), ("2", "cv")]


@dataclass
class Tally:
    """What all kills together left."""

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    invented: int = 0
    unreadable: int = 0
    behind: list[int] = field(default_factory=list)
    unsent: list[int] = field(default_factory=list)
    cell_off: list[float] = field(default_factory=list)
    recoveries: int = 0
    not_completed: int = 0
    different: int = 0

    def add(self, left: Kill) -> None:
        self.kills += 1
        self.acknowledged += left.stored
        self.lost += max(0, left.seen - left.stored)
        self.behind.append(max(0, left.sent_in_time - left.stored))
        self.unsent.append(left.sent - left.stored)


def kill(oracle: Oracle, command: Command, folder: Path, begun: int, rows: int, tally: Tally, **how: bool) -> None:
    """Kill a command, and measure how long its cell stays on."""
    clock = RealClock()
    tally.add(kill_run(oracle, command, folder, begun, rows, late=0.1, **how))
    begun_at = clock.now()
    if oracle.cell_is_on():
        wait_for(lambda: not oracle.cell_is_on(), "open cell")
    tally.cell_off.append(clock.now() - begun_at)


def completed(folder: Path) -> list[tuple[str, str]]:
    """The steps of a run that were completed."""
    return [(step.path, step.do) for step in open_run(folder).steps if step.completed and not step.re_established]


def kill_recovery(folder: Path, place: Path, chance: random.Random, tally: Tally) -> None:
    """Kill ``luggin recover`` somewhere between its start and its end; what it left is for the next one."""
    command = Command("recover", folder, cwd=place)
    RealClock().sleep(chance.uniform(0.1, 0.8))
    if command.is_alive:
        tally.kills += 1
        tally.recoveries += 1
    command.kill()


def one_run(oracle: Oracle, place: Path, chance: random.Random, tally: Tally, hangs: bool) -> None:
    """Kill a run once or twice, then let it end."""
    folder, protocol = place / "run", place / "protocol.toml"
    protocol.write_text(PROTOCOL, encoding="utf-8")
    before = len(oracle.sent.advance().executions)
    command = Command("run", protocol, "--bench", oracle.bench, "--folder", folder, "--no-report", cwd=place)
    kill(oracle, command, folder, before, chance.randrange(1, ROWS), tally, hangs=hangs)
    look(oracle, folder, before, tally)
    if chance.random() < 0.25 and len(completed(folder)) < len(STEPS):
        begun = len(oracle.sent.advance().executions)
        command = Command("resume", folder, "--no-report", cwd=place)
        kill(oracle, command, folder, begun, chance.randrange(1, 1000), tally, resumes=True, hangs=hangs)
        look(oracle, folder, before, tally)
    if chance.random() < 0.25:
        kill_recovery(folder, place, chance, tally)
        look(oracle, folder, before, tally)
    if chance.random() < 0.5:
        rows = stored_rows(folder)
        recover(folder)
        if stored_rows(folder) != rows or str(recover(folder)) != "nothing to do":
            tally.invented += 1
    command = Command("resume", folder, "--no-report", cwd=place)
    code, _, errors = command.end()
    if code != 0 or open_run(folder).outcome != "completed":
        tally.not_completed += 1
        print(f"{folder}: exit code {code}: {errors}")
    tally.different += completed(folder) != STEPS
    look(oracle, folder, before, tally)


def look(oracle: Oracle, folder: Path, before: int, tally: Tally) -> None:
    """Compare the store with the log of the instrument, and let xarray open it."""
    try:
        check_against(oracle, folder, before)
    except AssertionError as error:
        tally.invented += 1
        print(f"{folder}: {error}")
    try:
        shown_by_xarray(folder)
    except Exception as error:  # noqa: BLE001 - whatever it is, it counts
        tally.unreadable += 1
        print(f"{folder}: {error!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hangs", action="store_true", help="stop the runner instead of killing it")
    chosen = parser.parse_args()
    chance, tally = random.Random(chosen.seed), Tally()
    with tempfile.TemporaryDirectory(prefix="luggin-kills-") as name, Oracle(Path(name) / "oracle") as oracle:
        number = 0
        while tally.kills < chosen.kills:
            place = Path(name) / f"{number:04}"
            place.mkdir()
            one_run(oracle, place, chance, tally, chosen.hangs)
            number += 1
    print(f"kills                                   {tally.kills} in {number} runs, {tally.recoveries} of recoveries")
    print(f"rows in the stores after the kills      {tally.acknowledged}")
    print(f"acknowledged rows lost                  {tally.lost}")
    print(f"stores with invented or missing rows    {tally.invented}")
    print(f"stores that xarray could not open       {tally.unreadable}")
    print(f"runs that a resume did not complete     {tally.not_completed}")
    print(f"runs with other steps than undisturbed  {tally.different}")
    print(
        f"rows sent but not stored at the kill    median {statistics.median(tally.unsent):g}, most {max(tally.unsent)}"
    )
    late = sum(1 for rows in tally.behind if rows)
    print(f"kills with rows behind by > 100 ms      {late}, most {max(tally.behind)} rows")
    times = sorted(tally.cell_off)
    print(f"cell off after                          median {statistics.median(times):.2f} s, most {times[-1]:.2f} s")
    sys.exit(bool(tally.lost or tally.invented or tally.unreadable or tally.not_completed or tally.different))


if __name__ == "__main__":
    main()
