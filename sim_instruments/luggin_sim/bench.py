"""Opens simulated laboratories from the ``[simulated]`` tables of bench files.

::

    [simulated.cell]                        # the instrument behind sim://cell
    dialect = "palmsens.methodscript"       # the language that it speaks
    model = "emstat4-hr"
    latency = "1 ms"                        # from the instrument to the computer
    baud = 230400                           # only for real serial lines
    address = "GPIB0::18::INSTR"            # a VISA name; without one it is on a serial port
    options = {staircase = true}            # rules of the dialect
    faults = [{kind = "stall", at = "12 s", for = "5 s"}]   # what goes wrong: `luggin_sim.faults`
    [simulated.cell.cell]                   # what hangs on its leads
    kind = "redox"
    chamber = "oven"                        # in whose chamber it stands
    ...
    [simulated.oven]
    dialect = "julabo.circulator"
    model = "cf31"
    [simulated.oven.chamber]                # what an instrument that tempers holds
    sample_lag = "5 min"
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib.resources
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luggin import units
from luggin.clock import Clock
from luggin.errors import Problem, ProtocolError, UnitError
from luggin_sim.cells import Cell, Chamber, Tempered, cell_from_table, chamber_from_table, read_cell, read_chamber
from luggin_sim.cells.faulty import FaultyCell
from luggin_sim.dialects import DIALECTS, TEMPERING, Dialect
from luggin_sim.dialects.in_chamber import InChamber
from luggin_sim.faults import FaultInjector, read_faults
from luggin_sim.ports import line as lines
from luggin_sim.ports import messages
from luggin_sim.ports.serial_port import install
from luggin_sim.wire import Wire, WireLog

_ROOT = "simulated"
_KEYS = ("dialect", "model", "latency", "baud", "address", "options", "cell", "chamber", "faults")
_LONGEST_LATENCY = 60.0
_BAUD_RATES = (1200, 12_000_000)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Station:
    """One simulated instrument with what it holds, ready to be put on a port: a VISA name, or a serial one."""

    wire: Wire
    cell: Cell | Chamber
    address: str = ""


class Lab:
    """An open simulated laboratory in this process. `open_lab` makes it."""

    def __init__(self, stations: Mapping[str, Station], clock: Clock) -> None:
        install()
        self._token = f"lab{next(_numbers)}"
        self._stations = dict(stations)
        self._lines = {name: self._connected(name, station, clock) for name, station in stations.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the instruments, as in ``sim://name``."""
        return tuple(self._stations)

    def url(self, name: str) -> str:
        """What `luggin.transport.open_line` opens for ``sim://name``: a serial port, or a VISA library and name."""
        station = self._stations.get(name)
        address = station.address if station is not None else ""
        return f"visa://{self._token}@luggin/{address}" if address else f"{lines.PREFIX}{self._token}/{name}"

    def cell_is_on(self, name: str) -> bool:
        """True while the instrument's cell circuit is closed."""
        return self._lines[name].cell_is_on()

    def truth(self, name: str) -> Mapping[str, Any]:
        """The true parameters of the instrument's cell (V, A, cm, mol/cm3, ohm, F, K) or chamber (K, W, s)."""
        return dataclasses.asdict(self._stations[name].cell.truth)

    def log(self, name: str) -> WireLog:
        """What went over the instrument's line."""
        return self._lines[name].log

    def faults(self, name: str) -> FaultInjector:
        """What can be made to go wrong with an instrument and its line, and what has: see `luggin_sim.faults`."""
        return FaultInjector(self._lines[name])

    def swap(self, one: str, other: str) -> None:
        """Unplug two instruments and plug each in where the other was, as USB ports may be numbered anew.

        Whoever opens one's name has the other on the line then. Everything that is asked of this
        laboratory by name still means the instrument itself.

        Raises:
            ValueError: one is on a serial port and the other has a VISA name.
        """
        there = [self._stations[name].address for name in (one, other)]
        if all(there):
            messages.swap(self._token, *there)
        elif not any(there):
            lines.swap(self.url(one), self.url(other))
        else:
            raise ValueError(f"the plugs of {one} and {other} do not fit: a serial port and a VISA name")

    def close(self) -> None:
        """Forget the ports; whoever has one open is told that its line broke."""
        messages.disconnect(self._token)
        for name, station in self._stations.items():
            if not station.address:
                lines.disconnect(self.url(name))

    def _connected(self, name: str, station: Station, clock: Clock) -> lines.SimulatedLine:
        """The station's line, open to whoever knows its name."""
        if isinstance(station.wire, messages.MessageWire):
            is_stream = station.address.startswith("ASRL") or station.address.endswith("SOCKET")
            line = messages.MessageLine(station.wire, clock, WireLog(), messages=not is_stream)
            messages.connect(self._token, station.address, line)
            return line
        serial = lines.SimulatedLine(station.wire, clock, WireLog())
        lines.connect(self.url(name), serial)
        return serial

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check(tables: Mapping[str, Any]) -> list[Problem]:
    """All mistakes in the tables, with paths such as ``simulated.cell.model``."""
    problems: list[Problem] = []
    for name, table in tables.items():
        path = f"{_ROOT}.{name}"
        if isinstance(table, Mapping):
            problems += _check_instrument(table, path)
        else:
            problems.append(Problem("a simulated instrument is a table", path))
    return problems + _check_addresses(tables) + _check_places(tables)


def _check_places(tables: Mapping[str, Any]) -> list[Problem]:
    """Cells that shall stand in a chamber that is not there, or that do not depend on its temperature."""
    problems: list[Problem] = []
    chambers = [name for name, table in tables.items() if isinstance(table, Mapping) and _tempers(table)]
    for name, table in tables.items():
        cell = table.get("cell") if isinstance(table, Mapping) else None
        if not isinstance(cell, Mapping) or "chamber" not in cell:
            continue
        path = f"{_ROOT}.{name}.cell"
        if cell["chamber"] not in chambers:
            there = f"There are: {', '.join(chambers)}." if chambers else "No instrument tempers a chamber here."
            problems.append(Problem(f"there is no chamber {cell['chamber']!r}.", f"{path}.chamber", hint=there))
        if cell.get("kind") != "redox":
            message = f"a cell of kind {cell.get('kind')!r} does not depend on temperature."
            problems.append(Problem(message, f"{path}.chamber", hint="Leave the chamber out."))
    return problems


def _tempers(table: Mapping[str, Any]) -> bool:
    return isinstance(table.get("dialect"), str) and table["dialect"] in TEMPERING


def _check_addresses(tables: Mapping[str, Any]) -> list[Problem]:
    """VISA names that cannot be read, or that two instruments have."""
    problems: list[Problem] = []
    owners: dict[str, str] = {}
    for name, table in tables.items():
        if not isinstance(table, Mapping) or "address" not in table:
            continue
        path = f"{_ROOT}.{name}.address"
        try:
            address = _address(table)
        except ValueError as error:
            problems.append(Problem(str(error), path, hint='Write for example "GPIB0::18::INSTR".'))
            continue
        if address in owners:
            problems.append(Problem(f"{address} is the address of {owners[address]!r} already", path))
        owners[address] = name
    return problems


def _address(table: Mapping[str, Any]) -> str:
    """The canonical VISA name, or nothing. ValueError if it is none that can be simulated."""
    if "address" not in table:
        return ""
    from luggin_sim.ports.visa_port import canonical  # PyVISA is loaded for benches that use it

    return canonical(str(table["address"]))


def _check_instrument(table: Mapping[str, Any], path: str) -> list[Problem]:
    problems = [_unknown("key", key, _KEYS, f"{path}.{key}") for key in table if key not in _KEYS]
    dialect = table.get("dialect")
    options = table.get("options", {})
    if not isinstance(options, Mapping):
        problems.append(Problem("options are a table", f"{path}.options"))
        options = {}
    if not isinstance(dialect, str) or dialect not in DIALECTS:
        problems.append(_unknown("dialect", dialect, DIALECTS, f"{path}.dialect"))
    else:
        found = DIALECTS[dialect].check(str(table.get("model", "")), options)
        problems += [dataclasses.replace(problem, path=f"{path}.{problem.path}") for problem in found]
    latency = 0.0
    try:
        latency = _latency(table)
    except UnitError as error:
        problems.append(Problem(str(error), f"{path}.latency"))
    problems += read_faults(table, path, latency)[1]
    baud = table.get("baud", _BAUD_RATES[0])
    if type(baud) is not int or not _BAUD_RATES[0] <= baud <= _BAUD_RATES[1]:
        low, high = _BAUD_RATES
        problems.append(Problem(f"{baud!r} is not a baud rate; allowed are {low} to {high}", f"{path}.baud"))
    return problems + _check_held(table, path)


def _check_held(table: Mapping[str, Any], path: str) -> list[Problem]:
    """What an instrument holds: a cell, or a chamber if it tempers."""
    held, other = ("chamber", "cell") if _tempers(table) else ("cell", "chamber")
    problems = [Problem(f"this instrument holds a {held}, no {other}", f"{path}.{other}")] if other in table else []
    content = table.get(held, {} if held == "chamber" else None)
    if not isinstance(content, Mapping):
        message = "which cell hangs on the leads?" if held == "cell" else "a chamber is a table"
        problems.append(Problem(message, f"{path}.{held}", hint='Write a table with "kind".' if held == "cell" else ""))
    elif held == "cell":
        problems += read_cell(_without_place(content), f"{path}.cell")[1]
    else:
        problems += read_chamber(content, f"{path}.chamber")[1]
    return problems


def _without_place(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in cell.items() if key != "chamber"}


def _unknown(what: str, value: Any, known: Any, path: str) -> Problem:
    close = difflib.get_close_matches(str(value), known, 1)
    hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known)}."
    return Problem(f"unknown {what} {value!r}" if value is not None else f"the {what} is missing", path, hint=hint)


def _latency(table: Mapping[str, Any]) -> float:
    latency = units.parse(table.get("latency", "0 s"), "s")
    if not 0.0 <= latency <= _LONGEST_LATENCY:
        raise UnitError(f"{latency:g} s is not a latency; allowed are 0 to {_LONGEST_LATENCY:g} s")
    return latency


def stations(tables: Mapping[str, Any]) -> dict[str, Station]:
    """Fresh instruments, cells and chambers.

    Raises:
        ProtocolError: the tables have mistakes; all of them are in it.
    """
    problems = check(tables)
    if problems:
        raise ProtocolError("simulated bench", problems)
    made = {}
    chambers = {name: chamber_from_table(t.get("chamber", {})) for name, t in tables.items() if _tempers(t)}
    for name, table in tables.items():
        made[name] = _station(name, table, chambers)
    return made


def _station(name: str, table: Mapping[str, Any], chambers: Mapping[str, Chamber]) -> Station:
    """An instrument with its line and what it holds."""
    held: Cell | Chamber
    if name in chambers:
        held, leads = chambers[name], None
    else:
        held = cell_from_table(_without_place(table["cell"]), "simulated bench", f"{_ROOT}.{name}.cell")
        leads = FaultyCell(held)

    def switch_on() -> Dialect:
        maker, options = DIALECTS[table["dialect"]], table.get("options", {})
        if leads is None:
            return TEMPERING[table["dialect"]].make(table["model"], options, chambers[name])
        dialect = maker.make(table["model"], options, leads)
        if "chamber" in table["cell"] and isinstance(held, Tempered):
            dialect = InChamber(dialect, held, chambers[table["cell"]["chamber"]])
        return dialect

    address, latency = _address(table), _latency(table)
    faults, _ = read_faults(table, f"{_ROOT}.{name}", latency)
    kind = messages.MessageWire if address else Wire
    wire = kind(switch_on(), latency, table.get("baud"), faults=faults, cell=leads, restart=switch_on)
    return Station(wire, held, address)


def open_lab(tables: Mapping[str, Any], clock: Clock) -> Lab:
    """A fresh laboratory in the time of ``clock``.

    Raises:
        ProtocolError: the tables have mistakes; all of them are in it.
    """
    return Lab(stations(tables), clock)


def default_bench_text() -> str:
    """The bench that is used where a protocol names none, as TOML."""
    return (importlib.resources.files("luggin_sim") / "benches" / "default.toml").read_text(encoding="utf-8")


def twin_table(driver_id: str, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """A simulated table that stands in for a real instrument in a rehearsal, with the default bench's cell.

    An instrument that tempers has a chamber with the usual values.
    """
    import tomllib

    if driver_id not in DIALECTS:
        return None
    if driver_id in TEMPERING:
        return _tempering_twin(driver_id, settings)
    table: dict[str, Any] = tomllib.loads(default_bench_text())["simulated"]["cell"]
    return {**table, "dialect": driver_id, "model": settings.get("model", DIALECTS[driver_id].usual_model)}


def _tempering_twin(driver_id: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    usual = DIALECTS[driver_id].usual_model
    named = str(settings.get("model", usual))
    model = usual if any(problem.path == "model" for problem in DIALECTS[driver_id].check(named, {})) else named
    options = {"address": settings["address"]} if "address" in settings else {}
    return {"dialect": driver_id, "model": model, "latency": "1 ms", "options": options, "chamber": {}}
