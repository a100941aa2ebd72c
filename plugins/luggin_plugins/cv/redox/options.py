"""The options of ``cv.reference`` and ``cv.redox-table``: those of ``cv.half-waves`` and a few more."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from luggin.errors import UnitError
from luggin.steps.quantities import Kind, Quantity, refuse
from luggin.units import parse_with_uncertainty
from luggin_plugins.cv.options import HalfWavesOptions

Potential = Annotated[Quantity, Kind("V", "0.40 V", at_least=-10.0)]


class ReferenceOptions(HalfWavesOptions):
    """Options of ``cv.reference``."""

    couple: str = Field(default="Fc+/0", min_length=1, max_length=80, description="name of the internal standard")
    near: Potential | None = Field(
        default=None,
        description="about where the standard lies; not needed if a step with role reference shows it alone",
    )


class Published(BaseModel):
    """One row of the literature, printed as it stands there and never converted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    compound: str = Field(default="", max_length=120)
    couple: str = Field(min_length=1, max_length=80, examples=["4-/5-"])
    potential: str = Field(min_length=1, max_length=40, description="as printed", examples=["-0.476 V"])
    reference: str = Field(min_length=1, max_length=80, description="as printed", examples=["Ag/AgCl (3.5 M KCl)"])
    solvent: str = Field(default="", max_length=80)
    source: str = Field(min_length=1, max_length=300, description="where it is printed")


class RedoxTableOptions(HalfWavesOptions):
    """Options of ``cv.redox-table``."""

    compound: str = Field(default="", max_length=120, description="name of the compound; the sample's id if left out")
    standard: str = Field(
        default="", max_length=80, description="internal standard in the solution", examples=["Fc+/0"]
    )
    near: Potential | None = Field(default=None, description="about where the standard lies")
    to: str = Field(default="", max_length=80, description="scale to convert to", examples=["Fc+/0"])
    offset: str = Field(
        default="",
        max_length=40,
        description="potential of that scale's zero against the reference electrode, with its uncertainty",
        examples=["0.400(5) V"],
    )
    offset_solvent: str = Field(default="", max_length=80, description="solvent in which the offset was measured")
    cited: str = Field(default="", max_length=300, description="where the offset is from")
    literature: tuple[Published, ...] = Field(default=(), max_length=100)

    @field_validator("offset")
    @classmethod
    def _is_a_potential(cls, offset: str) -> str:
        if offset:
            try:
                parse_with_uncertainty(offset, "V")
            except UnitError as error:
                raise refuse(str(error)) from error
        return offset
