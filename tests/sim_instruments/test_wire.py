"""The wire adds when bytes arrive: latency and baud rate, each line at its own time."""

import json

import pytest

from luggin_sim.wire import Wire, WireLog


class Metronome:
    """An instrument that sends ten bytes every second from the moment it gets anything."""

    def __init__(self):
        self.next = None
        self.asked_at = []
        self.cell_is_on = False

    def feed(self, data, now):
        self.next = now + 1.0

    def take(self, now):
        self.asked_at.append(now)
        sent = b""
        while self.next is not None and self.next <= now:
            sent += b"%09d\n" % round(self.next)
            self.next += 1.0
        return sent

    def next_due(self, now):
        return self.next


def test_nothing_is_due_before_anything_was_asked():
    wire = Wire(Metronome())
    assert wire.next_due(0.0) is None
    assert wire.take(100.0) == b""


def test_latency_delays_every_line():
    wire = Wire(Metronome(), latency=0.25)
    wire.feed(b"go", 0.0)
    assert wire.next_due(0.0) == 1.25
    assert wire.take(1.2) == b""
    assert wire.take(1.25) == b"000000001\n"


def test_a_latency_longer_than_the_period_loses_nothing():
    wire = Wire(Metronome(), latency=2.5)
    wire.feed(b"go", 0.0)
    times, now = [], 0.0
    while len(times) < 4:
        now = wire.next_due(now)
        if wire.take(now):
            times.append(now)
    assert times == [3.5, 4.5, 5.5, 6.5]


def test_whoever_looks_late_still_makes_the_instrument_act_on_time():
    instrument = Metronome()
    wire = Wire(instrument)
    wire.feed(b"go", 0.0)
    assert wire.take(3.5).count(b"\n") == 3
    assert instrument.asked_at == [1.0, 2.0, 3.0]


def test_the_baud_rate_takes_ten_symbols_per_byte():
    wire = Wire(Metronome(), baud=1000)  # ten bytes take 0.1 s
    wire.feed(b"go", 0.0)
    assert wire.take(1.05) == b""
    assert wire.next_due(1.05) == pytest.approx(1.1)
    assert wire.take(1.11) == b"000000001\n"


def test_a_slow_line_falls_behind_instead_of_losing_bytes():
    wire = Wire(Metronome(), baud=50)  # ten bytes take 2 s
    wire.feed(b"go", 0.0)
    assert [wire.take(t).count(b"\n") for t in (2.9, 3.1, 4.9, 5.1, 7.1)] == [0, 1, 0, 1, 1]


def test_the_log_keeps_chunks_with_their_times_and_counts_all_bytes():
    log = WireLog(keep=2)
    log.add(1.0, ">", b"t\n")
    log.add(2.0, "<", b"tes4\n")
    log.add(3.0, "<", b"R*\n")
    assert [tuple(chunk[:3]) for chunk in log.chunks] == [(2.0, "<", b"tes4\n"), (3.0, "<", b"R*\n")]
    assert log.sent() == b"tes4\nR*\n"
    assert log.received() == b""
    assert log.statistics() == {"sent": 8, "received": 2, "kept": 2}


def test_every_chunk_is_in_the_file_at_once_as_one_line(tmp_path):
    log = WireLog(tmp_path / "cell.jsonl")
    log.add(0.125, ">", b"e\n\n")
    log.add(0.25, "<", bytes([0x13, 0xFF, 0x0A]))
    lines = [json.loads(line) for line in (tmp_path / "cell.jsonl").read_text().splitlines()]
    assert [(line["t"], line["dir"], line["data"].encode("latin-1")) for line in lines] == [
        (0.125, ">", b"e\n\n"),
        (0.25, "<", b"\x13\xff\n"),
    ]
    log.close()
    log.close()
