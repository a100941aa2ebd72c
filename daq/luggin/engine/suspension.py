"""Waiting, with the cell open, until a condition is back: what ``then = "suspend"`` means.

A limit that says so ends the technique like any other (abort, cell verified open), but keeps the
instrument and the run. What brings the value to look at is a monitor that reads the column, or, for
a potential, a short measurement at open circuit from time to time.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from luggin import units
from luggin.engine.events import Event

if TYPE_CHECKING:
    from luggin.engine.execution import Attempt
    from luggin.engine.limits import Limit, Trip
    from luggin.engine.run import Run

#: Lab time between two looks at a monitor (s), and between two measurements at open circuit (s).
LOOK_EVERY, OCP_EVERY = 1.0, 30.0
#: How long the open-circuit potential is measured for one look (s).
OCP_LOOK = 2.0


class Suspended(Exception):
    """A technique was ended by a limit with ``then = "suspend"``; the cell is open. Never leaves the engine."""

    def __init__(self, limit: Limit, words: str) -> None:
        super().__init__(words)
        self.limit = limit


class Suspensions:
    """The limits of a run that were left and whose condition is not back yet."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._pending: Suspended | None = None

    def left(self, trip: Trip, where: str) -> None:
        """A limit was left, told from any thread: whatever measures on a cell is ended."""
        with self._lock:
            if self._pending is not None:
                return
            self._pending = Suspended(trip.limit, f"{where}: {trip.describe()}")
        self._run.abort_techniques()

    @property
    def pending(self) -> Suspended | None:
        """The suspension that nobody has waited out yet."""
        return self._pending

    def raise_pending(self) -> None:
        """Raise what is pending, before something would close the cell."""
        if self._pending is not None:
            raise self._pending

    def wait(self, suspended: Suspended, attempt: Attempt) -> None:
        """Wait until the condition is back, and stays so for as long as the limit says.

        Raises:
            LimitTripped: it was not back in time; this latches like any other trip.
            Interrupted: somebody stopped the run meanwhile.
        """
        run, limit = self._run, suspended.limit
        clock = run.session.clock
        place = {"path": attempt.path, "step": attempt.number, "attempt": attempt.attempt}
        run.event(Event.SUSPENDED, **place, words=str(suspended))
        run.watcher.said(f"suspended, cell open: {suspended}. Waiting for {limit.column} to come back.")
        began = clock.now()
        since: float | None = None
        while True:
            value, pause = self._look(limit, attempt)
            now = clock.now()
            if not (math.isfinite(value) and limit.is_back(value)):
                since = None
            elif since is None:
                since = now
            if since is not None and now - since >= limit.back_seconds:
                break
            if limit.within is not None and now - began >= limit.within:
                words = f"{suspended}; it was not back within {units.show_duration(limit.within)}"
                run.event(Event.TRIP, **place, then="stop", words=words)
                raise run.tripped(f"step {attempt.path}: {words}")
            if not clock.sleep(pause, run.soft):
                raise run.interrupted()
        with self._lock:
            self._pending = None
        lasted = clock.now() - began
        run.event(Event.CONTINUED, **place, words=f"{limit.column} is back", waited=lasted)
        run.watcher.said(f"{limit.column} is back after {units.show_duration(lasted)}; going on")

    def _look(self, limit: Limit, attempt: Attempt) -> tuple[float, float]:
        """The present value of the limit's column (NaN if there is none), and how long to wait for the next look."""
        latest = self._run.monitors.latest(limit)
        if latest is not None:
            return latest, LOOK_EVERY
        return attempt.look_at_open_circuit(OCP_LOOK), OCP_EVERY
