"""Kills a writing process (SIGKILL) at random moments, again and again, and counts what is missing.

    PYTHONPATH=daq python benchmarks/kill_storage.py [--kills 200] [--seed 1]

Every run is killed, resumed, killed again (``--chain`` times), also while it recovers, and then
closed. The writer says through a pipe, after every append, which row was acknowledged. Lost: rows
that were acknowledged and are not there. Invented: rows whose values are not those of their number,
or that were never begun. Unreadable: a run that our reader or xarray cannot open at any moment.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from luggin.records import CYCLE, POTENTIAL, TIME, Column, Frame, Schema
from luggin.store import StoreWriter, open_store, recover

ROWS = Schema("rows", (TIME, POTENTIAL, CYCLE, Column("count", "1", "i8")))
BLOCKS = Schema("blocks", (TIME, CYCLE))
_TOLD = struct.Struct("<Bq")


class HostClock:
    def now(self) -> float:
        return time.monotonic()


def table(schema: Schema, start: int, stop: int) -> np.ndarray:
    """Every column is the row number, from 1: no value is a fill value."""
    rows = np.zeros(stop - start, schema.dtype)
    for name in schema.names:
        rows[name] = np.arange(start + 1, stop + 1)
    return rows


def write(folder: Path, pipe: int) -> None:
    """The victim: one-row frames and blocks, publications and syncs, until killed."""
    if folder.exists():
        writer = StoreWriter.resume(folder, host_clock=HostClock())
    else:
        writer = StoreWriter.create(
            folder, {}, host_clock=HostClock(), chunk_rows=512, publish_interval=0.02, sync_interval=0.01
        )
    single, block = writer.rows("rows"), writer.rows("blocks")
    while True:
        row = single + 1
        writer.append(Frame(ROWS, 0.0, rows=[(row, row, row, row)]))
        single += 1
        os.write(pipe, _TOLD.pack(0, single))
        if single % 50 == 0:
            writer.append(Frame(BLOCKS, 0.0, array=table(BLOCKS, block, block + 300)))
            block += 300
            os.write(pipe, _TOLD.pack(1, block))
        if single % 997 == 0:
            writer.sync()
        if single % 1500 == 0:
            writer.publish()


def check(folder: Path, told: dict[str, int], counts: Counter[str]) -> None:
    import xarray as xr

    try:
        run = open_store(folder)
        found = {schema.stream: run.array(schema.stream) for schema in (ROWS, BLOCKS) if schema.stream in run.streams}
        with xr.open_datatree(folder / "data.zarr", engine="zarr") as tree:
            for group in tree.children.values():
                for values in group.to_dataset().data_vars.values():
                    counts["invented"] += int((values.values != np.arange(1, values.size + 1)).sum())
    except Exception as error:  # noqa: BLE001 -- every kind is counted and printed
        counts["unreadable"] += 1
        print(f"unreadable: {type(error).__name__}: {error}")
        return
    for schema, most in ((ROWS, 1), (BLOCKS, 300)):
        rows = found.get(schema.stream, table(schema, 0, 0))
        promised = told.get(schema.stream, 0)
        counts["lost"] += max(0, promised - len(rows))
        # One append may have been under way when the process died.
        counts["invented"] += max(0, len(rows) - promised - most)
        counts["invented"] += int((rows != table(schema, 0, len(rows))).sum())
        counts["rows checked"] += len(rows)


def kill_once(folder: Path, told: dict[str, int], chance: random.Random, early: bool) -> None:
    """Start a victim and kill it: at any moment of its start (``early``) or of its work."""
    begin, end = os.pipe()
    victim = subprocess.Popen(
        [sys.executable, __file__, "--write", str(folder), "--pipe", str(end)], pass_fds=(end,), stdout=sys.stderr
    )
    os.close(end)
    heard = b""
    if early:
        time.sleep(chance.uniform(0.0, 0.35))
    else:
        heard = os.read(begin, _TOLD.size)
        time.sleep(chance.uniform(0.0, 0.15))
    victim.send_signal(signal.SIGKILL)
    while piece := os.read(begin, 1 << 16):
        heard += piece
    os.close(begin)
    if victim.wait() != -signal.SIGKILL:
        raise SystemExit("the victim ended by itself: see its message above")
    for kind, rows in _TOLD.iter_unpack(heard):
        told["blocks" if kind else "rows"] = rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--chain", type=int, default=10, help="kills of one run before it is closed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--pipe", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write(options.write, options.pipe)
    warnings.simplefilter("error")
    chance = random.Random(options.seed)
    counts: Counter[str] = Counter(lost=0, invented=0, unreadable=0)
    base = Path(tempfile.mkdtemp())
    slowest = 0.0
    try:
        told: dict[str, int] = {}
        folder = base / "0"
        for kill in range(options.kills):
            kill_once(folder, told, chance, early=folder.exists() and chance.random() < 0.3)
            counts["kills"] += 1
            check(folder, told, counts)
            if (kill + 1) % options.chain == 0 or kill + 1 == options.kills:
                begin = time.perf_counter()
                recover(folder)
                slowest = max(slowest, time.perf_counter() - begin)
                check(folder, told, counts)
                run = open_store(folder)
                counts["lost"] += sum(run.rows(name) - run.committed(name) for name in run.streams)
                shutil.rmtree(folder)
                told, folder = {}, base / str(kill + 1)
    finally:
        shutil.rmtree(base)
    print(", ".join(f"{name}: {count}" for name, count in counts.items()) + f", slowest recovery: {slowest:.2f} s")
    return 1 if counts["lost"] or counts["invented"] or counts["unreadable"] else 0


if __name__ == "__main__":
    sys.exit(main())
