"""What storing costs: the acknowledge path at one row per frame, and blocks from Frame to commit.

    PYTHONPATH=daq python benchmarks/storage.py [--rounds 5] [--folder DIR]

Each figure is the median of some rounds with the spread beside it. CPU is that of the whole
process (publisher and syncer included). The calibration loop is plain Python work: divide by it to
compare computers. Raw append is one write(2) of the packed rows, the least that any storage does.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from luggin.records import CURRENT, CYCLE, FLAGS, POTENTIAL, STEP, TIME, Frame, Schema
from luggin.store import StoreWriter

CV = Schema("cv", (TIME, POTENTIAL, CURRENT, CYCLE, FLAGS, STEP))
FAST = Schema("fast", (TIME, POTENTIAL, CURRENT, FLAGS))


class HostClock:
    def now(self) -> float:
        return time.monotonic()


def readings(schema: Schema, rows: int) -> np.ndarray:
    """Numbers as an instrument gives them: quantised, with noise."""
    rng = np.random.default_rng(0)
    k = np.arange(rows)
    table = np.zeros(rows, schema.dtype)
    table["time"] = k * 1e-3
    table["potential"] = np.round((0.7 * np.sin(k / 5000) + rng.normal(0, 2e-5, rows)) / 1e-5) * 1e-5
    table["current"] = np.round((0.1 + rng.normal(0, 1e-6, rows)) / 1e-7) * 1e-7
    return table


def calibration() -> float:
    """Microseconds of CPU for one turn of a loop of plain Python."""
    begin = time.process_time()
    total = 0
    for k in range(300_000):
        total += k & 7
    return (time.process_time() - begin) / 300_000 * 1e6


def raw_append(folder: Path, rows: int) -> tuple[float, float, float]:
    pack = CV.row_struct.pack
    row = tuple(readings(CV, 1)[0].tolist())
    fd = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(rows):
        os.write(fd, pack(*row))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    os.close(fd)
    return wall / rows * 1e6, cpu / rows * 1e6, 0.0


def single_rows(folder: Path, rows: int) -> tuple[float, float, float]:
    """One row per frame; latency of each append in us (the 99.9th percentile is the third figure)."""
    frames = [Frame(CV, 0.0, rows=[row]) for row in readings(CV, rows).tolist()]
    took = np.empty(rows)
    clock = time.perf_counter
    with StoreWriter.create(folder / "single", {}, host_clock=HostClock()) as writer:
        cpu = time.process_time()
        begin = clock()
        for frame in frames:
            writer.append(frame)
        wall = clock() - begin
        cpu = time.process_time() - cpu
        for k, frame in enumerate(frames):
            at = clock()
            writer.append(frame)
            took[k] = clock() - at
    return wall / rows * 1e6, cpu / rows * 1e6, float(np.quantile(took, 0.999)) * 1e6


def blocks(schema: Schema, chunk_rows: int) -> Callable[[Path, int], tuple[float, float, float]]:
    """Blocks of 10 000 rows; from the first append until everything is committed."""

    def measure(folder: Path, rows: int) -> tuple[float, float, float]:
        # Every block is another: repeated numbers would compress better and faster than readings do.
        table = readings(schema, rows + 10_000)
        frames = [Frame(schema, 0.0, array=table[k : k + 10_000]) for k in range(0, len(table), 10_000)]
        writer = StoreWriter.create(folder / "blocks", {}, host_clock=HostClock(), chunk_rows=chunk_rows)
        writer.append(frames[0])
        writer.publish(wait=True)  # the codec is loaded
        wall, cpu = time.perf_counter(), time.process_time()
        slowest = 0.0
        for frame in frames[1:]:
            at = time.perf_counter()
            writer.append(frame)
            slowest = max(slowest, time.perf_counter() - at)
        writer.publish(wait=True)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        writer.close()
        return wall / rows * 1e6, cpu / rows * 1e6, slowest * 1e6

    return measure


def paced(folder: Path, rows: int) -> tuple[float, float, float]:
    """1000 frames/s of one row while the publisher commits without pause; third figure: slowest append."""
    frames = [Frame(CV, 0.0, rows=[row]) for row in readings(CV, rows).tolist()]
    took = np.empty(rows)
    clock = time.perf_counter
    options = {"sync_interval": 0.05, "publish_interval": 0.05}
    with StoreWriter.create(folder / "paced", {}, host_clock=HostClock(), **options) as writer:
        cpu = time.process_time()
        begin = clock()
        for k, frame in enumerate(frames):
            while clock() < begin + k * 1e-3:
                time.sleep(2e-4)
            at = clock()
            writer.append(frame)
            took[k] = clock() - at
        cpu = time.process_time() - cpu
    print("   (paced: p50 {:.1f}, p99 {:.0f}, p99.9 {:.0f} us)".format(*(np.quantile(took, [0.5, 0.99, 0.999]) * 1e6)))
    return float(took.mean()) * 1e6, cpu / rows * 1e6, float(took.max()) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    cases: list[tuple[str, Callable[[Path, int], tuple[float, float, float]], int]] = [
        ("raw append, 1 row", raw_append, 50_000),
        ("append, 1 row per frame (third: p99.9)", single_rows, 50_000),
        ("blocks of 10 000, 6 columns, chunk 16384 (third: slowest append)", blocks(CV, 16384), 1_000_000),
        ("blocks of 10 000, 4 columns, chunk 65536 (third: slowest append)", blocks(FAST, 65536), 1_000_000),
        ("1000 rows/s, publication every 50 ms (third: slowest append)", paced, 3000),
    ]
    unit = [calibration() for _ in range(options.rounds)]
    print(f"calibration: {statistics.median(unit):.4f} us of CPU per turn of a plain loop")
    print(f"{'':66} us/row wall [spread]   us/row CPU [spread]   third, us [worst]")
    for name, measure, rows in cases:
        results = []
        for _ in range(options.rounds):
            folder = Path(tempfile.mkdtemp(dir=options.folder))
            try:
                results.append(measure(folder, rows))
            finally:
                shutil.rmtree(folder)
        wall, cpu, third = (sorted(column) for column in zip(*results, strict=True))
        print(
            f"{name:66} {statistics.median(wall):8.3f} [{wall[0]:.3f}-{wall[-1]:.3f}]"
            f"  {statistics.median(cpu):8.3f} [{cpu[0]:.3f}-{cpu[-1]:.3f}]"
            f"  {statistics.median(third):8.1f} [{third[-1]:.1f}]"
        )


if __name__ == "__main__":
    main()
