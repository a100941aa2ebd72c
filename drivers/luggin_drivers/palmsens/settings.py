"""What a bench file may say about an instrument of this family, checked before anything is opened."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, cast, get_args

from luggin import units
from luggin.errors import UsageError
from luggin_drivers.palmsens.tables import MODELS, Model

LoopExit = Literal["abort", "Y"]
PulseDirection = Literal["scan", "up"]
EisAmplitude = Literal["rms", "peak"]


@dataclass(frozen=True)
class Settings:
    """The settings of one instrument.

    Attributes:
        model: key of `luggin_drivers.palmsens.tables.MODELS`.
        channel: PGStat channel.
        mode: PGStat mode; None chooses by the potentials.
        max_bandwidth: Hz; None takes six times the rate of points, as the maker's examples do.
        loop_exit: how one technique of a chain is ended: ``Y`` leaves the measurement loop and goes
            on (not confirmed by the manual), ``abort`` ends the whole chain.
        dpv_pulses: whether the pulses of a dpv go the way that the staircase goes (``scan``), or to
            positive potentials always (``up``; not confirmed by the manual).
        eis_amplitude: what the amplitude of a ``meas_loop_eis`` means: ``rms``, or ``peak`` (from the
            middle of the sine to its peak; neither is confirmed by the manual).
        silence: how long (s) the instrument may say nothing beyond the time between two points.
        max_rate, min_step, max_line_rate: limits that the manual does not give (V/s, V, 1/s).
        baudrate, rtscts: of the line, where it differs from the model's usual one.
    """

    model: str
    channel: int = 0
    mode: int | None = None
    max_bandwidth: float | None = None
    loop_exit: LoopExit = "abort"
    dpv_pulses: PulseDirection = "scan"
    eis_amplitude: EisAmplitude = "rms"
    silence: float = 3.0
    max_rate: float = 1.0
    min_step: float = 1e-3
    max_line_rate: float | None = None
    baudrate: int | None = None
    rtscts: bool = False

    @property
    def table(self) -> Model:
        """The tables of the model."""
        return MODELS[self.model]

    @property
    def line_rate(self) -> float:
        """Most data packages per second."""
        return self.max_line_rate or self.table.line_rate


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Settings from plain data; quantities are written with their unit.

    >>> read_settings({"model": "emstat-pico", "max_bandwidth": "80 Hz"}).max_bandwidth
    80.0

    Raises:
        UsageError: a setting is unknown, missing or out of range; the message says what is allowed.
    """
    allowed = [f.name for f in fields(Settings)]
    for name in given:
        if name not in allowed:
            close = difflib.get_close_matches(str(name), allowed, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(allowed)}"
            raise UsageError(f"palmsens.methodscript has no setting {name!r}; {hint}")
    if "model" not in given:
        raise UsageError(f"palmsens.methodscript needs the setting 'model': one of {', '.join(MODELS)}")
    read = {name: _READERS[name](name, value) for name, value in given.items()}
    settings = Settings(**read)
    numbers = [m.number for m in settings.table.modes]
    if settings.mode is not None and settings.mode not in numbers:
        modes = ", ".join(f"{m.number} ({m.title})" for m in settings.table.modes)
        raise UsageError(f"setting mode = {settings.mode}: the {settings.table.title} has {modes}")
    return settings


def _refuse(name: str, value: object, allowed: str) -> UsageError:
    return UsageError(f"setting {name} = {value!r} is not allowed; write {allowed}")


def _model(name: str, value: object) -> str:
    if value not in MODELS:
        close = difflib.get_close_matches(str(value), list(MODELS), 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UsageError(f"setting model = {value!r} is not known; known are {', '.join(MODELS)}.{hint}")
    return cast(str, value)


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


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _refuse(name, value, "true or false")
    return value


def _one_of(*words: str) -> Callable[[str, object], str]:
    def read(name: str, value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise _refuse(name, value, " or ".join(f'"{word}"' for word in words))
        return value

    return read


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "model": _model,
    "channel": _whole(0, 15),
    "mode": _whole(2, 4),
    "max_bandwidth": _quantity("Hz", 0.01, 200e3),
    "loop_exit": _one_of(*get_args(LoopExit)),
    "dpv_pulses": _one_of(*get_args(PulseDirection)),
    "eis_amplitude": _one_of(*get_args(EisAmplitude)),
    "silence": _quantity("s", 0.2, 600.0),
    "max_rate": _quantity("V/s", 1e-6, 100.0),
    "min_step": _quantity("V", 1e-6, 0.1),
    "max_line_rate": _quantity("Hz", 0.1, 10e3),
    "baudrate": _whole(9600, 4_000_000),
    "rtscts": _truth,
}
