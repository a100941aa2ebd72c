"""Any cell, with a short circuit or a blind meter when asked for, and a life longer than its instrument's."""

from __future__ import annotations

import math
from typing import Any, Self

from luggin_sim.cells.base import SHORTEST_STEP, Cell
from luggin_sim.cells.impedance import SmallSignal

_NAN = float("nan")


class FaultyCell:
    """A cell between the leads and what is really there. Satisfies `luggin_sim.cells.base.Cell`.

    Without a fault it passes everything on. With one, the instrument itself makes of it what it can:
    it clips, flags, changes its range or gives up. The cell behind is never told.

    Attributes:
        overload: a current (A) that flows through the leads beside the cell, as when electrodes touch; it
            is held back where the instrument limits the current. While a current is driven, the potential
            is at its limit instead, as when a lead has come off. None: nothing of the kind.
        unreadable: readings are not numbers.
        time: lab time (s) of whatever happens next; told by whoever knows a clock.
    """

    def __init__(self, cell: Cell) -> None:
        self.overload: float | None = None
        self.unreadable = False
        self.time = 0.0
        self._cell = cell
        self._limit = math.inf
        self._driven = 0.0  # current (A) that is sent through; not-a-number while a potential is applied
        self._touched = False
        self._left_at: float | None = None

    # -- faults
    def leave(self) -> None:
        """The instrument is gone, and its leads are open; the next one finds the cell as it is then."""
        if self._touched:
            self._cell.rest(SHORTEST_STEP)
            self._left_at = self.time

    def _flows(self, current: float) -> float:
        """The current (A) through the leads where ``current`` goes through the cell."""
        if self.overload is None or self._driven == self._driven or self._cell.is_open:
            return current
        return math.copysign(min(self.overload, self._limit), current)

    def _stands(self, potential: float) -> float:
        """The potential (V) between the leads where ``potential`` is that of the cell."""
        if self.overload is None or self._driven != self._driven or self._limit == math.inf or self._cell.is_open:
            return potential
        return math.copysign(self._limit, self._driven)

    def _touch(self, seconds: float) -> None:
        """Something is done to the cell that takes ``seconds`` up to now; until then it may have been left alone."""
        self._touched = True
        if self._left_at is not None:
            alone = self.time - self._left_at - seconds
            self._left_at = None
            if alone >= SHORTEST_STEP:
                self._cell.rest(alone)

    # -- the cell
    @property
    def truth(self) -> Any:
        """What the cell was made from."""
        return self._cell.truth

    @property
    def potential(self) -> float:
        """As `Cell.potential`."""
        return self._stands(self._cell.potential)

    @property
    def current(self) -> float:
        """As `Cell.current`."""
        return self._flows(self._cell.current)

    @property
    def is_open(self) -> bool:
        """As `Cell.is_open`."""
        return self._cell.is_open

    def apply(self, potential: float, dt: float, limit: float = math.inf) -> float:
        """As `Cell.apply`."""
        self._touch(dt)
        self._limit, self._driven = limit, _NAN
        return self._flows(self._cell.apply(potential, dt, limit))

    def step_to(self, potential: float, limit: float = math.inf) -> None:
        """As `Cell.step_to`."""
        self._touch(0.0)
        self._limit, self._driven = limit, _NAN
        self._cell.step_to(potential, limit)

    def apply_current(self, current: float, dt: float, limit: float = math.inf) -> float:
        """As `Cell.apply_current`."""
        self._touch(dt)
        self._limit, self._driven = limit, current
        return self._stands(self._cell.apply_current(current, dt, limit))

    def rest(self, dt: float) -> float:
        """As `Cell.rest`. The first rest of a new instrument ends now, whenever it believes that it began."""
        was_left = self._left_at is not None
        self._touch(0.0)
        return self._cell.potential if was_left else self._cell.rest(dt)

    def measure_current(self, current: float) -> float:
        """As `Cell.measure_current`, of what flows through the leads."""
        return _NAN if self.unreadable else self._cell.measure_current(self._flows(current))

    def measure_potential(self, potential: float) -> float:
        """As `Cell.measure_potential`, of what stands between the leads."""
        return _NAN if self.unreadable else self._cell.measure_potential(self._stands(potential))

    def impedance(self, frequency: float) -> complex:
        """As `SmallSignal.impedance`, of the cell: what the meter makes of it is `measure_current`."""
        if not isinstance(self._cell, SmallSignal):
            raise TypeError(f"a {type(self._cell).__name__} has no impedance")
        return self._cell.impedance(frequency)

    def fresh(self) -> Self:
        """As `Cell.fresh`, without faults."""
        return type(self)(self._cell.fresh())
