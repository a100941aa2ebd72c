"""Limits of the cell: what a column may not leave, for how long, and what happens then."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from luggin import units
from luggin.documents import did_you_mean, shown
from luggin.errors import UnitError
from luggin.steps.base import Record, Step, TechniqueStep
from luggin.steps.quantities import Quantity, refuse
from luggin.steps.wording import Mistake

if TYPE_CHECKING:
    from luggin.steps.protocol import Protocol

COLUMN_UNITS = {
    "potential": "V",
    "voltage": "V",
    "current": "A",
    "charge": "C",
    "temperature": "K",
}
"""The columns that can be limited, with the unit in which a limit is kept."""


class Limit(Record):
    """``{column = "current", between = ["-100 uA", "100 uA"], for = "3 rows", then = "stop"}``."""

    column: str = Field(description=f"one of {', '.join(COLUMN_UNITS)}", examples=["potential"])
    between: tuple[Any, Any] = Field(description="lowest and highest value", examples=[["-2 V", "1 V"]])
    lasting: str = Field("1 row", alias="for", description="rows or time outside", examples=["3 rows", "10 s"])
    then: Literal["stop", "end_step"] = Field("stop", description="stop: abort, cell open, latched; end_step: go on")

    @field_validator("column")
    @classmethod
    def _column_is_known(cls, column: str) -> str:
        if column not in COLUMN_UNITS:
            hint = did_you_mean(column, COLUMN_UNITS)
            raise refuse(f"`{column}` cannot be limited; columns with limits are {', '.join(COLUMN_UNITS)}.", hint)
        return column

    @field_validator("between")
    @classmethod
    def _is_a_window(cls, between: tuple[Any, Any], info: ValidationInfo) -> tuple[Any, Any]:
        column = info.data.get("column")
        if column is None:
            return between
        unit = COLUMN_UNITS[column]
        low, high = (_bound(value, unit) for value in between)
        if not low < high:
            raise refuse(f"{low.written} is not below {high.written}.", "The lowest value comes first.")
        return low, high

    @field_validator("lasting")
    @classmethod
    def _lasts(cls, lasting: str) -> str:
        _persistence(lasting)
        return lasting

    @field_validator("then", mode="before")
    @classmethod
    def _is_available(cls, then: Any) -> Any:
        if then == "suspend":
            raise refuse('"suspend" is not available in this version.', 'Use "stop" (the default) or "end_step".')
        return then

    @property
    def low(self) -> float:
        """The lowest allowed value, in `unit`."""
        return float(self.between[0])

    @property
    def high(self) -> float:
        """The highest allowed value, in `unit`."""
        return float(self.between[1])

    @property
    def unit(self) -> str:
        """The unit of `low` and `high`."""
        return COLUMN_UNITS[self.column]

    @property
    def rows(self) -> int:
        """So many readings in a row must be outside; 0 where a time says it."""
        return _persistence(self.lasting)[0]

    @property
    def seconds(self) -> float:
        """So long the readings must be outside (s); 0 where a number of rows says it."""
        return _persistence(self.lasting)[1]

    def __str__(self) -> str:
        return f"{self.column} between {self.between[0].written} and {self.between[1].written}"


def _bound(value: object, unit: str) -> Quantity:
    if isinstance(value, Quantity) and value.unit == unit:
        return value
    if not isinstance(value, str):
        raise refuse(f"{shown(value)} is not a quantity.", f'Write for example "1 {unit}".')
    try:
        return Quantity.parse(value, unit)
    except UnitError as error:
        raise refuse(str(error)) from error


_ROWS = re.compile(r"\s*(\d{1,6})\s*rows?\s*")


def _persistence(text: str) -> tuple[int, float]:
    """``"3 rows"`` is (3, 0.0); ``"10 s"`` is (0, 10.0)."""
    rows = _ROWS.fullmatch(text)
    if rows and int(rows[1]) >= 1:
        return int(rows[1]), 0.0
    try:
        seconds = units.parse(text, "s")
    except UnitError:
        seconds = 0.0
    if not seconds > 0:
        raise refuse(f'"{text}" is neither a number of rows nor a time.', 'Write for example "3 rows" or "10 s".')
    return 0, seconds


def contradictions(limits: Sequence[Limit]) -> list[Mistake]:
    """Limits of one column that no value can satisfy together."""
    found = []
    for (_, one), (second, other) in combinations(enumerate(limits), 2):
        if one.column == other.column and (one.high < other.low or other.high < one.low):
            found.append(
                Mistake((second,), f"{other} contradicts the limit before it ({one}): no {one.column} satisfies both.")
            )
    return found


def outside(limits: Iterable[Limit], potential: float) -> Limit | None:
    """The first limit that a set potential (V against the reference) would break, or None.

    In a two-electrode cell the potential that is set is the voltage, so both columns count.
    """
    windows = (limit for limit in limits if limit.column in ("potential", "voltage"))
    return next((limit for limit in windows if not limit.low <= potential <= limit.high), None)


def check_setpoints(protocol: Protocol) -> list[Mistake]:
    """Set potentials outside of the protocol's own limits, and limits that contradict one another.

    Only potentials against the reference are known beforehand; those against the open-circuit
    potential or the technique before are for the engine to check (`outside`) once they are.
    """
    found = [mistake.under("limits") for mistake in contradictions(protocol.limits)]
    if found:
        return found
    for place, step in _steps_below(protocol.steps, ("steps",)):
        if not isinstance(step, TechniqueStep):
            continue
        for field, potentials in step.setpoints().items():
            for potential in potentials:
                limit = outside(protocol.limits, potential.value) if potential.zero == "ref" else None
                if limit is not None:
                    found.append(
                        Mistake(
                            (*place, field),
                            f"{potential} lies outside of the limits of this protocol ({limit}).",
                            "Change the limit or the potential.",
                        )
                    )
    return found


def _steps_below(steps: Iterable[Step], place: tuple[str | int, ...]) -> Iterable[tuple[tuple[str | int, ...], Step]]:
    """All steps with their place in the file; the values of a for_each share one place."""
    for position, step in enumerate(steps):
        here = (*place, position)
        yield here, step
        inside = getattr(step, "steps", ())
        groups = inside if inside and isinstance(inside[0], tuple) else [inside]
        for group in groups:
            yield from _steps_below(group, (*here, "steps"))
