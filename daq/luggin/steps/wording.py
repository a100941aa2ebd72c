"""What pydantic finds wrong, in the words of the bench.

A `Mistake` is one problem with its place in the data (positions from 0); with the document it
becomes a `Problem` with a line and a path as people count (the third step is ``steps[3]``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from luggin.documents import Document, KeyPath, did_you_mean, shown, toml_value
from luggin.errors import Problem

_NOT_YET_KEYS = {
    "until": "End a step by its duration, or stop it by a limit.",
    "power_return": "A run that was cut off is taken up with `luggin resume`.",
    "dQ": "Every row is stored.",
    "on_unsupported": "A step that the instrument cannot do is refused before the run starts.",
}


NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"
VARIABLE_PATTERN = r"^[A-Za-z][A-Za-z0-9_]*$"
_NAMES = {
    NAME_PATTERN: "A name is made of letters, digits and . _ + -, and begins with a letter or a digit.",
    VARIABLE_PATTERN: "This name is made of letters, digits and _, and begins with a letter.",
}


@dataclass(frozen=True)
class Mistake:
    """One problem at a place in the data."""

    place: KeyPath
    message: str
    hint: str = ""

    def under(self, *place: str | int) -> Mistake:
        """The same mistake, seen from what encloses it."""
        return replace(self, place=(*place, *self.place))

    def problem(self, document: Document | None = None) -> Problem:
        """For the person at the bench."""
        line = document.line(self.place) if document is not None else None
        return Problem(self.message, readable(self.place), line, self.hint)


def readable(place: KeyPath) -> str:
    """``("steps", 2, "rate")`` as ``steps[3].rate``: positions count from 1, as steps do in a run.

    >>> readable(("steps", 2, "vertices", 0))
    'steps[3].vertices[1]'
    """
    path = ""
    for part in place:
        if isinstance(part, int):
            path += f"[{part + 1}]"
        else:
            path += f".{part}" if path else part
    return path


def mistakes_of(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """All mistakes that pydantic found in data for ``model``."""
    found = error.errors(include_url=False)
    places = {tuple(details["loc"]) for details in found}
    return [
        _mistake(details, model)
        for details in found
        # entries that are wrong are not counted: a list is not too short for their sake
        if not (details["type"] == "too_short" and any(p[:-1] == tuple(details["loc"]) for p in places if p))
    ]


def _mistake(details: ErrorDetails, model: type[BaseModel]) -> Mistake:
    place: KeyPath = tuple(details["loc"])
    kind, context = details["type"], details.get("ctx", {})
    name = str(place[-1]) if place else ""
    owner = _owner(model, place)
    if kind == "luggin":
        guilty = (str(context["key"]),) if context["key"] else ()
        return Mistake(place + guilty, str(context["message"]), str(context["hint"]))
    if kind == "missing" and place and isinstance(place[-1], int):
        example = _example(_owner(model, place[:-1]), str(place[-2])) if len(place) > 1 else ""
        return Mistake(place[:-1], f"entry {place[-1] + 1} is missing.", example)
    if kind == "missing":
        return Mistake(place[:-1], f"`{name}` is missing.", _example(owner, name))
    if kind == "extra_forbidden":
        return _unknown_key(place, name, owner)
    if kind == "literal_error":
        return Mistake(place, f"{shown(details['input'])} is not one of {context['expected']}.", "")
    said = _plain_words(kind, context, details["input"]) or f"{details['msg']} (found {shown(details['input'])})."
    return Mistake(place, said, _example(owner, name))


def _plain_words(kind: str, context: Mapping[str, Any], given: object) -> str:
    found = shown(given)
    if kind in ("int_type", "int_from_float", "int_parsing"):
        return f"this must be a whole number, without quotes; found {found}."
    if kind in ("float_type", "float_parsing"):
        return f"this must be a number, without quotes; found {found}."
    if kind in ("bool_type", "bool_parsing"):
        return f"this must be true or false, without quotes; found {found}."
    if kind == "string_type":
        return f"this must be a text in quotes; found {found}."
    if kind in ("list_type", "tuple_type"):
        return f"this must be a list in square brackets, [ ... ]; found {found}."
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return f"this must be a table in braces, {{ ... }}; found {found}."
    if kind == "is_instance_of":
        return f'this must be a step, such as OCP(duration="60 s"); found {found}.'
    if kind == "string_pattern_mismatch":
        return f"{found} cannot be a name. {_NAMES.get(context['pattern'], '')}".strip()
    if kind == "string_too_short":
        return "this text is empty."
    if kind == "string_too_long":
        return f"this text is longer than {context['max_length']} characters."
    if kind == "too_short":
        return f"there are {context['actual_length']} entries; {context['min_length']} or more are needed."
    if kind == "too_long":
        return f"there are more entries than the {context['max_length']} that are allowed."
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        words = {"gt": "more than {}", "ge": "{} or more", "lt": "less than {}", "le": "{} or less"}
        allowed = next(text.format(f"{context[key]:g}") for key, text in words.items() if key in context)
        return f"{found} is out of range; allowed is {allowed}."
    if kind == "value_error":
        return f"{context['error']}"
    return ""


def _unknown_key(place: KeyPath, name: str, owner: type[BaseModel] | None) -> Mistake:
    if name in _NOT_YET_KEYS:
        return Mistake(place, f"`{name}` is not available in this version.", _NOT_YET_KEYS[name])
    known = keys_of(owner) if owner is not None else []
    hint = did_you_mean(name, known) or (f"Allowed are {', '.join(known)}." if known else "")
    return Mistake(place, f"there is no key `{name}` here.", hint)


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys of a model as they are written in a file."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _owner(model: type[BaseModel], place: KeyPath) -> type[BaseModel] | None:
    """The model in which the last part of ``place`` is a key, as far as annotations tell."""
    current: type[BaseModel] | None = model
    for part in place[:-1]:
        if current is None:
            return None
        if isinstance(part, int):
            continue
        field = next((f for n, f in current.model_fields.items() if part in (n, f.alias)), None)
        current = _model_in(field.annotation) if field is not None else None
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None


def _example(owner: type[BaseModel] | None, name: str) -> str:
    """``Write for example rate = "25 mV/s".``, from the field's own examples."""
    if owner is None:
        return ""
    field = next((f for n, f in owner.model_fields.items() if name in (n, f.alias)), None)
    if field is None:
        return ""
    examples: Sequence[Any] = field.examples or [
        m.example for m in field.metadata if isinstance(getattr(m, "example", None), str)
    ]
    return f"Write for example {name} = {toml_value(examples[0])}." if examples else ""


def problems(mistakes: Iterable[Mistake], document: Document | None = None) -> list[Problem]:
    """As `Mistake.problem`, in the order of the file and each only once."""
    found = list(dict.fromkeys(mistake.problem(document) for mistake in mistakes))
    return sorted(found, key=lambda problem: problem.line or 0)
