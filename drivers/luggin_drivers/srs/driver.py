"""What the bench registers: id, models, line settings, and how a driver is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin.capabilities import MeasuringInstrument
from luggin.clock import Cancel, Clock, RealClock
from luggin.errors import NotSupported, UsageError
from luggin.transport import Transport
from luggin_drivers.srs.potentiostat import Ec301
from luggin_drivers.srs.settings import DRIVER_ID, read_settings
from luggin_drivers.srs.tables import TITLE

_TIMEOUT = 2.0


class _NoLine(Transport):
    """The line of an instrument that is only asked what it can do."""

    def _refuse(self) -> NotSupported:
        return NotSupported("this driver was made without a line: it can say its capabilities and prepare, no more")

    def _read_chunk(self, until: float, cancel: Cancel | None) -> bytes:
        raise self._refuse()

    def _write(self, data: bytes) -> None:
        raise self._refuse()

    def close(self) -> None:
        """Nothing to give back."""


class SrsEc301:
    """Driver ``srs.ec301``."""

    id = DRIVER_ID
    title = "SRS EC301 potentiostat and galvanostat (TCP, GPIB)"
    models: Mapping[str, str] = {"ec301": TITLE}
    docs = "reference/drivers/srs-ec301.md"

    def line_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Lines end with a line feed, both ways."""
        read_settings(settings)
        return {"terminator": b"\n", "timeout": _TIMEOUT}

    def create(self, transport: Transport, clock: Clock, name: str, settings: Mapping[str, Any]) -> MeasuringInstrument:
        """A driver on an open line. Sends nothing.

        Raises:
            UsageError: a stream of bytes is asked for on a bus that carries messages.
        """
        read = read_settings(settings)
        if read.data == "stream" and transport.resource.upper().startswith("GPIB"):
            raise UsageError(
                f'{name}: the binary data stream is not for GPIB; write settings = {{data = "poll"}}, or use TCP '
                '("TCPIP0::<address>::1680::SOCKET")'
            )
        return Ec301(transport, clock, name, read)

    def offline(self, settings: Mapping[str, Any]) -> MeasuringInstrument:
        """A driver without a line."""
        clock = RealClock()
        return Ec301(_NoLine("offline", clock), clock, "offline", read_settings(settings))
