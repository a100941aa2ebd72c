"""The VISA library ``<lab>@luggin``: the instruments of a simulated laboratory in this process, by VISA names.

It keeps pyvisa-sim's sessions with their attributes and answers the calls itself. A blocking read is
a wait on the lab clock, so timeouts are in lab time. What there is beyond pyvisa-sim: `clear`,
`flush`, `read_stb`, `assert_trigger`, `lock` and `unlock`, service requests by `wait_on_event` (queued;
handlers that are called back are not there), an error for a name that nobody has, and bytes that
survive a timeout. ``read_available`` is for whoever has a lab clock.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pyvisa import errors, rname
from pyvisa.constants import (
    VI_TMO_INFINITE,
    EventMechanism,
    EventType,
    InterfaceType,
    Lock,
    ResourceAttribute,
    SerialTermination,
    StatusCode,
)
from pyvisa_sim.highlevel import SimVisaLibrary
from pyvisa_sim.sessions.session import Session

from luggin.clock import Cancel
from luggin_sim.ports import messages
from luggin_sim.ports.line import LineClosed
from luggin_sim.ports.messages import MessageLine

_FOREVER = float("inf")
T = TypeVar("T")
#: Kinds of names that can be simulated: those for which pyvisa-sim has sessions.
KINDS = ("ASRL INSTR", "GPIB INSTR", "TCPIP INSTR", "TCPIP SOCKET", "USB INSTR", "USB RAW")


def canonical(address: str) -> str:
    """A VISA name in its full form, ``GPIB0::18::INSTR``.

    Raises:
        ValueError: not a VISA name, or of a kind that cannot be simulated.
    """
    parsed = rname.parse_resource_name(address)  # InvalidResourceName is a ValueError
    kind = f"{parsed.interface_type} {parsed.resource_class}"
    if kind not in KINDS:
        raise ValueError(f"{kind} cannot be simulated; there are {', '.join(KINDS)}")
    return str(parsed)


class _Ports(Mapping[str, "_Port"]):
    """What pyvisa-sim asks for instruments by name; looked up when asked."""

    def __init__(self, lab: str) -> None:
        self._lab = lab

    def __getitem__(self, name: str) -> _Port:
        line = (messages.lines_of(self._lab) or {})[name]
        try:
            return _Port(line, line.plug())
        except LineClosed as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        return iter(messages.lines_of(self._lab) or {})

    def __len__(self) -> int:
        return len(messages.lines_of(self._lab) or {})

    def list_resources(self) -> tuple[str, ...]:
        return tuple(self)


class _Port:
    """One session's view of a line: what has arrived and was not read yet."""

    def __init__(self, line: MessageLine, plug: int) -> None:
        self.line, self.plug = line, plug
        self.buffer = bytearray()
        self.ended = False
        self.service_enabled = False

    def forget(self) -> None:
        self.buffer.clear()
        self.ended = False

    def available(self, until: float, *cancels: Cancel) -> tuple[bytes, bool]:
        if self.buffer:
            data, ended = bytes(self.buffer), self.ended
            self.forget()
            return data, ended
        return self.line.read_message(self.plug, until, *cancels)

    def read(self, count: int, until: float, end_byte: bytes | None) -> tuple[bytes, StatusCode]:
        """A read as VISA defines it: ends with END, with the termination character, or with ``count`` bytes."""
        while True:
            end = self.buffer.find(end_byte, 0, count) if end_byte is not None else -1
            if end >= 0:
                return self._cut(end + 1), StatusCode.success_termination_character_read
            if self.ended and len(self.buffer) <= count:
                return self._cut(len(self.buffer)), StatusCode.success
            if len(self.buffer) >= count:
                return self._cut(count), StatusCode.success_max_count_read
            data, self.ended = self.line.read_message(self.plug, until)
            if not data:
                return b"", StatusCode.error_timeout
            self.buffer += data

    def _cut(self, count: int) -> bytes:
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        if not self.buffer:
            self.ended = False
        return data


class LugginVisaLibrary(SimVisaLibrary):  # type: ignore[misc]  # pyvisa-sim has no types
    """See the module."""

    def _init(self) -> None:
        self.sessions: dict[int, Any] = {}
        self._handles = itertools.count(1)
        lab = str(self.library_path)
        if messages.lines_of(lab) is None:
            raise OSError(f"there is no simulated laboratory {lab!r} in this process (any more)")
        self.devices = _Ports(lab)

    def _register(self, obj: Any) -> int:
        handle = next(self._handles)
        self.sessions[handle] = obj
        return handle

    def open(self, session: Any, resource_name: str, *arguments: Any, **settings: Any) -> tuple[Any, StatusCode]:
        """Open a session.

        Raises:
            VisaIOError: nobody has this name.
        """
        try:
            canonical(resource_name)
        except ValueError:
            self._status(None, StatusCode.error_invalid_resource_name)
        handle, status = super().open(session, resource_name, *arguments, **settings)
        return handle, self._status(handle or None, status)

    def close(self, session: Any) -> StatusCode:
        """Close a session; its locks are given back."""
        opened = self.sessions.get(session)
        if isinstance(opened, Session):
            opened.device.line.unlock(session)
        return self._status(None, super().close(session))

    # -- bytes
    def read(self, session: Any, count: int) -> tuple[bytes, StatusCode]:
        """As viRead. Bytes of a message that is not whole when the time is over stay for the next read."""
        opened, port = self._open_port(session)
        timeout = opened.get_attribute(ResourceAttribute.timeout_value)[0]
        end_byte = _termination(opened)
        data, status = self._live(session, lambda: port.read(count, self._until(port, timeout), end_byte))
        return data, self._status(session, status)

    def read_available(self, session: Any, until: float, cancel: Cancel | None) -> tuple[bytes, bool]:
        """Whatever arrives first, and whether it ends a message; nothing at ``until`` (lab time) or on ``cancel``."""
        port = self._open_port(session)[1]
        return self._live(session, lambda: port.available(until, *(() if cancel is None else (cancel,))))

    def write(self, session: Any, data: bytes) -> tuple[int, StatusCode]:
        """As viWrite."""
        port = self._open_port(session)[1]
        self._live(session, lambda: port.line.write_message(port.plug, bytes(data)))
        return len(data), StatusCode.success

    def clear(self, session: Any) -> StatusCode:
        """As viClear: a device clear; on sockets and serial ports what has arrived is thrown away."""
        port = self._open_port(session)[1]
        port.forget()
        self._live(session, lambda: port.line.device_clear(port.plug))
        return StatusCode.success

    def flush(self, session: Any, mask: Any) -> StatusCode:
        """As viFlush: discards what has arrived and was not read. Nothing waits on the way out."""
        port = self._open_port(session)[1]
        port.forget()
        return StatusCode.success

    # -- beside the bytes
    def read_stb(self, session: Any) -> tuple[int, StatusCode]:
        """As viReadSTB: a serial poll. Bit 6 stays as long as the instrument holds it up."""
        port = self._bus_port(session)
        return self._live(session, lambda: port.line.status_byte(port.plug)), StatusCode.success

    def assert_trigger(self, session: Any, protocol: Any) -> StatusCode:
        """As viAssertTrigger, by software."""
        port = self._bus_port(session)
        self._live(session, lambda: port.line.trigger(port.plug))
        return StatusCode.success

    def lock(self, session: Any, lock_type: Any, timeout: int, requested_key: str | None = None) -> tuple[str, Any]:
        """As viLock. While a session holds a lock, calls of others fail with VI_ERROR_RSRC_LOCKED."""
        port = self._port(session)[1]
        until = self._until(port, timeout)
        key = port.line.lock_for(session, requested_key, lock_type == Lock.exclusive, until)
        if key is None:
            self._status(session, StatusCode.error_resource_locked)
        return key or "", StatusCode.success

    def unlock(self, session: Any) -> StatusCode:
        """As viUnlock."""
        held = self._port(session)[1].line.unlock(session)
        return self._status(session, StatusCode.success if held else StatusCode.error_session_not_locked)

    # -- service requests
    def enable_event(self, session: Any, event_type: Any, mechanism: Any, context: None = None) -> StatusCode:
        """Service requests, queued. Nothing else can be enabled."""
        port = self._bus_port(session)
        if event_type != EventType.service_request:
            return self._status(session, StatusCode.error_invalid_event)
        if mechanism != EventMechanism.queue:
            return self._status(session, StatusCode.error_nonsupported_mechanism)
        port.service_enabled = True
        return StatusCode.success

    def disable_event(self, session: Any, event_type: Any, mechanism: Any) -> StatusCode:
        """No more service requests."""
        opened = self.sessions.get(session)
        if isinstance(opened, Session):
            opened.device.service_enabled = False
        return StatusCode.success

    def discard_events(self, session: Any, event_type: Any, mechanism: Any) -> StatusCode:
        """Requests are looked for when somebody waits for them: none is kept."""
        return StatusCode.success

    def wait_on_event(self, session: Any, in_event_type: Any, timeout: int) -> tuple[Any, Any, StatusCode]:
        """Wait for a service request, on the lab clock."""
        port = self._bus_port(session)
        if not port.service_enabled:
            self._status(session, StatusCode.error_not_enabled)
        until = self._until(port, timeout)
        if not self._live(session, lambda: port.line.wait_for_service(port.plug, until)):
            self._status(session, StatusCode.error_timeout)
        return EventType.service_request, None, StatusCode.success

    # -- sessions
    def _status(self, session: Any, status: StatusCode) -> StatusCode:
        """Raises VisaIOError for an error, as every library does."""
        said: StatusCode = self.handle_return_value(session, status)
        return said

    def _port(self, session: Any) -> tuple[Any, _Port]:
        opened = self.sessions.get(session)
        if not isinstance(opened, Session):
            raise errors.VisaIOError(StatusCode.error_invalid_object)
        return opened, opened.device

    def _open_port(self, session: Any) -> tuple[Any, _Port]:
        opened, port = self._port(session)
        if not port.line.is_open_to(session):
            self._status(session, StatusCode.error_resource_locked)
        return opened, port

    def _bus_port(self, session: Any) -> _Port:
        port = self._open_port(session)[1]
        if not port.line.messages:
            self._status(session, StatusCode.error_nonsupported_operation)
        return port

    def _live(self, session: Any, call: Callable[[], T]) -> T:
        try:
            return call()
        except LineClosed:
            raise errors.VisaIOError(StatusCode.error_connection_lost) from None

    @staticmethod
    def _until(port: _Port, timeout: float) -> float:
        """Lab time at which a timeout (ms) is over."""
        return _FOREVER if timeout == VI_TMO_INFINITE else port.line.clock.now() + timeout / 1000.0


def _termination(opened: Any) -> bytes | None:
    """The byte that ends a read, if one is enabled."""
    if opened.get_attribute(ResourceAttribute.interface_type)[0] == InterfaceType.asrl:
        end_in = opened.get_attribute(ResourceAttribute.asrl_end_in)[0]
        enabled = end_in == SerialTermination.termination_char
    else:
        enabled = bool(opened.get_attribute(ResourceAttribute.termchar_enabled)[0])
    return bytes([opened.get_attribute(ResourceAttribute.termchar)[0]]) if enabled else None
