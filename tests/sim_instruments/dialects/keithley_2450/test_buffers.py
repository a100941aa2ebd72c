"""Readings, buffers, elements and formats."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin_sim.dialects.keithley_2450.buffers import Reading, ReadingBuffer
from luggin_sim.dialects.keithley_2450.status import ScpiError


def filled(bench, count=25, name="a"):
    """Volts 0, 0.01, ... over 1 kohm, one reading each."""
    bench.send(f'TRAC:MAKE "{name}", 100', "OUTP ON")
    for k in range(count):
        bench.send(f"SOUR:VOLT {k / 100}", f'TRAC:TRIG "{name}"')
        bench.wait(1.0)
    assert bench.error() == 0
    return bench


def test_a_reading_has_the_elements_that_were_asked_for(ready):
    ready.send("SOUR:VOLT 0.5", "OUTP ON")
    assert ready.ask('READ? "defbuffer1", SOUR, READ, REL, STAT, SOURSTAT') == (
        "5.000000E-01,5.000000E-04,0.000000,8,128"
    )
    assert ready.ask('FETC? "defbuffer1", READ') == "5.000000E-04"
    assert ready.ask("FETC?") == "5.000000E-04"


def test_a_reading_takes_integration_and_overhead(ready):
    ready.send("OUTP ON", "SENS:CURR:NPLC 5")
    began = ready.now
    ready.ask("READ?")
    assert ready.now - began == pytest.approx(5 / 50 + 0.00285)


@pytest.mark.parametrize(
    ("commands", "apertures"),
    [
        ((), 1),
        (("SOUR:VOLT:READ:BACK ON",), 2),
        (("SENS:CURR:AZER ON",), 3),
        (("SENS:CURR:AVER ON", "SENS:CURR:AVER:COUN 4"), 4),
        (("SENS:CURR:AVER ON", "SENS:CURR:AVER:COUN 4", "SENS:CURR:AVER:TCON MOV"), 1),
    ],
)
def test_what_lengthens_a_reading(ready, commands, apertures):
    ready.send("SENS:CURR:NPLC 1", *commands)
    began = ready.now
    ready.ask("READ?")
    assert ready.now - began == pytest.approx(apertures / 50 + 0.00285)


def test_a_query_reads_as_often_as_was_said_and_sends_the_last(ready):
    ready.send("OUTP ON", "SENS:COUN 5")
    began = ready.now
    ready.ask("READ?")
    assert ready.now - began == pytest.approx(5 * (0.002 + 0.00285))
    assert ready.ask("TRAC:ACT?") == "5"
    assert ready.numbers('TRAC:DATA? 1, 5, "defbuffer1", REL') == pytest.approx([k * 0.00485 for k in range(5)])


def test_measure_chooses_the_function(ready):
    ready.send("SOUR:VOLT 0.25", "OUTP ON")
    assert ready.numbers("MEAS:VOLT?") == [0.25]
    assert ready.ask("SENS:FUNC?") == '"VOLT:DC"'
    assert ready.numbers('MEAS:CURR? "defbuffer1", SOUR, READ') == [0.25, 0.25e-3]


def test_a_buffer_is_read_in_parts_without_loss(ready):
    bench = filled(ready)
    whole = bench.ask('TRAC:DATA? 1, 25, "a", REL, SOUR, READ, STAT')
    parts = [bench.ask(f'TRAC:DATA? {i}, {min(i + 9, 25)}, "a", REL, SOUR, READ, STAT') for i in (1, 11, 21)]
    assert ",".join(parts) == whole
    rows = [float(text) for text in whole.split(",")]
    assert rows[1::4] == [k / 100 for k in range(25)]
    assert rows[2::4] == pytest.approx([k / 1e5 for k in range(25)])
    assert rows[0] == 0.0
    assert rows[4::4] == pytest.approx([float(k) for k in range(1, 25)])


def test_counts_and_indices(ready):
    bench = filled(ready)
    assert bench.ask('TRAC:ACT? "a";ACT:STAR? "a";:TRAC:ACT:END? "a";:TRAC:POIN? "a"') == "25;1;25;100"
    bench.send('TRAC:CLE "a"')
    assert bench.ask('TRAC:ACT? "a";ACT:STAR? "a";:TRAC:ACT:END? "a"') == "0;0;0"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('TRAC:DATA? 1, 26, "a", READ', -222),
        ('TRAC:DATA? 0, 5, "a", READ', -222),
        ('TRAC:DATA? 5, 4, "a", READ', -222),
        ('TRAC:DATA? 1, 2, "b", READ', -224),
        ('TRAC:DATA? 1, 2, "a", CHARGE', -224),
        ('TRAC:DATA? 1, 2, "a", "READ"', -104),
        ("TRAC:DATA? 1", -109),
        ('TRAC:DATA? 1, 1, "a"' + 15 * ", READ", -108),
        ("FETC?", -230),
        ("TRAC:DATA? 1, 1", -222),
        ("TRAC:ACT? 5", -104),
    ],
)
def test_what_cannot_be_read_is_an_error_and_no_answer(ready, query, code):
    bench = filled(ready)
    assert bench.ask(query, patience=10.0) == ""
    assert (bench.error(), bench.error()) == (code, 0)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ('TRAC:MAKE "a", 100', 1115),
        ('TRAC:MAKE "defbuffer1", 100', -224),
        ('TRAC:MAKE "", 100', -224),
        ('TRAC:MAKE "b", 9', -222),
        ('TRAC:MAKE "b", 6875001', -222),
        ('TRAC:MAKE "b"', -109),
        ('TRAC:MAKE "b", 100, WRITable', -224),
        ('TRAC:MAKE "b", 100, STAN', 0),
        ('TRAC:DEL "b"', -224),
        ('TRAC:DEL "defbuffer2"', -224),
        ('TRAC:DEL "a"', 0),
        ('TRAC:CLE "b"', -224),
    ],
)
def test_making_and_deleting(bench, command, code):
    bench.send('TRAC:MAKE "a", 100', command)
    assert bench.error() == code


def test_a_buffer_that_is_filled_once_keeps_what_it_has(ready):
    ready.send('TRAC:MAKE "a", 10', "OUTP ON", "SENS:COUN 8", 'TRAC:TRIG "a"', 'TRAC:TRIG "a"')
    assert ready.ask('TRAC:FILL:MODE? "a"') == "ONCE"
    ready.wait(1.0)
    assert ready.ask('TRAC:ACT? "a";ACT:END? "a"') == "10;10"


def test_a_continuous_buffer_keeps_the_newest_and_goes_on_counting(ready):
    ready.send('TRAC:MAKE "a", 10', 'TRAC:FILL:MODE CONT, "a"', "OUTP ON")
    for k in range(47):
        ready.send(f"SOUR:VOLT {k / 100}", 'TRAC:TRIG "a"')
    ready.wait(10.0)
    assert ready.ask('TRAC:ACT? "a";ACT:STAR? "a";:TRAC:ACT:END? "a"') == "10;38;47"
    assert ready.numbers('TRAC:DATA? 38, 47, "a", SOUR') == [k / 100 for k in range(37, 47)]
    assert ready.numbers('TRAC:DATA? 38, 39, "a", REL') == pytest.approx([0.0, 0.00485])
    ready.send('TRAC:DATA? 37, 47, "a", SOUR')
    assert ready.error() == -222


def test_another_size_empties_a_buffer(ready):
    bench = filled(ready)
    bench.send('TRAC:POIN 50, "a"')
    assert bench.ask('TRAC:POIN? "a";ACT? "a"') == "50;0"


def test_absolute_times_and_units(make_bench):
    bench = make_bench(power_on="2026-03-21T12:00:00").set_up()
    bench.send("SOUR:VOLT 0.0015", "OUTP ON", "SENS:CURR:NPLC 0.0575")  # 1.15 ms, 4 ms in all
    assert bench.ask('READ? "defbuffer1", TST, DATE, TIME, SEC, FRAC, UNIT, SOURUNIT, FORM, SOURFORM') == (
        "03/21/2026 12:01:40.004000,03/21/2026,12:01:40.004000,1774094500,0.004000,"
        "Amp DC,Volt DC,+1.50000 uA,+1.50000 mV"
    )


@pytest.mark.parametrize(("word", "letter", "size"), [("REAL", "d", 8), ("SRE", "f", 4)])
@pytest.mark.parametrize(("border", "order"), [("SWAP", "<"), ("NORM", ">")])
def test_blocks_hold_the_same_numbers_as_text(ready, word, letter, size, border, order):
    bench = filled(ready)
    text = bench.numbers('TRAC:DATA? 1, 25, "a", REL, SOUR, READ')
    bench.send(f"FORM {word}", f"FORM:BORD {border}", 'TRAC:DATA? 1, 25, "a", REL, SOUR, READ')
    bench.wait(1.0)
    block = bench.instrument.take(bench.now)
    assert block[:2] == b"#0"
    assert block[-1:] == b"\n"
    assert len(block) == 2 + 75 * size + 1
    assert struct.unpack(f"{order}75{letter}", block[2:-1]) == pytest.approx(text, rel=1e-6, abs=1e-6)
    bench.send('TRAC:DATA? 1, 2, "a", STAT')
    bench.send("FORM ASC")
    assert bench.error() == 1133


def reading(k):
    return Reading(float(k), 0.0, 0.0, 0, 0, "VOLT", "CURR")


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.integers(10, 40), st.integers(0, 200), st.booleans())
def test_indices_always_mean_the_same_reading(capacity, count, continuous):
    buffer = ReadingBuffer("a", capacity, continuous=continuous)
    for k in range(1, count + 1):
        buffer.add(reading(k))
    assert buffer.count == min(count, capacity)
    assert buffer.last == (count if continuous else min(count, capacity))
    if count:
        origin, rows = buffer.rows(buffer.first, buffer.last)
        assert [row.time for row in rows] == [float(k) for k in range(buffer.first, buffer.last + 1)]
        assert origin == buffer.first
    with pytest.raises(ScpiError):
        buffer.rows(buffer.first, buffer.last + 1)
