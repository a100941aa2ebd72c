"""What the instruments themselves make of an overload, of a reading that is no number, and of a restart."""

import pytest

from luggin.clock import VirtualClock
from luggin.transport import open_line
from luggin_sim.bench import open_lab

CELL = {"kind": "resistor", "resistance": "10 kohm"}
POTENTIOSTAT = {"dialect": "palmsens.methodscript", "model": "emstat4-hr", "cell": CELL}
SOURCE_METER = {"dialect": "keithley.2450", "model": "2450", "options": {"noise": 0.0}, "cell": CELL}

#: Ten points at 0.5 V, one every 0.1 s, on ranges from 1 uA to 1 mA.
SCRIPT = b"""e
var p
var c
set_pgstat_mode 3
set_range ba 100u
set_autoranging ba 1u 1m
set_e 500m
cell_on
meas_loop_ca p c 500m 100m 1
pck_start
pck_add c
pck_end
endloop
on_finished:
cell_off

"""
GOOD = "baAFAF080p,10,212"  # 50 uA on the range of 100 uA
READ = b":READ? 'defbuffer1', READ, SOURSTAT, STAT\n"


@pytest.fixture
def instrument():
    """Opens an instrument with faults: its laboratory, its line, its clock."""
    labs = []

    def open_one(table, *faults):
        clock = VirtualClock()
        lab = open_lab({"it": {**table, "faults": list(faults)}}, clock)
        labs.append((lab, clock))
        return lab, open_line("sim://it", clock, url=lab.url("it")), clock

    yield open_one
    for lab, _ in labs:
        lab.close()


def points(line):
    """The currents that a run of the script sends, and what comes behind the last one."""
    line.write(SCRIPT)
    said = [text for text in line.drain(1.5).decode().split("\n") if text][2:]
    return [text[1:] for text in said if text.startswith("P")], [text for text in said if not text.startswith("P")]


def test_an_overload_is_clipped_flagged_and_ranged_by_the_potentiostat(instrument):
    lab, line, _ = instrument(POTENTIOSTAT, {"kind": "overload", "at": "0.35 s", "for": "0.3 s"})
    measured, behind = points(line)
    assert measured == [
        *[GOOD] * 3,
        "baF270E00p,12,212",  # 120 uA, which is all that the range of 100 uA shows, with the overload bit
        *["ba8124F80n,12,215"] * 2,  # 1.2 mA on the highest range that the script allows
        *["baAFAF080p,10,215"] * 4,  # good again, on the range that the overload has left behind
    ]
    assert behind == ["*"]
    assert not lab.cell_is_on("it")


def test_far_too_much_current_ends_the_script_as_the_manual_says(instrument):
    lab, line, _ = instrument(POTENTIOSTAT, {"kind": "overload", "at": "0.35 s", "current": "1 A"})
    measured, behind = points(line)
    assert measured == [GOOD] * 3
    assert behind == ["!0032: Line 8"]
    assert lab.cell_is_on("it")


def test_a_reading_that_is_no_number_is_said_to_be_none(instrument):
    _, line, _ = instrument(POTENTIOSTAT, {"kind": "nan", "at": "0.35 s", "for": "0.3 s"})
    measured, _ = points(line)
    assert measured == [*[GOOD] * 3, *["ba     nan,10,212"] * 3, *[GOOD] * 4]


def test_a_potentiostat_that_restarts_falls_silent_with_the_cell_open_and_takes_the_next_script(instrument):
    lab, line, clock = instrument(POTENTIOSTAT, {"kind": "reboot", "at": "0.55 s", "for": "2 s"})
    line.write(b'l\nsend_string "loaded"\n\n')
    assert line.read_line() == b"l"
    line.write(SCRIPT)
    assert line.drain(1.0).count(b"P") == 5
    assert not lab.cell_is_on("it")
    line.write(b"t\n")
    assert line.drain(0.5) == b""
    clock.sleep(3.0)
    assert line.exchange(b"r\n") == b"r!000C"  # the script that was loaded is gone
    clock.sleep(0.1)
    assert points(line) == ([GOOD] * 10, ["*"])


def test_a_cell_relaxes_while_its_instrument_restarts(instrument):
    # 10 kohm and 100 uF: 1 s
    cell = {"kind": "resistor", "resistance": "10 kohm", "capacitance": "100 uF"}
    lab, line, clock = instrument({**POTENTIOSTAT, "cell": cell}, {"kind": "reboot", "at": "1.05 s"})
    line.write(SCRIPT.replace(b"500m 100m 1\n", b"500m 100m 5\n"))
    clock.sleep(2.05)
    line.drain(0.0)
    line.write(b"e\nvar p\nset_pgstat_mode 3\nmeas_loop_ocp p 100m 100m\npck_start\npck_add p\npck_end\nendloop\n\n")
    (said,) = [text for text in line.drain(0.5).decode().split("\n") if text.startswith("Pab")]
    potential = (int(said[3:10], 16) - (1 << 27)) * {"n": 1e-9, "u": 1e-6}[said[10]]
    # Left alone from 1.05 s to the sample, 0.1 s behind the script: 0.5 V exp(-t/s)
    assert potential == pytest.approx(0.5 * 2.718281828 ** -(clock.now() - 0.5 - 1.05), rel=0.02)
    assert not lab.cell_is_on("it")


@pytest.fixture
def meter(instrument):
    """A source meter at 0.5 V with a limit of 1 mA; what it reads."""

    def ready(auto_range):
        lab, line, _ = instrument(SOURCE_METER)
        for command in (
            "*RST;:SOUR:FUNC VOLT;:SOUR:VOLT 0.5;:SOUR:VOLT:ILIM 1e-3",
            f":SENS:FUNC 'CURR';:SENS:CURR:RANG 1e-4;:SENS:CURR:RANG:AUTO {auto_range}",
            ":OUTP ON",
        ):
            line.write(command.encode() + b"\n")
        assert line.exchange(READ) == b"5.000000E-05,128,8"
        assert line.exchange(b"*ESR?\n") == b"128"  # it was switched on
        assert line.exchange(b"*ESR?\n") == b"0"
        return lab, line

    return ready


def test_an_overload_is_held_at_the_limit_of_the_source_meter_and_flagged(meter):
    lab, line = meter("ON")
    lab.faults("it").inject("overload")
    assert line.exchange(READ) == b"1.000000E-03,160,8"  # output on, and the source is limited
    lab.faults("it").clear("overload")
    assert line.exchange(READ) == b"5.000000E-05,128,8"


def test_an_overload_beyond_a_fixed_range_overflows_the_reading(meter):
    lab, line = meter("OFF")
    lab.faults("it").inject("overload")
    assert line.exchange(READ) == b"9.900000E+37,160,10"  # questionable, too


@pytest.mark.parametrize("auto_range", ["ON", "OFF"])
def test_a_reading_that_is_no_number_overflows(meter, auto_range):
    lab, line = meter(auto_range)
    lab.faults("it").inject("nan", duration=1.0)
    assert line.exchange(READ) == b"9.900000E+37,128,10"
    lab.faults("it").clear()
    assert line.exchange(READ) == b"5.000000E-05,128,8"
    assert line.exchange(b":SYST:ERR?\n").startswith(b'0,"No error')


def test_a_source_meter_that_restarts_says_so_and_has_its_output_off(meter):
    lab, line = meter("ON")
    lab.faults("it").reboot()
    assert not lab.cell_is_on("it")
    assert line.exchange(b"*ESR?\n") == b"128"
    assert line.exchange(b":OUTP?\n") == b"0"
    assert line.exchange(b":TRAC:ACT?\n") == b"0"
    assert line.exchange(b":SOUR:VOLT?\n") == b"0.000000E+00"


def test_a_circulator_that_restarts_stops_tempering(instrument):
    lab, line, clock = instrument({"dialect": "julabo.circulator", "model": "cf31"})
    for order in (b"out_sp_00 60.0\r", b"out_mode_05 1\r"):
        line.write(order)
        clock.sleep(1.0)
    assert line.exchange(b"in_mode_05\r") == b"1\r"
    lab.faults("it").reboot()
    clock.sleep(1.0)
    assert line.exchange(b"in_mode_05\r") == b"0\r"
