"""The steps that a protocol may use: those of this version, and those that plugins add."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from luggin.documents import did_you_mean
from luggin.errors import PluginError
from luggin.steps.base import Step
from luggin.steps.control import Chain, ForEach, Note, Prompt, Repeat
from luggin.steps.preflight import Preflight
from luggin.steps.pulses import DPV, SWV
from luggin.steps.resistance import Compensate, SolutionResistance
from luggin.steps.techniques import CA, CP, CV, LSV, OCP, Rest
from luggin.steps.temperature import Equilibrate, Ramp, SetTemperature

BUILT_IN: tuple[type[Step], ...] = (
    *(OCP, CV, LSV, CA, CP, Rest),
    *(DPV, SWV),
    *(SolutionResistance, Compensate),
    *(SetTemperature, Ramp, Equilibrate),
    Preflight,
    *(Prompt, Note, Chain, Repeat, ForEach),
)

NOT_YET: tuple[str, ...] = (
    "eis",
    "geis",
    "charge",
    "discharge",
    "hold",
    "pulse",
    "if",
    "stop_here",
    "wait_until",
    "set",
)
"""Words of the protocol language that this version cannot do."""

# What other programs call these steps, where the spelling alone would lead astray.
_OTHER_NAMES = {
    "ocv": "ocp",
    "wait": "rest",
    "pause": "rest",
    "loop": "repeat",
    "for": "for_each",
    "foreach": "for_each",
    "message": "prompt",
    "comment": "note",
    "soak": "equilibrate",
    "wait_stable": "equilibrate",
    "temperature": "set_temperature",
    "peis": "eis",
    "cyclic_voltammetry": "cv",
    "differential_pulse_voltammetry": "dpv",
    "square_wave_voltammetry": "swv",
    "uncompensated_resistance": "solution_resistance",
    "ir_compensation": "compensate",
    "chronoamperometry": "ca",
    "chronopotentiometry": "cp",
}

OptionsModel = Callable[[], type[Any]]


class Vocabulary:
    """The registry of step types, by their name in ``do``.

    Args:
        extra_step_types: step classes of plugins, each with a name of its own.
        analyses: known analyses and, lazily, the model of their options; None leaves analyses unchecked.

    Raises:
        PluginError: a class is not a step, has no name, or takes the name of another.
    """

    def __init__(
        self,
        extra_step_types: Iterable[type[Step]] = (),
        analyses: Mapping[str, OptionsModel | None] | None = None,
    ) -> None:
        types: dict[str, type[Step]] = {}
        for step_type in (*BUILT_IN, *extra_step_types):
            name = name_of(step_type)
            if name in types:
                raise PluginError(f"two step types are called `{name}`: {types[name]!r} and {step_type!r}")
            types[name] = step_type
        self.types: Mapping[str, type[Step]] = MappingProxyType(types)
        self.analyses = analyses

    def unknown(self, name: str) -> tuple[str, str]:
        """What to say about a step that there is not: message and way out."""
        available = f"Available are {', '.join(sorted(self.types))}."
        if name in NOT_YET:
            return f"`{name}` is not available in this version.", available
        meant = _OTHER_NAMES.get(name.lower(), name)
        return f"there is no step `{name[:80]}`.", did_you_mean(meant, [*self.types, *NOT_YET]) or available


def name_of(step_type: type[Step]) -> str:
    """The word in ``do``."""
    if not (isinstance(step_type, type) and issubclass(step_type, Step)):
        raise PluginError(f"{step_type!r} is not a step type: a step type is a class derived from luggin.steps.Step")
    name = step_type.model_fields["do"].default
    if not isinstance(name, str):
        raise PluginError(f'{step_type!r} has no name; write do: Literal["name"] = "name" in the class')
    return name
