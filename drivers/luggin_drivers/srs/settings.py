"""What a bench file may say about an EC301, checked before anything is opened."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from luggin import units
from luggin.errors import UsageError
from luggin_drivers.srs.tables import BANDWIDTHS, CURRENT_FILTERS, POTENTIAL_FILTERS

DRIVER_ID = "srs.ec301"

Compensation = Literal["off", "positive-feedback", "current-interrupt"]


@dataclass(frozen=True)
class Settings:
    """The settings of one instrument.

    Attributes:
        model: there is one.
        data: ``stream`` takes every frame of the binary stream (TCP); ``poll`` asks for one reading after
            the other (GPIB).
        bandwidth: of the control loop.
        potential_filter, current_filter: before the converters.
        potential_range: of the converter (V); None takes the smallest that holds the technique.
        ce_limit: largest voltage at the counter electrode (V) that the instrument allows; None is its own.
        ir_compensation: what is done against the drop over the solution, while a potential is applied.
        ir_resistance: positive feedback for so much (ohm).
        ir_correction: how much of the measured drop is corrected by current interrupt (%).
        ir_open, ir_period: length and distance of the interrupts (s).
        min_interval: shortest time between two rows of a stream (s; not documented).
        poll_interval: shortest time between two rows that are asked for (s; not documented).
        command_pause: waited behind each command of a block (s; not documented).
        checksum: ``auto`` finds out how packets are checked and then insists on it; ``off`` does not look.
    """

    model: str = "ec301"
    data: Literal["stream", "poll"] = "stream"
    bandwidth: str = "10 kHz"
    potential_filter: str = "none"
    current_filter: str = "none"
    potential_range: float | None = None
    ce_limit: float | None = None
    ir_compensation: Compensation = "off"
    ir_resistance: float | None = None
    ir_correction: float = 100.0
    ir_open: float = 100e-6
    ir_period: float = 0.1
    min_interval: float = 1e-3
    poll_interval: float = 0.05
    command_pause: float = 0.01
    checksum: Literal["auto", "off"] = "auto"

    @property
    def fastest(self) -> float:
        """Shortest time between two rows (s)."""
        return self.min_interval if self.data == "stream" else self.poll_interval


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Settings from plain data; quantities are written with their unit.

    >>> read_settings({"bandwidth": "1 kHz", "min_interval": "2 ms"}).min_interval
    0.002

    Raises:
        UsageError: a setting is unknown or out of range, or two contradict each other.
    """
    allowed = [f.name for f in fields(Settings)]
    for name in given:
        if name not in allowed:
            close = difflib.get_close_matches(str(name), allowed, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(allowed)}"
            raise UsageError(f"{DRIVER_ID} has no setting {name!r}; {hint}")
    settings = Settings(**{name: _READERS[name](name, value) for name, value in given.items()})
    feedback = settings.ir_compensation == "positive-feedback"
    if feedback and settings.ir_resistance is None:
        raise UsageError('ir_compensation = "positive-feedback" needs ir_resistance, for example "80 ohm"')
    if settings.ir_resistance is not None and not feedback:
        raise UsageError('ir_resistance has an effect with ir_compensation = "positive-feedback" only')
    if settings.ir_open >= settings.ir_period:
        raise UsageError("ir_open must be shorter than ir_period: the circuit is closed between two interrupts")
    return settings


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


def _potential_range(name: str, value: object) -> float | None:
    ranges = {"auto": None, "2 V": 2.0, "5 V": 5.0, "15 V": 15.0}
    if value not in ranges:
        raise _refuse(name, value, " or ".join(f'"{word}"' for word in ranges))
    return ranges[str(value)]


def _percent(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 200:
        raise _refuse(name, value, "a number of percent from 0 to 200")
    return float(value)


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "model": _one_of("ec301"),
    "data": _one_of("stream", "poll"),
    "bandwidth": _one_of(*BANDWIDTHS),
    "potential_filter": _one_of(*POTENTIAL_FILTERS),
    "current_filter": _one_of(*CURRENT_FILTERS),
    "potential_range": _potential_range,
    "ce_limit": _quantity("V", 0.5, 30.0),
    "ir_compensation": _one_of("off", "positive-feedback", "current-interrupt"),
    "ir_resistance": _quantity("ohm", 1e-3, 1e9),
    "ir_correction": _percent,
    "ir_open": _quantity("s", 1e-6, 1.0),
    "ir_period": _quantity("s", 1e-3, 1e3),
    "min_interval": _quantity("s", 1e-4, 1.0),
    "poll_interval": _quantity("s", 5e-3, 10.0),
    "command_pause": _quantity("s", 0.0, 1.0),
    "checksum": _one_of("auto", "off"),
}
