"""How a text file shows that it was cut: a last line that lost its end, fewer points than announced."""

from __future__ import annotations


def lost_digits(line: str, before: str, separator: str = "\t") -> bool:
    r"""True if the last cell of a line without line end is not as long as that of the line before.

    A number that lost its last digits still looks like a number, so its length has to tell.
    ``separator`` stands between the cells; an empty one means any blanks.

    >>> lost_digits("1.0\t-2.5", "0.9\t2.50"), lost_digits("1.0\t-2.50", "0.9\t2.50")
    (True, False)
    """
    return _length(line, separator) != _length(before, separator)


def torn_line(number: int) -> str:
    """What an analysis is to say of a file whose last line was not read."""
    return f"the file ends within line {number}, which was left out"


def missing(found: int, announced: int, what: str = "points") -> str:
    """What is not there of what the file announces.

    >>> missing(885, 1600)
    '715 of 1600 points missing'
    """
    return f"{announced - found} of {announced} {what} missing"


def _length(line: str, separator: str) -> int:
    cells = line.rstrip("\r\n").rsplit(separator or None, 1)
    return len(cells[-1].strip().lstrip("+-")) if cells else 0
