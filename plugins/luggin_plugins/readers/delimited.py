"""Reader of tables as text (``.csv``, ``.txt`` ...) by a mapping that says what their columns are.

Units come from the mapping, from the names of the columns (``E/V``, ``I (uA)``) or from a line of
units below them; the sign of the current comes from the mapping. What nobody says is not assumed:
the file is refused with the words to write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.errors import UnitError
from luggin.units import convert, parse
from luggin_plugins.readers.cells import SEPARATORS, is_row, is_unit, splitter, unit_of
from luggin_plugins.readers.mapping import QUANTITIES, MappedColumn, Mapping, mapping_beside, read_mapping
from luggin_plugins.readers.points import Layout, read_points
from luggin_plugins.readers.sweep_times import REMARK, SWEPT, needs_times, times_of_sweep
from luggin_plugins.readers.textfile import TextFile, decoded, listed, number, read_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from luggin.results import Table

MOST_HEADER_LINES = 10_000
SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
TURNED = 'the mapping (positive_current = "reduction")'
_NEEDED = {
    "eis": ("frequency", "impedance_real", "impedance_imaginary"),
    "ocp": ("time",),
    "ca": ("time", "current"),
    "cp": ("time", "current"),
}
_DENSITY = "A/cm2"


def is_delimited(path: Path, head: bytes) -> bool:
    """True for a text with a mapping beside it, or with two lines of two or more numbers one below the other."""
    if path.suffix.lower() not in SUFFIXES or (b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))):
        return False
    if path.with_suffix(".toml").is_file():
        return True
    lines = [line for line in decoded(head).split("\n")[:-1] if line.strip()]
    rows = [is_row(line) for line in lines]
    return any(one and other for one, other in pairwise(rows))


def read_delimited(path: Path) -> tuple[Table, ...]:
    """The table in a file, in SI units, by the mapping beside it (``data.toml`` for ``data.csv``).

    Raises:
        FileFormatError: there is no mapping, it has mistakes, or the file does not fit it.
    """
    mapping = mapping_beside(path)
    if mapping is None:
        file = read_text(path)
        file.fail(_words_to_write(file, path.with_suffix(".toml")))
    return read_by(path, mapping)


def read_mapped(path: Path, mapping: Path) -> tuple[Table, ...]:
    """The table in a file, in SI units, by a mapping.

    Raises:
        FileFormatError: the mapping has mistakes, or the file does not fit it.
    """
    return read_by(path, read_mapping(mapping))


def read_by(path: Path, mapping: Mapping) -> tuple[Table, ...]:
    """The table in a file, in SI units, by a mapping that was read."""
    file = read_text(path)
    if not mapping.columns:
        mapping.fail('it has no [columns]; write for example\n\n[columns]\npotential = { column = 1, unit = "V" }')
    return (_Reading(file, mapping).table(),)


@dataclass(frozen=True)
class _Head:
    """Where the points begin (position of a line, from 0), what the columns are called, and their units."""

    first: int
    names: Sequence[str]
    units: Sequence[str]
    separator: str


class _Reading:
    """One pass over one file."""

    def __init__(self, file: TextFile, mapping: Mapping) -> None:
        self.file = file
        self.mapping = mapping
        if mapping.decimal == "," and mapping.separator == ",":
            mapping.fail("the decimal sign and the separator cannot both be a comma")

    def table(self) -> Table:
        """Read everything and put it together."""
        from luggin.results import Table

        technique = self._technique()
        head = self._head()
        places = [self._place(column, head) for column in self.mapping.columns]
        names = [column.name for column in self.mapping.columns]
        layout = Layout(
            splitter(head.separator), len(head.names), places, names, head.separator.strip(" "), self.mapping.decimal
        )
        rows, remarks = read_points(self.file, head.first, layout)
        complete = not remarks
        columns: dict[str, NDArray[Any]] = {
            c.name: rows[:, k] * self._factor(c, places[k], head) for k, c in enumerate(self.mapping.columns)
        }
        if needs_times(technique, columns):
            columns, counted = self._with_times(columns)
            remarks += (counted,)
        if "cycle" in columns:
            columns["cycle"] = self._cycles(columns["cycle"])
        turned = self.mapping.current_sign == -1.0 and "current" in columns
        if turned:
            remarks = (f"current turned round by {TURNED}", *remarks)
        return Table(
            technique=technique,
            columns=columns,
            units={name: QUANTITIES[name] for name in columns},
            parameters=self._parameters(technique, remarks, turned),
            sample=self.mapping.sample,
            label=self.file.path.name,
            complete=complete,
            source=str(self.file.path),
        )

    def _technique(self) -> str:
        """The technique, once its columns and the sign of its current are said."""
        said, mapped = self.mapping, {column.name for column in self.mapping.columns}
        if not said.technique:
            said.fail('it does not say the technique; write for example technique = "cv"')
        for name in _NEEDED.get(said.technique, ("potential", "current")):
            if name not in mapped:
                said.fail(f"{said.technique} needs a column of the {name}; write columns.{name}")
        if "current" in mapped and said.current_sign is None:
            said.fail(
                "it does not say the sign of the current, and neither does the file; "
                'write positive_current = "oxidation" or positive_current = "reduction"'
            )
        if said.technique in SWEPT and "time" not in mapped and said.rate is None:
            said.fail('there is neither a column of times nor a scan rate; write for example rate = "100 mV/s"')
        if len(mapped) != len(said.columns):
            said.fail("a quantity is mapped twice")
        return said.technique

    def _head(self) -> _Head:
        """Find the names of the columns, or the first line of numbers where columns are mapped by number."""
        wanted = [column.column for column in self.mapping.columns]
        separators = (self.mapping.separator,) if self.mapping.separator else SEPARATORS
        names = {column for column in wanted if isinstance(column, str)}
        if names:
            return self._named_head(names, separators)
        highest = max(column for column in wanted if isinstance(column, int))
        begin = self.mapping.first_line or 1
        for position in range(begin - 1, min(len(self.file.lines), begin + MOST_HEADER_LINES)):
            for separator in separators:
                cells = splitter(separator)(self.file.lines[position])
                if len(cells) >= highest and all(
                    number(cells[int(column) - 1], self.mapping.decimal) is not None for column in wanted
                ):
                    return _Head(position, cells, [""] * len(cells), separator)
            if self.mapping.first_line:
                self.file.fail(f"expected {highest} or more numbers in the first line of points", begin)
        hint = ' (or decimal = "," if it writes 1,5)' if self.mapping.decimal == "." else ""
        self.file.fail(f"no line has numbers in its columns {', '.join(map(str, wanted))}{hint}")

    def _named_head(self, names: set[str], separators: Sequence[str]) -> _Head:
        for position, line in enumerate(self.file.lines):
            if position >= MOST_HEADER_LINES or not all(name in line for name in names):
                continue
            for separator in separators:
                cells = [cell.strip() for cell in splitter(separator)(line)]
                if not names <= set(cells):
                    continue
                for name in names:
                    if cells.count(name) > 1:
                        self.file.fail(
                            f"{cells.count(name)} columns are called {name!r}; map their numbers", position + 1
                        )
                first = self.mapping.first_line - 1 if self.mapping.first_line else position + 1
                units = self._units_below(position + 1, len(cells), separator)
                return _Head(
                    first + (units is not None and not self.mapping.first_line), cells, units or cells, separator
                )
        best = max(self.file.lines[:200], key=lambda line: sum(name in line for name in names))
        self.file.fail(
            f"no line has the names {', '.join(sorted(names))} in its cells; the nearest is {best.strip()[:120]!r}"
        )

    def _units_below(self, position: int, width: int, separator: str) -> list[str] | None:
        """The cells of the line below the names, if all of them are units."""
        if position >= len(self.file.lines):
            return None
        cells = [cell.strip(" ()[]") for cell in splitter(separator)(self.file.lines[position])]
        if len(cells) != width or not any(cells):
            return None
        return cells if all(not cell or is_unit(cell) for cell in cells) else None

    def _place(self, column: MappedColumn, head: _Head) -> int:
        if isinstance(column.column, str):
            return head.names.index(column.column)
        if column.column > len(head.names):
            self.file.fail(f"there are {len(head.names)} columns, and columns.{column.name} is number {column.column}")
        return column.column - 1

    def _factor(self, column: MappedColumn, place: int, head: _Head) -> float:
        """Factor to our unit, with the sign."""
        ours = QUANTITIES[column.name]
        if ours == "1":
            return 1.0
        unit = column.unit or unit_of(head.units[place]) or unit_of(head.names[place])
        if not unit:
            self.mapping.fail(
                f"columns.{column.name}: its unit is not said, neither here nor in the file; write for example "
                f'{column.name} = {{ column = {_toml(column.column)}, unit = "{ours}" }}'
            )
        sign = -1.0 if column.reversed else 1.0
        if column.name == "current":
            sign = self.mapping.current_sign or 1.0
        try:
            if column.name == "temperature":
                return self._kelvin(unit)
            return sign * convert(1.0, unit, ours)
        except UnitError as error:
            density = self._area(unit) if column.name == "current" else None
            if density is None:
                self.mapping.fail(f"columns.{column.name}: {error}; expected a unit like {ours}")
            return sign * density

    def _kelvin(self, unit: str) -> float:
        """The factor of a temperature, which has to be written in kelvin: a zero cannot be a factor."""
        if convert(0.0, unit, "K") != 0.0:
            self.mapping.fail(
                'columns.temperature: only a column in K is read; write temperature = "25 degC" in [sample]'
            )
        return convert(1.0, unit, "K")

    def _area(self, unit: str) -> float | None:
        """Factor from a current density to A, by the area of the working electrode; None for other units."""
        try:
            density = convert(1.0, unit, _DENSITY)
        except UnitError:
            return None
        working = self.mapping.sample.get("working", {})
        if "area" not in working:
            self.mapping.fail(
                f"columns.current is a density ({unit}); write the area by which it was divided: "
                'working = { area = "0.071 cm2" } in [sample]'
            )
        return density * parse(working["area"], "cm2")

    def _with_times(self, columns: dict[str, NDArray[Any]]) -> tuple[dict[str, NDArray[Any]], str]:
        rate = self.mapping.rate or 0.0  # was asked for before
        return {"time": times_of_sweep(columns["potential"], rate), **columns}, REMARK.format(rate=1e3 * rate)

    def _cycles(self, values: NDArray[np.float64]) -> NDArray[np.int32]:
        import numpy as np

        if np.any(values != np.floor(values)) or np.min(values) < 0 or np.max(values) > 1e9:
            self.file.fail("the column of the cycle has other values than whole numbers from 0")
        return np.asarray(values + (np.min(values) == 0), dtype=np.int32)

    def _parameters(self, technique: str, remarks: tuple[str, ...], turned: bool) -> dict[str, Any]:
        found = self.mapping.parameters()
        mapping = found.pop("mapping")
        if self.mapping.rate is not None:
            found["rate"] = self.mapping.rate
        if remarks:
            found["remarks"] = remarks
        if turned:
            found["current_turned"] = TURNED
        return {**found, "file": {"mapping": mapping}}


def _words_to_write(file: TextFile, mapping: Path) -> str:
    """What a file without a mapping needs, with its own columns filled in as far as they can be seen."""
    names: Sequence[str] = ()
    for above, line in zip(("", *file.lines), file.lines, strict=False):
        if is_row(line):
            names = next((c for s in SEPARATORS if len(c := splitter(s)(above)) > 1), ())
            break
    found = f"its columns are called {listed([n.strip() for n in names])}" if names else "its columns have no names"
    return (
        f"it does not say what its columns are, in which units, and which sign a reduction has; {found}. "
        f"Write {mapping.name} beside it, or name another file with --map:\n\n"
        'technique = "cv"\n'
        'positive_current = "oxidation"   # or "reduction"\n'
        'rate = "100 mV/s"                # only without a column of times\n\n'
        "[columns]\n"
        'potential = { column = 1, unit = "V" }\n'
        'current = { column = 2, unit = "uA" }\n'
    )


def _toml(column: str | int) -> str:
    return str(column) if isinstance(column, int) else f'"{column}"'
