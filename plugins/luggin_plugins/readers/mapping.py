"""The mapping: what a chemist says of a file that does not say it itself (``data.toml`` beside ``data.csv``).

::

    technique = "cv"
    positive_current = "oxidation"        # or "reduction"
    rate = "100 mV/s"                     # where the file has no times
    comment = "..."

    [columns]                             # by the name in the file, or by its number from 1
    potential = { column = "E", unit = "V" }
    current = "I (uA)"                    # the unit stands in the name

    [sample]                              # as far as known; nothing is assumed
    reference = "Ag/AgCl"
    temperature = "25 degC"
    working = { area = "0.071 cm2" }

A mapping without columns adds to what the reader of a vendor's format finds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from luggin.documents import did_you_mean
from luggin.errors import FileFormatError, UnitError
from luggin.units import parse

LARGEST_MAPPING = 64 << 10
TECHNIQUES = ("cv", "lsv", "ca", "cp", "ocp", "eis", "dpv", "swv")
SIGNS = {"oxidation": 1.0, "reduction": -1.0}
QUANTITIES = {
    "time": "s",
    "potential": "V",
    "applied_potential": "V",
    "voltage": "V",
    "current": "A",
    "charge": "C",
    "temperature": "K",
    "frequency": "Hz",
    "impedance_real": "ohm",
    "impedance_imaginary": "ohm",
    "cycle": "1",
}
"""Columns that may be mapped, with their units in a table."""

_KEYS = (
    "technique", "positive_current", "rate", "comment", "separator", "decimal", "first_line", "columns", "sample"
)  # fmt: skip
_SAMPLE_UNITS = {"temperature": "K", "concentration": "mol/m3"}
_ELECTRODE_UNITS = {"area": "m2", "diameter": "m"}


@dataclass(frozen=True)
class MappedColumn:
    """A column of ours: its name in the file (or its number, from 1), its unit if said, and its sign."""

    name: str
    column: str | int
    unit: str
    reversed: bool = False


@dataclass(frozen=True)
class Mapping:
    """What a mapping says. What it does not say is empty or None; ``rate`` is in V/s."""

    path: Path
    text: str
    technique: str = ""
    current_sign: float | None = None
    rate: float | None = None
    comment: str = ""
    separator: str = ""
    decimal: str = "."
    first_line: int | None = None
    columns: tuple[MappedColumn, ...] = ()
    sample: Table[str, Any] = field(default_factory=dict)

    def fail(self, message: str) -> NoReturn:
        """Refuse the mapping.

        Raises:
            FileFormatError: always.
        """
        raise FileFormatError(f"{self.path}: {message}")

    def parameters(self) -> dict[str, Any]:
        """What goes into the parameters of a table: temperature (K), comment, and the mapping itself."""
        found: dict[str, Any] = {"mapping": self.text}
        if "temperature" in self.sample:
            found["temperature_K"] = parse(self.sample["temperature"], "K")
        if self.comment:
            found["notes"] = (self.comment,)
        return found


def mapping_beside(path: Path) -> Mapping | None:
    """The mapping ``data.toml`` beside ``data.csv``; None if there is none.

    Raises:
        FileFormatError: it has mistakes.
    """
    beside = path.with_suffix(".toml")
    return read_mapping(beside) if beside != path and beside.is_file() else None


def read_mapping(path: Path) -> Mapping:
    """Read and check a mapping.

    Raises:
        FileFormatError: it cannot be read, is no TOML, or has mistakes; the message says what to write.
    """
    empty = Mapping(path, "")
    try:
        if path.stat().st_size > LARGEST_MAPPING:
            empty.fail(f"a mapping has at most {LARGEST_MAPPING >> 10} KiB")
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        empty.fail(f"the mapping cannot be read: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        empty.fail(f"this is no mapping: {error}")
    return _checked(Mapping(path, text), data)


def _checked(said: Mapping, data: Table[str, Any]) -> Mapping:
    for key in data:
        if key not in _KEYS:
            said.fail(f"a mapping has no key {key!r}; it has {', '.join(_KEYS)}. {did_you_mean(key, _KEYS)}".rstrip())
    rate = _text(said, data, "rate")
    first = data.get("first_line")
    if first is not None and (isinstance(first, bool) or not isinstance(first, int) or not 1 <= first <= 100_000):
        said.fail(f"first_line = {first!r}; write the number of the line with the first point, from 1")
    sign = _one_of(said, data, "positive_current", tuple(SIGNS))
    return Mapping(
        path=said.path,
        text=said.text,
        technique=_one_of(said, data, "technique", TECHNIQUES),
        current_sign=SIGNS.get(sign),
        rate=_quantity(said, rate, "V/s", "rate") if rate else None,
        comment=_text(said, data, "comment"),
        separator=_one_of(said, data, "separator", (",", ";", "\t", " ")),
        decimal=_one_of(said, data, "decimal", (".", ",")) or ".",
        first_line=first,
        columns=tuple(_column(said, name, entry) for name, entry in _table(said, data, "columns").items()),
        sample=_sample(said, _table(said, data, "sample")),
    )


def _column(said: Mapping, name: str, entry: Any) -> MappedColumn:
    if name not in QUANTITIES:
        known = f"no such quantity; there are {', '.join(QUANTITIES)}. {did_you_mean(name, QUANTITIES)}"
        said.fail(f"columns.{name}: {known}".rstrip())
    written: Table[str, Any] = entry if isinstance(entry, dict) else {"column": entry}
    column: Any = written.get("column")
    unit, backwards = written.get("unit", ""), written.get("reversed", False)
    unknown = [key for key in written if key not in ("column", "unit", "reversed")]
    if unknown or not _is_place(column) or not isinstance(unit, str):
        said.fail(f'columns.{name}: write {{ column = "name in the file", unit = "{QUANTITIES[name]}" }}')
    if not isinstance(backwards, bool) or (backwards and name != "impedance_imaginary"):
        said.fail(f"columns.{name}: reversed = true is for the impedance_imaginary of files that write -Im(Z)")
    return MappedColumn(name, column.strip() if isinstance(column, str) else column, unit.strip(), backwards)


def _is_place(column: Any) -> bool:
    """True for the name of a column, or its number from 1."""
    if isinstance(column, str):
        return bool(column.strip())
    return isinstance(column, int) and not isinstance(column, bool) and 1 <= column <= 10_000


def _sample(said: Mapping, table: Table[str, Any]) -> Table[str, Any]:
    for key, value in table.items():
        if key in _SAMPLE_UNITS:
            _quantity(said, value, _SAMPLE_UNITS[key], f"sample.{key}")
        elif key in ("reference", "id"):
            parts = value.values() if key == "reference" and isinstance(value, dict) else [value]
            if not all(isinstance(part, str) for part in parts):
                said.fail(f'sample.{key}: write a text, such as "Ag/AgCl"')
        elif key == "working" and isinstance(value, dict):
            for name, part in value.items():
                if name in _ELECTRODE_UNITS:
                    _quantity(said, part, _ELECTRODE_UNITS[name], f"sample.working.{name}")
                elif name != "material" or not isinstance(part, str):
                    said.fail(f"sample.working.{name}: there are area, diameter and material, each in quotes")
        else:
            said.fail(
                f'sample.{key}: there are reference = "Ag/AgCl", temperature = "25 degC", concentration = "1 mM", '
                'id = "..." and working = { area = "0.071 cm2" }'
            )
    return dict(table)


def _quantity(said: Mapping, value: Any, unit: str, what: str) -> float:
    """A quantity more than zero, in ``unit``."""
    try:
        number = parse(value, unit)
    except UnitError as error:
        said.fail(f"{what}: {error}")
    if not number > 0:
        said.fail(f"{what} = {value!r}; expected more than zero")
    return number


def _table(said: Mapping, data: Table[str, Any], key: str) -> Table[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        said.fail(f"{key} is no table; write [{key}] and its entries below")
    return value


def _text(said: Mapping, data: Table[str, Any], key: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        said.fail(f"{key} = {value!r}; write it in quotes")
    return value


def _one_of(said: Mapping, data: Table[str, Any], key: str, allowed: tuple[str, ...]) -> str:
    value = _text(said, data, key)
    if key in data and value not in allowed:
        said.fail(f"{key} = {value!r}; allowed are {', '.join(map(repr, allowed))}")
    return value
