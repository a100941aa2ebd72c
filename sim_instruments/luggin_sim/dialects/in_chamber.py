"""An instrument whose cell stands in a chamber: whenever it is asked, its cell has the chamber's temperature."""

from __future__ import annotations

from typing import Any

from luggin_sim.cells import Chamber, Tempered
from luggin_sim.dialects.base import Dialect

#: So much (K) the temperature must have changed before a cell is told.
_NOTICEABLE = 0.01


class InChamber:
    """Any dialect with a cell in a chamber; satisfies `luggin_sim.dialects.base.Dialect`.

    Args:
        dialect: the instrument.
        cell: what hangs on its leads.
        chamber: where that stands; the sample of the chamber is this cell.
    """

    def __init__(self, dialect: Dialect, cell: Tempered, chamber: Chamber) -> None:
        self._dialect, self._cell, self._chamber = dialect, cell, chamber
        self._told = chamber.sample
        cell.set_temperature(self._told)

    def feed(self, data: bytes, now: float) -> None:
        """Bytes arrive at the instrument at ``now``."""
        self._follow(now)
        self._dialect.feed(data, now)

    def take(self, now: float) -> bytes:
        """What was sent up to ``now``."""
        self._follow(now)
        return self._dialect.take(now)

    def next_due(self, now: float) -> float | None:
        """When there is something to take."""
        self._follow(now)
        return self._dialect.next_due(now)

    @property
    def cell_is_on(self) -> bool:
        """True while the cell circuit is closed."""
        return self._dialect.cell_is_on

    def __getattr__(self, name: str) -> Any:
        # What a dialect says about itself beside its bytes: status byte, device clear, trigger.
        return getattr(self._dialect, name)

    def _follow(self, now: float) -> None:
        self._chamber.advance(now)
        if abs(self._chamber.sample - self._told) >= _NOTICEABLE:
            self._told = self._chamber.sample
            self._cell.set_temperature(self._told)
