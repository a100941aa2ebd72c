"""``cv.scan-rate-series``: what voltammograms at several scan rates say together.

The exponent of the peak current, a diffusion coefficient, and a rate constant where it can be told from the
resistance of the solution. This module loads no numpy: plugin discovery reads it at every start.
"""

from __future__ import annotations

from typing import Any

from luggin.results import Analysis, AnalysisInput, Outcome

__all__ = ["SCAN_RATE_SERIES"]


def _scan_rate_series(inputs: AnalysisInput) -> Outcome:
    """`luggin_plugins.cv.series.evaluation.scan_rate_series`, loaded when it is needed."""
    from luggin_plugins.cv.series.evaluation import scan_rate_series

    return scan_rate_series(inputs)


def _options() -> type[Any]:
    """The model of the analysis's options, loaded when it is needed."""
    from luggin_plugins.cv.series.options import ScanRateSeriesOptions

    return ScanRateSeriesOptions


SCAN_RATE_SERIES = Analysis(
    name="cv.scan-rate-series",
    unasked=False,
    title="Scan rates: diffusion coefficients and rates of transfer",
    needs={"cv": {"potential": "V", "current": "A"}, "solution_resistance": {}},
    refers=("subtract", "resistance"),
    function=_scan_rate_series,
    parameters=_options,
)
