"""Steps for people and for order: ``prompt note chain repeat for_each``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Unpack

from pydantic import BeforeValidator, Field, InstanceOf, WithJsonSchema, field_validator

from luggin import units
from luggin.documents import shown
from luggin.errors import UnitError
from luggin.steps.base import Count, Modifiers, Name, Step, TechniqueStep, Text
from luggin.steps.quantities import PositiveDuration, Written, refuse
from luggin.steps.wording import VARIABLE_PATTERN, Mistake

STEPS_EXAMPLE = [[{"do": "ocp", "duration": "60 s"}]]

Steps = Annotated[tuple[InstanceOf[Step], ...], Field(min_length=1)]
Variable = Annotated[str, Field(pattern=VARIABLE_PATTERN, max_length=40)]


def _plain_value(value: Any) -> Any:
    if isinstance(value, str | int | float):
        return value
    raise refuse(f"{shown(value)} is not a value.", "Values are texts in quotes, numbers, true or false.")


Value = Annotated[Any, BeforeValidator(_plain_value), WithJsonSchema({"type": ["string", "number", "boolean"]})]


class Prompt(Step):
    """Ask a person to do something, and for what he reads off meanwhile."""

    do: Literal["prompt"] = "prompt"
    text: Text = Field(description="what to do, for the person at the bench")
    fields: dict[Name, str] = Field(
        default_factory=dict,
        description='what to ask for: name = unit, or "" for a text',
        examples=[{"mass_added": "mg"}],
    )
    timeout: PositiveDuration | None = Field(None, description="how long to wait for the person; for ever if left out")
    on_timeout: Literal["stop", "continue"] = Field("stop", description="what to do then")

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            text: str,
            fields: Mapping[str, str] = ...,
            timeout: Written | None = None,
            on_timeout: Literal["stop", "continue"] = "stop",
            **modifiers: Unpack[Modifiers],
        ) -> None: ...

    @field_validator("fields")
    @classmethod
    def _units_are_known(cls, fields: dict[str, str]) -> dict[str, str]:
        for name, unit in fields.items():
            try:
                units.same_kind(unit or "1", "1")
            except UnitError as error:
                raise refuse(str(error), 'Write a unit, or "" for a text.', key=name) from error
        return fields


class Note(Step):
    """Write a text into the run."""

    do: Literal["note"] = "note"
    text: Text = Field(description="what is noted")

    if TYPE_CHECKING:

        def __init__(self, *, text: str, **modifiers: Unpack[Modifiers]) -> None: ...


class Container(Step):
    """A step that consists of steps."""

    steps: Steps = Field(description="the steps inside", examples=STEPS_EXAMPLE)

    @classmethod
    def mistakes_in(cls, steps: Sequence[Step | None]) -> list[Mistake]:
        """What may not stand inside, with its position; None stands for a step that has mistakes of its own."""
        return []

    @field_validator("steps")
    @classmethod
    def _steps_fit(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        for mistake in cls.mistakes_in(steps):
            raise refuse(mistake.message, mistake.hint)
        return steps


class Chain(Container):
    """Techniques one after the other with the cell closed in between."""

    _NOT_INSIDE: ClassVar[Mapping[str, str]] = {
        "rest_before": "it would open the cell",
        "on": "all techniques of a chain run on the instrument of the chain",
        "on_resume": "a chain that was interrupted goes on as a whole; write it beside `chain`",
    }

    do: Literal["chain"] = "chain"

    @classmethod
    def mistakes_in(cls, steps: Sequence[Step | None]) -> list[Mistake]:
        """Only techniques that keep the cell closed, without what would open it."""
        found = []
        for position, step in enumerate(steps):
            if step is None:
                continue
            if not (isinstance(step, TechniqueStep) and step.can_chain):
                found.append(
                    Mistake(
                        (position,),
                        f"`{step.do}` cannot stand inside `chain`, where the cell stays closed.",
                        "Allowed are ca, cp, cv, lsv.",
                    )
                )
            for key, reason in cls._NOT_INSIDE.items():
                if key in step.model_fields_set:
                    found.append(Mistake((position, key), f"`{key}` cannot stand inside `chain`: {reason}."))
        return found

    if TYPE_CHECKING:

        def __init__(self, *, steps: Sequence[Step], **modifiers: Unpack[Modifiers]) -> None: ...


class Repeat(Container):
    """The steps inside, ``times`` times."""

    do: Literal["repeat"] = "repeat"
    times: Count = Field(description="how often", examples=[10])
    count: Variable = Field("cycle", description="what one repetition is called in paths and tables")

    if TYPE_CHECKING:

        def __init__(
            self, *, times: int, steps: Sequence[Step], count: str = "cycle", **modifiers: Unpack[Modifiers]
        ) -> None: ...


class ForEach(Step):
    """The steps inside once for each value of a variable.

    In a file, ``steps`` is written once with ``"$name"`` where the value goes. Here ``steps`` has
    one tuple of steps for each value.
    """

    do: Literal["for_each"] = "for_each"
    var: Variable = Field(description="name of the variable; `$name` stands for its value", examples=["v"])
    values: tuple[Value, ...] = Field(min_length=1, description="the values", examples=[["50 mV/s", "100 mV/s"]])
    steps: tuple[Steps, ...] = Field(min_length=1, description="the steps inside", examples=STEPS_EXAMPLE)

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            var: str,
            values: Sequence[str | float],
            steps: Sequence[Sequence[Step]],
            **modifiers: Unpack[Modifiers],
        ) -> None: ...
