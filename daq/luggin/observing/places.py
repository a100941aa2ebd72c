"""Where the files lie that say what an observer is to do, and what a run says of its own bench."""

from __future__ import annotations

import os
from pathlib import Path

from luggin.errors import LugginError


def configuration_files(name: str, bench: Path | None = None) -> list[Path]:
    """The files of this name that are there: the user's, then the one beside the bench file. Both hold."""
    return [folder / name for folder in folders_of_files(bench) if (folder / name).is_file()]


def folders_of_files(bench: Path | None = None) -> list[Path]:
    """Where such files are looked for: in ``LUGGIN_HOME`` or the system's folder for settings, and beside a bench."""
    return [_user_folder()] if bench is None else [_user_folder(), bench.parent]


def _user_folder() -> Path:
    chosen = os.environ.get("LUGGIN_HOME")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_config_dir("luggin", appauthor=False))


def bench_of(run: Path) -> Path | None:
    """The path of the bench file that a run was started with, as far as the run can say."""
    from luggin.observing.tail import LogTail

    try:
        records = LogTail(run).new()
    except (LugginError, OSError):
        return None
    bench = next((dict(record["bench"]) for record in records if record.get("kind") == "run" and "bench" in record), {})
    return Path(bench["path"]) if bench.get("path") else None
