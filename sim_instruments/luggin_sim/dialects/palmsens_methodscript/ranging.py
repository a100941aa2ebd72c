"""Current ranges: which one a reading is taken on, and what the reading's flags are."""

from __future__ import annotations

from luggin_sim.dialects.palmsens_methodscript.output import metadata
from luggin_sim.dialects.palmsens_methodscript.rules import Rules

TIMING, OVERLOAD, UNDERLOAD, OVERLOAD_WARNING = 1, 2, 4, 8


class CurrentRanging:
    """One current meter with fixed range or autoranging.

    Args:
        ranges: (metadata index, full scale in A), ascending.
        rules: thresholds.
    """

    def __init__(self, ranges: tuple[tuple[int, float], ...], rules: Rules) -> None:
        self._rules = rules
        self._ranges = ranges
        self._lowest = self._highest = self._at = len(ranges) - 1
        self._small_in_a_row = 0
        self._metadata: dict[tuple[int, int], str] = {}
        self.select(ranges)

    def select(self, ranges: tuple[tuple[int, float], ...]) -> None:
        """Another PGStat mode has other ranges; starts on the highest, fixed."""
        self._ranges = ranges
        self._lowest = self._highest = len(ranges) - 1
        self._use(self._highest)

    def set_range(self, current: float) -> None:
        """The smallest range that holds ``current`` (A); autoranging limits move along if need be."""
        at = self._holding(current)
        if self._lowest == self._highest:
            self._lowest = self._highest = at
        self._use(min(max(at, self._lowest), self._highest))

    def set_autoranging(self, low: float, high: float) -> None:
        """Ranges between the one for ``low`` and the one for ``high`` (A) may be used."""
        self._lowest, self._highest = self._holding(low), self._holding(high)
        self._use(min(max(self._at, self._lowest), self._highest))

    def read(self, current: float, status: int) -> tuple[float, str]:
        """What the meter shows for a current (A): value, and status and range as metadata."""
        magnitude = abs(current)
        at = self._at
        if magnitude > self._warn:
            if magnitude > self._limit:
                status |= OVERLOAD
                current = self._limit if current > 0.0 else -self._limit
            else:
                status |= OVERLOAD_WARNING
        elif magnitude < self._under:
            status |= UNDERLOAD
        if self._step and magnitude == magnitude:  # not-a-number has no step
            current = round(current / self._step) * self._step
        if magnitude > self._up:
            self._use(at + 1)
        elif magnitude < self._down:
            self._small_in_a_row += 1
            if self._small_in_a_row >= self._rules.down_after:
                self._use(at - 1)
        else:
            self._small_in_a_row = 0
        key = (status, at)
        text = self._metadata.get(key)
        if text is None:
            text = self._metadata[key] = metadata(status, self._ranges[at][0])
        return current, text

    def _holding(self, current: float) -> int:
        for index, (_, full_scale) in enumerate(self._ranges):
            if full_scale >= abs(current) * (1.0 - 1e-9):
                return index
        return len(self._ranges) - 1

    def _use(self, at: int) -> None:
        """Work out the thresholds of a range once, not for every reading."""
        rules, full_scale = self._rules, self._ranges[at][1]
        self._at = at
        self._small_in_a_row = 0
        self._warn = rules.warn_at * full_scale
        self._limit = rules.over_range * full_scale
        self._under = rules.underload_at * full_scale
        self._up = rules.up_at * full_scale if at < self._highest else float("inf")
        self._down = rules.down_at * self._ranges[at - 1][1] if at > self._lowest else -1.0
        self._step = full_scale / rules.counts if rules.counts else 0.0
