"""From the data of a file to steps: every mistake of every branch, each with its own place.

Dispatch on ``do`` happens here rather than in pydantic's union, because ``for_each`` substitutes
values before validation, and because a mistake in one step must not hide those of the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

from pydantic import ValidationError

from luggin.documents import KeyPath, shown, toml_value
from luggin.steps.base import Step
from luggin.steps.control import Container, ForEach, Repeat
from luggin.steps.vocabulary import Vocabulary
from luggin.steps.wording import VARIABLE_PATTERN, Mistake, mistakes_of

MAXIMUM_STEPS = 20_000
"""So many steps a protocol may have once all `for_each` are written out."""

_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


class TooManySteps(Exception):
    """A protocol unfolds to more steps than anybody could want."""


@dataclass
class Builder:
    """Builds steps and collects what is wrong in ``mistakes``."""

    vocabulary: Vocabulary
    mistakes: list[Mistake] = field(default_factory=list)
    built: int = 0

    def steps(self, data: object, place: KeyPath, scope: Scope) -> list[Step | None]:
        """The steps of a list; None for each that is wrong."""
        if not isinstance(data, list | tuple):
            self._wrong(place, "steps are a list of tables.", 'Write steps = [ {do = "ocp", duration = "60 s"}, ... ].')
            return [None]
        return [self._step(item, (*place, position), scope) for position, item in enumerate(data)]

    def _wrong(self, place: KeyPath, message: str, hint: str = "") -> None:
        self.mistakes.append(Mistake(place, message, hint))

    def _step(self, data: object, place: KeyPath, scope: Scope) -> Step | None:
        self.built += 1
        if self.built > MAXIMUM_STEPS:
            raise TooManySteps
        if not isinstance(data, Mapping):
            self._wrong(place, f"a step is a table; found {shown(data)}.", 'Write {do = "ocp", duration = "60 s"}.')
            return None
        step_type = self._type(data, place)
        if step_type is None:
            return None
        before = len(self.mistakes)
        if "every" in data and scope.inside != "repeat":
            self._wrong((*place, "every"), "`every` only has a meaning for a step directly inside `repeat`.")
        fields = {key: value for key, value in data.items() if key != "steps"}
        said = self._unknown_variables(fields, place, scope)
        if "steps" in data and issubclass(step_type, ForEach):
            fields["steps"] = self._for_each(data, place, scope)
            said.add(("steps",))
        elif "steps" in data and issubclass(step_type, Container):
            fields["steps"] = self._inside(step_type, data["steps"], place, scope)
            if any(mistake.place[: len(place) + 1] == (*place, "steps") for mistake in self.mistakes[before:]):
                said.add(("steps",))
        elif "steps" in data:
            fields["steps"] = data["steps"]
        try:
            step = step_type.model_validate(fields)
        except ValidationError as error:
            found = mistakes_of(error, step_type)
            self.mistakes += [mistake.under(*place) for mistake in found if mistake.place[:1] not in said]
            return None
        return step if len(self.mistakes) == before else None

    def _type(self, data: Mapping[str, Any], place: KeyPath) -> type[Step] | None:
        name = data.get("do")
        if name is None:
            available = f"Available are {', '.join(sorted(self.vocabulary.types))}."
            self._wrong(place, "`do` is missing: it says what the step does.", available)
        elif not isinstance(name, str):
            self._wrong((*place, "do"), f"`do` is the name of a step in quotes; found {shown(name)}.")
        elif name not in self.vocabulary.types:
            self._wrong((*place, "do"), *self.vocabulary.unknown(name))
        else:
            return self.vocabulary.types[name]
        return None

    def _unknown_variables(self, fields: Mapping[str, Any], place: KeyPath, scope: Scope) -> set[KeyPath]:
        """The keys whose value still holds a ``$name`` after all substitutions."""
        found: set[KeyPath] = set()
        for inner, name in _variables(fields):
            known = ", ".join(f"`${variable}`" for variable in scope.variables)
            hint = f"Variables here: {known}." if known else 'Variables are made by {do = "for_each", var = ...}.'
            self._wrong((*place, *inner), f"no for_each around this step gives `${name}` a value.", hint)
            found.add(inner[:1])
        return found

    def _inside(self, step_type: type[Container], data: object, place: KeyPath, scope: Scope) -> tuple[Step, ...]:
        inner = replace(scope, inside="repeat" if issubclass(step_type, Repeat) else "")
        steps = self.steps(data, (*place, "steps"), inner)
        for mistake in step_type.mistakes_in(steps):
            self.mistakes.append(mistake.under(*place, "steps"))
        return tuple(step for step in steps if step is not None)

    def _for_each(self, data: Mapping[str, Any], place: KeyPath, scope: Scope) -> tuple[tuple[Step, ...], ...]:
        """The steps inside for each value; a mistake that hangs on the value names it."""
        variable, values, template = data.get("var"), data.get("values"), data["steps"]
        if variable in scope.variables:
            self._wrong((*place, "var"), f"`{variable}` is the variable of an enclosing for_each already.")
            return ()
        if not template:
            self._wrong((*place, "steps"), "there are 0 entries; 1 or more are needed.")
        if not (isinstance(variable, str) and re.match(VARIABLE_PATTERN, variable) and _are_plain(values)):
            return ()  # said by the validation of the for_each itself
        inner = Scope((*scope.variables, variable))
        unfolded: list[tuple[Step, ...]] = []
        found: dict[Mistake, list[Any]] = {}
        for value in values:
            branch = Builder(self.vocabulary, built=self.built)
            steps = branch.steps(_substituted(template, variable, value), (*place, "steps"), inner)
            unfolded.append(tuple(step for step in steps if step is not None))
            self.built = branch.built
            for mistake in branch.mistakes:
                found.setdefault(mistake, []).append(value)
        for mistake, guilty in found.items():
            written = _at(template, mistake.place[len(place) + 1 :])
            if len(guilty) < len(values) or written == f"${variable}":
                listed = ", ".join(toml_value(value) for value in guilty[:3]) + (", ..." if len(guilty) > 3 else "")
                mistake = replace(mistake, message=f"with {variable} = {listed}: {mistake.message}")
            self.mistakes.append(mistake)
        return tuple(unfolded)


@dataclass(frozen=True)
class Scope:
    """What a step sees of its surroundings: variables with a value, and the container it stands in."""

    variables: tuple[str, ...] = ()
    inside: str = ""


def _are_plain(values: Any) -> TypeGuard[list[str | int | float]]:
    return isinstance(values, list) and all(isinstance(value, str | int | float) for value in values)


def _substituted(data: Any, variable: str, value: Any) -> Any:
    """The data with ``value`` for every text that is exactly ``$variable``."""
    if isinstance(data, str):
        return value if data == f"${variable}" else data
    if isinstance(data, Mapping):
        return {key: _substituted(item, variable, value) for key, item in data.items()}
    if isinstance(data, list):
        return [_substituted(item, variable, value) for item in data]
    return data


def _variables(data: Any, place: KeyPath = ()) -> list[tuple[KeyPath, str]]:
    if isinstance(data, str):
        match = _VARIABLE.fullmatch(data)
        return [(place, match[1])] if match else []
    items = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, item in items for found in _variables(item, (*place, key))]


def _at(data: Any, place: KeyPath) -> Any:
    """The value at a place, None where the place does not lead to one."""
    for part in place:
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data
