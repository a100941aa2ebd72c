"""What a point of the simulated voltammetric cell costs, and how right it is.

    python benchmarks/cv_engine.py

Prints CPU time per point against the length of the history, of the jobs of a day at the bench,
and the figures of a reversible wave beside theory. A loop of plain arithmetic is timed as well,
so that machines can be compared. All times are CPU seconds of this process.
"""

import math
import os
import platform
import statistics
import time

import numpy as np

from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec
from luggin_sim.cells.redox_spec import FARADAY, GAS_CONSTANT

THERMAL = GAS_CONSTANT * 298.15 / FARADAY

CLUSTER = RedoxSpec(
    chains=(Chain((Couple(-0.476, 0.02), Couple(-1.294, 0.02)), 5e-7, (1.2e-5, 1.1e-5, 1.0e-5)),),
    area=0.0707,
    double_layer_capacitance=2e-6,
    solution_resistance=200.0,
    leak=5e7,
    current_noise=15e-9,
    seed=1,
)
REVERSIBLE = RedoxSpec(chains=(Chain((Couple(0.0, 1e3),), 1e-6, (1e-5, 1e-5)),), area=0.1, leak=1e15)


def triangle(begin, vertex, step):
    count = round(abs(vertex - begin) / step)
    down = np.linspace(begin, vertex, count + 1)[1:]
    return np.concatenate([down, np.linspace(vertex, begin, count + 1)[1:]]).tolist()


def cpu(job):
    start = time.process_time()
    job()
    return time.process_time() - start


def arithmetic_us():
    """Microseconds for 1000 multiply-adds in plain Python."""

    def job():
        x = 1.0
        for _ in range(100_000):
            x = x * 0.999 + 0.001

    return min(cpu(job) for _ in range(5)) / 100 * 1e6


def cost_by_history():
    print("points done    CPU per point (us), median of 10 blocks of 200 [least, most]")
    cell = RedoxCell(CLUSTER)
    cell.step_to(-0.1)
    programme, done = triangle(-0.1, -1.6, 1e-3), 0

    def points(count):
        nonlocal done
        for _ in range(count):
            cell.measure_current(cell.apply(programme[done % len(programme)], 0.04))
            done += 1

    for history in (2_000, 8_000, 20_000, 50_000):
        points(history - done)
        costs = [cpu(lambda: points(200)) / 200 * 1e6 for _ in range(10)]
        print(f"{history:11d}    {statistics.median(costs):6.1f} [{min(costs):.1f}, {max(costs):.1f}]")


def cost_of_jobs():
    cell = RedoxCell(CLUSTER)
    cell.step_to(1.0)
    programme = [1.0, *triangle(1.0, -0.9, 1e-3), *triangle(1.0, -0.9, 1e-3)]

    def voltammogram():
        for potential in programme:
            cell.measure_current(cell.apply(potential, 0.04))

    def jump():
        cell.step_to(-0.9)
        cell.apply(-0.9, 0.04)

    def staircase():
        for potential in programme[:500]:
            cell.step_to(potential)
            cell.apply(potential, 0.04)

    print(f"voltammogram of {len(programme)} points at 25 mV/s: {cpu(voltammogram):.3f} s")
    print(f"new cell: {cpu(lambda: RedoxCell(CLUSTER)) * 1e3:.2f} ms")
    print(f"potential step, first point: {cpu(jump) * 1e3:.2f} ms")
    print(f"open circuit, one hour in one go: {cpu(lambda: cell.rest(3600.0)) * 1e3:.2f} ms")
    print(f"open circuit, one second after another: {cpu(lambda: [cell.rest(1.0) for _ in range(200)]) * 5e3:.1f} us")
    print(f"true staircase: {cpu(staircase) / 500 * 1e6:.0f} us per step")


def vertex(potential, current, index):
    near = slice(index - 1, index + 2)
    a, b, c = np.polyfit(potential[near] - potential[index], current[near], 2)
    return potential[index] - b / (2 * a), c - b * b / (4 * a)


def accuracy():
    print("reversible wave   sqrt(pi) chi (0.44629)   Epc - E1/2 (-28.49 mV)   midpoint (+0.14 mV)")
    unit = FARADAY * 0.1 * 1e-6 * math.sqrt(1e-5 * 0.1 / THERMAL)
    for step in (5e-3, 1e-3, 0.25e-3):
        cell = RedoxCell(REVERSIBLE)
        cell.step_to(0.3)
        potential = np.array(triangle(0.3, -0.53, step))
        current = np.array([cell.apply(e, step / 0.1) for e in potential.tolist()])
        epc, ipc = vertex(potential, current, int(np.argmin(current)))
        epa, _ = vertex(potential, current, int(np.argmax(current)))
        print(
            f"  {step * 1e3:5.2f} mV          {-ipc / unit:.5f} ({(-ipc / unit / 0.44629 - 1) * 100:+.3f} %)"
            f"          {epc * 1e3:+.3f}                {(epa + epc) * 500:+.3f}"
        )


if __name__ == "__main__":
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores, load {load}")
    print(f"1000 multiply-adds in plain Python: {arithmetic_us():.1f} us")
    cost_by_history()
    cost_of_jobs()
    accuracy()
