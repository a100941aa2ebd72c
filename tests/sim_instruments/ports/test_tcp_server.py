"""Instruments on TCP ports: clients that come, go, vanish and flood, and many instruments in one server."""

from __future__ import annotations

import json
import socket
import threading

import pytest
from scpi_echo import IDENTITY, PATIENCE

from luggin.clock import RealClock
from luggin.errors import LineLost, NoInstrument, NotSupported
from luggin.transport import SocketTransport, open_line
from luggin_sim import SIMULATOR

SOCKET_NAME = "TCPIP0::smu.lab::5025::SOCKET"


@pytest.fixture
def served(serve_echoes, tmp_path):
    return serve_echoes(SOCKET_NAME, log_folder=tmp_path / "log")


def connect(server, name="smu0"):
    return open_line(server.said["resources"][name], RealClock(), timeout=PATIENCE)


def address_of(server, name="smu0"):
    _, host, port, _ = server.said["resources"][name].split("::")
    return host, int(port)


def test_what_is_announced_is_a_visa_name_that_works(served):
    with connect(served) as line:
        assert isinstance(line, SocketTransport)
        assert line.resource.startswith("TCPIP0::127.0.0.1::")
        assert line.exchange(b"*IDN?\n") == IDENTITY


@pytest.mark.parametrize(
    "address", ["GPIB0::18::INSTR", "USB0::0x05E6::0x2450::1::0::INSTR", "TCPIP0::smu::inst0::INSTR"]
)
def test_instruments_on_a_bus_are_served_on_tcp_too(serve_echoes, address):
    server = serve_echoes(address)
    with connect(server) as line:
        assert line.exchange(b"*IDN?\n") == IDENTITY


def test_a_block_is_whole_and_the_record_has_exactly_what_went_over_the_line(served, tmp_path):
    with connect(served) as line:
        line.write(b"TRAC? 100000\n")
        block = line.read_block()
        assert len(block) == 400_000
        line.exchange(b"VOLT?\n")
    assert served.ask("status")["lines"]["smu0"]["lost"] == 0
    assert served.said["logs"] == {"smu0": str(tmp_path / "log" / "smu0.jsonl")}
    chunks = [json.loads(text) for text in (tmp_path / "log" / "smu0.jsonl").read_text().splitlines()]
    sent = "".join(chunk["data"] for chunk in chunks if chunk["dir"] == "<").encode("latin-1")
    assert sent == b"#6400000" + block + b"\n0.000000E+00\n"
    assert "".join(chunk["data"] for chunk in chunks if chunk["dir"] == ">") == "TRAC? 100000\nVOLT?\n"


def test_the_instrument_does_not_notice_that_clients_come_and_go(served):
    for number in range(1, 21):
        with connect(served) as line:
            assert line.exchange(b"COUNT?\n") == b"%d" % number


def test_the_last_words_of_a_client_that_vanishes_are_heard(served):
    with socket.create_connection(address_of(served)) as client:
        client.sendall(b"VOLT 1.5\n")
    with connect(served) as line:
        assert line.exchange(b"VOLT?\n") == b"1.500000E+00"


def test_a_client_that_is_reset_makes_room(served):
    for _ in range(5):
        client = socket.create_connection(address_of(served))
        client.sendall(b"TRAC? 100000\n")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.close()
    with connect(served) as line:
        assert line.exchange(b"*IDN?\n") == IDENTITY


def test_what_a_vanished_client_has_asked_for_does_not_come_to_the_next_one(served):
    with connect(served) as line:
        line.write(b"LATE 0.1\nECHO? for-the-first\n")
    assert served.ask("status")["resources"]  # the server has seen that it went
    while served.ask("status")["lines"]["smu0"]["lost"] == 0:
        pass
    with connect(served) as line:
        assert line.exchange(b"ECHO? for-the-second\n") == b"for-the-second"


def test_a_second_client_is_hung_up_on_and_the_first_one_is_not_disturbed(served):
    with connect(served) as first:
        assert first.exchange(b"COUNT?\n") == b"1"
        with connect(served) as second, pytest.raises(LineLost):
            second.exchange(b"COUNT?\n")
        assert first.exchange(b"COUNT?\n") == b"2"


def test_a_client_that_never_reads_costs_bounded_memory_and_the_loss_is_counted(served, monkeypatch):
    monkeypatch.setattr("luggin_sim.ports.served._LARGEST_BACKLOG", 500_000)
    with socket.create_connection(address_of(served)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(60):
            client.sendall(b"TRAC? 100000\n")
        while (line := served.ask("status")["lines"]["smu0"])["lost"] == 0:
            assert line["waiting"] <= 500_000
    with connect(served) as line:
        assert line.exchange(b"*IDN?\n") == IDENTITY


def test_when_the_server_stops_its_clients_are_told(serve_echoes):
    server = serve_echoes(SOCKET_NAME)
    with connect(server) as line:
        assert line.exchange(b"*IDN?\n") == IDENTITY
        assert server.ask("stop") == {"stopping": True}
        with pytest.raises(LineLost):
            line.read_line()
    server.close()  # its clients are told before its doors are shut: wait for that
    with pytest.raises(NoInstrument, match="nothing takes commands"):
        connect(server)


def test_time_at_the_server_is_as_fast_as_asked(serve_echoes):
    server = serve_echoes(SOCKET_NAME, speed=1000.0, delay=10.0)
    begin = server.ask("status")["lab_time"]
    with connect(server) as line:
        assert line.exchange(b"*IDN?\n") == IDENTITY
    assert server.ask("status")["lab_time"] >= begin + 10.0


def test_sixty_four_instruments_in_one_server_are_told_apart(serve_echoes):
    count, rounds = 64, 20
    server = serve_echoes(*(f"TCPIP0::smu{n}.lab::5025::SOCKET" for n in range(count)))
    lines = [connect(server, f"smu{n}") for n in range(count)]
    wrong = []

    def ask(number):
        for turn in range(rounds):
            text = b"%d.%d" % (number, turn)
            if (reply := lines[number].exchange(b"ECHO? " + text + b"\n")) != text:
                wrong.append(reply)

    workers = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert wrong == []
    status = server.ask("status")
    assert len(set(status["resources"].values())) == count
    asked = sum(len(b"ECHO? %d.%d\n" % (n, turn)) for n in range(count) for turn in range(rounds))
    assert sum(line["received"] for line in status["lines"].values()) == asked
    for line in lines:
        line.close()


def test_without_pseudo_terminals_tcp_is_served_all_the_same(serve_echoes, monkeypatch, tables):
    monkeypatch.delattr("os.openpty", raising=False)
    with connect(serve_echoes("GPIB0::18::INSTR")) as line:
        assert line.exchange(b"*IDN?\n") == IDENTITY
    tables["cell"]["address"] = "ASRL3::INSTR"
    with pytest.raises(NotSupported, match="no pseudo-terminals, so cell cannot be served"):
        SIMULATOR.serve(tables, 1.0, None, lambda said: None, lambda: True)
