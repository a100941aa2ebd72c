"""What a limit of the cell is, and what it means that it was left. In SI units, as the engine checks it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from luggin import units
from luggin.records import Flag

Action = Literal["stop", "suspend", "end_step"]
Kind = Literal["between", "rate"]
Reason = Literal["outside", "invalid", "flag"]

#: Readings in a row that cannot be used, after which the reading itself is the fault.
INVALID_ROWS = 5
#: Age of a reading on arrival (s) above which a ``stop`` limit wants to be held by the instrument.
LATENCY = 1.0

_SEVERITY = {"end_step": 0, "suspend": 1, "stop": 2}

#: What an instrument reports, in words.
FLAG_WORDS = {
    Flag.POTENTIAL_OVERLOAD: "an overload of the potential",
    Flag.CURRENT_OVERLOAD: "an overload of the current",
    Flag.COMPLIANCE: "compliance: it cannot apply what was asked for",
    Flag.OVERTEMPERATURE: "that it is too hot",
    Flag.CELL_OFF: "an open cell, while a technique runs on it",
}


@dataclass(frozen=True)
class Limit:
    """One limit in SI units.

    Attributes:
        column: of the frames, or ``power`` and ``charge``, which are computed where no column has them.
        low: lowest allowed value (``unit``; for a rate ``unit`` per second).
        high: highest allowed value.
        unit: of the column.
        rows: so many readings in a row must be outside.
        seconds: so long readings must be outside (s; 0: at once).
        then: what happens then.
        kind: whether the value itself or its rate of change is limited.
        over: the time over which a rate is taken (s); 0 is from row to row.
        invalid: so many readings in a row without a usable value are a trip, which is always a stop.
        latency: the oldest that a reading may be when it is checked (s), where the instrument does not
            hold the limit by itself.
        back_low: lowest value that counts as back after a suspension; ``low`` if None.
        back_high: highest such value; ``high`` if None.
        back_seconds: how long the value must be back before the run goes on (s).
        within: how long to wait for that at most (s); None waits for ever.
    """

    column: str
    low: float
    high: float
    unit: str
    rows: int = 1
    seconds: float = 0.0
    then: Action = "stop"
    kind: Kind = "between"
    over: float = 0.0
    invalid: int = INVALID_ROWS
    latency: float = LATENCY
    back_low: float | None = None
    back_high: float | None = None
    back_seconds: float = 0.0
    within: float | None = None

    @classmethod
    def of(cls, entry: Any) -> Limit:
        """The limit of a protocol file (`luggin.steps.Limit`) in the form in which the engine checks it."""
        back_low, back_high = entry.back_window
        return cls(
            entry.column,
            entry.low,
            entry.high,
            entry.unit,
            rows=entry.rows or 1,
            seconds=entry.seconds,
            then=entry.then,
            kind=entry.kind,
            over=entry.over_seconds,
            invalid=entry.invalid_rows,
            latency=float(entry.latency),
            back_low=back_low,
            back_high=back_high,
            back_seconds=float(entry.back_for),
            within=float(entry.within),
        )

    def in_unit(self, unit: str) -> Limit:
        """The same limit for a column in another unit. A difference of 1 K is one of 1 degC; 0 K is -273.15 degC.

        Raises:
            UnitError: ``unit`` is of another kind.
        """
        if unit == self.unit:
            return self

        def value(bound: float | None) -> float | None:
            return None if bound is None else units.convert(bound, self.unit, unit)

        def difference(bound: float) -> float:
            return units.convert(bound, self.unit, unit) - units.convert(0.0, self.unit, unit)

        low, high = (
            (difference(bound) for bound in (self.low, self.high))
            if self.kind == "rate"
            else (units.convert(bound, self.unit, unit) for bound in (self.low, self.high))
        )
        return replace(
            self, low=low, high=high, unit=unit, back_low=value(self.back_low), back_high=value(self.back_high)
        )

    def is_back(self, value: float) -> bool:
        """Whether a value of the column (``unit``) is one at which a suspended run may go on; NaN never is."""
        low = self.low if self.back_low is None else self.back_low
        high = self.high if self.back_high is None else self.back_high
        return low <= value <= high

    @property
    def quantity(self) -> str:
        """What is limited, in words."""
        return f"rate of {self.column}" if self.kind == "rate" else self.column

    def show(self, value: float, digits: int = 4) -> str:
        """A value of what is limited, in words; a temperature as people write it, in degC."""
        if self.kind == "between" and self.unit == "K":
            return units.show(units.convert(value, "K", "degC"), "degC", digits)
        if self.kind == "between":
            return units.show(value, self.unit, digits)
        if self.unit in ("K", "degC"):
            return f"{value * 60:.{digits}g} K/min"
        return units.show(value, f"{self.unit}/s", digits)

    def describe(self) -> str:
        """The limit in words."""
        over = f" over {self.over:g} s" if self.over else ""
        held = f" for {self.rows} rows" if self.rows > 1 else f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.quantity} between {self.show(self.low)} and {self.show(self.high)}{over}{held}"


@dataclass(frozen=True)
class Trip:
    """A limit that was left: which, by what value, at which row of the frame, and in which way.

    ``reason`` is ``outside``, ``invalid`` (readings that cannot be used) or ``flag`` (the instrument
    reports a state that nobody expects; ``detail`` has its words).
    """

    limit: Limit
    value: float
    row: int
    then: Action
    reason: Reason = "outside"
    detail: str = ""

    def outweighs(self, other: Trip | None) -> bool:
        """Whether this trip, and not the other one, decides what happens: stop before suspend before end_step."""
        return other is None or _SEVERITY[self.then] > _SEVERITY[other.then]

    def describe(self) -> str:
        """What happened, in the words of the bench."""
        if self.reason == "flag":
            lasting = f" ({self.limit.rows} rows in a row)" if self.limit.rows > 1 else ""
            return f"the instrument reports {self.detail}{lasting}"
        if self.reason == "invalid":
            value = f"no usable reading ({self.detail})" if self.detail else "no usable reading"
            return f"{self.limit.column} was {value}; allowed is {self.limit.describe()}"
        value = "no usable reading" if math.isnan(self.value) else self.limit.show(self.value, 5)
        return f"{self.limit.quantity} was {value}; allowed is {self.limit.describe()}"


def limits_of(entries: Iterable[Any]) -> tuple[Limit, ...]:
    """The limits of a protocol in the form in which the engine checks them."""
    return tuple(Limit.of(entry) for entry in entries)
