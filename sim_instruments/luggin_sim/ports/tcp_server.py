"""Simulated instruments on TCP ports of this computer, as instruments with a network socket have one."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from pathlib import Path

from luggin.clock import ScaledClock
from luggin_sim.ports.served import CHUNK, ServedLine
from luggin_sim.wire import Wire, WireLog

#: How often a client that does not stop talking is listened to before the others have their turn.
_TURNS = 16


class TcpPort(ServedLine):
    """One instrument behind one port. It has one client at a time; a second one is hung up on at once.

    The instrument does not notice whether anybody is connected. What it says to nobody is lost; what
    it says later, after the next client has come, goes to that one.
    """

    def __init__(self, wire: Wire, clock: ScaledClock, log: WireLog, log_path: Path | None) -> None:
        super().__init__(wire, clock, log, log_path)
        self._door = _door(0)
        self._door.listen()
        self._client: socket.socket | None = None
        self._selector: selectors.BaseSelector | None = None

    @property
    def resource(self) -> str:
        """VISA name of the port."""
        host, port = self._door.getsockname()[:2]
        return f"TCPIP0::{host}::{port}::SOCKET"

    @property
    def has_client(self) -> bool:
        """True while somebody is connected."""
        return self._client is not None

    def watch(self, selector: selectors.BaseSelector) -> None:
        """Watch for clients; each is watched while it is there."""
        self._selector = selector
        self._watch_the_door()

    def _watch_the_door(self) -> None:
        if self._selector is not None:
            self._selector.register(self._door, selectors.EVENT_READ, self._welcome)

    def _welcome(self) -> None:
        try:
            client, _ = self._door.accept()
        except BlockingIOError:  # it has gone before it was let in
            return
        self._serve()  # the last client may have said something and hung up, and nobody has looked yet
        if self._client is not None or self._selector is None:
            client.close()
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        self._selector.register(client, selectors.EVENT_READ, self._serve)

    def _serve(self) -> None:
        for _ in range(_TURNS):
            if self._client is None:
                return
            try:
                data = self._client.recv(CHUNK)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if data:
                self.receive(data)
            else:
                self._hang_up()
        self.send()

    def _deliver(self, data: bytes) -> int:
        if self._client is None:
            return len(data)
        try:
            return self._client.send(data)
        except BlockingIOError:
            raise
        except OSError:
            self._hang_up()
            raise BlockingIOError from None

    def _watch_for_room(self, events: int) -> None:
        if self._client is not None and self._selector is not None:
            self._selector.modify(self._client, events, self._serve)

    def _hang_up(self) -> None:
        if self._client is not None:
            if self._selector is not None:
                self._selector.unregister(self._client)
            self._client.close()
            self._client = None
        self.forget_backlog()
        self.send()  # to nobody: what the client has asked for must not come to the next one

    def _break(self) -> None:
        """Hang up; nobody listens at the port any more, but nobody else gets it."""
        if self._client is not None:
            with contextlib.suppress(OSError):  # what was not read would make a reset of the farewell
                while self._client.recv(CHUNK):
                    pass
        self._hang_up()
        port = self._door.getsockname()[1]
        if self._selector is not None:
            self._selector.unregister(self._door)
        self._door.close()
        self._door = _door(port)

    def _mend(self) -> None:
        self._door.listen()
        self._watch_the_door()

    def close(self) -> None:
        """Hang up on the client and close the port. Nobody watches any more."""
        self._selector = None
        self._hang_up()
        self._door.close()
        self._log.close()


def _door(port: int) -> socket.socket:
    """A socket at a port of this computer (0: any that is free) that does not listen yet."""
    door = socket.socket()
    if os.name == "posix":  # where connections that are over would keep the port
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", port))
    door.setblocking(False)
    return door
