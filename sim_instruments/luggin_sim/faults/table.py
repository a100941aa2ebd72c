"""Faults from tables: of a bench file, or of a question to the control port."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from luggin import units
from luggin.errors import Problem, UnitError
from luggin_sim.faults.kinds import COMMON, KINDS, Fault, mistakes, unsuitable

_WRITTEN = {"duration": "for"}
_QUANTITIES = {"at": "s", "duration": "s", "delay": "s", "current": "A"}


def read_fault(table: Any, path: str) -> tuple[Fault | None, list[Problem]]:
    """The fault that a table describes, or all mistakes with paths that begin with ``path``."""
    if not isinstance(table, Mapping):
        return None, [Problem('a fault is a table such as {kind = "stall", at = "12 s", for = "5 s"}', path)]
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        said = "which kind of fault?" if kind is None else f"unknown kind of fault {kind!r}."
        return None, [Problem(said, f"{path}.kind", hint=_meant(str(kind), KINDS))]
    known = [_WRITTEN.get(name, name) for name in (*COMMON, *KINDS[kind].options)]
    problems = []
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = "duration" if key == "for" else key
        if key not in known:
            problems.append(Problem(f"a fault {kind!r} has no {key!r}.", f"{path}.{key}", hint=_meant(key, known)))
            continue
        try:
            values[name] = units.parse(value, _QUANTITIES[name]) if name in _QUANTITIES else value
        except UnitError as error:
            problems.append(Problem(str(error), f"{path}.{key}"))
    for name, message in mistakes(values).items():
        problems.append(Problem(message, f"{path}.{_WRITTEN.get(name, name)}"))
    return (None if problems else Fault(**values)), problems


def read_faults(table: Mapping[str, Any], path: str, latency: float) -> tuple[list[Fault], list[Problem]]:
    """The ``faults`` of a simulated instrument's table, or all mistakes; positions count from 1."""
    written = table.get("faults", [])
    if not isinstance(written, list):
        return [], [
            Problem("faults are a list of tables.", f"{path}.faults", hint='Write for example [{kind = "mute"}].')
        ]
    faults, problems = [], []
    for number, entry in enumerate(written, 1):
        place = f"{path}.faults[{number}]"
        fault, found = read_fault(entry, place)
        problems += found
        if fault is not None:
            faults.append(fault)
            if reason := unsuitable(fault, has_cell="cell" in table, latency=latency):
                problems.append(Problem(reason, f"{place}.kind"))
    return faults, problems


def _meant(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known)}."
