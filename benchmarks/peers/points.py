"""One point at a time: CPU per point, points per second, start to the first point, memory, bytes on disk.

Started by compare.py; as a process of its own it runs one candidate: ``points.py PLACE NAME COUNT``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from processes import child, median, missing, peak_memory, print_table, report, rounds, since_start, size_of, spread
from recorders import RECORDERS

CANDIDATES = (
    "Luggin",
    "QCoDeS",
    "QCoDeS, flush per point",
    "bluesky, JSON lines",
    "pymeasure, CSV",
    "sqlite3, WAL",
    "plain CSV, flush",
)


def measure(place: Path, name: str, count: int) -> None:
    """CPU and wall clock from behind the first point until everything is closed: publishing is paid for."""
    data = place / "data"
    data.mkdir()
    told_at: list[tuple[float, float, float]] = []
    left = count

    def told() -> None:
        nonlocal left
        left -= 1
        if left == 0 or not told_at:
            told_at.append((since_start(), time.process_time(), time.perf_counter()))

    RECORDERS[name].acquire(data, count, told)
    cpu, wall = time.process_time(), time.perf_counter()
    (start, first_cpu, first_wall), (_, last_cpu, _) = told_at
    report(
        place,
        start=start,
        start_cpu=first_cpu,
        recording=(last_cpu - first_cpu) / (count - 1) * 1e6,
        closing=(cpu - last_cpu) * 1e3,
        cpu=(cpu - first_cpu) / (count - 1) * 1e6,
        per_second=(count - 1) / (wall - first_wall),
        memory=peak_memory(),
        size=size_of(data) / count,
    )


def table(count: int, number: int) -> dict[str, list[dict[str, float]]]:
    """Run and print all candidates; the results of each."""
    print(f"\n## One point at a time ({count} points of 5 columns, {number} rounds)\n")
    present = [name for name in CANDIDATES if not missing([RECORDERS[name].needs] if RECORDERS[name].needs else [])]
    for name in CANDIDATES:
        if name not in present:
            print(f"{name}: {RECORDERS[name].needs} is not installed")
    jobs = {name: lambda name=name: child("points.py", name, count) for name in present}
    results = {name: found for name, found in rounds(jobs, number, print).items() if found}
    ours = median(results["Luggin"], "cpu")
    rows = []
    for name, found in results.items():
        rows.append(
            (
                name,
                spread([figures["cpu"] for figures in found]),
                f"{median(found, 'cpu') / ours:.2f}",
                f"{median(found, 'recording'):.1f}",
                f"{median(found, 'closing'):.0f}",
                f"{median(found, 'per_second'):,.0f}",
                spread([figures["start"] for figures in found], 2),
                f"{median(found, 'start_cpu'):.2f}",
                f"{median(found, 'memory'):.0f}",
                f"{median(found, 'size'):.0f}",
            )
        )
    heads = (
        "candidate",
        "CPU per point (µs)",
        "÷ Luggin",
        "without closing (µs)",
        "closing (ms)",
        "points/s",
        "start to first point (s)",
        "of it CPU (s)",
        "peak memory (MiB)",
        "bytes per point",
    )
    print_table(heads, rows)
    return results


if __name__ == "__main__":
    measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
