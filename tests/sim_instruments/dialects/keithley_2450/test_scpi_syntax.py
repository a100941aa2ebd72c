"""Messages, headers in all their forms, arguments."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin_sim.cells import ResistorCell, ResistorSpec
from luggin_sim.dialects.keithley_2450 import make
from luggin_sim.dialects.keithley_2450.scpi import (
    Arguments,
    header_pattern,
    is_word,
    parse_unit,
    split_outside_quotes,
)
from luggin_sim.dialects.keithley_2450.status import ScpiError

NPLC = ("[:SENSe[1]]", ":CURRent", "[:DC]", ":NPLCycles")


def spellings(word):
    """Long and short form of one word of the manual, with its optional digit."""
    name = re.sub(r"[\[\]:\d]", "", word)
    short = "".join(c for c in name if c.isupper())
    for form in (name, short):
        yield f":{form}"
        if "[1]" in word:
            yield f":{form}1"


def every_spelling(words):
    choices = [[*spellings(word), *([""] if word.startswith("[") else [])] for word in words]
    return ["".join(parts) for parts in itertools.product(*choices)]


@pytest.mark.parametrize("header", every_spelling(NPLC))
@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
@pytest.mark.parametrize("colon", [":", ""])
def test_every_spelling_of_a_header_is_understood(bench, header, change, colon):
    written = colon + change(header).removeprefix(":")
    assert bench.ask(f"{written} 0.5;{written}?" if colon else f"{written} 0.5;:{written}?") == "5.000000E-01"


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.integers(0, 200), st.sampled_from(["SENSE:CURRENT:NPLCYCLES", "SOURCE:VOLTAGE:ILIMIT:LEVEL"]), st.data())
def test_a_word_that_is_neither_long_nor_short_is_undefined(seed, header, data):
    long_forms = header.split(":")
    shorts = {"SENSE": "SENS", "CURRENT": "CURR", "NPLCYCLES": "NPLC", "SOURCE": "SOUR", "VOLTAGE": "VOLT"}
    shorts |= {"ILIMIT": "ILIM", "LEVEL": "LEV"}
    place = data.draw(st.integers(0, len(long_forms) - 1))
    word = long_forms[place]
    length = data.draw(st.integers(1, len(word) - 1).filter(lambda n: word[:n] != shorts[word]))
    wrong = ":".join([*long_forms[:place], word[:length], *long_forms[place + 1 :]])
    instrument = make("2450", {"noise": 0.0, "error_text": "none"}, ResistorCell(ResistorSpec(1e3)))
    instrument.feed(f"{wrong} 1\nSYST:ERR?\n".encode(), 0.0)
    assert instrument.take(1.0) == b'-113,"Undefined header"\n'


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (":SOURce[1]:<function>[:LEVel][:IMMediate][:AMPLitude]", ":SOUR1:VOLT:IMM", ":SOUR2:VOLT"),
        (":OUTPut[1][:<function>]:SMODe", ":OUTP:CURR:DC:SMOD", ":OUTP:RES:SMOD"),
        ("*IDN", "*IDN", "*IDNT"),
        (":SYSTem:ERRor[:NEXT]", ":SYST:ERROR:NEXT", ":SYST:ERRO"),
    ],
)
def test_patterns_of_the_manual(pattern, good, bad):
    assert header_pattern(pattern).fullmatch(good)
    assert not header_pattern(pattern).fullmatch(bad)


def test_a_function_is_told_apart():
    assert header_pattern(":SOURce[1]:<function>:RANGe").fullmatch(":SOUR:CURRENT:DC:RANG")["function"] == "CURRENT:DC"


def test_a_message_goes_on_where_the_last_command_was(bench):
    assert bench.ask("SENS:CURR:AVER:COUN 20;TCON MOV;:SENS:CURR:AVER:COUN?;TCON?") == "20;MOV"
    bench.send("SENS:CURR:AVER:COUN 30;SENS:CURR:AVER:COUN 40")  # the second would be SENS:CURR:AVER:SENS:...
    assert bench.error() == -113
    assert bench.ask("SENS:CURR:AVER:COUN?") == "30"


def test_a_common_command_leaves_the_path_alone(bench):
    assert bench.ask("SENS:CURR:AVER:COUN 20;*CLS;COUN?") == "20"


def test_every_message_begins_at_the_root(bench):
    bench.send("SENS:CURR:AVER:COUN 20", "COUN 3")  # SENS:COUN, for SENS may be left out
    assert bench.ask(":SENS:COUN?;:SENS:CURR:AVER:COUN?") == "3;20"


def test_after_a_mistake_the_rest_of_the_message_is_ignored(bench):
    assert bench.ask("SENS:COUN 2;:SENS:COUN?;:SENS:NONSENSE 1;:SENS:COUN 3;:SENS:COUN?") == "2"
    assert bench.ask("SENS:COUN?") == "2"
    assert (bench.error(), bench.error()) == (-113, 0)


def test_carriage_returns_blanks_and_empty_messages_do_no_harm(bench):
    bench.send("", " ", ";", "  SENS:COUN   4 \r")
    assert bench.ask("SENS:COUN?\r") == "4"
    assert bench.error() == 0


def test_semicolons_and_commas_within_strings_are_text(bench):
    bench.send('TRAC:MAKE "a;b,c", 10')
    assert bench.ask('TRAC:POIN? "a;b,c"') == "10"
    assert bench.ask("TRAC:POIN? 'a;b,c'") == "10"


def test_a_string_without_end_spoils_its_message(bench):
    bench.send('SENS:COUN 5;:TRAC:MAKE "a, 10')
    assert (bench.error(), bench.ask("SENS:COUN?")) == (-151, "1")


def test_commands_are_not_queries_and_queries_not_commands(bench):
    assert bench.ask("ABOR?", patience=10.0) == ""
    bench.send("SYST:LFR 50")
    assert [bench.error() for _ in range(3)] == [-113, -113, 0]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("SENS:CURR:NPLC", -109),
        ("SENS:CURR:NPLC 1, 2", -108),
        ("SENS:CURR:NPLC one", -104),
        ("SENS:CURR:NPLC 11", -222),
        ("SENS:CURR:NPLC 0.001", -222),
        ("SENS:COUN 1.5", -104),
        ("SENS:CURR:AZER MAYBE", -224),
        ("SENS:CURR:AZER 2", -104),
        ("SENS:FUNC CURR", -104),
        ('SENS:FUNC "POW"', -224),
        ("OUTP:SMOD OPEN", -224),
        ("OUTP:SMOD", -109),
        ("SOUR:VOLT:PROT PROT3", -224),
        ("*ESE 256", -222),
        ("*SRE -1", -222),
        ("*RST 1", -108),
        ("ROUT:TERM TOP", -224),
        ("FORM HEX", -224),
    ],
)
def test_wrong_arguments(bench, command, code):
    bench.send(command)
    assert (bench.error(), bench.error()) == (code, 0)


@pytest.mark.parametrize(("word", "value"), [("MIN", 0.01), ("MAXimum", 10.0), ("def", 1.0)])
def test_words_for_numbers(bench, word, value):
    assert float(bench.ask(f"SENS:CURR:NPLC 3;NPLC {word};NPLC?")) == value
    assert float(bench.ask(f"SENS:CURR:NPLC? {word}")) == value


def test_a_flood_without_an_end_is_dropped_and_told(bench):
    bench.instrument.feed(b"x" * 70_000, bench.now)
    assert bench.error() == -363
    assert bench.ask("SENS:COUN?") == "1"


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.text(alphabet="abc ,;\"'", max_size=6), max_size=5))
def test_quoted_parts_come_back_as_they_went(texts):
    quoted = ['"' + text.replace('"', '""') + '"' for text in texts]
    parts = split_outside_quotes(",".join(quoted), ",") if quoted else []
    assert [Arguments([part]).text() for part in parts] == texts


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.binary(max_size=200))
def test_no_bytes_bring_it_down(data):
    instrument = make("2450", {"noise": 0.0}, ResistorCell(ResistorSpec(1e3)))
    instrument.feed(data + b"\n*CLS\n*IDN?\n", 0.0)
    assert instrument.take(1e6).endswith(b"KEITHLEY INSTRUMENTS,MODEL 2450,04000001,1.7.16a\n")


def test_words_and_units():
    assert is_word("GUARD", "GUARd")
    assert not is_word("GUARDS", "GUARd")
    assert parse_unit("*wai", ":SENS")[0].header == "*WAI"
    with pytest.raises(ScpiError, match="-109"):
        Arguments(["", "1"]).number(0, 1)
