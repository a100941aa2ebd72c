"""Several protocols in one invocation: each is its own run, in a thread of its own.

They share the time and the signals, nothing else. One that fails leaves the others alone; the
first Ctrl-C stops all of them safely.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from luggin.clock import Clock, RealClock, VirtualClock, Worker
from luggin.engine.progress import Lines, People, Watcher
from luggin.engine.protocols import Finished, run_protocol
from luggin.engine.run import Run
from luggin.engine.start import Plan
from luggin.errors import LugginError, PluginFault, UsageError
from luggin.signals import SignalWatch
from luggin.units import show_duration

if TYPE_CHECKING:
    from luggin.plugins import Plugins
    from luggin.steps import LoadedProtocol

log = logging.getLogger(__name__)

#: How often it is looked whether a job was given up (s).
_LOOK = 0.2


class NamedLines(Lines):
    """Progress as plain lines that say which of several protocols they are about."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def began(self, run: str, simulated: bool) -> None:
        """Name the folder, and say when nothing in it is real."""
        self.said(f"{'SIMULATED ' if simulated else ''}run in {run}")

    def step_began(self, path: str, title: str, duration: float, rows: int) -> None:
        """Say what begins and how long it takes."""
        self.said(f"step {path}: {title}, {show_duration(duration)}")

    def said(self, text: str) -> None:
        """Print it."""
        print(f"{self._name}: {text}", file=sys.stderr)


@dataclass
class Job:
    """One protocol of several, and how it ended: a finished run, or why it could not begin."""

    loaded: LoadedProtocol
    plan: Plan
    watcher: Watcher
    finished: Finished | None = None
    error: LugginError | None = None
    #: Its driver hangs; nobody waits for its thread any more.
    given_up: bool = False

    @property
    def exit_code(self) -> int:
        """The code with which this one alone would end."""
        if self.finished is not None:
            return self.finished.exit_code
        return 0 if self.error is None else self.error.exit_code


def run_together(jobs: Sequence[Job], plugins: Plugins, people: People | None) -> None:
    """Run all jobs at once; each job says afterwards how it ended.

    Raises:
        UsageError: simulated benches in virtual time and real ones do not go together.
    """
    virtual = [all(r.resource.startswith("sim://") for r in job.plan.bench.roles.values()) for job in jobs]
    if any(virtual) and not all(virtual):
        raise UsageError(
            "protocols on benches in virtual time cannot run together with ones in real time. Serve the simulated "
            "benches with `luggin sim`, or run them one after the other."
        )
    shared = VirtualClock() if all(virtual) else None
    clock = shared or RealClock()
    runs: list[Run] = []
    asked: list[tuple[int, str]] = []

    def begun(job: Job, run: Run) -> None:
        def given_up(error: LugginError) -> None:
            job.error, job.given_up = error, True
            job.finished = Finished(run.folder, "failed", run.session.simulated, error=error)

        run.on_given_up = given_up
        runs.append(run)
        for count, name in asked:  # Ctrl-C came while the bench of this one was being opened
            run.stop_by_signal(count, name)

    def work(job: Job) -> None:
        try:
            finished = run_protocol(
                job.loaded,
                job.plan,
                plugins,
                people=people,
                watcher=job.watcher,
                shared=shared,
                on_begin=partial(begun, job),
            )
            job.finished = job.finished if job.given_up else finished
        except LugginError as error:
            job.error = error
        except Exception as error:
            log.error("unforeseen", exc_info=error)
            job.error = PluginFault(
                f"{type(error).__name__}: {error}. This is a mistake in a driver, a plugin or Luggin itself, not in "
                "your protocol."
            )

    def stop(count: int, name: str) -> None:
        asked.append((count, name))
        for run in list(runs):
            if run.outcome == "running":
                run.stop_by_signal(count, name)

    with SignalWatch(stop), clock.worker("together"):
        workers = [clock.start_worker(f"run {number}", partial(work, job)) for number, job in enumerate(jobs, 1)]
        for job, worker in zip(jobs, workers, strict=True):
            _wait_for(job, worker, clock)


def _wait_for(job: Job, worker: Worker, clock: Clock) -> None:
    """Wait until a job is over, or was given up."""
    if clock.virtual:
        worker.join()
    while not job.given_up and not worker.join(clock.now() + _LOOK):
        pass
