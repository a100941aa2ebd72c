"""What a look at a cell says about it: from what readings amount to, to a verdict with words. Pure.

Whatever is passive has a positive conductance and a positive capacitance, so their sign is that of the
current; neither is there if a lead is open.
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
from luggin.engine.cell_readings import AT_RAIL, SIGNIFICANT, OpenCircuit, Response, Window
from luggin.records import Flag

Verdict = Literal["passed", "failed", "not possible"]

#: Less is a short where nothing else is expected (ohm).
SHORT = 1.0
#: No potential of a cell is known better than this (V).
_FINEST = 1e-5
#: This part of what is allowed is as good as nothing.
_NOTHING = 1e-3


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: its value against its limit, and what it means if it is not right.

    What is smaller than ``least`` (``unit``) means nothing here, and is told as less than that.
    """

    name: str
    verdict: Verdict
    value: float | None
    unit: str
    limit: str
    words: str = ""
    least: float = 0.0

    def __str__(self) -> str:
        value = ""
        if self.value is not None and abs(self.value) < self.least:
            value = f" < {units.show(self.least, self.unit)}"
        elif self.value is not None:
            value = f" {units.show(self.value, self.unit)}"
        limit = f" ({self.limit})" if self.limit else ""
        return f"{self.name}: {self.verdict}{value}{limit}{f': {self.words}' if self.words else ''}"

    def to_json(self) -> dict[str, Any]:
        """Plain data; the value as it is."""
        return {name: value for name, value in vars(self).items() if name != "least"}


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
    rail = f"within {units.show(AT_RAIL * reach[0], 'V')} ... {units.show(AT_RAIL * reach[1], 'V')}, not floating"
    words = f"{loose}: the reference or the working electrode, or a sense lead, is not connected" if loose else ""
    checks = [Check("electrodes connected", _verdict(not loose), seen.farthest, "V", rail, words, _FINEST)]
    if expected is not None:
        checks.append(_in_window(seen.potential, expected))
    limit = f"at most {units.show(drift_below, 'V/s')}"
    steady = abs(seen.drift) <= drift_below
    words = "" if steady else "the cell is not at rest, or the reference electrode is dry or leaks"
    checks.append(Check("drift", _verdict(steady), seen.drift, "V/s", limit, words, drift_below * _NOTHING))
    quiet = seen.noise <= noise_below
    words = "" if quiet else "a contact is loose, or the leads pick up the mains: shield them, shorten them"
    limit, least = f"at most {units.show(noise_below, 'V')}", noise_below * _NOTHING
    checks.append(Check("noise of the potential", _verdict(quiet), seen.noise, "V", limit, words, least))
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
    return Check("open-circuit potential", _verdict(inside), potential, "V", limit, words, _FINEST)


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
    return Check("potential follows", _verdict(near), seen.follows, "V", limit, words, amplitude * _NOTHING)


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
