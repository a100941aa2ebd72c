"""The JSON schema of protocol files, for editors and for whoever writes protocols by program."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from luggin.steps.base import Step
from luggin.steps.control import Container, ForEach
from luggin.steps.protocol import Protocol
from luggin.steps.quantities import Quantity
from luggin.steps.vocabulary import Vocabulary

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_STEP = "#/$defs/Step"
_STEPS = {"type": "array", "items": {"$ref": _STEP}, "minItems": 1}


def json_schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """The schema of a protocol that may use these steps: one of them for each value of ``do``."""
    definitions: dict[str, Any] = {}
    for name, step_type in vocabulary.types.items():
        definitions[f"step {name}"] = _of_step(step_type, definitions)
    protocol = _schema(Protocol, definitions)
    protocol["properties"]["steps"] = _STEPS
    definitions["Step"] = {
        "oneOf": [{"$ref": f"#/$defs/step {name}"} for name in vocabulary.types],
        "discriminator": {
            "propertyName": "do",
            "mapping": {name: f"#/$defs/step {name}" for name in vocabulary.types},
        },
    }
    return {"$schema": _DIALECT, **protocol, "$defs": definitions}


def _of_step(step_type: type[Step], definitions: dict[str, Any]) -> dict[str, Any]:
    """One step as a file writes it: ``do`` is required, and ``$name`` may stand for any value."""
    schema = _schema(step_type, definitions)
    fields = schema["properties"]
    for name, field in fields.items():
        if name != "do":
            fields[name] = _or_variable(field)
    if issubclass(step_type, Container | ForEach):
        fields["steps"] = _STEPS
    schema["required"] = ["do", *schema.get("required", ())]
    return schema


def _or_variable(field: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {key: field.pop(key) for key in ("description", "default", "examples") if key in field}
    return {**about, "anyOf": [field, {"type": "string", "pattern": r"^\$[A-Za-z_][A-Za-z0-9_]*$"}]}


class _Generator(GenerateJsonSchema):
    """Shows the default of a quantity as it is written in a file."""

    def encode_default(self, dft: Any) -> Any:
        """The default as JSON."""
        return dft.written if isinstance(dft, Quantity) else super().encode_default(dft)


def _schema(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one model; what it refers to goes into the common definitions."""
    schema = _tidied(model.model_json_schema(by_alias=True, schema_generator=_Generator))
    definitions.update(schema.pop("$defs", {}))
    schema["description"] = schema["description"].partition("\n")[0]
    return dict(schema)


def _tidied(schema: Any) -> Any:
    """Without what TOML cannot say (null) and what helps nobody (titles made from names)."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema if item != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    tidy = {
        key: _tidied(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    alternatives = tidy.get("anyOf", [])
    return {**alternatives[0], **{k: v for k, v in tidy.items() if k != "anyOf"}} if len(alternatives) == 1 else tidy
