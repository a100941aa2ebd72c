"""The options of ``{use = "cv.half-waves", ...}`` in a protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from luggin.documents import shown
from luggin.errors import UnitError
from luggin.steps.quantities import Kind, Quantity, refuse
from luggin.units import measure

LARGEST_NEAR_V = 10.0
_EXAMPLE = '[{label = "4-/5-", near = "-0.48 V"}]'
_ZERO = re.compile(r"(?<!\S)vs\b.*", re.DOTALL | re.IGNORECASE)


def _near(value: object) -> Quantity:
    """A potential (V) against the reference electrode, written with its unit.

    >>> _near("-480 mV")
    <-480 mV>
    """
    if isinstance(value, Quantity) and value.unit == "V":
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise refuse(f"{value:g} is a number without a unit; {_suggestion(value)}")
    if not isinstance(value, str):
        raise refuse(f'this must be a potential in quotes, such as "-0.48 V"; found {shown(value)}')
    zero = _ZERO.search(value[:200])
    if zero is not None:
        raise refuse(f"`near` is always against the reference electrode; leave `{zero[0].strip()[:40]}` out")
    try:
        written = measure(value)
        if not written.unit:
            raise refuse(f"{shown(value)} is a number without a unit; {_suggestion(written.value)}")
        near = Quantity.parse(value, "V")
    except UnitError as error:
        raise refuse(str(error)) from error
    if not abs(near) <= LARGEST_NEAR_V:
        raise refuse(f"{near.written} is out of range; allowed is -{LARGEST_NEAR_V:g} V to {LARGEST_NEAR_V:g} V")
    return near


def _suggestion(value: float) -> str:
    """What may have been meant by a bare number: a large one can only be millivolts, of a small one nothing is said."""
    if LARGEST_NEAR_V < abs(value) <= 1e3 * LARGEST_NEAR_V:
        return f'write "{value:g} mV" or "{value / 1e3:g} V"'
    return 'write a number and its unit in quotes, such as "-0.48 V" or "-480 mV"'


def _list_of_couples(value: object) -> object:
    """What is a list of tables passes; the rest is told how couples are written."""
    if not isinstance(value, list | tuple):
        raise refuse(f"this must be a list of tables, such as {_EXAMPLE}; found {shown(value)}")
    for entry in value:
        if not isinstance(entry, Mapping | Couple):
            raise refuse(f"every couple is a table, as in {_EXAMPLE}; found {shown(entry)}")
    return value


class Couple(BaseModel):
    """A redox couple that the chemist expects: its label, and about where it lies (V against the reference)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1, max_length=80, examples=["4-/5-"])
    near: Annotated[Quantity, PlainValidator(_near)] = Field(examples=["-0.48 V"])


class HalfWavesOptions(BaseModel):
    """Options of the analysis; every one may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    couples: Annotated[tuple[Couple, ...], BeforeValidator(_list_of_couples)] = Field(default=(), max_length=20)
    n: int = Field(default=1, ge=1, le=6, description="electrons per wave")
    subtract: str = Field(
        default="",
        max_length=400,
        description="id or role of the blank, or the folder of another run",
        examples=["blank"],
    )
    resistance: str = Field(
        default="",
        max_length=80,
        description="id of the step that measured the resistance of the solution, or a quantity",
        examples=["Ru", "120(5) ohm"],
    )
    calibration: Annotated[Quantity, Kind("V", "0.5 mV", at_least=0.0)] = Field(
        default=Quantity(0.0, "V"), description="standard uncertainty of the instrument's potential"
    )
