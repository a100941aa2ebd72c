"""Declarations of a driver's readings, settings and actions.

::

    class CirculatorCF(Instrument):
        temperature = reading("in_pv_00", unit="degC", decode=float, doc="Bath temperature.")
        setpoint = setting("in_sp_00", "out_sp_00 {:.2f}", unit="degC", limits=(-55.0, 200.0), decode=float, doc="...")

``bath.temperature.read()`` and ``bath.setpoint.set(25.0)`` talk to the instrument; looking at an
attribute never does.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from luggin.errors import BadReply, LimitError

if TYPE_CHECKING:
    from luggin.instrument.base import Instrument

T = TypeVar("T")


def _decoded(instrument: Instrument, name: str, reply: bytes, decode: Callable[[str], T]) -> T:
    try:
        return decode(reply.decode("ascii").strip())
    except (ValueError, LookupError) as error:
        raise BadReply(f"{instrument.name}.{name}: cannot make sense of the reply {reply!r}", reply) from error


@dataclass(frozen=True)
class BoundReading(Generic[T]):
    """A reading of one particular instrument."""

    _instrument: Instrument
    _declaration: Reading[T]

    def read(self) -> T:
        """Ask the instrument.

        Raises:
            ReplyTimeout, BadReply, LineLost: no answer, or none that makes sense.
        """
        reading = self._declaration
        reply = self._instrument.query(reading.command)
        return _decoded(self._instrument, reading.name, reply, reading.decode)


class Reading(Generic[T]):
    """Something that can be asked for. Made by `reading`."""

    def __init__(self, command: str, unit: str, decode: Callable[[str], T], doc: str) -> None:
        self.command = command
        self.unit = unit
        self.decode = decode
        self.__doc__ = doc
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instrument: None, owner: type) -> Reading[T]: ...
    @overload
    def __get__(self, instrument: Instrument, owner: type) -> BoundReading[T]: ...
    def __get__(self, instrument: Instrument | None, owner: type) -> Reading[T] | BoundReading[T]:
        return self if instrument is None else BoundReading(instrument, self)

    def __set__(self, instrument: Instrument, value: object) -> None:
        raise AttributeError(f"{instrument.name}.{self.name} cannot be assigned; ask for it with .{self.name}.read()")


@dataclass(frozen=True)
class BoundSetting(Generic[T]):
    """A setting of one particular instrument."""

    _instrument: Instrument
    _declaration: Setting[T]

    def read(self) -> T:
        """Ask the instrument for the value in force."""
        declaration = self._declaration
        reply = self._instrument.query(declaration.query)
        return _decoded(self._instrument, declaration.name, reply, declaration.decode)

    def set(self, value: T) -> None:
        """Send a new value.

        Raises:
            LimitError: outside the limits; nothing was sent.
        """
        declaration = self._declaration
        declaration.check(self._instrument.name, value)
        self._instrument.command(declaration.command.format(value))


class Setting(Generic[T]):
    """Something that can be set and asked for. Made by `setting`."""

    def __init__(
        self,
        query: str,
        command: str,
        unit: str,
        decode: Callable[[str], T],
        limits: tuple[float, float] | None,
        doc: str,
    ) -> None:
        self.query = query
        self.command = command
        self.unit = unit
        self.decode = decode
        self.limits = limits
        self.__doc__ = doc
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def check(self, instrument: str, value: T) -> None:
        """LimitError if ``value`` is outside the limits (or not a number)."""
        if self.limits is None:
            return
        low, high = self.limits
        if not (isinstance(value, numbers.Real) and low <= float(value) <= high):
            raise LimitError(
                f"{instrument}.{self.name} = {value} {self.unit}; allowed are {low:g} ... {high:g} {self.unit}"
            )

    @overload
    def __get__(self, instrument: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, instrument: Instrument, owner: type) -> BoundSetting[T]: ...
    def __get__(self, instrument: Instrument | None, owner: type) -> Setting[T] | BoundSetting[T]:
        return self if instrument is None else BoundSetting(instrument, self)

    def __set__(self, instrument: Instrument, value: object) -> None:
        raise AttributeError(
            f"{instrument.name}.{self.name} cannot be assigned; send it with .{self.name}.set({value!r})"
        )


class Action:
    """Something that can be done, without a value. Made by `action`; call it to do it."""

    def __init__(self, command: str, doc: str) -> None:
        self.command = command
        self.__doc__ = doc
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instrument: None, owner: type) -> Action: ...
    @overload
    def __get__(self, instrument: Instrument, owner: type) -> Callable[[], None]: ...
    def __get__(self, instrument: Instrument | None, owner: type) -> Action | Callable[[], None]:
        return self if instrument is None else lambda: instrument.command(self.command)

    def __set__(self, instrument: Instrument, value: object) -> None:
        raise AttributeError(f"{instrument.name}.{self.name} is an action; do it with .{self.name}()")


def reading(command: str, *, unit: str, decode: Callable[[str], T], doc: str) -> Reading[T]:
    """Declare something that can be asked for.

    Args:
        command: what is sent, without the end of line.
        unit: unit of the value; ``"1"`` for numbers without, ``""`` for text.
        decode: from the reply's text to the value; ValueError (or LookupError, of a table) for nonsense.
        doc: one line, with the manual's page.
    """
    return Reading(command, unit, decode, doc)


def setting(
    query: str,
    command: str,
    *,
    unit: str,
    decode: Callable[[str], T],
    limits: tuple[float, float] | None = None,
    doc: str,
) -> Setting[T]:
    """Declare something that can be set and asked for.

    Args:
        query: what is sent to ask.
        command: what is sent to set; a `str.format` pattern with one field.
        unit: unit of the value.
        decode: from the reply's text to the value.
        limits: lowest and highest value, refused before anything is sent.
        doc: one line, with the manual's page.
    """
    return Setting(query, command, unit, decode, limits, doc)


def action(command: str, *, doc: str) -> Action:
    """Declare something that can be done."""
    return Action(command, doc)
