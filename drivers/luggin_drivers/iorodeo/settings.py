"""What a bench file may say about a Rodeostat, checked before anything is opened."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from luggin import units
from luggin.errors import UsageError
from luggin_drivers.iorodeo.tables import MODELS, MUX_CHANNELS, Model

DRIVER_ID = "iorodeo.rodeostat"
Polarity = Literal["iupac", "inverted"]


@dataclass(frozen=True)
class Settings:
    """The settings of one board.

    Attributes:
        model: key of `luggin_drivers.iorodeo.tables.MODELS`.
        polarity: whether a positive current of this board is oxidation at W (``iupac``) or reduction
            (``inverted``). Its firmware does not say; None: nobody has looked yet.
        current_range: full scale (A) where a technique names none; None: the highest of the model.
        multiplexer: channel of the multiplexer on which the cell hangs, for boards without switches of their own;
            None: the cell hangs on the board itself.
        silence: how long (s) the board may say nothing beyond the time between two samples.
    """

    model: str
    polarity: Polarity | None = None
    current_range: float | None = None
    multiplexer: int | None = None
    silence: float = 1.0

    @property
    def table(self) -> Model:
        """The tables of the model."""
        return MODELS[self.model]

    @property
    def can_open(self) -> bool:
        """Whether a command opens the cell circuit."""
        return self.table.has_switches or self.multiplexer is not None

    @property
    def sign(self) -> float:
        """What turns the board's current into one that is positive for oxidation."""
        return -1.0 if self.polarity == "inverted" else 1.0


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Settings from plain data; quantities are written with their unit.

    >>> read_settings({"model": "microamp", "current_range": "10 uA"}).current_range
    1e-05

    Raises:
        UsageError: a setting is unknown, missing or out of range; the message says what is allowed.
    """
    allowed = [f.name for f in fields(Settings)]
    for name in given:
        if name not in allowed:
            close = difflib.get_close_matches(str(name), allowed, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(allowed)}"
            raise UsageError(f"{DRIVER_ID} has no setting {name!r}; {hint}")
    if "model" not in given:
        raise UsageError(f"{DRIVER_ID} needs the setting 'model': one of {', '.join(MODELS)}")
    settings = Settings(**{name: _READERS[name](name, value) for name, value in given.items()})
    model = settings.table
    if settings.multiplexer is not None and model.has_switches:
        raise UsageError(f"setting multiplexer: the {model.title} has switches of its own; its firmware knows no other")
    if settings.current_range is not None and settings.current_range > model.largest_current * (1 + 1e-9):
        raise _refuse("current_range", given["current_range"], f"at most {units.show(model.largest_current, 'A')}")
    return settings


def _refuse(name: str, value: object, allowed: str) -> UsageError:
    return UsageError(f"setting {name} = {value!r} is not allowed; write {allowed}")


def _one_of(*words: str) -> Callable[[str, object], str]:
    def read(name: str, value: object) -> str:
        if value not in words:
            raise _refuse(name, value, " or ".join(f'"{word}"' for word in words))
        return str(value)

    return read


def _whole(low: int, high: int) -> Callable[[str, object], int]:
    def read(name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _refuse(name, value, f"a whole number from {low} to {high}")
        return value

    return read


def _quantity(unit: str, low: float, high: float) -> Callable[[str, object], float]:
    def read(name: str, value: object) -> float:
        example = f'a quantity from "{units.show(low, unit)}" to "{units.show(high, unit)}"'
        if not isinstance(value, str):
            raise _refuse(name, value, example)
        number = units.parse(value, unit)
        if not low <= number <= high:
            raise _refuse(name, value, example)
        return number

    return read


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "model": _one_of(*MODELS),
    "polarity": _one_of("iupac", "inverted"),
    "current_range": _quantity("A", 1e-9, 0.025),
    "multiplexer": _whole(1, MUX_CHANNELS),
    "silence": _quantity("s", 0.2, 600.0),
}
