"""Bench files: which instruments there are, how they are reached, and in what state they are left.

::

    title = "CV cell, room 2"

    [instruments.cell]                        # the role: protocols say on = "cell", which is the default
    driver = "palmsens.methodscript"
    resource = "/dev/ttyUSB0"                 # or COM3, or sim://NAME with a table [simulated.NAME]
    settings = {model = "emstat4-hr"}         # what the driver wants to know

All mistakes are reported together, with lines. The ``[simulated]`` tables and the settings are
checked by those who use them: the simulated laboratory and the driver.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from luggin.documents import Document, KeyPath, did_you_mean, load_toml, read_toml, shown
from luggin.errors import Problem, ProtocolError, UsageError

FORMAT = 1
"""The number of the bench format that this version reads."""

SIMULATED = "sim://"
"""Resources of this kind are instruments that are simulated in this process."""

_CELL_OFF = "cell off"
_BENCH_KEYS = ("format", "title", "simulator", "instruments", "simulated")
_ROLE_KEYS = ("driver", "resource", "settings", "on_exit")
_ROLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_LEFT = re.compile(r"hold|stop|[-+]?\d{1,3}(\.\d{1,2})? ?(degC|°C|K)")
_SIMULATOR = re.compile(r"tcp://(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}")


@dataclass(frozen=True)
class Role:
    """One instrument of a bench.

    Attributes:
        name: the role by which protocols call it.
        driver: id of the driver.
        resource: where it is.
        settings: for the driver, as written; with ``on_exit`` where that is for the driver to do.
        on_exit: the state in which it is left, however a run ends, as written.
    """

    name: str
    driver: str
    resource: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    on_exit: str = _CELL_OFF


@dataclass(frozen=True)
class Bench:
    """A valid bench file. ``path`` is None for text, ``simulator`` the control port of a running ``luggin sim``."""

    title: str
    roles: Mapping[str, Role]
    document: Document = field(repr=False)
    simulated_tables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    simulator: str | None = None
    path: Path | None = None

    @property
    def text(self) -> str:
        """The text of the file."""
        return self.document.text

    @property
    def sha256(self) -> str:
        """The digest of the text, hexadecimal."""
        return self.document.sha256

    def is_simulated(self, role: str) -> bool:
        """True if the role's instrument is simulated: in this process, or by the bench's simulator."""
        return self.roles[role].resource.startswith(SIMULATED) or self.simulator is not None

    def located(self, problems: Sequence[Problem]) -> list[Problem]:
        """Problems that others found in parts of this file (``simulated.cell.model``), with their lines."""
        return [
            problem if problem.line is not None else replace(problem, line=self.document.line(_place(problem.path)))
            for problem in problems
        ]


def load_bench(
    path: Path | str | None = None,
    *,
    text: str | bytes | None = None,
    drivers: Collection[str] | None = None,
    name: str = "bench",
) -> Bench:
    """Read a bench from a file, or from ``text``, which is called ``name`` in messages.

    Args:
        path: the file.
        text: TOML, instead of a file.
        drivers: ids of the drivers that are installed; None leaves driver ids unchecked.
        name: what messages call the text.

    Raises:
        ProtocolError: with all mistakes of the file.
    """
    if (path is None) == (text is None):
        raise UsageError("load_bench needs either the path of a bench file or its text")
    document = load_toml(text, name) if text is not None else read_toml(Path(str(path)))
    reading = _Reading(document, drivers)
    bench = reading.bench(None if path is None else Path(path))
    if reading.problems:
        raise ProtocolError(document.name, sorted(reading.problems, key=lambda problem: problem.line or 0))
    return bench


class _Reading:
    """Reads a bench file and collects what is wrong with it."""

    def __init__(self, document: Document, drivers: Collection[str] | None) -> None:
        self._document = document
        self._drivers = drivers
        self.problems: list[Problem] = []

    def _wrong(self, place: KeyPath, message: str, hint: str = "") -> None:
        path = ".".join(str(part) for part in place)
        self.problems.append(Problem(message, path, self._document.line(place), hint))

    def bench(self, path: Path | None) -> Bench:
        data = self._document.data
        number = data.get("format", FORMAT)
        if type(number) is not int or number < 1:
            self._wrong(("format",), f"this must be the number of the file format, {FORMAT}.")
        elif number > FORMAT:
            message = f"this file has format {number}; this version of Luggin reads formats up to {FORMAT}."
            raise ProtocolError(
                self._document.name, [Problem(message, "format", self._document.line(("format",)), "Update Luggin.")]
            )
        self._known_keys(data, (), _BENCH_KEYS)
        simulated = self._table(data, ("simulated",))
        roles = self._roles(simulated)
        return Bench(
            title=self._text(data, ("title",)) or "",
            roles=MappingProxyType(roles),
            document=self._document,
            simulated_tables=simulated,
            simulator=self._simulator(data, roles),
            path=path,
        )

    def _roles(self, simulated: Mapping[str, Any]) -> dict[str, Role]:
        tables = self._table(self._document.data, ("instruments",))
        if not tables and not self.problems:
            hint = 'Write [instruments.cell] with driver = "..." and resource = "...".'
            self._wrong(("instruments",), "there is no instrument on this bench.", hint)
        roles = {name: self._role(name) for name in tables}
        taken: dict[str, str] = {}
        for role in roles.values():
            place = ("instruments", role.name, "resource")
            if role.resource in taken:
                message = f'"{role.resource}" is taken by {taken[role.resource]} already.'
                self._wrong(place, message, "Each instrument has a line of its own.")
            elif role.resource:
                taken[role.resource] = f"instruments.{role.name}"
            station = role.resource.removeprefix(SIMULATED)
            if role.resource.startswith(SIMULATED) and station not in simulated:
                there_are = (
                    f"There are {', '.join(simulated)}." if simulated else f"Write a table [simulated.{station}]."
                )
                self._wrong(place, f"there is no [simulated.{station}].", did_you_mean(station, simulated) or there_are)
        return roles

    def _role(self, name: str) -> Role:
        place = ("instruments", name)
        if not _ROLE_NAME.fullmatch(name):
            self._wrong(place, f"`{name[:80]}` cannot be a role.", "A role is a letter, then letters, digits, - or _.")
        table = self._table(self._document.data["instruments"], place)
        self._known_keys(table, place, _ROLE_KEYS)
        on_exit = self._on_exit(table, place)
        settings = self._table(table, (*place, "settings"))
        return Role(
            name,
            self._driver(table, place),
            self._text(table, (*place, "resource"), "sim://cell", "where the instrument is") or "",
            settings if on_exit == _CELL_OFF else {**settings, "on_exit": on_exit},
            on_exit,
        )

    def _on_exit(self, table: Mapping[str, Any], place: KeyPath) -> str:
        """How an instrument is left. Without a cell that is a temperature, or what else its driver knows."""
        on_exit = table.get("on_exit", _CELL_OFF)
        if on_exit == _CELL_OFF or (isinstance(on_exit, str) and _LEFT.fullmatch(on_exit)):
            return str(on_exit)
        self._wrong(
            (*place, "on_exit"),
            f"{shown(on_exit)} is not a state in which an instrument can be left.",
            'Write "cell off" (the cell circuit is opened, however a run ends), or for a temperature controller '
            '"hold", "stop" or a temperature such as "25 degC".',
        )
        return _CELL_OFF

    def _driver(self, table: Mapping[str, Any], place: KeyPath) -> str:
        example = min(self._drivers, default="palmsens.methodscript") if self._drivers else "palmsens.methodscript"
        driver = self._text(table, (*place, "driver"), example, "which driver speaks with the instrument") or ""
        if driver and self._drivers is not None and driver not in self._drivers:
            installed = f"Installed are {', '.join(sorted(self._drivers))}." if self._drivers else "None is installed."
            hint = f"{did_you_mean(driver, self._drivers)} {installed}".strip()
            self._wrong((*place, "driver"), f"there is no driver `{driver[:80]}`.", hint)
        return driver

    def _simulator(self, data: Mapping[str, Any], roles: Mapping[str, Role]) -> str | None:
        address = self._text(data, ("simulator",))
        if address is not None and not _SIMULATOR.fullmatch(address):
            message = f'"{address}" is not the control port of a simulator on this computer.'
            self._wrong(("simulator",), message, 'Write "tcp://127.0.0.1:PORT" as `luggin sim` printed it.')
        inside = [role.name for role in roles.values() if role.resource.startswith(SIMULATED)]
        if address is not None and inside:
            message = f"a bench with a running simulator has no {SIMULATED} resources; {', '.join(inside)} has one."
            self._wrong(("simulator",), message, "Use the bench file that `luggin sim` writes.")
        return address

    def _known_keys(self, table: Mapping[str, Any], place: KeyPath, known: Sequence[str]) -> None:
        for key in table:
            if key == "limits":
                message = "limits belong to the cell, not to the instrument."
                self._wrong((*place, key), message, "Write them into the protocol.")
            elif key not in known:
                hint = did_you_mean(key, known) or f"Allowed are {', '.join(known)}."
                self._wrong((*place, key), f"there is no key `{key[:80]}` here.", hint)

    def _table(self, data: Mapping[str, Any], place: KeyPath) -> Mapping[str, Any]:
        value = data.get(str(place[-1]), {})
        if isinstance(value, Mapping):
            return value
        self._wrong(place, f"this must be a table; found {shown(value)}.")
        return {}

    def _text(self, data: Mapping[str, Any], place: KeyPath, example: str = "", what: str = "") -> str | None:
        """A text of one line; with an ``example`` it is required."""
        key = str(place[-1])
        value = data.get(key)
        if value is None and example:
            self._wrong(place[:-1], f"`{key}` is missing: {what}.", f'Write for example {key} = "{example}".')
        elif value is not None and not (isinstance(value, str) and value.strip() and value.isprintable()):
            self._wrong(place, f"this must be a text in quotes, in one line; found {shown(value)}.")
        else:
            return value
        return None


def _place(path: str) -> KeyPath:
    """``simulated.cell.couples[2].rate`` as the place in the data, positions from 1, as in all messages."""
    return tuple(
        int(part[1:-1]) - 1 if part.startswith("[") else part for part in re.findall(r"\[\d+\]|[^.\[\]]+", path)
    )
