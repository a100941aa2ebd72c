"""Pulse voltammetry: ``dpv`` and ``swv``. Potentials, pulses and amplitudes as IUPAC has them.

Pure Appl. Chem. 92 (2020) 641 (terminology): differential pulse and square-wave voltammetry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Unpack

from pydantic import Field, ValidationInfo, field_validator, model_validator

from luggin import units
from luggin.capabilities import Technique
from luggin.instrument.pulses import reached
from luggin.steps.base import ControlledModifiers, ControlledStep
from luggin.steps.quantities import (
    Interval,
    Kind,
    Potential,
    PotentialSpec,
    PotentialStep,
    Quantity,
    Rate,
    StartPotential,
    Written,
    WrittenPotential,
    refuse,
    resolve,
)

Pulse = Annotated[Quantity, Kind("V", "50 mV", above=0.0)]
Frequency = Annotated[Quantity, Kind("Hz", "25 Hz", above=0.0)]


class PulsedSweep(ControlledStep):
    """A staircase from begin to end with something on each of its levels; the base of ``dpv`` and ``swv``."""

    can_chain: ClassVar[bool] = True

    begin: StartPotential = Field(description="where the staircase begins, with its zero")
    end: Potential = Field(description="where the staircase ends")
    step: PotentialStep = Field(description="potential between two levels")

    @field_validator("end")
    @classmethod
    def _end_has_a_zero(cls, end: PotentialSpec, info: ValidationInfo) -> PotentialSpec:
        begin = info.data.get("begin")
        end = end if begin is None else end.against(begin.zero)
        if end == begin:
            raise refuse(f"the sweep begins and ends at {end}.", "A sweep goes from one potential to another.")
        return end

    @field_validator("step")
    @classmethod
    def _step_fits(cls, step: Quantity, info: ValidationInfo) -> Quantity:
        begin, end = info.data.get("begin"), info.data.get("end")
        if begin is not None and end is not None and begin.zero == end.zero and step > abs(end.value - begin.value):
            raise refuse(f"{step.written} is more than the sweep is wide (from {begin} to {end}).")
        return step

    def setpoints(self) -> Mapping[str, Sequence[PotentialSpec]]:
        """Begin, end, and what the pulses reach at both; without these where the ends have no common zero.

        The potentials that pulses reach from ends with different zeros are judged once they are known.
        """
        ends = {"begin": [self.begin], "end": [self.end]}
        if self.begin.zero != self.end.zero:
            return ends
        span = {"begin": self.begin.value, "end": self.end.value}
        far = reached(self.do, span | self._pulses(self.end.value - self.begin.value))
        return ends | {self._pulse_field: [replace(self.begin, value=value, written="") for value in far]}

    _pulse_field: ClassVar[str]

    def _pulses(self, span: float) -> dict[str, Any]:
        """What stands on the levels, for a staircase of this span (V)."""
        raise NotImplementedError

    def technique(self, ocp: float | None, previous: float | None) -> Technique:
        """The technique with all potentials against the reference (V), the rest in SI."""
        begin, end = (resolve(potential, ocp, previous) for potential in (self.begin, self.end))
        return Technique(
            self.do,
            {
                "begin": begin,
                "end": end,
                "step": float(self.step),
                **self._pulses(end - begin),
                "quiet": float(self.quiet or 0.0),
                "current_range": None if self.current_range is None else float(self.current_range),
            },
        )


class DPV(PulsedSweep):
    """Differential pulse voltammetry: the current at the end of a pulse minus the current before it.

    A pulse goes the way that the staircase goes, and stands at the end of each level.

    >>> dpv = DPV(begin="0 V vs ref", end="-0.8 V", step="5 mV", pulse="50 mV", pulse_time="50 ms", period="0.5 s")
    >>> technique = dpv.technique(None, None).parameters
    >>> technique["pulse"], technique["rate"]
    (-0.05, 0.01)
    """

    do: Literal["dpv"] = "dpv"
    pulse: Pulse = Field(Quantity.parse("50 mV", "V"), description="height of the pulse above its level")
    pulse_time: Interval = Field(Quantity.parse("50 ms", "s"), description="how long a pulse lasts")
    rate: Rate | None = Field(None, description="scan rate: the step over the period; or say the period")
    period: Interval | None = Field(None, description="time from one pulse to the next; or say the rate")

    _pulse_field: ClassVar[str] = "pulse"

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            begin: WrittenPotential,
            end: WrittenPotential,
            step: Written,
            pulse: Written = "50 mV",
            pulse_time: Written = "50 ms",
            rate: Written | None = None,
            period: Written | None = None,
            **modifiers: Unpack[ControlledModifiers],
        ) -> None: ...

    @model_validator(mode="after")
    def _one_way_to_say_the_time(self) -> DPV:
        if (self.rate is None) == (self.period is None):
            said = "both rate and period are given" if self.rate is not None else "neither rate nor period is given"
            raise refuse(f"{said}.", 'Write one of them, such as period = "0.5 s".', key="rate")
        if self.pulse_time >= self._time:
            raise refuse(
                f"a pulse of {self.pulse_time.written} does not fit into a period of {units.show(self._time, 's')}.",
                "Take shorter pulses, a lower rate, or larger steps.",
                key="pulse_time",
            )
        return self

    @property
    def _time(self) -> float:
        """From one pulse to the next (s)."""
        if self.period is not None:
            return float(self.period)
        return float(self.step) / float(self.rate or 1.0)

    def _pulses(self, span: float) -> dict[str, Any]:
        pulse = float(self.pulse)
        rate = float(self.step) / float(self.period) if self.rate is None and self.period else float(self.rate or 0.0)
        return {"pulse": pulse if span > 0 else -pulse, "pulse_time": float(self.pulse_time), "rate": rate}


class SWV(PulsedSweep):
    """Square-wave voltammetry: forward minus reverse current of a square wave on each level of a staircase.

    ``amplitude`` is from the level to either side: a wave of 25 mV is 50 mV from peak to peak.

    >>> SWV(begin="0 V vs ref", end="-0.8 V").technique(None, None).parameters["frequency"]
    25.0
    """

    do: Literal["swv"] = "swv"
    step: PotentialStep = Field(Quantity.parse("4 mV", "V"), description="potential between two levels")
    amplitude: Pulse = Field(
        Quantity.parse("25 mV", "V"), description="amplitude of the square wave, from its middle to its peak"
    )
    frequency: Frequency = Field(Quantity.parse("25 Hz", "Hz"), description="periods, and levels, in a second")

    _pulse_field: ClassVar[str] = "amplitude"

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            begin: WrittenPotential,
            end: WrittenPotential,
            step: Written = "4 mV",
            amplitude: Written = "25 mV",
            frequency: Written = "25 Hz",
            **modifiers: Unpack[ControlledModifiers],
        ) -> None: ...

    def _pulses(self, span: float) -> dict[str, Any]:
        return {"amplitude": float(self.amplitude), "frequency": float(self.frequency)}
