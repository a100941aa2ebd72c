"""Lines over plain TCP: instruments that take commands on a port, often 5025.

A socket of our own instead of a VISA library's: when the peer closes, pyvisa-py goes on reading
nothing at full speed until the timeout is over, while here the line is lost at once.
"""

from __future__ import annotations

import socket

from luggin.clock import Cancel, Clock
from luggin.errors import LineLost, NoInstrument
from luggin.transport.base import SLICE, Transport

#: Host seconds for connecting, and for the instrument to take what is written.
PATIENCE = 5.0
_CHUNK = 1 << 16


class SocketTransport(Transport):
    """One TCP connection.

    Args:
        resource: the name as the bench file has it.
        clock: the lab clock.
        host, port: where the instrument listens.
        terminator, timeout, ignore: as in `Transport`.

    Raises:
        NoInstrument: nobody listens there; the message says what to look at.
    """

    def __init__(
        self,
        resource: str,
        clock: Clock,
        *,
        host: str,
        port: int,
        terminator: bytes = b"\n",
        timeout: float = 2.0,
        ignore: bytes = b"",
    ) -> None:
        super().__init__(resource, clock, terminator=terminator, timeout=timeout, ignore=ignore)
        try:
            self._socket = socket.create_connection((host, port), timeout=PATIENCE)
        except (OSError, ValueError, OverflowError) as error:  # a bad name is a UnicodeError, a bad port an overflow
            raise _no_connection(resource, host, port, error) from error
        # A command is smaller than a packet: it must not wait for more to send.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._patience = SLICE
        self._socket.settimeout(SLICE)

    def _read_chunk(self, until: float, cancel: Cancel | None) -> bytes:
        while not (cancel is not None and cancel.is_set):
            left = (until - self.clock.now()) / self.clock.speed
            patience = min(max(left, 0.0), SLICE)
            try:
                self._be_patient(patience)
                data = self._socket.recv(_CHUNK)
            except (TimeoutError, BlockingIOError):
                if left <= 0:
                    return b""
                continue
            except OSError as error:
                raise self._lost(error) from error
            if not data:
                raise LineLost(f"{self.resource}: the instrument closed the connection")
            return data
        return b""

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        until = self.clock.now() + PATIENCE * self.clock.speed
        while rest:
            try:
                self._be_patient(SLICE)
                rest = rest[self._socket.send(rest) :]
            except (TimeoutError, BlockingIOError) as error:
                if self.clock.now() >= until:
                    raise LineLost(f"{self.resource}: the instrument takes no more commands") from error
            except OSError as error:
                raise self._lost(error) from error

    def _be_patient(self, seconds: float) -> None:
        if seconds != self._patience:  # setting it is a call to the operating system
            self._socket.settimeout(seconds)
            self._patience = seconds

    def _lost(self, error: OSError) -> LineLost:
        return LineLost(f"{self.resource}: the line broke ({error})")

    def close(self) -> None:
        """Close the connection; sends nothing."""
        self._socket.close()


def _no_connection(resource: str, host: str, port: int, error: Exception) -> NoInstrument:
    if isinstance(error, ConnectionRefusedError):
        why = (
            f"{host} is there, but nothing takes commands on port {port}. Is the port right, is the instrument's "
            "socket interface switched on, and is no other program connected to it?"
        )
    elif isinstance(error, socket.gaierror):
        why = f"nobody knows a computer or instrument called {host!r} ({error.strerror}). Is the name right?"
    elif isinstance(error, ValueError | OverflowError):
        why = f"{host!r} and port {port} are not an address ({error})"
    else:
        why = f"{host} does not answer ({error}). Is the address right, the instrument on, and in this network?"
    return NoInstrument(f"{resource}: {why}")
