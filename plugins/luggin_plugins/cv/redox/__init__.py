"""``cv.reference`` and ``cv.redox-table``: potentials against an internal standard, and a table of couples.

This module loads no numpy: plugin discovery reads it at every start.
"""

from __future__ import annotations

from typing import Any

from luggin.results import Analysis, AnalysisInput, Outcome

__all__ = ["REDOX_TABLE", "REFERENCE"]

_NEEDS = {"cv": {"potential": "V", "current": "A"}, "solution_resistance": {}}


def _reference(inputs: AnalysisInput) -> Outcome:
    """`luggin_plugins.cv.redox.reference.reference`, loaded when it is needed."""
    from luggin_plugins.cv.redox.reference import reference

    return reference(inputs)


def _reference_options() -> type[Any]:
    """The model of the options of ``cv.reference``."""
    from luggin_plugins.cv.redox.options import ReferenceOptions

    return ReferenceOptions


def _redox_table(inputs: AnalysisInput) -> Outcome:
    """`luggin_plugins.cv.redox.table.redox_table`, loaded when it is needed."""
    from luggin_plugins.cv.redox.table import redox_table

    return redox_table(inputs)


def _table_options() -> type[Any]:
    """The model of the options of ``cv.redox-table``."""
    from luggin_plugins.cv.redox.options import RedoxTableOptions

    return RedoxTableOptions


REFERENCE = Analysis(
    name="cv.reference",
    unasked=False,
    refers=("subtract", "resistance"),
    title="Potentials against an internal standard",
    needs=_NEEDS,
    function=_reference,
    parameters=_reference_options,
)

REDOX_TABLE = Analysis(
    name="cv.redox-table",
    unasked=False,
    refers=("subtract", "resistance"),
    title="Redox couples, the gaps between them, and the literature",
    needs=_NEEDS,
    function=_redox_table,
    parameters=_table_options,
)
