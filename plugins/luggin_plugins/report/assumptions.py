"""What is known of the sample and what is only assumed: the two are never printed alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin_plugins.report.wording import described, short

_MARK = " (assumed)"


def assumed(sample: Mapping[str, Any]) -> tuple[str, ...]:
    """What the experimenter lists as assumed: fields (``concentration``, ``working.diameter``) or free words."""
    listed = sample.get("assumed", ())
    return (listed,) if isinstance(listed, str) else tuple(map(str, listed))


def field_words(sample: Mapping[str, Any], name: str) -> str:
    """A field of the sample, with a mark behind whatever of it is assumed; empty if there is no such field."""
    value = sample.get(name)
    if value is None:
        return ""
    if name in assumed(sample):
        return described(value) + _MARK
    if isinstance(value, Mapping):
        value = {k: f"{v}{_MARK}" if f"{name}.{k}" in assumed(sample) else v for k, v in value.items()}
    return described(value)


def assumption_words(sample: Mapping[str, Any], listed: str) -> str:
    """One entry of the list: with its value where it names a field, and in its own words otherwise."""
    value: Any = sample
    for key in listed.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    if value is not None:
        return f"assumed: {short(listed.replace('.', ' ').replace('_', ' '))} {described(value)}"
    text = short(listed)
    return text if text.lower().startswith("not stated") else f"not stated: {text}"
