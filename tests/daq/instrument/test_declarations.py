"""A driver written as its manual's command table: what talks, what never does, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from luggin.clock import VirtualClock
from luggin.errors import BadReply, LimitError, LineLost, ReplyTimeout
from luggin.instrument import Action, Instrument, Reading, Setting, action, reading, setting
from luggin.transport import Transport

STATES = {"0": "off", "1": "on"}


class Bath(Instrument):
    """A circulator, after its manual's table of commands."""

    temperature = reading("in_pv_00", unit="degC", decode=float, doc="Bath temperature (manual p. 41).")
    state = reading("in_mode_05", unit="", decode=STATES.__getitem__, doc="Whether it circulates (manual p. 42).")
    setpoint = setting(
        "in_sp_00",
        "out_sp_00 {:.2f}",
        unit="degC",
        limits=(-20.0, 150.0),
        decode=float,
        doc="Set point (manual p. 40).",
    )
    name_on_display = setting("in_name", "out_name {}", unit="", decode=str, doc="What the display shows.")
    start = action("out_mode_05 1", doc="Start to circulate (manual p. 43).")

    def __init__(self, transport: Transport, clock: VirtualClock, name: str = "bath") -> None:
        super().__init__(transport, clock, name)
        self._resynchronised = 0

    def resynchronise(self) -> None:
        super().resynchronise()
        self._resynchronised += 1


class Answering(Transport):
    """The bath's end of the line: answers each command from a list, after a delay (lab s)."""

    def __init__(self, clock: VirtualClock, *answers: tuple[float, bytes]) -> None:
        super().__init__("bath's line", clock, terminator=b"\r\n", timeout=2.0)
        self.sent: list[bytes] = []
        self.closed = False
        self._answers = list(answers)
        self._arrivals: list[tuple[float, bytes]] = []

    def _write(self, data: bytes) -> None:
        self.sent.append(data)
        if self._answers:
            delay, answer = self._answers.pop(0)
            if answer:
                self._arrivals = sorted([*self._arrivals, (self.clock.now() + delay, answer)])

    def _read_chunk(self, until, cancel) -> bytes:
        due = self._arrivals[0][0] if self._arrivals else float("inf")
        self.clock.wait_until(min(due, until))
        return self._arrivals.pop(0)[1] if due <= self.clock.now() else b""

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def bath():
    """Makes a bath that answers as told."""

    def make(*answers: bytes | tuple[float, bytes]) -> Bath:
        clock = VirtualClock()
        timed = [answer if isinstance(answer, tuple) else (0.01, answer) for answer in answers]
        return Bath(Answering(clock, *timed), clock)

    return make


# -- what talks and what does not


def test_constructing_and_looking_never_talk(bath):
    instrument = bath()
    for attribute in dir(instrument):
        getattr(instrument, attribute)
    repr(instrument.temperature), repr(instrument.setpoint), repr(instrument.start)
    assert instrument.transport.sent == []
    assert instrument.clock.now() == 0.0


def test_reading_asks_and_decodes(bath):
    instrument = bath(b" 21.75 \r\n", b"1\r\n")
    assert instrument.temperature.read() == 21.75
    assert instrument.state.read() == "on"
    assert instrument.transport.sent == [b"in_pv_00\r\n", b"in_mode_05\r\n"]


def test_setting_sends_formatted_and_reads_back(bath):
    instrument = bath(b"", b"25.00\r\n")
    instrument.setpoint.set(25)
    assert instrument.setpoint.read() == 25.0
    assert instrument.transport.sent == [b"out_sp_00 25.00\r\n", b"in_sp_00\r\n"]


def test_a_setting_without_limits_takes_text(bath):
    instrument = bath()
    instrument.name_on_display.set("cell 3")
    assert instrument.transport.sent == [b"out_name cell 3\r\n"]


def test_an_action_is_done_by_calling_it(bath):
    instrument = bath()
    start = instrument.start
    assert instrument.transport.sent == []
    start()
    assert instrument.transport.sent == [b"out_mode_05 1\r\n"]


def test_the_class_shows_its_table():
    table = {
        name: declared for name, declared in vars(Bath).items() if isinstance(declared, Reading | Setting | Action)
    }
    assert list(table) == ["temperature", "state", "setpoint", "name_on_display", "start"]
    assert all(declared.name == name for name, declared in table.items())
    assert Bath.temperature.__doc__ == "Bath temperature (manual p. 41)."
    assert (Bath.setpoint.unit, Bath.setpoint.limits) == ("degC", (-20.0, 150.0))
    assert Bath.start.command == "out_mode_05 1"


def test_two_instruments_of_a_kind_do_not_share_a_line(bath):
    one, other = bath(b"1\r\n"), bath(b"2\r\n")
    assert (one.temperature.read(), other.temperature.read()) == (1.0, 2.0)


def test_closing_sends_nothing(bath):
    instrument = bath()
    instrument.close()
    assert instrument.transport.closed
    assert instrument.transport.sent == []


# -- mistakes of the program


def test_a_misspelt_name_is_an_error(bath):
    instrument = bath()
    with pytest.raises(AttributeError, match="temprature"):
        instrument.temprature  # noqa: B018
    with pytest.raises(AttributeError, match="Bath has no attribute 'set_point' that can be assigned"):
        instrument.set_point = 25.0
    assert not hasattr(instrument, "set_point")


@pytest.mark.parametrize(
    ("attribute", "hint"),
    [
        ("temperature", r"bath\.temperature cannot be assigned; ask for it with \.temperature\.read\(\)"),
        ("setpoint", r"bath\.setpoint cannot be assigned; send it with \.setpoint\.set\(25\.0\)"),
        ("start", r"bath\.start is an action; do it with \.start\(\)"),
    ],
)
def test_assigning_to_a_declaration_says_what_to_write_instead(bath, attribute, hint):
    instrument = bath()
    with pytest.raises(AttributeError, match=hint):
        setattr(instrument, attribute, 25.0)
    assert instrument.transport.sent == []


def test_a_bound_reading_cannot_be_changed(bath):
    instrument = bath()
    with pytest.raises(AttributeError):
        instrument.temperature.read = 5


# -- limits


@pytest.mark.parametrize("value", [-20.0, -20, 150.0, np.float32(150.0), np.int64(25)])
def test_values_at_and_within_the_limits_are_sent(bath, value):
    instrument = bath()
    instrument.setpoint.set(value)
    assert instrument.transport.sent == [b"out_sp_00 %.2f\r\n" % float(value)]


@pytest.mark.parametrize("value", [-20.01, 150.004, 999, float("inf"), float("-inf"), float("nan"), "25", None])
def test_values_outside_are_refused_before_anything_is_sent(bath, value):
    instrument = bath()
    with pytest.raises(LimitError) as refusal:
        instrument.setpoint.set(value)
    assert str(refusal.value) == f"bath.setpoint = {value} degC; allowed are -20 ... 150 degC"
    assert instrument.transport.sent == []


# -- answers that make no sense, or do not come


@pytest.mark.parametrize("reply", [b"", b"twenty", b"21,75", b"\xb021.75"])
def test_nonsense_keeps_its_raw_bytes(bath, reply):
    instrument = bath(reply + b"\r\n")
    with pytest.raises(BadReply, match=r"bath\.temperature: cannot make sense of the reply") as nonsense:
        instrument.temperature.read()
    assert nonsense.value.raw == reply
    assert repr(reply) in str(nonsense.value)


def test_a_value_that_the_manuals_table_does_not_have_is_nonsense(bath):
    instrument = bath(b"7\r\n")
    with pytest.raises(BadReply) as nonsense:
        instrument.state.read()
    assert nonsense.value.raw == b"7"


def test_a_setting_that_reads_back_nonsense(bath):
    instrument = bath(b"--.--\r\n")
    with pytest.raises(BadReply, match=r"bath\.setpoint"):
        instrument.setpoint.read()


def test_a_query_is_asked_once_more_after_resynchronising(bath):
    instrument = bath(b"", b"21.0\r\n")
    assert instrument.temperature.read() == 21.0
    assert instrument.transport.sent == [b"in_pv_00\r\n"] * 2
    assert instrument._resynchronised == 1
    assert not instrument.transport.suspect


def test_two_missed_answers_are_a_timeout_and_leave_the_line_suspect(bath):
    instrument = bath()
    with pytest.raises(ReplyTimeout):
        instrument.temperature.read()
    assert instrument.transport.sent == [b"in_pv_00\r\n"] * 2
    assert instrument.transport.suspect


def test_a_late_answer_never_passes_for_the_next_one(bath):
    """The first answer comes 2.2 s late: behind the deadline of 2 s, within the quiet time of 0.3 s."""
    instrument = bath((2.2, b"1.0\r\n"), b"2.0\r\n")
    assert instrument.temperature.read() == 2.0
    assert instrument.transport.statistics()["buffered"] == 0


def test_a_suspect_line_is_resynchronised_before_the_next_question(bath):
    instrument = bath((3.0, b"late\r\n"), b"21.0\r\n")
    instrument.transport.write(b"something whose answer was missed\r\n")
    with pytest.raises(ReplyTimeout):
        instrument.transport.read_line()
    instrument.clock.wait_until(3.0)
    assert instrument.temperature.read() == 21.0
    assert instrument._resynchronised == 1
    assert instrument.transport.sent[1:] == [b"in_pv_00\r\n"]


def test_a_suspect_line_is_resynchronised_before_a_command_and_a_command_is_sent_once(bath):
    instrument = bath()
    instrument.transport.suspect = True
    instrument.setpoint.set(30.0)
    assert instrument._resynchronised == 1
    assert instrument.transport.sent == [b"out_sp_00 30.00\r\n"]


def test_a_command_whose_line_breaks_is_not_sent_again(bath, monkeypatch):
    instrument, tries = bath(), []

    def broken(data: bytes) -> None:
        tries.append(data)
        raise LineLost("unplugged")

    monkeypatch.setattr(instrument.transport, "_write", broken)
    with pytest.raises(LineLost):
        instrument.setpoint.set(30.0)
    with pytest.raises(LineLost):
        instrument.temperature.read()
    assert tries == [b"out_sp_00 30.00\r\n", b"in_pv_00\r\n"]


def test_nobody_comes_between_a_missed_answer_and_its_repetition(bath):
    """While one worker resynchronises, another one's question would get (or lose) the late answer."""
    instrument = bath((2.2, b"late\r\n"), b"1.0\r\n", b"0\r\n")
    clock, got = instrument.clock, {}

    def second() -> None:
        clock.sleep(1.0)
        got["second"] = instrument.state.read()

    with clock.worker("first"):
        worker = clock.start_worker("second", second)
        got["first"] = instrument.temperature.read()
        worker.join()
    assert got == {"first": 1.0, "second": "off"}
    assert instrument.transport.sent == [b"in_pv_00\r\n", b"in_pv_00\r\n", b"in_mode_05\r\n"]
