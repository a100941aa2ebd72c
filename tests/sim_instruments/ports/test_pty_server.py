"""The server for other processes: a raw serial client, a control port, a record that survives clients."""

import contextlib
import json
import os
import socket
import threading

import pytest
import serial

from luggin.clock import VirtualClock
from luggin.errors import NotSupported, ProtocolError
from luggin.transport import SerialTransport
from luggin_sim import SIMULATOR
from luggin_sim.bench import open_lab

SPEED = 500.0
no_pty = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this operating system has no pseudo-terminals")


class Served:
    """A server in a thread of this process, and its clients."""

    def __init__(self, tables, log_folder):
        self.said, self._ready, self._stop = None, threading.Event(), threading.Event()
        self._thread = threading.Thread(
            target=SIMULATOR.serve, args=(tables, SPEED, log_folder, self._announce, self._stop.is_set), daemon=True
        )
        self._thread.start()
        assert self._ready.wait(20)

    def _announce(self, said):
        self.said = said
        self._ready.set()

    def client(self):
        return serial.Serial(self.said["resources"]["cell"], timeout=20, exclusive=True)

    def control(self):
        address = self.said["control"]
        return socket.create_connection((address["host"], address["port"]), timeout=20)

    def ask(self, request):
        with self.control() as connection, connection.makefile("rwb") as file:
            file.write(request + b"\n")
            file.flush()
            return json.loads(file.readline())

    def stop(self):
        self._stop.set()
        return self.ended()

    def ended(self):
        self._thread.join(20)
        return not self._thread.is_alive()


@pytest.fixture
def served(tables, tmp_path):
    server = Served(tables, tmp_path / "log")
    yield server
    assert server.stop()


def read_until_empty_line(port):
    stream = bytearray()
    while not stream.endswith(b"\n\n"):
        data = port.read(port.in_waiting or 1)
        assert data, f"the stream stopped after {bytes(stream[-100:])!r}"
        stream += data
    return bytes(stream)


@no_pty
def test_a_voltammogram_over_a_pty_is_byte_for_byte_that_of_the_port_in_process(served, tables, cv_script):
    with served.client() as port:
        port.write(cv_script)
        stream = read_until_empty_line(port)
    clock = VirtualClock()
    with open_lab(tables, clock) as lab, clock.worker("reader"):
        with SerialTransport("sim://cell", clock, url=lab.url("cell")) as line:
            line.write(cv_script)
            lines = []
            while read := line.read_line(10.0):
                lines.append(read)
    assert stream.split(b"\n")[:-2] == lines


@no_pty
def test_the_record_has_exactly_what_the_client_got(served, cv_script, tmp_path):
    with served.client() as port:
        port.write(cv_script)
        stream = read_until_empty_line(port)
        lost = served.ask(b'{"ask": "status"}')["lines"]["cell"]["lost"]
    assert served.said["logs"] == {"cell": str(tmp_path / "log" / "cell.jsonl")}
    chunks = [json.loads(line) for line in (tmp_path / "log" / "cell.jsonl").read_text().splitlines()]
    assert "".join(c["data"] for c in chunks if c["dir"] == "<").encode("latin-1") == stream
    assert "".join(c["data"] for c in chunks if c["dir"] == ">").encode("latin-1") == cv_script
    assert [c["t"] for c in chunks] == sorted(c["t"] for c in chunks)
    assert lost == 0


def let_pass(served, seconds):
    """Wait until so much lab time has passed at the server."""
    begin = served.ask(b'{"ask": "status"}')["lab_time"]
    while (status := served.ask(b'{"ask": "status"}'))["lab_time"] < begin + seconds:
        pass
    return status


@pytest.fixture
def long_script(cv_script):
    """More packages than an operating system keeps for a client that does not read (130 kB)."""
    return cv_script.replace(b"10m 100m", b"1m 100m")


@no_pty
def test_a_client_that_reads_late_gets_everything_and_the_record_agrees(served, long_script, tmp_path):
    with served.client() as port:
        port.write(long_script)
        line = let_pass(served, 40.0)["lines"]["cell"]
        assert line["waiting"] > 10_000
        stream = read_until_empty_line(port)
    # What the client has is in the record once the server is back from sending it, and answers again.
    line = served.ask(b'{"ask": "status"}')["lines"]["cell"]
    chunks = [json.loads(text) for text in (tmp_path / "log" / "cell.jsonl").read_text().splitlines()]
    assert "".join(c["data"] for c in chunks if c["dir"] == "<").encode("latin-1") == stream
    assert line["lost"] == 0


@no_pty
def test_a_client_that_never_reads_costs_bounded_memory_and_the_loss_is_counted(served, long_script, monkeypatch):
    monkeypatch.setattr("luggin_sim.ports.served._LARGEST_BACKLOG", 1000)
    with served.client() as port:
        port.write(long_script)
        line = let_pass(served, 40.0)["lines"]["cell"]
    assert line["waiting"] <= 1000
    assert line["lost"] > 10_000


@no_pty
def test_an_instrument_goes_on_when_its_client_vanishes_and_the_next_client_can_abort_it(served, cv_script):
    with served.client() as port:
        port.write(cv_script.replace(b"-800m 0 10m 100m", b"-5 0 10m 1m"))  # 40 s of the computer
        assert port.read(1) == b"e"
    assert served.ask(b'{"ask": "status"}')["cells"] == {"cell": {"on": True}}
    with served.client() as port:
        port.write(b"Z\n")
        assert read_until_empty_line(port).endswith(b"Z\n-\n*\n\n")
    assert served.ask(b'{"ask": "status"}')["cells"] == {"cell": {"on": False}}


@no_pty
def test_status_says_speed_time_and_devices(served):
    first, second = (served.ask(b'{"ask": "status"}') for _ in range(2))
    assert first["speed"] == SPEED
    assert first["resources"] == served.said["resources"]
    assert first["cells"] == {"cell": {"on": False}}
    assert second["lab_time"] >= first["lab_time"] > 0
    assert set(first["lines"]["cell"]) >= {"late", "waiting", "lost", "sent", "received"}


@no_pty
@pytest.mark.parametrize("nonsense", [b"", b"{", b"[]", b'{"ask": "weather"}', b"\xff"])
def test_nonsense_on_the_control_port_is_answered_in_words(served, nonsense):
    assert "status" in served.ask(nonsense)["error"]


@no_pty
def test_a_control_client_that_vanishes_or_floods_does_no_harm(served):
    served.control().close()
    with served.control() as connection:
        connection.sendall(b"x" * (1 << 17))
        with contextlib.suppress(ConnectionResetError):  # hung up on with something unread
            assert connection.recv(1) == b""
    assert served.ask(b'{"ask": "status"}')["speed"] == SPEED


@no_pty
def test_the_server_can_be_asked_to_stop(served):
    assert served.ask(b'{"ask": "stop"}') == {"stopping": True}
    assert served.ended()
    assert not os.path.exists(served.said["resources"]["cell"])


def test_without_pseudo_terminals_it_says_what_to_do(tables, monkeypatch):
    monkeypatch.delattr(os, "openpty", raising=False)
    with pytest.raises(NotSupported, match="no pseudo-terminals"):
        SIMULATOR.serve(tables, 1.0, None, lambda said: None, lambda: True)


def test_mistakes_in_the_tables_are_told_before_anything_is_opened(tables):
    tables["cell"]["model"] = "emstat5"
    with pytest.raises(ProtocolError, match=r"simulated\.cell\.model"):
        SIMULATOR.serve(tables, 1.0, None, lambda said: None, lambda: True)
