"""What a bench file may say about a circulator, checked before anything is opened."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from luggin import units
from luggin.errors import UnitError, UsageError
from luggin_drivers.julabo.tables import MODELS, Model

DRIVER_ID = "julabo.circulator"

Sensor = Literal["internal", "external"]
Parity = Literal["even", "odd", "none"]
Handshake = Literal["rtscts", "xonxoff", "none"]

_BAUD_RATES = (4800, 9600, 19200, 38400)
#: Temperatures (degC) that a circulator can be asked for at all.
_THINKABLE = (-95.0, 400.0)


@dataclass(frozen=True)
class Settings:
    """The settings of one circulator. Temperatures are degC.

    Attributes:
        model: key of `luggin_drivers.julabo.tables.MODELS`; ``auto`` takes what ``version`` says.
        control: which sensor the circulator controls; ``external`` is the Pt100 at the sample.
        on_exit: how it is left: ``hold``, ``stop``, or a temperature.
        lowest, highest: what may be set, within the range of the model: what the bath liquid bears.
        baudrate, bytesize, parity, handshake: as set on its panel; the factory setting if not given.
        address: of an RS485 line; None for RS232.
        ask_unit: ask for the temperature unit (``in_sp_06``) before anything is made of a number.
        write_pause: what it needs after a command before it listens again (s).
    """

    model: str = "auto"
    control: Sensor = "internal"
    on_exit: float | Literal["hold", "stop"] = "hold"
    lowest: float = _THINKABLE[0]
    highest: float = _THINKABLE[1]
    baudrate: int = 4800
    bytesize: Literal[7, 8] = 7
    parity: Parity = "even"
    handshake: Handshake = "rtscts"
    address: int | None = None
    ask_unit: bool = True
    write_pause: float = 0.25

    @property
    def table(self) -> Model | None:
        """The table of the model, if the bench file says which it is."""
        return MODELS.get(self.model)

    @property
    def prefix(self) -> str:
        """What stands before every command, and before every reply, on an RS485 line."""
        return "" if self.address is None else f"A{self.address:03d} "


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Settings from plain data; quantities are written with their unit.

    >>> read_settings({"model": "cf31", "on_exit": "25 degC"}).on_exit
    25.0

    Raises:
        UsageError: a setting is unknown or out of range; the message says what is allowed.
    """
    allowed = [f.name for f in fields(Settings)]
    for name in given:
        if name not in allowed:
            close = difflib.get_close_matches(str(name), allowed, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(allowed)}"
            raise UsageError(f"{DRIVER_ID} has no setting {name!r}; {hint}")
    settings = Settings(**{name: _READERS[name](name, value) for name, value in given.items()})
    if settings.lowest >= settings.highest:
        raise UsageError(f"setting lowest ({settings.lowest:g} degC) is not below highest ({settings.highest:g} degC)")
    low, high = reach(settings, settings.table)
    if isinstance(settings.on_exit, float) and not low <= settings.on_exit <= high:
        raise _refuse("on_exit", given["on_exit"], f"a temperature from {low:g} degC to {high:g} degC")
    return settings


def reach(settings: Settings, model: Model | None) -> tuple[float, float]:
    """Lowest and highest temperature (degC) that may be set; without a model, what any of them may."""
    models = MODELS.values() if model is None else (model,)
    low, high = min(m.lowest for m in models), max(m.highest for m in models)
    return max(low, settings.lowest), min(high, settings.highest)


def _refuse(name: str, value: object, allowed: str) -> UsageError:
    return UsageError(f"setting {name} = {value!r} is not allowed; write {allowed}")


def _one_of(*choices: object) -> Callable[[str, object], Any]:
    def read(name: str, value: object) -> Any:
        if isinstance(value, bool) or value not in choices:
            raise _refuse(name, value, " or ".join(f'"{c}"' if isinstance(c, str) else str(c) for c in choices))
        return value

    return read


def _quantity(unit: str, low: float, high: float) -> Callable[[str, object], float]:
    def read(name: str, value: object) -> float:
        allowed = f'a quantity from "{low:g} {unit}" to "{high:g} {unit}"'
        try:
            number = units.parse(value, unit) if isinstance(value, str) else float("nan")
        except UnitError as error:
            raise UsageError(f"setting {name}: {error}") from error
        if not low <= number <= high:
            raise _refuse(name, value, allowed)
        return number

    return read


def _on_exit(name: str, value: object) -> float | str:
    if value in ("hold", "stop"):
        return str(value)
    try:
        return _quantity("degC", *_THINKABLE)(name, value)
    except UsageError as error:
        raise _refuse(name, value, '"hold", "stop" or a temperature such as "25 degC"') from error


def _address(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 127:
        raise _refuse(name, value, "a whole number from 1 to 127")
    return value


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _refuse(name, value, "true or false")
    return value


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "model": _one_of("auto", *MODELS),
    "control": _one_of("internal", "external"),
    "on_exit": _on_exit,
    "lowest": _quantity("degC", *_THINKABLE),
    "highest": _quantity("degC", *_THINKABLE),
    "baudrate": _one_of(*_BAUD_RATES),
    "bytesize": _one_of(7, 8),
    "parity": _one_of("even", "odd", "none"),
    "handshake": _one_of("rtscts", "xonxoff", "none"),
    "address": _address,
    "ask_unit": _truth,
    "write_pause": _quantity("s", 0.0, 5.0),
}
