"""``sim://<lab>/<instrument>`` for pyserial: a serial port in this process.

A blocking read is a wait on the lab clock, so that streams, latency, baud rate and timeouts cost no
time of the computer on a virtual clock. ``timeout`` is therefore in lab seconds.
"""

from __future__ import annotations

from typing import Any

from serial.serialutil import PortNotOpenError, SerialBase, SerialException

from luggin.clock import Cancel
from luggin_sim.ports import line as lines

_PROTOCOL_HANDLERS = "luggin_sim.ports.handlers"
_FOREVER = float("inf")


def install() -> None:
    """Tell pyserial where ``sim://`` is understood."""
    import serial

    if _PROTOCOL_HANDLERS not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(_PROTOCOL_HANDLERS)


class Serial(SerialBase):  # type: ignore[misc]  # pyserial has no types
    """A port with pyserial's interface, and `read_available` for whoever has a lab clock."""

    is_open: bool

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self._line: lines.SimulatedLine | None = None
        self._plug = 0
        self._buffer = bytearray()
        super().__init__(*arguments, **settings)

    def open(self) -> None:
        """Open the port that ``port`` names.

        Raises:
            SerialException: there is none, or somebody has it open.
        """
        if self.is_open:
            raise SerialException("the port is open already")
        address = self.portstr
        line = lines.find(address)
        if line is None:
            raise SerialException(f"could not open port {address}: no such simulated instrument")
        try:
            plug = line.take_hold()
        except lines.LineClosed as error:
            raise SerialException(f"could not open port {address}: {error}") from error
        if plug is None:
            raise SerialException(f"Could not exclusively lock port {address}: it is open already")
        self._line, self._plug = line, plug
        self._buffer.clear()
        self.is_open = True

    def close(self) -> None:
        """Give the port back."""
        if self._line is not None:
            self._line.let_go(self._plug)
            self._line = None
        self.is_open = False

    def read_available(self, until: float, cancel: Cancel | None) -> bytes:
        """Whatever arrives first; nothing at ``until`` (lab time) or when ``cancel`` is set before."""
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            return data
        return self._receive(until, *(() if cancel is None else (cancel,)))

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""
        self._buffer += self._receive(float("-inf"))
        return len(self._buffer)

    def read(self, size: int = 1) -> bytes:
        """``size`` bytes, or fewer when the timeout (lab s) is over."""
        line = self._open_line()
        until = _FOREVER if self._timeout is None else line.clock.now() + self._timeout
        while len(self._buffer) < size:
            data = self._receive(until)
            if not data:
                break
            self._buffer += data
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def write(self, data: Any) -> int:
        """Send bytes; they arrive at once."""
        line = self._open_line()
        sent = bytes(data)
        try:
            line.write(self._plug, sent)
        except lines.LineClosed as error:
            raise SerialException(f"write failed: {error}") from error
        return len(sent)

    def flush(self) -> None:
        """Nothing waits on this side."""
        self._open_line()

    def reset_input_buffer(self) -> None:
        """Throw away what arrived."""
        self._receive(float("-inf"))
        self._buffer.clear()

    def reset_output_buffer(self) -> None:
        """Nothing waits on this side."""
        self._open_line()

    def _open_line(self) -> lines.SimulatedLine:
        if self._line is None:
            raise PortNotOpenError()
        return self._line

    def _receive(self, until: float, *cancels: Cancel) -> bytes:
        try:
            return self._open_line().read(self._plug, until, *cancels)
        except lines.LineClosed as error:
            raise SerialException(f"read failed: {error}") from error

    # A wire without baud rate or handshake lines: settings and control lines change nothing.
    def _reconfigure_port(self) -> None:
        pass

    def _update_dtr_state(self) -> None:
        pass

    def _update_rts_state(self) -> None:
        pass

    def _update_break_state(self) -> None:
        pass
