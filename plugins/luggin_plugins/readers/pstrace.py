"""Reader of tables that PSTrace and its relatives (PalmSens) export as CSV.

A file is UTF-16 or UTF-8: a line ``Date and time:``, a line ``Notes:``, a line with the names of the
curves (``Cyclic Voltammetry: CV i vs E Scan 1``) over every second column, a line ``Date and time
measurement:``, a line with the units (``V,µA,V,µA``), and the points of all curves side by side. Scans
of one measurement become cycles of one table.

Signs: the file does not say them; current is taken as anodic positive, as the instruments of PalmSens
count it, and the table says so. A scan rate is not in the file either: it comes from the mapping
beside it, as does another sign. Written from descriptions; no real file was at hand.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.errors import UnitError
from luggin.units import convert
from luggin_plugins.readers import delimited
from luggin_plugins.readers.endings import torn_line
from luggin_plugins.readers.mapping import SIGNS, Mapping, mapping_beside, read_mapping
from luggin_plugins.readers.sweep_times import needs_times, stated_times
from luggin_plugins.readers.textfile import TextFile, decoded, number, read_text, shown

if TYPE_CHECKING:
    from luggin.results import Table

TECHNIQUES = {
    "Cyclic Voltammetry": "cv",
    "Fast Cyclic Voltammetry": "cv",
    "Linear Sweep Voltammetry": "lsv",
    "Differential Pulse Voltammetry": "dpv",
    "Square Wave Voltammetry": "swv",
    "Chronoamperometry": "ca",
    "Open Circuit Potentiometry": "ocp",
}
"""What the program calls a technique, and what Luggin calls it. Other curves are left out, and said."""

SIGN_REMARK = "current sign not stated by the file: taken as anodic positive, as PalmSens counts it"
_DATE = "Date and time measurement:"
_SCAN = re.compile(r"\s*\bScan (\d{1,6})\b")
# Quantities of a pair of columns, by the kinds of their units.
_PAIRS = {("V", "A"): ("potential", "current"), ("s", "A"): ("time", "current"), ("s", "V"): ("time", "potential")}
_USED = re.compile(r".*\b[iE] vs [Et]\b.*")
MOST_HEADER_LINES = 1000


def is_pstrace(path: Path, head: bytes) -> bool:
    """True if a text begins with the date as PSTrace writes it."""
    return decoded(head).lstrip().startswith("Date and time:")


def read_pstrace(path: Path) -> tuple[Table, ...]:
    """The curves of a file in SI units: scans of one measurement as cycles of one table.

    Raises:
        FileFormatError: the file is empty, foreign, damaged or too large, has no curve that this
            reader knows, or sweeps without a scan rate in a mapping beside it.
    """
    return _Reading(read_text(path), mapping_beside(path)).tables()


def read_pstrace_mapped(path: Path, mapping: Path) -> tuple[Table, ...]:
    """The same with a mapping by another name; one with columns is read as any table."""
    said = read_mapping(mapping)
    return delimited.read_by(path, said) if said.columns else _Reading(read_text(path), said).tables()


@dataclass
class _Curve:
    """One pair of columns while it is read: the measurement and scan that it belongs to."""

    measurement: str
    technique: str
    scan: int
    place: int
    quantities: tuple[str, str]
    factors: tuple[float, float]
    rows: list[tuple[float, float]] = field(default_factory=list)


class _Reading:
    """One pass over one file."""

    def __init__(self, file: TextFile, mapping: Mapping | None) -> None:
        self.file = file
        self.mapping = mapping or Mapping(file.path.with_suffix(".toml"), "")
        self.remarks: list[str] = []
        self.notes: list[str] = []
        self.entries: dict[str, str] = {}
        self.cut = False

    def tables(self) -> tuple[Table, ...]:
        """Read everything and put it together."""
        dates_at = self._dates_at()
        self._read_header(dates_at)
        curves = self._curves(dates_at)
        self._read_points(dates_at + 2, curves)
        measurements: dict[str, list[_Curve]] = {}
        for curve in curves:
            if not curve.rows:
                self.file.fail(f"the curve {shown(curve.measurement)} has no points", dates_at + 3)
            measurements.setdefault(curve.measurement, []).append(curve)
        return tuple(
            self._table(name, scans, last=name == list(measurements)[-1]) for name, scans in measurements.items()
        )

    def _dates_at(self) -> int:
        for position, line in enumerate(self.file.lines[:MOST_HEADER_LINES]):
            if _cells(line)[0] == _DATE:
                if position + 1 >= len(self.file.lines):
                    break
                return position
        self.file.fail(f"there is no line {_DATE!r} with a line of units below it: the file is truncated, or another")

    def _read_header(self, dates_at: int) -> None:
        for line in self.file.lines[: dates_at - 1]:
            key, colon, value = line.partition(":")
            text = value.strip(" ,") if colon else ""
            if key == "Notes" and text:
                self.notes.append(text)
            elif text:
                self.entries[key.strip()] = text
            elif line.strip(" ,") and not colon:
                self.notes.append(line.strip(" ,"))
        dates = [cell for cell in _cells(self.file.lines[dates_at])[1::2] if cell]
        if dates:
            self.entries[_DATE.rstrip(":")] = dates[0]

    def _curves(self, dates_at: int) -> list[_Curve]:
        """The pairs of columns that are read; the others are named in the remarks."""
        titles = _cells(self.file.lines[dates_at - 1]) if dates_at else []
        units = _cells(self.file.lines[dates_at + 1])
        curves: list[_Curve] = []
        for place in range(0, len(units) - 1, 2):
            title = titles[place] if place < len(titles) else ""
            kind = _kinds(units[place], units[place + 1])
            words = re.sub(r"\s*\[\d+\]$", "", title.partition(":")[0].strip())
            if kind is None or words not in TECHNIQUES or not _USED.fullmatch(title.partition(":")[2]):
                if title or units[place]:
                    self.remarks.append(f"not read: {title or units[place]} ({units[place]}, {units[place + 1]})")
                continue
            (x, y), factors = kind
            scan = _SCAN.search(title)
            curves.append(
                _Curve(_SCAN.sub("", title), TECHNIQUES[words], int(scan[1]) if scan else 1, place, (x, y), factors)
            )
        if not curves:
            found = ", ".join(title for title in titles if title)[:300] or "nothing"
            self.file.fail(f"there is no curve that this reader knows; found {found}", dates_at)
        return curves

    def _read_points(self, first: int, curves: Sequence[_Curve]) -> None:
        """The points of all curves, which may end at different lines."""
        for position in range(first, len(self.file.lines)):
            cells = _cells(self.file.lines[position])
            if not any(cells):
                continue
            if cells[0].startswith("Measurement:"):
                self.remarks.append(f"not read: {cells[1] if len(cells) > 1 else 'a further measurement'}")
                return
            last = position == len(self.file.lines) - 1 and not self.file.whole
            if last and (self.file.lost_digits(position - 1, ",") or not self._line_is_whole(cells, curves)):
                self.cut = True
                self.remarks.append(torn_line(position + 1))
                return
            for curve in curves:
                self._take(curve, cells[curve.place : curve.place + 2], position + 1)

    def _line_is_whole(self, cells: Sequence[str], curves: Sequence[_Curve]) -> bool:
        pairs = [cells[curve.place : curve.place + 2] for curve in curves]
        return all(len(pair) == 2 and all(not cell or number(cell) is not None for cell in pair) for pair in pairs)

    def _take(self, curve: _Curve, pair: Sequence[str], line: int) -> None:
        if not any(pair):
            return
        values = [number(cell) for cell in pair]
        x, y = values if len(values) == 2 else (None, None)
        if x is None or y is None:
            self.file.fail(f"found {shown(', '.join(pair))}; expected two numbers for {curve.measurement!r}", line)
        curve.rows.append((x * curve.factors[0], y * curve.factors[1]))

    def _table(self, name: str, scans: Sequence[_Curve], last: bool) -> Table:
        import numpy as np

        from luggin.results import Table

        technique, quantities = scans[0].technique, scans[0].quantities
        rows = np.array([row for scan in scans for row in scan.rows], dtype=np.float64)
        columns: dict[str, Any] = {quantities[0]: rows[:, 0], quantities[1]: rows[:, 1]}
        remarks = list(self.remarks)
        if technique == "cv":
            from_one = int(min(scan.scan for scan in scans) == 0)
            columns["cycle"] = np.array([scan.scan + from_one for scan in scans for _ in scan.rows], dtype=np.int32)
        parameters = {**self.mapping.parameters(), "file": {**self.entries, "curve": name}}
        if mapping := parameters.pop("mapping"):
            parameters["file"]["mapping"] = mapping
        if "current" in columns:
            columns["current"] = columns["current"] * (self.mapping.current_sign or 1.0)
            if self.mapping.current_sign == SIGNS["reduction"]:
                parameters["current_turned"] = delimited.TURNED
                remarks.insert(0, f"current turned round by {delimited.TURNED}")
            elif self.mapping.current_sign is None:
                remarks.insert(0, SIGN_REMARK)
        if needs_times(technique, columns):
            columns, remark = stated_times(self.file, self.mapping, columns)
            parameters["rate"] = self.mapping.rate
            remarks.append(remark)
        if remarks:
            parameters["remarks"] = tuple(remarks)
        parameters["notes"] = (*self.notes, *parameters.get("notes", ()))
        units = {"time": "s", "potential": "V", "current": "A", "cycle": "1"}
        return Table(
            technique=technique,
            columns=columns,
            units={column: units[column] for column in columns},
            parameters=parameters,
            sample=self.mapping.sample,
            label=f"{self.file.path.name}, {name}",
            complete=not (self.cut and last),
            source=str(self.file.path),
        )


def _kinds(x: str, y: str) -> tuple[tuple[str, str], tuple[float, float]] | None:
    """What a pair of units measures, and the factors to our units."""
    for (our_x, our_y), quantities in _PAIRS.items():
        try:
            return quantities, (convert(1.0, x, our_x), convert(1.0, y, our_y))
        except UnitError:
            continue
    return None


def _cells(line: str) -> list[str]:
    cells = next(csv.reader([line.replace("\r", " ")]), [])
    return [cell.strip() for cell in cells] or [""]
