"""Every candidate in a process of its own, in rounds that take turns; medians and their spread."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any


def child(script: str, *arguments: object, timeout: float = 600.0) -> dict[str, Any]:
    """`child_in` a place of its own, which is removed."""
    place = Path(tempfile.mkdtemp(prefix="luggin-peers-"))
    try:
        return child_in(place, script, *arguments, timeout=timeout)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def child_in(place: Path, script: str, *arguments: object, timeout: float = 600.0) -> dict[str, Any]:
    """Run a script of this folder in a fresh process; what it reports, or ``failed`` in words.

    The process is told when it was started. The place is also its home: QCoDeS keeps its logs there.
    """
    environment = {**os.environ, "HOME": str(place), "LUGGIN_PEERS_BEGAN": repr(time.monotonic())}
    command = [sys.executable, str(Path(__file__).with_name(script)), str(place), *map(str, arguments)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return {"failed": f"not ready after {timeout:g} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200]}
    return json.loads((place / "report.json").read_text())


def report(place: Path, **figures: Any) -> None:
    """What a child tells the parent."""
    (place / "report.json").write_text(json.dumps(figures))


def since_start() -> float:
    """Seconds since the parent started this process."""
    return time.monotonic() - float(os.environ["LUGGIN_PEERS_BEGAN"])


def peak_memory() -> float:
    """MiB that this process has held at most. The kernel's own mark: getrusage's begins with the parent's on Linux."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def calibration() -> float:
    """Microseconds of CPU for 1000 turns of a plain loop: how fast this computer is just now."""
    begin, total = time.process_time(), 0
    for number in range(1_000_000):
        total += number * number & 7
    return (time.process_time() - begin) * 1e3


def missing(needs: Iterable[str]) -> list[str]:
    """The packages that are not there; none is imported."""
    return [name for name in needs if importlib.util.find_spec(name) is None]


def rounds(
    jobs: dict[Any, Callable[[], dict[str, Any]]], count: int, say: Callable[[str], None]
) -> dict[Any, list[Any]]:
    """Run every job ``count`` times, in turns that begin with another job each time; what went wrong is said once."""
    results: dict[Any, list[Any]] = {name: [] for name in jobs}
    names = list(jobs)
    for number in range(count):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            figures = jobs[name]()
            if "failed" not in figures:
                results[name].append(figures)
            elif not results[name]:
                say(f"{name}: {figures['failed']}")
    return results


def spread(values: Sequence[float], digits: int = 1) -> str:
    """The median with the least and the most."""
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def median(results: Sequence[dict[str, Any]], key: str) -> float:
    return statistics.median(figures[key] for figures in results)


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A Markdown table."""
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
