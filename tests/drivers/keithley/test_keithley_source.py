"""As a source that measures: what the host-stepped engine says to it."""

import math

import pytest

from luggin.capabilities import LimitRequest, Technique
from luggin.engine.stepping import with_stepping
from luggin.errors import BadReply, InstrumentFault, LimitError, LineInUse, UnsafeState
from luggin.records import Flag


def settings_said(instrument):
    return [command for command in instrument.transport.said if command != "SYST:ERR?"]


def test_a_potential_source_on_the_wire(unit):
    instrument = unit()
    instrument.source_potential(-1.7, 1.1e-4)
    assert settings_said(instrument) == [
        "OUTP:SMOD HIMP",
        "OUTP OFF",
        "ROUT:TERM FRON",
        "SOUR:FUNC VOLT",
        'SENS:FUNC "CURR"',
        "SENS:CURR:RSEN ON",
        "SOUR:VOLT 0",
        "SOUR:VOLT:RANG 2",
        "SENS:CURR:RANG:AUTO ON",
        "SOUR:VOLT:ILIM 0.00011",
        "SOUR:VOLT:READ:BACK ON",
        "SOUR:VOLT:DEL:AUTO OFF",
        "SOUR:VOLT:DEL 0",
        "SENS:CURR:NPLC 1",
        "SENS:CURR:AZER OFF",
        "SENS:AZER:ONCE",
        'TRAC:CLE "defbuffer1"',
        "SOUR:VOLT:ILIM?",
        "SENS:CURR:RSEN?",
    ]


def test_a_current_source_on_the_wire(unit):
    instrument = unit({"model": "2460", "terminals": "rear"})
    instrument.source_current(-3e-6, 2.0)
    assert settings_said(instrument) == [
        "OUTP:SMOD HIMP",
        "OUTP OFF",
        "ROUT:TERM REAR",
        "SOUR:FUNC CURR",
        'SENS:FUNC "VOLT"',
        "SENS:VOLT:RSEN ON",
        "SOUR:CURR 0",
        "SOUR:CURR:RANG 1e-05",
        "SENS:VOLT:RANG:AUTO ON",
        "SOUR:CURR:VLIM 2",
        "SOUR:CURR:READ:BACK ON",
        "SOUR:CURR:DEL:AUTO OFF",
        "SOUR:CURR:DEL 0",
        "SENS:VOLT:NPLC 1",
        "SENS:VOLT:AZER OFF",
        "SENS:AZER:ONCE",
        'TRAC:CLE "defbuffer1"',
        "SOUR:CURR:VLIM?",
        "SENS:VOLT:RSEN?",
    ]


@pytest.mark.parametrize(
    ("source", "high", "low", "held"), [("source_potential", 3.0, 1.0, 1e-3), ("source_current", -2e-6, -5e-7, 2.0)]
)
def test_a_lower_range_is_taken_behind_a_level_beyond_it(unit, source, high, low, held):
    instrument = unit()
    getattr(instrument, source)(high, held)
    instrument.set_level(high)
    instrument.switch(True)
    before = len(instrument.transport.said)
    getattr(instrument, source)(low, held)
    said = instrument.transport.said[before:]
    kind = "VOLT" if source == "source_potential" else "CURR"
    # The level goes to 0 before the range changes, and the relay is open before the level goes to 0.
    lower = next(number for number, command in enumerate(said) if command.startswith(f"SOUR:{kind}:RANG"))
    assert said.index("OUTP OFF") < said.index(f"SOUR:{kind} 0") < lower
    assert not instrument.transport.on
    instrument.set_level(low)
    assert instrument.transport.level == low


def test_a_reading_comes_apart_by_what_is_sourced(unit):
    instrument = unit(answers={"READ?": "1.5,0.25,-2.5E-05,160"})
    instrument.source_potential(0.5, 1e-3)
    reading = instrument.measure()
    assert (reading.time, reading.potential, reading.current) == (1.5, 0.25, -2.5e-5)
    assert reading.flags == Flag.COMPLIANCE
    instrument.transport.answers["READ?"] = "1.5,-2.5E-05,0.25,128"
    instrument.source_current(-2.5e-5, 2.0)
    reading = instrument.measure()
    assert (reading.potential, reading.current, reading.flags) == (0.25, -2.5e-5, 0)
    assert instrument.transport.said[-1] == 'READ? "defbuffer1", REL, SOUR, READ, SOURSTAT'


@pytest.mark.parametrize(
    ("kind", "reply", "flag"),
    [
        ("source_potential", "1,0.2,9.9E37,128", Flag.CURRENT_OVERLOAD),
        ("source_current", "1,1E-6,9.9E37,128", Flag.POTENTIAL_OVERLOAD),
    ],
)
def test_an_overflow_is_no_number(unit, kind, reply, flag):
    instrument = unit(answers={"READ?": reply})
    getattr(instrument, kind)(1e-6, 1e-3)
    reading = instrument.measure()
    assert reading.flags == flag
    assert math.isnan(reading.current if flag is Flag.CURRENT_OVERLOAD else reading.potential)


def test_levels_stay_within_the_range_that_was_chosen(unit):
    instrument = unit()
    instrument.source_potential(1.5, 1e-3)
    instrument.set_level(-2.0)
    assert instrument.transport.said[-1] == "SOUR:VOLT -2"
    with pytest.raises(LimitError, match=r"2.1 V is beyond the range of 2 V that the source was opened with"):
        instrument.set_level(2.1)
    assert instrument.transport.said[-1] == "SOUR:VOLT -2"


@pytest.mark.parametrize(
    ("model", "kind", "level", "limit", "words"),
    [
        ("2450", "source_potential", 25.0, 1e-3, "25 V; the Keithley 2450 allows -20 V ... 20 V"),
        (
            "2460",
            "source_potential",
            15.0,
            5.0,
            "a current limit of 5 A; on its range of 20 V the Keithley 2460 allows up to 4 A",
        ),
        ("2450", "source_current", 2.0, 1.0, "2 A; the Keithley 2450 allows -1.05 A ... 1.05 A"),
        ("2460", "source_current", 6.0, 9.0, "6 A with up to 9 V; the Keithley 2460 allows 5 A there"),
        ("2450", "source_current", 1e-3, 30.0, "and 20 V at most"),
    ],
)
def test_what_a_model_cannot_do_is_refused_and_nothing_is_sent(unit, model, kind, level, limit, words):
    instrument = unit({"model": model})
    with pytest.raises(LimitError) as refused:
        getattr(instrument, kind)(level, limit)
    assert words in str(refused.value)
    assert instrument.transport.said == []


def test_a_potential_limit_that_reads_back_otherwise_is_an_error(unit):
    instrument = unit(answers={"SOUR:CURR:VLIM?": "2.1E+01"})
    with pytest.raises(InstrumentFault, match="set to 2 V, but reads back as 21 V; the output stays off"):
        instrument.source_current(1e-5, 2.0)


def test_switching_is_read_back(unit):
    instrument = unit()
    instrument.switch(True)
    instrument.switch(False)
    assert instrument.transport.said == ["OUTP:SMOD?", "OUTP ON", "OUTP?", "OUTP OFF", "OUTP?"]
    instrument.transport.answers["OUTP?"] = "1"
    with pytest.raises(UnsafeState):
        instrument.switch(False)


def test_a_unit_that_was_started_anew_behind_its_settings_is_not_switched_on(unit):
    instrument = unit()
    instrument.source_potential(0.5, 1e-3)
    instrument.transport.answers["OUTP:SMOD?"] = "NORM"  # as after switching on: limit and sense are gone too
    with pytest.raises(InstrumentFault, match=r"OUTP:SMOD\? answers 'NORM', not 'HIMP'.*lost its settings"):
        instrument.switch(True)
    assert "OUTP ON" not in instrument.transport.said


@pytest.mark.parametrize("answer", ["2", "0.5", "9.91E37", "ON"])
def test_an_output_that_is_neither_on_nor_off_makes_no_sense(unit, answer):
    with pytest.raises(BadReply):
        unit(answers={"OUTP?": answer}).output_is_on()


def test_a_number_of_readings_may_be_written_in_any_way(unit):
    assert unit(answers={"TRAC:ACT?": "+1.01E+02"}).buffer_count() == 101


def test_what_a_step_takes_is_told_beforehand(unit):
    # 1.25 (10 ms + 2 integrations of a 50 Hz cycle), and of a tenth of a 60 Hz cycle
    assert unit().fastest_interval == pytest.approx(0.0625)
    assert unit({"nplc": 0.1, "line_frequency": "60 Hz"}).fastest_interval == pytest.approx(0.0125 + 2.5 / 600)


# --- under the engine -------------------------------------------------------------------------------


def test_cv_and_lsv_are_native_and_the_rest_is_stepped(unit, clock):
    instrument = with_stepping(unit(), clock)
    executions = {name: technique.execution for name, technique in instrument.capabilities.techniques.items()}
    assert executions == {"ocp": "stepped", "ca": "stepped", "cp": "stepped", "lsv": "native", "cv": "native"}


def test_a_galvanostatic_step_of_a_resistor(unit, clock):
    # 25 uA through 10 kohm: the unit of these tests answers the current for the potential, so 0.25 V / 10 kohm
    driver = unit(answers={"READ?": lambda time: f"{time},2.5E-05,2.5E-01,128"})
    instrument = with_stepping(driver, clock)
    instrument.prepare([Technique("cp", {"current": 2.5e-5, "duration": 1.0, "dt": 0.25, "potential_limit": 1.0})])
    armed = instrument.arm([LimitRequest("potential", -2.0, 2.0), LimitRequest("current", -1e-4, 1e-4)])
    assert armed == {"potential": "the source clamps the potential at +-1 V, read back; it does not open the cell"}
    measured = [row for frame in instrument.frames() for row in frame.rows()]
    assert [row[1:4] for row in measured] == [(0.25, 2.5e-5, 2.5e-5)] * 4
    said = driver.transport.said
    assert said[said.index("SOUR:CURR 2.5e-05") :] == [
        "SOUR:CURR 2.5e-05",
        "OUTP:SMOD?",
        "OUTP ON",
        "OUTP?",
        *['READ? "defbuffer1", REL, SOUR, READ, SOURSTAT'] * 4,
        "OUTP OFF",
        "OUTP?",
    ]


def test_the_open_circuit_is_measured_with_the_smallest_useful_current_range(unit, clock):
    driver = unit(answers={"READ?": lambda time: f"{time},0,0.321,128"})
    instrument = with_stepping(driver, clock)
    instrument.prepare([Technique("ocp", {"duration": 2.0, "dt": 0.5})])
    instrument.arm([LimitRequest("potential", -1.0, 1.0), LimitRequest("current", -1e-4, 1e-4)])
    assert [row[1] for frame in instrument.frames() for row in frame.rows()] == [0.321] * 4
    # as the maker's own sequence: 0 A on the 1 uA range, 20 V
    assert {"SOUR:CURR:RANG 1e-06", "SOUR:CURR:VLIM 20", "SOUR:CURR 0"} <= set(driver.transport.said)


def test_a_reading_that_was_there_before_is_refused(unit):
    driver = unit(answers={"READ?": "1.5,0.25,-2.5E-05,128"})
    driver.source_potential(0.25, 1e-3)
    assert driver.measure().time == 1.5
    with pytest.raises(BadReply, match=r"1\.5 s behind one of 1\.5 s") as refusal:
        driver.measure()
    assert refusal.value.raw == b"1.5,0.25,-2.5E-05,128"
    driver.source_potential(0.25, 1e-3)  # clears the buffer, whose time begins anew
    assert driver.measure().time == 1.5


def test_voltage_and_current_are_measured_without_switching_anything(dialogue):
    said = [(b'MEAS:VOLT? "defbuffer1", READ\n', b"3.210000E-01\n"), (b'MEAS:CURR? "defbuffer1", READ\n', b"-2E-09\n")]
    with dialogue(said) as unit:
        assert unit.voltage.read() == 0.321
        assert unit.current.read() == -2e-9


def test_a_voltage_beyond_the_range_is_no_number(dialogue):
    with dialogue([(b'MEAS:VOLT? "defbuffer1", READ\n', b"9.900000E+37\n")]) as unit:
        assert math.isnan(unit.voltage.read())


def test_nobody_changes_what_a_technique_measures(unit):
    driver = unit(answers={"MEAS:VOLT?": "0.25", "READ?": "1.5,0.25,-2.5E-05,128"})
    driver.source_potential(0.25, 1e-3)
    before = list(driver.transport.said)
    with pytest.raises(LineInUse, match="own columns"):
        driver.voltage.read()
    driver.switch(True)
    with pytest.raises(LineInUse):
        driver.current.read()
    assert [command for command in driver.transport.said[len(before) :] if command.startswith("MEAS")] == []
    driver.switch(False)
    assert driver.voltage.read() == 0.25
    driver.source_potential(0.25, 1e-3)
    driver.make_safe()
    assert driver.voltage.read() == 0.25
