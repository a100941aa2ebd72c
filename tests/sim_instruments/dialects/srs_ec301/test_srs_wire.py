"""The simulated EC301 on its line, command by command, with the sections of its manual."""

import struct

import numpy as np
import pytest

from luggin_sim.cells import ResistorCell, ResistorSpec
from luggin_sim.dialects import DIALECTS
from luggin_sim.dialects.srs_ec301 import Ec301Dialect, Rules, check

FRAME = np.dtype([("state", "<u4"), ("sync", "<f4"), ("i", "<f4"), ("e", "<f4")])


class Ec301:
    """An instrument on a resistor of 1 kohm, with its time."""

    def __init__(self, resistance=1000.0, **rules):
        self.dialect = Ec301Dialect(Rules(**rules), ResistorCell(ResistorSpec(resistance)))
        self.now = 0.0

    def say(self, text):
        """Send lines; what is answered within 10 ms."""
        self.dialect.feed(text.encode() + b"\n", self.now)
        return self.wait(0.01)

    def ask(self, text):
        return self.say(text).decode().strip()

    def wait(self, seconds):
        self.now += seconds
        return self.dialect.take(self.now)


def frames_of(data):
    """All frames of whole packets: counters, frames, overload records."""
    counters, frames, records, place = [], [], [], 0
    while place < len(data):
        lead, length, counter, size = struct.unpack_from("<BBHI", data, place)
        assert (lead, length) == (0x1F, 0x10)
        assert size % 16 == 0
        frames.append(np.frombuffer(data, FRAME, size // 16, place + 16))
        footer = data[place + 16 + size : place + 16 + size + 24]
        temperature, *aux, record = struct.unpack_from("<4fB", footer)
        assert (temperature, aux) == (25.0, [0.0] * 3)
        counters.append(counter)
        records.append(record)
        place += 40 + size
    assert place == len(data)
    return counters, np.concatenate(frames), records


# -- commands (8.3, 8.4)


def test_it_says_who_it_is():
    assert Ec301().ask("*IDN?") == "Stanford_Research_Systems,EC301,s/n012345,ver1.15"


@pytest.mark.parametrize("text", ["SETVOL 250", "setvol   250", "SetVol 250;", ";setvol 250\r"])
def test_case_and_blanks_do_not_matter(text):
    ec301 = Ec301()
    ec301.say(text)
    assert ec301.ask("setvol?") == "250"


def test_commands_of_one_line_are_obeyed_in_their_order():
    assert Ec301().ask("setvol 250; setvol 300; setvol?") == "300"


@pytest.mark.parametrize("text", ["frobnicate", "frobnicate?", "setvol 1e-3", "setvol 0.5", "setvol", "irange 1.0"])
def test_what_is_not_understood_gets_no_reply_but_an_error(text):
    ec301 = Ec301()
    ec301.say("*CLS")
    assert ec301.say(text) == b""
    assert int(ec301.ask("INSR?")) & 16384
    assert int(ec301.ask("*ESR?")) & 32
    assert ec301.ask("errlst?") == "114"
    assert ec301.ask("errdcd? 114") == "Bad remote command"
    assert ec301.ask("errlst?") == "0"


@pytest.mark.parametrize("text", ["ramppt 0 1e2", "pfback 1e3", "setcur 1e-1", "ramprt 0 2.5e2"])
def test_reals_have_no_exponent(text):
    ec301 = Ec301()
    ec301.say("*CLS")
    ec301.say(text)
    assert ec301.ask("errlst?") == "114"


@pytest.mark.parametrize(
    "text", ["setvol 15001", "irange 0", "irange 11", "eadcrg 3", "avgexp 9", "setcur 1.5", "rampcy 255"]
)
def test_what_is_out_of_range_is_refused(text):
    ec301 = Ec301()
    ec301.say("*CLS")
    ec301.say(text)
    assert int(ec301.ask("*ESR?")) == 16


def test_a_second_question_before_the_first_is_answered_is_refused():
    ec301 = Ec301()
    assert ec301.ask("setvol?; irange?") == "0"
    assert int(ec301.ask("INSR?")) & 32768
    assert ec301.ask("irange?") == "1"


def test_a_cleared_interface_forgets_the_answer_and_the_refusal():
    ec301 = Ec301()
    assert ec301.say("setvol?; irange?; ifcclr") == b""
    assert int(ec301.ask("INSR?")) & 32768 == 0


def test_reading_a_register_clears_it():
    ec301 = Ec301(resistance=0.1)
    ec301.say("setvol 500; ceenab 1; ilevel?")
    assert int(ec301.ask("MESR?")) == 4  # more than 1 A
    assert int(ec301.ask("MESR?")) == 0


# -- the loop


def test_cathodic_current_is_positive():
    ec301 = Ec301()
    ec301.say("setvol 500; ceenab 1")
    assert float(ec301.ask("vlevel?")) == pytest.approx(0.5)
    assert float(ec301.ask("ilevel?")) == pytest.approx(-0.5e-3)


def test_a_galvanostat_sends_a_part_of_its_range_cathodic_positive():
    ec301 = Ec301()
    ec301.say("ecmode 1; irange 4; setcur 0.5; ceenab 1")
    assert float(ec301.ask("ilevel?")) == pytest.approx(0.5e-3)
    assert float(ec301.ask("vlevel?")) == pytest.approx(-0.5)
    assert float(ec301.ask("setcur?")) == pytest.approx(0.5e-3)


def test_the_switch_on_the_panel_keeps_the_cell_open_whatever_is_asked():
    ec301 = Ec301(panel_switch="off")
    ec301.say("setvol 500; ceenab 1")
    assert (ec301.ask("ceenab?"), ec301.ask("cellon?")) == ("1", "0")
    assert not ec301.dialect.cell_is_on


def test_the_mode_cannot_change_with_the_cell_closed():
    ec301 = Ec301()
    ec301.say("*CLS; ceenab 1; ecmode 1")
    assert ec301.ask("ecmode?") == "0"
    assert ec301.ask("errlst?") == "114"


def test_a_range_cannot_be_chosen_while_it_changes_by_itself():
    ec301 = Ec301()
    ec301.say("irnaut 1; irange 7")
    assert ec301.ask("irange?") == "4"
    ec301.say("setvol 1; ceenab 1; ilevel?")
    assert ec301.ask("irange?") == "7"  # 1 uA


@pytest.mark.parametrize("before", ["ecmode 1", "irtype 1; irenab 1"])
def test_no_autoranging_for_a_galvanostat_or_with_positive_feedback(before):
    ec301 = Ec301()
    ec301.say(f"{before}; irnaut 1")
    assert ec301.ask("irnaut?") == "0"


def test_positive_feedback_takes_a_resistance_away():
    ec301 = Ec301()
    ec301.say("irtype 1; pfback 200; irenab 1; setvol 400; ceenab 1")
    ec301.wait(1.0)
    assert float(ec301.ask("ilevel?")) == pytest.approx(-0.4 / 800, rel=1e-3)
    assert float(ec301.ask("vlevel?")) == pytest.approx(0.5, rel=1e-3)


# -- the ramp generator (8.4.2)

RECIPE = """ramprs; scantp 1; scanem 1; ramppt 0 100; rampdt 0 60000; ramprt 0 2000; ramppt 1 500; rampdt 1 0
ramprt 1 2000; ramppt 2 100"""


def started(extra="", **rules):
    ec301 = Ec301(**rules)
    ec301.say(f"{RECIPE}; {extra}")
    assert ec301.ask("ramppg? 0") == "0"
    ec301.say("ceenab 1; rampst 0")
    return ec301


@pytest.mark.parametrize(
    ("programme", "lacking"),
    [
        ("ramprs", 1 | 2 | 4 | 8 | 16 | 32 | 64),
        ("ramprs; ramppt 0 0; ramppt 1 100", 1 | 2 | 16 | 32 | 64),
        ("ramprs; rampdt 0 0; rampdt 1 0; ramprt 0 10; ramprt 1 10", 4 | 8 | 16),
    ],
)
def test_it_says_what_a_programme_lacks(programme, lacking):
    ec301 = Ec301()
    ec301.say(programme)
    assert int(ec301.ask("ramppg? 0")) == lacking
    ec301.say("*CLS; rampst 0")
    assert ec301.ask("errlst?") == "114"


def test_the_recipe_of_the_manual():
    """6 s at 0.1 V, then to 0.5 V and back at 0.2 V/s; the loop then holds the first potential."""
    ec301 = started()
    for at, expected in ((3.0, 0.1), (7.0, 0.3), (8.0, 0.5), (9.0, 0.3), (12.0, 0.1)):
        ec301.wait(at - ec301.now + 0.01)
        assert float(ec301.ask("vlevel?")) == pytest.approx(expected, abs=5e-3), at
    assert ec301.ask("cellon?") == "1"


def test_at_the_end_of_a_scan_the_cell_may_be_opened():
    ec301 = started("scanem 0")
    ec301.wait(11.0)
    assert ec301.ask("cellon?") == "0"


@pytest.mark.parametrize(("stays", "scanning"), [(True, "1"), (False, "0")])
def test_behind_a_scan_it_may_go_on_saying_that_it_scans_until_that_is_ended(stays, scanning):
    ec301 = started(stays_scanning=stays)
    assert ec301.ask("scntrg?") == "1"
    ec301.wait(11.0)
    assert ec301.ask("scntrg?") == scanning
    ec301.say("rampen")
    assert ec301.ask("scntrg?") == "0"


def test_an_ended_ramp_stays_where_it_is_with_the_loop_closed():
    ec301 = started("rampdt 0 0")
    ec301.wait(1.0)
    ec301.say("rampen")
    stayed = float(ec301.ask("vlevel?"))
    assert 0.25 < stayed < 0.35
    ec301.wait(5.0)
    assert float(ec301.ask("vlevel?")) == pytest.approx(stayed)
    assert ec301.ask("cellon?") == "1"


def test_repeats_visit_the_third_point_once_more_than_they_say():
    ec301 = started("rampdt 0 0; scantp 0; rampcy 2; rampdt 2 0; getbda 1")
    _, frames, _ = frames_of(ec301.wait(13.0))
    potential = frames["e"][(frames["state"] >> 11 & 1) == 1]
    turned = np.flatnonzero(np.diff(np.sign(np.diff(potential))))
    # 0.1 -> 0.5 -> 0.1 three times: five corners inside.
    assert potential[turned] == pytest.approx([0.5, 0.1, 0.5, 0.1, 0.5], abs=1e-3)


def test_clearing_the_status_ends_a_scan():
    ec301 = started()
    ec301.say("*CLS")
    assert ec301.ask("scntrg?") == "0"


# -- the data stream (figure 33, tables 4 and 5)


def streamed(seconds=1.0, commands="setvol 500; ceenab 1", **rules):
    ec301 = Ec301(**rules)
    ec301.say(f"avgexp 8; irange 4; {commands}; getbda 1")
    return frames_of(ec301.wait(seconds))


def test_frames_come_every_256_samples_in_packets_that_are_counted():
    counters, frames, _ = streamed(2.0)
    assert counters == list(range(len(counters)))
    assert len(frames) == pytest.approx(2.0 / (256 * 4e-6), abs=64)
    assert frames["e"] == pytest.approx(0.5, rel=1e-6)
    assert frames["i"] == pytest.approx(-0.5e-3, rel=1e-5)


def test_the_fast_state_says_cell_range_and_averaging():
    _, closed, _ = streamed()
    _, opened, _ = streamed(commands="eadcrg 0")
    assert set(closed["state"]) == {0 | 4 << 4 | 6 << 8 | 8 << 15}
    assert set(opened["state"]) == {1 | 4 << 4 | 3 << 8 | 8 << 15}
    assert not opened["i"].any()


def test_the_ramp_bit_is_set_as_long_as_the_ramp_runs():
    ec301 = Ec301()
    ec301.say("ramprs; scanem 0; ramppt 0 0; ramppt 1 100; rampdt 0 0; ramprt 0 1000; getbda 1; ceenab 1; rampst 1")
    _, frames, _ = frames_of(ec301.wait(3.0))
    running = frames[(frames["state"] >> 11 & 1) == 1]
    assert len(running) * 1.024e-3 == pytest.approx(1.0, abs=2e-3)
    assert np.diff(running["e"]) == pytest.approx(0.1 * 1.024e-3, rel=0.01)
    behind = frames[np.flatnonzero(frames["state"] >> 11 & 1)[-1] + 1 :]
    assert (behind["state"] & 1).all()


def test_more_than_a_range_measures_is_clipped_and_recorded():
    _, frames, records = streamed(commands="irange 6; setvol 500; ceenab 1")
    assert frames["i"] == pytest.approx(-20e-6)
    assert set(records) == {8}


def test_an_overload_in_the_stream_stays_in_the_register_until_that_is_read():
    ec301 = Ec301()
    ec301.say("irange 6; setvol 500; ceenab 1; getbda 1")
    ec301.wait(1.0)
    ec301.say("setvol 0")
    ec301.wait(1.0)
    ec301.say("getbda 0; ifcclr")
    assert ec301.ask("MESR?") == "4"
    assert ec301.ask("MESR?") == "0"


@pytest.mark.parametrize(
    ("kind", "made"),
    [("sum", lambda d: sum(d) & 255), ("xor", lambda d: np.bitwise_xor.reduce([*d])), ("none", lambda d: 0)],
)
def test_the_last_byte_of_a_packet(kind, made):
    ec301 = Ec301(checksum=kind)
    ec301.say("getbda 1")
    data = ec301.wait(0.06)
    assert len(data) == 40 + 63 * 16
    assert data[-1] == made(data[:-1])


def test_answers_come_between_packets_or_not_at_all():
    for rule, expected in (("answered", b"EC301"), ("lost", b"")):
        ec301 = Ec301(question_while_streaming=rule)
        ec301.say("getbda 1")
        assert expected in ec301.say("*IDN?")
        assert (b"EC301" in ec301.say("*IDN?")) == bool(expected)


def test_behind_the_end_of_the_stream_nothing_comes():
    ec301 = Ec301()
    ec301.say("getbda 1")
    assert ec301.wait(1.0)
    ec301.say("getbda 0")
    assert ec301.wait(1.0) == b""
    assert ec301.dialect.next_due(ec301.now) is None


# -- the bench


def test_it_is_found_by_its_name_and_says_what_is_wrong_with_its_table():
    maker = DIALECTS["srs.ec301"]
    assert maker.check("ec301", {}) == []
    assert maker.check(maker.usual_model, {"panel_switch": "off", "packet_time": 1}) == []
    problems = check("ec302", {"panel_swich": "off", "checksum": "crc", "stays_scanning": 1})
    assert [problem.path for problem in problems] == [
        "model", "options.panel_swich", "options.checksum", "options.stays_scanning",
    ]  # fmt: skip
    assert "ec301" in problems[0].hint
    assert check("ec301", {"packet_time": 0.0})[0].path == "options.packet_time"
