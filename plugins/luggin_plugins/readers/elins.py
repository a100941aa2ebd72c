"""Reader of text exports of Elins potentiostats (P-20X8, program ES8), in English and in Russian. Unconfirmed.

A block begins with ``Cycle 1`` and ``Step 1``, or with ``Цикл 1, Шаг 1``; lines ``key: value`` may
follow; a line names the columns with their units (``Время, с., Потенциал, В, Ток, А`` or ``Time (s)
Voltage (V) Current (A)``), and three numbers stand in every line of points. Russian files are in
Windows-1251 and have decimal commas.

Units are those of the line with the names; a unit that is not known is refused. The sign of the
current, and whether times go on from step to step, are not documented: what is done stands in the
remarks of the table. Written from what public programs expect of such files; no real file was at hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin_plugins.readers import delimited
from luggin_plugins.readers.endings import torn_line
from luggin_plugins.readers.mapping import SIGNS, Mapping, mapping_beside, read_mapping
from luggin_plugins.readers.textfile import TextFile, decoded, number, read_text, shown

if TYPE_CHECKING:
    from luggin.results import Table

UNCONFIRMED = "this reader was written without a real file of Elins: compare the numbers with the program's"
SIGN_REMARK = "current sign not stated by the file: taken as anodic positive"
QUANTITIES = {
    "время": "time",
    "time": "time",
    "потенциал": "potential",
    "potential": "potential",
    "напряжение": "potential",
    "voltage": "potential",
    "ток": "current",
    "current": "current",
}
UNITS: dict[str, dict[str, float]] = {
    "time": {"с": 1.0, "s": 1.0, "мин": 60.0, "min": 60.0, "ч": 3600.0, "h": 3600.0},
    "potential": {"В": 1.0, "V": 1.0, "мВ": 1e-3, "mV": 1e-3},
    "current": {
        "А": 1.0,
        "A": 1.0,
        "мА": 1e-3,
        "mA": 1e-3,
        "мкА": 1e-6,
        "uA": 1e-6,
        "µA": 1e-6,
        "нА": 1e-9,
        "nA": 1e-9,
    },
}
"""Factors to s, V and A; the Russian letters are Cyrillic. Any other unit is refused."""

WORK_MODES = {"вольтметр": "ocp", "гальваностат": "cp"}
_STEP = re.compile(r"(?:Цикл|Cycle)\s+(\d{1,6})(?:,\s*(?:Шаг|Step)\s+(\d{1,6}))?", re.IGNORECASE)
_ENGLISH_STEP = re.compile(r"Step\s+(\d{1,6})", re.IGNORECASE)
_NAMES = re.compile(r"(?:Время|Time)\s*[,(].*", re.IGNORECASE)
_ENGLISH_COLUMN = re.compile(r"([A-Za-z][A-Za-z ]{0,30}?)\s*\(([^()]{1,20})\)[\s,;]*")
_HEAD = re.compile(r"^(?:Цикл \d+, Шаг \d+|Cycle \d+[ \t]*\n+Step \d+)", re.MULTILINE)


def is_elins(path: Path, head: bytes) -> bool:
    """True if a cycle and a step are announced as the program announces them."""
    return _HEAD.search(decoded(head, "cp1251").replace("\r", "")) is not None


def read_elins(path: Path) -> tuple[Table, ...]:
    """The steps of a file in SI units: the sweeps of a voltammogram as one table, other steps one by one.

    Raises:
        FileFormatError: the file is empty, foreign, damaged or too large, has a unit that is not known,
            or does not say the technique, and neither does a mapping beside it.
    """
    return _Reading(read_text(path, "cp1251"), mapping_beside(path)).tables()


def read_elins_mapped(path: Path, mapping: Path) -> tuple[Table, ...]:
    """The same with a mapping by another name; one with columns is read as any table."""
    said = read_mapping(mapping)
    return delimited.read_by(path, said) if said.columns else _Reading(read_text(path, "cp1251"), said).tables()


@dataclass
class _Step:
    """One step while it is read; ``columns`` has the name and factor of each column."""

    cycle: int
    step: int
    line: int
    entries: dict[str, str] = field(default_factory=dict)
    columns: tuple[tuple[str, float], ...] = ()
    rows: list[list[float]] = field(default_factory=list)


class _Reading:
    """One pass over one file."""

    def __init__(self, file: TextFile, mapping: Mapping | None) -> None:
        self.file = file
        self.mapping = mapping or Mapping(file.path.with_suffix(".toml"), "")
        self.entries: dict[str, str] = {}
        self.steps: list[_Step] = []
        self.cut = ""
        self.points = False  # within a table of points

    def tables(self) -> tuple[Table, ...]:
        """Read everything and put it together."""
        for line, text in enumerate(self.file.lines, 1):
            if self.cut:
                break
            self._take(text.strip(), line)
        steps = [step for step in self.steps if step.rows]
        if not steps:
            self.file.fail("there is no step with points: nothing was measured, or the file is truncated")
        groups: list[tuple[str, list[_Step]]] = []
        for step in steps:
            technique = self._technique(step)
            if groups and technique == "cv" == groups[-1][0] and groups[-1][1][-1].columns == step.columns:
                groups[-1][1].append(step)
            else:
                groups.append((technique, [step]))
        last = len(groups)
        return tuple(self._table(technique, group, number, last) for number, (technique, group) in enumerate(groups, 1))

    def _take(self, text: str, line: int) -> None:
        """One line: the begin of a step, names, a point, or a word of the header."""
        begun, english = _STEP.fullmatch(text), _ENGLISH_STEP.fullmatch(text)
        if begun is not None:
            self.steps.append(_Step(int(begun[1]), int(begun[2] or 1), line))
            self.points = False
        elif english is not None and self.steps:
            self.steps[-1].step = int(english[1])
            if self.steps[-1].rows:
                self.steps.append(_Step(self.steps[-1].cycle, int(english[1]), line))
            self.points = False
        elif _NAMES.fullmatch(text):
            if not self.steps:
                self.file.fail("found a line with the names of columns before a cycle and a step", line)
            self.steps[-1].columns = self._columns(text, line)
            self.points = True
        elif self.points:
            self._point(text, line)
        elif len(text.split()) == 3 and all(_number(cell) is not None for cell in text.split()):
            self.file.fail("found a point where no table of points has begun: the file is damaged above", line)
        elif ":" in text:
            key, _, value = text.partition(":")
            (self.steps[-1].entries if self.steps else self.entries)[key.strip()] = value.strip()

    def _columns(self, text: str, line: int) -> tuple[tuple[str, float], ...]:
        """Names and units of ``Время, с., Потенциал, В, Ток, А`` or ``Time (s) Voltage (V) Current (A)``."""
        pairs = _ENGLISH_COLUMN.findall(text)
        if not pairs:
            words = [word.strip() for word in text.split(",")]
            pairs = list(zip(words[::2], words[1::2], strict=False)) if len(words) % 2 == 0 else []
        columns = []
        for name, unit in pairs:
            quantity = QUANTITIES.get(name.strip().lower())
            if quantity is None:
                self.file.fail(f"there is no column {shown(name)} that this reader knows", line)
            factor = UNITS[quantity].get(unit.strip().rstrip("."))
            if factor is None:
                known = ", ".join(UNITS[quantity])
                self.file.fail(f"{name.strip()} is in {shown(unit)}; this reader knows {known}", line)
            columns.append((quantity, factor))
        if sorted(quantity for quantity, _ in columns) != ["current", "potential", "time"]:
            self.file.fail(f"found {shown(text)}; expected time, potential and current with their units", line)
        return tuple(columns)

    def _point(self, text: str, line: int) -> None:
        """A line of a table of points; a line without a number at its beginning ends the table."""
        cells = text.split()
        values = [_number(cell) for cell in cells]
        read = [value for value in values if value is not None]
        torn = line == len(self.file.lines) and not self.file.whole
        step = self.steps[-1]
        if torn and (len(read) != 3 or len(cells) != 3 or self.file.lost_digits(line - 2, "")):
            self.cut = torn_line(line)
        elif not cells or (values[0] is None and not text[0].isdigit()):
            self.points = False
        elif len(cells) != 3 or len(read) != 3:
            self.file.fail(f"found {shown(text)}; expected three numbers: the file is damaged here", line)
        else:
            step.rows.append([value * factor for value, (_, factor) in zip(read, step.columns, strict=True)])

    def _technique(self, step: _Step) -> str:
        """What a mapping says, or the work mode; a potentiostat that moves its potential does voltammetry."""
        if self.mapping.technique:
            return self.mapping.technique
        entries = {**self.entries, **step.entries}
        mode = next((v for k, v in entries.items() if k.lower() in ("тип работы", "work mode")), "").lower()
        if mode in WORK_MODES:
            return WORK_MODES[mode]
        if mode.startswith(("потенциостат", "potentiostat")):
            place = [name for name, _ in step.columns].index("potential")
            values = [row[place] for row in step.rows]
            return "cv" if max(values) - min(values) > 0.05 else "ca"
        self.file.fail(
            "it does not say the technique; write it into "
            f'{self.mapping.path.name} beside it, or into another file for --map: technique = "cv"',
            step.line,
        )

    def _table(self, technique: str, steps: Sequence[_Step], number: int, count: int) -> Table:
        import numpy as np

        from luggin.results import Table

        times, continued = _one_after_the_other([np.array(step.rows, dtype=np.float64) for step in steps], steps)
        names = [name for name, _ in steps[0].columns]
        columns: dict[str, Any] = {name: times[:, place] for place, name in enumerate(names)}
        columns["current"] = columns["current"] * (self.mapping.current_sign or 1.0)
        if technique == "cv":
            columns["cycle"] = np.array([max(s.cycle, 1) for s in steps for _ in s.rows], dtype=np.int32)
        columns["sequence"] = np.array([s.step for s in steps for _ in s.rows], dtype=np.int32)
        cut = self.cut if number == count else ""
        parameters = self._parameters(steps[0], [*([cut] if cut else []), *continued])
        units = {"time": "s", "potential": "V", "current": "A", "cycle": "1", "sequence": "1"}
        return Table(
            technique=technique,
            columns=columns,
            units={name: units[name] for name in columns},
            parameters=parameters,
            sample=self.mapping.sample,
            label=self.file.path.name if count == 1 else f"{self.file.path.name}, part {number}",
            complete=not cut,
            source=str(self.file.path),
        )

    def _parameters(self, step: _Step, remarks: Sequence[str]) -> dict[str, Any]:
        parameters = self.mapping.parameters()
        mapping = parameters.pop("mapping")
        said = [UNCONFIRMED]
        if self.mapping.current_sign is None:
            said.append(SIGN_REMARK)
        elif self.mapping.current_sign == SIGNS["reduction"]:
            parameters["current_turned"] = delimited.TURNED
            said.append(f"current turned round by {delimited.TURNED}")
        comment = {**self.entries, **step.entries}.get("Комментарий пользователя", "")
        parameters["notes"] = (*([comment] if comment else []), *parameters.get("notes", ()))
        parameters["remarks"] = (*said, *remarks)
        parameters["file"] = {**self.entries, **step.entries, **({"mapping": mapping} if mapping else {})}
        return parameters


def _one_after_the_other(parts: Sequence[Any], steps: Sequence[_Step]) -> tuple[Any, list[str]]:
    """The rows of all steps; a step whose times begin anew goes on from the one before, and that is said."""
    import numpy as np

    at = [name for name, _ in steps[0].columns].index("time")
    remarks: list[str] = []
    for before, part in pairwise(parts):
        if part[0, at] < before[-1, at]:
            part[:, at] += before[-1, at]
            remarks = ["the times of the steps begin anew: each was counted on from the end of the one before"]
    return np.concatenate(parts), remarks


def _number(text: str) -> float | None:
    """A number with a decimal point or a decimal comma."""
    return number(text, ",") if "," in text else number(text)
