"""A cell that is not wired as it should be: what the instrument at its leads then does to it, and sees.

::

    [simulated.cell.cell.wiring]
    fault = "reference open"
    drift = "2 mV/s"  # of the reference electrode, with any fault or none

===================  ==================================================================================
fault                what is modelled
===================  ==================================================================================
``counter open``     no current can flow; at open circuit everything looks as usual
``working open``     no current can flow, and the potential floats
``reference open``   the potential floats; closed, the control loop gets no answer and drives the cell
                     with all that it has
``reversed``         both leads of a two-electrode cell are exchanged: potential and current change sign
``current reversed`` the instrument counts the current the other way round: it alone changes sign
``short``            working and counter electrode touch
===================  ==================================================================================

A floating input is a capacitor that its own bias current charges until the amplifier is at its rail:
10 pA into 10 pF are 1 V/s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from luggin_sim.cells.base import Cell, Tempered, checked_step
from luggin_sim.cells.impedance import SmallSignal
from luggin_sim.cells.redox_spec import Range
from luggin_sim.cells.table_reader import TableReader, did_you_mean

Fault = Literal["counter open", "working open", "reference open", "reversed", "current reversed", "short"]
FAULTS: tuple[str, ...] = get_args(Fault)

#: How fast a floating input goes (V/s), and where its amplifier ends (V).
FLOATS, RAIL = 1.0, 10.0

WIRING_RANGES = {
    "contact_resistance": Range(1e-3, 1e3, "ohm"),
    "drift": Range(-1.0, 1.0, "V/s"),
}

_BROKEN = ("counter open", "working open")
_FLOATING = ("working open", "reference open")


@dataclass(frozen=True)
class WiringSpec:
    """What is wrong. ``contact_resistance`` (ohm) is that of a short, much less than the cell's own.

    ``drift`` (V/s) is that of the potential against a reference electrode that goes bad.
    """

    fault: Fault | None = None
    contact_resistance: float = 0.1
    drift: float = 0.0


def read_wiring(reader: TableReader) -> WiringSpec:
    """What a table ``wiring`` describes; mistakes are told to the reader."""
    fault = reader.take("fault", None)
    if fault is not None and fault not in FAULTS:
        reader.report("fault", f"{fault!r} is not a fault of wiring.", did_you_mean(str(fault), FAULTS))
        fault = None
    resistance = reader.quantity("contact_resistance", WIRING_RANGES, WiringSpec.contact_resistance)
    drift = reader.quantity("drift", WIRING_RANGES, WiringSpec.drift)
    reader.refuse_the_rest(("fault", *WIRING_RANGES))
    return WiringSpec(fault, resistance, drift)


class WiredCell:
    """A cell behind leads with a fault. Satisfies `luggin_sim.cells.base.Cell`."""

    def __init__(self, cell: Cell, wiring: WiringSpec) -> None:
        self._cell, self._wiring = cell, wiring
        self._fault = wiring.fault
        self._sign_of_potential = -1.0 if wiring.fault == "reversed" else 1.0
        self._sign_of_current = -1.0 if wiring.fault in ("reversed", "current reversed") else 1.0
        self._closed = False
        self._offset = 0.0  # by how much (V) the reference electrode is off
        self._floating = cell.potential
        self._current = 0.0
        self._railed: float | None = None  # what a current source shows (V) that finds no way for its current

    # -- what the amplifiers show
    @property
    def truth(self) -> Any:
        """What the cell was made from."""
        return self._cell.truth

    @property
    def potential(self) -> float:
        """Potential (V) between the instrument's leads, without noise."""
        if self._railed is not None:
            return self._railed
        if self._fault in _FLOATING:
            return self._floating
        if self._fault == "short" and not self._closed:
            return 0.0
        return self._sign_of_potential * self._cell.potential + self._offset

    @property
    def current(self) -> float:
        """Current (A) through the leads at the end of the last step."""
        return self._current

    @property
    def is_open(self) -> bool:
        """As `Cell.is_open`."""
        return not self._closed

    def measure_current(self, current: float) -> float:
        """``current`` (A) as a meter reads it."""
        return self._cell.measure_current(current)

    def measure_potential(self, potential: float) -> float:
        """``potential`` (V) as a meter reads it."""
        return self._cell.measure_potential(potential)

    # -- what the instrument does
    def apply(self, potential: float, dt: float, limit: float = math.inf) -> float:
        """As `Cell.apply`; what flows through the leads."""
        self._pass(dt)
        self._closed = True
        if self._fault in _BROKEN:
            self._cell.rest(dt)
            self._current = 0.0
        elif self._fault == "reference open":
            self._current = self._cell.apply(self._lost(potential), dt, limit)
        elif self._fault == "short":
            held = math.copysign(min(abs(potential), limit * self._wiring.contact_resistance), potential)
            self._cell.apply(held, dt)
            self._current = held / self._wiring.contact_resistance
        else:
            self._current = self._sign_of_current * self._cell.apply(self._within(potential), dt, limit)
        return self._current

    def step_to(self, potential: float, limit: float = math.inf) -> None:
        """As `Cell.step_to`."""
        self._closed, self._railed = True, None
        if self._fault == "reference open":
            self._cell.step_to(self._lost(potential), limit)
        elif self._fault == "short":
            self._cell.step_to(math.copysign(min(abs(potential), limit * self._wiring.contact_resistance), potential))
        elif self._fault not in _BROKEN:
            self._cell.step_to(self._within(potential), limit)

    def apply_current(self, current: float, dt: float, limit: float = math.inf) -> float:
        """As `Cell.apply_current`; the potential between the leads then."""
        self._pass(dt)
        self._closed, self._current = True, current
        if self._fault in _BROKEN:
            self._cell.rest(dt)
            self._current = 0.0
            self._railed = math.copysign(min(limit, RAIL), current) if current else None
        elif self._fault == "reference open":
            self._cell.apply_current(current, dt)
        elif self._fault == "short":
            self._cell.apply(math.copysign(min(abs(current) * self._wiring.contact_resistance, limit), current), dt)
        else:
            self._cell.apply_current(self._sign_of_current * current, dt, limit)
        return self.potential

    def rest(self, dt: float) -> float:
        """As `Cell.rest`; cells whose electrodes touch are held at 0 V by that."""
        self._pass(dt)
        self._closed, self._current = False, 0.0
        if self._fault == "short":
            self._cell.apply(0.0, dt)
        else:
            self._cell.rest(dt)
        return self.potential

    def impedance(self, frequency: float) -> complex:
        """As `SmallSignal.impedance`, as the instrument sees it: infinite where no current can flow."""
        if not isinstance(self._cell, SmallSignal):
            raise TypeError(f"a {type(self._cell).__name__} has no impedance")
        if self._fault in (*_BROKEN, "reference open"):
            return complex(math.inf)
        if self._fault == "short":
            return complex(self._wiring.contact_resistance)
        return self._sign_of_potential * self._sign_of_current * self._cell.impedance(frequency)

    def set_temperature(self, temperature: float) -> None:
        """As `Tempered.set_temperature`."""
        if not isinstance(self._cell, Tempered):
            raise TypeError(f"a {type(self._cell).__name__} does not depend on temperature")
        self._cell.set_temperature(temperature)

    def fresh(self) -> Self:
        """As `Cell.fresh`, with the same fault."""
        return type(self)(self._cell.fresh(), self._wiring)

    def _pass(self, dt: float) -> None:
        """Time passes for what is beside the cell."""
        checked_step(dt)
        self._railed = None
        self._offset += self._wiring.drift * dt
        self._floating = min(self._floating + FLOATS * dt, RAIL)

    def _within(self, potential: float) -> float:
        """The potential (V) of the cell itself at which the amplifier shows ``potential``."""
        return self._sign_of_potential * (potential - self._offset)

    def _lost(self, potential: float) -> float:
        """What a control loop without an answer puts on the cell (V)."""
        return math.copysign(RAIL, potential - self._floating)
