"""Texts of people and lines of instruments that nobody would write: read rightly, or refused by an error of ours."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin import units
from luggin.bench import load_bench
from luggin.clock import VirtualClock
from luggin.documents import load_document
from luggin.errors import BadReply, InstrumentError, ProtocolError, UnitError, UsageError
from luggin.steps import CV, Vocabulary, load_protocol
from luggin.steps.quantities import parse_potential
from luggin.transport import Transport
from luggin_drivers.keithley.replies import decode
from luggin_drivers.palmsens.packages import PackageDecoder
from luggin_drivers.palmsens.tables import MODELS
from luggin_sim.bench import stations

WORDS = Vocabulary({}, {})
QUIET = settings(deadline=None, derandomize=True, max_examples=300)

SAMPLE = (
    'sample = {id = "x", wiring = "three-electrode", working = {material = "Pt"}, counter = {material = "Pt"}, '
    'reference = {electrode = "Ag/AgCl"}}'
)
GOOD = f"""title = "t"
{SAMPLE}
limits = [{{column = "potential", between = ["-2 V", "1 V"]}}]
steps = [{{do = "ocp", duration = "60 s"}}, {{do = "repeat", times = 3, steps = [{{do = "rest", duration = "1 s"}}]}}]
"""
BENCH = """title = "b"
[instruments.cell]
driver = "palmsens.methodscript"
resource = "sim://cell"
[simulated.cell]
dialect = "palmsens.methodscript"
model = "emstat4-hr"
cell = {kind = "resistor", resistance = "1 kohm"}
"""
_WORDS = (
    '"',
    "{",
    "}",
    "[",
    "]",
    "=",
    "\n",
    "0x" + "F" * 5000,
    "9" * 400,
    "-1",
    "1e999",
    "nan",
    "$x",
    "é",
    "1 V",
    ",",
    "do",
    "\\",
)


@st.composite
def spoilt(draw, text):
    """A text with some of its parts cut out and others put in."""
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(text)))
        end = begin + draw(st.integers(0, 6))
        text = text[:begin] + draw(st.sampled_from(_WORDS)) + text[end:]
    return text


def attempted(allowed, call):
    """What a call gives, or the error of ours that it raises; any other comes out."""
    try:
        return call(), None
    except allowed as error:
        return None, error


def numbers_of(value):
    if hasattr(type(value), "model_fields"):
        return [n for name in type(value).model_fields for n in numbers_of(getattr(value, name))]
    if isinstance(value, list | tuple):
        return [n for item in value for n in numbers_of(item)]
    return [value] if isinstance(value, float) else []


@QUIET
@given(spoilt(GOOD))
def test_a_spoilt_protocol_is_a_protocol_or_says_where_it_is_wrong(text):
    lines = text.count("\n") + 1
    loaded, error = attempted(ProtocolError, lambda: load_protocol(text=text, vocabulary=WORDS, name="p.toml"))
    if error is not None:
        assert error.problems
        assert all(1 <= (problem.line or 1) <= lines for problem in error.problems)
    else:
        assert all(map(math.isfinite, numbers_of(loaded.protocol.steps)))


@QUIET
@given(spoilt(BENCH))
def test_a_spoilt_bench_is_a_bench_or_a_mistake(text):
    try:
        stations(load_bench(text=text).simulated_tables)
    except UsageError:
        return


@QUIET
@given(spoilt("title: t\nsteps:\n  - {do: ocp, duration: 60 s}\n  - do: rest\n    duration: 1 h\n"), st.booleans())
def test_a_spoilt_document_is_a_table_or_a_mistake(text, as_yaml):
    try:
        document = load_document(text, "d.yaml" if as_yaml else "d.toml")
    except ProtocolError:
        return
    assert isinstance(document.data, dict)


@pytest.mark.parametrize("number", ["10" * 200, "0x" + "F" * 5000], ids=["decimal", "hexadecimal"])
@pytest.mark.parametrize("key", ["rate", "cycles", "step", "begin"])
def test_a_number_beyond_everything_is_a_mistake_with_its_line(key, number):
    step = {"do": '"cv"', "begin": '"0 V vs ref"', "vertices": '["1 V", "0 V"]', "rate": '"1 V/s"', "step": '"1 mV"'}
    pairs = ", ".join(f"{k} = {v}" for k, v in {**step, key: number}.items())
    with pytest.raises(ProtocolError, match=r"p\.toml:3: a whole number here has more than 64 bits"):
        load_protocol(text=f'title = "t"\n{SAMPLE}\nsteps = [{{{pairs}}}]\n', name="p.toml")


@pytest.mark.parametrize(
    "number", [10**400, -(10**5000), 7, math.inf, math.nan], ids=["large", "small", "7", "inf", "nan"]
)
def test_a_script_that_gives_a_number_without_a_unit_is_told_so_whatever_the_number(number):
    with pytest.raises(UsageError, match="has no unit"):
        CV(begin="0 V vs ref", vertices=("1 V", "0 V"), rate=number, step="1 mV")


@QUIET
@given(
    st.one_of(
        st.text(max_size=30),
        st.builds(
            "{}{}{}{}".format,
            st.one_of(
                st.floats().map(repr), st.integers().map(str), st.sampled_from(["1.(5)", "1(9999)", "0x1", "1_0", "²"])
            ),
            st.sampled_from([" ", "", "(5) ", "e", " e3 "]),
            st.sampled_from(["V", "mV/s", "degC", "mm2", "ppm", "1", "%", "min", "K-1", "m9", "V/V/V", "°C", "Ω"]),
            st.sampled_from(["", " vs ref", " vs", " vs ocp", "²", "⁻¹"]),
        ),
    ),
    st.sampled_from(["V", "V/s", "s", "K", "degC", "1", "percent"]),
)
def test_a_quantity_is_a_finite_number_or_no_quantity(text, unit):
    for read in (lambda: units.parse_with_uncertainty(text, unit), lambda: (parse_potential(text).value, 0.0)):
        try:
            value, u = read()
        except UnitError:
            continue
        assert math.isfinite(value)
        assert math.isfinite(u)
        assert u >= 0.0
        assert units.rounded(value, u)[0]


# -- lines of instruments ------------------------------------------------------------------------


class Recited(Transport):
    """The same bytes once, and nothing after them."""

    def __init__(self, data):
        super().__init__("recited", VirtualClock())
        self._data = [data]

    def _read_chunk(self, until, cancel):
        if self._data:
            return self._data.pop()
        self.clock.wait_until(until)
        return b""

    def _write(self, data):
        """Nobody listens."""

    def close(self):
        """Nothing is open."""


@QUIET
@given(
    st.one_of(
        st.binary(max_size=40),
        st.builds(
            lambda count, size, body: f"#{count}{size}".encode() + body,
            st.integers(0, 9),
            st.sampled_from(["", "8", "08", "99999999", "000000008", "²", "-1", "+8", "8 "]),
            st.binary(max_size=20),
        ),
    )
)
def test_a_block_is_no_longer_than_what_came_or_no_block(data):
    try:
        block = Recited(data).read_block(longest=1000)
    except InstrumentError:
        return
    assert block in data


def test_a_block_that_says_it_is_huge_is_refused_before_anything_is_taken_for_it():
    with pytest.raises(BadReply, match="a block of 999999999 bytes is longer than 1000"):
        Recited(b"#9999999999" + b"x" * 50).read_block(longest=1000)


_DECODER = PackageDecoder(("eb", "da", "ba"), MODELS["emstat4-hr"].range_index)


@QUIET
@given(
    st.one_of(
        st.binary(max_size=60),
        st.builds(
            lambda digits, prefix, tail: f"Peb{digits:07X}m;da7F85F3Fu;ba48D503D{prefix}{tail}".encode("latin-1"),
            st.integers(0, 2**29),
            st.characters(max_codepoint=255),
            st.sampled_from(["", ",10", ",10,288", ",1", ",2FFF", ",,", ",10" * 50, ",3AB", ",1G"]),
        ),
    )
)
def test_a_package_has_values_that_its_digits_can_say_or_is_none(line):
    decoded, error = attempted(BadReply, lambda: _DECODER.decode(line))
    if error is not None:
        assert error.raw == line
        return
    values, flags, scale = decoded
    assert len(values) == 3
    assert all(math.isnan(v) or abs(v) <= 2**27 * 1e18 for v in values)
    assert 0 <= flags < 2**32
    assert math.isnan(scale) or scale > 0


@QUIET
@given(
    st.one_of(
        st.binary(max_size=40),
        st.lists(
            st.sampled_from(["1", "-1E-6", "9.91E37", "-9.9e37", "nan", "0", "64", "", "²", "1e400"]), max_size=8
        ).map(lambda parts: ",".join(parts).encode()),
    ),
    st.integers(1, 2),
)
def test_readings_are_as_many_as_were_asked_for_or_none(reply, expected):
    readings, error = attempted(BadReply, lambda: decode(reply, expected, "meter"))
    if error is None:
        assert len(readings.time) == len(readings.flags(measures_current=True)) == expected
