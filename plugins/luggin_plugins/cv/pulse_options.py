"""The options of ``{use = "cv.pulse-peaks", ...}`` in a protocol."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from luggin_plugins.cv.options import Couple


class PulsePeaksOptions(BaseModel):
    """Options of the analysis; every one may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    couples: tuple[Couple, ...] = Field(default=(), max_length=20, description="couples that are expected")
    n: int = Field(default=1, ge=1, le=6, description="electrons per couple")
