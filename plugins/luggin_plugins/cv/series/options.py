"""The options of ``{use = "cv.scan-rate-series", ...}``: those of ``cv.half-waves``, which reads every scan."""

from __future__ import annotations

from luggin_plugins.cv.options import HalfWavesOptions


class ScanRateSeriesOptions(HalfWavesOptions):
    """Options of the analysis; every one may be left out."""
