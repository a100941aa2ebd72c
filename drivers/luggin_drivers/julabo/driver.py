"""What the bench registers: id, models, line settings, and how a driver is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin.capabilities import TemperatureController
from luggin.clock import Cancel, Clock, RealClock
from luggin.errors import NotSupported
from luggin.transport import Transport
from luggin_drivers.julabo.circulator import Circulator
from luggin_drivers.julabo.settings import DRIVER_ID, read_settings
from luggin_drivers.julabo.tables import MODELS

#: Software flow control: these may appear in every reply and mean nothing.
_XON_XOFF = b"\x11\x13"
# The longest answer (version) takes a tenth of a second at 4800 baud.
_TIMEOUT = 2.0


class _NoLine(Transport):
    """The line of an instrument that is only asked what it can do."""

    def _refuse(self) -> NotSupported:
        return NotSupported("this driver was made without a line: it can say what it can do, no more")

    def _read_chunk(self, until: float, cancel: Cancel | None) -> bytes:
        raise self._refuse()

    def _write(self, data: bytes) -> None:
        raise self._refuse()

    def close(self) -> None:
        """Nothing to give back."""


class JulaboCirculator:
    """Driver ``julabo.circulator``."""

    id = DRIVER_ID
    title = "Julabo circulators (serial line)"
    models: Mapping[str, str] = {key: model.title for key, model in MODELS.items()}
    docs = "reference/drivers/julabo-circulator.md"

    def line_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """As set on the panel; replies end with a line feed, whatever stands before it."""
        read = read_settings(settings)
        return {
            "baudrate": read.baudrate,
            "bytesize": read.bytesize,
            "parity": read.parity,
            "rtscts": read.handshake == "rtscts",
            "xonxoff": read.handshake == "xonxoff",
            "ignore": _XON_XOFF,
            "terminator": b"\n",
            "timeout": _TIMEOUT,
        }

    def create(
        self, transport: Transport, clock: Clock, name: str, settings: Mapping[str, Any]
    ) -> TemperatureController:
        """A driver on an open line. Sends nothing."""
        return Circulator(transport, clock, name, read_settings(settings))

    def offline(self, settings: Mapping[str, Any]) -> TemperatureController:
        """A driver without a line."""
        clock = RealClock()
        return Circulator(_NoLine("offline", clock), clock, "offline", read_settings(settings))
