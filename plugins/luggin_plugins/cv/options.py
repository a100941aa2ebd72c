"""The options of ``{use = "cv.half-waves", ...}`` in a protocol."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from luggin.errors import UnitError
from luggin.units import parse


def _volts(value: object) -> object:
    """``"-0.48 V"`` as a number of volts; numbers pass as they are."""
    if not isinstance(value, str):
        return value
    try:
        return parse(value, "V")
    except UnitError as error:
        raise ValueError(str(error)) from error


class Couple(BaseModel):
    """A redox couple that the chemist expects: its label, and about where it lies (V)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1, max_length=80)
    near: Annotated[float, BeforeValidator(_volts), Field(ge=-10, le=10, allow_inf_nan=False)]


class HalfWavesOptions(BaseModel):
    """Options of the analysis; every one may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    couples: tuple[Couple, ...] = Field(default=(), max_length=20)
    n: int = Field(default=1, ge=1, le=6, description="electrons per wave")
