"""What a simulated potentiostat costs per point, and whether the server keeps up.

    python benchmarks/sim_line.py [--speeds 100 1000]

The job is a cyclic voltammogram of 7601 points (0, -1.7, 0.2, 0 V, 1 mV, 25 mV/s, two scans: 304 s
in the lab): through the dialect alone on a resistor, through ``sim://`` in virtual time on a
resistor and on the cell of the built-in bench, and over a pty from a server in a process of its
own. CPU seconds, medians with the spread; a loop of plain arithmetic is timed as well, so that
machines can be compared.
"""

import argparse
import json
import multiprocessing
import platform
import socket
import statistics
import time
import tomllib

import serial

from luggin.clock import VirtualClock
from luggin.transport import SerialTransport
from luggin_sim import SIMULATOR
from luggin_sim.cells import ResistorCell, ResistorSpec
from luggin_sim.dialects.palmsens_methodscript import make

SCRIPT = b"""e
var p
var c
var t
set_pgstat_mode 3
set_range ba 10u
set_autoranging ba 1u 100u
set_e 0
cell_on
timer_start
meas_loop_cv p c 0 -1700m 200m 1m 25m nscans(2)
timer_get t
pck_start
pck_add t
pck_add p
pck_add c
pck_end
endloop
on_finished:
cell_off

"""
POINTS = 7601
ROUNDS = 7
REDOX = tomllib.loads(SIMULATOR.default_bench_text())["simulated"]
RESISTOR = {"cell": {**REDOX["cell"], "cell": {"kind": "resistor", "resistance": "10 kohm"}}}


def arithmetic():
    """Microseconds for 1000 multiply-adds in plain Python."""
    x, start = 1.0, time.process_time()
    for _ in range(100_000):
        x = x * 0.999 + 0.001
    return (time.process_time() - start) * 1e4


def dialect_alone():
    instrument, now, count = make("emstat4-hr", {}, ResistorCell(ResistorSpec(resistance=10e3))), 0.0, 0
    start = time.process_time()
    instrument.feed(SCRIPT, now)
    while (due := instrument.next_due(now)) is not None:
        now = due
        count += instrument.take(now).count(b"P")
    return _per_point(start, count)


def in_process(tables):
    clock, count = VirtualClock(), 0
    lab = SIMULATOR.open_lab(tables, clock)
    with clock.worker("reader"), SerialTransport("sim://cell", clock, url=lab.url("cell")) as line:
        start = time.process_time()
        line.write(SCRIPT)
        while read := line.read_line(5.0):
            count += read.startswith(b"P")
        spent = _per_point(start, count)
    lab.close()
    return spent


def _per_point(start, count):
    if count != POINTS:
        raise SystemExit(f"{count} points came, {POINTS} were expected")
    return (time.process_time() - start) / count * 1e6


def over_pty(speed):
    """Wall time of the scan, and the server's largest lateness in host milliseconds."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=(speed, there))
    server.start()
    said = here.recv()
    with serial.Serial(said["resources"]["cell"], timeout=60) as port:
        stream, start = bytearray(), time.perf_counter()
        port.write(SCRIPT)
        while not stream.endswith(b"\n\n"):
            stream += port.read(port.in_waiting or 1)
        wall = time.perf_counter() - start
    status = _ask(said["control"], "status")
    _ask(said["control"], "stop")
    server.join()
    if stream.count(b"P") != POINTS or status["lines"]["cell"]["lost"]:
        raise SystemExit(f"{stream.count(b'P')} points came, {POINTS} were expected")
    return wall, status["lines"]["cell"]["late"] / speed * 1e3


def _serve(speed, pipe):
    SIMULATOR.serve(REDOX, speed, None, lambda said: pipe.send(dict(said)), lambda: False)


def _ask(address, what):
    with socket.create_connection((address["host"], address["port"])) as connection, connection.makefile("rwb") as file:
        file.write(json.dumps({"ask": what}).encode() + b"\n")
        file.flush()
        return json.loads(file.readline())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speeds", type=float, nargs="*", default=[100.0, 1000.0])
    options = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}, {multiprocessing.cpu_count()} cores")
    for title, job in (
        ("1000 multiply-adds", arithmetic),
        ("dialect alone, per point", dialect_alone),
        ("sim:// with a resistor, per point", lambda: in_process(RESISTOR)),
        ("sim:// with the built-in bench's cell, per point", lambda: in_process(REDOX)),
    ):
        took = sorted(job() for _ in range(ROUNDS))
        print(f"{title:50s} {statistics.median(took):7.2f} us CPU [{took[0]:.2f}, {took[-1]:.2f}]")
    for speed in options.speeds:
        wall, late = over_pty(speed)
        print(f"pty at speed {speed:g}: {wall:.2f} s for 304 s of lab time, at most {late:.2f} ms late")


if __name__ == "__main__":
    main()
