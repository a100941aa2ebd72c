"""Faults on instruments in another process, told over the control port; clients on pseudo-terminals and sockets."""

import json
import os
import socket

import pytest
from scpi_echo import IDENTITY, PATIENCE

from luggin.clock import RealClock
from luggin.errors import LineLost, NoInstrument, ReplyTimeout
from luggin.transport import open_line

ASK, ANSWER = b"ECHO? 12345678\n", b"12345678"
#: So long (host s) an answer is waited for that will surely not come.
SHORT = 0.05

KINDS = [
    pytest.param("ASRL5::INSTR", id="pty", marks=pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pty")),
    pytest.param("TCPIP0::smu.lab::5025::SOCKET", id="tcp"),
]


class Bench:
    """A served echo and a client of it."""

    def __init__(self, server):
        self.server = server
        self.line = self.open()

    def open(self):
        return open_line(self.server.said["resources"]["smu0"], RealClock(), timeout=PATIENCE)

    def reopen(self):
        self.line.close()
        self.line = self.open()

    def inject(self, kind, **told):
        assert self.server.ask("fault", instrument="smu0", kind=kind, **told) == {"fault": kind}

    def clear(self, kind=None):
        assert self.server.ask("clear", instrument="smu0", kind=kind) == {"cleared": kind}

    def ask(self, question=ASK, timeout=PATIENCE):
        return self.line.exchange(question, timeout)

    def is_silent(self):
        with pytest.raises(ReplyTimeout):
            self.ask(timeout=SHORT)

    def recorded(self, *directions):
        """The lines of the server's record, once it is back from whatever it does."""
        self.server.ask("status")
        with open(self.server.said["logs"]["smu0"]) as file:
            return [line for text in file if (line := json.loads(text))["dir"] in directions]

    @property
    def is_plugged(self):
        return self.server.ask("status")["plugged"]["smu0"]


@pytest.fixture(params=KINDS)
def bench(request, serve_echoes, tmp_path):
    made = Bench(serve_echoes(request.param, log_folder=tmp_path / "log"))
    yield made
    made.line.close()


def test_faults_of_single_replies(bench):
    assert bench.ask(b"*IDN?\n") == IDENTITY
    bench.inject("stale")
    assert bench.ask() == IDENTITY
    bench.inject("garbage", bytes=2, seed=3)
    assert sum(a != b for a, b in zip(bench.ask(), ANSWER, strict=True)) == 2
    bench.inject("double")
    assert [bench.ask(), bench.line.read_line()] == [ANSWER, ANSWER]
    bench.inject("drop")
    bench.is_silent()
    bench.inject("truncate", keep=3)
    bench.is_silent()
    assert bench.line.drain(SHORT) == ANSWER[:3]
    bench.inject("late")
    bench.is_silent()
    assert [bench.ask(b"*IDN?\n"), bench.line.read_line()] == [ANSWER, IDENTITY]
    bench.inject("interleave")
    bench.is_silent()
    bench.line.write(b"*IDN?\n")
    mixed = bench.line.read_exactly(len(ANSWER) + len(IDENTITY) + 2)
    assert sorted(mixed) == sorted(ANSWER + IDENTITY + b"\n\n")
    assert bench.ask() == ANSWER


def test_what_lasts_until_it_is_ended(bench):
    for kind in ("mute", "deaf"):
        bench.inject(kind)
        bench.is_silent()
        bench.clear(kind)
        assert bench.ask() == ANSWER
    bench.inject("stall")
    bench.is_silent()
    bench.clear()
    assert bench.line.read_line() == ANSWER


def test_what_lasts_for_a_time_ends_by_itself(bench):
    bench.inject("stall", **{"for": "150 ms"})
    assert [bench.ask(), bench.ask()] == [ANSWER, ANSWER]
    stall, answered = bench.recorded("!"), bench.recorded("<")
    assert [line["fault"] for line in stall] == ["stall begins", "stall ends"]
    assert stall[1]["t"] == pytest.approx(stall[0]["t"] + 0.15)
    assert answered[0]["t"] >= stall[1]["t"]


def test_a_slow_line_takes_longer(bench):
    bench.inject("slow", delay="150 ms")
    assert bench.ask() == ANSWER
    assert bench.recorded("<")[0]["t"] >= bench.recorded(">")[0]["t"] + 0.15


def test_an_unplugged_instrument_is_a_lost_line_that_cannot_be_opened_until_it_is_plugged_in(bench):
    name = bench.server.said["resources"]["smu0"]
    for number in range(5):
        assert bench.ask(b"COUNT?\n") == b"%d" % (number + 1)
        bench.inject("unplug")
        assert not bench.is_plugged
        with pytest.raises(LineLost):
            bench.line.read_line()
        with pytest.raises(NoInstrument):
            bench.open()
        bench.clear("unplug")
        assert bench.is_plugged
        bench.reopen()
    assert bench.server.ask("status")["resources"]["smu0"] == name


def test_whoever_keeps_the_old_port_has_a_dead_one(bench):
    bench.inject("unplug")
    bench.clear("unplug")
    with pytest.raises(LineLost):
        bench.ask()
    bench.reopen()
    assert bench.ask() == ANSWER


def test_the_line_breaks_in_the_middle_of_a_reply_and_can_be_opened_at_once(bench):
    for keep in range(8):
        bench.inject("unplug", keep=keep, **{"for": "0 s"})
        with pytest.raises(LineLost):
            bench.ask()
        assert bench.is_plugged  # a client may be faster than the server that broke the line and mends it
        bench.reopen()
        assert bench.ask() == ANSWER


def test_a_server_that_closes_in_the_middle_has_sent_the_beginning(serve_echoes):
    bench = Bench(serve_echoes("TCPIP0::smu.lab::5025::SOCKET"))
    bench.inject("unplug", keep=5)
    bench.line.write(ASK)
    assert bench.line.read_exactly(5) == ANSWER[:5]
    with pytest.raises(LineLost, match="closed the connection"):
        bench.line.read_exactly(1)
    bench.line.close()


def test_after_many_cuts_every_instrument_is_still_itself(serve_echoes):
    serial = ["ASRL5::INSTR", "ASRL6::INSTR"] if hasattr(os, "openpty") else []
    server = serve_echoes(*serial, "TCPIP0::one.lab::5025::SOCKET", "TCPIP0::other.lab::5025::SOCKET")
    names = list(server.said["resources"])
    for number in range(25):
        for name in names:
            assert server.ask("fault", instrument=name, kind="unplug") == {"fault": "unplug"}
        for name in reversed(names):
            server.ask("clear", instrument=name)
        for place, name in enumerate(names):
            with open_line(server.said["resources"][name], RealClock(), timeout=PATIENCE) as line:
                if number == 0:
                    line.write(b"VOLT %d\n" % place)
                assert float(line.exchange(b"VOLT?\n")) == place


def test_a_reboot_forgets_what_was_set(bench):
    bench.line.write(b"VOLT 1.5\n")
    assert bench.ask(b"VOLT?\n") == b"1.500000E+00"
    bench.inject("reboot")
    assert bench.ask(b"VOLT?\n") == b"0.000000E+00"


def test_the_record_has_what_was_sent_and_what_was_delivered(bench):
    bench.inject("truncate", keep=3)
    bench.is_silent()
    bench.inject("unplug", **{"for": "0 s"})
    with pytest.raises(LineLost):
        bench.line.read_line()
    lines = bench.recorded("<", ">", "!")
    assert [(line["dir"], line["data"], line.get("fault"), line.get("became")) for line in lines] == [
        (">", ASK.decode(), None, None),
        ("!", ANSWER.decode() + "\n", "truncate", "123"),
        ("<", "123", None, None),
        ("!", "", "unplug begins", ""),
        ("!", "", "unplug ends", ""),
    ]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"kind": "mute"}, "there is no instrument None; there are smu0"),
        ({"instrument": ["smu0"], "kind": "mute"}, "there is no instrument"),
        ({"instrument": "smu0"}, "fault.kind: which kind of fault?"),
        ({"instrument": "smu0", "kind": "stal"}, "Did you mean 'stall'?"),
        ({"instrument": "smu0", "kind": "stall", "for": 5}, "fault.for: "),
        ({"instrument": "smu0", "kind": "slow", "factor": 5}, "no latency"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_in_words(serve_echoes, told, said):
    server = serve_echoes("TCPIP0::smu.lab::5025::SOCKET")
    assert said in server.ask("fault", **told)["error"]
    assert "no fault" in server.ask("clear", instrument="smu0", kind=["mute"])["error"]
    assert server.ask("status")["plugged"] == {"smu0": True}


def test_a_port_of_an_unplugged_instrument_is_kept_from_others(serve_echoes):
    server = serve_echoes("TCPIP0::smu.lab::5025::SOCKET")
    _, host, port, _ = server.said["resources"]["smu0"].split("::")
    server.ask("fault", instrument="smu0", kind="unplug")
    with socket.socket() as thief, pytest.raises(OSError, match=r"(?i)in use|permission|forbidden"):
        thief.bind((host, int(port)))


def test_a_server_with_unplugged_instruments_stops(serve_echoes):
    serial = ["ASRL5::INSTR"] if hasattr(os, "openpty") else []
    server = serve_echoes(*serial, "TCPIP0::smu.lab::5025::SOCKET")
    for name in server.said["resources"]:
        server.ask("fault", instrument=name, kind="unplug")
    assert server.ask("stop") == {"stopping": True}
