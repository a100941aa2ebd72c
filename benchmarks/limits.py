"""What it costs to check the limits: CPU time per frame of one row, and per row of blocks.

    python benchmarks/limits.py [--rounds 7]

A row is one of a cv (time, potential, current, cycle, range, flags) and inside all limits, as nearly
all rows are. Prints microseconds (median [least, most] of the rounds) beside a calibration loop:
divide by it to compare machines. The bar is 2 us per frame of one row.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from luggin.engine.limits import Limit, LimitGuard
from luggin.records import CURRENT, CURRENT_RANGE, CYCLE, FLAGS, INSTRUMENT_TIME, POTENTIAL, Frame, Schema

SCHEMA = Schema("cv", (INSTRUMENT_TIME, POTENTIAL, CURRENT, CYCLE, CURRENT_RANGE, FLAGS))
ROWS = 50_000
BLOCK = 1000
#: Rows a second, as they are stamped.
PACE = 100.0

TWO = [Limit("potential", -2.0, 1.0, "V"), Limit("current", -1e-4, 1e-4, "A", rows=3)]
RATE = Limit("potential", -1.0, 1.0, "V", kind="rate", over=10.0)
STEEP = Limit("potential", -1e3, 1e3, "V", kind="rate")
POWER = Limit("power", -1.0, 1.0, "W")
CHARGE = Limit("charge", -1.0, 1.0, "C")
CASES = {
    "no limits (flags alone)": [],
    "potential and current": TWO,
    "and power": [*TWO, POWER],
    "and charge": [*TWO, CHARGE],
    "and a rate from row to row": [*TWO, STEEP],
    "and a rate over 10 s": [*TWO, RATE],
    "all of these": [*TWO, POWER, CHARGE, STEEP, RATE],
}


def rows() -> list[tuple[float, float, float, int, float, int]]:
    noise = np.random.default_rng(1).normal(0.0, 1e-6, ROWS).tolist()
    return [(n / PACE, -0.3 + 1e-6 * n, noise[n], 1, 1e-4, 0) for n in range(ROWS)]


def single_rows(limits: list[Limit]) -> float:
    frames = [Frame(SCHEMA, row[0], rows=[row]) for row in rows()]
    check = LimitGuard(limits, SCHEMA).check
    start = time.process_time()
    for frame in frames:
        check(frame)
    return time.process_time() - start


def blocks(limits: list[Limit]) -> float:
    array = np.array(rows(), dtype=SCHEMA.dtype)
    frames = [Frame(SCHEMA, 0.0, array=array[n : n + BLOCK]) for n in range(0, ROWS, BLOCK)]
    check = LimitGuard(limits, SCHEMA).check
    start = time.process_time()
    for frame in frames:
        check(frame)
    return time.process_time() - start


def calibration(_: list[Limit]) -> float:
    """A fixed amount of plain Python per row: a call, two comparisons, one of them chained."""

    def inside(value: float) -> bool:
        return -1.0 <= value <= 1.0

    values = [row[1] for row in rows()]
    start = time.process_time()
    for value in values:
        inside(value)
    return time.process_time() - start


def measured(function: Callable[[list[Limit]], float], limits: list[Limit], rounds: int) -> str:
    found = sorted(function(limits) / ROWS * 1e6 for _ in range(rounds))
    return f"{statistics.median(found):7.3f} [{found[0]:.3f}, {found[-1]:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"{'us of CPU per row':28} {'frames of one row':>24} {f'blocks of {BLOCK}':>24}")
    for name, limits in CASES.items():
        print(f"{name:28} {measured(single_rows, limits, rounds):>24} {measured(blocks, limits, rounds):>24}")
    print(f"{'calibration':28} {measured(calibration, [], rounds):>24}")


if __name__ == "__main__":
    main()
