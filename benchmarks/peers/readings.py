"""Readings that say themselves which row they are, so that what was stored can be checked row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

COLUMNS = ("instrument_time", "potential", "current", "cycle", "flags")

#: Multiplier of Knuth's hash: numbers that look like noise, and are the same in the writer and in the judge.
_SCATTER = 2654435761


def reading(k: int) -> tuple[float, float, float, int, int]:
    """Row ``k``, from 1: a triangle of 1.9 V in steps of 1 mV, quantised like an instrument's numbers."""
    noise = (k * _SCATTER >> 8) % 4001
    potential = round(-1.7 + abs(k % 3800 - 1900) * 1e-3 + (noise % 41 - 20) * 1e-6, 7)
    current = (1000 * (k % 1900) + noise) * 1e-12
    return k * 0.01, potential, current, k // 3800 + 1, 4 if noise < 40 else 0


def readings(count: int | None = None) -> Iterator[tuple[float, float, float, int, int]]:
    """The first ``count`` rows, or rows without end."""
    k = 0
    while count is None or k < count:
        k += 1
        yield reading(k)


class Found(NamedTuple):
    """What a reader finds: whole rows, those of them that are not what was written, and rows in part."""

    rows: int
    wrong: int
    partial: int


def judge(columns: list[np.ndarray]) -> Found:
    """Compare columns, in the order of `COLUMNS`, with what their row numbers say they must be."""
    import numpy as np

    whole = min(len(column) for column in columns)
    partial = max(len(column) for column in columns) - whole
    expected = np.array([reading(k) for k in range(1, whole + 1)]).reshape(whole, len(COLUMNS))
    found = np.stack([np.asarray(column[:whole], "f8") for column in columns], axis=1)
    # Text keeps 16 or 17 digits, depending on who reads it: the last digit is not what is in question.
    right = np.isclose(found, expected, rtol=1e-12, atol=0.0).all(axis=1)
    return Found(whole, int((~right).sum()), partial)
