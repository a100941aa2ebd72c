"""Area, concentration and temperature from what the protocol says of the sample, each with its uncertainty."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luggin.errors import UnitError
from luggin.results import Refusal
from luggin.units import measure, parse_with_uncertainty
from luggin_plugins.cv.series import refusals

_LAST_DIGIT = re.compile(r"[+-]?\d*(?:\.(?P<decimals>\d*))?")


@dataclass(frozen=True)
class Stated:
    """A quantity of the sample with its standard uncertainty, and what a reader must know about it."""

    value: float
    u: float
    flags: tuple[str, ...] = ()

    @property
    def relative(self) -> float:
        """Relative standard uncertainty."""
        return self.u / abs(self.value) if self.value else math.inf


def electrode_area(sample: Mapping[str, Any]) -> Stated | Refusal:
    """Area (cm2) of the working electrode: as stated, or of a disc of the stated diameter."""
    working = sample.get("working")
    table = working if isinstance(working, Mapping) else {}
    assumed = _assumed(sample, "working.area", "working.diameter", "working", "electrode", "area")
    if isinstance(table.get("area"), str):
        return _marked(_read(table["area"], "cm2", "area"), "area", assumed)
    if isinstance(table.get("diameter"), str):
        diameter = _read(table["diameter"], "cm", "diameter")
        area = 0.25 * math.pi * diameter.value**2
        return _marked(Stated(area, 2.0 * diameter.relative * area, diameter.flags), "area", assumed)
    return refusals.area_unknown()


def concentration(sample: Mapping[str, Any]) -> Stated | Refusal:
    """Concentration (mol/cm3) of the compound."""
    said = sample.get("concentration")
    if not isinstance(said, str):
        return refusals.concentration_unknown()
    return _marked(_read(said, "mol/cm3", "concentration"), "concentration", _assumed(sample, "concentration"))


def temperature_uncertainty(sample: Mapping[str, Any]) -> float:
    """Standard uncertainty (K) of the temperature, as far as the sample states one; 0 if it does not."""
    said = sample.get("temperature")
    return parse_with_uncertainty(said, "K")[1] if isinstance(said, str) else 0.0


def _assumed(sample: Mapping[str, Any], *names: str) -> bool:
    listed = sample.get("assumed", ())
    entries = (listed,) if isinstance(listed, str) else tuple(map(str, listed))
    return any(name in entries for name in names)


def _marked(stated: Stated, name: str, assumed: bool) -> Stated:
    return Stated(stated.value, stated.u, (f"{name} only assumed", *stated.flags)) if assumed else stated


def _read(text: str, unit: str, name: str) -> Stated:
    """A written quantity. Without an uncertainty its last digit is what is known: +/- half of it, rectangular.

    >>> stated = _read("0.5 mM", "mol/cm3", "concentration")
    >>> round(stated.relative, 4)
    0.0577
    """
    value, u = parse_with_uncertainty(text, unit)
    if u:
        return Stated(value, u)
    half_digit = 0.5 * _last_digit(text) / math.sqrt(3.0)
    written = measure(text).value
    if not written:
        raise UnitError(f"{text!r}: the {name} is zero")
    return Stated(value, abs(value / written) * half_digit, (f"uncertainty of the {name} taken from its last digit",))


def _last_digit(text: str) -> float:
    """One unit of the last digit of a written number, in the unit that it was written in."""
    mantissa, exponent = re.match(r"\s*([^eE\s]*)(?:[eE]([+-]?\d+))?", text.replace("−", "-")).groups()  # type: ignore[union-attr]
    decimals = (_LAST_DIGIT.match(mantissa) or re.match("", "")).groupdict().get("decimals") or ""  # type: ignore[union-attr]
    return float(10.0 ** (int(exponent or 0) - len(decimals)))
