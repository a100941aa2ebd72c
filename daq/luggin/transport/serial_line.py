"""Serial lines through pyserial, and simulated ones (``sim://``) through the same code.

Reading is chunked: everything that waits is taken at once and split here. (Reading byte by byte,
as ``read_until`` does, is 50 to 70 times slower.)
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from luggin.clock import Cancel, Clock
from luggin.errors import LineInUse, LineLost, NoInstrument
from luggin.transport.base import SLICE, Transport

#: How pyserial says that somebody else has the port: its own lock (POSIX), Windows, the kernel.
_IN_USE = ("exclusively lock", "Access is denied", "PermissionError", "busy")
#: Pseudo-terminals (``luggin sim``) carry bytes, and refuse to be told of bits.
_PSEUDO_TERMINALS = ("/dev/pts/", "/dev/ttys")
#: pyserial's letters.
_PARITIES = {"none": "N", "even": "E", "odd": "O"}


class _SimulatedPort(Protocol):
    """What a ``sim://`` port offers beside pyserial's interface: a read that waits on the lab clock."""

    def read_available(self, until: float, cancel: Cancel | None) -> bytes: ...


class SerialTransport(Transport):
    """One serial port: ``/dev/ttyACM0``, ``COM5``, any pyserial URL, or ``sim://name``.

    Args:
        resource: name of the port.
        clock: the lab clock.
        url: what pyserial opens, if it differs from the name (simulated benches).
        baudrate: symbols per second.
        bytesize: data bits, 7 or 8.
        parity: ``"none"``, ``"even"`` or ``"odd"``.
        xonxoff, rtscts: flow control.
        terminator, timeout, ignore: as in `Transport`.

    Raises:
        NoInstrument: there is no such port.
        LineInUse: another program has it.
    """

    def __init__(
        self,
        resource: str,
        clock: Clock,
        *,
        url: str | None = None,
        baudrate: int = 115200,
        bytesize: Literal[7, 8] = 8,
        parity: Literal["none", "even", "odd"] = "none",
        xonxoff: bool = False,
        rtscts: bool = False,
        terminator: bytes = b"\n",
        timeout: float = 2.0,
        ignore: bytes = b"",
    ) -> None:
        super().__init__(resource, clock, terminator=terminator, timeout=timeout, ignore=ignore)
        line: dict[str, Any] = {"baudrate": baudrate, "bytesize": bytesize, "parity": _PARITIES[parity]}
        if os.path.realpath(url or resource).startswith(_PSEUDO_TERMINALS):
            line.update(bytesize=8, parity=_PARITIES["none"])
        self._port = _open(resource, url or resource, {**line, "xonxoff": xonxoff, "rtscts": rtscts})
        simulated = getattr(self._port, "read_available", None)
        self._simulated: _SimulatedPort | None = self._port if simulated is not None else None

    def _read_chunk(self, until: float, cancel: Cancel | None) -> bytes:
        if self._simulated is not None:
            arrived: bytes = self._guarded(self._simulated.read_available, until, cancel)
            return arrived
        while not (cancel is not None and cancel.is_set):
            left = (until - self.clock.now()) / self.clock.speed
            if left <= 0:
                waiting = self._guarded(lambda: self._port.in_waiting)
                rest: bytes = self._guarded(self._port.read, waiting) if waiting else b""
                return rest
            patience = min(left, SLICE)
            if patience != self._port.timeout:  # setting it makes pyserial configure the port anew
                self._guarded(setattr, self._port, "timeout", patience)
            data: bytes = self._guarded(self._port.read, 1)
            if data:
                waiting = self._guarded(lambda: self._port.in_waiting)
                return data + (self._guarded(self._port.read, waiting) if waiting else b"")
        return b""

    def _write(self, data: bytes) -> None:
        self._guarded(self._port.write, data)

    def _guarded(self, function: Any, *arguments: Any) -> Any:
        """Pyserial's family of exceptions becomes ours."""
        import serial

        try:
            return function(*arguments)
        except (serial.SerialException, OSError, TypeError) as error:
            # A closed port makes pyserial raise TypeError on its missing file descriptor.
            if isinstance(error, TypeError) and self._port.is_open:
                raise
            raise LineLost(f"{self.resource}: the line broke ({error})") from error

    def close(self) -> None:
        """Close the port; sends nothing."""
        self._port.close()


def _open(resource: str, url: str, line: Mapping[str, Any]) -> Any:
    import serial

    try:
        port = serial.serial_for_url(
            url,
            **line,
            timeout=SLICE,
            write_timeout=5.0,
            do_not_open=True,
        )
        if not url.startswith(("sim://", "socket://", "rfc2217://", "loop://")):
            port.exclusive = True
        port.open()
    except serial.SerialException as error:
        text = str(error)
        if any(sign in text for sign in _IN_USE):
            raise LineInUse(
                f"{resource}: the port is used by another program. Close PSTrace, a terminal or the other run, then "
                "try again."
            ) from error
        if error.errno == errno.EACCES:
            raise NoInstrument(
                f"{resource}: you are not allowed to open this port. On Linux serial ports belong to a group: "
                f"look it up with `ls -l {resource}`, have yourself added to it, and log in again."
            ) from error
        reason = os.strerror(error.errno) if error.errno else text  # pyserial's text has it twice
        raise NoInstrument(
            f"{resource}: there is no such port, or it cannot be opened ({reason}). Is the instrument plugged in and "
            "switched on?"
        ) from error
    except ValueError as error:
        raise NoInstrument(f"{resource}: not a serial port that can be opened ({error})") from error
    except _refusals() as error:
        raise NoInstrument(
            f"{resource}: the port does not take its settings ({error}): {line['baudrate']} baud, "
            f"{line['bytesize']} data bits, parity {line['parity']}. Not every adapter can do all of them."
        ) from error
    return port


def _refusals() -> tuple[type[Exception], ...]:
    """What the operating system raises for settings that a port cannot have, which is no OSError there."""
    try:
        import termios
    except ImportError:  # pragma: no cover - Windows says it in other ways
        return ()
    return (termios.error,)
