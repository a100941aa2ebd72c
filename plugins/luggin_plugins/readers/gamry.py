"""Reader of Gamry Framework data files (``.DTA``): cyclic voltammetry as text.

A file is a header of lines ``KEY <tab> KIND <tab> VALUE ...`` and tables ``CURVE1``, ``CURVE2``,
... each with a line of column names, a line of units and one line per point. Every curve becomes
a cycle of one table. What the file says about itself is kept in ``parameters["file"]``; nothing
of it is trusted further than it goes: the electrode area of 1 cm2 that the program writes unless
told otherwise is handed on as the file's word, never as an area.

A file that was cut is read as far as it goes, and says so: the table is not ``complete``, and its
``parameters["remarks"]`` tell what is missing. A current that was turned round has
``parameters["current_turned"]``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from luggin.errors import FileFormatError, UnitError
from luggin.records import Flag
from luggin.units import convert
from luggin_plugins.readers.endings import lost_digits, missing, torn_line

if TYPE_CHECKING:
    from luggin.results import Table

LARGEST_FILE = 64 << 20
LONGEST_LINE = 4096
_FIRST_WORD = "EXPLAIN"
_NEEDED = {"T": "s", "Vf": "V", "Im": "A"}

# CONVENTION in the header: 1 counts anodic current positive (as IUPAC does; seen in files whose
# reductions are negative), 0 is taken as the other one. An analysis notices a loop that runs the
# wrong way round.
_CURRENT_SIGN = {"0": -1.0, "1": 1.0}

# The overload column has one place per condition, a dot where there is none. Which letter means what
# is not documented in any source that we have, so every mark counts as an overload: a reading that
# may be wrong is never taken for a good one.
_NO_OVERLOAD = frozenset(".-_ 0")


@dataclass
class _Curve:
    """One table of the file while it is read."""

    line: int
    name: str
    announced: int | None
    names: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    rows: list[tuple[float, ...]] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)

    @classmethod
    def begun(cls, line: int, cells: list[str]) -> _Curve:
        """From its first line ``CURVE1 TABLE 1600``; older files do not announce the points."""
        count = cells[2].strip() if len(cells) > 2 else ""
        return cls(line, cells[0].strip().upper(), int(count) if re.fullmatch("[0-9]{1,9}", count) else None)

    @property
    def cut(self) -> bool:
        """True if there are fewer points than announced."""
        return self.announced is not None and len(self.rows) < self.announced


def is_gamry(path: Path) -> bool:
    """True if the file begins as a Gamry data file does. Never raises for a readable file."""
    with Path(path).open("rb") as file:
        return file.read(64).lstrip().upper().startswith(_FIRST_WORD.encode())


def read_gamry(path: Path) -> tuple[Table, ...]:
    """The cyclic voltammogram of a Gamry file as one table, in SI units, anodic current positive.

    A last line that is torn is left out; the table is then not ``complete``, nor is it with fewer
    points or cycles than the file announces.

    Raises:
        FileFormatError: the file is empty, foreign, damaged, without a point, too large or no cyclic
            voltammetry; the message names file, line, what was found and what was expected.
    """
    return (_Reading(Path(path)).table(),)


class _Reading:
    """One pass over one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = self.last = 0
        self.line_end = True
        self.before: str | None = None  # the line of the point before
        self.header: dict[str, tuple[str, ...]] = {}
        self.notes: list[str] = []
        self.curves: list[_Curve] = []
        self.cut = False
        self.remarks: list[str] = []

    def table(self) -> Table:
        """Read everything and put it together."""
        lines = self._lines()
        self._read_header(lines)
        for curve in self.curves:
            self._finish(curve)
        self._compare_with_announced()
        return self._assemble()

    def _fail(self, message: str, line: int | None = None) -> NoReturn:
        place = f"{self.path}" if line is None else f"{self.path}:{line}"
        raise FileFormatError(f"{place}: {message}")

    def _lines(self) -> Iterator[list[str]]:
        """The lines of the file, split at tabs, counted in ``number``; ``last`` is the last with content."""
        try:
            size = self.path.stat().st_size
        except OSError as error:
            self._fail(f"the file cannot be read: {error.strerror}")
        if size == 0:
            self._fail("the file is empty; expected a Gamry data file that begins with EXPLAIN")
        if size > LARGEST_FILE:
            self._fail(f"the file has {size >> 20} MiB; at most {LARGEST_FILE >> 20} MiB are read")
        raw = self.path.read_bytes()
        if b"\0" in raw:
            line = raw.count(b"\n", 0, raw.index(b"\0")) + 1
            self._fail("found binary data; expected the text of a Gamry data file", line)
        pieces = raw.split(b"\n")
        self.last = raw.rstrip().count(b"\n") + 1
        self.line_end = not pieces[-1].strip() or pieces[-1].endswith(b"\r")
        for number, piece in enumerate(pieces, 1):
            self.number = number
            if len(piece) > LONGEST_LINE:
                self._fail(
                    f"the line has {len(piece)} characters; a Gamry data file has at most {LONGEST_LINE}", number
                )
            yield _decoded(piece).rstrip("\r").split("\t")

    def _read_header(self, lines: Iterator[list[str]]) -> None:
        first = next(lines)
        if first[0].strip().lstrip("\ufeff").upper() != _FIRST_WORD:
            self._fail(f"found {_shown(first[0])}; a Gamry data file begins with EXPLAIN", 1)
        for cells in lines:
            key, kind = cells[0].strip(), cells[1].strip().upper() if len(cells) > 1 else ""
            if key == "TAG":
                self._check_tag(cells)
            elif kind == "TABLE" and key.upper().startswith("CURVE"):
                self._read_curve(_Curve.begun(self.number, cells), lines)
                return
            elif key == "NOTES" and kind == "NOTES":
                self._read_notes(cells, lines)
            elif key:
                self.header[key] = tuple(c.strip() for c in cells[1:])
        self._fail(
            f"the file ends at line {self.number} without a CURVE table: no point was stored, or the file is truncated",
            self.number,
        )

    def _check_tag(self, cells: list[str]) -> None:
        tag = cells[1].strip() if len(cells) > 1 else ""
        if tag.upper() != "CV":
            self._fail(
                f"TAG is {_shown(tag)}: this is another experiment than cyclic voltammetry (CV), "
                "the only one that this reader knows",
                self.number,
            )
        self.header["TAG"] = (tag,)

    def _read_notes(self, cells: list[str], lines: Iterator[list[str]]) -> None:
        """``NOTES NOTES <count>`` is followed by that many lines of free text."""
        count = self._integer(cells[2] if len(cells) > 2 else "", "the number of note lines")
        if not 0 <= count <= 1000:
            self._fail(f"found {count} note lines; expected 0 to 1000", self.number)
        for _ in range(count):
            text = "\t".join(next(lines, [])).strip()
            if text:
                self.notes.append(text)

    def _read_curve(self, curve: _Curve, lines: Iterator[list[str]]) -> None:
        """One table and, when the next begins, those after it."""
        while True:
            curve.names = [c.strip() for c in next(lines, [])][1:]
            curve.units = [c.strip() for c in next(lines, [])][1:]
            if self.curves and self.number >= self.last:
                self._end_before(curve)
                return
            self._check_columns(curve)
            following = self._read_points(curve, lines)
            if self.cut and self.curves and not curve.rows:
                self._end_before(curve)
                return
            self.curves.append(curve)
            if following is None:
                return
            curve = _Curve.begun(self.number, following)

    def _end_before(self, curve: _Curve) -> None:
        """The file ends in the head of a further curve, which then is none; one of 0 points was to be empty."""
        if curve.announced != 0:
            self.cut = True
            self.remarks.append(f"the file ends before the first point of {curve.name}")

    def _check_columns(self, curve: _Curve) -> None:
        for name in _NEEDED:
            if name not in curve.names:
                found = ", ".join(n for n in curve.names if n) or "nothing"
                self._fail(f"the table has no column {name}; found {found[:200]}", curve.line + 1)
        if len(curve.units) < len(curve.names):
            self._fail(
                f"found {len(curve.units)} units for {len(curve.names)} columns; expected one for each", curve.line + 2
            )

    def _read_points(self, curve: _Curve, lines: Iterator[list[str]]) -> list[str] | None:
        """The points of one table; the line that begins the next one, or None at the end."""
        wanted = [curve.names.index(name) for name in _NEEDED]
        over = curve.names.index("Over") if "Over" in curve.names else None
        for cells in lines:
            if not any(c.strip() for c in cells):
                continue
            if self._is_torn(cells, len(curve.names)):
                self.cut = True
                self.remarks.append(torn_line(self.number))
                return None
            if cells[0].strip():
                if (
                    len(cells) > 1
                    and cells[1].strip().upper() == "TABLE"
                    and cells[0].strip().upper().startswith("CURVE")
                ):
                    return cells
                # anything else that starts in the first column is a further header entry
                self.header[cells[0].strip()] = tuple(c.strip() for c in cells[1:])
                continue
            values = cells[1:]
            if len(values) < len(curve.names):
                self._fail(
                    f"found {len(values)} values; expected {len(curve.names)} ({', '.join(curve.names)[:200]}): "
                    "the file is damaged here",
                    self.number,
                )
            curve.rows.append(tuple(self._number(values[k], curve.names[k]) for k in wanted))
            curve.flags.append(_flags(values[over]) if over is not None else 0)
            self.before = "\t".join(cells)
        return None

    def _is_torn(self, cells: list[str], columns: int) -> bool:
        """True for the last line of the file if its end is missing."""
        if self.number != self.last:
            return False
        if cells[0].strip():
            return not self.line_end
        if self.line_end or len(cells) <= columns:
            return len(cells) <= columns
        return self.before is None or lost_digits("\t".join(cells), self.before)

    def _compare_with_announced(self) -> None:
        """Notice what the file announces and does not have: points of a curve, and curves."""
        for curve in self.curves:
            if curve.announced is not None and curve.cut:
                self.cut = True
                where = f"{curve.name}: " if len(self.curves) > 1 else ""
                self.remarks.append(where + missing(len(curve.rows), curve.announced))
        cycles = self._entry("CYCLES") or 0.0
        # the entry is written when the experiment has ended: with it, the curves are all that there were
        if "EXPERIMENTABORTED" not in self.header and len(self.curves) < cycles:
            self.cut = True
            self.remarks.append(missing(len(self.curves), int(cycles), "cycles"))
        if self._aborted():
            self.remarks.append("the file says that the experiment was aborted")

    def _aborted(self) -> bool:
        return self.header.get("EXPERIMENTABORTED", ("", "F"))[1:2] in (("T",), ("TRUE",))

    def _finish(self, curve: _Curve) -> None:
        """Convert the points of a table to SI units."""
        if not curve.rows:
            self._fail("the table has no points; the file is truncated or nothing was measured", curve.line)
        factors = []
        for name, unit in _NEEDED.items():
            written = curve.units[curve.names.index(name)]
            try:
                factors.append(convert(1.0, written.split(" vs")[0].strip(), unit))
            except UnitError:
                self._fail(f"column {name} is in {_shown(written)}; expected a unit like {unit}", curve.line + 2)
        curve.rows = [tuple(v * f for v, f in zip(row, factors, strict=True)) for row in curve.rows]

    def _assemble(self) -> Table:
        import numpy as np

        from luggin.results import Table

        rows = np.array([row for curve in self.curves for row in curve.rows], dtype=np.float64)
        cycles = [number for number, curve in enumerate(self.curves, 1) for _ in curve.rows]
        flags = [flag for curve in self.curves for flag in curve.flags]
        return Table(
            technique="cv",
            columns={
                "time": rows[:, 0],
                "potential": rows[:, 1],
                "current": rows[:, 2] * self._current_sign(),
                "cycle": np.array(cycles, dtype=np.int32),
                "flags": np.array(flags, dtype=np.uint32),
            },
            units={"time": "s", "potential": "V", "current": "A", "cycle": "1", "flags": "1"},
            parameters=self._parameters(),
            label=self.path.name,
            complete=not (self.cut or self._aborted()),
            source=str(self.path),
        )

    def _current_sign(self) -> float:
        """+1 or -1 by CONVENTION; a file that does not say it is taken as it is, with a remark."""
        if "CONVENTION" not in self.header:
            return 1.0
        written = self.header["CONVENTION"][1:2]
        convention = written[0] if written else ""
        if convention not in _CURRENT_SIGN:
            self._fail(f"CONVENTION is {_shown(convention)}; expected 1 (anodic positive) or 0 (cathodic positive)")
        return _CURRENT_SIGN[convention]

    def _parameters(self) -> dict[str, Any]:
        """Begin, vertices, end (V), rate (V/s), step (V) and cycles where the header has them."""
        begin, first, second, end = (self._entry(k) for k in ("VINIT", "VLIMIT1", "VLIMIT2", "VFINAL"))
        found: dict[str, Any] = {"begin": begin, "end": end}
        if first is not None and second is not None:
            found["vertices"] = (first, second)
        rate, step, cycles = self._entry("SCANRATE"), self._entry("STEPSIZE"), self._entry("CYCLES")
        found["rate"] = None if rate is None else rate * self._header_unit("SCANRATE", "mV/s", "V/s")
        found["step"] = None if step is None else step * self._header_unit("STEPSIZE", "mV", "V")
        found["cycles"] = None if cycles is None else int(cycles)
        stated = "CONVENTION" in self.header
        remarks = (*self.remarks, *(() if stated else ("current convention not stated by the file",)))
        found["remarks"] = remarks or None
        found["current_turned"] = "CONVENTION 0" if self._current_sign() < 0 else None
        return {
            **{name: value for name, value in found.items() if value is not None},
            "notes": tuple(self.notes),
            "file": {key: " ".join(v for v in values[1:] if v) for key, values in self.header.items()},
        }

    def _entry(self, key: str) -> float | None:
        """A number of the header; None if the header does not have it."""
        values = self.header.get(key, ())
        return self._number(values[1], f"{key} of the header", line=None) if len(values) > 1 else None

    def _header_unit(self, key: str, usual: str, wanted: str) -> float:
        """Factor to ``wanted`` of a header entry, whose unit stands in parentheses in its description."""
        description = self.header[key][-1]
        written = description.rpartition("(")[2].rstrip(")") if "(" in description else usual
        try:
            return convert(1.0, written, wanted)
        except UnitError:
            self._fail(f"{key} is in {_shown(written)}; expected {usual}")

    def _integer(self, text: str, what: str) -> int:
        try:
            return int(text.strip())
        except ValueError:
            self._fail(f"found {_shown(text)}; expected {what}", self.number)

    def _number(self, text: str, what: str, line: int | None = -1) -> float:
        """A finite number, with a decimal point or a decimal comma."""
        try:
            value = float(text.strip().replace(",", "."))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self._fail(f"found {_shown(text)}; expected a number for {what}", self.number if line == -1 else line)
        return value


def _decoded(piece: bytes) -> str:
    """UTF-8, or Windows-1252 as older versions write; what is in neither is kept as a mark."""
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return piece.decode("cp1252", errors="replace")


def _flags(word: str) -> int:
    """Status bits of one point from the overload column: any mark in it is an overload."""
    return 0 if _NO_OVERLOAD.issuperset(word.strip()) else int(Flag.CURRENT_OVERLOAD)


def _shown(text: str) -> str:
    """What was found, short and printable."""
    return repr(text.strip()[:40])
