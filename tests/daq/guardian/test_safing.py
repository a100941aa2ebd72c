"""Making a line safe: at once if possible, patiently if not, and never without saying so."""

import json

import pytest

from luggin.clock import VirtualClock
from luggin.errors import LineInUse, LineLost, NoInstrument
from luggin.guardian import safing
from luggin.guardian.orders import GuardedLine, Orders
from luggin.guardian.record import Record, read_interventions
from luggin.guardian.safing import HANDED_OVER, LineSafety, pause_after
from luggin.transport import LineOwnership, Transport, ownership
from luggin.transport.dialogue import Exchange

#: Host seconds that a test is ready to wait for the disk.
PATIENCE = 50.0
DIALOGUE = (
    Exchange(b"ABOR\n"),
    Exchange(b"OUTP OFF\n"),
    Exchange(b"OUTP?\n", r"(?m)^0$", timeout=2.0, verifies=True),
)


class Unit(Transport):
    """A line to an instrument that answers OUTP?; ``stale`` is what was on its way to somebody else."""

    def __init__(self, clock, on=True, obeys=True, stale=b""):
        super().__init__("unit", clock)
        self.on, self.obeys, self.waiting = on, obeys, [stale] if stale else []
        self.said, self.closed = [], 0

    def _read_chunk(self, until, cancel):
        if self.waiting:
            return self.waiting.pop(0)
        self.clock.wait_until(until)
        return b""

    def _write(self, data):
        self.said.append(data)
        if data == b"OUTP OFF\n" and self.obeys:
            self.on = False
        if data == b"OUTP?\n":
            self.waiting.append(b"1\n" if self.on else b"0\n")

    def close(self):
        self.closed += 1


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def attempts(monkeypatch, tmp_path, clock):
    """Makes the lines that are opened, in this order: each a line or an error; the last one for ever."""
    monkeypatch.setattr(ownership, "lock_folder", lambda: tmp_path / "locks")

    def set_up(*results):
        left = list(results)
        times = []

        def open_line(resource, lab_clock, **settings):
            times.append(clock.now())
            result = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(safing, "open_line", open_line)
        return times

    return set_up


@pytest.fixture
def make_safe(tmp_path, clock):
    """Run a `LineSafety`; its answer and the records that it left."""

    def go(dialogue=DIALOGUE, patience=100.0, undead=False):
        line = GuardedLine("cell", "COM3", "COM3", {}, dialogue)
        orders = Orders(str(tmp_path), 1, "somebody", (line,), patience=patience)
        record = Record(tmp_path)
        record.note("acts", why="the runner died", lines=["cell"])
        safe = LineSafety(orders, line, clock, clock, record, lambda: undead).run()
        record.close(PATIENCE)
        return safe, [json.loads(text) for text in (tmp_path / "guardian.log").read_text().splitlines()][1:]

    return go


def test_a_cell_that_is_on_is_opened_and_verified(attempts, make_safe, clock):
    unit = Unit(clock)
    times = attempts(unit)
    safe, records = make_safe()
    assert safe
    assert not unit.on
    assert unit.said == [b"ABOR\n", b"OUTP OFF\n", b"OUTP?\n"]
    assert unit.closed == 1
    assert len(times) == 1
    assert [(r["what"], r.get("sent"), r.get("found")) for r in records] == [
        ("exchange", "ABOR\n", False),
        ("exchange", "OUTP OFF\n", False),
        ("exchange", "OUTP?\n", True),
        ("made safe", None, None),
    ]
    assert records[-1]["words"] == "read back: '0'"
    assert records[-1]["seconds"] == pytest.approx(clock.now())


def test_what_was_on_its_way_to_the_runner_confirms_nothing(attempts, make_safe, clock):
    unit = Unit(clock, obeys=False, stale=b"0\n")
    attempts(unit)
    safe, records = make_safe(patience=0.0)
    assert not safe
    assert [r["what"] for r in records[-2:]] == ["not yet safe", "given up"]
    assert "was answered with b'1\\n', which is not the answer that confirms it" in records[-1]["words"]


def test_a_line_that_is_unplugged_is_tried_until_it_is_back(attempts, make_safe, clock):
    gone = NoInstrument("COM3: there is no such port")
    unit = Unit(clock)
    times = attempts(*[gone] * 80, LineLost("COM3: the line broke"), unit)
    safe, records = make_safe(patience=3600.0)
    assert safe
    assert not unit.on
    assert len(times) == 82
    # Each trouble is noted once and not eighty times.
    assert [r["words"] for r in records if r["what"] == "not yet safe"] == [
        "NoInstrument: COM3: there is no such port",
        "LineLost: COM3: the line broke",
    ]
    assert times[10] == pytest.approx(1.0)
    assert times[-1] - times[-2] == pytest.approx(1.0)


def test_a_line_that_never_comes_back_is_given_up_loudly(attempts, make_safe, tmp_path, clock):
    times = attempts(NoInstrument("COM3: there is no such port"))
    safe, records = make_safe(patience=86400.0)
    assert not safe
    assert records[-1]["what"] == "given up"
    assert "tried for 86" in records[-1]["words"]
    assert 50 + 595 + 1430 - 3 <= len(times) <= 50 + 595 + 1430 + 3
    assert read_interventions(tmp_path)[0].open_ends.keys() == {"cell"}


def test_pauses_grow():
    assert [pause_after(s) for s in (0.0, 4.9, 5.0, 599.0, 600.0, 1e6)] == [0.1, 0.1, 1.0, 1.0, 60.0, 60.0]


def test_any_error_of_a_line_is_followed_by_another_attempt(attempts, make_safe, clock):
    attempts(
        RuntimeError("a bug in a VISA library"), LineInUse("COM3: used by PSTrace"), OSError(5, "I/O"), Unit(clock)
    )
    safe, records = make_safe()
    assert safe
    assert [r["words"].partition(":")[0] for r in records if r["what"] == "not yet safe"] == [
        "RuntimeError",
        "LineInUse",
        "OSError",
    ]


def test_a_program_without_our_lock_is_never_trusted_with_the_line(attempts, make_safe, clock):
    attempts(LineInUse("COM3: the port is used by another program"))
    safe, records = make_safe(patience=10 * HANDED_OVER)
    assert not safe
    assert records[-1]["what"] == "given up"


def test_another_run_that_owns_the_line_for_long_answers_for_it(attempts, make_safe, clock, tmp_path):
    times = attempts(Unit(clock))
    with LineOwnership("COM3", user="eva", purpose="runs/next", since="now"):
        safe, records = make_safe(patience=3600.0)
    assert safe
    assert times == []
    assert records[-1]["what"] == "handed over"
    assert "of eva since now (runs/next)" in records[-1]["words"]
    assert HANDED_OVER <= clock.now() < HANDED_OVER + 2.0
    assert read_interventions(tmp_path)[0].open_ends == {}


def test_it_owns_the_line_while_it_makes_it_safe_and_says_what_for(attempts, make_safe, clock, tmp_path):
    class Asking(Unit):
        def _write(self, data):
            super()._write(data)
            with pytest.raises(LineInUse, match=rf"\(guardian of {tmp_path} makes it safe\)"):
                LineOwnership("COM3", user="eva", purpose="runs/next", since="now")

    attempts(Asking(clock))
    assert make_safe()[0]
    LineOwnership("COM3", user="eva", purpose="runs/next", since="now").release()


def test_the_lock_of_a_runner_that_was_killed_and_does_not_leave_is_nobodys(attempts, make_safe, clock):
    attempts(Unit(clock))
    with LineOwnership("COM3", user="runner", purpose="this run", since="before"):
        assert make_safe(undead=True)[0]


def test_a_lock_that_a_full_disk_refuses_leaves_no_cell_on(attempts, make_safe, monkeypatch, clock):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safing, "LineOwnership", full)
    attempts(Unit(clock))
    safe, records = make_safe()
    assert safe
    assert "No space left on device" in records[0]["words"]


def test_an_instrument_without_read_back_is_told_and_that_is_said(attempts, make_safe, clock):
    unit = Unit(clock)
    attempts(unit)
    safe, records = make_safe(DIALOGUE[:2])
    assert not safe
    assert not unit.on
    assert (records[-1]["what"], records[-1]["words"]) == ("told, not verified", "this instrument has no read-back")


def test_a_read_back_that_is_not_required_still_has_to_confirm(attempts, make_safe, clock):
    optional = Exchange(b"OUTP?\n", r"(?m)^0$", timeout=0.5, required=False, verifies=True)
    attempts(Unit(clock, obeys=False))
    safe, records = make_safe((*DIALOGUE[:2], optional), patience=1.0)
    assert not safe
    assert "did not confirm the safe state" in records[-1]["words"]
