"""Webhooks and mail about trips, suspensions and ends of runs: observers, set up by ``notify.toml``."""

from __future__ import annotations

import logging
from pathlib import Path

from luggin.errors import ProtocolError
from luggin.observing import bench_of, configuration_files
from luggin_plugins.notify.settings import load_targets
from luggin_plugins.notify.target import Target

FILE = "notify.toml"

log = logging.getLogger(__name__)

__all__ = ["FILE", "observers", "refusal"]


def observers(run: Path) -> list[Target]:
    """One observer for each webhook and each mail of the user's file and of the one beside the bench.

    Raises:
        ProtocolError: a file has mistakes.
    """
    return [Target(run, settings) for settings in load_targets(configuration_files(FILE, bench_of(run)))]


def refusal(bench: Path | None, *, simulated: bool) -> str | None:
    """Why nobody would be told about a run on this bench; None if the files are right, or there is none.

    Who set up an alarm relies on it. So a run whose alarm cannot work does not start. A simulated one does,
    and says so.
    """
    try:
        load_targets(configuration_files(FILE, bench))
    except ProtocolError as mistakes:
        if not simulated:
            return f"nobody would be told what happens to it.\n{mistakes}"
        log.warning("nobody is told what happens to this run; on real instruments it would not start.\n%s", mistakes)
    return None
