"""Cyclic voltammetry: half-wave potentials with uncertainty, or the reason why there is none.

This module is what plugin discovery loads, so it imports no numpy; the method itself is loaded at
the first call.
"""

from __future__ import annotations

from typing import Any

from luggin.results import Analysis, AnalysisInput, Outcome

__all__ = ["HALF_WAVES", "PULSE_PEAKS"]


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
    needs={"cv": {"potential": "V", "current": "A"}, "solution_resistance": {}},
    function=_half_waves,
    parameters=_options,
    refers=("subtract", "resistance"),
)


def _pulse_peaks(inputs: AnalysisInput) -> Outcome:
    """`luggin_plugins.cv.pulse_peaks.pulse_peaks`, loaded when it is needed."""
    from luggin_plugins.cv.pulse_peaks import pulse_peaks

    return pulse_peaks(inputs)


def _pulse_options() -> type[Any]:
    """The model of the analysis's options, loaded when it is needed."""
    from luggin_plugins.cv.pulse_options import PulsePeaksOptions

    return PulsePeaksOptions


PULSE_PEAKS = Analysis(
    name="cv.pulse-peaks",
    title="Peak and half-wave potentials in differential pulse and square-wave voltammograms",
    needs={technique: {"potential": "V", "current": "A"} for technique in ("dpv", "swv")},
    function=_pulse_peaks,
    parameters=_pulse_options,
)
