"""Reader of EC-Lab text files (``.mpt``) of BioLogic instruments: voltammetry, rest potential, impedance.

A file begins with ``EC-Lab ASCII FILE`` and ``Nb header lines : N``; line N names the columns, and
one line per point follows, with tabs between the cells. The names carry the units (``<I>/mA``).
Numbers have the decimal sign of the computer that wrote them, a point or a comma.

Signs: EC-Lab counts anodic current positive, as IUPAC does. Its manual (EC-Lab, Techniques and
Applications) has I > 0 after a charge and I < 0 after a discharge, and the column ``ox/red`` of its
files is 1, oxidation, where the current is positive. ``-Im(Z)`` is turned round into ``Im(Z)``.

Nothing of the header is trusted further than it goes: potentials are parameters only where the file
says that they are against the reference electrode, and the area of 0.001 cm2 and the mass of 0.001 g
that EC-Lab writes unless told otherwise stay words of the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from luggin.errors import FileFormatError, UnitError
from luggin.records import Flag
from luggin.units import convert
from luggin_plugins.readers.endings import lost_digits, missing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from luggin.results import Table

LARGEST_FILE = 64 << 20
LONGEST_LINE = 8192
FIRST_LINES = ("EC-Lab ASCII FILE", "BT-Lab ASCII FILE")

TECHNIQUES = {
    "Cyclic Voltammetry": "cv",
    "Cyclic Voltammetry Advanced": "cv",
    "Linear Sweep Voltammetry": "lsv",
    "Open Circuit Voltage": "ocp",
    "Chronoamperometry / Chronocoulometry": "ca",
    "Potentio Electrochemical Impedance Spectroscopy": "eis",
    "Galvano Electrochemical Impedance Spectroscopy": "eis",
}
"""What the header calls a technique, and what Luggin calls it. Others are refused by name."""


@dataclass(frozen=True)
class _Wanted:
    """A column of ours: its unit, and the names (without unit) under which EC-Lab writes it."""

    name: str
    unit: str
    written: tuple[str, ...]
    sign: float = 1.0


_COLUMNS = (
    _Wanted("time", "s", ("time",)),
    _Wanted("frequency", "Hz", ("freq",)),
    _Wanted("impedance_real", "ohm", ("Re(Z)",)),
    _Wanted("impedance_imaginary", "ohm", ("-Im(Z)",), -1.0),
    _Wanted("potential", "V", ("Ewe", "<Ewe>")),
    _Wanted("applied_potential", "V", ("control",)),
    _Wanted("voltage", "V", ("Ewe-Ece", "<Ewe-Ece>")),
    _Wanted("current", "A", ("I", "<I>")),
    _Wanted("charge", "C", ("(Q-Qo)",)),
)
_NEEDED = {
    "cv": ("time", "potential", "current"),
    "lsv": ("time", "potential", "current"),
    "ca": ("time", "potential", "current"),
    "ocp": ("time", "potential"),
    "eis": ("frequency", "impedance_real", "impedance_imaginary"),
}
# Counters have no unit. EC-Lab counts sequences from 0; its cycles begin at 0 or 1, ours at 1.
_COUNTERS = {"cycle number": "cycle", "Ns": "sequence"}
_UNITS = {"Ohm": "ohm", "mA.h": "mA h", "A.h": "A h"}


@dataclass(frozen=True)
class _Column:
    """One column to be read: where it stands, and the factor to our unit."""

    name: str
    unit: str
    place: int
    factor: float


def read_ec_lab(path: Path) -> tuple[Table, ...]:
    """The measurement in an EC-Lab text file in SI units: one table, or one for each loop of the technique.

    Columns that Luggin has no name for are left out. A cycle counter that begins at 0 is shifted to
    begin at 1. If the header announces more points than follow, the last table is not ``complete`` and
    says in ``parameters["remarks"]`` how many are missing.

    Raises:
        FileFormatError: the file is empty, foreign, damaged, too large, or of a technique that this
            reader does not know; the message names file, line, what was found and what was expected.
    """
    return _Reading(Path(path)).tables()


class _Reading:
    """One pass over one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, str] = {}
        self.settings: dict[str, str] = {}

    def tables(self) -> tuple[Table, ...]:
        """Read everything and put it together."""
        lines = self._lines()
        names_at = self._header_lines(lines)
        technique = self._technique(lines[:names_at])
        loops = self._read_header(lines[:names_at])
        names = _without_last_tab(lines[names_at].split("\t"))
        columns = self._columns(names, technique, names_at + 1)
        counters = {ours: names.index(theirs) for theirs, ours in _COUNTERS.items() if theirs in names}
        error = names.index("error") if "error" in names else None
        places = [c.place for c in columns] + list(counters.values()) + ([] if error is None else [error])
        rows = list(self._points(lines, names_at + 1, names, places))
        if not rows:
            self._fail("the file ends here without a point: nothing was measured, or it is truncated", names_at + 1)
        table = self._arrays(rows, columns, list(counters), error is not None)
        units = {c.name: c.unit for c in columns} | dict.fromkeys([*counters, "flags"], "1")
        return tuple(self._cut(technique, table, units, loops))

    def _fail(self, message: str, line: int | None = None) -> NoReturn:
        place = f"{self.path}" if line is None else f"{self.path}:{line}"
        raise FileFormatError(f"{place}: {message}")

    def _lines(self) -> list[str]:
        try:
            size = self.path.stat().st_size
            if size > LARGEST_FILE:
                self._fail(f"the file has {size >> 20} MiB; at most {LARGEST_FILE >> 20} MiB are read")
            raw = self.path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        except OSError as error:
            self._fail(f"the file cannot be read: {error.strerror}")
        text = raw.decode("cp1252", errors="replace")
        if not text.strip():
            self._fail(f"the file is empty; expected {FIRST_LINES[0]!r} in its first line")
        if b"\0" in raw:
            damaged = raw.count(b"\n", 0, raw.index(b"\0")) + 1
            self._fail("found binary data; expected text (EC-Lab exports .mpr files as text)", damaged)
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            if len(line) > LONGEST_LINE:
                self._fail(f"the line has {len(line)} characters; expected at most {LONGEST_LINE}", number)
        if not lines[-1].strip():
            lines.pop()
        elif len(lines) > 1 and lost_digits(lines[-1], lines[-2]):
            # Without a line end the last number may have lost digits, and would still look like a number.
            self._fail("the last line ends within a number: the file is truncated here", len(lines))
        return [line.rstrip("\r") for line in lines]

    def _header_lines(self, lines: Sequence[str]) -> int:
        """The position of the line with the names of the columns."""
        if lines[0].strip() not in FIRST_LINES:
            self._fail(f"found {_shown(lines[0])}; expected {FIRST_LINES[0]!r}", 1)
        said = re.fullmatch(r"Nb header lines\s*:\s*(\d{1,6})\s*", lines[1] if len(lines) > 1 else "")
        if said is None:
            self._fail("expected 'Nb header lines : ' and a number", 2)
        count = int(said[1])
        if count < 3:
            self._fail(f"found {count} header lines; expected 3 or more", 2)
        if count > len(lines):
            self._fail(f"the file ends within its {count} header lines: it is truncated", len(lines))
        return count - 1

    def _technique(self, header: Sequence[str]) -> str:
        name, line = next(((text.strip(), n) for n, text in enumerate(header[2:], 3) if text.strip()), ("", 2))
        if not name:
            self._fail("the header does not say the technique; export the file again with its header", line)
        if name not in TECHNIQUES:
            self._fail(f"the technique is {_shown(name)}; this reader knows {', '.join(TECHNIQUES)}", line)
        self.entries["technique"] = name
        return TECHNIQUES[name]

    def _read_header(self, header: Sequence[str]) -> list[tuple[int, int]]:
        """Keep what the header says; the first and last point of each loop."""
        loops: list[tuple[int, int]] = []
        last = ""
        for number, text in enumerate(header, 1):
            loop = re.fullmatch(r"Loop \d+ from point number (\d{1,9}) to (\d{1,9})", text.strip())
            if loop is not None:
                begin, end = int(loop[1]), int(loop[2])
                if begin != (loops[-1][1] + 1 if loops else 0) or end < begin:
                    self._fail(f"found {_shown(text)}; expected a loop that follows the one before it", number)
                loops.append((begin, end))
                continue
            key, colon, value = text.strip().partition(" : ")
            if colon:
                self.entries[key.strip()] = value.strip()
                continue
            key, *values = re.split(r"\s{2,}", text.strip())
            if key == "vs." and last:
                self.settings[last] += " vs " + " | ".join(values)
            elif values:
                last = key
                self.settings[key] = " | ".join(values)
        return loops

    def _columns(self, names: Sequence[str], technique: str, line: int) -> list[_Column]:
        """The columns that we have a name for."""
        parted = [name.rpartition("/") for name in names]  # "<I>/mA" is "<I>" in "mA"
        found: dict[str, _Column] = {}
        for wanted in _COLUMNS:
            for spelling in wanted.written:
                for place, (name, _, unit) in enumerate(parted):
                    factor = _factor(unit, wanted.unit) if name == spelling else None
                    if factor is not None:
                        found.setdefault(wanted.name, _Column(wanted.name, wanted.unit, place, wanted.sign * factor))
        for wanted in _COLUMNS:
            if wanted.name in _NEEDED[technique] and wanted.name not in found:
                expected = " or ".join(f"{spelling}/{wanted.unit}" for spelling in wanted.written)
                self._fail(f"there is no column {expected}; found {', '.join(names)[:300]}", line)
        return list(found.values())

    def _points(
        self, lines: Sequence[str], first: int, names: Sequence[str], places: Sequence[int]
    ) -> Iterator[list[float]]:
        """The numbers of the wanted columns, line by line."""
        for number, line in enumerate(lines[first:], first + 1):
            if not line.strip():
                continue
            cells = line.replace(",", ".").split("\t")
            if len(cells) != len(names) and not (len(cells) == len(names) + 1 and not cells[-1].strip()):
                self._fail(f"found {len(cells)} values; expected {len(names)}: the file is damaged here", number)
            try:
                values = [float(cells[place]) for place in places]
            except ValueError:
                values = [math.nan]
            if not all(map(math.isfinite, values)) or "_" in line:
                self._refuse_number(cells, names, places, number)
            yield values

    def _refuse_number(self, cells: Sequence[str], names: Sequence[str], places: Sequence[int], line: int) -> NoReturn:
        for place in places:
            if not re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?\s*", cells[place]):
                hint = "; export it with elapsed times" if re.search(r"\d[/:]\d", cells[place]) else ""
                self._fail(f"found {_shown(cells[place])}; expected a number for {names[place]}{hint}", line)
        self._fail("a number in this line cannot be read", line)

    def _arrays(
        self, rows: Sequence[Sequence[float]], columns: Sequence[_Column], counters: Sequence[str], with_error: bool
    ) -> dict[str, NDArray[Any]]:
        import numpy as np

        numbers = np.array(rows, dtype=np.float64)
        table: dict[str, NDArray[Any]] = {c.name: numbers[:, k] * c.factor for k, c in enumerate(columns)}
        for k, name in enumerate(counters, len(columns)):
            values = numbers[:, k]
            if np.any(values != np.floor(values)) or np.min(values) < 0 or np.max(values) > 1e9:
                self._fail(f"the column of the {name} has other values than whole numbers from 0")
            from_one = name == "cycle" and np.min(values) == 0
            table[name] = (values + from_one).astype(np.int32)
        if with_error:
            # What an error is, no source that we have says: a reading that may be wrong is never taken for a good one.
            table["flags"] = np.where(numbers[:, -1] != 0, int(Flag.CURRENT_OVERLOAD), 0).astype(np.uint32)
        return table

    def _cut(
        self,
        technique: str,
        columns: Mapping[str, NDArray[Any]],
        units: Mapping[str, str],
        loops: list[tuple[int, int]],
    ) -> Iterator[Table]:
        """One table for each loop."""
        from luggin.results import Table

        rows = len(next(iter(columns.values())))
        spans = [(begin, end + 1) for begin, end in loops if begin < rows] or [(0, rows)]
        if loops and loops[-1][1] + 1 < rows:
            self._fail(f"the header announces {loops[-1][1] + 1} points in its loops, but the file has {rows}")
        announced = loops[-1][1] + 1 if loops else rows
        cut = {"remarks": (missing(rows, announced),)} if rows < announced else {}
        for number, (begin, end) in enumerate(spans):
            last = number == len(spans) - 1
            yield Table(
                technique=technique,
                columns={name: values[begin:end] for name, values in columns.items()},
                units={name: units[name] for name in columns},
                parameters=self._parameters(technique) | (cut if last else {}),
                label=self.path.name if len(loops) < 2 else f"{self.path.name}, loop {number}",
                complete=not (cut and last),
                source=str(self.path),
            )

    def _parameters(self, technique: str) -> dict[str, Any]:
        """Begin, vertices, end (V vs ref) and rate (V/s) of a voltammogram where the header is certain of them."""
        found: dict[str, Any] = {}
        if technique in ("cv", "lsv"):
            first, second = self._potential("E1 (V)"), self._potential("E2 (V)")
            found = {
                "begin": self._potential("Ei (V)"),
                "vertices": (first, second) if first is not None and second is not None else None,
                "end": self._potential("EL (V)" if technique == "lsv" else "Ef (V)"),
                "rate": self._rate(),
            }
        comment = self.entries.get("Comments", "")
        return {
            **{name: value for name, value in found.items() if value is not None},
            **({"notes": (comment,)} if comment else {}),
            "file": {**self.entries, **self.settings},
        }

    def _potential(self, key: str) -> float | None:
        """A potential against the reference electrode (V); None if it is against another zero, or has two values."""
        value, vs, zero = self.settings.get(key, "").partition(" vs ")
        return _number(value) if vs and zero.strip() == "Ref" else None

    def _rate(self) -> float | None:
        value, unit = _number(self.settings.get("dE/dt", "")), self.settings.get("dE/dt unit", "")
        try:
            return None if value is None else convert(value, unit, "V/s")
        except UnitError:
            return None


def _factor(written: str, unit: str) -> float | None:
    """Factor from a unit of EC-Lab to ours; None if it is of another kind (``control/mA`` is no potential)."""
    try:
        return convert(1.0, _UNITS.get(written, written), unit)
    except UnitError:
        return None


def _without_last_tab(cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    return names[:-1] if names[-1] == "" else names


def _number(text: str) -> float | None:
    written = text.strip().replace(",", ".")
    return float(written) if re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,15})?", written) else None


def _shown(text: str) -> str:
    """What was found, short and printable."""
    return repr(text.strip()[:60])
