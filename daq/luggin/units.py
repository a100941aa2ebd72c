"""Quantities as people write them: ``"25 mV/s"``, ``"12.00(5) mm"``, ``"25 degC"``.

A small parser of our own. It never evaluates anything: a number, a blank, and a unit made of
known symbols with SI prefixes, ``/``, ``*`` or a blank between them, and one-digit exponents.
Values are converted to the unit that the caller asks for.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

from luggin.errors import UnitError

_MAXIMUM_LENGTH = 80
# Larger or smaller than any product of units that measures something; keeps all arithmetic finite.
_LARGEST_FACTOR = 1e90
# Digits between the largest and the smallest number that a float can be.
_EVERY_DIGIT = Context(prec=700)

_PREFIXES = {
    "": 1.0,
    "T": 1e12,
    "G": 1e9,
    "M": 1e6,
    "k": 1e3,
    "d": 1e-1,
    "c": 1e-2,
    "m": 1e-3,
    "u": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
    "f": 1e-15,
}

# Exponents of (m, kg, s, A, K, mol), and the factor to the SI unit.
_Dimension = tuple[int, int, int, int, int, int]
_SYMBOLS: dict[str, tuple[_Dimension, float]] = {
    "m": ((1, 0, 0, 0, 0, 0), 1.0),
    "g": ((0, 1, 0, 0, 0, 0), 1e-3),
    "s": ((0, 0, 1, 0, 0, 0), 1.0),
    "A": ((0, 0, 0, 1, 0, 0), 1.0),
    "K": ((0, 0, 0, 0, 1, 0), 1.0),
    "mol": ((0, 0, 0, 0, 0, 1), 1.0),
    "V": ((2, 1, -3, -1, 0, 0), 1.0),
    "W": ((2, 1, -3, 0, 0, 0), 1.0),
    "J": ((2, 1, -2, 0, 0, 0), 1.0),
    "eV": ((2, 1, -2, 0, 0, 0), 1.602176634e-19),
    "ohm": ((2, 1, -3, -2, 0, 0), 1.0),
    "S": ((-2, -1, 3, 2, 0, 0), 1.0),
    "F": ((-2, -1, 4, 2, 0, 0), 1.0),
    "H": ((2, 1, -2, -2, 0, 0), 1.0),
    "Ah": ((0, 0, 1, 1, 0, 0), 3600.0),
    "Wh": ((2, 1, -2, 0, 0, 0), 3600.0),
    "C": ((0, 0, 1, 1, 0, 0), 1.0),
    "Hz": ((0, 0, -1, 0, 0, 0), 1.0),
    "Pa": ((-1, 1, -2, 0, 0, 0), 1.0),
    "N": ((1, 1, -2, 0, 0, 0), 1.0),
    "L": ((3, 0, 0, 0, 0, 0), 1e-3),
    "M": ((-3, 0, 0, 0, 0, 1), 1e3),
    "B": ((0, 0, 0, 0, 0, 0), 1.0),
}
# Symbols that take no prefix: "min" is not a milli-inch, "h" not a hecto.
_PLAIN: dict[str, tuple[_Dimension, float]] = {
    "min": ((0, 0, 1, 0, 0, 0), 60.0),
    "h": ((0, 0, 1, 0, 0, 0), 3600.0),
    "d": ((0, 0, 1, 0, 0, 0), 86400.0),
    "1": ((0, 0, 0, 0, 0, 0), 1.0),
    "%": ((0, 0, 0, 0, 0, 0), 0.01),
    "percent": ((0, 0, 0, 0, 0, 0), 0.01),
    "ppm": ((0, 0, 0, 0, 0, 0), 1e-6),
    "bar": ((-1, 1, -2, 0, 0, 0), 1e5),
    "l": ((3, 0, 0, 0, 0, 0), 1e-3),
    "deg": ((0, 0, 0, 0, 0, 0), math.pi / 180),
}
_CELSIUS = {"degC", "°C"}
_SPELLINGS = {
    "Ω": "ohm",
    "µ": "u",
    "μ": "u",
    "Ohm": "ohm",
    "²": "2",
    "³": "3",
    "⁻": "-",
    "¹": "1",
    "·": " ",
    "℃": "degC",
    "−": "-",
}

_NUMBER = re.compile(
    r"\s*(?P<mantissa>[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))(?:\((?P<u>\d{1,4})\))?(?P<exponent>[eE][+-]?\d{1,3})?"
)
_FACTOR = re.compile(r"(?P<symbol>%|°C|[A-Za-z]{1,10}|1)(?:\^?(?P<exponent>-?[1-9]))?$")


@dataclass(frozen=True)
class Measure:
    """A number with its unit as it was written, and its standard uncertainty (0 if none given)."""

    value: float
    u: float
    unit: str


@dataclass(frozen=True)
class _Unit:
    dimension: _Dimension
    factor: float
    celsius: bool = False


def _symbol(text: str) -> tuple[_Dimension, float] | None:
    if text in _PLAIN:
        return _PLAIN[text]
    if text in _SYMBOLS:
        return _SYMBOLS[text]
    prefix, symbol = text[:1], text[1:]
    if prefix in _PREFIXES and symbol in _SYMBOLS and symbol not in ("B",):
        dimension, factor = _SYMBOLS[symbol]
        return dimension, factor * _PREFIXES[prefix]
    return None


@lru_cache(maxsize=512)
def _unit(text: str) -> _Unit:
    """The meaning of a unit; UnitError names the part that is not known."""
    plain = text.strip()
    for spelling, ours in _SPELLINGS.items():
        plain = plain.replace(spelling, ours)
    if plain in ("degC", "°C"):
        return _Unit((0, 0, 0, 0, 1, 0), 1.0, celsius=True)
    exponents, factor, sign = [0] * 6, 1.0, 1
    tokens = re.findall(r"/|\*|[^\s/*]+", plain)
    expect_factor = True
    for token in tokens:
        if token in "/*":
            if expect_factor:
                raise UnitError(f"{text!r} is not a unit: {token!r} stands where a symbol should")
            sign = -1 if token == "/" else 1
            expect_factor = True
            continue
        match = _FACTOR.match(token)
        known = _symbol(match["symbol"]) if match else None
        if match is None or known is None:
            raise UnitError(f"{token!r} is not a known unit.{_suggest(token)}")
        power = sign * int(match["exponent"] or 1)
        dimension, scale = known
        exponents = [e + power * d for e, d in zip(exponents, dimension, strict=True)]
        factor *= scale**power
        # "V/s" divides by what follows the stroke only; a blank behind it multiplies again
        sign, expect_factor = 1, False
    if expect_factor:
        raise UnitError(f"{text!r} is not a unit" if plain else "the unit is missing")
    if not 1 / _LARGEST_FACTOR < factor < _LARGEST_FACTOR:
        raise UnitError(f"{text!r} is out of every range")
    return _Unit(tuple(exponents), factor)  # type: ignore[arg-type]


_WORDS = {
    "sec": "s",
    "secs": "s",
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "minutes": "min",
    "hr": "h",
    "hour": "h",
    "hours": "h",
    "volt": "V",
    "volts": "V",
    "millivolt": "mV",
    "amp": "A",
    "ampere": "A",
    "celsius": "degC",
    "kelvin": "K",
}


def _suggest(token: str) -> str:
    common = [
        "mV",
        "V",
        "uA",
        "mA",
        "A",
        "s",
        "min",
        "h",
        "mV/s",
        "V/s",
        "Hz",
        "kHz",
        "ohm",
        "kohm",
        "uF",
        "degC",
        "K",
        "mm",
        "cm",
        "cm2",
        "mM",
        "percent",
    ]
    token = _WORDS.get(token.lower(), token)
    by_case = [c for c in common if c.lower() == token.lower()]
    close = by_case or difflib.get_close_matches(token, common, 1, 0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def measure(text: str) -> Measure:
    """Split ``"12.00(5) mm"`` into value, uncertainty (last digits, in parentheses) and unit.

    >>> measure("12.00(5) mm")
    Measure(value=12.0, u=0.05, unit='mm')
    """
    if not isinstance(text, str):
        raise UnitError(f'a quantity is a number and a unit in quotes, such as "1 V"; got {text!r}')
    if len(text) > _MAXIMUM_LENGTH:
        raise UnitError(f"a quantity of {len(text)} characters is too long (at most {_MAXIMUM_LENGTH})")
    plain = text.replace("−", "-")
    match = _NUMBER.match(plain)
    if match is None:
        raise UnitError(f'{text!r} does not begin with a number; write for example "1.5 V"')
    mantissa, exponent = match["mantissa"], match["exponent"] or ""
    unit = plain[match.end() :].strip()
    if re.match(r",\d", unit):
        raise UnitError(f'{text!r} has a decimal comma; write a decimal point, as in "{plain.replace(",", ".", 1)}"')
    value = float(mantissa + exponent)
    u = 0.0
    if match["u"]:
        decimals = len(mantissa.partition(".")[2])
        u = (
            float(f"{match['u']}e{int(exponent[1:] or 0) - decimals}")
            if exponent
            else int(match["u"]) * 10.0**-decimals
        )
    if not (math.isfinite(value) and math.isfinite(u)):
        raise UnitError(f"{text!r} is out of every range")
    return Measure(value, u, unit)


def parse(text: str, unit: str) -> float:
    """The value of a written quantity in ``unit``.

    >>> parse("25 mV/s", "V/s")
    0.025
    >>> parse("25 degC", "K")
    298.15

    Raises:
        UnitError: no number, no unit, an unknown unit, or one of another kind.
    """
    return parse_with_uncertainty(text, unit)[0]


def parse_with_uncertainty(text: str, unit: str) -> tuple[float, float]:
    """The value and the standard uncertainty of a written quantity, both in ``unit``."""
    written, wanted = measure(text), _unit(unit)
    if not written.unit and wanted.dimension != (0,) * 6:
        raise UnitError(f'{text!r} has no unit ({unit}); write for example "{_example(unit)}"')
    found = _unit(written.unit or "1")
    if found.dimension != wanted.dimension:
        raise UnitError(f'{written.unit!r} is not a unit of {_kind(unit)}; write for example "{_example(unit)}"')
    value, u = written.value * found.factor, written.u * found.factor
    if found.celsius:
        value += 273.15
    value /= wanted.factor
    if wanted.celsius:
        value -= 273.15
    if found.factor == wanted.factor and found.celsius == wanted.celsius:
        value, u = written.value, written.u
    elif found.factor != wanted.factor and not (found.celsius or wanted.celsius):
        value, u = _scaled(written.value, found.factor, wanted.factor), u / wanted.factor
    if not (math.isfinite(value) and math.isfinite(u)):
        raise UnitError(f"{text!r} is out of every range")
    return value, u


def _scaled(value: float, found: float, wanted: float) -> float:
    """``value * found / wanted``, exactly rounded for decimal prefixes (25 mV is 0.025 V, not 0.02500...1)."""
    ratio = found / wanted
    power = round(math.log10(ratio))
    if -300 < power < 300 and math.isclose(ratio, 10.0**power, rel_tol=1e-12):
        return float(f"{value!r}e{power}") if "e" not in repr(value) else value * 10.0**power
    return value * ratio


def convert(value: float, unit: str, to: str) -> float:
    """A plain number from one unit into another of the same kind."""
    found, wanted = _unit(unit), _unit(to)
    if found.dimension != wanted.dimension:
        raise UnitError(f"{unit!r} cannot be turned into {to!r}")
    si = value * found.factor + (273.15 if found.celsius else 0.0)
    return (si - (273.15 if wanted.celsius else 0.0)) / wanted.factor


def same_kind(unit: str, other: str) -> bool:
    """True if both units measure the same kind of quantity."""
    return _unit(unit).dimension == _unit(other).dimension


_KINDS = {
    "V": "potential",
    "A": "current",
    "s": "time",
    "V/s": "scan rate",
    "Hz": "frequency",
    "ohm": "resistance",
    "K": "temperature",
    "degC": "temperature",
    "F": "capacitance",
    "cm2": "area",
    "cm/s": "rate constant",
    "mol/cm3": "concentration",
    "mol/m3": "concentration",
    "m": "length",
    "m2": "area",
    "kg": "mass",
    "C": "charge",
}
_EXAMPLES = {
    "V": "0.5 V",
    "A": "10 uA",
    "s": "10 s",
    "V/s": "25 mV/s",
    "Hz": "1 kHz",
    "ohm": "100 ohm",
    "K": "25 degC",
    "degC": "25 degC",
    "mol/cm3": "0.5 mM",
    "mol/m3": "0.5 mM",
    "m": "3 mm",
    "m2": "0.07 cm2",
    "kg": "14 mg",
    "C": "1 mC",
}


def _kind(unit: str) -> str:
    return f"{_KINDS[unit]} ({unit})" if unit in _KINDS else repr(unit)


def _example(unit: str) -> str:
    return _EXAMPLES.get(unit, f"1 {unit}")


def show(value: float, unit: str, digits: int = 4) -> str:
    """A quantity for people, with the prefix that keeps the number short: ``show(2.5e-6, "A")`` is ``2.5 uA``.

    Only plain units that take prefixes are scaled (V, A, C, s, Hz, ohm, F, V/s, S); others stay.
    """
    head, stroke, tail = unit.partition("/")
    if (
        head in ("V", "A", "C", "Hz", "ohm", "F", "S", "W", "s", "B")
        and math.isfinite(value)
        and value != 0
        and not (head == "s" and abs(value) >= 1)
    ):
        for prefix in ("p", "n", "u", "m", "", "k", "M", "G"):
            factor = _PREFIXES[prefix]
            if abs(value) < 999.95 * factor or prefix == "G":
                return f"{value / factor:.{digits}g} {prefix}{head}{stroke}{tail}"
    return f"{value:.{digits}g} {unit}"


def show_duration(seconds: float) -> str:
    """A time span for people: ``95`` s is ``1 min 35 s``, ``200 000`` s is ``2 d 7 h``."""
    if not math.isfinite(seconds):
        return "no end"
    if seconds < 60:
        return f"{seconds:.3g} s"
    parts = []
    rest = round(seconds)
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def rounded(value: float, u: float | None) -> tuple[str, str, int]:
    """Value and standard uncertainty to two digits of the uncertainty, with a common power of ten.

    Without an uncertainty the value has five digits and the second text is empty.

    >>> rounded(-0.4760492, 0.00034175)
    ('-0.47605', '0.00034', 0)
    >>> rounded(1.0234e-5, 0.000996e-5)
    ('1.0234', '0.0010', -5)
    >>> rounded(12345.0, 678.0)
    ('12340', '680', 0)
    """
    u = u if u is not None and math.isfinite(u) and u > 0 else None
    largest = max(abs(value), u or 0.0)
    power = 0
    if largest and (largest < 1e-4 or largest >= 1e6):
        power = math.floor(math.log10(largest))
    scale = Decimal(1).scaleb(-power)
    if u is None:
        return f"{float(Decimal(value) * scale):.5g}", "", power
    number, spread = Decimal(value) * scale, Decimal(u) * scale
    for _ in range(2):  # rounding 0.0996 to two digits makes it 0.100: then it is rounded once more
        place = Decimal(1).scaleb(spread.adjusted() - 1)
        spread = spread.quantize(place, ROUND_HALF_EVEN, _EVERY_DIGIT)
    return f"{number.quantize(place, ROUND_HALF_EVEN, _EVERY_DIGIT):f}", f"{spread:f}", power
