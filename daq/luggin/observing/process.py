"""The process of the observers: it loads plugins, starts observers, watches over them, and ends with the run."""

from __future__ import annotations

import argparse
import contextlib
import logging
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from luggin.clock import Clock, RealClock
from luggin.errors import LugginError
from luggin.observing.confining import BoundedLog, DeadMansHandle, confine
from luggin.observing.following import Follower
from luggin.observing.observers import Confinement, with_something_to_do
from luggin.observing.states import LOG, State, write_states
from luggin.observing.watching import Watches
from luggin.plugins import ObserverSource

log = logging.getLogger(__name__)

_TICK_S = 0.2
_HANDLE_S = 60.0
_LAST_WORDS_S = 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Observe the run in a folder until it is over; ends the process without waiting for any thread."""
    asked = _parser().parse_args(arguments)
    printed = BoundedLog(asked.folder / LOG, asked.log_bytes)
    handle = DeadMansHandle(_HANDLE_S, printed.file)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    for refused in confine(asked.memory):
        log.info(refused)
    code = 1
    try:
        observe(asked.folder, asked.bench, RealClock(), handle, grace=asked.grace, silence=asked.silence)
        code = 0
    except Exception:
        log.exception("the observers' process failed")
    printed.close(_LAST_WORDS_S)
    os._exit(code)  # observers that are still busy have had their time


def observe(
    folder: Path, bench: Path | None, clock: Clock, handle: DeadMansHandle, *, grace: float, silence: float
) -> None:
    """Start the observers of a run and return when all have ended, or ``grace`` (s) after the run.

    Raises:
        RunFolderError: the folder is not that of a run.
    """
    follower = Follower(folder, clock=clock)
    keeper = _Keeper(folder)
    watches = Watches(folder, clock, silence)
    try:
        for source in _sources(bench):
            watches.begin(source)
    except LugginError as error:
        log.exception("plugins cannot be loaded")
        keeper.keep([State("", "", "failed", str(error))])
        return
    parent, until = os.getppid(), math.inf
    while clock.now() < until:
        handle.hold()
        # An observer that takes all memory takes it from this thread too; it is the one that gets the blame.
        with contextlib.suppress(MemoryError):
            states = watches.states()
            keeper.keep(states)
            if all(state.state != "running" for state in states):
                return
            if until == math.inf and (_is_over(follower) or os.getppid() != parent):
                until = clock.now() + grace
        clock.sleep(_TICK_S)
    keeper.keep([_given_up(state, grace) for state in watches.states()])


def _sources(bench: Path | None) -> list[ObserverSource]:
    """The plugins that have something to do, in a process that loads what the runner has loaded."""
    from luggin import plugins as plugin_manager

    plugins = plugin_manager.load()
    if bench is not None:
        plugins.add_bench_plugin(bench.parent)
    return with_something_to_do(plugins, bench)


def _is_over(follower: Follower) -> bool:
    follower.new()
    return follower.over


def _given_up(state: State, grace: float) -> State:
    if state.state != "running":
        return state
    return replace(state, state="failed", what=f"had not ended {grace:g} s after the run, and was ended")


class _Keeper:
    """Writes states where the runner and people find them, when they have changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: list[State] | None = None

    def keep(self, states: list[State]) -> None:
        if states == self._kept:
            return
        self._kept = states
        try:
            write_states(self._folder, states)
        except OSError:
            log.exception("what became of the observers cannot be written")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m luggin.observing", description="Run the observers of a run folder until the run is over."
    )
    limits = Confinement()
    parser.add_argument("folder", type=Path, help="the run folder")
    parser.add_argument("--bench", type=Path, help="the bench file; luggin_bench.py beside it is a plugin")
    parser.add_argument("--memory", type=int, default=limits.memory, help="bytes that this process may take")
    parser.add_argument("--log-bytes", type=int, default=limits.log_bytes, help="largest observers.log")
    parser.add_argument("--grace", type=float, default=limits.grace, help="time after the end of the run (s)")
    parser.add_argument("--silence", type=float, default=limits.silence, help="when one counts as hanging (s)")
    return parser
