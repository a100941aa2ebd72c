"""The terminals of the instrument: what they do to the cell, and the cell's time."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from luggin_sim.cells import SHORTEST_STEP, Cell
from luggin_sim.dialects.keithley_2450.rules import Rules

# A level that is held against a limit differs from it by rounding.
_AT_THE_LIMIT = 1.0 - 1e-9


class Drive(NamedTuple):
    """What the terminals do: hold a potential (``VOLT``, V), send a current (``CURR``, A), or are open.

    ``limit`` is that of the other quantity (A or V).
    """

    function: Literal["VOLT", "CURR", "OPEN"]
    level: float = 0.0
    limit: float = math.inf


OPEN = Drive("OPEN")


class Terminals:
    """The two pairs of terminals with a cell on them.

    The cell is brought up to date only when something is done or measured, in as few steps as there
    are changes. How long a level was held costs nothing.
    """

    def __init__(self, cell: Cell, rules: Rules) -> None:
        self._cell, self._rules = cell, rules
        self._drive = OPEN
        self._time = 0.0
        self._plugged_in = rules.plugged_in == "from_start"

    @property
    def is_closed(self) -> bool:
        """True while a current can flow through the cell."""
        return self._plugged_in and self._drive.function != "OPEN"

    @property
    def time(self) -> float:
        """Lab time (s) up to which the cell's history is known."""
        return self._time

    def plug_in(self, now: float) -> None:
        """The operator connects the cell, if that was not done; until then it was at rest."""
        if not self._plugged_in:
            self._plugged_in, self._time = True, now
            self._apply_level()

    def set(self, drive: Drive, now: float) -> None:
        """From ``now`` on do this."""
        if drive == self._drive:
            return
        self.wait(now)
        self._drive = drive
        self._apply_level()

    def wait(self, until: float) -> None:
        """Let the cell's time go on with nothing changed."""
        seconds = until - self._time
        if seconds < SHORTEST_STEP:
            return
        if self._plugged_in:
            self._pass(seconds)
        self._time = until

    def move(self, drive: Drive, seconds: float, *, jump: bool) -> None:
        """Go on to the next level of a sweep, which is reached after ``seconds``, or at once by a jump."""
        self._drive = drive
        if jump or self._rules.staircase:
            self._apply_level()
        self._pass(seconds)
        self._time += seconds

    def current(self) -> float:
        """Current (A) through the terminals now; none if they are open."""
        return self._cell.current if self.is_closed else 0.0

    def potential(self) -> float:
        """Potential (V) between the terminals now. Open terminals are not connected to the cell."""
        return self._cell.potential if self.is_closed else 0.0

    def is_limited(self) -> bool:
        """True if the limit of the other quantity holds the source back."""
        if not self.is_closed:
            return False
        reached = self._cell.current if self._drive.function == "VOLT" else self._cell.potential
        return abs(reached) >= self._drive.limit * _AT_THE_LIMIT

    def measured_current(self) -> float:
        """`current` with the noise of the cell."""
        return self._cell.measure_current(self._cell.current) if self.is_closed else 0.0

    def measured_potential(self) -> float:
        """`potential` with the noise of the cell."""
        return self._cell.measure_potential(self._cell.potential) if self.is_closed else 0.0

    def _apply_level(self) -> None:
        if self._plugged_in and self._drive.function == "VOLT":
            self._cell.step_to(self._drive.level, self._drive.limit)

    def _pass(self, seconds: float) -> None:
        drive = self._drive
        if drive.function == "VOLT":
            self._cell.apply(drive.level, seconds, drive.limit)
        elif drive.function == "CURR":
            self._cell.apply_current(drive.level, seconds, drive.limit)
        else:
            self._cell.rest(seconds)
