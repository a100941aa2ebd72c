"""``sim://`` ports: pyserial's interface, in the lab's time."""

import pytest
import serial

from luggin.clock import VirtualClock
from luggin.errors import LineInUse, LineLost, NoInstrument, ReplyTimeout
from luggin.transport import SerialTransport
from luggin_sim.bench import open_lab


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def lab(tables, clock):
    with open_lab(tables, clock) as lab:
        yield lab


@pytest.fixture
def line(lab, clock):
    with clock.worker("reader"), SerialTransport("sim://cell", clock, url=lab.url("cell")) as line:
        yield line


def read_until_empty_line(line):
    lines = []
    while read := line.read_line(10.0):
        lines.append(read)
    return lines


def test_an_answer_takes_the_latency_of_the_wire(line, clock):
    assert line.exchange(b"v\n") == b"v0108"
    assert clock.now() == pytest.approx(1e-3)


def test_a_voltammogram_takes_its_time_in_the_lab_and_opens_the_cell(line, lab, clock, cv_script, cv_packages):
    line.write(cv_script)
    lines = read_until_empty_line(line)
    assert lines[:3] == [b"e", b"M0005", b"C0000"]
    assert sum(each.startswith(b"P") for each in lines) == cv_packages
    assert clock.now() == pytest.approx(cv_packages * 0.1 + 1e-3)
    assert not lab.cell_is_on("cell")


def test_each_package_arrives_when_it_is_due(line, clock, cv_script):
    line.write(cv_script)
    arrivals = []
    while read := line.read_line(10.0):
        if read.startswith(b"P"):
            arrivals.append(clock.now())
    assert arrivals == pytest.approx([0.1 * (k + 1) + 1e-3 for k in range(len(arrivals))])


def test_silence_is_a_timeout_of_lab_time(line, clock):
    with pytest.raises(ReplyTimeout):
        line.read_line(3600.0)
    assert clock.now() == pytest.approx(3600.0)


def test_a_cancelled_read_ends_at_once_and_the_abort_dialogue_works(line, lab, clock, cv_script):
    line.write(cv_script)
    cancel = clock.cancel()

    def operator():
        clock.wait_until(2.05)
        cancel.set()

    worker = clock.start_worker("operator", operator)
    while line.read_line(10.0, cancel) is not None:
        pass
    assert clock.now() == pytest.approx(2.05)
    assert lab.cell_is_on("cell")
    worker.join()
    line.write(b"Z\n")
    assert read_until_empty_line(line)[-3:] == [b"Z", b"-", b"*"]
    assert not lab.cell_is_on("cell")


def test_a_writer_wakes_a_reader_that_waits_for_nothing(line, lab, clock):
    def writer():
        clock.wait_until(5.0)
        line.write(b"v\n")

    worker = clock.start_worker("writer", writer)
    assert line.read_line(100.0) == b"v0108"
    assert clock.now() == pytest.approx(5.001)
    worker.join()


def test_the_log_has_both_directions_with_lab_times(line, lab):
    line.exchange(b"v\n")
    assert [(round(c.time, 6), c.direction, c.data) for c in lab.log("cell").chunks] == [
        (0.0, ">", b"v\n"),
        (0.001, "<", b"v0108\n"),
    ]


def test_a_port_has_one_owner(line, lab, clock):
    with pytest.raises(LineInUse):
        SerialTransport("sim://cell", clock, url=lab.url("cell"))
    line.close()
    SerialTransport("sim://cell", clock, url=lab.url("cell")).close()


def test_an_unknown_name_is_no_instrument(lab, clock):
    with pytest.raises(NoInstrument, match="no such simulated instrument"):
        SerialTransport("sim://cel", clock, url=lab.url("cel"))


def test_a_closed_lab_is_a_lost_line(line, lab):
    lab.close()
    with pytest.raises(LineLost, match="laboratory is closed"):
        line.write(b"v\n")
    with pytest.raises(LineLost, match="laboratory is closed"):
        line.read_line(1.0)


def test_plain_pyserial_reads_by_size_timeout_and_what_waits(lab, clock):
    with clock.worker("reader"), serial.serial_for_url(lab.url("cell"), timeout=0.5) as port:
        port.write(b"v\ni\n")
        assert port.in_waiting == 0
        assert port.read(3) == b"v01"
        assert port.in_waiting == len("08\niES4HSIM00001\n")
        assert port.read_until(b"\n") == b"08\n"
        port.reset_input_buffer()
        assert port.read(1) == b""
        assert clock.now() == pytest.approx(0.501)
        port.flush()
        port.reset_output_buffer()
        with pytest.raises(serial.SerialException, match="open already"):
            port.open()
    with pytest.raises(serial.SerialException):
        port.write(b"v\n")


def test_two_labs_have_instruments_of_their_own(tables, clock):
    with open_lab(tables, clock) as one, open_lab(tables, clock) as other:
        assert one.url("cell") != other.url("cell")
        with serial.serial_for_url(one.url("cell"), timeout=1), serial.serial_for_url(other.url("cell")) as second:
            second.write(b"v\n")
            assert one.log("cell").chunks == []


def test_the_same_seed_gives_the_same_bytes(tables, cv_script):
    streams = []
    for _ in range(2):
        clock = VirtualClock()
        with open_lab(tables, clock) as lab, clock.worker("reader"):
            with SerialTransport("sim://cell", clock, url=lab.url("cell")) as line:
                line.write(cv_script)
                streams.append(read_until_empty_line(line))
    assert streams[0] == streams[1]
    assert len(streams[0]) > 300
