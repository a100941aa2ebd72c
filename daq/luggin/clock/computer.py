"""What happens to the computer's own clocks: it sleeps, and somebody sets the time of day.

Neither changes a duration: all of them are measured by the monotonic clock, which stands still while
the computer sleeps (Linux, macOS) and knows nothing of the time of day. But nobody watched the cell
meanwhile, and times of day before and after do not fit together, so both have to be noticed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Moment(NamedTuple):
    """The computer's clocks, read together (s).

    Attributes:
        running: monotonic; what `luggin.clock.RealClock.now` gives.
        elapsed: monotonic, with the time that the computer slept; None where it cannot be asked.
        wall: the time of day, since 1970 in UTC.
    """

    running: float
    elapsed: float | None
    wall: float


class Disturbance(NamedTuple):
    """What happened between two looks: seconds slept, and seconds by which the time of day was set forward.

    Where sleep cannot be told (``slept`` None), the time of day seems to be set forward by it.
    """

    slept: float | None
    jumped: float


def moment() -> Moment:
    """Now, by all clocks of this computer. Only Linux says how long it slept (``CLOCK_BOOTTIME``)."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return Moment(time.monotonic(), None if boot is None else time.clock_gettime(boot), time.time())


def between(before: Moment, after: Moment) -> Disturbance:
    """What happened to the clocks from one moment to another.

    >>> between(Moment(10.0, 10.0, 1e9), Moment(11.0, 41.0, 1e9 + 31.0))
    Disturbance(slept=30.0, jumped=0.0)
    """
    ran = after.running - before.running
    if before.elapsed is None or after.elapsed is None:
        return Disturbance(None, after.wall - before.wall - ran)
    elapsed = after.elapsed - before.elapsed
    return Disturbance(elapsed - ran, after.wall - before.wall - elapsed)


class ComputerWatch:
    """Tells, each time it is asked, what happened to the clocks since the time before.

    Args:
        least: shorter sleeps and smaller jumps are nothing (s): the clocks are not read at once, and NTP
            lets the time of day run a little faster or slower.
        read: how the clocks are read.
    """

    def __init__(self, least: float = 0.5, read: Callable[[], Moment] = moment) -> None:
        self._least = least
        self._read = read
        self._before = read()

    def suspended_since(self, mark: Moment) -> float:
        """Seconds that the computer slept since ``mark``; 0 where that cannot be told."""
        slept = between(mark, self._read()).slept
        return slept if slept is not None and slept >= self._least else 0.0

    def look(self) -> Disturbance | None:
        """What happened since the last look, or None if nothing did. To be asked about once a second."""
        now = self._read()
        found = between(self._before, now)
        self._before = now
        slept, jumped = found
        if slept is not None and slept < self._least:
            slept = 0.0
        if abs(jumped) < self._least:
            jumped = 0.0
        return Disturbance(slept, jumped) if slept or jumped else None
