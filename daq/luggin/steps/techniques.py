"""The techniques of this version: ``ocp cv lsv ca cp`` and ``rest``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Unpack

from pydantic import Field, ValidationInfo, field_validator

from luggin.capabilities import Technique
from luggin.steps.base import ControlledModifiers, ControlledStep, Count, Modifiers, Resumption, Step, TechniqueStep
from luggin.steps.quantities import (
    Duration,
    Interval,
    Kind,
    PositiveDuration,
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

Current = Annotated[Quantity, Kind("A", "10 uA")]
PotentialBound = Annotated[Quantity, Kind("V", "2 V", above=0.0)]


def _controlled(step: ControlledStep) -> dict[str, float | None]:
    return {
        "quiet": float(step.quiet or 0.0),
        "current_range": None if step.current_range is None else float(step.current_range),
    }


def _inherit(potential: PotentialSpec, info: ValidationInfo) -> PotentialSpec:
    begin = info.data.get("begin")
    return potential if begin is None else potential.against(begin.zero)


def _not_wider(step: Quantity, between: Sequence[PotentialSpec]) -> Quantity:
    """A step of potential must fit between the two ends of a sweep, where both have one zero."""
    if len(between) < 2 or between[0].zero != between[1].zero:
        return step
    width = abs(between[1].value - between[0].value)
    if step > width:
        raise refuse(f"{step.written} is more than the sweep is wide (from {between[0]} to {between[1]}).")
    return step


def _not_longer(dt: Quantity, info: ValidationInfo) -> Quantity:
    duration = info.data.get("duration")
    if duration is not None and dt > duration:
        raise refuse(f"{dt.written} is longer than the whole step ({duration.written}).")
    return dt


class OCP(TechniqueStep):
    """Open-circuit potential: the cell is open, the potential is recorded.

    Interrupted, it goes on with the time that is left.
    """

    resume_policy: ClassVar[Resumption] = "continue"
    can_continue: ClassVar[bool] = True

    do: Literal["ocp"] = "ocp"
    duration: PositiveDuration = Field(description="how long to measure")
    dt: Interval = Field(Quantity.parse("0.5 s", "s"), description="time between two readings")

    if TYPE_CHECKING:

        def __init__(self, *, duration: Written, dt: Written = "0.5 s", **modifiers: Unpack[Modifiers]) -> None: ...

    _dt_fits = field_validator("dt")(_not_longer)

    def technique(self, ocp: float | None, previous: float | None) -> Technique:
        """``ocp`` with ``duration`` and ``dt`` (s)."""
        return Technique("ocp", {"duration": float(self.duration), "dt": float(self.dt)})


class CV(ControlledStep):
    """Cyclic voltammetry: begin, first vertex, second vertex, ... for all cycles, end.

    >>> cv = CV(begin="0 V vs ref", vertices=("-1.7 V", "0.2 V"), rate="25 mV/s", step="1 mV", cycles=2)
    >>> [p.value for p in cv.turning_points()]
    [0.0, -1.7, 0.2, -1.7, 0.2, 0.0]
    """

    can_chain: ClassVar[bool] = True

    do: Literal["cv"] = "cv"
    begin: StartPotential = Field(description="where the sweep begins, with its zero")
    vertices: tuple[Potential, Potential] = Field(
        description="the two potentials at which the sweep turns", examples=[["-1.7 V", "0.2 V"]]
    )
    end: Potential | None = Field(None, description="where the sweep ends; at begin if left out")
    rate: Rate = Field(description="scan rate")
    step: PotentialStep = Field(description="potential between two points")
    cycles: Count = Field(1, description="how often the vertices are visited")

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            begin: WrittenPotential,
            vertices: Sequence[WrittenPotential],
            rate: Written,
            step: Written,
            end: WrittenPotential | None = None,
            cycles: int = 1,
            **modifiers: Unpack[ControlledModifiers],
        ) -> None: ...

    @field_validator("vertices")
    @classmethod
    def _vertices_have_a_zero(
        cls, vertices: tuple[PotentialSpec, PotentialSpec], info: ValidationInfo
    ) -> tuple[PotentialSpec, PotentialSpec]:
        first, second = (_inherit(vertex, info) for vertex in vertices)
        if first == second:
            raise refuse(f"both vertices are {first}.", "A sweep turns at two different potentials.")
        return first, second

    @field_validator("end")
    @classmethod
    def _end_has_a_zero(cls, end: PotentialSpec | None, info: ValidationInfo) -> PotentialSpec | None:
        return info.data.get("begin") if end is None else _inherit(end, info)

    @field_validator("step")
    @classmethod
    def _step_fits(cls, step: Quantity, info: ValidationInfo) -> Quantity:
        return _not_wider(step, info.data.get("vertices", ()))

    def turning_points(self) -> tuple[PotentialSpec, ...]:
        """The potentials between which the sweep is straight, in the order of time."""
        return (self.begin, *self.vertices * self.cycles, self.end or self.begin)

    def setpoints(self) -> Mapping[str, Sequence[PotentialSpec]]:
        """Begin, vertices and end."""
        return {"begin": [self.begin], "vertices": self.vertices, "end": [self.end or self.begin]}

    def technique(self, ocp: float | None, previous: float | None) -> Technique:
        """``cv`` with ``begin vertices end`` (V against the reference) and the rest in SI."""
        return Technique(
            "cv",
            {
                "begin": resolve(self.begin, ocp, previous),
                "vertices": tuple(resolve(vertex, ocp, previous) for vertex in self.vertices),
                "end": resolve(self.end or self.begin, ocp, previous),
                "rate": float(self.rate),
                "step": float(self.step),
                "cycles": self.cycles,
            }
            | _controlled(self),
        )


class LSV(ControlledStep):
    """Linear sweep voltammetry: one straight sweep from begin to end."""

    can_chain: ClassVar[bool] = True

    do: Literal["lsv"] = "lsv"
    begin: StartPotential = Field(description="where the sweep begins, with its zero")
    end: Potential = Field(description="where the sweep ends")
    rate: Rate = Field(description="scan rate")
    step: PotentialStep = Field(description="potential between two points")

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            begin: WrittenPotential,
            end: WrittenPotential,
            rate: Written,
            step: Written,
            **modifiers: Unpack[ControlledModifiers],
        ) -> None: ...

    @field_validator("end")
    @classmethod
    def _end_has_a_zero(cls, end: PotentialSpec, info: ValidationInfo) -> PotentialSpec:
        end = _inherit(end, info)
        if end == info.data.get("begin"):
            raise refuse(f"the sweep begins and ends at {end}.", "A sweep goes from one potential to another.")
        return end

    @field_validator("step")
    @classmethod
    def _step_fits(cls, step: Quantity, info: ValidationInfo) -> Quantity:
        return _not_wider(step, [info.data[key] for key in ("begin", "end") if key in info.data])

    def setpoints(self) -> Mapping[str, Sequence[PotentialSpec]]:
        """Begin and end."""
        return {"begin": [self.begin], "end": [self.end]}

    def technique(self, ocp: float | None, previous: float | None) -> Technique:
        """``lsv`` with ``begin end`` (V against the reference) and the rest in SI."""
        return Technique(
            "lsv",
            {
                "begin": resolve(self.begin, ocp, previous),
                "end": resolve(self.end, ocp, previous),
                "rate": float(self.rate),
                "step": float(self.step),
            }
            | _controlled(self),
        )


class CA(ControlledStep):
    """Chronoamperometry: one potential, the current over time.

    Interrupted, it begins again: the current after a step of the potential is one curve, and the
    cell has relaxed meanwhile. An electrolysis may go on with the time that is left
    (``on_resume = "continue"``).
    """

    can_chain: ClassVar[bool] = True
    can_continue: ClassVar[bool] = True

    do: Literal["ca"] = "ca"
    potential: StartPotential = Field(description="the potential, with its zero")
    duration: PositiveDuration = Field(description="how long to hold it")
    dt: Interval = Field(description="time between two readings")

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            potential: WrittenPotential,
            duration: Written,
            dt: Written,
            **modifiers: Unpack[ControlledModifiers],
        ) -> None: ...

    _dt_fits = field_validator("dt")(_not_longer)

    def setpoints(self) -> Mapping[str, Sequence[PotentialSpec]]:
        """The potential."""
        return {"potential": [self.potential]}

    def technique(self, ocp: float | None, previous: float | None) -> Technique:
        """``ca`` with ``potential`` (V against the reference), ``duration`` and ``dt`` (s)."""
        return Technique(
            "ca",
            {
                "potential": resolve(self.potential, ocp, previous),
                "duration": float(self.duration),
                "dt": float(self.dt),
            }
            | _controlled(self),
        )


class CP(TechniqueStep):
    """Chronopotentiometry: one current, the potential over time.

    >>> CP(current="-10 uA", duration="60 s", dt="0.5 s", potential_limit="2 V").technique(None, None).parameters
    {'current': -1e-05, 'duration': 60.0, 'dt': 0.5, 'potential_limit': 2.0}

    Interrupted, it goes on with the time that is left: the charge that it drives through the cell is
    what was asked for, and beginning again would drive more.
    """

    can_chain: ClassVar[bool] = True
    resume_policy: ClassVar[Resumption] = "continue"
    can_continue: ClassVar[bool] = True

    do: Literal["cp"] = "cp"
    current: Current = Field(description="the current, positive = oxidation at the working electrode")
    duration: PositiveDuration = Field(description="how long to drive it")
    dt: Interval = Field(description="time between two readings")
    potential_limit: PotentialBound | None = Field(
        None, description="largest potential to either side that the instrument may apply; from the limits if left out"
    )

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            current: Written,
            duration: Written,
            dt: Written,
            potential_limit: Written | None = None,
            **modifiers: Unpack[Modifiers],
        ) -> None: ...

    _dt_fits = field_validator("dt")(_not_longer)

    def technique(self, ocp: float | None, previous: float | None) -> Technique:
        """``cp`` with ``current`` (A), ``duration`` and ``dt`` (s), ``potential_limit`` (V, or None)."""
        return Technique(
            "cp",
            {
                "current": float(self.current),
                "duration": float(self.duration),
                "dt": float(self.dt),
                "potential_limit": None if self.potential_limit is None else float(self.potential_limit),
            },
        )


class Rest(Step):
    """Wait with the cell open. With ``dt`` the potential is recorded meanwhile (as ``ocp`` does).

    Interrupted, it goes on with the time that is left, as far as readings tell it.
    """

    resume_policy: ClassVar[Resumption] = "continue"
    can_continue: ClassVar[bool] = True

    do: Literal["rest"] = "rest"
    duration: Duration = Field(description="how long to wait")
    dt: Interval | None = Field(None, description="time between two readings; nothing is recorded if left out")

    if TYPE_CHECKING:

        def __init__(self, *, duration: Written, dt: Written | None = None, **modifiers: Unpack[Modifiers]) -> None: ...
