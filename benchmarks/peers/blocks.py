"""Storage alone: what an append of a block costs until it is acknowledged, and until it is published.

Started by compare.py; as a process of its own it runs one candidate: ``blocks.py PLACE NAME BATCH SECONDS``.

Four columns, 28 bytes per row. Each candidate is given the block in the form that it takes (rows or a
structured array; one array per column) and appends until its time or the million rows are over.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import child, median, missing, print_table, report, rounds, size_of

ROWS = 1_000_000
ROW_BYTES = 28
LATER = 3600.0


@dataclass
class Appending:
    """How blocks are appended, when that is complete, and what is closed outside the measurement."""

    append: Callable[[Any], object]
    finish: Callable[[], object]
    close: Callable[[], object]


def numbers():
    """A table as an instrument gives it: quantised, with noise, no block like another."""
    import numpy as np

    rng = np.random.default_rng(0)
    k = np.arange(ROWS)
    table = np.zeros(ROWS, [("time", "<f8"), ("potential", "<f8"), ("current", "<f8"), ("flags", "<u4")])
    table["time"] = k * 1e-5
    table["potential"] = np.round((0.7 * np.sin(k / 5000) + rng.normal(0, 2e-5, ROWS)) / 1e-5) * 1e-5
    table["current"] = np.round((0.1 + rng.normal(0, 1e-6, ROWS)) / 1e-7) * 1e-7
    return table


def in_columns(table) -> list[Any]:
    import numpy as np

    return [np.ascontiguousarray(table[name]) for name in table.dtype.names]


def raw(place: Path, table, **_: Any) -> Appending:
    """One write(2) of the bytes: the least that any storage does."""
    file = os.open(place / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return Appending(lambda block: os.write(file, block.tobytes()), lambda: None, lambda: os.close(file))


def luggin(place: Path, table, chunk: int, interval: float = 10.0, published: bool = False) -> Appending:
    from recorders import HostClock

    from luggin.records import CURRENT, FLAGS, POTENTIAL, TIME, Frame, Schema
    from luggin.store import StoreWriter

    schema = Schema("fast", (TIME, POTENTIAL, CURRENT, FLAGS))
    writer = StoreWriter.create(place / "run", {}, host_clock=HostClock(), chunk_rows=chunk, publish_interval=interval)

    def append(block) -> None:
        if len(block) == 1:
            writer.append(Frame(schema, 0.0, rows=[block[0].item()]))
        else:
            writer.append(Frame(schema, 0.0, array=block))

    return Appending(append, (lambda: writer.publish(wait=True)) if published else lambda: None, writer.close)


def h5py(place: Path, table, chunk: int | bool = True, **filters: Any) -> Appending:
    """Every dataset flushed after each block, as the documentation of SWMR does; chunk True: as h5py chooses."""
    import h5py

    file = h5py.File(place / "run.h5", "w", libver="latest")
    datasets = [
        file.create_dataset(
            name, (0,), table.dtype[name], maxshape=(None,), chunks=chunk if chunk is True else (chunk,), **filters
        )
        for name in table.dtype.names
    ]
    file.swmr_mode = True

    def append(block) -> None:
        for dataset, values in zip(datasets, block, strict=True):
            begin = len(dataset)
            dataset.resize((begin + len(values),))
            dataset[begin:] = values
            dataset.flush()

    return Appending(append, lambda: None, file.close)


def zarr(place: Path, table, chunk: int) -> Appending:
    """An array per column, blosc zstd 1 with shuffle as in Luggin's store."""
    import zarr
    from zarr.codecs import BloscCodec

    group = zarr.create_group(place / "run.zarr")
    codec = BloscCodec(cname="zstd", clevel=1, shuffle="shuffle")
    arrays = [
        group.create_array(name, shape=(0,), dtype=table.dtype[name], chunks=(chunk,), compressors=codec)
        for name in table.dtype.names
    ]

    def append(block) -> None:
        for array, values in zip(arrays, block, strict=True):
            array.append(values)

    return Appending(append, lambda: None, lambda: None)


@dataclass(frozen=True)
class Candidate:
    make: Callable[..., Appending]
    settings: dict[str, Any]
    needs: str = ""
    columns: bool = False


GZIP = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
ACKNOWLEDGED = {
    "raw write(2)": Candidate(raw, {}),
    "Luggin, journal alone": Candidate(luggin, {"chunk": 1 << 24, "interval": LATER}, "luggin"),
    "Luggin, publishing behind": Candidate(luggin, {"chunk": 16384}, "luggin"),
    "h5py SWMR, its own chunks": Candidate(h5py, {}, "h5py", True),
    "h5py SWMR, chunks of 16384": Candidate(h5py, {"chunk": 16384}, "h5py", True),
    "zarr.append": Candidate(zarr, {"chunk": 16384}, "zarr", True),
}
PUBLISHED = {
    "Luggin, chunks of 16384": Candidate(luggin, {"chunk": 16384, "published": True}, "luggin"),
    "Luggin, chunks of 65536": Candidate(luggin, {"chunk": 65536, "published": True}, "luggin"),
    "zarr.append, chunks of 16384": Candidate(zarr, {"chunk": 16384}, "zarr", True),
    "zarr.append, chunks of 65536": Candidate(zarr, {"chunk": 65536}, "zarr", True),
    "h5py SWMR gzip 1, its own chunks": Candidate(h5py, GZIP, "h5py", True),
    "h5py SWMR gzip 1, chunks of 16384": Candidate(h5py, {"chunk": 16384, **GZIP}, "h5py", True),
    "h5py SWMR gzip 1, chunks of 65536": Candidate(h5py, {"chunk": 65536, **GZIP}, "h5py", True),
}


def measure(place: Path, name: str, batch: int, seconds: float) -> None:
    candidate = {**ACKNOWLEDGED, **PUBLISHED}[name]
    table = numbers()
    blocks = [table[k : k + batch] for k in range(0, min(ROWS, 300_000 * batch), batch)]
    if candidate.columns:
        columns = in_columns(table)
        blocks = [[values[k : k + batch] for values in columns] for k in range(0, len(blocks) * batch, batch)]
    data = place / "data"
    data.mkdir()
    appending = candidate.make(data, table, **candidate.settings)
    appending.append(blocks[0])  # the codec is loaded, the first chunk is there
    appending.finish()
    append, clock, done = appending.append, time.perf_counter, 0
    cpu, begin = time.process_time(), clock()
    until = begin + seconds
    for block in blocks[1:]:
        append(block)
        done += 1
        if clock() > until:
            break
    appending.finish()
    wall, cpu = clock() - begin, time.process_time() - cpu
    appending.close()
    rows = done * batch
    size = size_of(data) / ((done + 1) * batch * ROW_BYTES)
    report(place, per_second=rows / wall, cpu=cpu / rows * 1e6, size=size, rows=rows)


def run(
    candidates: dict[str, Candidate], batches: tuple[int, ...], seconds: float, number: int
) -> dict[Any, list[Any]]:
    absent = {candidate.needs for candidate in candidates.values() if candidate.needs and missing([candidate.needs])}
    for name in sorted(absent):
        print(f"{name} is not installed")
    jobs = {
        (name, batch): lambda name=name, batch=batch: child("blocks.py", name, batch, seconds)
        for batch in batches
        for name, candidate in candidates.items()
        if candidate.needs not in absent
    }
    return {key: found for key, found in rounds(jobs, number, print).items() if found}


def times(result: dict[Any, list[Any]], batch: int, ours: str, others: str) -> tuple[str, float] | None:
    """How many times as fast as the fastest of the others, by the clock and by CPU."""
    rivals = [found for (name, size), found in result.items() if size == batch and name.startswith(others)]
    if not rivals or (ours, batch) not in result:
        return None
    mine = result[ours, batch]
    by_clock = median(mine, "per_second") / max(median(found, "per_second") for found in rivals)
    by_cpu = min(median(found, "cpu") for found in rivals) / median(mine, "cpu")
    return f"{by_clock:.1f} (CPU {by_cpu:.1f})", by_clock


def table(batches: tuple[int, ...], seconds: float, number: int) -> tuple[dict[Any, list[Any]], dict[Any, list[Any]]]:
    """Run and print both parts."""
    print(f"\n## Blocks, acknowledged: 4 columns, {number} rounds; 1000 rows/s by the clock (µs of CPU per row)\n")
    result = run(ACKNOWLEDGED, batches, seconds, number)
    rows = []
    for name in ACKNOWLEDGED:
        cells = [result.get((name, batch)) for batch in batches]
        if any(cells):
            rows.append((name, *(_cell(cell) for cell in cells)))
    print_table(("candidate", *(f"batch {batch}" for batch in batches)), rows)
    print("\nTimes as fast as the faster h5py, by the clock (and by CPU):")
    for ours in ("Luggin, journal alone", "Luggin, publishing behind"):
        for other in ("h5py", "zarr"):
            ratios = {batch: times(result, batch, ours, other) for batch in batches}
            said = ", ".join(f"batch {batch}: {ratio[0]}" for batch, ratio in ratios.items() if ratio)
            print(f"- {ours} against {other}: {said}")
    print(f"\n## Blocks of 10 000, published: 4 columns, {number} rounds\n")
    published = run(PUBLISHED, (10_000,), 60.0, number)
    print_table(
        ("candidate", "1000 rows/s", "CPU per row (µs)", "on disk ÷ payload"),
        (
            (
                name,
                f"{median(found, 'per_second') / 1e3:,.0f} "
                f"[{min(f['per_second'] for f in found) / 1e3:,.0f}, {max(f['per_second'] for f in found) / 1e3:,.0f}]",
                f"{median(found, 'cpu'):.3f}",
                f"{median(found, 'size'):.2f}",
            )
            for (name, _), found in published.items()
        ),
    )
    print("\nTimes as fast, by the clock (and by CPU):")
    for chunk in ("16384", "65536"):
        ours = f"Luggin, chunks of {chunk}"
        for other in (f"zarr.append, chunks of {chunk}", "zarr.append", "h5py"):
            ratio = times(published, 10_000, ours, other)
            if ratio:
                print(f"- {ours} against {other if 'chunks' in other else f'the fastest {other}'}: {ratio[0]}")
    return result, published


def _cell(found: list[dict[str, float]] | None) -> str:
    if not found:
        return "-"
    speeds = [figures["per_second"] / 1e3 for figures in found]
    digits = 0 if statistics.median(speeds) >= 100 else 2 if statistics.median(speeds) < 10 else 1
    return (
        f"{statistics.median(speeds):,.{digits}f} [{min(speeds):,.{digits}f}, {max(speeds):,.{digits}f}] "
        f"({median(found, 'cpu'):.3g})"
    )


if __name__ == "__main__":
    measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
