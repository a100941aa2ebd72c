"""What happens to a run besides readings: a small stream of its own, so that readers of the data see it.

``run.log`` has the words; the store's ``events`` has time, kind, step and attempt as numbers.
"""

from __future__ import annotations

import enum

from luggin.records import ATTEMPT, STEP, TIME, Column, Schema


class Event(enum.IntEnum):
    """Kinds of events; the numbers are part of the store's format and are never reused."""

    STARTED = 1
    RESUMED = 2
    PREPARED = 3
    TRIP = 4
    MADE_SAFE = 5
    STOP_ASKED = 6
    FINISHED = 7
    MONITOR_LOST = 8
    SUSPENDED = 9
    CONTINUED = 10
    LINE_LOST = 11
    RECONNECTED = 12
    GAP = 13
    GUARDIAN = 14
    COMPUTER_SLEPT = 15
    CLOCK_JUMPED = 16
    DISK_LOW = 17

    @property
    def words(self) -> str:
        """The kind as ``run.log`` has it."""
        return self.name.lower().replace("_", " ")


KIND = Column("kind", "1", "i4", "kind of event", meanings=tuple((int(e), e.name.lower()) for e in Event))
EVENTS = Schema("events", (TIME, KIND, STEP, ATTEMPT))
