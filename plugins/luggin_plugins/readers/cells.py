"""Cells of delimited text: what stands between them, which lines are points, and units in the names of columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence

from luggin.errors import UnitError
from luggin.units import convert
from luggin_plugins.readers.textfile import number

SEPARATORS = (";", "\t", ",", " ")
"""What may stand between cells, in the order in which it is tried."""

# "E/V", "E / V", "I (uA)", "t [s]", "Ewe/V vs. Ref"
_NAME_AND_UNIT = re.compile(r"[^/(\[]{1,60}?\s*(?:/\s*|\(|\[)(?P<unit>[^()\[\]]{1,40}?)[)\]]?")


def splitter(separator: str) -> Callable[[str], Sequence[str]]:
    """What cuts a line into its cells; a blank means any number of blanks."""
    if separator == " ":
        return str.split

    def split(line: str) -> Sequence[str]:
        if '"' not in line:
            return line.split(separator)
        # csv honours quotes; a lone quotation mark or a return in a cell is not a reason to stop
        return next(csv.reader([line.replace("\r", " ")], delimiter=separator), [])

    return split


def is_row(line: str) -> bool:
    """True for a line of two numbers or more, whatever stands between them, and of few other words.

    >>> is_row("0,1;2,5"), is_row("1, 09:30, 2.5, 3"), is_row("12 March 2024")
    (True, True, False)
    """
    for separator in SEPARATORS:
        cells = [cell for cell in splitter(separator)(line) if cell.strip()]
        decimal = "." if separator == "," else ","
        numbers = sum(number(cell) is not None or number(cell, decimal) is not None for cell in cells)
        if numbers >= 2 and 3 * numbers > 2 * len(cells):
            return True
    return False


def unit_of(name: str) -> str:
    """The unit in the name of a column, or the name itself if it is one; empty if there is none.

    >>> unit_of("Ewe/V"), unit_of("I (uA)"), unit_of("mA"), unit_of("Current")
    ('V', 'uA', 'mA', '')
    """
    match = _NAME_AND_UNIT.fullmatch(name.strip())
    unit = match["unit"].partition(" vs")[0].strip() if match else name.strip()
    return unit if is_unit(unit) else ""


def is_unit(text: str) -> bool:
    """True for a unit that `luggin.units` knows; a number is none."""
    try:
        convert(1.0, text, text)
    except UnitError:
        return False
    return not text.isdecimal()
