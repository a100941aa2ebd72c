"""Limits of the cell, as a protocol file says them: what may not be left, for how long, and what happens then."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from luggin import units
from luggin.documents import did_you_mean, shown
from luggin.errors import UnitError
from luggin.steps.base import Record
from luggin.steps.quantities import Duration, Kind, PositiveDuration, Quantity, refuse
from luggin.steps.wording import NAME_PATTERN

COLUMN_UNITS = {
    "potential": "V",
    "voltage": "V",
    "current": "A",
    "charge": "C",
    "power": "W",
    "temperature": "K",
}
"""The columns that techniques can be limited by, with the unit in which a limit is kept.

Any other name is a reading of a monitor and is kept in the unit in which it was written.
"""

_NEVER_BACK = {
    "current": "with the cell open it is 0, so it would be back at once",
    "power": "with the cell open it is 0, so it would be back at once",
    "charge": "with the cell open it does not change, so it would never be back",
}
"""Columns that say nothing about when a run with an open cell may go on."""

Latency = Annotated[Quantity, Kind("s", "10 s", above=0.0)]


class Limit(Record):
    """``{column = "current", between = ["-100 uA", "100 uA"], for = "3 rows", then = "stop"}``."""

    column: str = Field(
        description=f"one of {', '.join(COLUMN_UNITS)}, or a reading of a monitor", examples=["potential"]
    )
    between: tuple[Any, Any] | None = Field(None, description="lowest and highest value", examples=[["-2 V", "1 V"]])
    rate: tuple[Any, Any] | None = Field(
        None, description="lowest and highest rate of change, instead of between", examples=[["-5 K/min", "5 K/min"]]
    )
    over: PositiveDuration | None = Field(
        None, description="the time over which a rate is taken; from row to row if left out", examples=["10 s"]
    )
    lasting: str = Field("1 row", alias="for", description="rows or time outside", examples=["3 rows", "10 s"])
    then: Literal["stop", "end_step", "suspend"] = Field(
        "stop",
        description="stop: cell open, latched; end_step: go on with the next; suspend: cell open, wait, go on",
    )
    invalid: str = Field(
        "5 rows", description="readings in a row that cannot be used, after which the run stops", examples=["5 rows"]
    )
    latency: Latency = Field(
        "1 s",  # type: ignore[assignment]  # read by its kind, as what a file says
        description="oldest reading that is accepted where only the program watches",
    )
    back: tuple[Any, Any] | None = Field(
        None, description="suspend: the window in which the run goes on; the limit itself if left out"
    )
    back_for: Duration = Field(
        "60 s",  # type: ignore[assignment]  # as above
        description="suspend: how long the value must be back",
    )
    within: PositiveDuration = Field(
        "24 h",  # type: ignore[assignment]  # as above
        description="suspend: how long to wait at most; then the run stops",
    )

    @field_validator("column")
    @classmethod
    def _column_is_a_name(cls, column: str) -> str:
        # A reading may well be called bath_temperature; one that is called tempreature is a slip.
        hint = "" if any(known in column for known in COLUMN_UNITS) else did_you_mean(column, COLUMN_UNITS)
        if hint or not re.match(NAME_PATTERN, column):
            raise refuse(
                f"`{column[:80]}` cannot be limited; columns with limits are {', '.join(COLUMN_UNITS)}, and the "
                "readings of monitors.",
                hint,
            )
        return column

    @field_validator("between", "back")
    @classmethod
    def _is_a_window(cls, window: tuple[Any, Any] | None, info: ValidationInfo) -> tuple[Any, Any] | None:
        column = info.data.get("column")
        return window if column is None or window is None else _window(window, COLUMN_UNITS.get(column, ""))

    @field_validator("rate")
    @classmethod
    def _is_a_window_of_rates(cls, window: tuple[Any, Any] | None, info: ValidationInfo) -> tuple[Any, Any] | None:
        column = info.data.get("column")
        if column is None or window is None:
            return window
        return _window(window, f"{COLUMN_UNITS[column]}/s" if column in COLUMN_UNITS else "", rate=True)

    @field_validator("lasting")
    @classmethod
    def _lasts(cls, lasting: str) -> str:
        _persistence(lasting)
        return lasting

    @field_validator("invalid")
    @classmethod
    def _is_a_number_of_rows(cls, invalid: str) -> str:
        _rows(invalid)
        return invalid

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.between is None and self.rate is None:
            raise refuse("`between` is missing.", 'Write for example between = ["-2 V", "1 V"].')
        if self.between is not None and self.rate is not None:
            raise refuse(
                "a limit is a window of values (`between`) or of rates (`rate`), not both.",
                "Write two limits.",
                key="rate",
            )
        if self.over is not None and self.rate is None:
            raise refuse("`over` is the time over which a `rate` is taken; this limit has none.", key="over")
        self._suspends_sensibly()
        return self

    def _suspends_sensibly(self) -> None:
        if self.then != "suspend":
            for key in ("back", "back_for", "within"):
                if key in self.model_fields_set:
                    raise refuse(f'`{key}` belongs to a limit with then = "suspend".', key=key)
            return
        if self.column in _NEVER_BACK:
            raise refuse(
                f"a limit of {self.column} cannot suspend a run: {_NEVER_BACK[self.column]}.",
                'Use "stop" or "end_step", or suspend on a temperature or a potential.',
                key="then",
            )
        if self.rate is not None and self.back is None:
            raise refuse(
                f"`back` is missing: in which window of {self.column} does the run go on after its rate was too large?",
                key="then",
            )
        if self.back is not None and self.between is not None:
            low, high = self.back
            if low.unit != self.unit and not units.same_kind(low.unit, self.unit):
                raise refuse(f"{low.written} is not a {self.column} as {self.between[0].written} is.", key="back")
            if not (self.low <= low and high <= self.high):
                raise refuse(
                    f"{low.written} ... {high.written} is not inside the limit itself ({self}): the run would be "
                    "suspended again at once.",
                    key="back",
                )

    @property
    def kind(self) -> Literal["between", "rate"]:
        """Whether the value itself or its rate of change is limited."""
        return "between" if self.rate is None else "rate"

    @property
    def window(self) -> tuple[Quantity, Quantity]:
        """The lowest and the highest value or rate."""
        window = self.between if self.rate is None else self.rate
        if window is None:
            raise TypeError("a limit without a window is never made")
        return window

    @property
    def low(self) -> float:
        """The lowest allowed value, in `unit` (a rate: `unit` per second)."""
        return float(self.window[0])

    @property
    def high(self) -> float:
        """The highest allowed value, as `low`."""
        return float(self.window[1])

    @property
    def unit(self) -> str:
        """The unit of the column."""
        return COLUMN_UNITS.get(self.column) or self.window[0].unit.removesuffix("/s")

    @property
    def rows(self) -> int:
        """So many readings in a row must be outside; 0 where a time says it."""
        return _persistence(self.lasting)[0]

    @property
    def seconds(self) -> float:
        """So long the readings must be outside (s); 0 where a number of rows says it."""
        return _persistence(self.lasting)[1]

    @property
    def over_seconds(self) -> float:
        """The time over which a rate is taken (s); 0 is from row to row."""
        return float(self.over or 0.0)

    @property
    def invalid_rows(self) -> int:
        """So many readings in a row that cannot be used stop the run."""
        return _rows(self.invalid)

    @property
    def back_window(self) -> tuple[float | None, float | None]:
        """Lowest and highest value at which a suspended run goes on; None where the limit itself says it."""
        return (None, None) if self.back is None else (float(self.back[0]), float(self.back[1]))

    def __str__(self) -> str:
        low, high = (bound.written for bound in self.window)
        over = f" over {self.over.written}" if self.over is not None else ""
        return f"{'rate of ' if self.rate else ''}{self.column} between {low} and {high}{over}"


def _window(window: tuple[Any, Any], unit: str, rate: bool = False) -> tuple[Quantity, Quantity]:
    """Both bounds in ``unit``, or, where no unit is given, in the one in which the first was written."""
    unit = unit or _unit_of(window[0], rate)
    low, high = (_bound(value, unit, rate) for value in window)
    if not low < high:
        raise refuse(f"{low.written} is not below {high.written}.", "The lowest value comes first.")
    return low, high


def _unit_of(value: object, rate: bool) -> str:
    """The unit of a reading whose kind only its driver knows; of a rate, that unit per second."""
    if isinstance(value, Quantity):
        return value.unit
    if not isinstance(value, str):
        raise refuse(f"{shown(value)} is not a quantity.", 'Write a number and a unit in quotes, such as "1 V".')
    try:
        plain = _as_difference(value) if rate else value
        written = units.measure(plain).unit or "1"
        unit = f"{written.rpartition('/')[0]}/s" if rate else written
        units.parse(plain, unit)
    except UnitError as error:
        raise refuse(str(error)) from error
    return unit


def _as_difference(text: str) -> str:
    """A rate with kelvins: a difference of 1 degC is one of 1 K."""
    return re.sub("(degC|°C|℃)(?=/)", "K", text)


def _bound(value: object, unit: str, rate: bool) -> Quantity:
    if isinstance(value, Quantity) and value.unit == unit:
        return value
    if not isinstance(value, str):
        raise refuse(f"{shown(value)} is not a quantity.", f'Write for example "1 {unit}".')
    try:
        return Quantity(units.parse(_as_difference(value) if rate else value, unit), unit, value)
    except UnitError as error:
        raise refuse(str(error)) from error


_ROWS = re.compile(r"\s*(\d{1,6})\s*rows?\s*")


def _rows(text: str) -> int:
    rows = _ROWS.fullmatch(text)
    if rows is None or int(rows[1]) < 1:
        raise refuse(f'"{text[:80]}" is not a number of rows.', 'Write for example "5 rows".')
    return int(rows[1])


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
