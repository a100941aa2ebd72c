"""What is fuzzed: a parser, what it reads when all is right, and the errors that it may raise."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fuzzing.mutation import Grow, mutated


class WrongValue(Exception):
    """The parser took what it should have refused, or made of it what it is not."""


def require(true: bool, words: str) -> None:
    """Raise `WrongValue` unless ``true``."""
    if not true:
        raise WrongValue(words)


@dataclass(frozen=True)
class Parser:
    """One parser.

    ``seeds`` are inputs that are right, ``words`` pieces of its language, ``grow`` makes inputs from its
    grammar, right and nearly right. ``parse`` reads one input and raises `WrongValue` for a value
    outside the declared range; ``allowed`` are the errors that say in words what is wrong.
    """

    name: str
    seeds: Sequence[bytes]
    parse: Callable[[bytes], None]
    allowed: tuple[type[Exception], ...]
    words: Sequence[bytes] = ()
    grow: Grow | None = None

    def input(self, seed: int, number: int) -> bytes:
        """The input of this number; the same every time."""
        chance = random.Random(f"{seed} {self.name} {number}")
        grown = self.grow(chance) if self.grow is not None and chance.random() < 0.5 else None
        if grown is not None and chance.random() < 0.5:
            return grown
        return mutated(chance, chance.choice(self.seeds) if grown is None else grown, self.seeds, self.words)
