"""VISA lines: the simulated library in virtual time, the stock simulator, and libraries that fail in many ways."""

from __future__ import annotations

import math
import struct

import pytest
import pyvisa
from pyvisa.constants import InterfaceType, ResourceAttribute, StatusCode
from pyvisa.highlevel import VisaLibraryBase
from scpi_echo import IDENTITY

from luggin.clock import RealClock
from luggin.errors import BadReply, LineInUse, LineLost, NoInstrument, NotSupported, ReplyTimeout
from luggin.transport import VisaTransport, open_line
from luggin.transport.base import SLICE

ON_A_BUS = ["GPIB0::18::INSTR", "USB0::0x05E6::0x2450::04012345::0::INSTR", "TCPIP0::smu.lab::inst0::INSTR"]
STREAMS = ["TCPIP0::smu.lab::5025::SOCKET", "ASRL5::INSTR"]
FLOATS = [math.sin(k * 1e-3) for k in range(5000)]


@pytest.fixture
def opened(clock, echo_lab):
    """Opens the echo at a name: the line and the instrument."""
    lines = []

    def open_echo(address="GPIB0::18::INSTR", delay=0.0, **settings):
        lab, echo = echo_lab(clock, address, delay)
        lines.append(open_line("sim://smu", clock, url=lab.url("smu"), **settings))
        lines[-1].lab = lab
        return lines[-1], echo

    with clock.worker("test"):
        yield open_echo
        for line in lines:
            line.close()


# -- the simulated library


@pytest.mark.parametrize("name", ON_A_BUS + STREAMS)
def test_an_exchange_whatever_the_name(opened, clock, name):
    line, echo = opened(name, delay=0.25)
    assert isinstance(line, VisaTransport)
    assert line.exchange(b"*IDN?\n") == IDENTITY
    assert clock.now() == 0.25
    assert echo.commands == [b"*IDN?"]
    assert line.statistics() == {"read": len(IDENTITY) + 1, "written": 6, "buffered": 0}


def test_opening_and_closing_send_nothing_and_closing_twice_is_fine(opened):
    line, echo = opened()
    line.close()
    line.close()
    assert echo.commands == []
    with pytest.raises(LineLost):
        line.write(b"*IDN?\n")
    with pytest.raises(LineLost):
        line.read_line()


@pytest.mark.parametrize("name", ON_A_BUS + STREAMS)
def test_a_block_whose_bytes_look_like_ends_of_lines(opened, name):
    line, _ = opened(name)
    line.write(b"TRAC? 5000\n")
    block = line.read_block()
    assert b"\n" in block
    assert list(struct.unpack("<5000f", block)) == pytest.approx(FLOATS, abs=1e-7)
    assert line.exchange(b"VOLT?\n") == b"0.000000E+00"


@pytest.mark.parametrize("name", ON_A_BUS)
def test_a_message_without_a_line_feed_is_whole_at_once(opened, clock, name):
    line, _ = opened(name)
    line.write(b"BARE\n")
    assert line.exchange(b"VOLT?\n") == b"0.000000E+00"
    assert clock.now() == 0.0
    assert line.exchange(b"*IDN?\n") == IDENTITY


def test_an_indefinite_block_ends_with_the_message(opened):
    line, _ = opened()
    line.write(b"INDEF? 10\n")
    assert line.read_block() == struct.pack("<10f", *FLOATS[:10])
    assert line.exchange(b"VOLT?\n") == b"0.000000E+00"


def test_an_indefinite_block_on_a_stream_is_refused_because_its_end_cannot_be_seen(opened):
    line, _ = opened(STREAMS[0])
    line.write(b"INDEF? 10\n")
    with pytest.raises(BadReply, match="no end on this line"):
        line.read_block()
    assert line.suspect


def test_half_a_block_is_told_as_soon_as_the_message_ends(opened, clock):
    line, _ = opened()
    line.write(b"HALF\nTRAC? 100\n")
    with pytest.raises(BadReply, match=r"the message ended after \d+ of 400 bytes"):
        line.read_block(timeout=60.0)
    assert clock.now() == 0.0
    assert line.exchange(b"VOLT?\n") == b"0.000000E+00"


@pytest.mark.parametrize("name", STREAMS)
def test_half_an_answer_and_silence_is_a_timeout_with_what_came(opened, clock, name):
    line, _ = opened(name, timeout=3.0)
    line.write(b"HALF\n")
    with pytest.raises(ReplyTimeout) as missed:
        line.exchange(b"*IDN?\n")
    assert missed.value.partial == IDENTITY[: len(IDENTITY) // 2]
    assert clock.now() == pytest.approx(3.0)
    assert line.suspect


def test_many_lines_of_one_stream(opened):
    line, _ = opened(STREAMS[1])
    line.write(b"".join(b"ECHO? %d\n" % n for n in range(2000)))
    assert [line.read_line() for _ in range(2000)] == [b"%d" % n for n in range(2000)]


@pytest.mark.parametrize("name", ON_A_BUS + STREAMS)
def test_a_token_ends_the_wait_in_virtual_time(opened, clock, name):
    line, _ = opened(name)
    stop = clock.cancel()
    operator = clock.start_worker("operator", lambda: clock.sleep(3.0) and stop.set())
    assert line.read_line(timeout=3600.0, cancel=stop) is None
    assert clock.now() == 3.0
    operator.join()
    assert line.read_line(timeout=3600.0, cancel=stop) is None
    assert clock.now() == 3.0


@pytest.mark.parametrize("name", ON_A_BUS)
def test_clearing_a_bus_clears_the_instrument_and_takes_no_time(opened, clock, name):
    line, echo = opened(name, timeout=1.0)
    line.write(b"LATE 5\n")
    with pytest.raises(ReplyTimeout):
        line.exchange(b"*IDN?\n")
    line.clear()
    assert (echo.cleared, clock.now()) == (1, 1.0)
    assert line.suspect
    assert line.exchange(b"VOLT?\n", timeout=20.0) == b"0.000000E+00"


@pytest.mark.parametrize("name", STREAMS)
def test_clearing_a_stream_waits_until_nothing_comes(opened, clock, name):
    line, echo = opened(name)
    line.write(b"LATE 0.05\n*IDN?\n")
    line.clear()
    assert (echo.cleared, clock.now()) == (0, pytest.approx(0.15))
    assert line.statistics()["buffered"] == 0


def test_the_status_byte_comes_by_serial_poll_while_an_answer_waits(opened):
    line, _ = opened()
    assert line.read_stb() == 0
    line.write(b"*IDN?\n")
    assert line.read_stb() == 0x10
    assert line.read_line() == IDENTITY


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_has_no_serial_poll(opened, name):
    line, _ = opened(name)
    with pytest.raises(NotSupported, match=r"\*STB\?"):
        line.read_stb()


def test_two_workers_share_a_line_and_never_get_each_others_answers(opened, clock):
    line, _ = opened(delay=0.125)
    wrong = []

    def ask(name):
        for number in range(50):
            text = b"%s%d" % (name, number)
            if (reply := line.exchange(b"ECHO? " + text + b"\n")) != text:
                wrong.append(reply)

    workers = [clock.start_worker(str(name), lambda name=name: ask(name)) for name in (b"a", b"b")]
    assert all(worker.join() for worker in workers)
    assert wrong == []
    assert clock.now() == pytest.approx(12.5)


def test_a_closed_laboratory_is_a_lost_line(opened):
    line, _ = opened()
    line.lab.close()
    for call in (lambda: line.write(b"x\n"), line.read_line, line.clear, line.read_stb):
        with pytest.raises(LineLost, match="the line broke"):
            call()


def test_a_line_that_another_session_has_locked_is_in_use(opened):
    line, _ = opened()
    manager = pyvisa.ResourceManager(line.lab.url("smu").split("/")[2])
    other = manager.open_resource("GPIB0::18::INSTR")
    other.lock_excl()
    with pytest.raises(LineInUse, match="another program has locked it"):
        line.exchange(b"*IDN?\n")
    other.unlock()
    assert line.exchange(b"*IDN?\n") == IDENTITY
    other.close()


def test_a_mistake_of_ours_does_not_pass_for_a_broken_line(opened):
    line, _ = opened()
    with pytest.raises(TypeError):
        line.write("text is not bytes")


# -- opening


def test_a_wrong_address_is_named_with_the_way_out(opened):
    line, _ = opened()
    url = line.lab.url("smu").replace("::18::", "::19::")
    with pytest.raises(NoInstrument, match=r"sim://smu: no instrument.*RSRC_NFOUND.*address right.*switched on"):
        open_line("sim://smu", line.clock, url=url)


@pytest.mark.parametrize("library", ["@nowhere", "/nowhere/libvisa.so", "lab0@luggin"])
def test_a_missing_library_is_named_with_the_way_out(library):
    with pytest.raises(NoInstrument, match=r"GPIB0::18::INSTR: the VISA library '.*(nowhere|lab0).*LUGGIN_VISA"):
        VisaTransport("GPIB0::18::INSTR", RealClock(), library=library)


def test_the_environment_names_the_library(monkeypatch):
    monkeypatch.setenv("LUGGIN_VISA", "@from-the-environment")
    with pytest.raises(NoInstrument, match="@from-the-environment"):
        open_line("TCPIP0::127.0.0.1::5025::SOCKET", RealClock())
    with pytest.raises(NoInstrument, match="@from-the-call"):
        open_line("GPIB0::18::INSTR", RealClock(), library="@from-the-call")


# -- the stock simulator, in real time: nothing in here waits for an answer that does not come

STOCK = """
spec: "1.1"
devices:
  box:
    eom:
      GPIB INSTR: {q: "\\n", r: "\\n"}
      TCPIP SOCKET: {q: "\\n", r: "\\n"}
      ASRL INSTR: {q: "\\n", r: "\\n"}
    error: ERROR
    dialogues:
      - {q: "*IDN?", r: "LUGGIN,BOX,1,2.0"}
resources:
  GPIB0::9::INSTR: {device: box}
  TCPIP0::box::5025::SOCKET: {device: box}
  ASRL1::INSTR: {device: box}
"""


@pytest.fixture
def stock(tmp_path):
    path = tmp_path / "bench.yaml"
    path.write_text(STOCK, encoding="utf-8")
    return f"{path}@sim"


@pytest.mark.parametrize("name", ["GPIB0::9::INSTR", "TCPIP0::box::5025::SOCKET", "ASRL1::INSTR"])
def test_the_stock_simulator_is_a_library_like_any_other(stock, name):
    with open_line(name, RealClock(), library=stock, timeout=20.0) as line:
        assert isinstance(line, VisaTransport)
        assert line.exchange(b"*IDN?\n") == b"LUGGIN,BOX,1,2.0"
        assert line.exchange(b"*IDN?\n") == b"LUGGIN,BOX,1,2.0"


def test_the_stock_simulator_opens_unknown_names_without_a_word_and_we_do_not(stock):
    with pytest.raises(NoInstrument, match=r"GPIB0::10::INSTR: no instrument.*RSRC_NFOUND"):
        VisaTransport("GPIB0::10::INSTR", RealClock(), library=stock)


def test_where_the_library_has_no_clear_the_line_is_drained(stock):
    with open_line("GPIB0::9::INSTR", RealClock(), library=stock) as line:
        line.write(b"*IDN?\n")
        line.clear()
        assert line.exchange(b"*IDN?\n", timeout=20.0) == b"LUGGIN,BOX,1,2.0"
        with pytest.raises(NotSupported, match="no serial poll"):
            line.read_stb()


# -- libraries that we do not have, played by a script


class Scripted(VisaLibraryBase):
    """A VISA library whose every read does what the test says."""

    kind, resource_class = InterfaceType.gpib, "INSTR"

    def _init(self):
        self.script, self.asked, self.written, self.set = [], [], [], {}
        self.open_error = self.clear_status = None

    def open_default_resource_manager(self):
        return 1, StatusCode.success

    def open(self, session, name, access_mode=0, open_timeout=0):
        if self.open_error is not None:
            raise self.open_error
        return 2, StatusCode.success

    def close(self, session):
        return StatusCode.success

    def get_attribute(self, session, attribute):
        known = {ResourceAttribute.interface_type: self.kind, ResourceAttribute.resource_class: self.resource_class}
        return {**known, **self.set}.get(attribute, 0), StatusCode.success

    def set_attribute(self, session, attribute, value):
        self.set[attribute] = value
        return StatusCode.success

    def write(self, session, data):
        self.written.append(data)
        return len(data), StatusCode.success

    def read(self, session, count):
        self.asked.append((count, self.set[ResourceAttribute.timeout_value]))
        act = self.script.pop(0)
        if isinstance(act, Exception):
            raise act
        return act

    def clear(self, session):
        if self.clear_status is not None:
            raise pyvisa.VisaIOError(self.clear_status)
        return StatusCode.success


@pytest.fixture
def scripted(monkeypatch, request):
    """The library, and a function that opens a line through it."""
    monkeypatch.setitem(pyvisa.highlevel._WRAPPERS, "scripted", Scripted)
    library = pyvisa.ResourceManager(f"{request.node.name}@scripted").visalib

    def open_scripted(name="GPIB0::18::INSTR", kind=InterfaceType.gpib, resource_class="INSTR", **settings):
        library.kind, library.resource_class = kind, resource_class
        return VisaTransport(name, RealClock(), library=f"{request.node.name}@scripted", **settings)

    return library, open_scripted


TIMEOUT = pyvisa.VisaIOError(StatusCode.error_timeout)


def test_a_bus_is_read_in_one_piece_of_the_whole_deadline(scripted):
    library, open_scripted = scripted
    line = open_scripted(timeout=7.0)
    library.script = [(b"1.5\n", StatusCode.success)]
    assert line.exchange(b"READ?\n") == b"1.5"
    assert library.asked == [(20 * 1024, 7000)]


def test_a_long_message_is_read_until_its_end(scripted):
    library, open_scripted = scripted
    line = open_scripted()
    library.script = [(b"#14ab", StatusCode.success_max_count_read), (b"\nd", StatusCode.success)]
    assert line.read_block() == b"ab\nd"
    assert library.script == []


def test_a_message_that_begins_and_does_not_end_is_a_timeout_with_its_beginning(scripted):
    library, open_scripted = scripted
    line = open_scripted()
    library.script = [(b"1.5", StatusCode.success_max_count_read), TIMEOUT]
    with pytest.raises(ReplyTimeout, match="began and did not end") as missed:
        line.read_line()
    assert missed.value.partial == b"1.5"
    assert line.suspect


def test_a_stream_is_waited_for_in_slices_of_one_byte_which_cannot_be_lost(scripted):
    library, open_scripted = scripted
    line = open_scripted("TCPIP0::h::5025::SOCKET", InterfaceType.tcpip, "SOCKET", timeout=50.0)
    library.script = [TIMEOUT, TIMEOUT, (b"1", StatusCode.success_max_count_read)]
    library.script += [(b".5\n", StatusCode.success_termination_character_read)]
    assert line.read_line() == b"1.5"
    assert [entry[0] for entry in library.asked] == [1, 1, 1, 20 * 1024]
    assert {entry[1] for entry in library.asked[:3]} == {int(SLICE * 1000)}
    assert library.set[ResourceAttribute.termchar] == 0x0A


def test_a_stream_is_asked_for_no_more_than_is_to_come_of_a_block(scripted):
    library, open_scripted = scripted
    line = open_scripted("TCPIP0::h::5025::SOCKET", InterfaceType.tcpip, "SOCKET")
    more = StatusCode.success_max_count_read
    library.script = [(b"#", more), (b"1", more), (b"4", more), (b"\n", StatusCode.success_termination_character_read)]
    library.script += [(b"a", more), (b"bc", more)]
    assert line.read_block() == b"\nabc"
    assert [entry[0] for entry in library.asked] == [1, 1, 1, 1, 1, 2]


def test_a_serial_port_of_a_makers_library_is_asked_how_much_waits(scripted):
    library, open_scripted = scripted
    line = open_scripted("ASRL3::INSTR", InterfaceType.asrl, baudrate=9600, bytesize=7, parity="even", xonxoff=True)
    library.set[ResourceAttribute.asrl_avalaible_number] = 3
    more = StatusCode.success_max_count_read
    library.script = [(b"1", more), (b".5\n", StatusCode.success_termination_character_read)]
    assert line.read_line() == b"1.5"
    assert [entry[0] for entry in library.asked] == [1, 3]
    assert library.set[ResourceAttribute.asrl_baud_rate] == 9600
    assert library.set[ResourceAttribute.asrl_data_bits] == 7
    assert library.set[ResourceAttribute.asrl_parity] == pyvisa.constants.Parity.even
    assert library.set[ResourceAttribute.asrl_flow_control] == pyvisa.constants.ControlFlow.xon_xoff


def test_a_token_is_seen_between_two_slices(scripted):
    library, open_scripted = scripted
    line = open_scripted("TCPIP0::h::5025::SOCKET", InterfaceType.tcpip, "SOCKET")
    stop = line.clock.cancel()

    class SetsTheToken(list):
        def pop(self, _index):
            if len(self) == 1:
                stop.set()
            return super().pop(0)

    library.script = SetsTheToken([TIMEOUT, TIMEOUT, TIMEOUT])
    assert line.read_line(timeout=3600.0, cancel=stop) is None
    assert len(library.asked) == 3


@pytest.mark.parametrize(
    ("raised", "becomes", "words"),
    [
        (pyvisa.VisaIOError(StatusCode.error_connection_lost), LineLost, "the line broke"),
        (pyvisa.VisaIOError(StatusCode.error_io), LineLost, "VI_ERROR_IO"),
        (pyvisa.VisaIOError(StatusCode.error_no_listeners), LineLost, "nobody listens"),
        (pyvisa.VisaIOError(StatusCode.error_resource_locked), LineInUse, "another program has locked it"),
        (pyvisa.errors.InvalidSession(), LineLost, "the line broke"),
        (OSError(19, "No such device"), LineLost, "No such device"),
        (EOFError(), LineLost, "EOFError"),
        ((b"", StatusCode.error_connection_lost), LineLost, "VI_ERROR_CONN_LOST"),
    ],
)
def test_what_libraries_raise_and_return_becomes_ours(scripted, raised, becomes, words):
    library, open_scripted = scripted
    line = open_scripted()
    library.script = [raised]
    with pytest.raises(becomes, match=words):
        line.read_line()


@pytest.mark.parametrize(
    ("raised", "becomes", "words"),
    [
        (pyvisa.VisaIOError(StatusCode.error_resource_not_found), NoInstrument, "Is the address right"),
        (pyvisa.VisaIOError(StatusCode.error_invalid_resource_name), NoInstrument, "Names look like GPIB0"),
        (pyvisa.VisaIOError(StatusCode.error_resource_busy), LineInUse, "another program holds it"),
        (ConnectionRefusedError(111, "Connection refused"), NoInstrument, "refused.*Is the address right"),
        (ValueError("Please install PyUSB"), NoInstrument, "Please install PyUSB.*may lack.*LUGGIN_VISA"),
    ],
)
def test_what_libraries_raise_when_opening(scripted, raised, becomes, words):
    library, open_scripted = scripted
    library.open_error = raised
    with pytest.raises(becomes, match=words):
        open_scripted()


def test_a_command_that_was_taken_in_part_is_a_lost_line(scripted, monkeypatch):
    library, open_scripted = scripted
    monkeypatch.setattr(library, "write", lambda session, data: (len(data) - 1, StatusCode.success), raising=False)
    with pytest.raises(LineLost, match="only 6 of 7 bytes were taken"):
        open_scripted().write(b"OUTP 0\n")


@pytest.mark.parametrize("code", [StatusCode.error_connection_lost, StatusCode.error_io])
def test_a_clear_that_fails_is_a_lost_line(scripted, code):
    library, open_scripted = scripted
    library.clear_status = code
    with pytest.raises(LineLost):
        open_scripted().clear()


def test_a_clear_that_is_not_supported_is_replaced_by_draining(scripted):
    library, open_scripted = scripted
    library.clear_status = StatusCode.error_nonsupported_operation
    library.script = [(b"old\n", StatusCode.success), TIMEOUT] + [TIMEOUT] * 1000
    line = open_scripted()
    assert line.drain(quiet=0.0) == b"old\n"
