"""How long from the command to the first journalled row, and what `luggin --help` costs.

    python benchmarks/start.py

Starts `luggin run` on the simulated bench as a process of its own and watches its journal. The figures
are wall-clock (start) and CPU (help) and stand beside a bare `python -c pass`.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROTOCOL = """
title = "start"
steps = [{do = "cv", begin = "0 V vs ref", vertices = ["-1.7 V", "0.2 V"], rate = "25 mV/s", step = "1 mV", cycles = 9}]
[sample]
id = "start"
wiring = "three-electrode"
working = {material = "glassy carbon"}
counter = {material = "Pt"}
reference = {electrode = "Ag/AgCl"}
"""


def first_row(place: Path) -> float:
    from luggin.store import open_store

    folder = place / "run"
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "luggin", "run", str(place / "p.toml"), "--folder", str(folder), "--no-report"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            if (folder / "journal").is_dir():
                try:
                    store = open_store(folder)
                    if any(store.rows(stream) for stream in store.streams):
                        return time.perf_counter() - begun
                except Exception:  # noqa: BLE001 - the folder is just being made
                    pass
            time.sleep(0.002)
        raise SystemExit("the run ended before a row was seen")
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def cpu(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    place = Path(tempfile.mkdtemp())
    try:
        (place / "p.toml").write_text(PROTOCOL)
        first_row(place)  # fills the file cache
        times = [first_row(place) for _ in range(7)]
        print(f"command to first journalled row: median {statistics.median(times):.2f} s (best {min(times):.2f} s)")
        bare = statistics.median(cpu("-c", "pass") for _ in range(7))
        helped = statistics.median(cpu("-m", "luggin", "--help") for _ in range(7))
        print(f"luggin --help: {helped * 1e3:.0f} ms CPU (bare python {bare * 1e3:.0f} ms); {os.cpu_count()} cores")
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
