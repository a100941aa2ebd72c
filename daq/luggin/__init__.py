"""Luggin runs electrochemistry: it drives instruments, keeps every reading, and answers with uncertainty.

This is the one public surface; everything is loaded when it is first used::

    import luggin
    from luggin import CV, OCP

    with luggin.start(sample=sample) as run:
        run.do(OCP(duration="10 s"))
        cv = run.do(CV(begin="0 V vs ref", vertices=("-1.7 V", "0.2 V"), rate="25 mV/s", step="1 mV", cycles=2))
        print(run.analyse("cv.half-waves", cv))

    finished = luggin.open("runs/...")
    finished["cv"].to_xarray()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luggin.analysis import RunArchive
    from luggin.analysis import open_run as open
    from luggin.clock import RealClock, ScaledClock, VirtualClock
    from luggin.engine.run import Run, StepResult
    from luggin.engine.start import start
    from luggin.errors import LugginError
    from luggin.hookspecs import Reader, hookimpl
    from luggin.results import Analysis, AnalysisInput, Outcome, Quantity, Refusal, Table
    from luggin.steps import CA, CP, CV, LSV, OCP, Chain, ForEach, Note, Prompt, Repeat, Rest, Step
    from luggin.steps.temperature import Equilibrate, Ramp, SetTemperature

_WHERE = {
    "start": ("luggin.engine.start", "start"),
    "open": ("luggin.analysis", "open_run"),
    "Run": ("luggin.engine.run", "Run"),
    "StepResult": ("luggin.engine.run", "StepResult"),
    "RunArchive": ("luggin.analysis", "RunArchive"),
    "LugginError": ("luggin.errors", "LugginError"),
    "Reader": ("luggin.hookspecs", "Reader"),
    "hookimpl": ("luggin.hookspecs", "hookimpl"),
    **{
        name: ("luggin.results", name)
        for name in ("Analysis", "AnalysisInput", "Outcome", "Quantity", "Refusal", "Table")
    },
    **{
        name: ("luggin.steps", name)
        for name in ("OCP", "CV", "LSV", "CA", "CP", "Rest", "Chain", "Repeat", "ForEach", "Prompt", "Note", "Step")
    },
    **{name: ("luggin.steps.temperature", name) for name in ("SetTemperature", "Ramp", "Equilibrate")},
    "Preflight": ("luggin.steps.preflight", "Preflight"),
    "DPV": ("luggin.steps.pulses", "DPV"),
    "SWV": ("luggin.steps.pulses", "SWV"),
    "SolutionResistance": ("luggin.steps.resistance", "SolutionResistance"),
    "Compensate": ("luggin.steps.resistance", "Compensate"),
    **{name: ("luggin.clock", name) for name in ("RealClock", "ScaledClock", "VirtualClock")},
}

__all__ = [
    "start",
    "open",
    "Run",
    "StepResult",
    "RunArchive",
    "OCP",
    "CV",
    "LSV",
    "CA",
    "CP",
    "Rest",
    "SetTemperature",
    "Ramp",
    "Equilibrate",
    "Preflight",
    "DPV",
    "SWV",
    "SolutionResistance",
    "Compensate",
    "Chain",
    "Repeat",
    "ForEach",
    "Prompt",
    "Note",
    "Step",
    "Analysis",
    "AnalysisInput",
    "Outcome",
    "Quantity",
    "Refusal",
    "Table",
    "Reader",
    "hookimpl",
    "RealClock",
    "ScaledClock",
    "VirtualClock",
    "LugginError",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'luggin' has no attribute {name!r}")
    module, attribute = _WHERE[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
