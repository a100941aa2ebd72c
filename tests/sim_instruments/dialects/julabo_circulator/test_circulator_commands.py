"""The simulated circulator, byte by byte: commands, status codes, pauses, and the chamber behind it."""

import pytest

from luggin_sim.cells import Chamber, ChamberSpec
from luggin_sim.dialects.julabo_circulator import check, make


class Talk:
    """One circulator and the time around it; every question leaves it the pauses that it wants."""

    def __init__(self, model="cf31", chamber=None, **rules):
        self.chamber = Chamber(chamber or ChamberSpec(noise=0.0, ambient=296.15))
        self.circulator = make(model, rules, self.chamber)
        self.now = 100.0

    def send(self, data):
        self.circulator.feed(data, self.now)
        self.now += 0.3

    def ask(self, command):
        """The reply with its end, and what comes within a second."""
        self.circulator.feed(command.encode() + b"\r", self.now)
        self.now += 1.0
        return self.circulator.take(self.now)


def test_the_version_and_its_line_end():
    assert Talk().ask("version") == b"JULABO CRYOCOMPACT CF31 VERSION 5.0\r\n"
    assert Talk("fp50-he", terminator="LF", xon=True).ask("version") == b"\x11JULABO FP50-HE VERSION 4.0\n"


def test_a_command_in_pieces_and_two_at_once():
    talk = Talk(deaf_after_reply=0.0)
    talk.send(b"in_pv")
    talk.send(b"_00\rin_sp_00\r")
    assert talk.circulator.take(talk.now) == b"23.00\r\n25.00\r\n"


@pytest.mark.parametrize(("model", "sample", "heater"), [("cf31", "02", "01"), ("fp50-mh", "01", "02")])
def test_heater_and_external_sensor_are_swapped_on_one_model(model, sample, heater):
    talk = Talk(model, ChamberSpec(noise=0.0, ambient=296.15, starts_at=313.15))
    assert talk.ask(f"in_pv_{sample}") == b"40.00\r\n"
    assert talk.ask(f"in_pv_{heater}") == b"0.0\r\n"


def test_status_words():
    talk = Talk()
    assert talk.ask("status") == b"02 REMOTE STOP\r\n"
    talk.send(b"out_mode_05 1\r")
    assert talk.ask("status") == b"03 REMOTE START\r\n"
    assert Talk(source="panel").ask("status") == b"00 MANUAL STOP\r\n"
    assert Talk(source="panel", started=True).ask("status") == b"01 MANUAL START\r\n"


@pytest.mark.parametrize(
    ("order", "status"),
    [
        (b"out_sp_00 55.5\r", b"02 REMOTE STOP\r\n"),
        (b"out_sp_00 250\r", b"-11 VALUE TOO LARGE\r\n"),
        (b"out_sp_00 -35\r", b"-10 VALUE TOO SMALL\r\n"),
        (b"out_sp_00 nan\r", b"-10 VALUE TOO SMALL\r\n"),
        (b"out_sp_00 warm\r", b"-08 INVALID COMMAND\r\n"),
        (b"out_sp_09 20\r", b"-08 INVALID COMMAND\r\n"),
        (b"out_mode_05 2\r", b"-11 VALUE TOO LARGE\r\n"),
        (b"out_\r", b"-08 INVALID COMMAND\r\n"),
    ],
)
def test_what_becomes_of_an_order(order, status):
    talk = Talk()
    talk.send(order)
    assert talk.ask("status") == status


def test_beyond_the_warning_limits_is_stored_and_complained_about():
    talk = Talk(high_warning=80.0)
    talk.send(b"out_sp_00 90\r")
    assert talk.ask("status") == b"-13 WARNING : VALUE EXCEEDS TEMPERATURE LIMITS\r\n"
    assert talk.ask("in_sp_00") == b"90.00\r\n"
    assert talk.ask("in_sp_03") == b"80.00\r\n"


def test_on_its_panel_it_obeys_nothing_and_says_so_only_in_its_status():
    talk = Talk(source="panel")
    talk.send(b"out_sp_00 55.5\r")
    assert talk.circulator.take(talk.now) == b""
    assert talk.ask("status") == b"-09 COMMAND NOT ALLOWED IN CURRENT OPERATING MODE\r\n"
    assert talk.ask("in_sp_00") == b"25.00\r\n"


def test_what_comes_too_early_is_lost():
    talk = Talk()
    talk.circulator.feed(b"out_mode_05 1\r", talk.now)
    talk.circulator.feed(b"version\r", talk.now + 0.2)
    assert talk.circulator.take(talk.now + 5.0) == b""
    talk.circulator.feed(b"version\r", talk.now + 6.0)
    assert talk.circulator.take(talk.now + 6.1).startswith(b"JULABO")
    # The reply left 5 ms behind the command, and 10 ms later it listens again.
    talk.circulator.feed(b"status\r", talk.now + 6.012)
    assert talk.circulator.take(talk.now + 7.0) == b""


def test_questions_that_it_does_not_know():
    silent, telling = Talk(), Talk(unknown_questions="status")
    assert silent.ask("in_xx_00") == b""
    assert silent.ask("status") == b"-08 INVALID COMMAND\r\n"
    assert telling.ask("in_xx_00") == b"-08 INVALID COMMAND\r\n"


@pytest.mark.parametrize(("rule", "second"), [("until_command", b"-08"), ("until_asked", b"02 ")])
def test_how_long_a_refusal_stays(rule, second):
    talk = Talk(refusals=rule)
    talk.send(b"out_nonsense 1\r")
    assert talk.ask("status")[:3] == b"-08"
    assert talk.ask("status")[:3] == second


def test_an_address_is_listened_to_and_said():
    talk = Talk(address=32)
    assert talk.ask("in_pv_00") == b""
    assert talk.ask("A033 in_pv_00") == b""
    assert talk.ask("A032 in_pv_00") == b"A032 23.00\r\n"


def test_the_chamber_does_what_is_set():
    talk = Talk()
    for order in (b"out_sp_00 40\r", b"out_mode_04 1\r", b"out_mode_05 1\r"):
        talk.send(order)
    assert (talk.chamber.setpoint, talk.chamber.running, talk.chamber.external) == (313.15, True, True)
    talk.now += 7200.0
    assert talk.ask("in_pv_02") == b"40.00\r\n"
    talk.send(b"out_mode_01 1\r")  # the second set point is 25 degC still
    assert talk.chamber.setpoint == 298.15


def test_an_alarm_stops_it_and_it_cannot_be_started_again():
    talk = Talk(alarm=-1, alarm_after=60.0)
    talk.send(b"out_mode_05 1\r")
    talk.now += 61.0
    assert talk.ask("status") == b"-01 LOW LEVEL ALARM\r\n"
    assert not talk.chamber.running
    talk.send(b"out_mode_05 1\r")
    assert talk.ask("in_mode_05") == b"0\r\n"


def test_no_flood_of_bytes_is_kept():
    talk = Talk()
    talk.send(b"x" * 10_000)
    assert talk.ask("status")[:3] == b"-08"


@pytest.mark.parametrize(
    ("model", "options", "path"),
    [
        ("cf13", {}, "model"),
        ("cf31", {"terminator": "CR"}, "options.terminator"),
        ("cf31", {"alarm": 3}, "options.alarm"),
        ("cf31", {"adress": 3}, "options.adress"),
        ("cf31", {"reply_time": -1.0}, "options.reply_time"),
        ("cf31", {"decimals": 9}, "options.decimals"),
        ("cf31", {"started": 1}, "options.started"),
    ],
)
def test_mistakes_in_the_bench_file_are_told_with_their_place(model, options, path):
    assert [problem.path for problem in check(model, options)] == [path]
    assert check("cf31", {}) == []
