"""From the name of a resource to its line.

=============================================  ==========================================================
name                                           line
=============================================  ==========================================================
``/dev/ttyACM0``, ``COM5``, ``sim://cell``     `SerialTransport`
``TCPIP0::HOST::PORT::SOCKET``                 `SocketTransport`
``ASRL/dev/ttyUSB0::INSTR``, ``ASRL5::INSTR``  `SerialTransport` (the number is that of a COM port)
``GPIB0::18::INSTR``, ``USB0::...::INSTR``,    `VisaTransport`
``TCPIP0::HOST::INSTR``
``visa://LIBRARY/NAME``                        `VisaTransport` with that library
=============================================  ==========================================================

With another VISA library than pyvisa-py, all VISA names go through it.
"""

from __future__ import annotations

import re
from typing import Any

from luggin.clock import Clock
from luggin.errors import NoInstrument
from luggin.transport.base import Transport
from luggin.transport.serial_line import SerialTransport
from luggin.transport.socket_line import SocketTransport
from luggin.transport.visa_line import DEFAULT_LIBRARY, VisaTransport, visa_library

_VISA = r"(?:(?:TCPIP|GPIB|USB|VXI|PXI|PRLGX-\w+|GPIB-VXI)\d*|ASRL[^:]*(?:://[^:]*)?)::"
_VISA_NAME = re.compile(_VISA, re.IGNORECASE)
_URL = re.compile(rf"visa://(?P<library>.*?)/(?P<name>{_VISA}.*)", re.IGNORECASE)
_SOCKET = re.compile(r"TCPIP\d*::\[?(?P<host>.+?)\]?::(?P<port>\d+)::SOCKET", re.IGNORECASE)
_SERIAL = re.compile(r"ASRL(?P<port>.+?)(?:::INSTR)?", re.IGNORECASE)
_SERIAL_SETTINGS = ("baudrate", "bytesize", "parity", "xonxoff", "rtscts")


def open_line(resource: str, clock: Clock, **settings: Any) -> Transport:
    """Open the line that a name means.

    Args:
        resource: a name as in the table above.
        clock: the lab clock.
        settings: of the line: ``terminator``, ``timeout``, ``ignore``, ``baudrate``, ``bytesize``,
            ``parity``, ``xonxoff``, ``rtscts``. What concerns serial ports only is left out elsewhere, so
            a driver may say it for an instrument with several interfaces. ``url`` is what to open instead
            of the name (simulated benches); ``library`` the VISA library.

    Raises:
        NoInstrument, LineInUse: as the lines say.
    """
    library, url = settings.pop("library", None), settings.pop("url", None)
    address = url or resource
    if address.lower().startswith("visa://"):
        found = _URL.fullmatch(address)
        if found is None:
            raise NoInstrument(f"{resource}: {address!r} is not visa://LIBRARY/NAME with a VISA name")
        return VisaTransport(resource, clock, library=found["library"], name=found["name"], **settings)
    if not _VISA_NAME.match(address):
        return SerialTransport(resource, clock, url=url, **settings)
    specification = visa_library(library)
    if specification == DEFAULT_LIBRARY:
        socket_name, serial_name = _SOCKET.fullmatch(address), _SERIAL.fullmatch(address)
        if socket_name:
            network = {key: value for key, value in settings.items() if key not in _SERIAL_SETTINGS}
            return SocketTransport(resource, clock, host=socket_name["host"], port=int(socket_name["port"]), **network)
        if serial_name:
            return SerialTransport(resource, clock, url=_serial_port(resource, serial_name["port"]), **settings)
    return VisaTransport(resource, clock, library=specification, name=address, **settings)


def _serial_port(resource: str, port: str) -> str:
    return f"COM{port}" if port.isdigit() else port
