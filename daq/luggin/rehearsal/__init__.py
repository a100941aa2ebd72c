"""Before a run touches anything: look the plan over, and rehearse it on simulated twins.

The overview is arithmetic on declared data. The rehearsal is the real thing in virtual time: the
same engine, drivers and bytes, in a folder that is thrown away.
"""

from __future__ import annotations

from luggin.rehearsal.overview import Overview, PlannedStep, look_over
from luggin.rehearsal.twins import Rehearsal, rehearse, rehearse_script, twin_bench

__all__ = [
    "look_over",
    "Overview",
    "PlannedStep",
    "rehearse",
    "rehearse_script",
    "Rehearsal",
    "twin_bench",
]
