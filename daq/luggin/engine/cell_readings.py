"""What readings of a cell amount to: where its potential stands, and what it answers to a small excursion. Pure.

With the cell closed, the potential goes in a small triangle about the open-circuit potential. A cell
answers as a conductance beside a capacitance,

    i = i0 + i1 t + G (E - E0) + C dE/dt

(Bard and Faulkner, *Electrochemical Methods*, 2nd ed., 2001, section 1.2.4: a potential sweep on an RC
circuit, here with a leak beside the capacitor), fitted by least squares. A constant step would show
only the conductance, which a blank electrolyte hardly has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luggin.records import Flag

Window = tuple[float, float]

#: An answer counts if it is so many times its own uncertainty.
SIGNIFICANT = 5.0
#: Two metres of coaxial cable (about 100 pF/m) answer too, and are no cell (F).
STRAY = 200e-12
#: From this part of what an instrument reaches on, its amplifier is at its end.
AT_RAIL = 0.95
#: No electrode drifts like this (V/s); an input that is not connected to one does.
_FLOATS = 0.1
#: Readings without which nothing can be told: of an open cell, of a closed one.
_FEWEST_OPEN, _FEWEST_CLOSED = 3, 20
#: Standard deviation of a normal distribution in units of its median absolute deviation.
_MEDIAN_TO_DEVIATION = 1.4826
_OVERLOADS = Flag.CURRENT_OVERLOAD | Flag.COMPLIANCE | Flag.POTENTIAL_OVERLOAD


@dataclass(frozen=True)
class OpenCircuit:
    """The potential of an open cell.

    Attributes:
        potential: mean (V).
        drift: slope of a straight line (V/s).
        noise: standard deviation about that (V).
        farthest: the reading farthest from 0 (V).
        readings: how many could be used.
    """

    potential: float
    drift: float
    noise: float
    farthest: float
    readings: int

    @classmethod
    def of(cls, time: NDArray[Any], potential: NDArray[Any]) -> OpenCircuit:
        """From readings; those that are no numbers do not count."""
        usable = np.isfinite(time) & np.isfinite(potential)
        time, potential = time[usable], potential[usable]
        if len(time) < _FEWEST_OPEN or time[-1] <= time[0]:
            return cls(math.nan, math.nan, math.nan, math.nan, len(time))
        centred = time - time.mean()
        drift = float(centred @ potential / (centred @ centred))
        rest = potential - potential.mean() - drift * centred
        noise = math.sqrt(float(rest @ rest) / (len(time) - 2))
        farthest = float(potential[np.argmax(np.abs(potential))])
        return cls(float(potential.mean()), drift, noise, farthest, len(time))

    def loose(self, reach: Window) -> str:
        """Why no electrode can be behind this, given what the instrument reaches (V); empty if one can."""
        if not AT_RAIL * reach[0] < self.farthest < AT_RAIL * reach[1]:
            return "the amplifier is at its end"
        return "the potential floats" if abs(self.drift) >= _FLOATS else ""


@dataclass(frozen=True)
class Response:
    """What flowed while the potential went up and down, with standard uncertainties.

    Attributes:
        conductance, u_conductance: of the cell for slow changes (S).
        capacitance, u_capacitance: beside it (F).
        rate: at which the potential changed (V/s).
        noise: standard deviation of the current from one reading to the next (A).
        overloaded: part of the readings with which the instrument reported an overload or its compliance.
        follows: largest distance between applied and measured potential (V); None if only one is known.
    """

    conductance: float
    u_conductance: float
    capacitance: float
    u_capacitance: float
    rate: float
    noise: float
    overloaded: float
    follows: float | None

    @classmethod
    def of(
        cls,
        time: NDArray[Any],
        current: NDArray[Any],
        applied: NDArray[Any],
        measured: NDArray[Any] | None,
        flags: NDArray[Any],
    ) -> Response | None:
        """From the readings of a triangle behind its first round; None if there are too few to tell anything."""
        overloaded = float(np.mean((flags & _OVERLOADS.value) != 0)) if len(flags) else 0.0
        follows = None if measured is None or not len(time) else float(np.nanmax(np.abs(measured - applied)))
        interval = np.diff(time)
        rate = np.diff(applied) / np.where(interval > 0, interval, np.nan)
        time, current, applied = time[1:], current[1:], applied[1:]
        # Between two sweeps of a list the potential stands still for a time that nobody knows well.
        usable = np.isfinite(rate) & np.isfinite(current) & (interval < 3.0 * np.median(interval))
        if usable.sum() < _FEWEST_CLOSED:
            return None
        time, current, applied, rate = time[usable], current[usable], applied[usable], rate[usable]
        terms = np.column_stack([np.ones_like(time), time - time.mean(), applied - applied.mean(), rate])
        scale = np.abs(terms).max(axis=0)
        scale[scale == 0.0] = 1.0
        found, _, rank, _ = np.linalg.lstsq(terms / scale, current, rcond=None)
        if rank < terms.shape[1]:
            return None
        scaled = terms / scale
        rest = current - scaled @ found
        # What is no noise but diffusion, which the model does not have, makes the result as uncertain.
        deviation = math.sqrt(float(rest @ rest) / (len(rest) - terms.shape[1]))
        u = deviation * np.sqrt(np.diag(np.linalg.inv(scaled.T @ scaled))) / scale
        values = found / scale
        speed = float(np.median(np.abs(rate)))
        noise = _noise(current)
        return cls(float(values[2]), float(u[2]), float(values[3]), float(u[3]), speed, noise, overloaded, follows)

    @property
    def has_conductance(self) -> bool:
        """Whether the conductance is told apart from nothing."""
        return abs(self.conductance) > SIGNIFICANT * self.u_conductance

    @property
    def has_capacitance(self) -> bool:
        """Whether the capacitance is told apart from nothing, and from that of the cables."""
        return abs(self.capacitance) > max(SIGNIFICANT * self.u_capacitance, STRAY)

    @property
    def answers(self) -> bool:
        """Whether any current answers."""
        return self.has_conductance or self.has_capacitance

    def answer(self, amplitude: float) -> float:
        """The current (A) that answers to an excursion by ``amplitude`` (V)."""
        return max(abs(self.conductance) * amplitude, abs(self.capacitance) * self.rate)

    def resolved(self, amplitude: float) -> float:
        """The smallest such current (A) that would have been seen."""
        return max(
            SIGNIFICANT * self.u_conductance * amplitude, max(SIGNIFICANT * self.u_capacitance, STRAY) * self.rate
        )

    @property
    def resistance(self) -> float | None:
        """Resistance (ohm), where the conductance is told apart from nothing."""
        return 1.0 / self.conductance if self.has_conductance else None


def _noise(current: NDArray[Any]) -> float:
    """The noise of readings of something smooth with a few kinks: second differences have 6 times its variance."""
    return float(_MEDIAN_TO_DEVIATION * np.median(np.abs(np.diff(current, 2))) / math.sqrt(6.0))
