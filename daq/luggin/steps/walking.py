"""The executions of a protocol, one after the other, each under a stable path.

A path is made of segments with ``/`` between them. A segment is the position of a step in its
list, from 1 (``3``), or one turn of a loop: the name that the loop counts and the number of the
turn, from 1 (``cycle=12``, ``v=2`` for the second value of ``v``)::

    3                 the third step
    3/cycle=12/1      the third step is a repeat; in its 12th turn, the first step inside
    5/v=2/1           the fifth step is a for_each over v; with the second value, the first step inside

A path names an execution for the life of a run folder. It is no file name, and values (which may
repeat and may be any text) are not part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from luggin.steps.base import Step
from luggin.steps.control import ForEach, Repeat
from luggin.steps.protocol import Protocol

DEFAULT_ROLE = "cell"


@dataclass(frozen=True)
class Execution:
    """One step that is run once. A `chain` is one execution.

    Attributes:
        path: where it stands.
        step: what is run.
        ids: the ids of the loops around it and its own, outermost first: an analysis may point at any.
        role: the role of the step, or of the nearest loop around it that has one.
        on: the role of the instrument on the bench.
        turns: the turn of each loop around it, by what the loop counts.
        values: the value of each variable around it.
    """

    path: str
    step: Step
    ids: tuple[str, ...] = ()
    role: str = ""
    on: str = DEFAULT_ROLE
    turns: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Surroundings:
    prefix: str = ""
    ids: tuple[str, ...] = ()
    role: str = ""
    on: str = DEFAULT_ROLE
    turns: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def of(self, step: Step) -> _Surroundings:
        """What the step inherits, with its own modifiers on top."""
        return replace(
            self,
            ids=self.ids if step.id is None else (*self.ids, step.id),
            role=step.role or self.role,
            on=step.on or self.on,
        )


def walk(protocol: Protocol) -> Iterator[Execution]:
    """All executions in the order of time; a million cycles take no memory.

    ``rest_before`` is for whoever runs the step: it is part of its execution.
    """
    return walk_steps(protocol.steps)


def walk_steps(steps: Sequence[Step]) -> Iterator[Execution]:
    """As `walk`, for a list of steps."""
    return _walk(steps, _Surroundings())


def _walk(steps: Sequence[Step], around: _Surroundings, turn: int = 0) -> Iterator[Execution]:
    for position, step in enumerate(steps, 1):
        if step.every is not None and turn % step.every:
            continue
        path = f"{around.prefix}{position}"
        here = around.of(step)
        if isinstance(step, Repeat):
            for number in range(1, step.times + 1):
                inside = replace(
                    here, prefix=f"{path}/{step.count}={number}/", turns={**here.turns, step.count: number}
                )
                yield from _walk(step.steps, inside, number)
        elif isinstance(step, ForEach):
            for number, (value, inner) in enumerate(zip(step.values, step.steps, strict=True), 1):
                inside = replace(
                    here,
                    prefix=f"{path}/{step.var}={number}/",
                    turns={**here.turns, step.var: number},
                    values={**here.values, step.var: value},
                )
                yield from _walk(inner, inside)
        else:
            yield Execution(path, step, here.ids, here.role, here.on, here.turns, here.values)
