"""The bench, open: its time, its lines, its instruments, and their way back to safety."""

from __future__ import annotations

import getpass
import json
import logging
import os
import re
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from luggin.capabilities import measures
from luggin.clock import Clock, RealClock, ScaledClock, VirtualClock
from luggin.engine.reconnecting import Reconnecting
from luggin.engine.stepping import with_stepping
from luggin.errors import LineLost, LugginError, NoInstrument, UnsafeState, UsageError
from luggin.transport import LineOwnership

if TYPE_CHECKING:
    from luggin.bench import Bench
    from luggin.capabilities import Device, Identity, MeasuringInstrument
    from luggin.hookspecs import Lab
    from luggin.plugins import Plugins
    from luggin.transport import Transport

log = logging.getLogger(__name__)

_SERIAL_NAME = re.compile(r"ASRL(?P<port>.+?)(?:::INSTR)?", re.IGNORECASE)
_VISA_NAME = re.compile(r"(?P<bus>TCPIP|GPIB|USB|VXI|PXI)(?P<board>\d*)::(?P<rest>.+)", re.IGNORECASE)


class BenchSession:
    """An open bench. Opening makes every instrument safe first; leaving makes it safe again.

    Args:
        bench: the bench file.
        plugins: where drivers and simulators come from.
        purpose: what for, told to others who want the same instrument.
        shared: virtual time that other sessions of this process live in too; its own if not given.

    Raises:
        NoInstrument, LineInUse: an instrument does not answer, or somebody else has it.
        UsageError: real and simulated instruments are mixed, or a driver is unknown.
        UnsafeState: a cell could not be verified to be off.
    """

    def __init__(self, bench: Bench, plugins: Plugins, purpose: str, shared: VirtualClock | None = None) -> None:
        self.bench = bench
        self.lab: Lab | None = None
        self.instruments: dict[str, Device] = {}
        #: The drivers as they were made, without stepped techniques: what they declare is theirs.
        self.devices: dict[str, Device] = {}
        self.identities: dict[str, Identity] = {}
        self.made_safe: dict[str, str] = {}
        #: Called with a role whose line was opened anew.
        self.opened: Callable[[str], None] = _nobody_listens
        #: Brings back lines that broke.
        self.reconnecting = Reconnecting(self)
        self._plugins = plugins
        self._ownerships: list[LineOwnership] = []
        self.clock = self._choose_clock(shared)
        try:
            self._open(plugins, purpose)
        except BaseException:
            self._close_lines()
            raise

    @property
    def simulated(self) -> bool:
        """True if no real instrument is on the bench."""
        return all(self.bench.is_simulated(role) for role in self.bench.roles)

    @property
    def speed(self) -> float | None:
        """Lab seconds per second; None for virtual time."""
        return None if self.clock.virtual else self.clock.speed

    def _choose_clock(self, shared: VirtualClock | None) -> Clock:
        in_process = [r for r in self.bench.roles.values() if r.resource.startswith("sim://")]
        if in_process and len(in_process) < len(self.bench.roles):
            real = ", ".join(n for n, r in self.bench.roles.items() if not r.resource.startswith("sim://"))
            raise UsageError(
                f"{self._name}: simulated instruments in virtual time cannot share a bench with {real}, which runs in "
                "real time. Serve the simulated ones with `luggin sim`, or simulate all of them."
            )
        if in_process:
            return shared or VirtualClock()
        if self.bench.simulator:
            return ScaledClock(self._served_speed(self.bench.simulator))
        return RealClock()

    def _served_speed(self, address: str) -> float:
        """Speed of the running simulator; every resource of the bench must be one of its own."""
        status = ask_simulator(address, {"ask": "status"})
        served = {canonical(str(name)) for name in dict(status["resources"]).values()}
        foreign = [r.resource for r in self.bench.roles.values() if canonical(r.resource) not in served]
        if foreign:
            raise UsageError(
                f"{self._name}: {', '.join(foreign)} is not served by the simulator at {address}, so its time cannot "
                f"be trusted. It serves {', '.join(sorted(served))}."
            )
        return float(status["speed"])

    @property
    def _name(self) -> str:
        return str(self.bench.path) if self.bench.path else "built-in bench"

    def _open(self, plugins: Plugins, purpose: str) -> None:
        from luggin.engine.latch import lines_of, require_unlatched

        if self.bench.path is not None:
            plugins.add_bench_plugin(Path(self.bench.path).parent)
        if isinstance(self.clock, VirtualClock):
            self.lab = plugins.simulator().open_lab(self.bench.simulated_tables, self.clock)
        if self.lab is None:
            for role in self.bench.roles.values():
                self._own(role.resource, purpose)
            require_unlatched(lines_of(self.bench))
        for role in self.bench.roles.values():
            self.open_line(role.name)
            try:
                self.identities[role.name] = self.identify(role.name)
            except LugginError as error:
                if isinstance(error, NoInstrument):
                    raise
                if isinstance(error, LineLost):
                    raise NoInstrument(
                        f"{role.name}: {error}, before the instrument said who it is. Is another program connected to "
                        "it? Many instruments talk to one at a time."
                    ) from error
                raise NoInstrument(
                    f"{role.name} ({role.resource}): no answer that {role.driver} understands: {error}. "
                    "Check the cable, the power and the resource in the bench file."
                ) from error
        self.make_safe()

    def identify(self, role: str) -> Identity:
        """Who answers on the line of a role: by its driver, or by a plugin that knows what the driver does not.

        Raises:
            NoInstrument: nobody, or somebody whom neither knows.
        """
        try:
            return self.instruments[role].identify()
        except NoInstrument as stranger:
            known = self._plugins.identify(self.line(role), stranger.answer) if stranger.answer else None
            if known is None:
                raise
            return known

    def open_line(self, role: str) -> None:
        """Open the line of a role and make its driver on it; nothing is sent.

        Raises:
            NoInstrument, LineInUse: it cannot be opened.
        """
        wired = self.bench.roles[role]
        driver = self._plugins.driver(wired.driver)
        settings: dict[str, Any] = dict(driver.line_settings(wired.settings))
        if self.lab is not None:
            settings["url"] = self._simulated_url(role, wired.resource)
        transport = self._plugins.open_transport(wired.resource, self.clock, settings)
        try:
            created = driver.create(transport, self.clock, role, wired.settings)
        except BaseException:
            transport.close()
            raise
        # From here on, whatever fails, this line is closed with the others.
        self.devices[role] = created
        self.instruments[role] = with_stepping(created, self.clock)
        self.opened(role)

    def line(self, role: str) -> Transport:
        """The open line of a role."""
        transport: Transport = self.devices[role].transport  # type: ignore[attr-defined]
        return transport

    def close_line(self, role: str) -> None:
        """Close the line of a role; it stays this process's own. Sends nothing."""
        self.instruments[role].close()

    def _simulated_url(self, role: str, resource: str) -> str:
        name = resource.removeprefix("sim://")
        if self.lab is None or name not in self.lab.names:
            known = ", ".join(self.lab.names) if self.lab else "none"
            raise UsageError(
                f"{self._name}: instruments.{role}.resource is {resource!r}, but there is no [simulated.{name}] table "
                f"(there is: {known})"
            )
        return self.lab.url(name)

    def _own(self, resource: str, purpose: str) -> None:
        from luggin.engine.guarding import own_line

        owned = own_line(canonical(resource), user=getpass.getuser(), purpose=purpose, clock=RealClock())
        self._ownerships.append(owned)

    def device(self, role: str | None) -> Device:
        """Whatever has a role; the only instrument, or ``cell``, where no role is said.

        Raises:
            UsageError: there is no such role, or none is said and it is not clear which is meant.
        """
        return self.instruments[self.role(role)]

    def instrument(self, role: str | None) -> MeasuringInstrument:
        """As `device`, for techniques.

        Raises:
            UsageError: as `device`, or the instrument of this role runs no techniques.
        """
        found = self.device(role)
        if not measures(found):
            can = ", ".join(name for name, other in self.instruments.items() if measures(other)) or "none"
            raise UsageError(f"{self.role(role)} runs no techniques on a cell; of this bench {can} does")
        return found

    def role(self, said: str | None) -> str:
        """The role that a step means: the only one that measures, or ``cell``, where none is said.

        Raises:
            UsageError: there is no such role.
        """
        measuring = [name for name, instrument in self.instruments.items() if measures(instrument)]
        only = measuring or list(self.instruments)
        role = said or (only[0] if len(only) == 1 else "cell")
        if role not in self.instruments:
            raise UsageError(f"{self._name} has no role {role!r}; it has {', '.join(self.instruments)}")
        return role

    def make_safe(self) -> Mapping[str, str]:
        """Open every cell and verify it. All are tried, whatever happens to one of them.

        Raises:
            UnsafeState: at least one could not be verified; the message names each.
        """
        failures: list[str] = []
        for name, instrument in self.instruments.items():
            try:
                self.made_safe[name] = instrument.make_safe()
            except LugginError as error:
                log.error("%s could not be made safe: %s", name, error)
                failures.append(f"{name}: {error}")
        if failures:
            raise UnsafeState(
                "LOOK AT THE CELL: it may still be on. "
                + "; ".join(failures)
                + ". Switch the instrument off or disconnect the cell."
            )
        return self.made_safe

    def close(self) -> None:
        """Make safe, then give all lines back.

        Raises:
            UnsafeState: a cell could not be verified to be off (the lines are closed all the same).
        """
        try:
            self.make_safe()
        finally:
            self._close_lines()

    def give_up(self) -> None:
        """Give the lines back without a word on them: somebody else makes their instruments safe."""
        self._close_lines()

    def _close_lines(self) -> None:
        for instrument in self.instruments.values():
            instrument.close()
        if self.lab is not None:
            self.lab.close()
        for ownership in self._ownerships:
            ownership.release()


def _nobody_listens(role: str) -> None:
    """What is called until somebody wants to know of lines that were opened anew."""


def canonical(resource: str) -> str:
    """One name for one line, however a bench file writes it.

    >>> canonical("tcpip::192.168.0.20::5025::socket"), canonical("ASRL5::INSTR")
    ('TCPIP0::192.168.0.20::5025::SOCKET', 'COM5')
    """
    if serial := _SERIAL_NAME.fullmatch(resource):
        port = serial["port"]
        resource = f"COM{port}" if port.isdigit() else port
    elif visa := _VISA_NAME.fullmatch(resource):
        return f"{visa['bus'].upper()}{visa['board'] or 0}::{visa['rest'].upper()}"
    return os.path.realpath(resource) if os.path.exists(resource) else resource


def ask_simulator(address: str, question: Mapping[str, Any]) -> dict[str, Any]:
    """One question to the control port of ``luggin sim`` (``tcp://127.0.0.1:PORT``).

    Raises:
        NoInstrument: nobody answers there.
        UsageError: the address is not one on this computer.
    """
    parts = urlsplit(address)
    if parts.scheme != "tcp" or parts.hostname not in ("127.0.0.1", "localhost", "::1") or not parts.port:
        raise UsageError(f'simulator = {address!r}: write "tcp://127.0.0.1:PORT" as `luggin sim` printed it')
    try:
        with socket.create_connection((parts.hostname, parts.port), timeout=5.0) as connection:
            connection.sendall(json.dumps(question).encode() + b"\n")
            with connection.makefile("rb") as answers:
                return dict(json.loads(answers.readline(1 << 20)))
    except (OSError, ValueError) as error:
        raise NoInstrument(
            f"the simulator at {address} does not answer ({error}). Start it with `luggin sim BENCH` and use the bench "
            "file that it prints."
        ) from error
