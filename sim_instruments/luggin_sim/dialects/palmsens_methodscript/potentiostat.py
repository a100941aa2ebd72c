"""The instrument behind the interpreter: PGStat mode, potential window, current ranges, cell switch."""

from __future__ import annotations

from luggin_sim.dialects.base import Leads
from luggin_sim.dialects.palmsens_methodscript.models import Mode, Model
from luggin_sim.dialects.palmsens_methodscript.ranging import CurrentRanging
from luggin_sim.dialects.palmsens_methodscript.rules import Rules

INVALID_POTENTIAL = 0x000F
OCP_WITH_CELL_ON = 0x0014
NOT_SUPPORTED = 0x001B
UNKNOWN_MODE = 0x0021
INVALID_FOR_MODE = 0x0023
NEEDS_CELL_ON = 0x4027
NEEDS_CELL_OFF = 0x4028

_OFF = 0
_MODES_NOT_SIMULATED = (5, 6)  # bipotentiostat channel, galvanostat
_CRITICAL = 1.5
# Potentials are multiples of 0.1 mV and coarser; this much is rounding.
_ROUNDING = 1e-9


class Refused(Exception):
    """The instrument does not do what it is told; ``code`` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{code:04X}")
        self.code = code


class Potentiostat:
    """One channel. What is set here stays set from script to script."""

    def __init__(self, model: Model, rules: Rules, leads: Leads) -> None:
        self.leads = leads
        self.ranging = CurrentRanging(model.modes[min(model.modes)].ranges, rules)
        self.critical_current = rules.critical_overload or _CRITICAL * model.largest_current
        self._model = model
        self._mode: int = _OFF
        self._window = (0.0, 0.0)

    def cell_on(self) -> None:
        """Close the circuit at the potential that is set."""
        self._in_use()
        self.leads.close()

    def cell_off(self) -> None:
        """Open the circuit."""
        self.leads.open()

    def set_potential(self, potential: float) -> None:
        """Apply a potential (V) at once, or when the cell is switched on."""
        self.check_potentials(potential)
        self.leads.jump(potential)

    def set_channel(self, channel: float) -> None:
        """Choose the channel; there is one."""
        if channel != 0.0:
            raise Refused(NOT_SUPPORTED)

    def set_mode(self, mode: float) -> None:
        """Choose the PGStat mode, with its window around 0 V and its ranges."""
        if mode == self._mode:
            return
        if mode in _MODES_NOT_SIMULATED:
            raise Refused(NOT_SUPPORTED)
        if mode != _OFF and mode not in self._model.modes:
            raise Refused(UNKNOWN_MODE)
        if self.leads.is_on:
            raise Refused(NEEDS_CELL_OFF)
        self._mode = int(mode)
        if mode != _OFF:
            half = self._in_use().window / 2.0
            self._window = (-half, half)
            self.ranging.select(self._in_use().ranges)

    def set_window(self, low: float, high: float) -> None:
        """Place the mode's window so that potentials from ``low`` to ``high`` (V) can be applied."""
        mode = self._in_use()
        inside = mode.low - _ROUNDING <= low <= high <= mode.high + _ROUNDING
        if not inside or high - low > mode.window + _ROUNDING:
            raise Refused(INVALID_POTENTIAL)
        self._window = (low, low + mode.window)

    def check_potentials(self, *potentials: float) -> None:
        """Refuse what the mode and its window do not allow."""
        mode = self._in_use()
        low = max(mode.low, self._window[0]) - _ROUNDING
        high = min(mode.high, self._window[1]) + _ROUNDING
        if not all(low <= potential <= high for potential in potentials):
            raise Refused(INVALID_POTENTIAL)

    def check_closed_at(self, *potentials: float) -> None:
        """Refuse a measurement with the cell off, or at potentials that are not allowed."""
        self.check_potentials(*potentials)
        if not self.leads.is_on:
            raise Refused(NEEDS_CELL_ON)

    def check_open(self) -> None:
        """Refuse a measurement at open circuit with the cell on."""
        if self.leads.is_on:
            raise Refused(OCP_WITH_CELL_ON)

    def _in_use(self) -> Mode:
        if self._mode == _OFF:
            raise Refused(INVALID_FOR_MODE)
        return self._model.modes[self._mode]
