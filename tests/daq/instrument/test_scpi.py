"""SCPI instruments: identity, numbers, errors, completion, and late answers that never answer the next question."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scpi_echo import IDENTITY

from luggin.clock import RealClock, VirtualClock
from luggin.errors import BadReply, InstrumentFault, LimitError, ReplyTimeout
from luggin.instrument.declarations import setting
from luggin.instrument.ieee488 import EventStatus, StatusByte, floats
from luggin.instrument.scpi import Identification, ScpiError, ScpiInstrument, is_overflow, number, numbers
from luggin.transport import open_line

ON_A_BUS = ["GPIB0::18::INSTR", "USB0::0x05E6::0x2450::04012345::0::INSTR"]
STREAMS = ["TCPIP0::smu.lab::5025::SOCKET", "ASRL5::INSTR"]
often = settings(deadline=None, derandomize=True, max_examples=300)


class Box(ScpiInstrument):
    """A source with one setting."""

    volts = setting("VOLT?", "VOLT {:.3f}", unit="V", limits=(-2.0, 2.0), decode=number, doc="The level.")


@pytest.fixture
def clock():
    clock = VirtualClock()
    with clock.worker("test"):
        yield clock


@pytest.fixture
def box(clock, echo_lab):
    """Opens the echo at a name: the driver and the instrument."""
    opened = []

    def open_box(address="GPIB0::18::INSTR", delay=0.0, **settings):
        lab, echo = echo_lab(clock, address, delay)
        opened.append(Box(open_line("sim://smu", clock, url=lab.url("smu"), **settings), clock, "smu"))
        return opened[-1], echo

    yield open_box
    for driver in opened:
        driver.close()


def test_constructing_sends_nothing(box):
    _, echo = box()
    assert echo.commands == []


def test_who_answers(box):
    smu, _ = box()
    who = smu.identity.read()
    assert who == ("LUGGIN", "ECHO", "0042", "1.0", IDENTITY.decode())
    assert (who.maker, who.serial) == ("LUGGIN", "0042")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (
            "KEITHLEY INSTRUMENTS,MODEL 2450, 04012345 ,1.7.12b",
            ("KEITHLEY INSTRUMENTS", "MODEL 2450", "04012345", "1.7.12b"),
        ),
        ("3M,X,1,2.0,extra", ("3M", "X", "1", "2.0,extra")),
        ("MAKER,BOX", ("MAKER", "BOX", "", "")),
    ],
)
def test_identifications(text, fields):
    assert Identification.parse(text) == (*fields, text)


@pytest.mark.parametrize("text", ["", "1.0,2.0,3.0,32", "+1.5E-06,0", "OK", ",,,", '0,"No error"'])
def test_what_is_no_identification(text):
    with pytest.raises(ValueError, match="does not say who answers"):
        Identification.parse(text)


# -- numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("-1.25E-06", -1.25e-6), ("+.5", 0.5), ("5.", 5.0), (" 3e2 ", 300.0), ("9.8e37", 9.8e37)],
)
def test_numbers_as_scpi_sends_them(text, value):
    assert number(text) == value
    assert not is_overflow(text)


@pytest.mark.parametrize("text", ["9.9E37", "+9.900000E+37", "-9.9e37", "9.91E37", "1e400"])
def test_overflow_is_not_a_number_and_can_be_told(text):
    assert math.isnan(number(text))
    assert is_overflow(text)


@pytest.mark.parametrize(
    "text", ["", "1.0V", "1.0 A", "nan", "inf", "0x10", "1_000", "1,5", "1 2", "--1", "1e", ".", "e5", "١"]
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="is not a number"):
        number(text)
    assert not is_overflow(text)


@often
@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e37, max_value=1e37))
def test_every_finite_number_comes_back(value):
    assert number(repr(value)) == value
    assert number(f"{value:.16E}") == value


@often
@given(st.text(max_size=12))
def test_any_text_is_a_number_or_a_value_error(text):
    try:
        value = number(text)
    except ValueError:
        return
    assert math.isnan(value) == is_overflow(text)


def test_a_list_of_numbers():
    assert numbers("1.5,-2,3e-3") == [1.5, -2.0, 3e-3]
    with pytest.raises(ValueError, match="'' is not a number"):
        numbers("1.5,,2")


def test_settings_work_over_any_name(box):
    for name in ON_A_BUS + STREAMS:
        smu, echo = box(name)
        smu.volts.set(1.25)
        assert smu.volts.read() == 1.25
        with pytest.raises(LimitError):
            smu.volts.set(3.0)
        assert echo.volts == 1.25


# -- errors


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ('0,"No error"', (0, "No error")),
        ('-113,"Undefined header"', (-113, "Undefined header")),
        ('+0,"No error;0;0 0"', (0, "No error;0;0 0")),
        (" -222 , Data out of range ", (-222, "Data out of range")),
        ('5,"say ""hello"""', (5, 'say ""hello""')),
    ],
)
def test_entries_of_the_error_queue(text, entry):
    assert ScpiError.parse(text) == entry


@often
@given(st.text(max_size=20))
def test_any_text_is_an_entry_or_a_value_error(text):
    try:
        assert isinstance(ScpiError.parse(text).code, int)
    except ValueError:
        pass


def test_the_error_queue_is_emptied_in_order(box):
    smu, _ = box()
    assert smu.errors() == []
    smu.command("BLAH")
    smu.command("VOLT abc")
    assert smu.errors() == [(-113, "Undefined header"), (-104, "Data type error")]
    assert smu.errors() == []


def test_an_endless_error_queue_is_left_after_a_hundred(box):
    smu, echo = box()
    echo.errors.extend([b'-350,"Queue overflow"'] * 150)
    assert smu.errors() == [(-350, "Queue overflow")] * 100
    assert len(smu.errors()) == 50


def test_an_answer_that_is_no_entry_keeps_its_bytes(box):
    smu, echo = box()
    echo.errors.append(b"1.25E-3")
    with pytest.raises(BadReply, match="SYST:ERR") as bad:
        smu.errors()
    assert bad.value.raw == b"1.25E-3"


def test_a_command_that_is_not_accepted_is_named_with_what_the_instrument_says(box):
    smu, echo = box()
    smu.checked("VOLT 1.5")
    assert echo.volts == 1.5
    with pytest.raises(InstrumentFault, match=r"smu: 'VOLT abc' was not accepted: -104, \"Data type error\"") as fault:
        smu.checked("VOLT abc")
    assert fault.value.code == "-104"
    smu.checked("VOLT 1")


def test_errors_from_before_a_missed_answer_are_no_fault_of_the_next_command(box, caplog):
    smu, echo = box(timeout=1.0)
    smu.identity.read()
    echo.errors.append(b'-410,"Query INTERRUPTED"')
    smu.command("MUTE")
    assert smu.query("COUNT?") == b"2"
    smu.checked("VOLT 1")
    assert "left over from before a missed answer: -410" in caplog.text
    with pytest.raises(InstrumentFault, match="-104"):
        smu.checked("VOLT abc")


# -- status and completion


def test_the_status_byte_by_serial_poll_or_by_asking(box):
    for name, asked in ((ON_A_BUS[0], []), (STREAMS[0], [b"*STB?"])):
        smu, echo = box(name)
        echo.errors.append(b'-1,"x"')
        assert smu.status_byte() == StatusByte.ERROR_QUEUE
        assert echo.commands == asked


def test_reading_the_event_status_clears_it(box):
    smu, _ = box()
    smu.command("BLAH")
    assert smu.event_status() == EventStatus.COMMAND_ERROR
    assert smu.event_status() == EventStatus(0)


def test_waiting_for_completion_asks_short_questions(box, clock):
    smu, echo = box()
    smu.command("WAIT 3")
    assert smu.wait_for_completion(10.0, interval=0.5) is True
    assert clock.now() == pytest.approx(3.0)
    assert echo.commands.count(b"*ESR?") == 8
    assert b"*OPC?" not in echo.commands


def test_what_is_never_done_is_a_timeout_and_the_line_is_fine(box, clock):
    smu, _ = box()
    smu.command("WAIT 1000")
    with pytest.raises(ReplyTimeout, match="not done within 5 s"):
        smu.wait_for_completion(5.0)
    assert clock.now() == pytest.approx(5.0)
    assert not smu.transport.suspect


def test_a_silent_instrument_is_not_a_completed_one(box):
    smu, echo = box(timeout=0.5)
    smu.identity.read()
    echo.feed = lambda data, now: None
    with pytest.raises(ReplyTimeout):
        smu.wait_for_completion(60.0)


def test_a_wait_for_completion_can_be_cancelled(box, clock):
    smu, _ = box()
    stop = clock.cancel()
    smu.command("WAIT 1000")
    worker = clock.start_worker("operator", lambda: clock.sleep(2.0) and stop.set())
    assert smu.wait_for_completion(3600.0, cancel=stop) is False
    assert clock.now() == pytest.approx(2.0, abs=0.06)
    worker.join()


def test_an_error_during_the_wait_is_told(box, clock):
    smu, echo = box()
    smu.command("WAIT 1000")

    def stumble():
        clock.sleep(1.0)
        echo._fail(16, b'-200,"Execution error"')

    worker = clock.start_worker("instrument", stumble)
    with pytest.raises(
        InstrumentFault, match=r'EXECUTION_ERROR.*while waiting for completion: -200, "Execution error"'
    ):
        smu.wait_for_completion(60.0)
    worker.join()


def test_an_error_from_before_the_wait_is_told_once(box):
    smu, _ = box()
    smu.command("BLAH")
    with pytest.raises(InstrumentFault, match="before the wait for completion: -113"):
        smu.wait_for_completion(60.0)
    with pytest.raises(InstrumentFault):
        smu.checked("BLAH")
    assert smu.wait_for_completion(60.0)  # the register still says so, but it was reported


def test_a_block_by_question(box):
    smu, _ = box()
    assert floats(smu.query_block("TRAC? 3"), "f", "little").tolist() == pytest.approx([0.0, 1e-3, 2e-3], rel=1e-6)


# -- late answers


@pytest.mark.parametrize("late", [1.01, 1.05, 1.15, 1.9, 2.05, 2.5, 3.1, 3.3, 7.0])
@pytest.mark.parametrize("name", ON_A_BUS[:1] + STREAMS)
@pytest.mark.parametrize("question", ["VOLT?", "*IDN?", "TRAC? 20", "*STB?"])
def test_a_late_answer_never_answers_the_next_question(box, clock, name, late, question):
    """Before the way back, while it waits, between its attempts, and after it has given up."""
    smu, _ = box(name, timeout=1.0)
    smu.identity.read()
    smu.command(f"LATE {late}")
    smu.transport.write(question.encode() + b"\n")
    smu._asked = question
    with pytest.raises(ReplyTimeout):
        smu.transport.read_line()
    answers = []
    for n in range(6):
        try:
            answers.append((n, smu.query(f"ECHO? {n}")))
        except ReplyTimeout:
            assert smu.transport.suspect
        clock.sleep(0.4)
    assert all(answer == b"%d" % n for n, answer in answers)
    assert [n for n, _ in answers][-3:] == [3, 4, 5]


def test_an_instrument_that_never_said_who_it_is_is_found_again_too(box):
    for name in ON_A_BUS[:1] + STREAMS:
        smu, _ = box(name, timeout=1.0)
        smu.command("LATE 1.2")
        assert smu.query("VOLT?") == b"0.000000E+00"
        smu.command("LATE 1.2")
        assert smu.identity.read().model == "ECHO"
        assert [smu.query(f"ECHO? {n}") for n in range(3)] == [b"0", b"1", b"2"]


def test_half_an_answer_does_not_stick_to_the_next_one(box):
    smu, _ = box(STREAMS[0], timeout=1.0)
    smu.identity.read()
    smu.command("HALF")
    assert smu.query("VOLT?") == b"0.000000E+00"


def test_an_instrument_that_is_gone_is_a_timeout_in_bounded_time(box, clock):
    smu, echo = box(STREAMS[0], timeout=1.0)
    smu.identity.read()
    echo.feed = lambda data, now: None
    with pytest.raises(ReplyTimeout, match=r"smu \(sim://smu\): does not answer \*IDN\? any more"):
        smu.query("VOLT?")
    assert clock.now() < 10.0
    assert smu.transport.suspect


def test_another_instrument_that_answers_is_not_taken_for_ours(box):
    smu, echo = box(STREAMS[0], timeout=1.0)
    smu.identity.read()
    smu._known = b"LUGGIN,ECHO,0001,1.0"
    smu.command("MUTE")
    with pytest.raises(ReplyTimeout, match="does not answer"):
        smu.query("VOLT?")
    assert echo.commands.count(b"VOLT?") == 1


# -- the stock simulator

STOCK = """
spec: "1.1"
devices:
  box:
    eom:
      GPIB INSTR: {q: "\\n", r: "\\n"}
      TCPIP SOCKET: {q: "\\n", r: "\\n"}
    error: ERROR
    dialogues:
      - {q: "*IDN?", r: "LUGGIN,BOX,1,2.0"}
      - {q: "SYST:ERR?", r: '0,"No error"'}
    properties:
      volts:
        default: 0.0
        getter: {q: "VOLT?", r: "{:.3f}"}
        setter: {q: "VOLT {:.3f}"}
        specs: {type: float}
resources:
  GPIB0::9::INSTR: {device: box}
  TCPIP0::box::5025::SOCKET: {device: box}
"""


@pytest.mark.parametrize("name", ["GPIB0::9::INSTR", "TCPIP0::box::5025::SOCKET"])
def test_a_driver_runs_on_the_stock_simulator(tmp_path, name):
    path = tmp_path / "bench.yaml"
    path.write_text(STOCK, encoding="utf-8")
    clock = RealClock()
    smu = Box(open_line(name, clock, library=f"{path}@sim", timeout=20.0), clock, "smu")
    assert smu.identity.read() == ("LUGGIN", "BOX", "1", "2.0", "LUGGIN,BOX,1,2.0")
    smu.volts.set(-1.25)
    assert smu.volts.read() == -1.25
    assert smu.errors() == []
    smu.close()
