"""What a look at a cell says about it: from readings to a verdict. Pure: no instrument, no clock, no file.

Two measurements are judged. With the cell open, the potential: where it is, whether it drifts, how
much it scatters. With the cell closed, a small triangle of the potential about that: a cell answers
as a conductance beside a capacitance,

    i = i0 + i1 t + G (E - E0) + C dE/dt

(Bard and Faulkner, *Electrochemical Methods*, 2nd ed., 2001, section 1.2.4: a potential sweep on an RC
circuit, here with a leak beside the capacitor), fitted by least squares. Both are positive for whatever is passive,
so their sign is that of the current; neither is there if a lead is open. A constant step would show
only the conductance, which a blank electrolyte hardly has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from luggin import units
from luggin.engine.bounds import FLAG_WORDS
from luggin.records import Flag

Verdict = Literal["passed", "failed", "not possible"]
Window = tuple[float, float]

#: An answer counts if it is so many times its own uncertainty.
SIGNIFICANT = 5.0
#: Two metres of coaxial cable (about 100 pF/m) answer too, and are no cell (F).
STRAY = 200e-12
#: Less is a short where nothing else is expected (ohm).
SHORT = 1.0
#: From this part of what an instrument reaches on, its amplifier is at its end.
_AT_RAIL = 0.95
#: No electrode drifts like this (V/s); an input that is not connected to one does.
_FLOATS = 0.1
#: Readings without which nothing can be told: of an open cell, of a closed one.
_FEWEST_OPEN, _FEWEST_CLOSED = 3, 20
#: Standard deviation of a normal distribution in units of its median absolute deviation.
_MEDIAN_TO_DEVIATION = 1.4826
_OVERLOADS = Flag.CURRENT_OVERLOAD | Flag.COMPLIANCE | Flag.POTENTIAL_OVERLOAD


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: its value against its limit, and what it means if it is not right."""

    name: str
    verdict: Verdict
    value: float | None
    unit: str
    limit: str
    words: str = ""

    def __str__(self) -> str:
        value = "" if self.value is None else f" {units.show(self.value, self.unit)}"
        limit = f" ({self.limit})" if self.limit else ""
        return f"{self.name}: {self.verdict}{value}{limit}{f': {self.words}' if self.words else ''}"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return dict(vars(self))


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
        if not _AT_RAIL * reach[0] < self.farthest < _AT_RAIL * reach[1]:
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


def check_open_circuit(
    seen: OpenCircuit, *, expected: Window | None, reach: Window, drift_below: float, noise_below: float
) -> list[Check]:
    """What the open-circuit potential says.

    Args:
        seen: what was measured.
        expected: lowest and highest potential of a good cell (V).
        reach: lowest and highest potential that the instrument can apply (V).
        drift_below: largest drift to either side (V/s).
        noise_below: largest scatter (V).
    """
    if not seen.readings or math.isnan(seen.potential):
        words = f"only {seen.readings} usable readings; is the reference electrode connected?"
        return [Check("open-circuit potential", "failed", None, "V", "", words)]
    loose = seen.loose(reach)
    rail = f"within {units.show(_AT_RAIL * reach[0], 'V')} ... {units.show(_AT_RAIL * reach[1], 'V')}, not floating"
    words = f"{loose}: the reference or the working electrode, or a sense lead, is not connected" if loose else ""
    checks = [Check("electrodes connected", _verdict(not loose), seen.farthest, "V", rail, words)]
    if expected is not None:
        checks.append(_in_window(seen.potential, expected))
    limit = f"at most {units.show(drift_below, 'V/s')}"
    steady = abs(seen.drift) <= drift_below
    words = "" if steady else "the cell is not at rest, or the reference electrode is dry or leaks"
    checks.append(Check("drift", _verdict(steady), seen.drift, "V/s", limit, words))
    quiet = seen.noise <= noise_below
    words = "" if quiet else "a contact is loose, or the leads pick up the mains: shield them, shorten them"
    limit = f"at most {units.show(noise_below, 'V')}"
    checks.append(Check("noise of the potential", _verdict(quiet), seen.noise, "V", limit, words))
    return checks


def _in_window(potential: float, expected: Window) -> Check:
    low, high = expected
    limit = f"{units.show(low, 'V')} ... {units.show(high, 'V')}"
    inside = low <= potential <= high
    words = ""
    if not inside and low <= -potential <= high:
        words = "with the other sign it would fit: are the leads reversed?"
    elif not inside:
        words = "is this the right cell, the right reference electrode, and is everything connected?"
    return Check("open-circuit potential", _verdict(inside), potential, "V", limit, words)


def may_be_closed(seen: OpenCircuit, reach: Window, amplitude: float, lasts: float) -> str:
    """Why a cell is better not closed on this open-circuit potential; empty if it may.

    A control loop without a reference drives the cell with all that it has. One whose zero goes away
    by more than the excursion while that lasts is no better.
    """
    if math.isnan(seen.potential):
        return "there is no open-circuit potential"
    if loose := seen.loose(reach):
        return f"{loose} at open circuit"
    if abs(seen.drift) * lasts > amplitude or seen.noise > amplitude:
        return "the open-circuit potential does not stay where it is"
    return ""


def check_response(
    slow: Response | None,
    fast: Response | None = None,
    *,
    amplitude: float,
    resistance: Window | None,
    noise_below: float | None,
) -> list[Check]:
    """What the answer to the excursion says.

    Args:
        slow: to a slow one.
        fast: to a faster one behind it, where nothing answered to the slow one.
        amplitude: how far it went (V).
        resistance: lowest and highest of a good cell (ohm).
        noise_below: largest scatter of the current (A).
    """
    if slow is None:
        return not_looked_at("too few usable readings")
    clearest = slow if fast is None else fast
    checks = [
        _circuit(clearest, amplitude),
        _polarity(clearest),
        _follows(clearest, amplitude),
        _resistance(slow, resistance, closed=clearest.answers),
    ]
    if noise_below is not None:
        quiet = slow.noise <= noise_below
        words = "" if quiet else "the leads pick up something, or the current range is too large"
        limit = f"at most {units.show(noise_below, 'A')}"
        checks.append(Check("noise of the current", _verdict(quiet), slow.noise, "A", limit, words))
    return checks


def check_overcurrent(current: NDArray[Any], amplitude: float) -> Check:
    """What it means that the excursion had to be ended for the current that flowed."""
    usable = np.abs(current[np.isfinite(current)])
    words = f"so small an excursion (+-{units.show(amplitude, 'V')}) ran into a limit: do electrodes touch?"
    largest = float(usable.max()) if len(usable) else 0.0
    return Check("resistance", "failed", amplitude / largest if largest else None, "ohm", "", words)


def not_looked_at(why: str) -> list[Check]:
    """The checks of the closed cell, where it was not closed or told nothing."""
    names = (("closed circuit", "A"), ("polarity", ""), ("potential follows", "V"), ("resistance", "ohm"))
    return [Check(name, "not possible", None, unit, "", why) for name, unit in names]


def _circuit(seen: Response, amplitude: float) -> Check:
    """Whether a current answers at all."""
    resolved = units.show(seen.resolved(amplitude), "A")
    limit = f"more than {resolved} answer to +-{units.show(amplitude, 'V')}"
    if seen.answers:
        return Check("closed circuit", "passed", seen.answer(amplitude), "A", limit)
    words = "no current answers: the counter or the working electrode is not connected, or not in the solution"
    return Check("closed circuit", "failed", seen.answer(amplitude), "A", limit, words)


def _polarity(seen: Response) -> Check:
    """The sign of the current, which must follow the potential."""
    limit = "the current follows the potential"
    if not seen.answers:
        return Check("polarity", "not possible", None, "", limit, "no current to tell it by")
    backwards = (seen.has_conductance and seen.conductance < 0) or (seen.has_capacitance and seen.capacitance < 0)
    words = "the current goes against the potential: the leads, or the sign of the instrument, are reversed"
    return Check("polarity", _verdict(not backwards), None, "", limit, words if backwards else "")


def _follows(seen: Response, amplitude: float) -> Check:
    """Whether the measured potential is the applied one."""
    limit = f"within {units.show(amplitude / 2, 'V')} of what is applied"
    if seen.follows is None:
        words = "this instrument tells only what it applies"
        return Check("potential follows", "not possible", None, "V", limit, words)
    near = seen.follows <= amplitude / 2
    words = "" if near else "the instrument cannot bring the cell there: a sense lead or the counter electrode is open"
    return Check("potential follows", _verdict(near), seen.follows, "V", limit, words)


def _resistance(seen: Response, expected: Window | None, *, closed: bool) -> Check:
    """How much resistance there is, and that it is no short."""
    low, high = (SHORT, math.inf) if expected is None else expected
    limit = f"at least {units.show(low, 'ohm')}"
    if high < math.inf:
        limit = f"{units.show(low, 'ohm')} ... {units.show(high, 'ohm')}"

    def check(verdict: Verdict, value: float | None, words: str = "") -> Check:
        return Check("resistance", verdict, value, "ohm", limit, words)

    if not closed:
        return check("not possible", None, "no current to tell it by")
    if seen.overloaded > 0.5:
        return check("failed", seen.resistance, f"the instrument reports {_OVERLOADED}: do electrodes touch?")
    if seen.resistance is None:
        least = 1.0 / (SIGNIFICANT * seen.u_conductance) if seen.u_conductance > 0 else math.inf
        words = f"more than {units.show(least, 'ohm')}"
        if least > high:
            return check("failed", None, f"it is {words}: is there a bad contact?")
        if high == math.inf and least > low:
            return check("passed", None, words)
        return check("not possible", None, f"{words}, no more can be told in this noise")
    value = abs(seen.resistance)
    if value < low:
        return check("failed", value, "do electrodes touch, or does something conduct beside the cell?")
    if value > high:
        return check("failed", value, "is there a bad contact?")
    return check("passed", value)


_OVERLOADED = FLAG_WORDS[Flag.CURRENT_OVERLOAD]


def _verdict(good: bool) -> Verdict:
    return "passed" if good else "failed"


def failed(checks: Sequence[Check]) -> list[Check]:
    """Those that failed."""
    return [check for check in checks if check.verdict == "failed"]
