"""What a bench file may say about an instrument of this family, checked before anything is opened."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from luggin import units
from luggin.errors import UsageError
from luggin_drivers.keithley.tables import MODELS, NPLC, Model

DRIVER_ID = "keithley.2450"

Terminals = Literal["front", "rear"]
Sense = Literal["4-wire", "2-wire"]
OffMode = Literal["common", "by-function"]


@dataclass(frozen=True)
class Settings:
    """The settings of one instrument.

    Attributes:
        model: key of `luggin_drivers.keithley.tables.MODELS`.
        terminals: where the cell is connected.
        sense: ``4-wire`` senses at the cell (reference electrode, W sense); ``2-wire`` at the terminals.
        nplc: integration time in power line cycles; None takes what fits between two points.
        line_frequency: Hz.
        readback: measure the sourced quantity with each point. False stores what was programmed.
        min_interval: shortest time between two points of a list sweep (s; not documented).
        point_overhead: what a point takes beside its integration (s; from the maker's scripts).
        step_overhead: what setting a level and asking for a reading take over the line (s; not documented).
        poll: how often a running sweep is asked for its readings (s).
        off_mode: whether the mode of the output when it is off is one for both sources
            (``OUTP:SMOD``) or one for each (``OUTP:VOLT:SMOD``, ``OUTP:CURR:SMOD``).
    """

    model: str
    terminals: Terminals = "front"
    sense: Sense = "4-wire"
    nplc: float | None = None
    line_frequency: float = 50.0
    readback: bool = True
    min_interval: float = 3e-3
    point_overhead: float = 2.85e-3
    step_overhead: float = 0.01
    poll: float = 0.2
    off_mode: OffMode = "common"

    @property
    def table(self) -> Model:
        """The tables of the model."""
        return MODELS[self.model]

    @property
    def integrations(self) -> int:
        """Integrations of one point: the measured quantity, and the sourced one if it is read back."""
        return 2 if self.readback else 1

    def integrating(self, nplc: float) -> float:
        """Time (s) that a point integrates."""
        return self.integrations * nplc / self.line_frequency

    @property
    def fastest_point(self) -> float:
        """Shortest time between two points of a list sweep (s): the shortest integration, or the one that is set."""
        shortest = self.min_interval + (self.integrations - 1) * NPLC[0] / self.line_frequency
        return shortest if self.nplc is None else max(shortest, self.point_overhead + self.integrating(self.nplc))


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Settings from plain data; quantities are written with their unit.

    >>> read_settings({"model": "2450", "line_frequency": "60 Hz"}).line_frequency
    60.0

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
    return Settings(**{name: _READERS[name](name, value) for name, value in given.items()})


def _refuse(name: str, value: object, allowed: str) -> UsageError:
    return UsageError(f"setting {name} = {value!r} is not allowed; write {allowed}")


def _one_of(*words: str) -> Callable[[str, object], str]:
    def read(name: str, value: object) -> str:
        if value not in words:
            raise _refuse(name, value, " or ".join(f'"{word}"' for word in words))
        return str(value)

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


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _refuse(name, value, "true or false")
    return value


def _nplc(name: str, value: object) -> float | None:
    low, high = NPLC
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _refuse(name, value, f'"auto" or a number from {low:g} to {high:g}')
    return float(value)


def _line_frequency(name: str, value: object) -> float:
    if not isinstance(value, str) or units.parse(value, "Hz") not in (50.0, 60.0):
        raise _refuse(name, value, '"50 Hz" or "60 Hz"')
    return units.parse(value, "Hz")


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "model": _one_of(*MODELS),
    "terminals": _one_of("front", "rear"),
    "sense": _one_of("4-wire", "2-wire"),
    "nplc": _nplc,
    "line_frequency": _line_frequency,
    "readback": _truth,
    "min_interval": _quantity("s", 1e-4, 1.0),
    "point_overhead": _quantity("s", 0.0, 0.1),
    "step_overhead": _quantity("s", 1e-3, 1.0),
    "poll": _quantity("s", 0.02, 10.0),
    "off_mode": _one_of("common", "by-function"),
}
