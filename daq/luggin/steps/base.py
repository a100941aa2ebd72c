"""What every step is: a frozen record with modifiers, a fingerprint, and mistakes told in words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from luggin.capabilities import Technique
from luggin.errors import ProtocolError
from luggin.steps.quantities import CurrentRange, Duration, PotentialSpec, Quantity, Written, refuse
from luggin.steps.wording import NAME_PATTERN, Mistake, mistakes_of, problems

Name = Annotated[str, Field(min_length=1, max_length=80, pattern=NAME_PATTERN)]
"""A name that analyses, paths and the command line can carry."""

Text = Annotated[str, Field(min_length=1, max_length=2000)]
"""A text for people."""

Resumption = Literal["restart", "continue", "stop"]
"""What becomes of a step that was interrupted: it begins again, does what is left of it, or nothing goes on."""

Count = Annotated[int, Field(strict=True, ge=1)]
"""A whole number from 1."""


class MistakenRecord(ProtocolError):
    """Data that make no valid step, sample or limit. ``mistakes`` has the places in the data."""

    def __init__(self, what: str, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(what, problems(mistakes))


class Record(BaseModel):
    """A frozen record without unknown keys, the base of all that a protocol consists of.

    Built from Python, it raises `luggin.errors.UsageError` with all mistakes in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise MistakenRecord(type(self).__name__, mistakes_of(error, type(self))) from error

    # Tells pydantic that this __init__ only rewords: a record inside another is then validated
    # with the whole, and all mistakes come together.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def to_json(self) -> dict[str, Any]:
        """What was set, as it was written: plain data that validate to an equal record."""
        known = {
            (field.alias or name): _written(getattr(self, name))
            for name, field in type(self).model_fields.items()
            if name in self.model_fields_set
        }
        return known | (self.model_extra or {})


class Modifiers(TypedDict, total=False):
    """What any step may be given besides its own parameters, for type checkers and editors."""

    id: str | None
    role: str | None
    label: str | None
    on: str | None
    rest_before: Written | None
    every: int | None
    establishes: Sequence[str]
    on_resume: Resumption | None


class ControlledModifiers(Modifiers, total=False):
    """What a technique that applies a potential may be given besides its own parameters."""

    quiet: Written | None
    current_range: Written | None


class Step(Record):
    """One thing that a protocol does, with the modifiers that any step may carry.

    Attributes:
        do: the name of the step in a file.
        id: the name by which analyses find the rows; unique in a protocol, repeated only by loops.
        role: what the rows are for (``blank``, ``reference``, ``rate test`` ...).
        label: a text for people.
        on: the role of the instrument on the bench; None is the role ``cell``.
        rest_before: time with the cell open before the step (s).
        every: inside ``repeat``: run the step only each n-th time.
        establishes: states of the sample that this step makes and a safe stop destroys
            (``conditioning``); on resume the step is run again before anything that follows.
        on_resume: what becomes of it when it was interrupted; None is what its technique says
            (``resume_policy``).
    """

    schema_version: ClassVar[int] = 1
    #: What becomes of it when it was interrupted, where nothing else is said.
    resume_policy: ClassVar[Resumption] = "restart"
    #: Whether there is such a thing as what is left of it.
    can_continue: ClassVar[bool] = False

    do: str
    id: Name | None = Field(None, description="name for analyses", examples=["full"])
    role: Text | None = Field(None, description="what the rows are for", examples=["blank"])
    label: Text | None = Field(None, description="a text for people")
    on: Name | None = Field(None, description="role of the instrument on the bench; cell if left out")
    rest_before: Duration | None = Field(None, description="time with the cell open before the step")
    every: Count | None = Field(None, description="inside repeat: only each n-th time")
    establishes: tuple[Name, ...] = Field((), description="states of the sample that this step makes")
    on_resume: Resumption | None = Field(
        None, description="what becomes of it when it was interrupted; what its technique says if left out"
    )

    @field_validator("on_resume")
    @classmethod
    def _can_be_resumed_so(cls, on_resume: Resumption | None) -> Resumption | None:
        if on_resume == "continue" and not cls.can_continue:
            raise refuse(
                f"a {cls.model_fields['do'].default} that was interrupted cannot go on in its middle.",
                'Write "restart" or "stop".',
            )
        return on_resume

    def fingerprint(self) -> str:
        """A digest of what was set, in SI: equal for ``"1000 mV"`` and ``"1 V"``.

        Covers the fields that the user set (but for ``label``, which changes nothing that is done)
        and the schema version, so that a later version of Luggin with more fields still
        recognises the step.
        """
        content = {name: _canonical(getattr(self, name)) for name in sorted(self.model_fields_set - {"do", "label"})}
        text = json.dumps([self.do, self.schema_version, content], sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """What was set, as it was written, with ``do``."""
        return {"do": self.do} | super().to_json()


class TechniqueStep(Step):
    """A step that measures on the cell: it says which technique the instrument must run."""

    can_chain: ClassVar[bool] = False

    def technique(self, ocp: float | None, previous: float | None) -> Technique:
        """The technique with all potentials against the reference (V); ``ocp`` and ``previous`` as in `resolve`.

        Raises:
            UsageError: a potential refers to a zero that is not known.
        """
        raise NotImplementedError

    def setpoints(self) -> Mapping[str, Sequence[PotentialSpec]]:
        """The potentials that the cell will see, by field."""
        return {}


class ControlledStep(TechniqueStep):
    """A technique that applies a potential."""

    quiet: Duration | None = Field(None, description="time at the first potential before the sweep or the pulse")
    current_range: CurrentRange | None = Field(
        None, description="largest current that must be measurable; the instrument chooses its ranges if left out"
    )


def _written(value: object) -> Any:
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, Quantity):
        return value.written
    if isinstance(value, PotentialSpec):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_written(item) for item in value]
    return value


def _canonical(value: object) -> Any:
    if isinstance(value, Step):
        return value.fingerprint()
    if isinstance(value, Record):
        return {name: _canonical(getattr(value, name)) for name in sorted(value.model_fields_set)}
    if isinstance(value, Quantity):
        return f"{float(value):.12g} {value.unit}"
    if isinstance(value, PotentialSpec):
        return f"{value.value:.12g} V vs {value.zero}"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_canonical(item) for item in value]
    return value
