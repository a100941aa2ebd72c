"""What every wire dialect is, and the leads by which an instrument holds its cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from luggin.errors import Problem
    from luggin_sim.cells import Cell

#: Cells cannot be advanced by less than a microsecond; less than this is no time at all.
_INSTANT = 1e-6


class Dialect(Protocol):
    """One instrument as seen from its line. All times are lab seconds and never go back.

    Whoever carries the bytes asks `next_due`, comes back at that time, and takes what is there.

    A dialect may have ``overload_current`` (A): a current through its leads that it calls an overload,
    for the fault of that name. Without it, much more than any meter holds is sent.
    """

    def feed(self, data: bytes, now: float) -> None:
        """Bytes arrive at the instrument at ``now``."""
        ...

    def take(self, now: float) -> bytes:
        """Everything that the instrument has sent up to ``now`` and that was not taken before."""
        ...

    def next_due(self, now: float) -> float | None:
        """When there is something to take: ``now`` or earlier if there is already, None if never."""
        ...

    @property
    def cell_is_on(self) -> bool:
        """True while the cell circuit is closed."""
        ...


class DialectMaker(Protocol):
    """How the bench gets a dialect from its file. ``usual_model`` stands in where a real bench names none."""

    usual_model: str

    def check(self, model: str, options: Mapping[str, Any]) -> list[Problem]:
        """All mistakes; paths begin with ``model`` or ``options``."""
        ...

    def make(self, model: str, options: Mapping[str, Any], cell: Cell) -> Dialect:
        """A freshly switched-on instrument with this cell on its leads."""
        ...


class Leads:
    """The leads between an instrument and its cell: open, or held at a potential.

    A cell that was never closed is at rest. Time that passes before the first closing and outside a
    measurement changes nothing, so that a run gives the same digits however long its start took.

    Args:
        cell: what hangs on the leads.
        staircase: jump to each new level and wait, instead of a linear ramp to it.
    """

    def __init__(self, cell: Cell, staircase: bool = False) -> None:
        self.cell = cell
        self.is_on = False
        self.setpoint = 0.0
        self._staircase = staircase
        self._touched = False
        self._current: float | None = None

    def close(self) -> None:
        """Switch the cell on at the setpoint."""
        if not self.is_on:
            self.is_on = self._touched = True
            self.cell.step_to(self.setpoint)
            self._current = None

    def open(self) -> None:
        """Switch the cell off."""
        self.is_on = False

    def jump(self, potential: float) -> None:
        """Set the potential (V) at once; a cell that is off gets it when it is switched on."""
        if potential != self.setpoint:
            self.setpoint = potential
            if self.is_on:
                self.cell.step_to(potential)
                self._current = None

    def dwell(self, seconds: float) -> None:
        """Let time pass unmeasured: held at the setpoint, or at open circuit."""
        if seconds < _INSTANT:
            return
        if self.is_on:
            self._current = self.cell.apply(self.setpoint, seconds)
        elif self._touched:
            self.cell.rest(seconds)

    def ramp(self, potential: float, seconds: float) -> float:
        """Go to the next level (V) and give the current (A) after ``seconds``."""
        self.setpoint = potential
        if self._staircase:
            self.cell.step_to(potential)
        self._current = current = self.cell.apply(potential, seconds)
        return current

    def current_now(self) -> float:
        """The current (A) at this moment; directly after a jump that is the one a microsecond later."""
        if self._current is None:
            self._current = self.cell.apply(self.setpoint, _INSTANT)
        return self._current

    def rest(self, seconds: float) -> float:
        """Stay at open circuit for ``seconds``; the open-circuit potential (V) then."""
        return self.cell.rest(seconds)

    def potential_now(self) -> float:
        """The potential (V) between the leads at this moment."""
        return self.cell.potential
