"""The options of ``{use = "cv.scan-rate-series", ...}``: those of ``cv.half-waves`` and one more."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from luggin_plugins.cv.options import HalfWavesOptions


class ScanRateSeriesOptions(HalfWavesOptions):
    """Options of the analysis; every one may be left out."""

    waveform: Literal["", "ramp"] = Field(
        default="",
        description="how the instrument sweeps: ramp for a linear one; left out, it may also be a staircase",
        examples=["ramp"],
    )
