"""Luggin beside its peers: points one at a time, blocks, and kill -9; each candidate in a process of its own.

    python -m venv peers && peers/bin/pip install -e . -r benchmarks/peers-requirements.txt
    peers/bin/python benchmarks/peers/compare.py [--rounds 5] [--kills 10] [--quick] [--only points blocks kills]

Prints Markdown. The figures are medians with [least, most] of the rounds; the rounds of all candidates
take turns, so that a busy moment of the computer falls on all of them.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

import blocks
import kills
import points
from processes import calibration, spread

PACKAGES = ("luggin", "qcodes", "bluesky", "pymeasure", "h5py", "zarr", "numpy")


def machine() -> str:
    """What all figures depend on."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return (
        f"{datetime.date.today()}: {os.cpu_count()} cores ({platform.machine()}), {pages * page / 2**30:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def versions() -> str:
    """The packages that take part, and those that do not."""
    parts = []
    for name in PACKAGES:
        try:
            parts.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            parts.append(f"{name} is not installed")
    return ", ".join(parts)


def busy() -> str:
    return "load average {:.1f}, {:.1f}, {:.1f}".format(*os.getloadavg())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--points", type=int, default=10_000, help="points of a run that comes one at a time")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="one round, few points, two kills: does it work?")
    parser.add_argument(
        "--only", nargs="*", choices=("points", "blocks", "kills"), default=("points", "blocks", "kills")
    )
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.points, options.kills = 1, 1000, 2
    print(f"{machine()}\n{versions()}\n{busy()} at the start, in {Path(os.environ.get('TMPDIR', '/tmp'))}")
    turns = [calibration() for _ in range(5)]
    if "points" in options.only:
        points.table(options.points, options.rounds)
        turns.append(calibration())
    if "blocks" in options.only:
        blocks.table((1, 100, 1000, 10_000), 0.3 if options.quick else 1.0, options.rounds)
        turns.append(calibration())
    if "kills" in options.only:
        kills.table(options.kills, 1.0 if options.quick else 6.0, options.seed)
    turns += [calibration() for _ in range(5)]
    print(f"\ncalibration: {spread(turns)} µs of CPU for 1000 turns of a plain loop; {busy()} at the end")


if __name__ == "__main__":
    main()
