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

_INHERITED = ("id", "role", "on", "on_resume")


@dataclass(frozen=True)
class Execution:
    """One step that is run once. A `chain` is one execution.

    Attributes:
        path: where it stands.
        step: what is run. Where it has no ``id``, ``role``, ``on`` or ``on_resume`` of its own, it has
            those of the nearest loop around it; without a ``label`` of its own, its label tells the turns and values.
        turns: the turn of each loop around it, by what the loop counts, outermost first.
        values: the value of each variable around it.
    """

    path: str
    step: Step
    turns: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Surroundings:
    prefix: str = ""
    inherited: Mapping[str, Any] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def turn(self, loop: Step, path: str, name: str, number: int, **value: Any) -> _Surroundings:
        """What stands around the steps inside, in one turn of a loop."""
        own = {key: getattr(loop, key) for key in _INHERITED if getattr(loop, key) is not None}
        return replace(
            self,
            prefix=f"{path}/{name}={number}/",
            inherited={**self.inherited, **own},
            turns={**self.turns, name: number},
            values={**self.values, **value},
        )

    def execution(self, path: str, step: Step) -> Execution:
        """The step with all that it inherits."""
        inherited = {key: value for key, value in self.inherited.items() if getattr(step, key) is None}
        if step.label is None and self.turns:
            named = [f"{name} {self.values.get(name, number)}" for name, number in self.turns.items()]
            inherited["label"] = ", ".join(named)
        return Execution(path, step.model_copy(update=inherited), self.turns, self.values)


def walk(steps: Sequence[Step]) -> Iterator[Execution]:
    """All executions in the order of time, made one by one.

    ``rest_before`` is for whoever runs the step: it is part of its execution.
    """
    return _walk(steps, _Surroundings())


def _walk(steps: Sequence[Step], around: _Surroundings, turn: int = 0) -> Iterator[Execution]:
    for position, step in enumerate(steps, 1):
        if step.every is not None and turn % step.every:
            continue
        path = f"{around.prefix}{position}"
        if isinstance(step, Repeat):
            for number in range(1, step.times + 1):
                yield from _walk(step.steps, around.turn(step, path, step.count, number), number)
        elif isinstance(step, ForEach):
            for number, (value, inside) in enumerate(zip(step.values, step.steps, strict=True), 1):
                yield from _walk(inside, around.turn(step, path, step.var, number, **{step.var: value}))
        else:
            yield around.execution(path, step)
