"""The one place where the sign of the current turns.

The EC301 follows the American polarity convention: cathodic current is positive (manual, section
2.3). In Luggin oxidation at the working electrode is positive. Potentials are the same in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A number, or an array of numbers (A).
Current = TypeVar("Current", float, "NDArray[Any]")


def from_instrument(current: Current) -> Current:
    """A current as Luggin has it, oxidation positive.

    >>> from_instrument(-2e-6)
    2e-06
    """
    return 0.0 - current  # never -0.0


def to_instrument(current: Current) -> Current:
    """A current (or a part of a current range) as the EC301 has it, reduction positive.

    >>> to_instrument(0.5)
    -0.5
    """
    return 0.0 - current
