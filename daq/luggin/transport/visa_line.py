"""Lines through a VISA library: GPIB, USB, VXI-11 and HiSLIP; with a maker's library also sockets and serial ports.

PyVISA carries raw bytes here and nothing else: it neither decodes nor looks for ends of lines. It is
loaded when the first such line is opened, because that takes a quarter of a second (numpy comes with it).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Literal

from luggin.clock import Cancel, Clock
from luggin.errors import InstrumentError, LineInUse, LineLost, NoInstrument, NotSupported, ReplyTimeout
from luggin.transport.base import SLICE, Transport

#: Which library is used if neither the call nor the environment says: the one that is written in Python.
DEFAULT_LIBRARY = "@py"
LIBRARY_VARIABLE = "LUGGIN_VISA"
#: Bytes of one read. PyVISA's own number: it is what instruments are tried with.
_CHUNK = 20 * 1024


def visa_library(library: str | None = None) -> str:
    """The library that lines use: the one that is asked for, else ``LUGGIN_VISA``, else pyvisa-py."""
    return library or os.environ.get(LIBRARY_VARIABLE) or DEFAULT_LIBRARY


class VisaTransport(Transport):
    """One VISA resource.

    A message of the instrument ends with the bus's END, so an answer needs no end of line. While an
    answer is waited for, GPIB, USB and VXI-11 are out of reach of an abort: a read that times out
    disturbs the instrument, so these reads are not cut into slices. Ask short questions.

    Args:
        resource: the name as the bench file has it.
        clock: the lab clock.
        name: what VISA opens, if it differs from ``resource`` (simulated benches).
        library: ``"@py"``, ``"@ivi"``, the path of a maker's library ...; `visa_library` if not given.
        baudrate, bytesize, parity, xonxoff, rtscts: of serial ports; of no meaning for others.
        terminator, timeout, ignore: as in `Transport`.

    Raises:
        NoInstrument: there is no such library or no such resource.
        LineInUse: another program holds it.
    """

    def __init__(
        self,
        resource: str,
        clock: Clock,
        *,
        name: str | None = None,
        library: str | None = None,
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
        specification = visa_library(library)
        manager = _open_library(resource, specification)
        from pyvisa.constants import VI_ATTR_ASRL_AVAIL_NUM, InterfaceType, ResourceAttribute, StatusCode

        self._attributes, self._codes = ResourceAttribute, StatusCode
        self._waiting_on_serial = VI_ATTR_ASRL_AVAIL_NUM
        # The manager is kept: a library that nobody holds closes its sessions.
        self._manager, self._library = manager, manager.visalib
        self._session: Any = _open_session(manager, resource, name or resource, specification)
        self._closing = ExitStack()
        self._closing.callback(self._library.close, self._session)
        try:
            # More to come, and an instrument that does not listen yet, are no reason for a warning.
            self._closing.enter_context(
                self._library.ignore_warning(
                    self._session, StatusCode.success_max_count_read, StatusCode.success_device_not_present
                )
            )
            self._serial = self._attribute(ResourceAttribute.interface_type) == InterfaceType.asrl
            self._carries_messages = self._attribute(ResourceAttribute.resource_class) != "SOCKET" and not self._serial
            # A simulated library waits on the lab clock itself.
            self._read_available: Callable[..., tuple[bytes, bool]] | None = getattr(
                self._library, "read_available", None
            )
            self._milliseconds = -1
            if not self._carries_messages:
                self._set(ResourceAttribute.termchar, terminator[-1])
                self._set(ResourceAttribute.termchar_enabled, True)
            if self._serial:
                self._configure_serial(baudrate, bytesize, parity, xonxoff, rtscts)
        except BaseException:
            self._closing.close()
            raise

    # -- reading
    def _read_chunk(self, until: float, cancel: Cancel | None) -> bytes:
        if cancel is not None and cancel.is_set:
            return b""
        if self._read_available is not None:
            arrived: bytes
            arrived, self._ended = self._guarded(self._read_available, self._session, until, cancel)
            return arrived
        return self._read_message(until) if self._carries_messages else self._read_stream(until, cancel)

    def _read_message(self, until: float) -> bytes:
        """A whole message, up to its END."""
        parts: list[bytes] = []
        while True:
            data, status = self._read(_CHUNK, (until - self.clock.now()) / self.clock.speed)
            if status is None:
                if parts:
                    raise self._half(b"".join(parts))
                return b""
            parts.append(data)
            if status != self._codes.success_max_count_read:
                self._ended = True
                return b"".join(parts)

    def _read_stream(self, until: float, cancel: Cancel | None) -> bytes:
        """What has come of a stream of bytes, waiting in slices.

        PyVISA loses what came before a timeout. Waiting for one byte cannot lose any; more is asked
        for only where it is known to be there or to come.
        """
        first, status = b"", None
        while status is None:
            left = (until - self.clock.now()) / self.clock.speed
            first, status = self._read(1, min(left, SLICE))
            if status is None and (left <= 0 or (cancel is not None and cancel.is_set)):
                return b""
        if status == self._codes.success_termination_character_read or self._wanted == 1:
            return first
        if self._serial:
            count = min(int(self._attribute(self._waiting_on_serial)), _CHUNK)
        else:
            count = min(self._wanted - 1, _CHUNK) if self._wanted else _CHUNK
        if count <= 0:
            return first
        more, status = self._read(count, (until - self.clock.now()) / self.clock.speed)
        if status is None:
            raise self._half(first)
        return first + more

    def _half(self, partial: bytes) -> ReplyTimeout:
        self.suspect = True
        return ReplyTimeout(
            f"{self.resource}: an answer began and did not end in time; {partial[:100]!r} and what the VISA library "
            "has dropped came",
            partial,
        )

    def _read(self, count: int, seconds: float) -> tuple[bytes, Any]:
        """Up to ``count`` bytes and how the read ended; None if time was over (host seconds)."""
        milliseconds = max(1, math.ceil(seconds * 1000.0))
        if milliseconds != self._milliseconds:
            self._set(self._attributes.timeout_value, milliseconds)
            self._milliseconds = milliseconds
        try:
            data, status = self._library.read(self._session, count)
        except Exception as error:
            if getattr(error, "error_code", None) == self._codes.error_timeout:
                return b"", None
            raise self._failed(error) from error
        self._check(status)
        return bytes(data), status

    # -- writing, and beside the bytes
    def _write(self, data: bytes) -> None:
        count, status = self._guarded(self._library.write, self._session, data)
        self._check(status)
        if count < len(data):
            raise LineLost(f"{self.resource}: only {count} of {len(data)} bytes were taken")

    def drain(self, quiet: float, longest: float = 10.0) -> bytes:
        """Forget what is on its way; where the bus can clear the instrument, without reading.

        A read on GPIB, USB or VXI-11 that nobody answers is an error to the instrument.
        """
        with self.lock:
            if self._carries_messages and self._device_clear():
                return self._take(len(self._buffer))
            return super().drain(quiet, longest)

    def _device_clear(self) -> bool:
        """Ask the library for a device clear; False if it has none."""
        try:
            self._check(self._library.clear(self._session))
        except NotImplementedError:
            return False
        except Exception as error:
            if getattr(error, "error_code", None) == self._codes.error_nonsupported_operation:
                return False
            raise self._failed(error) from error
        self._ended = self._after_block = False
        return True

    def read_stb(self) -> int:
        """The status byte by serial poll.

        Raises:
            NotSupported: a socket or a serial port, or the library has no serial poll.
        """
        if not self._carries_messages:
            return super().read_stb()
        with self.lock:
            try:
                status_byte, status = self._library.read_stb(self._session)
                self._check(status)
            except Exception as error:
                unsupported = getattr(error, "error_code", None) == self._codes.error_nonsupported_operation
                if unsupported or isinstance(error, NotImplementedError):
                    raise NotSupported(f"{self.resource}: the VISA library has no serial poll; ask *STB?") from error
                raise self._failed(error) from error
        return int(status_byte)

    def close(self) -> None:
        """Close the session. Closing twice is fine. Sends nothing."""
        self._closing.close()

    # -- the library
    def _configure_serial(self, baudrate: int, bytesize: int, parity: str, xonxoff: bool, rtscts: bool) -> None:
        from pyvisa.constants import ControlFlow, Parity, SerialTermination

        self._set(self._attributes.asrl_baud_rate, baudrate)
        self._set(self._attributes.asrl_data_bits, bytesize)
        self._set(self._attributes.asrl_parity, Parity[parity])
        flow = ControlFlow.none
        flow |= ControlFlow.xon_xoff if xonxoff else ControlFlow.none
        flow |= ControlFlow.rts_cts if rtscts else ControlFlow.none
        self._set(self._attributes.asrl_flow_control, flow)
        self._set(self._attributes.asrl_end_in, SerialTermination.termination_char)
        self._set(self._attributes.asrl_end_out, SerialTermination.none)

    def _attribute(self, attribute: Any) -> Any:
        value, status = self._guarded(self._library.get_attribute, self._session, attribute)
        self._check(status)
        return value

    def _set(self, attribute: Any, value: Any) -> None:
        self._check(self._guarded(self._library.set_attribute, self._session, attribute, value))

    def _guarded(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The many exceptions of VISA libraries become ours."""
        try:
            return function(*arguments)
        except Exception as error:
            raise self._failed(error) from error

    def _check(self, status: Any) -> None:
        """Some libraries raise, others return a negative status."""
        if status < 0:
            raise self._failed_with(status, _said(status))

    def _failed(self, error: Exception) -> Exception:
        if isinstance(error, TypeError | InstrumentError):  # our own mistake, or said already
            return error
        return self._failed_with(getattr(error, "error_code", None), str(error) or type(error).__name__)

    def _failed_with(self, code: Any, text: str) -> InstrumentError:
        if code in (self._codes.error_resource_locked, self._codes.error_resource_busy):
            return LineInUse(f"{self.resource}: another program has locked it ({text}). Close that program.")
        if code == self._codes.error_no_listeners:
            return LineLost(f"{self.resource}: nobody listens at this address any more. Is the instrument switched on?")
        return LineLost(f"{self.resource}: the line broke ({text})")


def _open_library(resource: str, specification: str) -> Any:
    try:
        import pyvisa

        return pyvisa.ResourceManager(specification)
    except Exception as error:
        raise NoInstrument(
            f"{resource}: the VISA library {specification!r} cannot be used ({error}). For @py install pyvisa-py; for "
            f"@ivi install the VISA of your interface's maker; set {LIBRARY_VARIABLE} to the one that you have."
        ) from error


def _open_session(manager: Any, resource: str, name: str, specification: str) -> Any:
    from pyvisa.constants import StatusCode

    try:
        session, status = manager.open_bare_resource(name)
    except Exception as error:
        code, text = getattr(error, "error_code", None), str(error) or type(error).__name__
        if code in (StatusCode.error_resource_locked, StatusCode.error_resource_busy):
            raise LineInUse(f"{resource}: another program holds it ({text}). Close that program.") from error
        absent = StatusCode.error_resource_not_found if isinstance(error, OSError) else None
        raise _not_there(resource, specification, code or absent, text) from error
    if status < 0:  # pyvisa-sim does not raise
        raise _not_there(resource, specification, status, _said(status))
    return session


def _not_there(resource: str, specification: str, code: Any, text: str) -> NoInstrument:
    from pyvisa.constants import StatusCode

    if code == StatusCode.error_invalid_resource_name:
        hint = "Names look like GPIB0::18::INSTR, USB0::0x05E6::0x2450::04012345::INSTR or TCPIP0::host::5025::SOCKET."
    elif code is None:
        hint = f"The VISA library {specification!r} may lack what this kind of name needs; see LUGGIN_VISA."
    else:
        hint = "Is the address right, and the instrument plugged in and switched on?"
    return NoInstrument(f"{resource}: no instrument can be opened at this address ({text}). {hint}")


def _said(status: Any) -> str:
    from pyvisa.errors import VisaIOError

    return str(VisaIOError(status))
