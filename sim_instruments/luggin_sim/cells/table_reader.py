"""Reads one table of a bench file and collects what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from luggin import units
from luggin.errors import Problem, UnitError
from luggin_sim.cells.redox_spec import Range


class TableReader:
    """One table of the file; hands out values once, in range and unit, and collects mistakes.

    A value that is missing or wrong is reported and replaced by one in range, so that reading can
    go on to the next mistake; the replacement never leaves this module.
    """

    def __init__(self, table: Mapping[str, Any], path: str, problems: list[Problem]) -> None:
        self._table, self._path, self.problems = table, path, problems
        self._taken: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def report(self, key: str, message: str, hint: str = "") -> None:
        """Note a mistake at ``key`` (empty: the table as a whole)."""
        self.problems.append(Problem(message, f"{self._path}.{key}" if key else self._path, hint=hint))

    def take(self, key: str, default: Any) -> Any:
        """The raw value."""
        self._taken.add(key)
        return self._table.get(key, default)

    def quantity(
        self, key: str, ranges: Mapping[str, Range], default: float | None = None, none: float | None = None
    ) -> float:
        """A number with unit, in the unit of its range; ``none`` is the meaning of the word "none"."""
        allowed = ranges[key]
        text = self.take(key, None)
        if text == "none" and none is not None:
            return none
        if text is not None:
            return self._parsed(key, key, text, allowed)
        if default is None:
            self.report(key, "is missing.", f"Allowed are {allowed.low:g} to {allowed.high:g} {allowed.unit}.")
            return allowed.low
        return default

    def quantities(self, key: str, ranges: Mapping[str, Range], count: int | None) -> tuple[float, ...]:
        """One quantity, or as many as a list has; the list must have ``count`` (None: any number)."""
        given = self._table.get(key)
        if not isinstance(given, list):
            return (self.quantity(key, ranges),)
        self.take(key, None)
        if count is not None and len(given) != count:
            self.report(key, f"has {len(given)} values; one, or one for each of the {count} forms, is needed")
        return tuple(self._parsed(f"{key}[{k}]", key, text, ranges[key]) for k, text in enumerate(given, 1))

    def _parsed(self, place: str, name: str, text: Any, allowed: Range) -> float:
        try:
            value = units.parse(text, allowed.unit)
        except UnitError as error:
            self.report(place, str(error))
            return allowed.low
        objection = allowed.objection(name, value)
        if objection:
            self.report(place, objection)
            return allowed.low
        return value

    def number(self, key: str, allowed: Range, default: float, whole: bool = False) -> float:
        """A plain number."""
        value = self.take(key, default)
        objection = allowed.objection(key, value)
        if not objection and whole and not isinstance(value, int):
            objection = f"{key} is {value!r}; a whole number is needed"
        if objection:
            self.report(key, objection)
            return default
        return float(value) if not whole else value

    def tables(self, key: str) -> list[TableReader]:
        """The entries of a list of tables; at least one is needed."""
        entries = self.take(key, None)
        if not isinstance(entries, Sequence) or not entries or not all(isinstance(e, Mapping) for e in entries):
            self.report(key, "is missing" if entries is None else "is not a list of tables with one or more entries")
            return []
        return [TableReader(e, f"{self._path}.{key}[{k}]", self.problems) for k, e in enumerate(entries, 1)]

    def refuse_the_rest(self, known: Sequence[str]) -> None:
        """Report every key that nobody asked for."""
        for key in self._table:
            if key not in self._taken:
                self.report(key, "is not known here.", did_you_mean(key, known))


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A hint for a word that is not among the known ones."""
    close = difflib.get_close_matches(word, known, 1, 0.5)
    return f"Did you mean {close[0]!r}?" if close else f"Known are {', '.join(known)}."
