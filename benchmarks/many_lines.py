"""Sixty-four instruments on sixty-four lines, each read ten times a second: does the reader keep up?

    python benchmarks/many_lines.py [--lines 64] [--rate 10] [--seconds 20] [--load 2] [--together]

The instruments are simulated source-measure units, each with a resistor of its own, on TCP ports
of a server in a process of its own. The reader is this process: one thread per line, absolute
deadlines on the lab clock, the query, the reply as a frame, limits, recorder and the one store of
the run. The lines' deadlines are spread over the interval, as those of lines that were started one
after the other; with ``--together`` all fall on the same moment, which is the worst case.

*Asked* is how late a query went out, *stored* how long after its deadline the reading was in the
journal; the second has the instrument's own time in it (integration, latency). ``--load`` measures once
more beside so many processes that do nothing but calculate. Bars: the 99th percentile of *asked* at
most 5 ms and at most a quarter of a core, without other load, on 2 cores. Every current is compared
with potential / resistance, so that a reply on the wrong line would show.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from luggin.clock import Cancel, RealClock
from luggin.engine.limits import Limit, LimitGuard
from luggin.engine.recorder import Recorder
from luggin.records import CURRENT, POTENTIAL, Frame, Schema
from luggin.store import StoreWriter
from luggin.transport import Transport, open_line

POTENTIAL_V = 0.1
SETTINGS = (
    b'SOUR:FUNC VOLT;:SENS:FUNC "CURR"',
    b"SENS:CURR:RANG:AUTO ON",
    b"SENS:CURR:NPLC 0.01",
    b"SOUR:VOLT 0.1",
    b"OUTP ON",
)
QUERY = b'READ? "defbuffer1", SOUR, READ\n'
BAR_LATE_MS, BAR_CORE = 5.0, 0.25


def resistance(number: int) -> float:
    """Ohms on the leads of instrument ``number``."""
    return 1000.0 + 100.0 * number


def serve(lines: int, pipe) -> None:
    """The process of the instruments."""
    from luggin_sim import SIMULATOR

    tables = {
        f"smu{n}": {
            "dialect": "keithley.2450",
            "model": "2450",
            "address": f"TCPIP0::smu{n}.lab::5025::SOCKET",
            "cell": {"kind": "resistor", "resistance": f"{resistance(n):g} ohm"},
        }
        for n in range(lines)
    }
    stop = threading.Event()
    threading.Thread(target=lambda: (pipe.recv(), stop.set()), daemon=True).start()
    SIMULATOR.serve(tables, 1.0, None, lambda said: pipe.send(dict(said["resources"])), stop.is_set)
    pipe.send(time.process_time())


def calculate() -> None:
    """What other programs of the computer do."""
    while True:
        sum(range(1000))


@dataclass
class Seen:
    """What happened on one line: seconds behind the deadline, and the currents."""

    asked: list[float]
    stored: list[float]
    currents: list[float]


def poll(
    line: Transport, clock: RealClock, writer: StoreWriter, number: int, start: float, rate: float, end: Cancel
) -> Seen:
    """Read one line at its deadlines until the token is set."""
    schema = Schema(f"smu{number}", (POTENTIAL, CURRENT))
    guard = LimitGuard([Limit("current", -1e-3, 1e-3, "A", rows=3)], schema)
    recorder = Recorder(writer, schema, step=1, attempt=1, zero=start)
    seen = Seen([], [], [])
    turn = 0
    while True:
        due = start + turn / rate
        if not clock.wait_until(due, end):
            return seen
        seen.asked.append(clock.now() - due)
        line.write(QUERY)
        reply = line.read_line(cancel=end)
        if reply is None:
            seen.asked.pop()
            return seen
        potential, current = map(float, reply.split(b","))
        frame = Frame(schema, clock.now(), [(potential, current)])
        trip = guard.check(frame)
        recorder.append(frame)
        seen.stored.append(clock.now() - due)
        seen.currents.append(current)
        if trip is not None:
            raise SystemExit(trip.describe())
        turn += 1  # no deadline is left out: what is late is asked late, and counts as that


def measure(resources: dict[str, str], rate: float, seconds: float, together: bool, folder: Path) -> str:
    clock = RealClock()
    end = clock.cancel()
    lines = [open_line(resource, clock) for resource in resources.values()]
    for line in lines:
        for command in SETTINGS:
            line.write(command + b"\n")
        line.write(b"*OPC?\n")
        line.read_line()
    results: list[Seen | None] = [None] * len(lines)
    with StoreWriter.create(folder, {}, host_clock=clock) as writer:
        begin = clock.now() + 1.0

        def work(number: int) -> None:
            start = begin + (0.0 if together else number / len(lines) / rate)
            results[number] = poll(lines[number], clock, writer, number, start, rate, end)

        workers = [clock.start_worker(f"line {n}", lambda n=n: work(n)) for n in range(len(lines))]
        clock.wait_until(begin)
        cpu = time.process_time()
        clock.wait_until(begin + seconds)
        cpu = time.process_time() - cpu
        end.set()
        for worker in workers:
            worker.join()
        rows = sum(writer.rows(f"smu{n}") for n in range(len(lines)))
    for line in lines:
        line.write(b"OUTP OFF\n")
        line.close()
    return verdict([seen for seen in results if seen], rows, cpu / seconds, len(lines) * rate * seconds)


def verdict(results: list[Seen], rows: int, core: float, wanted: float) -> str:
    for number, seen in enumerate(results):
        expected = POTENTIAL_V / resistance(number)
        if not np.allclose(seen.currents, expected, rtol=0.01):
            raise SystemExit(f"line {number} read {np.mean(seen.currents):g} A instead of {expected:g} A")
    asked, stored = (np.concatenate([getattr(seen, name) for seen in results]) * 1e3 for name in ("asked", "stored"))
    held = np.quantile(asked, 0.99) <= BAR_LATE_MS and core <= BAR_CORE
    return (
        f"{rows} readings of {wanted:.0f}; asked p50 {np.median(asked):.2f}, p99 {np.quantile(asked, 0.99):.2f}, "
        f"most {asked.max():.1f} ms late; stored p50 {np.median(stored):.2f}, p99 {np.quantile(stored, 0.99):.2f} ms "
        f"after the deadline; reader {core * 100:.1f} % of a core; bars {'held' if held else 'NOT held'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=64)
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--load", type=int, default=2, help="busy processes of the second measurement; 0: none")
    parser.add_argument("--together", action="store_true", help="the same deadlines on all lines")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(options.lines, there))
    server.start()
    there.close()  # so that the end of the server is noticed
    place = Path(tempfile.mkdtemp())
    burners = []
    try:
        resources = here.recv()
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        print(f"{options.lines} lines, {options.rate:g} readings/s each, {options.seconds:g} s; ", end="")
        print("the same deadlines on all" if options.together else "deadlines spread")
        for load in dict.fromkeys((0, options.load)):
            burners = [context.Process(target=calculate, daemon=True) for _ in range(load)]
            for burner in burners:
                burner.start()
            average = os.getloadavg()[0]
            said = measure(resources, options.rate, options.seconds, options.together, place / f"run{load}")
            print(f"beside {load} busy processes (load average {average:.1f} before): {said}", flush=True)
        here.send("stop")
        print(f"the process of the instruments: {here.recv():.1f} s of CPU in all")
        server.join()
    finally:
        for process in (*burners, server):
            process.kill()
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
