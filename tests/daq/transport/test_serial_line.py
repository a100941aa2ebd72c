"""Serial lines over pyserial's loop and over pseudo-terminals: real reads, in real (or scaled) time."""

from __future__ import annotations

import os
import threading

import pytest

from luggin.clock import RealClock, ScaledClock
from luggin.errors import LineInUse, LineLost, NoInstrument, ReplyTimeout
from luggin.transport import SerialTransport
from luggin.transport.base import SLICE

#: Host seconds; only a broken line takes that long.
PATIENCE = 20.0


@pytest.fixture
def line(other_end):
    with SerialTransport(other_end.path, RealClock(), timeout=PATIENCE) as opened:
        yield opened


# -- loop://


def test_what_is_written_to_a_loop_comes_back_as_lines():
    with SerialTransport("the loop", RealClock(), url="loop://", timeout=PATIENCE) as loop:
        loop.write(b"one\ntwo\nthr")
        loop.write(b"ee\n")
        assert [loop.read_line() for _ in range(3)] == [b"one", b"two", b"three"]
        assert loop.exchange(b"echo\n") == b"echo"
        assert loop.statistics() == {"read": 19, "written": 19, "buffered": 0}


def test_a_silent_loop_is_a_timeout():
    clock = RealClock()
    with SerialTransport("loop://", clock, timeout=0.01) as loop:
        begin = clock.now()
        with pytest.raises(ReplyTimeout, match=r"loop://: no answer within 0\.01 s"):
            loop.read_line()
        assert clock.now() - begin >= 0.01


# -- reading


def test_opening_and_closing_send_nothing(other_end):
    SerialTransport(other_end.path, RealClock()).close()
    assert not other_end.has_received()


def test_bytes_arrive_as_they_were_sent(line, other_end):
    every_byte = bytes(byte for byte in range(256) if byte != 0x0A)
    other_end.send(every_byte + b"\n")
    assert line.read_line() == every_byte
    line.write(every_byte)
    assert other_end.receive(255) == every_byte


def test_lines_over_chunk_borders(other_end):
    with SerialTransport(other_end.path, RealClock(), timeout=PATIENCE, terminator=b"\r\n", ignore=b"\x11\x13") as line:
        other_end.send(b"a\x13b\r")
        with pytest.raises(ReplyTimeout) as missed:
            line.read_line(timeout=0.0)
        assert missed.value.partial in (b"", b"ab\r")  # the terminal may take its time
        other_end.send(b"\ncd\x11")
        assert line.read_line() == b"ab"
        other_end.send(b"\r\n")
        assert line.read_line() == b"cd"


def test_a_stream_of_many_lines_is_whole(line, other_end):
    sent = [b"Pda%07X" % number for number in range(5000)]
    feeder = threading.Thread(target=lambda: [other_end.send(point + b"\n") for point in sent], daemon=True)
    feeder.start()
    assert [line.read_line() for _ in sent] == sent
    feeder.join(PATIENCE)
    assert line.statistics()["read"] == sum(map(len, sent)) + len(sent)


@pytest.mark.parametrize(("speed", "asked", "lab_seconds"), [(20.0, 60.0, 60.0), (20.0, 1.0, 40.0)])
def test_a_timeout_counts_lab_time_but_leaves_the_computer_two_seconds(other_end, speed, asked, lab_seconds):
    clock = ScaledClock(speed)
    with SerialTransport(other_end.path, clock, timeout=asked) as line:
        begin = clock.now()
        with pytest.raises(ReplyTimeout, match=f"within {lab_seconds:g} s"):
            line.read_line()
        assert clock.now() - begin >= lab_seconds
        assert line.suspect


def test_what_waits_is_read_even_if_no_time_is_left(line, other_end):
    other_end.send(b"here\n")
    while not line._port.in_waiting:
        pass
    assert line.read_line(timeout=0.0) == b"here"


def test_drain_gives_back_what_came(line, other_end):
    other_end.send(b"left over")
    while line._port.in_waiting < 9:
        pass
    assert line.drain(quiet=0.02) == b"left over"
    assert line.statistics()["buffered"] == 0


def test_a_token_ends_a_long_read_within_a_slice(line):
    clock, results = line.clock, []
    stop = clock.cancel()
    reader = threading.Thread(target=lambda: results.append(line.read_line(timeout=1e6, cancel=stop)), daemon=True)
    reader.start()
    stop.set()
    reader.join(PATIENCE)
    assert results == [None]
    assert not line.suspect


def test_no_single_read_is_longer_than_a_slice(line, monkeypatch):
    """Whatever the timeout, an abort is seen at least ten times a second."""
    patience, stop = [], line.clock.cancel()

    def read(_count: int) -> bytes:
        patience.append(line._port.timeout)
        if len(patience) == 5:
            stop.set()
        return b""

    monkeypatch.setattr(line._port, "read", read)
    assert line.read_line(timeout=3600.0, cancel=stop) is None
    assert patience == [SLICE] * 5


# -- lines that break


def test_an_unplugged_line_is_lost_while_reading(line, other_end):
    other_end.send(b"last words\nhalf a li")
    assert line.read_line() == b"last words"
    other_end.unplug()
    with pytest.raises(LineLost, match="the line broke"):
        line.read_line()
    with pytest.raises(LineLost):
        line.read_line(timeout=0.05)  # shorter than a slice: the port is told so, and is gone
    with pytest.raises(LineLost):
        line.read_line(timeout=0.0)


def test_unplugging_wakes_a_reader_that_waits(line, other_end):
    outcome = []

    def read() -> None:
        try:
            outcome.append(line.read_line(timeout=1e6))
        except LineLost:
            outcome.append("lost")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    other_end.unplug()
    reader.join(PATIENCE)
    assert outcome == ["lost"]


def test_an_unplugged_line_is_lost_while_writing(line, other_end):
    other_end.unplug()
    with pytest.raises(LineLost, match=other_end.path):
        line.write(b"cell_off\n")


def test_a_closed_line_is_lost_and_closing_twice_is_fine(line):
    line.close()
    line.close()
    with pytest.raises(LineLost):
        line.read_line()
    with pytest.raises(LineLost):
        line.write(b"x")


def test_a_mistake_of_ours_does_not_pass_for_a_broken_line(line):
    with pytest.raises(TypeError):
        line.write("text is not bytes")


# -- opening


def test_a_port_that_does_not_exist():
    with pytest.raises(NoInstrument) as refusal:
        SerialTransport("/dev/nope", RealClock())
    assert str(refusal.value) == (
        "/dev/nope: there is no such port, or it cannot be opened (No such file or directory). Is the instrument "
        "plugged in and switched on?"
    )


def test_an_address_of_no_known_kind():
    with pytest.raises(NoInstrument, match="gpib9://3: not a serial port"):
        SerialTransport("gpib9://3", RealClock())


def test_a_port_that_may_not_be_opened(monkeypatch):
    import serial.serialposix

    def refuse(_path, _flags):
        raise PermissionError(13, "Permission denied", "/dev/ttyACM0")

    monkeypatch.setattr(serial.serialposix.os, "open", refuse)
    with pytest.raises(NoInstrument, match=r"not allowed to open this port.*belong to a group"):
        SerialTransport("/dev/ttyACM0", RealClock())


@pytest.mark.parametrize(
    "said",
    [
        "could not open port 'COM5': PermissionError(13, 'Access is denied.', None, 5)",
        "[Errno 16] could not open port /dev/ttyUSB0: [Errno 16] Device or resource busy: '/dev/ttyUSB0'",
    ],
)
def test_ports_that_other_operating_systems_say_are_taken(monkeypatch, said):
    import serial

    def refuse(_port) -> None:
        raise serial.SerialException(said)

    monkeypatch.setattr(serial.Serial, "open", refuse)
    with pytest.raises(LineInUse, match="used by another program"):
        SerialTransport("COM5", RealClock())


def test_a_port_is_opened_once(other_end):
    with SerialTransport(other_end.path, RealClock(), timeout=PATIENCE) as first:
        with pytest.raises(LineInUse, match="used by another program"):
            SerialTransport(other_end.path, RealClock())
        other_end.send(b"still there\n")
        assert first.read_line() == b"still there"
    SerialTransport(other_end.path, RealClock()).close()


# -- exchanges of several threads


def test_threads_never_get_each_others_answers(line, other_end):
    threads, questions = 3, 150
    peer = other_end.answer_lines(lambda asked: b"answer to " + asked + b"\n", threads * questions)
    wrong, right = [], []

    def ask(name: int) -> None:
        for number in range(questions):
            asked = b"%d.%d" % (name, number)
            reply = line.exchange(asked + b"\n")
            (right if reply == b"answer to " + asked else wrong).append(reply)

    askers = [threading.Thread(target=ask, args=(name,), daemon=True) for name in range(threads)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(PATIENCE)
    peer.join(PATIENCE)
    assert wrong == []
    assert len(right) == threads * questions


pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals and their errors are POSIX")


@pytest.mark.parametrize(
    ("given", "bytesize", "parity"),
    [({}, 8, "N"), ({"bytesize": 7, "parity": "even"}, 7, "E"), ({"parity": "odd"}, 8, "O")],
)
def test_data_bits_and_parity_are_those_of_the_instrument(given, bytesize, parity):
    with SerialTransport("loop://", RealClock(), **given) as loop:
        assert (loop._port.bytesize, loop._port.parity) == (bytesize, parity)


def test_a_pseudo_terminal_carries_bytes_whatever_the_instrument_wants(other_end):
    for _ in range(2):
        with SerialTransport(other_end.path, RealClock(), bytesize=7, parity="even", timeout=PATIENCE) as line:
            other_end.send(b"\xb0C\n")
            assert line.read_line() == b"\xb0C"


def test_settings_that_a_port_cannot_have_are_told(monkeypatch):
    import termios

    import serial

    def refuse(*_, **__):
        raise termios.error(22, "Invalid argument")

    monkeypatch.setattr(serial.Serial, "open", refuse)
    with pytest.raises(NoInstrument, match="7 data bits, parity E"):
        SerialTransport("/dev/some-adapter", RealClock(), bytesize=7, parity="even")
