"""Takes whole runs through disks that fail, fill up, die and lose power, at every single call that writes.

    PYTHONPATH=daq:drivers:plugins:sim_instruments python benchmarks/disk_faults.py [--only EIO ENOSPC]

A run on the simulated bench is repeated once for every call by which it writes, syncs, makes or renames
something, and that call

- *EIO*, *ENOSPC*: fails with this error, the others do not;
- *dies*: is the last that does anything, and half of it at that;
- *full*: instead, the disk has room for so many bytes, from none to more than enough;
- *cut*: is the last before the power goes. Of what was not synced the disk has what chance says (each
  write whole, in half, as zeros or not at all; each name the old or the new one), three times per cut;
- *tmpfs*: a real file system that is full (as root).

Every acknowledged row must be there and right, after a cut every durable one and all that an `end` in
run.log speaks of; the error must say in words what to do; no cell may be on when the lines are closed; and
what is left must be recovered (twice: the second time there is nothing to do) and taken up again.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "hostile"))

from failing_disks import DyingDisk, FullDisk, PowerCutDisk, dying
from whole_runs import (
    Bench,
    Told,
    as_durable_as_real,
    check_failed_well,
    check_found,
    check_goes_on,
    replaced,
)

from luggin.engine import space
from luggin.platform import Disk

Case = tuple[str, Callable[[Path], Told]]


def calls_of_a_run(bench: Bench, place: Path) -> int:
    disk = DyingDisk(1_000_000)
    told = bench.run(place / "whole", disk)
    if told.error is not None:
        raise SystemExit(f"the run fails on a disk that works: {told.error}")
    return 1_000_000 - disk.left


def survives(bench: Bench, folder: Path, disk: Disk) -> Told:
    """One run on a disk that fails, and what must be true of it."""
    told = bench.run(folder, disk)
    check_failed_well(told)
    if folder.exists():
        check_goes_on(bench, folder, told)
    return told


def fails_once(bench: Bench, place: Path, number: int) -> Iterator[Case]:
    for n in range(calls_of_a_run(bench, place)):
        yield f"call {n}", lambda folder, n=n: survives(bench, folder, DyingDisk(n, error=number))  # type: ignore[misc]


def dies(bench: Bench, place: Path) -> Iterator[Case]:
    for n in range(calls_of_a_run(bench, place)):
        yield f"call {n}", lambda folder, n=n: survives(bench, folder, DyingDisk(n, half=True))  # type: ignore[misc]


def full(bench: Bench, place: Path) -> Iterator[Case]:
    disk = FullDisk(1 << 30)
    bench.run(place / "whole", disk)
    taken = (1 << 30) - disk.room
    for room in range(0, taken + (1 << 20) + 4000, 500):
        # Below the reserve of a run one step in a hundred is enough: nothing begins there.
        if room > (1 << 20) - 2000 or room % 50_000 == 0:
            yield f"{room} bytes", lambda folder, room=room: survives(bench, folder, FullDisk(room))  # type: ignore[misc]


def cut(bench: Bench, place: Path, chance: random.Random) -> Iterator[Case]:
    def power_goes(folder: Path, n: int) -> Told:
        folder.mkdir()
        disk = dying(PowerCutDisk, n)(folder)
        told = bench.run(folder / "run", disk)
        for k in range(3):
            check_found(disk.cut(folder / f"found-{k}", chance) / "run", told)
        disk.forget()
        return told

    with as_durable_as_real():
        for n in range(calls_of_a_run(bench, place)):
            yield f"call {n}", lambda folder, n=n: power_goes(folder, n)  # type: ignore[misc]


def tmpfs(bench: Bench, place: Path) -> Iterator[Case]:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        print("tmpfs: left out, only root may mount one")
        return

    def on(folder: Path, kib: int) -> Told:
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            raise SystemExit("tmpfs: cannot be mounted here")
        try:
            # So small a disk is refused before the start; here it is to fill up while the run goes on.
            with replaced((space, "RESERVE", -(1 << 40))):
                told = bench.run(folder / "run", Disk())
            check_failed_well(told)
            if (folder / "run").exists():
                roomy = folder.with_name(folder.name + "-copied")
                shutil.copytree(folder / "run", roomy)
                check_goes_on(bench, roomy, told)
            return told
        finally:
            subprocess.run(["umount", str(folder)], check=True)

    for kib in (*range(200, 1024, 200), *range(1024, 1024 + 500, 4)):
        yield f"{kib} KiB", lambda folder, kib=kib: on(folder, kib)  # type: ignore[misc]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = ("EIO", "ENOSPC", "dies", "full", "cut", "tmpfs")
    options.add_argument("--only", nargs="+", choices=kinds, default=kinds)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    bench = Bench()
    place = Path(tempfile.mkdtemp(prefix="luggin-disks-"))
    os.environ["LUGGIN_HOME"] = str(place / "home")
    cases: dict[str, Callable[[Path], Iterator[Case]]] = {
        "EIO": lambda base: fails_once(bench, base, errno.EIO),
        "ENOSPC": lambda base: fails_once(bench, base, errno.ENOSPC),
        "dies": lambda base: dies(bench, base),
        "full": lambda base: full(bench, base),
        "cut": lambda base: cut(bench, base, random.Random(chosen.seed)),
        "tmpfs": lambda base: tmpfs(bench, base),
    }
    wrong = 0
    print(f"{'disk':10}{'runs':>8}{'ended by it':>13}{'rows kept':>11}{'wrong':>7}{'s':>8}", flush=True)
    try:
        for kind in chosen.only:
            base = place / kind
            base.mkdir()
            runs = ended = kept = bad = 0
            begin = time.monotonic()
            for number, (name, go) in enumerate(cases[kind](base)):
                runs += 1
                try:
                    told = go(base / str(number))
                except AssertionError as error:
                    bad += 1
                    print(f"  {kind}, {name}: {error}", flush=True)
                else:
                    ended += told.error is not None
                    kept += sum(map(len, told.acknowledged.values()))
                shutil.rmtree(base / str(number), ignore_errors=True)
                shutil.rmtree(base / f"{number}-copied", ignore_errors=True)
            print(f"{kind:10}{runs:8}{ended:13}{kept:9} B{bad:7}{time.monotonic() - begin:8.0f}", flush=True)
            wrong += bad
    finally:
        shutil.rmtree(place)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
