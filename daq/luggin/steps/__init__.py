"""Steps and protocols: what a chemist writes, validated, with all mistakes in words.

The only package of the core that imports pydantic.
"""

from luggin.steps.base import ControlledStep, Count, MistakenRecord, Name, Record, Step, TechniqueStep, Text
from luggin.steps.control import Chain, Container, ForEach, Note, Prompt, Repeat
from luggin.steps.limits import COLUMN_UNITS, Limit
from luggin.steps.loading import LoadedProtocol, load_protocol, parse_limits, parse_sample
from luggin.steps.preflight import Expected, Preflight
from luggin.steps.protocol import AnalysisEntry, Events, MonitorEntry, Protocol, Thinning
from luggin.steps.pulses import DPV, SWV
from luggin.steps.quantities import (
    CurrentRange,
    Duration,
    Interval,
    Kind,
    PositiveDuration,
    Potential,
    PotentialKind,
    PotentialSpec,
    PotentialStep,
    Quantity,
    Rate,
    StartPotential,
    parse_potential,
    refuse,
    resolve,
)
from luggin.steps.resistance import Compensate, SolutionResistance
from luggin.steps.sample import Electrode, Sample
from luggin.steps.schema import json_schema
from luggin.steps.setpoints import broken_by, check_setpoints, outside, unmonitored
from luggin.steps.techniques import CA, CP, CV, LSV, OCP, Rest
from luggin.steps.temperature import Equilibrate, Ramp, SetTemperature, TemperatureStep
from luggin.steps.vocabulary import NOT_YET, Vocabulary
from luggin.steps.walking import Execution, walk
from luggin.steps.wording import Mistake

__all__ = [
    "OCP",
    "CV",
    "LSV",
    "CA",
    "CP",
    "Rest",
    "DPV",
    "SWV",
    "SolutionResistance",
    "Compensate",
    "SetTemperature",
    "Ramp",
    "Equilibrate",
    "Preflight",
    "Expected",
    "Prompt",
    "Note",
    "Chain",
    "Repeat",
    "ForEach",
    "Step",
    "TechniqueStep",
    "ControlledStep",
    "TemperatureStep",
    "Container",
    "Record",
    "MistakenRecord",
    "Mistake",
    "Vocabulary",
    "NOT_YET",
    "Protocol",
    "Sample",
    "Electrode",
    "Limit",
    "COLUMN_UNITS",
    "Thinning",
    "AnalysisEntry",
    "MonitorEntry",
    "Events",
    "LoadedProtocol",
    "load_protocol",
    "parse_sample",
    "parse_limits",
    "check_setpoints",
    "outside",
    "broken_by",
    "unmonitored",
    "Execution",
    "walk",
    "Quantity",
    "PotentialSpec",
    "parse_potential",
    "resolve",
    "json_schema",
    "Kind",
    "PotentialKind",
    "Potential",
    "StartPotential",
    "PotentialStep",
    "Rate",
    "Duration",
    "PositiveDuration",
    "Interval",
    "CurrentRange",
    "Name",
    "Text",
    "Count",
    "refuse",
]
