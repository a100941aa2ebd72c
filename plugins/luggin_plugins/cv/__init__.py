"""Cyclic voltammetry: half-wave potentials with uncertainty, or the reason why there is none.

This module is what plugin discovery loads, so it imports no numpy; the method itself is loaded at
the first call.
"""

from __future__ import annotations

from typing import Any

from luggin.results import Analysis, AnalysisInput, Outcome

__all__ = ["HALF_WAVES"]


def _half_waves(inputs: AnalysisInput) -> Outcome:
    """`luggin_plugins.cv.half_waves.half_waves`, loaded when it is needed."""
    from luggin_plugins.cv.half_waves import half_waves

    return half_waves(inputs)


def _options() -> type[Any]:
    """The model of the analysis's options, loaded when it is needed."""
    from luggin_plugins.cv.options import HalfWavesOptions

    return HalfWavesOptions


HALF_WAVES = Analysis(
    name="cv.half-waves",
    title="Half-wave potentials of the couples in a cyclic voltammogram",
    needs={"cv": {"potential": "V", "current": "A"}},
    function=_half_waves,
    parameters=_options,
)
