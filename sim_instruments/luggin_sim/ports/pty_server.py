"""Serves simulated instruments to other processes: pseudo-terminals, TCP ports, and a control port.

An instrument with a VISA name (but a serial one) is served on a TCP port, every other one on a
pseudo-terminal. One thread does everything. Time is a `ScaledClock`, so a client that uses the same speed sees a
laboratory that is that much faster. The instruments live on when a client dies or goes away: that
is what tests of killed runners need.

The control port is TCP on the loopback interface and takes one JSON object per line::

    {"ask": "status"}   ->  {"speed": 100.0, "lab_time": 12.3, "resources": {"cell": ".../cell"},
                             "cells": {"cell": {"on": false}}, "lines": {"cell": {"late": ..., ...}},
                             "plugged": {"cell": true}}
    {"ask": "fault", "instrument": "cell", "kind": "stall", "for": "5 s"}   ->  {"fault": "stall"}
    {"ask": "clear", "instrument": "cell", "kind": "stall"}                 ->  {"cleared": "stall"}
    {"ask": "stop"}     ->  {"stopping": true}

A fault is written as in a bench file (`luggin_sim.faults`); ``clear`` without a kind ends all of the
instrument's faults. What cannot be done is answered with ``{"error": "..."}``.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from luggin.clock import ScaledClock
from luggin.errors import NotSupported
from luggin_sim import bench
from luggin_sim.faults import KINDS, read_fault
from luggin_sim.ports.served import CHUNK, ServedLine
from luggin_sim.ports.tcp_server import TcpPort
from luggin_sim.wire import Wire, WireLog

#: Longest time (host s) until a request to stop is seen.
_PATIENCE = 0.1
_LONGEST_REQUEST = 1 << 16


def serve(
    tables: Mapping[str, Any],
    speed: float,
    log_folder: Path | None,
    announce: Callable[[Mapping[str, Any]], None],
    stop: Callable[[], bool],
) -> None:
    """Serve the laboratory of ``tables`` until ``stop()`` is true or the control port is asked to stop.

    Args:
        tables: the ``[simulated]`` part of a bench file.
        speed: lab seconds per second.
        log_folder: where ``<name>.jsonl`` records what went over each line; nowhere if None.
        announce: called once with ``speed``, ``resources`` (name -> device or VISA name), ``control`` (host and
            port) and ``logs`` (name -> file) as soon as clients can connect.
        stop: asked at least ten times a second.

    Raises:
        NotSupported: this operating system has no pseudo-terminals, and an instrument needs one.
        ProtocolError: the tables have mistakes.
    """
    stations = bench.stations(tables)
    on_terminals = [name for name, station in stations.items() if not _is_on_tcp(station)]
    if on_terminals and not hasattr(os, "openpty"):
        raise NotSupported(
            f"this operating system has no pseudo-terminals, so {', '.join(on_terminals)} cannot be served to other "
            "programs; run the protocol on its simulated bench in this process instead (resource sim://...)"
        )
    clock = ScaledClock(speed)
    if log_folder is not None:
        log_folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        served: dict[str, ServedLine] = {}
        links = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="luggin-sim-")))
        for name, station in stations.items():
            path = log_folder / f"{name}.jsonl" if log_folder is not None else None
            kind = TcpPort if _is_on_tcp(station) else partial(_Terminal, links / name)
            served[name] = kind(station.wire, clock, WireLog(path), path)
            stack.callback(served[name].close)
        server = _Server(served, clock)
        stack.callback(server.close)
        announce(server.announcement())
        server.run(stop)


def _is_on_tcp(station: bench.Station) -> bool:
    return bool(station.address) and not station.address.startswith("ASRL")


class _Terminal(ServedLine):
    """One instrument behind one pseudo-terminal.

    The client opens ``link``, which stays the name when the terminal is another one after an unplugging,
    as ``/dev/serial/by-id`` does for real ports.
    """

    def __init__(self, link: Path, wire: Wire, clock: ScaledClock, log: WireLog, log_path: Path | None) -> None:
        super().__init__(wire, clock, log, log_path)
        self._link = link
        self._selector: selectors.BaseSelector | None = None
        self._mend()

    @property
    def resource(self) -> str:
        """The name that the client opens."""
        return str(self._link)

    def watch(self, selector: selectors.BaseSelector) -> None:
        """Watch what the client writes."""
        self._selector = selector
        selector.register(self._master, selectors.EVENT_READ, self._serve)

    def _mend(self) -> None:
        import tty

        self._master, self._slave = os.openpty()
        # The slave side stays open here: without it, reading fails as soon as a client goes away.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._link.symlink_to(os.ttyname(self._slave))
        if self._selector is not None:
            self.watch(self._selector)

    def _break(self) -> None:
        if self._selector is not None:
            self._selector.unregister(self._master)
        self._hang_up()

    def _hang_up(self) -> None:
        self._link.unlink()
        os.close(self._master)
        os.close(self._slave)

    def _serve(self) -> None:
        try:
            data = os.read(self._master, CHUNK)
        except BlockingIOError:  # there is only room to write
            data = b""
        if data:
            self.receive(data)
        self.send()

    def _deliver(self, data: bytes) -> int:
        return os.write(self._master, data)

    def _watch_for_room(self, events: int) -> None:
        if self._selector is not None:
            self._selector.modify(self._master, events, self._serve)

    def close(self) -> None:
        """Hang up."""
        if not self._is_broken:
            self._hang_up()
        self._log.close()


class _Control:
    """One client of the control port."""

    def __init__(self, connection: socket.socket, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._connection, self._answer = connection, answer
        self._buffer = bytearray()
        connection.settimeout(_PATIENCE)

    def fileno(self) -> int:
        """The connection."""
        return self._connection.fileno()

    def receive(self) -> bool:
        """Answer what was asked; False when the client is gone."""
        try:
            data = self._connection.recv(CHUNK)
            self._buffer += data
            while (end := self._buffer.find(b"\n")) >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                self._connection.sendall(json.dumps(self._answer(_request(line))).encode("ascii") + b"\n")
        except OSError:
            return False
        return bool(data) and len(self._buffer) <= _LONGEST_REQUEST

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def _request(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


class _Server:
    """Waits for bytes, questions and due times, and passes them on."""

    def __init__(self, lines: Mapping[str, ServedLine], clock: ScaledClock) -> None:
        self._lines, self._clock = lines, clock
        self._door = socket.create_server(("127.0.0.1", 0))
        # select() and not epoll: its timeout is in microseconds, and at speed 100 a millisecond is a tenth of a second.
        self._selector = selectors.SelectSelector()
        self._selector.register(self._door, selectors.EVENT_READ, self._welcome)
        self._controls: set[_Control] = set()
        self._asked_to_stop = False
        for line in lines.values():
            line.watch(self._selector)

    def announcement(self) -> dict[str, Any]:
        """Where everything is."""
        host, port = self._door.getsockname()[:2]
        return {
            "speed": self._clock.speed,
            "resources": self._resources(),
            "control": {"host": host, "port": port},
            "logs": {name: str(line.log_path) for name, line in self._lines.items() if line.log_path is not None},
        }

    def run(self, stop: Callable[[], bool]) -> None:
        """Serve until somebody asks to stop."""
        lines = list(self._lines.values())
        while not (self._asked_to_stop or stop()):
            for key, _ in self._selector.select(self._time_left()):
                key.data()
            now = self._clock.now()
            for line in lines:
                if line.due <= now:
                    line.send()

    def _time_left(self) -> float:
        """Host seconds until the next line is due, at most `_PATIENCE`."""
        due = min((line.due for line in self._lines.values()), default=float("inf"))
        return min(max(0.0, (due - self._clock.now()) / self._clock.speed), _PATIENCE)

    def _welcome(self) -> None:
        control = _Control(self._door.accept()[0], self._answer)
        self._controls.add(control)
        self._selector.register(control, selectors.EVENT_READ, lambda: self._attend(control))

    def _attend(self, control: _Control) -> None:
        if not control.receive():
            self._selector.unregister(control)
            self._controls.remove(control)
            control.close()

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        asked = request.get("ask")
        if asked in ("fault", "clear"):
            return self._meddle(request)
        if asked == "status":
            return {
                "speed": self._clock.speed,
                "lab_time": self._clock.now(),
                "resources": self._resources(),
                "cells": {name: {"on": line.cell_is_on()} for name, line in self._lines.items()},
                "lines": {name: line.statistics() for name, line in self._lines.items()},
                "plugged": {name: line.is_plugged for name, line in self._lines.items()},
            }
        if asked == "stop":
            self._asked_to_stop = True
            return {"stopping": True}
        return {"error": 'ask for "status", "fault", "clear" or "stop", one JSON object per line'}

    def _meddle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put a fault in or end one, and say so, or why not."""
        name, kind = request.get("instrument"), request.get("kind")
        if not isinstance(name, str) or name not in self._lines:
            return {"error": f"there is no instrument {name!r}; there are {', '.join(self._lines)}"}
        if request["ask"] == "clear":
            if kind is not None and not (isinstance(kind, str) and kind in KINDS):
                return {"error": f"there is no fault {kind!r}; there are {', '.join(KINDS)}"}
            self._lines[name].clear_faults(kind)
            return {"cleared": kind}
        told = {key: value for key, value in request.items() if key not in ("ask", "instrument")}
        fault, problems = read_fault(told, "fault")
        if fault is None:
            return {"error": "; ".join(f"{each.path}: {each.message} {each.hint}".rstrip() for each in problems)}
        try:
            self._lines[name].inject(fault)
        except ValueError as error:
            return {"error": str(error)}
        return {"fault": kind}

    def _resources(self) -> dict[str, str]:
        return {name: line.resource for name, line in self._lines.items()}

    def close(self) -> None:
        """Hang up on everybody."""
        for control in self._controls:
            control.close()
        self._selector.close()
        self._door.close()
