"""What the bench registers: id, models, line settings, and how a driver is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin.capabilities import MeasuringInstrument
from luggin.clock import Cancel, Clock, RealClock
from luggin.errors import NotSupported
from luggin.transport import Transport
from luggin_drivers.keithley.settings import DRIVER_ID, read_settings
from luggin_drivers.keithley.sourcemeter import SourceMeter
from luggin_drivers.keithley.tables import MODELS

# A reading of ten power line cycles with its source read back takes 0.4 s; a block of readings is 25 kB.
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


class Keithley2450:
    """Driver ``keithley.2450``."""

    id = DRIVER_ID
    title = "Keithley 2450, 2460, 2461 and their EC kits (SCPI)"
    models: Mapping[str, str] = {key: model.title for key, model in MODELS.items()}
    docs = "reference/drivers/keithley-2450.md"

    def line_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Lines end with a line feed, both ways."""
        read_settings(settings)
        return {"terminator": b"\n", "timeout": _TIMEOUT}

    def create(self, transport: Transport, clock: Clock, name: str, settings: Mapping[str, Any]) -> MeasuringInstrument:
        """A driver on an open line. Sends nothing."""
        return SourceMeter(transport, clock, name, read_settings(settings))

    def offline(self, settings: Mapping[str, Any]) -> MeasuringInstrument:
        """A driver without a line."""
        clock = RealClock()
        return SourceMeter(_NoLine("offline", clock), clock, "offline", read_settings(settings))
