"""Lines over TCP on the loopback interface: plain sockets, and the same peer through pyvisa-py."""

from __future__ import annotations

import math
import struct
import threading
import time

import pytest
from scpi_echo import IDENTITY, PATIENCE

from luggin.clock import RealClock
from luggin.errors import BadReply, LineLost, NoInstrument, ReplyTimeout
from luggin.instrument.scpi import ScpiInstrument
from luggin.transport import SocketTransport, VisaTransport, open_line
from luggin.transport.base import SLICE

FLOATS = struct.pack("<1000f", *(math.sin(k * 1e-3) for k in range(1000)))


@pytest.fixture
def line(peer):
    with open_line(peer.name, RealClock(), timeout=PATIENCE) as opened:
        assert isinstance(opened, SocketTransport)
        peer.accept()
        yield opened


def through_pyvisa_py(peer, **settings):
    """The same peer, but read by pyvisa-py, as the only library for sockets that everybody has."""
    line = VisaTransport(peer.name, RealClock(), library="@py", **settings)
    peer.accept()
    return line


# -- exchanges


def test_an_exchange(line, peer):
    peer.play(lambda: peer.send(b"answer to " + peer.receive_line()))
    assert line.exchange(b"*IDN?\n") == b"answer to *IDN?"
    assert line.statistics() == {"read": 16, "written": 6, "buffered": 0}


def test_small_commands_are_sent_at_once(line):
    import socket

    assert line._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_block_in_many_pieces_and_the_next_answer(line, peer):
    message = b"#44000" + FLOATS + b"\n"
    pieces = [message[n : n + 97] for n in range(0, len(message), 97)]
    peer.play(*(lambda piece=piece: peer.send(piece) for piece in pieces), lambda: peer.send(b"next\n"))
    assert line.read_block() == FLOATS
    assert line.read_line() == b"next"


def test_the_end_of_line_after_a_block_may_come_later(line, peer):
    peer.send(b"#15he\nlo")
    assert line.read_block() == b"he\nlo"
    peer.send(b"\n1.5\n")
    assert line.read_line() == b"1.5"


def test_a_block_without_an_end_of_line(line, peer):
    peer.send(b"#15hello1.5\n")
    assert line.read_block() == b"hello"
    assert line.read_line() == b"1.5"


def test_a_stream_of_many_lines_is_whole(line, peer):
    sent = [b"Pda%07X" % number for number in range(20_000)]
    peer.play(lambda: peer.send(b"\n".join(sent) + b"\n"))
    assert [line.read_line() for _ in sent] == sent


def test_threads_never_get_each_others_answers(line, peer):
    threads, questions, wrong = 3, 150, []

    def answer():
        buffer = b""
        for _ in range(threads * questions):
            while b"\n" not in buffer:
                buffer += peer.receive_line()
            asked, _, buffer = buffer.partition(b"\n")
            peer.send(b"to " + asked + b"\n")

    def ask(name):
        for number in range(questions):
            asked = b"%d.%d" % (name, number)
            if (reply := line.exchange(asked + b"\n")) != b"to " + asked:
                wrong.append(reply)

    peer.play(answer)
    askers = [threading.Thread(target=ask, args=(name,), daemon=True) for name in range(threads)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(PATIENCE)
    assert wrong == []
    assert line.statistics()["buffered"] == 0


# -- waiting


def test_silence_is_a_timeout_of_lab_time(line):
    begin = line.clock.now()
    with pytest.raises(ReplyTimeout, match=r"within 0\.15 s \(nothing came\)"):
        line.read_line(timeout=1.5 * SLICE)
    assert line.clock.now() - begin >= 1.5 * SLICE
    assert line.suspect


def test_half_an_answer_and_silence_is_a_timeout_with_what_came(line, peer):
    peer.send(b"1.2")
    assert line.read_exactly(1) == b"1"
    with pytest.raises(ReplyTimeout) as missed:
        line.read_line(timeout=0.05)
    assert missed.value.partial == b".2"
    peer.send(b"#9")
    with pytest.raises(BadReply):
        line.read_block()


def test_half_a_block_and_silence_is_a_timeout_that_counts(line, peer):
    peer.send(b"#44000" + FLOATS[:1234])
    with pytest.raises(ReplyTimeout, match="only 1234 of 4000 bytes"):
        line.read_block(timeout=0.2)


def test_a_token_ends_a_long_read_within_a_slice(line):
    stop, results = line.clock.cancel(), []
    reader = threading.Thread(target=lambda: results.append(line.read_line(timeout=1e6, cancel=stop)), daemon=True)
    reader.start()
    stop.set()
    reader.join(PATIENCE)
    assert results == [None]


def test_no_single_read_is_longer_than_a_slice(line):
    assert line._socket.gettimeout() == SLICE
    with pytest.raises(ReplyTimeout):
        line.read_line(timeout=SLICE / 10)
    assert line._socket.gettimeout() <= SLICE / 10
    line.write(b"x\n")
    assert line._socket.gettimeout() == SLICE


# -- peers that go away


@pytest.mark.parametrize("rudely", [False, True], ids=["farewell", "reset"])
@pytest.mark.parametrize("said", [b"", b"half an ans"])
def test_a_peer_that_closes_is_found_at_once_and_without_spinning(line, peer, rudely, said):
    outcome = []

    def read():
        begin = time.thread_time()
        try:
            line.read_line(timeout=1e6)
        except LineLost:
            outcome.append(time.thread_time() - begin)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    if said:
        peer.send(said)
    peer.hang_up(rudely)
    reader.join(PATIENCE)
    assert outcome, "the reader did not notice"
    assert outcome[0] < 0.1


def test_a_line_that_is_lost_stays_lost(line, peer):
    peer.send(b"last words\n")
    peer.hang_up()
    assert line.read_line() == b"last words"
    for _ in range(3):
        with pytest.raises(LineLost, match="closed the connection"):
            line.read_line()


def test_writing_to_nobody_is_a_lost_line(line, peer):
    peer.hang_up(rudely=True)

    def ask_until_it_is_noticed():
        for _ in range(100):
            line.exchange(b"cell_off\n", timeout=0.05)

    with pytest.raises(LineLost):
        ask_until_it_is_noticed()


def test_a_peer_that_takes_nothing_does_not_hold_the_writer_for_ever(line, monkeypatch):
    monkeypatch.setattr("luggin.transport.socket_line.PATIENCE", 0.01)
    with pytest.raises(LineLost, match="takes no more commands"):
        line.write(bytes(1 << 24))


def test_a_closed_line_is_lost_and_closing_twice_is_fine(line):
    line.close()
    line.close()
    with pytest.raises(LineLost):
        line.read_line()
    with pytest.raises(LineLost):
        line.write(b"x\n")


def test_the_line_can_be_opened_again_after_a_loss(line, peer):
    peer.hang_up()
    with pytest.raises(LineLost):
        line.read_line()
    with open_line(peer.name, RealClock(), timeout=PATIENCE) as again:
        peer.accept()
        peer.send(b"back\n")
        assert again.read_line() == b"back"


# -- opening


def test_nobody_on_the_port(peer):
    peer.close()
    with pytest.raises(NoInstrument, match=rf"{peer.name}: .*nothing takes commands on port"):
        open_line(peer.name, RealClock())


def test_a_name_that_nobody_knows(monkeypatch):
    import socket

    def unknown(*_arguments, **_settings):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    with pytest.raises(NoInstrument, match="nobody knows a computer or instrument called 'k2450'"):
        open_line("TCPIP0::k2450::5025::SOCKET", RealClock())


def test_a_host_that_does_not_answer(monkeypatch):
    import socket

    def silent(*_arguments, **_settings):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", silent)
    with pytest.raises(NoInstrument, match=r"10\.0\.0\.7 does not answer \(timed out\).*address right"):
        open_line("TCPIP0::10.0.0.7::5025::SOCKET", RealClock())


@pytest.mark.parametrize("port", [0, 70_000])
def test_a_port_that_cannot_be(port):
    with pytest.raises(NoInstrument, match=f"{port}"):
        open_line(f"TCPIP0::127.0.0.1::{port}::SOCKET", RealClock())


# -- late answers, through both ways to the same peer


@pytest.mark.parametrize("way", ["plain", "pyvisa-py"])
def test_a_late_answer_never_answers_the_next_question(peer, way):
    """The instrument answers the first question only when the second one, or the way back, is being asked."""
    if way == "plain":
        line = open_line(peer.name, RealClock(), timeout=0.2)
        peer.accept()
    else:
        line = through_pyvisa_py(peer, timeout=0.2)
    smu = ScpiInstrument(line, line.clock, "smu")
    heard = []

    def answer():
        late = None
        while not heard or heard[-1] != b"STOP":
            asked = peer.receive_line().strip()
            heard.append(asked)
            if asked == b"READ?" and late is None:
                late = b"1.0\n"
            elif asked == b"*IDN?":
                peer.send((late or b"") + IDENTITY + b"\n")
                late = b""
            elif asked == b"*STB?":
                peer.send(b"0\n")
            elif asked.startswith(b"ECHO? "):
                peer.send(asked[6:] + b"\n")

    peer.play(answer)
    assert smu.identity.read().model == "ECHO"
    with pytest.raises(ReplyTimeout):
        line.exchange(b"READ?\n")
    line.timeout = PATIENCE
    assert [smu.query(f"ECHO? {n}") for n in range(5)] == [b"%d" % n for n in range(5)]
    assert heard[:3] == [b"*IDN?", b"READ?", b"*IDN?"]
    line.write(b"STOP\n")
    smu.close()


@pytest.mark.parametrize("way", ["plain", "pyvisa-py"])
def test_block_lines_and_half_a_line_through_both_ways(peer, way):
    if way == "plain":
        line = open_line(peer.name, RealClock(), timeout=PATIENCE)
        peer.accept()
    else:
        line = through_pyvisa_py(peer, timeout=PATIENCE)
    with line:
        peer.send(b"#44000" + FLOATS + b"\none\ntwo\nthr")
        assert line.read_block() == FLOATS
        assert [line.read_line(), line.read_line()] == [b"one", b"two"]
        with pytest.raises(ReplyTimeout) as missed:
            line.read_line(timeout=0.2)
        assert missed.value.partial in (b"thr", b"t")  # pyvisa-py drops what came before a timeout
        assert line.suspect
