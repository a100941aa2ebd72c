"""The source: levels, ranges, limits, read-back of everything, and what the models allow."""

import pytest


@pytest.mark.parametrize(
    ("command", "query", "answer"),
    [
        ("SOUR:FUNC CURR", "SOUR:FUNC?", "CURR"),
        ("SOUR:VOLT 0.9", "SOUR:VOLT?", "9.000000E-01"),
        ("SOUR:VOLT -0.9", "SOUR:VOLT:LEV:IMM:AMPL?", "-9.000000E-01"),
        ("SOUR:CURR 1e-5", "SOUR:CURR?", "1.000000E-05"),
        ("SOUR:VOLT:RANG 1.5", "SOUR:VOLT:RANG?", "2.000000E+00"),
        ("SOUR:VOLT:RANG 1.5", "SOUR:VOLT:RANG:AUTO?", "0"),
        ("SOUR:VOLT:ILIM 0.01", "SOUR:VOLT:ILIM?", "1.000000E-02"),
        ("SOUR:CURR:VLIM 2", "SOUR:CURR:VLIM:LEV?", "2.000000E+00"),
        ("SOUR:VOLT:READ:BACK OFF", "SOUR:VOLT:READ:BACK?", "0"),
        ("SOUR:VOLT:DEL 0.02", "SOUR:VOLT:DEL?", "2.000000E-02"),
        ("SOUR:VOLT:DEL 0.02", "SOUR:VOLT:DEL:AUTO?", "0"),
        ("SOUR:VOLT:HIGH:CAP ON", "SOUR:VOLT:HIGH:CAP?", "1"),
        ("SOUR:VOLT:PROT PROT5", "SOUR:VOLT:PROT?", "PROT5"),
        ("ROUT:TERM REAR", "ROUT:TERM?", "REAR"),
        ("OUTP:SMOD HIMP", "OUTP:SMOD?", "HIMP"),
        ("OUTP:CURR:SMOD ZERO", "OUTP:CURR:SMOD?", "ZERO"),
        ("SENS:CURR:RSEN ON", "SENS:CURR:RSEN?", "1"),
        ("SENS:CURR:RANG 5e-6", "SENS:CURR:RANG?", "1.000000E-05"),
        ("SENS:CURR:RANG 5e-6", "SENS:CURR:RANG:AUTO?", "0"),
        ("SENS:CURR:RANG:AUTO OFF", "SENS:CURR:RANG:AUTO?", "0"),
        ("SENS:CURR:RANG:AUTO:LLIM 5e-7", "SENS:CURR:RANG:AUTO:LLIM?", "1.000000E-06"),
        ('SENS:FUNC "VOLT"', "SENS:FUNC?", '"VOLT:DC"'),
        ('SENS:FUNC "CURR:DC"', "SENS:FUNC?", '"CURR:DC"'),
        ("SENS:COUN 7", "SENS:COUN?", "7"),
        ("SENS:NPLC 2", "SENS:VOLT:NPLC?", "2.000000E+00"),
        ("SENS:CURR:AVER ON", "SENS:CURR:AVER?", "1"),
        ("SENS:CURR:AVER:COUN 3", "SENS:CURR:AVER:COUN?", "3"),
        ("SENS:CURR:AVER:TCON MOV", "SENS:CURR:AVER:TCON?", "MOV"),
        ("FORM:BORD NORM", "FORM:BORD?", "NORM"),
    ],
)
def test_what_is_set_is_read_back(bench, command, query, answer):
    bench.send(command)
    assert (bench.ask(query), bench.error()) == (answer, 0)


def test_an_averaging_filter_is_switched_in_one_message(bench):
    bench.send("SENS:CURR:AVER ON;:SENS:CURR:AVER:COUN 5;:SENS:CURR:AVER:TCON REP")
    assert bench.ask("SENS:CURR:AVER?;AVER:COUN?;TCON?") == "1;5;REP"


def test_numbers_may_be_short(make_bench):
    bench = make_bench(number_format="short")
    bench.send("SOUR:VOLT 0.9")
    assert bench.ask("SOUR:VOLT?") == "0.9"


def test_the_values_after_a_reset(bench):
    bench.send("*RST")
    assert bench.ask("SOUR:FUNC?;:OUTP?;:OUTP:SMOD?;:ROUT:TERM?") == "VOLT;0;NORM;FRON"
    assert bench.ask("SOUR:VOLT:ILIM?;:SOUR:CURR:VLIM?") == "1.050000E-04;2.100000E+01"
    assert bench.ask("SENS:FUNC?;:SENS:CURR:NPLC?;:SENS:CURR:AZER?;:SENS:CURR:RSEN?") == '"CURR:DC";1.000000E+00;1;0'


@pytest.mark.parametrize(
    ("model", "command", "code"),
    [
        ("2450", "SOUR:VOLT 210", 0),
        ("2450", "SOUR:VOLT 210.1", -222),
        ("2450", "SOUR:VOLT -211", -222),
        ("2450", "SOUR:CURR 1.05", 0),
        ("2450", "SOUR:CURR -1.06", -222),
        ("2450", "SOUR:VOLT:ILIM 1.05", 0),
        ("2450", "SOUR:VOLT:ILIM 1.06", -222),
        ("2450", "SOUR:VOLT:ILIM 1e-10", -222),
        ("2450", "SOUR:VOLT:ILIM -0.1", -222),
        ("2450", "SOUR:CURR:VLIM 0.01", -222),
        ("2450", "SENS:CURR:RANG 2", -222),
        ("2450", "SOUR:VOLT:RANG 300", -222),
        ("2460", "SOUR:VOLT 105", 0),
        ("2460", "SOUR:VOLT 106", -222),
        ("2461", "SOUR:CURR 7.35", 0),
        ("2461", "SOUR:CURR 7.4", -222),
        ("2461", "SOUR:VOLT:ILIM 1e-7", -222),
        ("2461", "SOUR:VOLT:ILIM 7", 0),
    ],
)
def test_what_a_model_allows(make_bench, model, command, code):
    bench = make_bench(model)
    bench.send(command)
    assert bench.error() == code


@pytest.mark.parametrize(
    ("model", "value", "full_scale"),
    [("2450", 3.0, 20.0), ("2460", 3.0, 7.0), ("2461", 8.0, 10.0), ("2450", 0.01, 0.02), ("2461", 0.01, 0.2)],
)
def test_the_ranges_of_the_models(make_bench, model, value, full_scale):
    bench = make_bench(model)
    bench.send(f"SOUR:VOLT:RANG {value}")
    assert float(bench.ask("SOUR:VOLT:RANG?")) == full_scale


def test_without_automatic_range_a_level_must_fit(bench):
    bench.send("SOUR:VOLT:RANG 2", "SOUR:VOLT 2.1")
    assert bench.error() == 0
    bench.send("SOUR:VOLT 3")
    assert bench.error() == -222
    assert bench.ask("SOUR:VOLT?") == "2.100000E+00"
    bench.send("SOUR:VOLT:RANG 0.2")
    assert (bench.error(), bench.ask("SOUR:VOLT:RANG?")) == (-222, "2.000000E+00")
    bench.send("SOUR:VOLT:RANG:AUTO ON", "SOUR:VOLT 3")
    assert (bench.error(), bench.ask("SOUR:VOLT:RANG?")) == (0, "2.000000E+01")


@pytest.mark.parametrize(
    ("model", "commands", "code"),
    [
        ("2450", ("SOUR:VOLT:ILIM 1", "SOUR:VOLT 21"), 0),
        ("2450", ("SOUR:VOLT:ILIM 1", "SOUR:VOLT 22"), -221),
        ("2450", ("SOUR:VOLT 100", "SOUR:VOLT:ILIM 0.105"), 0),
        ("2450", ("SOUR:VOLT 100", "SOUR:VOLT:ILIM 0.2"), -221),
        ("2450", ("SOUR:CURR:VLIM 100", "SOUR:CURR 0.5"), -221),
        ("2461", ("SOUR:VOLT:ILIM 5.25", "SOUR:VOLT 10.5"), 0),
        ("2461", ("SOUR:VOLT:ILIM 5.25", "SOUR:VOLT 11"), -221),
    ],
)
def test_high_potentials_and_high_currents_exclude_one_another(make_bench, model, commands, code):
    bench = make_bench(model)
    bench.send(*commands)
    assert bench.error() == code


def test_a_limit_must_not_be_lost_in_the_measurement_range(bench):
    bench.send("SENS:CURR:RANG 1", "SOUR:VOLT:ILIM 0.0005")
    assert bench.error() == -222
    bench.send("SENS:CURR:RANG:AUTO ON", "SOUR:VOLT:ILIM 0.0005")
    assert bench.error() == 0


def test_bounds_are_told(bench):
    assert bench.numbers("SOUR:VOLT? MAX") == [210.0]
    assert bench.numbers("SOUR:VOLT? MIN") == [-210.0]
    assert bench.numbers("SOUR:VOLT:ILIM? MIN") == [1e-9]
    assert bench.numbers("SOUR:CURR:VLIM? DEF") == [21.0]
    assert bench.numbers("SOUR:VOLT:RANG? MAX") == [200.0]
    assert bench.numbers("SENS:CURR:RANG? MAX") == [1.0]


# --- lists ----------------------------------------------------------------------------------------


def levels(count, start=0):
    return ",".join(f"{(start + k) * 1e-4:.4f}" for k in range(count))


def test_a_list_grows_by_hundreds_up_to_2500(bench):
    bench.send(f"SOUR:LIST:VOLT {levels(100)}")
    for k in range(1, 25):
        bench.send(f"SOUR:LIST:VOLT:APP {levels(100, 100 * k)}")
    assert (bench.error(), bench.ask("SOUR:LIST:VOLT:POIN?")) == (0, "2500")
    bench.send("SOUR:LIST:VOLT:APP 0.5")
    assert (bench.error(), bench.ask("SOUR:LIST:VOLT:POIN?")) == (-222, "2500")
    bench.send("SOUR:LIST:VOLT 1, 2, 3")
    assert bench.ask("SOUR:LIST:VOLT?") == "1.000000E+00,2.000000E+00,3.000000E+00"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (f"SOUR:LIST:VOLT {levels(101)}", -108),
        (f"SOUR:LIST:VOLT:APP {levels(101)}", -108),
        ("SOUR:LIST:VOLT", -109),
        ("SOUR:LIST:VOLT 1, 211", -222),
        ("SOUR:LIST:VOLT 1, x", -104),
        ("SOUR:LIST:VOLT 1,, 2", -109),
        ("SOUR:LIST:CURR 2", -222),
    ],
)
def test_a_list_that_is_refused_changes_nothing(bench, command, code):
    bench.send("SOUR:LIST:VOLT 0.5", command)
    assert (bench.error(), bench.ask("SOUR:LIST:VOLT:POIN?")) == (code, "1")


def test_a_list_can_begin_with_what_is_appended(bench):
    bench.send("SOUR:LIST:VOLT:APP 0.25")
    assert bench.ask("SOUR:LIST:VOLT?;VOLT:POIN?") == "2.500000E-01;1"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("SOUR:SWE:VOLT:LIST", -109),
        ("SOUR:SWE:VOLT:LIST 4", -222),
        ("SOUR:SWE:VOLT:LIST 0", -222),
        ("SOUR:SWE:VOLT:LIST 1, 1e-5", -222),
        ("SOUR:SWE:VOLT:LIST 1, 10001", -222),
        ("SOUR:SWE:VOLT:LIST 1, 0, -1", -222),
        ("SOUR:SWE:VOLT:LIST 1, 0, 1, PERHAPS", -224),
        ('SOUR:SWE:VOLT:LIST 1, 0, 1, OFF, "nowhere"', -224),
        ('SOUR:SWE:VOLT:LIST 1, 0, 1, OFF, "defbuffer1", 7', -108),
        ("SOUR:SWE:CURR:LIST 1", -221),
        ("SOUR:SWE:VOLT:LIN 0, 1, 1", -222),
        ("SOUR:SWE:VOLT:LIN 0, 1, 11, 0, 1, BEST, OFF, OFF", 0),
        ("SOUR:SWE:VOLT:LIST 1, 50e-6, 0, ON", 0),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_when_it_is_set_up(bench, command, code):
    bench.send("SOUR:LIST:VOLT 0.1, 0.2, 0.3", command)
    assert bench.error() == code
