"""The sample: what hangs on the instrument, how it is wired, and what is only assumed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from luggin import units
from luggin.documents import did_you_mean, shown
from luggin.errors import UnitError
from luggin.steps.base import Record, Text
from luggin.steps.quantities import refuse
from luggin.steps.wording import keys_of


@dataclass(frozen=True)
class MeasuredKind:
    """A quantity of the sample, more than zero, perhaps with its uncertainty: ``"3.0(1) mm"``.

    The text is kept as it was written; analyses read it with ``luggin.units`` in the unit they need.
    """

    unit: str
    example: str

    def read(self, value: object) -> str:
        """The text, once it is known to be such a quantity."""
        if not isinstance(value, str):
            hint = f'Write a number and a unit in quotes, such as "{self.example}".'
            raise refuse(f"this is not a quantity; found {shown(value)}.", hint)
        try:
            number, _ = units.parse_with_uncertainty(value, self.unit)
        except UnitError as error:
            raise refuse(str(error)) from error
        if not number > 0:
            raise refuse(f"{value} is out of range; allowed is more than 0 {self.unit}.")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "type": "string",
            "description": f"a quantity ({self.unit}), with its uncertainty in parentheses if known",
            "examples": [self.example],
        }


Length = Annotated[str, MeasuredKind("m", "3.0(1) mm")]
Area = Annotated[str, MeasuredKind("m2", "0.071(5) cm2")]
Mass = Annotated[str, MeasuredKind("kg", "14.10(2) mg")]
Concentration = Annotated[str, MeasuredKind("mol/m3", "0.5 mM")]
Temperature = Annotated[str, MeasuredKind("K", "25(1) degC")]


class _Described(Record):
    """A table in which a chemist may add what he wants to say, as text, number or list of texts."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="after")
    def _free_fields_are_plain(self) -> _Described:
        for name, value in (self.model_extra or {}).items():
            misspelt = _nearly(name, type(self))
            if misspelt:
                raise refuse(f"there is no key `{name}` here.", misspelt, key=name)
            items = value if isinstance(value, list) else [value]
            if not all(isinstance(item, str | int | float | bool) for item in items):
                raise refuse(f"this is not a text, a number or a list of them; found {shown(value)}.", key=name)
        return self


def _nearly(name: str, model: type[BaseModel]) -> str:
    """``Did you mean ...?`` where a free name is so near to a known one that it can only be a slip."""
    known: Iterable[str] = keys_of(model)
    return did_you_mean(name, known, cutoff=0.8)


class Electrode(_Described):
    """One electrode: what it is, and what an analysis needs to know of it.

    A plain text is its name: ``counter = "Pt wire"``.
    """

    name: Text | None = Field(None, description="what it is called", examples=["Na (W)"])
    material: Text | None = Field(None, description="what it is made of", examples=["glassy carbon"])
    electrode: Text | None = Field(None, description="kind of a reference electrode", examples=["Ag/AgCl"])
    fill: Text | None = Field(None, description="filling solution", examples=["3.5 M KCl"])
    terminal: Literal["positive", "negative"] | None = Field(None, description="terminal of the cell it is wired to")
    diameter: Length | None = None
    area: Area | None = None
    electrode_mass: Mass | None = None
    foil_mass: Mass | None = None
    active_fraction: float | None = Field(None, gt=0, le=1, description="mass fraction of active material")
    also_reference: bool = Field(False, description="the reference lead is on this electrode too", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _text_is_a_name(cls, data: Any) -> Any:
        return {"name": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _is_named(self) -> Electrode:
        if not (self.name or self.material or self.electrode):
            raise refuse("this electrode has no name.", 'Write for example {material = "glassy carbon"}.')
        return self


_WIRINGS = ("two-electrode", "three-electrode")


class Sample(_Described):
    """What is measured. Wiring and electrodes are required: the signs of all results hang on them."""

    id: Text = Field(description="name of the sample", examples=["re4mo2-4"])
    wiring: Text = Field(
        description="two-electrode or three-electrode; more words may follow behind a comma",
        examples=["three-electrode"],
    )
    working: Electrode | None = Field(None, examples=[{"material": "glassy carbon", "diameter": "3.0(1) mm"}])
    counter: Electrode | None = Field(None, examples=[{"material": "Pt wire"}])
    reference: Electrode | None = Field(None, examples=[{"electrode": "Ag/AgCl", "fill": "3.5 M KCl"}])
    electrodes: Text | None = Field(None, description="both electrodes of a two-electrode cell that are alike")
    temperature: Temperature | None = None
    concentration: Concentration | None = None
    thickness: Length | None = None
    diameter: Length | None = None
    area: Area | None = None
    mass: Mass | None = None
    assumed: tuple[Text, ...] = Field((), description="what the experimenter does not know; the report prints it")

    @field_validator("wiring")
    @classmethod
    def _wiring_is_known(cls, wiring: str) -> str:
        first = wiring.partition(",")[0].strip()
        if first not in _WIRINGS:
            hint = did_you_mean(first.replace("2", "two").replace("3", "three"), _WIRINGS)
            raise refuse(f'"{wiring}" is not a wiring; allowed are {" and ".join(_WIRINGS)}.', hint)
        return wiring

    @property
    def electrode_count(self) -> int:
        """2 or 3."""
        return 2 if self.wiring.startswith("two") else 3

    @model_validator(mode="after")
    def _electrodes_are_named(self) -> Sample:
        if self.electrode_count == 2 and self.electrodes is not None:
            return self
        needed = ("working", "counter", "reference")[: self.electrode_count]
        missing = [f"`{name}`" for name in needed if getattr(self, name) is None]
        if missing:
            raise refuse(
                f"{' and '.join(missing)} of this {self.wiring} cell "
                f"{'is' if len(missing) == 1 else 'are'} missing: the signs of the results hang on the electrodes.",
                f"Write for example {missing[-1].strip('`')} = "
                + {
                    "`working`": '{material = "glassy carbon", diameter = "3.0(1) mm"}.',
                    "`counter`": '{material = "Pt wire"}.',
                    "`reference`": '{electrode = "Ag/AgCl", fill = "3.5 M KCl"}.',
                }[missing[-1]],
            )
        return self
