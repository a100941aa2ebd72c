"""Serves simulated instruments to other processes: one pseudo-terminal each, and a control port.

One thread does everything. Time is a `ScaledClock`, so a client that uses the same speed sees a
laboratory that is that much faster. The instruments live on when a client dies or goes away: that
is what tests of killed runners need.

The control port is TCP on the loopback interface and takes one JSON object per line::

    {"ask": "status"}   ->  {"speed": 100.0, "lab_time": 12.3, "resources": {"cell": "/dev/pts/3"},
                             "cells": {"cell": {"on": false}}, "lines": {"cell": {"late": ..., ...}}}
    {"ask": "stop"}     ->  {"stopping": true}
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from luggin.clock import ScaledClock
from luggin.errors import NotSupported
from luggin_sim import bench
from luggin_sim.wire import Wire, WireLog

#: Longest time (host s) until a request to stop is seen.
_PATIENCE = 0.1
#: What an instrument keeps for a client that does not read; then whole chunks are lost, and counted.
_LARGEST_BACKLOG = 1 << 20
_LONGEST_REQUEST = 1 << 16
_CHUNK = 1 << 16


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
        announce: called once with ``speed``, ``resources`` (name -> device), ``control`` (host and
            port) and ``logs`` (name -> file) as soon as clients can connect.
        stop: asked at least ten times a second.

    Raises:
        NotSupported: this operating system has no pseudo-terminals.
        ProtocolError: the tables have mistakes.
    """
    stations = bench.stations(tables)
    if not hasattr(os, "openpty"):
        raise NotSupported(
            "this operating system has no pseudo-terminals, so simulated instruments cannot be served to other "
            "programs; run the protocol on its simulated bench in this process instead (resource sim://...)"
        )
    clock = ScaledClock(speed)
    if log_folder is not None:
        log_folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        terminals = {}
        for name, station in stations.items():
            path = log_folder / f"{name}.jsonl" if log_folder is not None else None
            terminals[name] = _Terminal(station.wire, clock, WireLog(path), path)
            stack.callback(terminals[name].close)
        server = _Server(terminals, clock)
        stack.callback(server.close)
        announce(server.announcement())
        server.run(stop)


class _Terminal:
    """One instrument behind one pseudo-terminal."""

    def __init__(self, wire: Wire, clock: ScaledClock, log: WireLog, log_path: Path | None) -> None:
        import tty

        self._wire, self._clock, self._log = wire, clock, log
        self.log_path = log_path
        self._backlog = bytearray()
        self._lost = 0
        self._late = 0.0
        self._master, self._slave = os.openpty()
        # The slave side stays open here: without it, reading fails as soon as a client goes away.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.device = os.ttyname(self._slave)

    def fileno(self) -> int:
        """The server's side."""
        return self._master

    @property
    def wants_to_write(self) -> bool:
        """True while the client has not taken everything."""
        return bool(self._backlog)

    def due(self) -> float | None:
        """Lab time at which there is something to send."""
        return self._wire.next_due(self._clock.now())

    def receive(self) -> None:
        """Hand what the client wrote to the instrument."""
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return
        now = self._clock.now()
        self._log.add(now, ">", data)
        self._wire.feed(data, now)

    def send(self) -> None:
        """Pass on what the instrument has sent by now, as far as the client takes it."""
        now = self._clock.now()
        due = self._wire.next_due(now)
        if due is not None and due <= now:
            self._late = max(self._late, now - due)
            data = self._wire.take(now)
            if len(self._backlog) + len(data) > _LARGEST_BACKLOG:
                self._lost += len(data)
            else:
                self._backlog += data
        if self._backlog:
            try:
                written = os.write(self._master, self._backlog[:_CHUNK])
            except BlockingIOError:
                return
            self._log.add(now, "<", bytes(self._backlog[:written]))
            del self._backlog[:written]

    def cell_is_on(self) -> bool:
        """True if the cell circuit is closed now."""
        return self._wire.cell_is_on(self._clock.now())

    def statistics(self) -> dict[str, float]:
        """Largest lateness (lab s), bytes that wait for the client, bytes lost, bytes over the line."""
        return {"late": self._late, "waiting": len(self._backlog), "lost": self._lost, **self._log.statistics()}

    def close(self) -> None:
        """Hang up."""
        os.close(self._master)
        os.close(self._slave)
        self._log.close()


class _Control:
    """One client of the control port."""

    def __init__(self, connection: socket.socket, answer: Callable[[Any], dict[str, Any]]) -> None:
        self._connection, self._answer = connection, answer
        self._buffer = bytearray()
        connection.settimeout(_PATIENCE)

    def fileno(self) -> int:
        """The connection."""
        return self._connection.fileno()

    def receive(self) -> bool:
        """Answer what was asked; False when the client is gone."""
        try:
            data = self._connection.recv(_CHUNK)
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


def _request(line: bytes) -> Any:
    try:
        request = json.loads(line)
    except ValueError:
        return None
    return request.get("ask") if isinstance(request, dict) else None


class _Server:
    """Waits for bytes, questions and due times, and passes them on."""

    def __init__(self, terminals: Mapping[str, _Terminal], clock: ScaledClock) -> None:
        self._terminals, self._clock = terminals, clock
        self._door = socket.create_server(("127.0.0.1", 0))
        self._controls: list[_Control] = []
        self._asked_to_stop = False

    def announcement(self) -> dict[str, Any]:
        """Where everything is."""
        host, port = self._door.getsockname()[:2]
        return {
            "speed": self._clock.speed,
            "resources": self._resources(),
            "control": {"host": host, "port": port},
            "logs": {n: str(t.log_path) for n, t in self._terminals.items() if t.log_path is not None},
        }

    def run(self, stop: Callable[[], bool]) -> None:
        """Serve until somebody asks to stop."""
        while not (self._asked_to_stop or stop()):
            terminals = list(self._terminals.values())
            readers: list[_Terminal | _Control | socket.socket] = [*terminals, *self._controls, self._door]
            writers = [terminal for terminal in terminals if terminal.wants_to_write]
            ready, _, _ = select.select(readers, writers, [], self._time_left())
            for terminal in terminals:
                if terminal in ready:
                    terminal.receive()
                terminal.send()
            for control in [control for control in self._controls if control in ready]:
                if not control.receive():
                    self._controls.remove(control)
                    control.close()
            if self._door in ready:
                self._controls.append(_Control(self._door.accept()[0], self._answer))

    def _time_left(self) -> float:
        """Host seconds until the next line is due, at most `_PATIENCE`."""
        due = min((d for t in self._terminals.values() if (d := t.due()) is not None), default=None)
        if due is None:
            return _PATIENCE
        return min(max(0.0, (due - self._clock.now()) / self._clock.speed), _PATIENCE)

    def _answer(self, asked: Any) -> dict[str, Any]:
        if asked == "status":
            return {
                "speed": self._clock.speed,
                "lab_time": self._clock.now(),
                "resources": self._resources(),
                "cells": {name: {"on": terminal.cell_is_on()} for name, terminal in self._terminals.items()},
                "lines": {name: terminal.statistics() for name, terminal in self._terminals.items()},
            }
        if asked == "stop":
            self._asked_to_stop = True
            return {"stopping": True}
        return {"error": 'ask for "status" or "stop", one JSON object per line'}

    def _resources(self) -> dict[str, str]:
        return {name: terminal.device for name, terminal in self._terminals.items()}

    def close(self) -> None:
        """Hang up on everybody."""
        for control in self._controls:
            control.close()
        self._door.close()
