"""Cuts the cable of a running measurement at random moments: does anything hang, is anybody else spoken to?

    PYTHONPATH=daq:drivers:plugins:sim_instruments python benchmarks/cable_cuts.py [--cuts 1000] [--seed 1]

Runs on a simulated bench with two potentiostats of one model, in virtual time. The cable of the one
that measures is pulled at a random moment and plugged in again after 0.1 to 20 s; each fifth time the
two cables are exchanged meanwhile, so that the other instrument answers for a while.

*Hung* (a run that took more than 60 s of the computer's time), *cells on* (either instrument, at the
end), *wrong instrument* (anything but questions about identity was said to the other one, or one of
its readings was stored) and *not completed* must be 0. A step that lost its line more often than the
program allows ends its run in words, and is counted as *given up*.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "whole"))

from killing import BENCH, SAMPLE

from luggin import plugins as plugin_manager
from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.engine.protocols import plan_of, run_protocol
from luggin.steps import Vocabulary, load_protocol

PROTOCOL = f"""
title = "cuts"
steps = [
  {{do = "ocp", duration = "5 s", dt = "0.1 s"}},
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "100 mV/s", step = "5 mV"}},
  {{do = "ca", potential = "-0.3 V vs ref", duration = "10 s", dt = "0.1 s"}},
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.6 V", "0 V"], rate = "100 mV/s", step = "5 mV"}},
]
{SAMPLE}
"""
#: Lab seconds that an undisturbed run takes; cuts fall into the first of them.
LASTS = 45.0
LONGEST = 60
#: What may be said to an instrument before it is known who it is.
HARMLESS = (b"t\n", b"v\n", b"i\n", b"\nZ\n")
ROWS = {"ocp": 50, "cv": 2 * 160 + 1 + 2 * 120 + 1, "ca": 100}


def two_benches() -> str:
    """The bench of the other scripts, with a second instrument of the same kind that no protocol uses."""
    single = BENCH.replace('silence = "600 s"', 'silence = "2 s"')
    tables = single[single.index("[simulated.cell]") :]
    return single + tables.replace("simulated.cell", "simulated.other").replace("seed = 3", "seed = 4")


def one_run(place: Path, plugins: Any, words: Vocabulary, chance: random.Random, tally: Counter[str]) -> None:
    """One run with one to three cuts."""
    loaded = load_protocol(text=PROTOCOL, vocabulary=words, name="p.toml")
    plan = replace(plan_of(loaded, load_bench(text=two_benches(), drivers=list(plugins.drivers()))), folder=place)
    seen: dict[str, Any] = {}

    def begun(run: Any) -> None:
        lab, clock = run.session.lab, run.session.clock
        close = lab.close
        dialect = lab._stations["other"].wire.dialect  # noqa: SLF001 - two of one model differ in nothing else
        dialect._model = replace(dialect._model, serial="ES4HSIM00002")  # noqa: SLF001

        def closing() -> None:
            seen["on"] = [name for name in lab.names if lab.cell_is_on(name)]
            seen["other"] = lab.log("other").received()
            close()

        lab.close = closing

        def cut() -> None:
            for _ in range(chance.randint(1, 3)):
                clock.sleep(chance.uniform(0.5, LASTS / 3))
                if run.outcome != "running":
                    return
                tally["cuts"] += 1
                away, exchanged = chance.uniform(0.1, 20.0), chance.random() < 0.2
                lab.faults("cell").unplug()
                if exchanged:
                    tally["exchanges"] += 1
                    lab.swap("cell", "other")
                    clock.sleep(away / 2)
                    lab.faults("cell").replug()
                    clock.sleep(away / 2)
                    lab.swap("cell", "other")
                else:
                    clock.sleep(away)
                lab.faults("cell").replug()

        run._around.enter_context(clock.worker("run"))  # noqa: SLF001 - who starts workers takes part in the time
        clock.start_worker("somebody with pliers", cut)

    finished = run_protocol(loaded, plan, plugins, on_begin=begun)
    if seen["on"]:
        tally["cells on"] += 1
        print(f"{place.name}: {seen['on']} on")
    said = seen["other"]
    for harmless in HARMLESS:
        said = said.replace(harmless, b"")
    tally["wrong instrument"] += bool(said.strip())
    if said.strip():
        print(f"{place.name}: said to the other: {said!r}")
    archive = open_run(place)
    if finished.error is not None:
        known = any(step.status == "failed" for step in archive.steps)
        tally["given up" if known else "not completed"] += 1
        return
    for stream, rows in ROWS.items():
        done = {s.step: s.attempt for s in archive.steps if s.status == "done"}
        table = archive[stream].to_numpy()
        kept = sum(done.get(int(row["step"])) == row["attempt"] for row in table)
        if stream != "ocp" and kept != rows:
            tally["not completed"] += 1
            print(f"{place.name}: {kept} rows of {stream}, not {rows}")
    tally["completed"] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    chance, tally = random.Random(chosen.seed), Counter[str]()
    plugins = plugin_manager.load()
    words = Vocabulary(plugins.step_types(), {})
    longest = 0.0
    with tempfile.TemporaryDirectory(prefix="luggin-cuts-") as name:
        number = 0
        while tally["cuts"] < chosen.cuts:
            signal.alarm(LONGEST)  # a run that hangs ends this script, loudly
            begun = time.perf_counter()
            one_run(Path(name) / f"{number:05}", plugins, words, chance, tally)
            longest = max(longest, time.perf_counter() - begun)
            signal.alarm(0)
            number += 1
    bad = ("cells on", "wrong instrument", "not completed")
    print(f"{'runs':20}{number}")
    for what in ("cuts", "exchanges", *bad, "given up", "completed"):
        print(f"{what:20}{tally[what]}")
    print(f"{'hung':20}0 (longest run {longest:.1f} s)")
    sys.exit(any(tally[what] for what in bad))


if __name__ == "__main__":
    main()
