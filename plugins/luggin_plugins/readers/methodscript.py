"""Reader of the text that an instrument with MethodSCRIPT (PalmSens) sends, kept in a file.

The first character of a line decides: ``M0005`` begins a measurement loop (its number is the
technique), ``C`` and ``-`` begin and end a scan, ``P`` is a data package, ``*`` ends the loop, ``!`` is
an error that ended the script. A package has fields ``da7F85F3Fu``: two letters of the quantity, seven
hexadecimal digits and a prefix, with value = (digits - 2^27) * prefix; behind commas follow the status
(``14``) and the range. What stands outside of loops, such as the script itself, is passed over.

Signs: current follows the potential, anodic positive. Written from descriptions of the protocol and
its published examples; no recording of an instrument was at hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.records import Flag
from luggin_plugins.readers import delimited
from luggin_plugins.readers.mapping import Mapping, mapping_beside, read_mapping
from luggin_plugins.readers.sweep_times import needs_times, stated_times
from luggin_plugins.readers.textfile import TextFile, read_text, shown

if TYPE_CHECKING:
    from luggin.results import Table

TECHNIQUES = {
    "0000": "lsv", "0001": "dpv", "0002": "swv", "0005": "cv", "0007": "ca", "000A": "cp", "000B": "ocp", "000D": "eis"
}  # fmt: skip
"""Numbers of measurement loops, and what Luggin calls them. Other loops are left out, and said."""

QUANTITIES = {
    "eb": ("time", "s"),
    "ab": ("potential", "V"),
    "da": ("applied_potential", "V"),
    "ba": ("current", "A"),
    "dc": ("frequency", "Hz"),
    "cc": ("impedance_real", "ohm"),
    "cd": ("impedance_imaginary", "ohm"),
}
_EXPONENTS = dict(zip("afpnum kMGTPE", (-18, -15, -12, -9, -6, -3, 0, 3, 6, 9, 12, 15, 18), strict=True)) | {"i": 0}
_OFFSET = 1 << 27
_FIELD = re.compile(r"([a-j][a-z])(?:([0-9A-F]{7})([afpnum kMGTPEi])| {5}nan)((?:,[0-9A-Fa-f]{1,8})*)")
_LOOP = re.compile(r"e?M([0-9A-F]{4})")
_ERROR = re.compile(r".{0,40}!([0-9A-Fa-f]{4})(:.{0,60})?")
_HEAD = re.compile(rb"^e?M[0-9A-F]{4}[ \r]*\n(?:[CLT][^\n]*\n)*P[a-j][a-z](?:[0-9A-F]{7}| {5}nan)", re.MULTILINE)
_STATUS = {1: Flag.TIMING, 4: Flag.UNDERLOAD, 8: Flag.OVERLOAD_WARNING}
_OVERLOAD = 2
_POTENTIALS = ("ab", "da")


def is_methodscript(path: Path, head: bytes) -> bool:
    """True if a measurement loop with a data package stands in the first bytes."""
    return _HEAD.search(head) is not None


def read_methodscript(path: Path) -> tuple[Table, ...]:
    """The measurement loops of a text in SI units, anodic current positive, one table each.

    Raises:
        FileFormatError: the file is empty, foreign, damaged or too large, has no loop that this reader
            knows, or sweeps without times and without a scan rate in a mapping beside it.
    """
    return _Reading(read_text(path), mapping_beside(path)).tables()


def read_methodscript_mapped(path: Path, mapping: Path) -> tuple[Table, ...]:
    """The same with a mapping by another name; one with columns is read as any table."""
    said = read_mapping(mapping)
    return delimited.read_by(path, said) if said.columns else _Reading(read_text(path), said).tables()


@dataclass
class _Loop:
    """One measurement loop while it is read."""

    number: str
    line: int
    fields: tuple[str, ...] = ()
    rows: list[list[float]] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    cycles: list[int] = field(default_factory=list)
    scan: int = 0
    remarks: list[str] = field(default_factory=list)
    complete: bool = False


class _Reading:
    """One pass over one file."""

    def __init__(self, file: TextFile, mapping: Mapping | None) -> None:
        self.file = file
        self.mapping = mapping or Mapping(file.path.with_suffix(".toml"), "")
        self.loops: list[_Loop] = []
        self.texts: list[str] = []

    def tables(self) -> tuple[Table, ...]:
        """Read everything and put it together."""
        self._read_loops()
        known = [loop for loop in self.loops if loop.number in TECHNIQUES and loop.rows]
        if not known:
            found = ", ".join(f"M{loop.number}" for loop in self.loops[:20]) or "nothing"
            self.file.fail(f"there is no measurement loop with points that this reader knows; found {found}")
        left = [f"not read: loop M{loop.number}" for loop in self.loops if loop.number not in TECHNIQUES]
        return tuple(self._table(loop, number, len(known), left) for number, loop in enumerate(known, 1))

    def _read_loops(self) -> None:
        loop: _Loop | None = None
        for line, text in enumerate(self.file.lines, 1):
            begun = _LOOP.fullmatch(text.rstrip())
            error = _ERROR.fullmatch(text.strip()) if text[:1] in ("!", "e") else None
            if begun is not None:
                if loop is not None:
                    loop.remarks.append(f"the loop has no end before line {line}")
                loop = _Loop(begun[1], line)
                self.loops.append(loop)
            elif error is not None:
                self._stop(loop, error[1])
                loop = None
            elif text[:1] == "T":
                self.texts.append(text[1:].strip())
            elif loop is not None:
                loop = self._take(loop, text, line)
        if loop is not None:
            loop.remarks.append("the text ends before the measurement does")

    def _stop(self, loop: _Loop | None, code: str) -> None:
        stopped = loop or (self.loops[-1] if self.loops else None)
        if stopped is not None:
            stopped.complete = False
            stopped.remarks.append(f"the instrument reported error {code.upper()}, which ended the script")

    def _take(self, loop: _Loop, text: str, line: int) -> _Loop | None:
        """One line within a loop; the loop, or None where it ends."""
        first = text[:1]
        if first == "*":
            loop.complete = True
            return None
        if first == "C":
            loop.scan += 1
        elif first == "P":
            self._package(loop, text[1:], line)
        elif text.strip() and first not in ("-", "+", "L"):
            self.file.fail(f"found {shown(text)} in a measurement loop; expected a data package", line)
        return loop

    def _package(self, loop: _Loop, text: str, line: int) -> None:
        matches = [_FIELD.fullmatch(written) for written in text.split(";")]
        fields = tuple(match[1] for match in matches if match is not None)
        if None in matches or (loop.rows and fields != loop.fields):
            if line == len(self.file.lines) and not self.file.whole:
                return  # torn; the loop has no end, which is said
            expected = ", ".join(loop.fields) if loop.rows else "fields such as da7F85F3Fu"
            self.file.fail(f"found {shown('P' + text)}; expected a data package of {expected}", line)
        loop.fields = fields
        values, flags = [], 0
        for match in matches:
            if match is not None:
                values.append(_value(match))
                flags |= _flags(match)
        loop.rows.append(values)
        loop.flags.append(flags)
        loop.cycles.append(max(loop.scan, 1))

    def _table(self, loop: _Loop, number: int, count: int, left: Sequence[str]) -> Table:
        import numpy as np

        from luggin.results import Table

        technique = TECHNIQUES[loop.number]
        columns, remarks = self._columns(loop)
        for name in _needed(technique):
            if name not in columns:
                self.file.fail(f"the packages have no {name}; found {', '.join(loop.fields)}", loop.line)
        if technique == "cv":
            columns["cycle"] = np.array(loop.cycles, dtype=np.int32)
        columns["flags"] = np.array(loop.flags, dtype=np.uint32)
        parameters = {**self.mapping.parameters(), "file": {"loop": f"M{loop.number}"}}
        if mapping := parameters.pop("mapping"):
            parameters["file"]["mapping"] = mapping
        if needs_times(technique, columns):
            columns, counted = stated_times(self.file, self.mapping, columns)
            parameters["rate"] = self.mapping.rate
            remarks.append(counted)
        if said := (*loop.remarks, *remarks, *left):
            parameters["remarks"] = said
        parameters["notes"] = (*self.texts, *parameters.get("notes", ()))
        units = dict(QUANTITIES.values()) | {"cycle": "1", "flags": "1"}
        return Table(
            technique=technique,
            columns=columns,
            units={name: units[name] for name in columns},
            parameters=parameters,
            sample=self.mapping.sample,
            label=self.file.path.name if count == 1 else f"{self.file.path.name}, loop {number}",
            complete=loop.complete,
            source=str(self.file.path),
        )

    def _columns(self, loop: _Loop) -> tuple[dict[str, Any], list[str]]:
        """The quantities that Luggin has a name for; the first of each, where a package has several."""
        import numpy as np

        rows = np.array(loop.rows, dtype=np.float64)
        columns: dict[str, Any] = {}
        remarks: list[str] = []
        for place, kind in enumerate(loop.fields):
            name = QUANTITIES[kind][0] if kind in QUANTITIES else ""
            if not name or name in columns:
                remarks.append(f"not read: field {place + 1} of the packages ({kind})")
                continue
            columns[name] = rows[:, place]
        if "potential" not in columns and "applied_potential" in columns:
            columns["potential"] = columns.pop("applied_potential")
            remarks.append("the potential is the applied one: the packages have no measured one")
        return columns, remarks


def _needed(technique: str) -> tuple[str, ...]:
    if technique == "eis":
        return ("frequency", "impedance_real", "impedance_imaginary")
    return ("potential",) if technique == "ocp" else ("potential", "current")


def _value(match: re.Match[str]) -> float:
    """The value of a field; nan if it says so.

    >>> _value(_FIELD.fullmatch("da7F85F3Fu")), _value(_FIELD.fullmatch("ba48D503Dp,10,288"))
    (-0.499905, -5.7847747e-05)
    """
    if match[2] is None:
        return float("nan")
    return float(f"{int(match[2], 16) - _OFFSET}e{_EXPONENTS[match[3]]}")


def _flags(match: re.Match[str]) -> int:
    """The flags of a field: its status, and a gap where it is not a number."""
    found = int(Flag.GAP) if match[2] is None else 0
    for metadata in match[4].split(","):
        if len(metadata) == 2 and metadata[0] == "1":
            status = int(metadata[1], 16)
            found |= sum(int(flag) for bit, flag in _STATUS.items() if status & bit)
            if status & _OVERLOAD:
                found |= int(Flag.POTENTIAL_OVERLOAD if match[1] in _POTENTIALS else Flag.CURRENT_OVERLOAD)
    return found
