"""Reader of text files of CH Instruments potentiostats (CHI600, CHI700, CHI1000 ...).

A file is a date, the name of the technique, lines ``File:``, ``Data Source:``, ``Instrument Model:``,
``Header:``, ``Note:``, settings as ``Init E (V) = 0.5``, perhaps the results of the program's own
peak search, a line with the names of the columns (``Potential/V, Current/A``) and one line per point.

Signs: the program counts cathodic current positive unless its user chose otherwise, and the file does
not say which. The current is turned round once, here, and the table says so; if the loop then runs
the wrong way, the analysis refuses it. A voltammogram has no times: they are counted from the
potentials and the scan rate of the header. Written from descriptions; no real file was at hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin_plugins.readers.points import Layout, read_points
from luggin_plugins.readers.sweep_times import REMARK, needs_times, times_of_sweep
from luggin_plugins.readers.textfile import TextFile, listed, number, read_text, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from luggin.results import Table

TECHNIQUES = {
    "Cyclic Voltammetry": "cv",
    "Linear Sweep Voltammetry": "lsv",
    "Amperometric i-t Curve": "ca",
    "Open Circuit Potential - Time": "ocp",
    "Differential Pulse Voltammetry": "dpv",
    "Square Wave Voltammetry": "swv",
}
"""What the program calls a technique, and what Luggin calls it. Others are refused by name."""

TURNED = "the convention of CH Instruments (cathodic current positive)"
_COLUMNS = {"Potential/V": ("potential", "V"), "Time/sec": ("time", "s"), "Time/s": ("time", "s")}
# One current, the difference of a pulse, or one for each channel.
_CURRENT = re.compile(r"(Current|i\(d\)|i(?P<channel>[1-9]))/A")
_NEEDED = {"ocp": ("time", "potential"), "ca": ("time", "current")}
_SETTING = re.compile(r"([^=]{1,60}?)\s*=\s*(.{0,200})")


def read_chi(path: Path) -> tuple[Table, ...]:
    """The measurement in SI units, anodic current positive: one table for each channel.

    A last line that is torn is left out; the table is then not ``complete``, nor is it when the rows
    end before the last segment does.

    Raises:
        FileFormatError: the file is empty, foreign, damaged, too large, or of a technique that this
            reader does not know; the message names file, line, what was found and what was expected.
    """
    return _Reading(read_text(path)).tables()


class _Reading:
    """One pass over one file."""

    def __init__(self, file: TextFile) -> None:
        self.file = file
        self.entries: dict[str, str] = {}
        self.notes: list[str] = []

    def tables(self) -> tuple[Table, ...]:
        """Read everything and put it together."""
        technique = self._technique()
        names_at = self._names_at()
        self._read_header(self.file.lines[:names_at])
        names = _cells(self.file.lines[names_at])
        columns, currents = self._columns(names, technique, names_at + 1)
        rows, cut = read_points(self.file, names_at + 1, Layout(_cells, len(names), range(len(names)), names))
        counted: tuple[str, ...] = ()
        shared = {name: rows[:, place] for name, place in columns.items()}
        if needs_times(technique, shared):
            rate = self._rate()
            shared = {"time": times_of_sweep(shared["potential"], rate), **shared}
            counted = (REMARK.format(rate=1e3 * rate),)
        cut += self._missing(technique, shared)
        return tuple(
            self._table(technique, shared, rows, current, (*cut, *counted), complete=not cut)
            for current in currents or (None,)
        )

    def _technique(self) -> str:
        name = self.file.lines[1].strip() if len(self.file.lines) > 1 else ""
        if name not in TECHNIQUES:
            self.file.fail(f"the technique is {shown(name)}; this reader knows {', '.join(TECHNIQUES)}", 2)
        return TECHNIQUES[name]

    def _names_at(self) -> int:
        """The position of the line with the names of the columns."""
        for position, line in enumerate(self.file.lines):
            cells = _cells(line)
            if len(cells) > 1 and all(re.fullmatch(r"[^\s/]{1,20}/[A-Za-z]{1,6}", cell) for cell in cells):
                return position
        self.file.fail("there is no line with the names of the columns, such as 'Potential/V, Current/A'")

    def _read_header(self, header: Sequence[str]) -> None:
        """Keep what the header says: entries, settings, and what the user noted."""
        self.entries["Date"], self.entries["Technique"] = (text.strip() for text in header[:2])
        noting = False
        for line in header[2:]:
            if line.strip() in ("Results:", "Segment 1:", "Channel 1:"):
                break  # the program's own peaks: no data
            setting = _SETTING.fullmatch(line.strip())
            key, colon, value = line.partition(":")
            if setting is not None and not noting:
                self.entries[setting[1].strip()] = setting[2].strip()
            elif colon and key in ("File", "Data Source", "Instrument Model", "Header", "Note"):
                noting = key == "Note"
                if value.strip() and noting:
                    self.notes.append(value.strip())
                elif value.strip():
                    self.entries[key] = value.strip()
            elif not line.strip():
                noting = False
            elif noting:
                self.notes.append(line.strip())

    def _columns(self, names: Sequence[str], technique: str, line: int) -> tuple[dict[str, int], list[tuple[int, str]]]:
        """Where our columns stand, and where each current stands with its channel."""
        found = {_COLUMNS[name][0]: place for place, name in enumerate(names) if name in _COLUMNS}
        currents = [
            (place, match["channel"] or "") for place, name in enumerate(names) if (match := _CURRENT.fullmatch(name))
        ]
        present = {*found, *(["current"] if currents else [])}
        for wanted in _NEEDED.get(technique, ("potential", "current")):
            if wanted not in present:
                self.file.fail(f"there is no column of the {wanted}; found {listed(names)}", line)
        return found, currents if technique != "ocp" else []

    def _setting(self, name: str) -> float | None:
        """A number of the settings; None if the header does not have it, or it is none."""
        return number(self.entries.get(name, ""))

    def _rate(self) -> float:
        rate = self._setting("Scan Rate (V/s)")
        if rate is None or not 1e-9 < rate < 1e7:
            self.file.fail("the header has no 'Scan Rate (V/s) = ' with a number, from which the times follow")
        return rate

    def _missing(self, technique: str, columns: dict[str, NDArray[np.float64]]) -> tuple[str, ...]:
        """A remark if a cyclic voltammogram ends within a segment."""
        import numpy as np

        segments, step = self._setting("Segment"), self._setting("Sample Interval (V)")
        ends = [self._setting(f"{name} E (V)") for name in ("Init", "High", "Low", "Final")]
        known = [end for end in ends if end is not None]
        if technique != "cv" or not segments or not step or not known:
            return ()
        moves = np.sign(np.diff(columns["potential"]))
        moves = moves[moves != 0]
        done = 1 + int(np.count_nonzero(np.diff(moves)))
        last = float(columns["potential"][-1])
        if done >= segments and min(abs(last - end) for end in known) < 1.5 * abs(step):
            return ()
        return (f"the rows end at {last:.3f} V in segment {done} of {segments:.0f}",)

    def _table(
        self,
        technique: str,
        shared: dict[str, NDArray[np.float64]],
        rows: NDArray[np.float64],
        current: tuple[int, str] | None,
        remarks: tuple[str, ...],
        complete: bool,
    ) -> Table:
        from luggin.results import Table

        columns, label = dict(shared), self.file.path.name
        parameters: dict[str, Any] = self._parameters(technique)
        if current is not None:
            place, channel = current
            columns["current"] = -rows[:, place]
            label += f", channel {channel}" if channel else ""
            parameters["current_turned"] = TURNED
            remarks = (f"current turned round by {TURNED}", *remarks)
        if remarks:
            parameters["remarks"] = remarks
        units = {"time": "s", "potential": "V", "current": "A"}
        return Table(
            technique=technique,
            columns=columns,
            units={name: units[name] for name in columns},
            parameters=parameters | {"notes": tuple(self.notes), "file": dict(self.entries)},
            label=label,
            complete=complete,
            source=str(self.file.path),
        )

    def _parameters(self, technique: str) -> dict[str, Any]:
        """Begin, vertices, end (V vs ref), rate (V/s) and step (V) of a voltammogram where the header has them."""
        if technique not in ("cv", "lsv", "dpv", "swv"):
            return {}
        high, low = self._setting("High E (V)"), self._setting("Low E (V)")
        first = self.entries.get("Init P/N", "").strip().upper()[:1]
        found: dict[str, Any] = {
            "begin": self._setting("Init E (V)"),
            "end": self._setting("Final E (V)"),
            "rate": self._setting("Scan Rate (V/s)"),
            "step": self._setting("Sample Interval (V)" if technique in ("cv", "lsv") else "Incr E (V)"),
        }
        if technique == "cv" and high is not None and low is not None and first in ("P", "N"):
            found["vertices"] = (high, low) if first == "P" else (low, high)
        return {name: value for name, value in found.items() if value is not None}


def _cells(line: str) -> list[str]:
    """The cells of a line, between which commas, tabs or blanks stand."""
    return [cell for cell in re.split(r"[,;\t ]+", line.strip()) if cell]
