"""Common commands, error queue, status byte, languages."""

import pytest

from luggin_sim.dialects.keithley_2450 import check, make


@pytest.mark.parametrize("model", ["2450", "2460", "2461"])
def test_the_identity_names_the_model(make_bench, model):
    maker, name, serial, firmware = make_bench(model).ask("*IDN?").split(",")
    assert (maker, name) == ("KEITHLEY INSTRUMENTS", f"MODEL {model}")
    assert serial.isdigit()
    assert firmware


def test_the_older_firmware_is_incorporated(make_bench):
    assert (
        make_bench(identity="KEITHLEY INSTRUMENTS INC.")
        .ask("*IDN?")
        .startswith("KEITHLEY INSTRUMENTS INC.,MODEL 2450,")
    )


def test_the_language_is_scpi(bench):
    assert bench.ask("*LANG?") == "SCPI"


@pytest.mark.parametrize("language", ["TSP", "SCPI2400"])
def test_in_another_language_only_common_commands_are_answered(make_bench, language):
    bench = make_bench(language=language)
    assert bench.ask("*LANG?") == language
    assert bench.ask("*IDN?").startswith("KEITHLEY")
    assert bench.ask("SYST:ERR?", patience=10.0) == ""
    bench.send("OUTP ON")
    assert not bench.instrument.cell_is_on
    assert int(bench.ask("*STB?")) & 4


def test_an_error_has_type_and_date(bench):
    bench.send("SENS:CURR:NPLC")
    assert bench.ask("SYST:ERR?") == '-109,"Missing parameter;1;2026/01/01 00:01:40.000"'
    assert bench.ask("SYST:ERR?") == '0,"No error;0,0,0"'


@pytest.mark.parametrize(
    ("style", "text"),
    [("seconds", '-113,"Undefined header;1,1767225700,0"'), ("none", '-113,"Undefined header"')],
)
def test_other_ways_to_write_an_error(make_bench, style, text):
    bench = make_bench(error_text=style)
    bench.send("NO:SUCH:COMMAND")
    assert bench.ask("SYST:ERR?") == text


def test_errors_come_out_as_they_went_in(bench):
    bench.send("NONSENSE", "SENS:COUN 0", "SENS:COUN")
    assert bench.ask("SYST:ERR:COUN?") == "3"
    assert [bench.error() for _ in range(4)] == [-113, -222, -109, 0]
    bench.send("NONSENSE")
    assert [bench.ask("SYST:ERR:CODE?") for _ in range(2)] == ["-113", "0"]


def test_a_full_queue_says_that_it_overflowed(make_bench):
    bench = make_bench(error_queue=3)
    bench.send("NONSENSE", "SENS:COUN 0", "SENS:COUN", "NONSENSE", "NONSENSE")
    assert [bench.error() for _ in range(4)] == [-113, -222, -350, 0]


@pytest.mark.parametrize("command", ["*CLS", "SYST:CLE", "STAT:CLE"])
def test_the_queue_is_emptied(bench, command):
    bench.send("NONSENSE", command)
    assert bench.error() == 0


def test_a_reset_keeps_the_errors_and_forgets_the_settings(bench):
    bench.send("NONSENSE", "SENS:COUN 5", 'TRAC:MAKE "a", 10', "SOUR:FUNC CURR", "FORM REAL", "*RST")
    assert bench.error() == -113
    assert bench.ask("SENS:COUN?;:SOUR:FUNC?;:FORM?;:OUTP?;:OUTP:SMOD?") == "1;VOLT;ASC;0;NORM"
    bench.send('TRAC:POIN? "a"')
    assert bench.error() == -224


def test_power_on_is_an_event_that_is_told_once(bench):
    assert (bench.ask("*ESR?"), bench.ask("*ESR?")) == ("128", "0")


def test_completion_is_an_event(bench):
    bench.send("*CLS", "*OPC")
    assert bench.ask("*ESR?") == "1"
    assert bench.ask("*OPC?") == "1"


def test_the_status_byte_sums_up(bench):
    bench.send("*CLS", "*ESE 1", "*SRE 32")
    assert bench.ask("*STB?;*ESE?;*SRE?") == "0;1;32"
    bench.send("*OPC")
    assert bench.ask("*STB?") == str(32 + 64)
    bench.send("NONSENSE")
    assert bench.instrument.status_byte() == 4 + 32 + 64
    bench.send("*IDN?")
    assert bench.instrument.status_byte() & 16
    bench.hear()
    assert not bench.instrument.status_byte() & 16


def test_a_device_clear_forgets_what_was_said_and_not_read(ready):
    ready.send("*IDN?", "SENS:COUN 10")
    ready.instrument.feed(b"half a comm", ready.now)
    ready.instrument.device_clear()
    assert ready.ask("SENS:COUN?") == "10"
    assert ready.error() == 0


def test_every_command_takes_its_time(make_bench):
    bench = make_bench(command_time=0.002)
    began = bench.now
    bench.ask("SENS:COUN 2;:SENS:COUN 3;:SENS:COUN?")
    assert bench.now - began == pytest.approx(0.006)


def test_frequency_and_version(make_bench):
    bench = make_bench(line_frequency=60)
    assert bench.ask("SYST:LFR?;VERS?") == "60;1996.0"


@pytest.mark.parametrize(
    ("model", "options", "path", "words"),
    [
        ("2440", {}, "model", "Did you mean"),
        ("2450", {"languge": "TSP"}, "options.languge", "language"),
        ("2450", {"language": "BASIC"}, "options.language", "SCPI"),
        ("2450", {"noise": -1.0}, "options.noise", "zero or more"),
        ("2450", {"seed": 1.5}, "options.seed", "int"),
        ("2450", {"line_frequency": 16.7}, "options.line_frequency", "50 or 60"),
        ("2450", {"error_queue": 1}, "options.error_queue", "two"),
        ("2450", {"point_overhead": 0.0}, "options.point_overhead", "at least"),
        ("2450", {"power_on": "yesterday"}, "options.power_on", "not a date"),
    ],
)
def test_mistakes_in_the_bench_file_are_named(model, options, path, words):
    (problem,) = check(model, options)
    assert problem.path == path
    assert words in f"{problem.message} {problem.hint}"


def test_good_options_have_no_problems(make_bench):
    options = {"noise": 0, "line_frequency": 60, "staircase": True, "seed": 7}
    assert check("2461", options) == []
    assert not make("2461", options, make_bench().cell).cell_is_on
