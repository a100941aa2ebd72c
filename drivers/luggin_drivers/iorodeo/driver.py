"""What the bench registers: id, models, line settings, and how a driver is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin.capabilities import MeasuringInstrument
from luggin.clock import Cancel, Clock, RealClock
from luggin.errors import NotSupported
from luggin.transport import Transport
from luggin_drivers.iorodeo.rodeostat import Rodeostat
from luggin_drivers.iorodeo.settings import DRIVER_ID, read_settings
from luggin_drivers.iorodeo.tables import MODELS

_BAUDRATE = 115_200
# The board answers within its loop, in about a millisecond.
_TIMEOUT = 1.0


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


class IORodeoRodeostat:
    """Driver ``iorodeo.rodeostat``."""

    id = DRIVER_ID
    title = "IO Rodeo Rodeostat (JSON over USB)"
    models: Mapping[str, str] = {key: model.title for key, model in MODELS.items()}
    docs = "reference/drivers/iorodeo-rodeostat.md"

    def line_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The board ends its lines with CR LF; the CR is a blank to JSON."""
        read_settings(settings)
        return {"baudrate": _BAUDRATE, "terminator": b"\n", "timeout": _TIMEOUT}

    def create(self, transport: Transport, clock: Clock, name: str, settings: Mapping[str, Any]) -> MeasuringInstrument:
        """A driver on an open line. Sends nothing."""
        return Rodeostat(transport, clock, name, read_settings(settings))

    def offline(self, settings: Mapping[str, Any]) -> MeasuringInstrument:
        """A driver without a line."""
        clock = RealClock()
        return Rodeostat(_NoLine("offline", clock), clock, "offline", read_settings(settings))
