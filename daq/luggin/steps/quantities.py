"""The quantities of a step: written with a unit, kept as SI numbers that remember how they were written.

A field of a step is annotated with one of the names at the end of this file
(``rate: Rate``); a plugin makes its own with `Kind`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from luggin import units
from luggin.documents import did_you_mean
from luggin.errors import UnitError, UsageError

Zero = Literal["ref", "ocp", "previous"]
ZEROS: tuple[str, ...] = get_args(Zero)


class Quantity(float):
    """A number in SI units that knows its unit and how it was written.

    >>> rate = Quantity.parse("25 mV/s", "V/s")
    >>> rate == 0.025, rate.written
    (True, '25 mV/s')
    """

    __slots__ = ("unit", "written")
    unit: str
    written: str

    def __new__(cls, value: float, unit: str, written: str = "") -> Quantity:
        """``value`` in ``unit``; ``written`` is made from them if it is not given."""
        self = super().__new__(cls, value)
        self.unit = unit
        self.written = written or units.show(value, unit)
        return self

    @classmethod
    def parse(cls, text: str, unit: str) -> Quantity:
        """Read ``"25 mV/s"`` in ``unit``.

        Raises:
            UnitError: not a number with a unit of this kind.
        """
        return cls(units.parse(text, unit), unit, text)

    def __reduce__(self) -> tuple[Any, ...]:
        return Quantity, (float(self), self.unit, self.written)

    def __repr__(self) -> str:
        return f"<{self.written}>"


@dataclass(frozen=True)
class PotentialSpec:
    """A potential as it is asked for: a value (V) against a zero that may be known only later.

    ``zero`` is ``ref`` (the reference electrode), ``ocp`` (the last measured open-circuit
    potential), ``previous`` (the potential at the end of the technique before), or None where
    nothing was written; a step fills in the zero of its ``begin`` there.
    """

    value: float
    zero: Zero | None
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.written or f"{units.show(self.value, 'V')} vs {self.zero}"

    def against(self, zero: Zero | None) -> PotentialSpec:
        """The same potential; its zero is ``zero`` if none was written."""
        return self if self.zero is not None or zero is None else replace(self, zero=zero)


def resolve(potential: PotentialSpec, ocp: float | None, previous: float | None) -> float:
    """The potential against the reference electrode (V).

    ``ocp`` is the last open-circuit potential and ``previous`` the potential at which the technique
    before ended, both in V against the reference, None where there is none.

    >>> round(resolve(parse_potential("50 mV vs ocp"), ocp=-0.2, previous=None), 6)
    -0.15

    Raises:
        UsageError: the zero is not known yet.
    """
    if potential.zero == "ocp":
        if ocp is None:
            raise UsageError(f"{potential}: no open-circuit potential is known; put an `ocp` step before this step")
        return ocp + potential.value
    if potential.zero == "previous":
        if previous is None:
            raise UsageError(f"{potential}: there is no technique before this one; write `vs ref` or `vs ocp`")
        return previous + potential.value
    return potential.value


_POTENTIAL = re.compile(r"(?P<value>.*?)(?:\s+vs\.?\s+(?P<zero>.*?))?\s*", re.DOTALL)


def parse_potential(text: str) -> PotentialSpec:
    """Read ``"-1.7 V"``, ``"0 V vs ref"``, ``"50 mV vs previous"``.

    Raises:
        UnitError: not a potential, or an unknown zero.
    """
    match = _POTENTIAL.fullmatch(text[:200])
    value = units.parse(match["value"] if match else text, "V")
    zero = match["zero"] if match else None
    if zero is not None and zero not in ZEROS:
        hint = did_you_mean(zero, ZEROS) or "The reference electrode itself is named under [sample]."
        raise UnitError(f"`vs {zero}` is not a zero of potentials; write `vs ref`, `vs ocp` or `vs previous`. {hint}")
    return PotentialSpec(value, zero, text)  # type: ignore[arg-type]  # one of ZEROS: checked above


def refuse(message: str, hint: str = "", key: str = "") -> PydanticCustomError:
    """The error that a validator raises: words that reach the person at the bench unchanged.

    ``key`` names the guilty key where a validator looks at a whole table.
    """
    sentence = message if message.endswith((".", "?")) else message + "."
    return PydanticCustomError("luggin", "{message}", {"message": sentence, "hint": hint, "key": key})


_AS_WRITTEN = core_schema.plain_serializer_function_ser_schema(
    lambda value: value.written, return_schema=core_schema.str_schema(), when_used="json"
)


@dataclass(frozen=True)
class Kind:
    """What a quantity field accepts: use it as ``Annotated[Quantity, Kind("V/s", "25 mV/s", above=0)]``.

    Attributes:
        unit: the SI unit in which the number is kept.
        example: what the messages show as the way out.
        above: the value must be larger than this (SI).
        at_least: the value must not be smaller than this (SI).
    """

    unit: str
    example: str
    above: float | None = None
    at_least: float | None = None

    def read(self, value: object) -> Quantity:
        """The validated quantity."""
        if isinstance(value, Quantity) and value.unit == self.unit:
            return self._in_range(value)
        if not isinstance(value, str):
            raise _not_in_quotes(value, self.unit, self.example)
        try:
            return self._in_range(Quantity.parse(value, self.unit))
        except UnitError as error:
            raise refuse(str(error)) from error

    def _in_range(self, value: Quantity) -> Quantity:
        too_small = (self.above is not None and not value > self.above) or (
            self.at_least is not None and not value >= self.at_least
        )
        if too_small or not math.isfinite(value):
            raise refuse(f"{value.written} is out of range; allowed is {self.allowed}.")
        return value

    @property
    def allowed(self) -> str:
        """The range in words."""
        if self.above is not None:
            return f"more than {self.above:g} {self.unit}"
        return f"{self.at_least:g} {self.unit} or more" if self.at_least is not None else "any finite number"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read, serialization=_AS_WRITTEN)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described = f"a quantity with its unit ({self.unit} or any multiple of it)"
        if self.above is not None or self.at_least is not None:
            described += f", {self.allowed}"
        return {"type": "string", "pattern": _QUANTITY_PATTERN, "description": described, "examples": [self.example]}


@dataclass(frozen=True)
class PotentialKind:
    """What a potential field accepts; ``zero_required`` where nothing else could say the zero."""

    zero_required: bool = False
    example: str = "-1.7 V"

    def read(self, value: object) -> PotentialSpec:
        """The validated potential."""
        if isinstance(value, PotentialSpec):
            potential = value
        elif isinstance(value, str):
            try:
                potential = parse_potential(value)
            except UnitError as error:
                raise refuse(str(error)) from error
        else:
            raise _not_in_quotes(value, "V", self.example)
        if self.zero_required and potential.zero is None:
            raise refuse(
                f"{potential.written} has no zero; a potential here says against what it is meant.",
                f'Write "{potential.written} vs ref" (reference electrode), "... vs ocp" or "... vs previous".',
            )
        return potential

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read, serialization=_AS_WRITTEN)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        zero = r"\s+vs\.?\s+(ref|ocp|previous)"
        return {
            "type": "string",
            "pattern": _QUANTITY_PATTERN[:-1] + (zero if self.zero_required else f"({zero})?") + "$",
            "description": "a potential (V) and its zero: vs ref, vs ocp or vs previous"
            + ("" if self.zero_required else "; without one, the zero of `begin`"),
            "examples": [self.example],
        }


def _not_in_quotes(value: object, unit: str, example: str) -> PydanticCustomError:
    if isinstance(value, int | float) and not isinstance(value, bool):
        said = f"{value:g}" if abs(value) < 1e300 else "this number"
        return refuse(f"{said} has no unit.", f'Write the quantity with its unit, in quotes, such as "{example}".')
    return refuse(f"this is not a quantity ({unit}).", f'Write a number and a unit in quotes, such as "{example}".')


_QUANTITY_PATTERN = r"^\s*[+-−]?(\d+(\.\d*)?|\.\d+)(\(\d{1,4}\))?([eE][+-]?\d{1,3})?\s*\S.*$"

Written = str | Quantity
"""What a quantity may be given as."""

WrittenPotential = str | PotentialSpec
"""What a potential may be given as."""

Potential = Annotated[PotentialSpec, PotentialKind()]
StartPotential = Annotated[PotentialSpec, PotentialKind(zero_required=True, example="0 V vs ref")]
PotentialStep = Annotated[Quantity, Kind("V", "1 mV", above=0.0)]
Rate = Annotated[Quantity, Kind("V/s", "25 mV/s", above=0.0)]
Duration = Annotated[Quantity, Kind("s", "60 s", at_least=0.0)]
PositiveDuration = Annotated[Quantity, Kind("s", "60 s", above=0.0)]
Interval = Annotated[Quantity, Kind("s", "0.1 s", above=0.0)]
CurrentRange = Annotated[Quantity, Kind("A", "100 uA", above=0.0)]
