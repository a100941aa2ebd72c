"""The parts of one instrument, as its commands see them."""

from __future__ import annotations

from luggin_sim.cells import Cell
from luggin_sim.dialects.keithley_2450.buffers import Buffers
from luggin_sim.dialects.keithley_2450.models import Model
from luggin_sim.dialects.keithley_2450.rules import Rules
from luggin_sim.dialects.keithley_2450.status import Status
from luggin_sim.dialects.keithley_2450.sweep import TriggerModel
from luggin_sim.dialects.keithley_2450.unit import SourceMeasureUnit


class Instrument:
    """Source, meters, buffers, trigger model and status, and the time (lab s) at which a command is executed."""

    def __init__(self, model: Model, rules: Rules, cell: Cell) -> None:
        self.model, self.rules = model, rules
        self.unit = SourceMeasureUnit(model, rules, cell)
        self.trigger = TriggerModel(self.unit)
        self.buffers = Buffers()
        self.status = Status(rules)
        self.now = 0.0
        self.language: str = rules.language
        self.format = "ASC"
        self.border = "SWAP"
        self.completes = False

    def spend(self, seconds: float) -> None:
        """The command that is executed takes this much longer."""
        self.now += seconds

    def reset(self) -> None:
        """``*RST``."""
        self.trigger.abort(self.now)
        self.trigger.reset()
        self.unit.reset(self.now)
        self.buffers.reset()
        self.format, self.border = "ASC", "SWAP"
        self.completes = False

    def number(self, value: float) -> str:
        """A setting as queries give it."""
        return f"{value:.6E}" if self.rules.number_format == "exponent" else f"{value:.7g}"
