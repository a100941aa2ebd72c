"""List sweeps on the wire: settings, lists, readings, gaps, and every way out."""

import math

import numpy as np
import pytest

from luggin.capabilities import LimitRequest, Technique
from luggin.errors import BadReply, InstrumentFault, ReplyTimeout, UnsafeState, UsageError
from luggin.records import Flag

LIMITS = [LimitRequest("potential", -3.0, 3.0), LimitRequest("current", -1e-3, 1e-3)]
LSV = Technique("lsv", {"begin": 0.0, "end": 0.1, "rate": 0.1, "step": 0.001, "current_range": 1e-3})
LONG = Technique("lsv", {**LSV.parameters, "end": 2.5})

SETTINGS = [
    "OUTP:SMOD HIMP",
    "OUTP OFF",
    "ROUT:TERM FRON",
    "SOUR:FUNC VOLT",
    'SENS:FUNC "CURR"',
    "SENS:CURR:RSEN ON",
    "SOUR:VOLT 0",
    "SOUR:VOLT:RANG 0.2",
    "SENS:CURR:RANG 0.001",
    "SOUR:VOLT:ILIM 0.00105",
    "SOUR:VOLT:READ:BACK ON",
    "SOUR:VOLT:DEL:AUTO OFF",
    "SOUR:VOLT:DEL 0",
    "SENS:CURR:NPLC 0.178",
    "SENS:CURR:AZER OFF",
    "SENS:AZER:ONCE",
    'TRAC:CLE "defbuffer1"',
]


def rows(frames):
    return np.concatenate([frame.array() for frame in frames])


def started(instrument, *techniques, limits=LIMITS):
    instrument.prepare(list(techniques))
    instrument.arm(limits)
    return instrument.frames()


# --- settings ---------------------------------------------------------------------------------------


def test_every_setting_is_followed_by_a_look_into_the_error_queue_and_the_limit_is_read_back(unit):
    instrument = unit()
    instrument.prepare([LSV])
    armed = instrument.arm(LIMITS)
    said = instrument.transport.said
    assert said[0] == "SYST:ERR?"
    assert said[1:-2] == [command for setting in SETTINGS for command in (setting, "SYST:ERR?")]
    assert said[-2:] == ["SOUR:VOLT:ILIM?", "SENS:CURR:RSEN?"]
    assert armed == {"current": "compliance clamps at +-1.05 mA, read back; it does not open the cell"}


def test_terminals_sense_and_readback_are_the_bench_files(unit):
    instrument = unit(
        {"terminals": "rear", "sense": "2-wire", "readback": False, "off_mode": "by-function"},
        answers={"SENS:CURR:RSEN?": "0"},
    )
    instrument.prepare([Technique("lsv", {**LSV.parameters, "current_range": None})])
    instrument.arm(LIMITS)
    said = [command for command in instrument.transport.said if command != "SYST:ERR?"]
    assert said[:4] == ["OUTP:VOLT:SMOD HIMP", "OUTP:CURR:SMOD HIMP", "OUTP OFF", "ROUT:TERM REAR"]
    assert {"SENS:CURR:RSEN OFF", "SOUR:VOLT:READ:BACK OFF", "SENS:CURR:RANG:AUTO ON"} <= set(said)


def test_an_error_is_told_with_the_command_that_made_it(unit):
    instrument = unit(refuses={"SOUR:VOLT:RANG": '-222,"Parameter data out of range;1;2026/01/01 12:00:00"'})
    instrument.prepare([LSV])
    with pytest.raises(InstrumentFault) as fault:
        instrument.arm(LIMITS)
    assert "'SOUR:VOLT:RANG 0.2' was not accepted: -222" in str(fault.value)
    assert fault.value.code == "-222"
    assert instrument.transport.said[-3:-1] == ["SOUR:VOLT:RANG 0.2", "SYST:ERR?"]
    assert not instrument.transport.on


def test_an_error_from_before_is_not_told_of_the_first_setting(unit):
    instrument = unit()
    instrument.transport.errors = ['-113,"Undefined header;1;2026/01/01 12:00:00"']
    instrument.prepare([LSV])
    assert "current" in instrument.arm(LIMITS)


def test_a_limit_that_reads_back_otherwise_keeps_the_output_off(unit):
    instrument = unit(answers={"SOUR:VOLT:ILIM?": "1.050000E-02"})
    instrument.prepare([LSV])
    with pytest.raises(InstrumentFault, match=r"set to 1.05 mA, but reads back as 10.5 mA; the output stays off"):
        instrument.arm(LIMITS)
    assert "OUTP ON" not in instrument.transport.said


def test_two_wires_where_four_were_set_keep_the_output_off(unit):
    instrument = unit(answers={"SENS:CURR:RSEN?": "0"})
    instrument.prepare([LSV])
    with pytest.raises(InstrumentFault, match=r"4-wire sense was set, but SENS:CURR:RSEN\? answers b'0'"):
        instrument.arm(LIMITS)
    assert "OUTP ON" not in instrument.transport.said


# --- a sweep ----------------------------------------------------------------------------------------


def test_the_dialogue_of_a_sweep(unit):
    instrument = unit(point=0.001)
    frames = started(instrument, Technique("lsv", {**LSV.parameters, "end": 0.002, "rate": 0.1}))
    del instrument.transport.said[:]
    measured = rows(frames)
    assert instrument.transport.said == [
        'TRAC:CLE "defbuffer1"',
        "SENS:CURR:NPLC 0.178",
        "SOUR:LIST:VOLT 0,0.001,0.002",
        'SOUR:SWE:VOLT:LIST 1, 0, 1, OFF, "defbuffer1"',
        "SYST:ERR?",
        "SOUR:VOLT 0",
        "OUTP:SMOD?",
        "OUTP ON",
        "OUTP?",
        "INIT",
        'TRAC:ACT? "defbuffer1"',
        'TRAC:DATA? 1, 3, "defbuffer1", REL, SOUR, READ, SOURSTAT',
        "OUTP OFF",
        "OUTP?",
    ]
    assert measured["applied_potential"].tolist() == [0.0, 0.001, 0.002]
    # positive potential, positive current: W is on HI, and current that leaves HI oxidises there
    assert measured["current"] == pytest.approx([0.0, 1e-7, 2e-7])
    assert measured["instrument_time"] == pytest.approx([0.01, 0.011, 0.012])
    assert measured["flags"].tolist() == [0, 0, 0]


def test_readings_are_fetched_while_the_sweep_runs(unit, clock):
    instrument = unit()
    sizes = [len(frame) for frame in started(instrument, LSV)]
    assert sum(sizes) == 101
    assert len(sizes) >= 5
    # asked for every 0.2 s, of a point each 10 ms
    assert max(sizes) <= 21


def test_the_first_reading_is_fetched_as_soon_as_it_can_be_there(unit, clock):
    # its arrival tells the run when the technique began: a wait of a whole poll would shift all times by that much
    instrument = unit({"poll": "10 s"}, point=0.05)
    first = next(started(instrument, Technique("lsv", {**LSV.parameters, "rate": 0.02})))
    assert len(first) == 1
    assert first.received == pytest.approx(0.05)


def test_a_large_backlog_is_fetched_in_blocks_of_500(unit, clock):
    instrument = unit(point=1e-4)
    frames = started(instrument, Technique("lsv", {**LSV.parameters, "end": 1.2, "rate": 0.1}))
    assert [len(frame) for frame in frames] == [200, 500, 500, 1]


@pytest.mark.parametrize(
    ("status", "flags"),
    [(128, 0), (160, Flag.COMPLIANCE), (144, Flag.OVERTEMPERATURE), (32, Flag.COMPLIANCE | Flag.CELL_OFF)],
)
def test_the_source_status_becomes_flags(unit, status, flags):
    answer = ",".join(f"{0.01 * k:E},{0.001 * k:E},1E-6,{status}" for k in range(3))
    instrument = unit(point=0.001, answers={"TRAC:DATA?": answer})
    measured = rows(started(instrument, Technique("lsv", {**LSV.parameters, "end": 0.002})))
    assert measured["flags"].tolist() == [int(flags)] * 3


def test_an_overflow_is_no_number(unit):
    answer = "0,0,1E-6,128,0.01,0.001,9.9E37,160,0.02,-9.9E+37,1E-6,128"
    instrument = unit(point=0.001, answers={"TRAC:DATA?": answer})
    measured = rows(started(instrument, Technique("lsv", {**LSV.parameters, "end": 0.002})))
    assert math.isnan(measured["current"][1])
    assert math.isnan(measured["potential"][2])
    assert measured["flags"].tolist() == [0, Flag.CURRENT_OVERLOAD | Flag.COMPLIANCE, Flag.POTENTIAL_OVERLOAD]
    assert measured["applied_potential"].tolist() == [0.0, 0.001, 0.002]


@pytest.mark.parametrize(
    "answer", ["0,0,1E-6", "0,0,eins,128,0,0,1,128,0,0,1,128", "9.91E37,0,0,128" + ",0,0,0,128" * 2]
)
def test_readings_that_make_no_sense_are_kept_as_they_came(unit, answer):
    instrument = unit(point=0.001, answers={"TRAC:DATA?": answer})
    with pytest.raises(BadReply) as bad:
        rows(started(instrument, Technique("lsv", {**LSV.parameters, "end": 0.002})))
    assert bad.value.raw == answer.encode()


# --- segments and gaps ------------------------------------------------------------------------------


def test_2501_points_are_two_sweeps_with_the_potential_held_between_them(unit):
    instrument = unit()
    measured = rows(started(instrument, LONG))
    said = instrument.transport.said
    assert said.count("INIT") == 2
    lists = [command for command in said if command.startswith("SOUR:LIST:VOLT")]
    assert [command.count(",") + 1 for command in lists] == [100] * 25 + [1]
    assert lists[25] == "SOUR:LIST:VOLT 2.5"
    # behind the settings the output goes on once and off once; in between the last level is set, to be sure
    assert [c for c in said if c.startswith(("OUTP O", "SOUR:VOLT 0", "SOUR:VOLT 2"))] == [
        "OUTP OFF", "SOUR:VOLT 0",
        "SOUR:VOLT 0", "OUTP ON", "SOUR:VOLT 2.499", "OUTP OFF",
    ]  # fmt: skip
    assert measured["applied_potential"].tolist() == pytest.approx([0.001 * k for k in range(2501)])
    assert np.flatnonzero(measured["flags"]).tolist() == [2500]
    assert measured["flags"][2500] == Flag.GAP
    (timing,) = instrument.achieved()["timing"]
    (gap,) = timing["gaps"]
    assert (gap["after_row"], gap["held_V"], gap["cell"]) == (2500, 2.499, "held")
    assert np.all(np.diff(measured["instrument_time"]) > 0)


def test_a_cell_that_the_instrument_opened_between_two_sweeps_is_told(unit):
    instrument = unit(opens_behind_sweep=True)
    measured = rows(started(instrument, LONG))
    assert measured["flags"][2500] == Flag.GAP | Flag.CELL_OFF
    (gap,) = instrument.achieved()["timing"][0]["gaps"]
    assert gap["cell"] == "opened by the instrument"
    said = instrument.transport.said
    # switched on again at the last level before the next sweep starts
    assert (
        said.index("SOUR:VOLT 2.499")
        < len(said) - 1 - said[::-1].index("OUTP ON")
        < len(said) - 1 - said[::-1].index("INIT")
    )


def test_a_cell_that_a_protection_opened_is_not_closed_again(unit):
    instrument = unit(opens_behind_sweep=True)
    frames = started(instrument, LONG)
    next(frames)
    instrument.transport.errors.append('5066,"Over voltage protection"')
    with pytest.raises(InstrumentFault, match="the output went off behind a sweep: 5066"):
        rows(frames)
    assert instrument.transport.said.count("OUTP ON") == 1


def test_the_realised_rate_is_told_and_not_the_nominal_one(unit):
    # 10 ms per point are asked for, the instrument takes 12.5 ms: 80 mV/s instead of 100
    instrument = unit(point=0.0125)
    measured = rows(started(instrument, LSV))
    achieved = instrument.achieved()
    assert achieved["execution"] == "native"
    (timing,) = achieved["timing"]
    assert (timing["technique"], timing["rows"], timing["dt"]) == ("lsv", 101, pytest.approx(0.01))
    assert timing["rate"] == pytest.approx(0.1)
    assert timing["real_rate"] == pytest.approx(0.08)
    assert timing["real_dt"]["p99"] == pytest.approx(0.0125)
    assert np.diff(measured["instrument_time"]) == pytest.approx([0.0125] * 100)


def test_the_quiet_time_is_recorded_in_front(unit):
    instrument = unit(point=0.1)
    cv = Technique(
        "cv",
        {"begin": 0.1, "vertices": (0.3, 0.0), "end": 0.1, "rate": 1.0, "step": 0.1, "cycles": 1, "quiet": 1.0}
        | {"current_range": 1e-3},
    )
    measured = rows(started(instrument, cv))
    assert measured["cycle"].tolist() == [0] * 10 + [1] * 7
    assert measured["flags"].tolist() == [Flag.QUIET_TIME] * 10 + [Flag.GAP] + [0] * 6
    assert measured["applied_potential"][:11].tolist() == [0.1] * 11
    assert instrument.achieved()["timing"][0]["real_dt"]["max"] == pytest.approx(0.1)


def test_a_chain_keeps_the_cell_on(unit):
    instrument = unit()
    back = Technique("lsv", {**LSV.parameters, "begin": 0.1, "end": 0.0})
    frames = list(started(instrument, LSV, back))
    assert sorted({frame.part for frame in frames}) == [0, 1]
    said = instrument.transport.said
    running = said[said.index("OUTP ON") :]
    assert (running.count("OUTP ON"), running.count("OUTP OFF"), running.count("INIT")) == (1, 1, 2)
    first = next(frame for frame in frames if frame.part == 1).array()[0]
    assert first["instrument_time"] == pytest.approx(0.01)
    assert [timing["rows"] for timing in instrument.achieved()["timing"]] == [101, 101]


# --- ways out ---------------------------------------------------------------------------------------


def test_an_abort_from_another_worker_opens_the_cell_and_keeps_what_was_measured(unit, clock):
    instrument = unit({"poll": "5 s"})
    frames = started(instrument, Technique("lsv", {**LSV.parameters, "end": 1.0}))

    def operator():
        clock.sleep(1.005)
        instrument.request_abort()

    with clock.worker("owner"):
        worker = clock.start_worker("operator", operator)
        measured = rows(frames)
        worker.join()
    # asked every 5 s, but the wait ends at once: 100 points of 10 ms are there
    assert clock.now() == pytest.approx(1.005)
    assert len(measured) == 100
    said = instrument.transport.said
    assert said[said.index("ABOR") :][:2] == ["ABOR", "OUTP OFF"]
    assert said[-2:] == ["OUTP OFF", "OUTP?"]
    assert not instrument.transport.on


def test_an_abort_before_the_start_switches_nothing_on(unit):
    instrument = unit()
    frames = started(instrument, LSV)
    instrument.request_abort()
    assert list(frames) == []
    assert "OUTP ON" not in instrument.transport.said


def test_an_abort_of_the_last_technique_does_not_end_the_next(unit):
    instrument = unit()
    instrument.request_abort()
    assert len(rows(started(instrument, LSV))) == 101


def test_the_end_of_one_technique_goes_on_with_the_next_from_where_it_stands(unit):
    instrument = unit()
    parts = []
    for frame in started(instrument, Technique("lsv", {**LSV.parameters, "end": 1.0}), LSV):
        parts.append(frame.part)
        if len(parts) == 2:
            instrument.end_technique()
    assert parts[:2] == [0, 0]
    assert parts[-1] == 1
    said = instrument.transport.said
    assert said[said.index("OUTP ON") :].count("OUTP OFF") == 1
    # no jump to the end of the sweep that was left
    assert "SOUR:VOLT 1" not in said


def test_a_sweep_that_stands_still_is_an_error(unit, clock):
    instrument = unit(stuck_after=7)
    with pytest.raises(InstrumentFault, match=r"stands still after 7 of 101 readings; it says 'IDLE;IDLE;9'"):
        rows(started(instrument, LSV))
    assert clock.now() < 5.0


def test_readings_of_somebody_else_in_the_buffer_are_an_error(unit):
    instrument = unit(answers={"TRAC:ACT?": "5000"})
    with pytest.raises(InstrumentFault, match="5000 readings of a sweep over 101 levels"):
        rows(started(instrument, LSV))


def test_a_list_that_is_refused_starts_nothing(unit):
    instrument = unit(refuses={"SOUR:SWE:VOLT:LIST": '-200,"Execution error"'})
    with pytest.raises(InstrumentFault, match=r"one of these was not accepted: .*SOUR:SWE:VOLT:LIST 1, 0.*-200"):
        rows(started(instrument, LSV))
    assert not {"INIT", "OUTP ON"} & set(instrument.transport.said)


def test_an_output_that_does_not_go_on_is_an_error(unit):
    instrument = unit(answers={"OUTP?": "0"})
    with pytest.raises(
        InstrumentFault, match=r"the output does not go on: no error is queued. Is the interlock closed"
    ):
        rows(started(instrument, LSV))
    assert "INIT" not in instrument.transport.said


def test_an_output_that_does_not_go_off_is_unsafe(unit):
    instrument = unit(answers={"OUTP?": "1"})
    with pytest.raises(UnsafeState, match="OUTP OFF was sent, but the output is still on"):
        rows(started(instrument, LSV))


def test_a_silent_instrument_passes_through(unit):
    instrument = unit()
    frames = started(instrument, LSV)
    next(frames)
    instrument.transport._write = lambda data: None
    with pytest.raises(ReplyTimeout):
        rows(frames)


def test_a_preparation_runs_once(unit):
    instrument = unit()
    rows(started(instrument, LSV))
    with pytest.raises(UsageError, match="prepare a technique first"):
        next(instrument.frames())
