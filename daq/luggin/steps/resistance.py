"""Steps about the resistance of the solution: ``solution_resistance`` measures it, ``compensate`` takes it away."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Unpack

from pydantic import Field, ValidationInfo, field_validator, model_validator

from luggin.capabilities import Technique
from luggin.instrument.spectra import swing
from luggin.steps.base import Count, Modifiers, Name, TechniqueStep
from luggin.steps.preflight import MeasuringModifiers
from luggin.steps.quantities import (
    CurrentRange,
    Kind,
    PotentialSpec,
    Quantity,
    StartPotential,
    Written,
    WrittenPotential,
    refuse,
    resolve,
)

Frequency = Annotated[Quantity, Kind("Hz", "100 kHz", above=0.0)]
Resistance = Annotated[Quantity, Kind("ohm", "80 ohm", above=0.0)]

_SINES: Mapping[str, float] = {"peak": 1.0, "rms": math.sqrt(2.0)}


@dataclass(frozen=True)
class AmplitudeKind(Kind):
    """An amplitude that says what it means: ``"10 mV peak"`` (middle to peak), or ``"7 mV rms"``. Kept as peak."""

    def read(self, value: object) -> Quantity:
        """The validated amplitude, from the middle of the sine to its peak."""
        if not isinstance(value, str):
            return super().read(value)
        number, _, meaning = value.strip().rpartition(" ")
        if meaning not in _SINES:
            raise refuse(
                f"{value[:80]!r} does not say which amplitude is meant.",
                f'Write "{self.example}" (from the middle of the sine to its peak), or "7 mV rms".',
            )
        read = super().read(number)
        return Quantity(read * _SINES[meaning], self.unit, value)


Amplitude = Annotated[Quantity, AmplitudeKind("V", "10 mV peak", above=0.0)]


class SolutionResistance(TechniqueStep):
    """The resistance between working and reference electrode that no potentiostat sees: Ru.

    By ``eis`` it is where the impedance of high frequencies ends on the real axis: the double layer is
    a short circuit there, and what is left is the solution.

    >>> SolutionResistance(bias="0 V vs ref").technique(None, None).parameters["points"]
    21
    """

    do: Literal["solution_resistance"] = "solution_resistance"
    method: Literal["eis", "interrupt"] = Field(
        "eis", description="eis: impedance of high frequencies; interrupt: the jump when the current stops"
    )
    begin: Frequency = Field(Quantity.parse("100 kHz", "Hz"), description="first frequency")
    end: Frequency = Field(Quantity.parse("1 kHz", "Hz"), description="last frequency")
    per_decade: Count = Field(10, description="frequencies in a decade")
    amplitude: Amplitude = Field(
        Quantity(0.01, "V", "10 mV peak"), description="amplitude of the sine, with peak or rms behind it"
    )
    bias: StartPotential = Field(
        PotentialSpec(0.0, "ocp", "0 V vs ocp"), description="the potential about which the sine swings, with its zero"
    )
    current_range: CurrentRange | None = Field(
        None, description="largest current that must be measurable; the instrument chooses its ranges if left out"
    )

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            method: Literal["eis", "interrupt"] = "eis",
            begin: Written = "100 kHz",
            end: Written = "1 kHz",
            per_decade: int = 10,
            amplitude: Written = "10 mV peak",
            bias: WrittenPotential = "0 V vs ocp",
            **modifiers: Unpack[MeasuringModifiers],
        ) -> None: ...

    @field_validator("end")
    @classmethod
    def _another_frequency(cls, end: Quantity, info: ValidationInfo) -> Quantity:
        if end == info.data.get("begin"):
            raise refuse(f"the spectrum begins and ends at {end.written}.", "A spectrum needs several frequencies.")
        return end

    @property
    def points(self) -> int:
        """How many frequencies there are."""
        return round(self.per_decade * abs(math.log10(self.begin / self.end))) + 1

    def setpoints(self) -> Mapping[str, Sequence[PotentialSpec]]:
        """The bias, and how far the sine swings."""
        far = swing({"potential": self.bias.value, "amplitude": float(self.amplitude)})
        return {"bias": [self.bias], "amplitude": [replace(self.bias, value=value, written="") for value in far]}

    def technique(self, ocp: float | None, previous: float | None) -> Technique:
        """``eis`` about an absolute potential; ``interrupt`` at it, for an instrument that has this."""
        where: dict[str, Any] = {
            "potential": resolve(self.bias, ocp, previous),
            "current_range": None if self.current_range is None else float(self.current_range),
        }
        if self.method == "interrupt":
            return Technique("interrupt", where)
        spectrum = {
            "amplitude": float(self.amplitude),
            "begin_frequency": float(self.begin),
            "end_frequency": float(self.end),
            "points": self.points,
        }
        return Technique("eis", where | spectrum)


class Compensate(TechniqueStep):
    """From here on the instrument adds to the potential what the current loses in the solution.

    Only for instruments that can do this by themselves; others refuse the step before anything begins.
    A share of 1 makes a cell oscillate.
    """

    do: Literal["compensate"] = "compensate"
    resistance: Resistance | None = Field(None, description="the resistance of the solution; or say of")
    of: Name | None = Field(None, description="id of the solution_resistance step that measured it")
    share: float = Field(0.8, strict=True, ge=0.0, le=0.95, description="how much of it is compensated; 0 ends it")

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            resistance: Written | None = None,
            of: str | None = None,
            share: float = 0.8,
            **modifiers: Unpack[Modifiers],
        ) -> None: ...

    @model_validator(mode="after")
    def _one_resistance(self) -> Compensate:
        if (self.resistance is None) == (self.of is None):
            raise refuse("the resistance is either given or that of a step.", 'Write of = "Ru".', key="resistance")
        return self

    def technique(self, ocp: float | None, previous: float | None) -> Technique:
        """``compensate`` with ``resistance`` (ohm, None while it is not measured yet) and ``share``."""
        resistance = None if self.resistance is None else float(self.resistance)
        return Technique("compensate", {"resistance": resistance, "share": self.share})
