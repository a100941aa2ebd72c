"""kill -9 at a random moment: what the ordinary reader of each program finds then.

Started by compare.py; as a process of its own it is the victim (``kills.py PLACE NAME write PIPE``) or
the reader, in a fresh process as after a real crash (``kills.py PLACE NAME READER``).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from processes import child_in, missing, print_table, report
from readings import judge
from recorders import RECORDERS

CANDIDATES = (
    "Luggin",
    "QCoDeS",
    "QCoDeS, flush per point",
    "bluesky, JSON lines",
    "pymeasure, CSV",
    "plain CSV, flush",
    "sqlite3, WAL",
    "h5py, SWMR",
    "h5py",
    "zarr.append",
)


def write(place: Path, name: str, pipe: int) -> None:
    """Rows without end, as fast as they go; a byte through the pipe for each that was acknowledged."""
    data = place / "data"
    data.mkdir()
    RECORDERS[name].acquire(data, None, lambda: os.write(pipe, b"."))


def read(place: Path, name: str, reader: str) -> None:
    found = judge(RECORDERS[name].readers[reader](place / "data"))
    report(place, **found._asdict())


def kill_once(place: Path, name: str, delay: float) -> tuple[int, float]:
    """Kill a writer ``delay`` seconds after its first row; rows acknowledged until then, and in how many seconds."""
    begin, end = os.pipe()
    victim = subprocess.Popen(
        [sys.executable, __file__, str(place), name, "write", str(end)],
        pass_fds=(end,),
        env={**os.environ, "HOME": str(place)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(end)
    heard = len(os.read(begin, 1))
    first = time.monotonic()
    # The pipe is read all the while: a writer that has to wait for us would be a slow one.
    os.set_blocking(begin, False)
    while time.monotonic() < first + delay and victim.poll() is None:
        try:
            heard += len(os.read(begin, 1 << 16))
        except BlockingIOError:
            time.sleep(0.005)
    victim.send_signal(signal.SIGKILL)
    took = time.monotonic() - first
    victim.wait()
    os.set_blocking(begin, True)
    while piece := os.read(begin, 1 << 16):
        heard += len(piece)
    os.close(begin)
    if victim.returncode != -signal.SIGKILL:
        raise RuntimeError(f"{name} ended by itself")
    return heard, took


@dataclass
class Tally:
    """What the kills of one candidate left, as one of its readers finds it."""

    unreadable: int = 0
    wrong: int = 0
    uneven: int = 0
    lost: list[int] = field(default_factory=list)
    behind: list[float] = field(default_factory=list)
    said: set[str] = field(default_factory=set)

    def add(self, found: dict, acknowledged: int, took: float) -> None:
        if "failed" in found:
            self.unreadable += 1
            self.said.add(found["failed"])
            return
        lost = max(0, acknowledged - found["rows"])
        self.lost.append(lost)
        self.behind.append(lost / acknowledged * took)
        self.wrong += found["wrong"]
        self.uneven += bool(found["partial"])


def table(kills: int, longest: float, seed: int) -> dict[tuple[str, str], Tally]:
    """Kill every candidate in turn, read what is left, and print."""
    print(f"\n## kill -9, {kills} times each, within {longest:g} s of the first row (seed {seed})\n")
    chance = random.Random(seed)
    tallies: dict[tuple[str, str], Tally] = {}
    acknowledged: dict[str, list[int]] = {}
    for _ in range(kills):
        for name in CANDIDATES:
            recorder = RECORDERS[name]
            if recorder.needs and missing([recorder.needs]):
                continue
            place = Path(tempfile.mkdtemp(prefix="luggin-peers-"))
            try:
                heard, took = kill_once(place, name, chance.uniform(0.05, longest))
                acknowledged.setdefault(name, []).append(heard)
                for reader in recorder.readers:
                    found = child_in(place, "kills.py", name, reader)
                    tallies.setdefault((name, reader), Tally()).add(found, heard, took)
            finally:
                shutil.rmtree(place)
    rows = []
    for (name, reader), tally in tallies.items():
        rows.append(
            (
                name,
                reader,
                f"{statistics.median(acknowledged[name]):,.0f}",
                f"{kills - tally.unreadable} of {kills}",
                f"{statistics.median(tally.lost):,.0f}, {max(tally.lost):,}" if tally.lost else "-",
                f"{max(tally.behind):.2f}" if tally.behind else "-",
                f"{tally.wrong:,}" if tally.lost else "-",
                f"{tally.uneven} of {kills}" if tally.lost else "-",
            )
        )
    heads = (
        "candidate",
        "reader",
        "rows acknowledged (median)",
        "readable",
        "acknowledged rows lost (median, most)",
        "that is at most (s)",
        "wrong rows, all kills",
        "columns of unequal length",
    )
    print_table(heads, rows)
    print("\nAcknowledged means:")
    for name in acknowledged:
        print(f"- {name}: {RECORDERS[name].acknowledged}")
    for (name, reader), tally in tallies.items():
        if tally.said:
            others = f" (and {len(tally.said) - 1} like it)" if len(tally.said) > 1 else ""
            print(f"- {name}, {reader}: {min(tally.said)}{others}")
    return tallies


if __name__ == "__main__":
    if sys.argv[3] == "write":
        write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[4]))
    else:
        read(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
