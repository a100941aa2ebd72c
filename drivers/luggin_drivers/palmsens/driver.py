"""What the bench registers: id, models, line settings, and how a driver is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin.capabilities import MeasuringInstrument
from luggin.clock import Cancel, Clock, RealClock
from luggin.errors import NotSupported
from luggin.transport import Transport
from luggin_drivers.palmsens.methodscript import MethodScriptInstrument
from luggin_drivers.palmsens.settings import read_settings
from luggin_drivers.palmsens.tables import MODELS

#: Software flow control: these may appear anywhere in the stream and mean nothing.
_XON_XOFF = b"\x11\x13"


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


class PalmSensMethodScript:
    """Driver ``palmsens.methodscript``."""

    id = "palmsens.methodscript"
    title = "PalmSens EmStat Pico, Sensit, EmStat4 (MethodSCRIPT)"
    models: Mapping[str, str] = {key: model.title for key, model in MODELS.items()}
    docs = "reference/drivers/palmsens-methodscript.md"

    def line_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Baud rate, flow control and line ends of the model."""
        read = read_settings(settings)
        model = read.table
        return {
            "baudrate": read.baudrate or model.baudrate,
            "xonxoff": model.xonxoff,
            "rtscts": read.rtscts,
            "ignore": _XON_XOFF if model.xonxoff else b"",
            "terminator": b"\n",
        }

    def create(self, transport: Transport, clock: Clock, name: str, settings: Mapping[str, Any]) -> MeasuringInstrument:
        """A driver on an open line. Sends nothing."""
        return MethodScriptInstrument(transport, clock, name, read_settings(settings))

    def offline(self, settings: Mapping[str, Any]) -> MeasuringInstrument:
        """A driver without a line."""
        clock = RealClock()
        return MethodScriptInstrument(_NoLine("offline", clock), clock, "offline", read_settings(settings))
