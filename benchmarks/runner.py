"""CPU of the runner per point, without a simulator: recorded bytes -> driver -> limits -> journal -> zarr.

    python benchmarks/runner.py

A voltammogram is run once on the simulated bench and every byte on the line is kept. Then the same
protocol runs against that tape, one line per read, so that each frame has one row: the worst case.
Prints microseconds of CPU per row of the whole process (all its threads), beside a calibration loop,
and with cProfile's share of the modules if `--profile` is given.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import pstats
import shutil
import statistics
import sys
import tempfile
import time
import types
from pathlib import Path

from luggin import plugins as plugin_manager
from luggin.bench import load_bench
from luggin.engine.protocols import plan_of, run_protocol
from luggin.hookspecs import hookimpl
from luggin.steps import load_protocol
from luggin.transport import Transport

PROTOCOL = """
title = "tape"
limits = [
  {column = "potential", between = ["-2.0 V", "1.0 V"]},
  {column = "current", between = ["-100 uA", "100 uA"], for = "3 rows"},
]
steps = [
  {do = "cv", begin = "0 V vs ref", vertices = ["-1.7 V", "0.2 V"], rate = "25 mV/s", step = "1 mV", cycles = 2},
]
[sample]
id = "tape"
wiring = "three-electrode"
working = {material = "glassy carbon"}
counter = {material = "Pt"}
reference = {electrode = "Ag/AgCl"}
"""


class Recording(Transport):
    """Keeps what goes over another line."""

    def __init__(self, line, tape):
        super().__init__(line.resource, line.clock, terminator=line.terminator, timeout=line.timeout)
        self._line, self._tape = line, tape

    def _read_chunk(self, until, cancel):
        data = self._line._read_chunk(until, cancel)  # noqa: SLF001 - the same line, one layer up
        self._tape.extend(("<", part + b"\n") for part in data.split(b"\n")[:-1])
        return data

    def _write(self, data):
        self._tape.append((">", data))
        self._line._write(data)  # noqa: SLF001

    def close(self):
        self._line.close()


class Tape(Transport):
    """Answers as the recorded line did, one line of text per read."""

    def __init__(self, resource, clock, tape):
        super().__init__(resource, clock)
        self._tape, self._at = tape, 0

    def _write(self, data):
        while self._tape[self._at][0] != ">":
            self._at += 1
        self._at += 1

    def _read_chunk(self, until, cancel):
        if self._at >= len(self._tape) or self._tape[self._at][0] == ">":
            self.clock.wait_until(until)
            return b""
        self._at += 1
        return self._tape[self._at - 1][1]

    def close(self):
        pass


def calibration() -> float:
    """Seconds for a fixed piece of pure Python: how fast this machine is just now."""
    start, total = time.process_time(), 0
    for number in range(2_000_000):
        total += number * number & 7
    return time.process_time() - start


def line_plugin(make):
    module = types.ModuleType("line")

    @hookimpl
    def luggin_open_transport(resource, clock, settings):
        return make(resource, clock, settings)

    module.luggin_open_transport = luggin_open_transport
    return module


def run(plugins, folder):
    bench = load_bench(text=plugins.simulator().default_bench_text(), drivers=list(plugins.drivers()))
    loaded = load_protocol(text=PROTOCOL)
    from dataclasses import replace

    finished = run_protocol(loaded, replace(plan_of(loaded, bench), folder=folder), plugins)
    if finished.error:
        raise finished.error


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp())
    tape: list[tuple[str, bytes]] = []

    def recording(resource, clock, settings):
        from luggin.transport import SerialTransport

        return Recording(SerialTransport(resource, clock, **settings), tape)

    try:
        run(plugin_manager.load(modules=[line_plugin(recording)]), place / "recorded")
        rows = sum(data.startswith(b"P") for direction, data in tape if direction == "<")
        taped = plugin_manager.load(modules=[line_plugin(lambda r, c, s: Tape(r, c, tape))])
        profile = cProfile.Profile() if options.profile else contextlib.nullcontext()
        costs = []
        for number in range(options.rounds):
            start = time.process_time()
            with profile:
                run(taped, place / str(number))
            costs.append((time.process_time() - start) / rows * 1e6)
        print(f"rows {rows}, frames of one row")
        print(
            f"CPU per row, whole process: median {statistics.median(costs):.1f} us "
            f"(of {', '.join(f'{c:.1f}' for c in costs)})"
        )
        print(f"calibration loop {calibration():.3f} s; python {sys.version.split()[0]}")
        if options.profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(22)
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
