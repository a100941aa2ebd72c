"""Units against pint, an independent reading of the same unit symbols."""

import itertools
import math
import string

import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin import units
from luggin.errors import UnitError

REGISTRY = pint.UnitRegistry(non_int_type=float)
QUIET = settings(deadline=None, derandomize=True, max_examples=300)

PREFIXES = ["", "T", "G", "M", "k", "d", "c", "m", "u", "n", "p", "f"]
# our symbol -> pint's name, where the symbol alone means something else to pint
SYMBOLS = {
    "m": "meter",
    "g": "gram",
    "s": "second",
    "A": "ampere",
    "K": "kelvin",
    "mol": "mole",
    "V": "volt",
    "W": "watt",
    "J": "joule",
    "eV": "electron_volt",
    "ohm": "ohm",
    "S": "siemens",
    "F": "farad",
    "H": "henry",
    "C": "coulomb",
    "Hz": "hertz",
    "Pa": "pascal",
    "N": "newton",
    "L": "liter",
    "M": "molar",
    "Ah": "ampere_hour",
    "Wh": "watt_hour",
}
PLAIN = {"min": "minute", "h": "hour", "d": "day", "bar": "bar", "l": "liter", "deg": "degree", "ppm": "ppm"}
NAMES = {
    "": "",
    "T": "tera",
    "G": "giga",
    "M": "mega",
    "k": "kilo",
    "d": "deci",
    "c": "centi",
    "m": "milli",
    "u": "micro",
    "n": "nano",
    "p": "pico",
    "f": "femto",
}
# The SI unit of each kind, in our spelling and in pint's.
BASES = [
    ("m", "m"),
    ("kg", "kg"),
    ("s", "s"),
    ("A", "A"),
    ("K", "K"),
    ("mol", "mol"),
    ("V", "V"),
    ("W", "W"),
    ("J", "J"),
    ("ohm", "ohm"),
    ("S", "S"),
    ("F", "F"),
    ("H", "H"),
    ("C", "C"),
    ("1/s", "1/s"),
    ("Pa", "Pa"),
    ("N", "N"),
    ("m3", "m**3"),
    ("mol/m3", "mol/m**3"),
    ("1", "dimensionless"),
]


def base_of(quantity: pint.Quantity) -> tuple[str, float]:
    """Our SI unit of the same kind, and pint's value in it."""
    for ours, theirs in BASES:
        if quantity.is_compatible_with(theirs):
            return ours, quantity.to(theirs).magnitude
    raise AssertionError(f"no base for {quantity}")


@pytest.mark.parametrize(("prefix", "symbol"), list(itertools.product(PREFIXES, SYMBOLS)))
def test_every_prefix_with_every_symbol_is_what_pint_says(prefix, symbol):
    base, expected = base_of(REGISTRY.Quantity(2.5, NAMES[prefix] + SYMBOLS[symbol]))
    assert units.parse(f"2.5 {prefix}{symbol}", base) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("symbol", PLAIN)
def test_units_without_prefix_are_what_pint_says(symbol):
    base, expected = base_of(REGISTRY.Quantity(3.0, PLAIN[symbol]))
    assert units.parse(f"3 {symbol}", base) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(UnitError):
        units.parse(f"3 k{symbol}", base)


@pytest.mark.parametrize(
    ("written", "unit", "pints"),
    [
        ("mV/s", "V/s", "millivolt/second"),
        ("mS/cm", "S/m", "millisiemens/centimeter"),
        ("mA/cm2", "A/m2", "milliampere/centimeter**2"),
        ("mA h/g", "C/kg", "milliampere*hour/gram"),
        ("mAh/g", "C/kg", "milliampere_hour/gram"),
        ("kJ/mol", "J/mol", "kilojoule/mole"),
        ("J/mol/K", "J/mol/K", "joule/mole/kelvin"),
        ("cm2/s", "m2/s", "centimeter**2/second"),
        ("cm² s⁻¹", "m2/s", "centimeter**2/second"),
        ("cm^2*s^-1", "m2/s", "centimeter**2/second"),
        ("mol/cm3", "mol/m3", "mole/centimeter**3"),
        ("K/min", "K/s", "kelvin/minute"),
        ("µA", "A", "microampere"),
        ("kΩ", "ohm", "kiloohm"),
        ("uF/cm2", "F/m2", "microfarad/centimeter**2"),
    ],
)
def test_composed_units_are_what_pint_says(written, unit, pints):
    expected = REGISTRY.Quantity(1.7, pints).to_base_units().magnitude
    ours_in_base = REGISTRY.Quantity(units.parse(f"1.7 {written}", unit), unit.replace("2", "**2").replace("3", "**3"))
    assert ours_in_base.to_base_units().magnitude == pytest.approx(expected, rel=1e-12)


def test_celsius_is_what_pint_says():
    expected = REGISTRY.Quantity(25.0, "degC").to("kelvin").magnitude
    assert units.parse("25 degC", "K") == pytest.approx(expected, rel=1e-12)
    assert units.parse("25 °C", "degC") == 25.0
    assert units.parse("298.15 K", "degC") == pytest.approx(25.0, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "unit", "exact"),
    [("25 mV/s", "V/s", 0.025), ("1 mV", "V", 0.001), ("-1700 mV", "V", -1.7), ("3 uA", "A", 3e-6)],
)
def test_decimal_prefixes_are_exact(text, unit, exact):
    assert units.parse(text, unit) == exact


@pytest.mark.parametrize(
    ("text", "value", "u"),
    [
        ("12.00(5) mm", 0.012, 0.00005),
        ("3.0(1) mm", 0.003, 0.0001),
        ("1.20(3)e-2 m", 0.012, 0.0003),
        ("5(2) m", 5.0, 2.0),
    ],
)
def test_uncertainty_in_parentheses_counts_the_last_digits(text, value, u):
    assert units.parse_with_uncertainty(text, "m") == pytest.approx((value, u), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("25 mV", "V/s", "'mV' is not a unit of scan rate (V/s); write for example \"25 mV/s\""),
        ("25", "V/s", "'25' has no unit (V/s); write for example \"25 mV/s\""),
        ("fast", "V/s", "'fast' does not begin with a number; write for example \"1.5 V\""),
        ("1 mv", "V", "'mv' is not a known unit. Did you mean 'mV'?"),
        ("1,5 V", "V", "'1,5 V' has a decimal comma; write a decimal point, as in \"1.5 V\""),
        ("1e999 V", "V", "'1e999 V' is out of every range"),
        ("1e305 TV", "V", "'1e305 TV' is out of every range"),
        ("1(9)e308 m", "m", "'1(9)e308 m' is out of every range"),
        ("2 V/", "V", "'V/' is not a unit"),
        ("2 /V", "V", "'/V' is not a unit: '/' stands where a symbol should"),
    ],
)
def test_messages_say_what_to_write(text, unit, message):
    with pytest.raises(UnitError) as refused:
        units.parse(text, unit)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "text", ["9**9**9**9 V", "__import__('os') V", "1 V" * 40, "0x10 V", "1_000 V", "nan V", "inf V"]
)
def test_hostile_text_is_refused(text):
    with pytest.raises(UnitError):
        units.parse(text, "V")


def is_finite_or_refused(text, unit):
    try:
        return math.isfinite(units.parse(text, unit))
    except UnitError as error:
        return bool(str(error))


@QUIET
@given(st.text(max_size=100), st.sampled_from(["V", "A", "K", "degC", "m2", "V/s", "1"]))
def test_any_text_is_a_number_or_a_unit_error(text, unit):
    assert is_finite_or_refused(text, unit)


_unit_like = st.lists(
    st.sampled_from(["T", "m", "mm9", "Tm9", "fm-9", "/", "*", " ", "V", "s", "degC", "1", "%", "²", "(5)", "e9"]),
    max_size=14,
).map("".join)


@QUIET
@given(st.floats(allow_nan=False).map(repr), _unit_like, st.sampled_from(["V", "m", "m9", "1", "1/m", "K", "degC"]))
def test_any_product_of_units_is_a_number_or_a_unit_error(number, unit, wanted):
    assert is_finite_or_refused(f"{number} {unit}", wanted)


@QUIET
@given(st.floats(-1e6, 1e6), st.sampled_from([p + s for p in "Gkmunp" for s in ("V", "A", "Hz", "ohm")]))
def test_what_is_written_can_be_read_back(value, unit):
    base = unit[1:]
    read = units.parse(f"{value!r} {unit}", base)
    assert units.convert(read, base, unit) == pytest.approx(value, rel=1e-9, abs=1e-12)


@QUIET
@given(st.floats(1e-14, 1e11))
def test_what_is_shown_can_be_read_back(value):
    assert units.parse(units.show(value, "V", 9), "V") == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize("symbol", [s for s in string.ascii_letters if s not in "mgsAKVWJSFHCNLMBhdl"])
def test_other_letters_are_no_units(symbol):
    with pytest.raises(UnitError, match="is not a known unit"):
        units.parse(f"1 {symbol}", "1")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(12.0, "12 s"), (95.0, "1 min 35 s"), (3600.0, "1 h"), (200_000.0, "2 d 7 h"), (math.inf, "no end")],
)
def test_durations_for_people(seconds, words):
    assert units.show_duration(seconds) == words


def test_a_value_and_an_uncertainty_that_have_nothing_to_do_with_each_other_can_be_written():
    value, u, power = units.rounded(-1e300, 3e-320)
    assert power == 300
    assert float(value) == -1.0
    assert u == "0." + "0" * 619 + "30"


@pytest.mark.parametrize(
    ("value", "shown"), [(5e-5, "50 uC"), (4e-5, "40 uC"), (0.0072, "7.2 mC"), (-3.6e3, "-3.6 kC"), (0.0, "0 C")]
)
def test_a_charge_is_shown_with_the_prefix_that_keeps_it_short(value, shown):
    assert units.show(value, "C") == shown
