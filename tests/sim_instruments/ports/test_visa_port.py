"""The simulated VISA library as any PyVISA program sees it, in virtual time."""

from __future__ import annotations

import math
import struct

import pytest
import pyvisa
from pyvisa.constants import BufferOperation, EventMechanism, EventType, StatusCode
from scpi_echo import IDENTITY

from luggin.clock import VirtualClock
from luggin.errors import ProtocolError
from luggin_sim.bench import open_lab

NAMES = [
    "GPIB0::18::INSTR",
    "USB0::0x05E6::0x2450::04012345::0::INSTR",
    "TCPIP0::smu.lab::inst0::INSTR",
    "TCPIP0::smu.lab::5025::SOCKET",
    "ASRL5::INSTR",
]
ON_A_BUS = NAMES[:3]


@pytest.fixture
def clock():
    clock = VirtualClock()
    with clock.worker("test"):
        yield clock


@pytest.fixture
def opened(clock, echo_lab):
    """Opens the echo at a name with plain PyVISA: the resource and the instrument."""
    managers = []

    def open_echo(address="GPIB0::18::INSTR", **settings):
        lab, echo = echo_lab(clock, address)
        library = lab.url("smu").split("/")[2]
        managers.append(pyvisa.ResourceManager(library))
        settings = {"read_termination": "\n", "write_termination": "\n", "timeout": 1000, **settings}
        return managers[-1].open_resource(address, **settings), echo

    open_echo.managers = managers
    yield open_echo
    for manager in managers:
        manager.close()


def code_of(error):
    return error.value.error_code


@pytest.mark.parametrize("name", NAMES)
def test_a_question_is_answered_whatever_the_name(opened, name):
    smu, echo = opened(name)
    assert smu.query("*IDN?") == IDENTITY.decode()
    smu.write("VOLT 0.25")
    assert smu.query("VOLT?") == "2.500000E-01"
    assert echo.volts == 0.25


@pytest.mark.parametrize("name", NAMES)
def test_a_block_with_line_feeds_in_it_comes_whole(opened, name):
    smu, _ = opened(name)
    values = smu.query_binary_values("TRAC? 5000", datatype="f")
    assert values == list(struct.unpack("<5000f", struct.pack("<5000f", *(math.sin(k * 1e-3) for k in range(5000)))))


def test_a_timeout_is_lab_time_and_costs_none_of_the_computers(opened, clock):
    smu, _ = opened(timeout=3_600_000)
    with pytest.raises(pyvisa.VisaIOError) as error:
        smu.read()
    assert code_of(error) == StatusCode.error_timeout
    assert clock.now() == pytest.approx(3600.0)


@pytest.mark.parametrize("name", NAMES)
def test_bytes_of_a_late_answer_are_not_lost_by_the_timeout(opened, clock, name):
    smu, _ = opened(name)
    smu.write("LATE 1.5")
    with pytest.raises(pyvisa.VisaIOError):
        smu.query("*IDN?")
    assert smu.read() == IDENTITY.decode()
    assert clock.now() == pytest.approx(1.5)


def test_half_an_answer_on_a_stream_is_kept_for_the_next_read(opened):
    smu, _ = opened("TCPIP0::smu.lab::5025::SOCKET")
    smu.write("HALF")
    with pytest.raises(pyvisa.VisaIOError):
        smu.query("*IDN?")
    assert smu.query("VOLT?") == IDENTITY[: len(IDENTITY) // 2].decode() + "0.000000E+00"


@pytest.mark.parametrize("name", ON_A_BUS)
def test_on_a_bus_an_answer_ends_with_end_even_without_a_line_feed(opened, name):
    smu, _ = opened(name, read_termination="")
    smu.write("BARE")
    assert smu.query("VOLT?") == "0.000000E+00"
    assert smu.query("VOLT?") == "0.000000E+00\n"


def test_end_after_a_command_stands_for_its_line_feed(opened):
    smu, echo = opened(write_termination="")
    smu.write("VOLT 1.5")
    assert echo.volts == 1.5


def test_a_read_of_few_bytes_says_that_there_is_more(opened):
    smu, _ = opened(read_termination="")
    smu.write("*IDN?")
    with smu.ignore_warning(StatusCode.success_max_count_read):
        data, status = smu.visalib.read(smu.session, 6)
    assert (data, status) == (b"LUGGIN", StatusCode.success_max_count_read)
    assert smu.visalib.read(smu.session, 100) == (IDENTITY[6:] + b"\n", StatusCode.success)


def test_two_answers_are_two_messages(opened):
    smu, _ = opened(read_termination="")
    smu.write("*IDN?")
    smu.write("LATE 0.1\nVOLT?")
    assert [smu.read_raw(), smu.read_raw()] == [IDENTITY + b"\n", b"0.000000E+00\n"]


# -- beside the bytes


def test_a_device_clear_empties_the_instrument_and_the_line(opened):
    smu, echo = opened()
    smu.write("LATE 0.5")
    smu.write("*IDN?")
    smu.clear()
    assert echo.cleared == 1
    assert smu.query("VOLT?") == "0.000000E+00"


def test_clearing_a_socket_throws_away_what_has_come_and_does_not_reach_the_instrument(opened):
    smu, echo = opened("TCPIP0::smu.lab::5025::SOCKET")
    smu.write("*IDN?")
    smu.clear()
    assert echo.cleared == 0
    assert smu.query("VOLT?") == "0.000000E+00"


def test_flush_forgets_what_was_received_and_not_read(opened):
    smu, _ = opened(read_termination="")
    smu.write("*IDN?")
    with smu.ignore_warning(StatusCode.success_max_count_read):
        smu.visalib.read(smu.session, 3)
    smu.flush(BufferOperation.discard_read_buffer_no_io)
    assert smu.query("VOLT?") == "0.000000E+00\n"


def test_the_serial_poll_sees_a_waiting_message_errors_and_events(opened):
    smu, _ = opened()
    assert smu.read_stb() == 0
    smu.write("*IDN?")
    assert smu.stb == 0x10
    smu.read()
    smu.write("BLAH")
    assert smu.stb == 0x04
    smu.write("*ESE 32")
    assert smu.stb == 0x64
    assert smu.query("*ESR?") == "32"
    assert smu.stb == 0x04


def test_a_trigger_reaches_the_instrument(opened):
    smu, echo = opened()
    smu.assert_trigger()
    assert echo.triggered == 1


def test_a_service_request_ends_the_wait_when_the_instrument_makes_it(opened, clock):
    smu, _ = opened()
    smu.write("*ESE 1")
    smu.write("WAIT 30")
    smu.write("*OPC")
    smu.wait_for_srq(60_000)
    assert clock.now() == pytest.approx(30.0, abs=0.02)


def test_no_service_request_is_a_timeout(opened, clock):
    smu, _ = opened()
    smu.enable_event(EventType.service_request, EventMechanism.queue)
    assert smu.wait_on_event(EventType.service_request, 500, capture_timeout=True).timed_out
    assert clock.now() == pytest.approx(0.5)


def test_a_service_request_must_be_enabled_first(opened):
    smu, _ = opened()
    with pytest.raises(pyvisa.VisaIOError) as error:
        smu.wait_on_event(EventType.service_request, 500)
    assert code_of(error) == StatusCode.error_not_enabled
    with pytest.raises(pyvisa.VisaIOError) as error:
        smu.enable_event(EventType.service_request, EventMechanism.handler)
    assert code_of(error) == StatusCode.error_nonsupported_mechanism


@pytest.mark.parametrize("call", ["read_stb", "assert_trigger"])
def test_streams_have_no_bus(opened, call):
    smu, _ = opened("TCPIP0::smu.lab::5025::SOCKET")
    operation = {"read_stb": lambda: smu.visalib.read_stb(smu.session)}.get(
        call, lambda: smu.visalib.assert_trigger(smu.session, pyvisa.constants.TriggerProtocol.default)
    )
    with pytest.raises(pyvisa.VisaIOError) as error:
        operation()
    assert code_of(error) == StatusCode.error_nonsupported_operation


# -- locks


def test_a_lock_keeps_the_other_session_out_until_it_is_given_back(opened, clock):
    smu, _ = opened()
    other = opened.managers[0].open_resource(
        "GPIB0::18::INSTR", read_termination="\n", write_termination="\n", timeout=1000
    )
    smu.lock_excl()
    for refused in (lambda: other.write("VOLT 1"), other.read, other.clear, lambda: other.lock_excl(250)):
        with pytest.raises(pyvisa.VisaIOError) as error:
            refused()
        assert code_of(error) == StatusCode.error_resource_locked
    assert clock.now() == pytest.approx(0.25)
    assert smu.query("*IDN?") == IDENTITY.decode()
    smu.unlock()
    assert other.query("*IDN?") == IDENTITY.decode()
    with pytest.raises(pyvisa.VisaIOError) as error:
        smu.unlock()
    assert code_of(error) == StatusCode.error_session_not_locked


def test_sessions_with_the_key_share_a_lock(opened):
    smu, _ = opened()
    manager = opened.managers[0]
    friend, stranger = (manager.open_resource("GPIB0::18::INSTR", write_termination="\n") for _ in range(2))
    key = smu.lock()
    assert friend.lock(requested_key=key) == key
    friend.write("VOLT 1")
    with pytest.raises(pyvisa.VisaIOError):
        stranger.write("VOLT 2")
    assert smu.query("VOLT?") == "1.000000E+00"


def test_closing_a_session_gives_its_lock_back(opened):
    smu, _ = opened()
    other = opened.managers[0].open_resource("GPIB0::18::INSTR", read_termination="\n", write_termination="\n")
    smu.lock_excl()
    smu.close()
    assert other.query("*IDN?") == IDENTITY.decode()


# -- names


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("GPIB0::19::INSTR", StatusCode.error_resource_not_found),
        ("PXI0::3::INSTR", StatusCode.error_invalid_resource_name),
    ],
)
def test_a_name_that_nobody_has_is_an_error_when_it_is_opened(opened, name, code):
    opened()
    with pytest.raises(pyvisa.VisaIOError) as error:
        opened.managers[0].open_resource(name)
    assert code_of(error) == code


def test_what_there_is_can_be_listed(opened):
    opened()
    assert opened.managers[0].list_resources() == ("GPIB0::18::INSTR",)


def test_laboratories_do_not_see_each_other(clock, echo_lab):
    libraries = [echo_lab(clock, name)[0].url("smu").split("/")[2] for name in ("GPIB0::1::INSTR", "GPIB0::2::INSTR")]
    managers = [pyvisa.ResourceManager(library) for library in libraries]
    assert [manager.list_resources() for manager in managers] == [("GPIB0::1::INSTR",), ("GPIB0::2::INSTR",)]
    for manager in managers:
        manager.close()


def test_a_closed_laboratory_is_a_lost_connection_and_cannot_be_opened_again(clock, echo_lab):
    lab, _ = echo_lab(clock)
    library = lab.url("smu").split("/")[2]
    manager = pyvisa.ResourceManager(library)
    smu = manager.open_resource("GPIB0::18::INSTR")
    lab.close()
    for call in (lambda: smu.write("*IDN?"), smu.read, smu.clear, smu.read_stb):
        with pytest.raises(pyvisa.VisaIOError) as error:
            call()
        assert code_of(error) == StatusCode.error_connection_lost
    manager.close()
    with pytest.raises(OSError, match="no simulated laboratory"):
        pyvisa.ResourceManager("nothing@luggin")


# -- the bench file


def test_a_bench_gives_an_instrument_its_visa_name(clock, tables):
    tables["cell"]["address"] = "gpib::18"
    with open_lab(tables, clock) as lab:
        assert lab.url("cell").endswith("@luggin/GPIB0::18::INSTR")
        manager = pyvisa.ResourceManager(lab.url("cell").split("/")[2])
        with manager.open_resource("GPIB0::18::INSTR", write_termination="\n") as potentiostat:
            assert potentiostat.query("t").startswith("tes4_hr")
        assert lab.log("cell").received() == b"t\n"
        assert not lab.cell_is_on("cell")
        manager.close()


@pytest.mark.parametrize("address", ["somewhere", "PXI0::3::INSTR", "GPIB0::x::y::z::INSTR", 7])
def test_an_address_that_cannot_be_simulated_is_a_mistake_with_its_place(clock, tables, address):
    tables["cell"]["address"] = address
    with pytest.raises(ProtocolError, match=r"simulated\.cell\.address"):
        open_lab(tables, clock)


def test_two_instruments_cannot_have_one_address(clock, tables):
    tables["cell"]["address"] = "GPIB::18"
    tables["other"] = {**tables["cell"], "address": "GPIB0::18::INSTR"}
    with pytest.raises(ProtocolError, match=r"simulated\.other\.address: GPIB0::18::INSTR is the address of 'cell'"):
        open_lab(tables, clock)
