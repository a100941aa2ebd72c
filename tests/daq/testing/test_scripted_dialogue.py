"""The scripted line: what must be said, what comes back and when, and how a difference is shown."""

from __future__ import annotations

import pytest

from luggin.clock import VirtualClock
from luggin.errors import LineLost, ReplyTimeout
from luggin.testing import CheckFailed, Pause, ScriptedLine, dialogue
from luggin_drivers.keithley import Keithley2450

SETTINGS = {"model": "2450"}


def line(*exchanges, **settings):
    return ScriptedLine(exchanges, **settings)


def test_a_question_gets_its_answer():
    wire = line((b"A?\n", b"1\n"), (b"B?\n", b"2\n"))
    assert (wire.exchange(b"A?\n"), wire.exchange(b"B?\n")) == (b"1", b"2")
    assert wire.written == [b"A?\n", b"B?\n"]
    wire.require_all_said()


def test_something_else_is_shown_beside_what_was_expected():
    wire = line((b"SOUR:VOLT 0.5\nOUTP ON\n", b""))
    with pytest.raises(CheckFailed) as shown:
        wire.write(b"SOUR:VOLT 0.9\nOUTP ON\n")
    assert str(shown.value).splitlines()[0] == "write 1 is not what was to be said (- expected, + said):"
    assert r"- 'SOUR:VOLT 0.5\n'" in str(shown.value)
    assert r"+ 'SOUR:VOLT 0.9\n'" in str(shown.value)
    assert r"  'OUTP ON\n'" in str(shown.value)


def test_more_than_the_dialogue_has_is_refused():
    wire = line((b"A?\n", b"1\n"))
    wire.exchange(b"A?\n")
    with pytest.raises(CheckFailed, match=r"said b'B\?\\n', but the dialogue was over after 1 writes"):
        wire.write(b"B?\n")


def test_less_than_the_dialogue_has_is_told():
    with pytest.raises(CheckFailed, match=r"never said:\n  b'OUTP\?\\n'"):
        line((b"OUTP?\n", b"0\n")).require_all_said()


def test_a_reply_in_pieces_takes_its_time():
    clock = VirtualClock()
    wire = ScriptedLine([(b"A?\n", [Pause(0.5), b"1.", Pause(1.0), b"25\n"])], clock)
    assert wire.exchange(b"A?\n", timeout=2.0) == b"1.25"
    assert clock.now() == pytest.approx(1.5)


def test_what_comes_too_late_is_a_timeout_with_what_came():
    wire = line((b"A?\n", [b"1.", Pause(3.0), b"25\n"]), timeout=2.0)
    with pytest.raises(ReplyTimeout) as late:
        wire.exchange(b"A?\n")
    assert late.value.partial == b"1."
    assert wire.clock.now() == pytest.approx(2.0)


def test_a_line_that_breaks_breaks_when_it_is_read():
    wire = line((b"A?\n", [b"1", LineLost("unplugged")]))
    wire.write(b"A?\n")
    with pytest.raises(LineLost, match="unplugged"):
        wire.read_line()


def test_answers_come_in_the_order_of_the_questions():
    wire = line((b"A?\n", [Pause(1.0), b"1\n"]), (b"B?\n", b"2\n"))
    wire.write(b"A?\n")
    wire.write(b"B?\n")
    assert [wire.read_line(), wire.read_line()] == [b"1", b"2"]


def test_a_driver_speaks_the_dialogue_of_its_manual():
    said = [
        (b"ABOR\n", b""),
        (b"OUTP:SMOD HIMP\n", b""),
        (b"OUTP OFF\n", b""),
        (b"OUTP?\n", b"0\n"),
        (b"OUTP:SMOD?\n", b"HIMP\n"),
    ]
    with dialogue(Keithley2450(), said, SETTINGS) as unit:
        assert "0, HIMP" in unit.make_safe()
        assert unit.transport.timeout == 2.0  # of the driver's line settings


def test_a_dialogue_that_is_left_early_fails():
    with pytest.raises(CheckFailed, match="never said"):
        with dialogue(Keithley2450(), [(b"OUTP?\n", b"0\n")], SETTINGS):
            pass


def test_an_error_within_the_dialogue_is_not_hidden_by_what_was_not_said():
    with pytest.raises(ZeroDivisionError):
        with dialogue(Keithley2450(), [(b"OUTP?\n", b"0\n")], SETTINGS):
            raise ZeroDivisionError
