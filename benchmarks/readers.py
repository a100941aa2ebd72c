"""Opens a run in xarray again and again while it is being written, with warnings as errors.

    PYTHONPATH=daq python benchmarks/readers.py [--opens 1000]

A process of its own appends to two streams and commits all the time. Every open reads every value
and compares it with its row number. Prints the failures, each kind once with its count.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from luggin.records import CYCLE, POTENTIAL, TIME, Frame, Schema
from luggin.store import StoreWriter, open_store

STREAMS = (Schema("cv", (TIME, POTENTIAL, CYCLE)), Schema("temperature", (TIME, CYCLE)))


class HostClock:
    def now(self) -> float:
        return time.monotonic()


def table(schema: Schema, start: int, stop: int) -> np.ndarray:
    numbers = np.arange(start, stop)
    rows = np.zeros(stop - start, schema.dtype)
    for name in schema.names:
        rows[name] = numbers + 1
    return rows


def write(folder: Path) -> None:
    """Appends and publishes until killed."""
    writer = StoreWriter.create(folder, {}, host_clock=HostClock(), chunk_rows=1024, publish_interval=0.02)
    rows = 0
    while True:
        for schema in STREAMS:
            writer.append(Frame(schema, 0.0, array=table(schema, rows, rows + 50)))
        rows += 50
        if rows % 250 == 0:
            writer.publish(wait=True)
        time.sleep(0.01)


def look(folder: Path) -> int:
    """One open by xarray and one by Luggin's own reader; rows that were compared."""
    import xarray as xr

    seen = 0
    with xr.open_datatree(folder / "data.zarr", engine="zarr") as tree:
        for schema in STREAMS:
            if schema.stream not in tree.children:
                continue
            data = tree[schema.stream].to_dataset()
            rows = data.sizes["row"]
            for name in schema.names:
                if not np.array_equal(data[name].values, np.arange(1, rows + 1)):
                    raise ValueError(f"wrong values in {schema.stream}/{name}")
            seen += rows
    run = open_store(folder)
    for name in run.streams:
        if not np.array_equal(run.column(name, "cycle"), np.arange(1, run.rows(name) + 1)):
            raise ValueError(f"wrong values in {name} by our own reader")
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--opens", type=int, default=1000)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write(options.write)
    base = Path(tempfile.mkdtemp())
    writer = subprocess.Popen([sys.executable, __file__, "--write", str(base / "run")])
    failures: Counter[str] = Counter()
    rows = 0
    try:
        while not (base / "run/data.zarr/zarr.json").exists():
            time.sleep(0.01)
        commits = set()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(options.opens):
                try:
                    rows = look(base / "run")
                    commits.add(rows)
                except Exception as error:  # noqa: BLE001 -- every kind is counted and printed
                    failures[f"{type(error).__name__}: {str(error)[:200]}"] += 1
        if writer.poll() is not None:
            failures["the writer ended by itself"] += 1
    finally:
        writer.kill()
        writer.wait()
        shutil.rmtree(base)
    print(f"{options.opens} opens at {len(commits)} different commits, up to {rows} rows: {failures.total()} failures")
    for what, count in failures.most_common():
        print(f"{count:6} x {what}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
