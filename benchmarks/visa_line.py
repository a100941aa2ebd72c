"""Questions and blocks over VISA lines: the simulated library in this process, and TCP from a server of its own.

Host microseconds per question (median and spread of rounds of medians; the bars are 20 us in process
and 60 us over TCP), seconds for a block of 100 000 floats (bar 0.2 s, reading and decoding; the
instrument makes it up before), CPU time of a server with 64 instruments that are asked ten times a
second each, and what a read costs whose peer has closed. A loop of plain arithmetic is timed as well,
so that machines can be compared.
"""

import math
import multiprocessing
import platform
import resource
import socket
import statistics
import struct
import time

from luggin.clock import RealClock, VirtualClock
from luggin.errors import LineLost
from luggin.instrument.ieee488 import floats
from luggin.transport import open_line
from luggin_sim import SIMULATOR
from luggin_sim.bench import Lab, Station
from luggin_sim.dialects import DIALECTS
from luggin_sim.ports.messages import MessageWire

ROUNDS, QUESTIONS, FLOATS = 7, 2000, 100_000
ANSWER = b"+1.234567E-06\n"
_BODY = struct.pack(f"<{FLOATS}f", *(math.sin(k * 1e-3) for k in range(FLOATS)))
BLOCK = b"#6%d" % len(_BODY) + _BODY + b"\n"


class Meter:
    """Answers every line with a number, or with a block."""

    cell_is_on = False

    def __init__(self):
        self._input, self._output = b"", b""

    def feed(self, data, now):
        *lines, self._input = (self._input + data).split(b"\n")
        self._output += b"".join(BLOCK if line == b"TRAC?" else ANSWER for line in lines)

    def take(self, now):
        output, self._output = self._output, b""
        return output

    def next_due(self, now):
        return now if self._output else None


class Maker:
    def check(self, model, options):
        return []

    def make(self, model, options, cell):
        return Meter()


def arithmetic():
    x, start = 1.0, time.process_time()
    for _ in range(100_000):
        x = x * 0.999 + 0.001
    return (time.process_time() - start) * 1e4


def question(line):
    took = []
    for _ in range(QUESTIONS):
        start = time.perf_counter()
        if line.exchange(b"READ?\n") != ANSWER[:-1]:
            raise SystemExit("a wrong answer")
        took.append(time.perf_counter() - start)
    return statistics.median(took) * 1e6


def block(line):
    start = time.perf_counter()
    line.write(b"TRAC?\n")
    numbers = floats(line.read_block(timeout=20.0), "f", "little")
    took = time.perf_counter() - start
    if len(numbers) != FLOATS or abs(numbers[1] - 1e-3) > 1e-9:
        raise SystemExit("a wrong block")
    return took


def report(title, unit, job, line):
    took = sorted(job(line) for _ in range(ROUNDS))
    print(f"{title:50s} {statistics.median(took):9.4g} {unit} [{took[0]:.4g}, {took[-1]:.4g}]")


def serve(names, pipe):
    DIALECTS["benchmark.meter"] = Maker()
    cell = {"kind": "resistor", "resistance": "1 kohm"}
    tables = {
        f"smu{n}": {"dialect": "benchmark.meter", "model": "", "address": name, "cell": cell}
        for n, name in enumerate(names)
    }
    SIMULATOR.serve(tables, 1.0, None, lambda said: pipe.send(dict(said)), pipe.poll)
    pipe.send(resource.getrusage(resource.RUSAGE_SELF))


class Server:
    """A server in a process of its own."""

    def __init__(self, count):
        self._pipe, there = multiprocessing.get_context("spawn").Pipe()
        names = [f"TCPIP0::smu{n}::5025::SOCKET" for n in range(count)]
        self._process = multiprocessing.get_context("spawn").Process(target=serve, args=(names, there))
        self._process.start()
        self.resources = self._pipe.recv()["resources"]

    def stop(self):
        """CPU seconds of the server."""
        self._pipe.send("stop")
        usage = self._pipe.recv()
        self._process.join()
        return usage.ru_utime + usage.ru_stime


def many(seconds):
    """Shares of one core that 64 lines with ten questions a second each cost the server and this process."""
    idle = Server(64)
    start = idle.stop()
    server, clock = Server(64), RealClock()
    lines = [open_line(name, clock) for name in server.resources.values()]
    cpu, begin = time.process_time(), clock.now()
    for turn in range(10 * seconds):
        clock.wait_until(begin + turn / 10)
        for line in lines:
            line.exchange(b"READ?\n")
    ours = time.process_time() - cpu
    for line in lines:
        line.close()
    return (server.stop() - start) / seconds, ours / seconds


def closed_peer():
    """CPU seconds of a read with a timeout of 1 s whose peer has closed."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        line = open_line(f"TCPIP0::127.0.0.1::{door.getsockname()[1]}::SOCKET", RealClock())
        door.accept()[0].close()
        cpu = time.process_time()
        try:
            line.read_line(1.0)
        except LineLost:
            return time.process_time() - cpu
    raise SystemExit("nobody noticed that the peer had closed")


def main():
    print(f"{platform.machine()}, Python {platform.python_version()}, {multiprocessing.cpu_count()} cores")
    report("1000 multiply-adds", "us", lambda _: arithmetic(), None)
    for name in ("GPIB0::18::INSTR", "TCPIP0::smu::5025::SOCKET"):
        clock = VirtualClock()
        with Lab({"smu": Station(MessageWire(Meter()), None, name)}, clock) as lab, clock.worker("asker"):
            with open_line("sim://smu", clock, url=lab.url("smu")) as line:
                report(f"in process, {name}: question", "us", question, line)
                report(f"in process, {name}: block", "s", block, line)
    server = Server(1)
    with open_line(server.resources["smu0"], RealClock(), timeout=20.0) as line:
        report("TCP: question", "us", question, line)
        report("TCP: block", "s", block, line)
    server.stop()
    theirs, ours = many(5)
    print(f"64 lines, 10 questions/s each: server {theirs:.1%} of a core, asking {ours:.1%}")
    print(f"a read whose peer has closed: {closed_peer() * 1e3:.2f} ms of CPU")


if __name__ == "__main__":
    main()
