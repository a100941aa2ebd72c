"""The points of a text file, line by line, with a last line that is torn left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from luggin_plugins.readers.endings import torn_line
from luggin_plugins.readers.textfile import TextFile, number, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Layout:
    """How a line of points is written.

    Attributes:
        split: its cells.
        width: how many cells it has.
        places: which of them are read, in this order.
        names: what they are called, for messages.
        separator: what stands between the cells; empty for blanks.
        decimal: the decimal sign.
    """

    split: Callable[[str], Sequence[str]]
    width: int
    places: Sequence[int]
    names: Sequence[str]
    separator: str = ","
    decimal: str = "."

    def values(self, cells: Sequence[str]) -> list[float] | None:
        """The numbers of a line; None if one is missing or is none."""
        if len(cells) != self.width:
            return None
        read = [number(cells[place], self.decimal) for place in self.places]
        values = [value for value in read if value is not None]
        return values if len(values) == len(read) else None


def read_points(file: TextFile, first: int, layout: Layout) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """All points from the line at position ``first`` (from 0), one row each; a remark if the last was torn.

    Raises:
        FileFormatError: there is no point, or a line is damaged.
    """
    import numpy as np

    rows: list[list[float]] = []
    before: int | None = None
    cut: tuple[str, ...] = ()
    for position in range(first, len(file.lines)):
        cells = layout.split(file.lines[position])
        if not any(cell.strip() for cell in cells):
            continue
        values = layout.values(cells)
        may_be_torn = position == len(file.lines) - 1 and not file.whole
        if may_be_torn and (values is None or file.lost_digits(before, layout.separator)):
            cut = (torn_line(position + 1),)
            break
        if values is None:
            _refuse(file, position, cells, layout)
        rows.append(values)
        before = position
    if not rows:
        file.fail("the file ends without a point: nothing was measured, or it is truncated", len(file.lines))
    return np.array(rows, dtype=np.float64), cut


def _refuse(file: TextFile, position: int, cells: Sequence[str], layout: Layout) -> NoReturn:
    if len(cells) != layout.width:
        file.fail(
            f"found {len(cells)} values ({shown(file.lines[position])}); expected {layout.width}: "
            "the file is damaged here",
            position + 1,
        )
    for place, name in zip(layout.places, layout.names, strict=True):
        if number(cells[place], layout.decimal) is None:
            file.fail(f"found {shown(cells[place])}; expected a number for {name}", position + 1)
    file.fail("a number in this line cannot be read", position + 1)
