"""Faults on a line, byte for byte: what arrives when, what is noted, and that looking changes nothing."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin_sim.cells import ResistorCell, ResistorSpec
from luggin_sim.cells.faulty import FaultyCell
from luggin_sim.faults import Fault
from luggin_sim.wire import Wire, WireLog


class Speaker:
    """Says ``a1 b1``, ``a2 b2`` ... with a line feed, one every second from 1 s on, and notes what it hears."""

    cell_is_on = True

    def __init__(self):
        self.said, self.heard = 0, []

    def feed(self, data, now):
        self.heard.append((now, data))

    def take(self, now):
        words = b""
        while self.said + 1 <= now:
            self.said += 1
            words += b"a%d b%d\n" % (self.said, self.said)
        return words

    def next_due(self, now):
        return self.said + 1.0


def wire_with(*faults, latency=0.0, **settings):
    return Wire(Speaker(), latency, faults=faults, **settings)


def arrivals(wire, until):
    """What arrives, and when, for a reader who is always there."""
    found, now = [], 0.0
    while (due := wire.next_due(now)) is not None and due <= until:
        now = due
        if data := wire.take(now):
            found.append((now, data))
    return found


def events(wire):
    return [(round(e.time, 6), e.fault, e.data, e.became) for e in wire.log.events]


def test_a_lost_reply_is_missing_and_noted():
    wire = wire_with(Fault("drop", after=1))
    assert arrivals(wire, 3.5) == [(1.0, b"a1 b1\n"), (3.0, b"a3 b3\n")]
    assert events(wire) == [(2.0, "drop", b"a2 b2\n", b"")]


def test_a_cut_reply_runs_into_the_next_one():
    wire = wire_with(Fault("truncate", after=1, keep=3))
    assert b"".join(data for _, data in arrivals(wire, 3.5)) == b"a1 b1\na2 a3 b3\n"
    assert events(wire) == [(2.0, "truncate", b"a2 b2\n", b"a2 ")]


def test_a_stale_reply_is_the_one_before():
    wire = wire_with(Fault("stale", after=1))
    assert [data for _, data in arrivals(wire, 3.5)] == [b"a1 b1\n", b"a1 b1\n", b"a3 b3\n"]
    assert events(wire) == [(2.0, "stale", b"a2 b2\n", b"a1 b1\n")]


def test_a_stale_reply_without_one_before_is_nothing():
    assert arrivals(wire_with(Fault("stale")), 1.5) == []


def test_a_late_reply_comes_directly_before_the_next_one():
    wire = wire_with(Fault("late", after=1))
    assert arrivals(wire, 3.5) == [(1.0, b"a1 b1\n"), (3.0, b"a2 b2\na3 b3\n")]
    assert events(wire) == [(2.0, "late", b"a2 b2\n", b""), (3.0, "late", b"a3 b3\n", b"a2 b2\na3 b3\n")]


def test_mixed_replies_have_the_bytes_of_both():
    wire = wire_with(Fault("interleave", after=1, seed=4))
    first, second = arrivals(wire, 3.5)
    assert first == (1.0, b"a1 b1\n")
    assert second[0] == 3.0
    assert sorted(second[1]) == sorted(b"a2 b2\na3 b3\n")
    assert second[1] not in (b"a2 b2\na3 b3\n", b"a3 b3\na2 b2\n")


def test_a_double_reply_comes_twice():
    assert arrivals(wire_with(Fault("double")), 2.5) == [(1.0, b"a1 b1\na1 b1\n"), (2.0, b"a2 b2\n")]


def test_garbage_is_noted_with_what_it_was():
    wire = wire_with(Fault("garbage", bytes=2))
    ((_, data),) = arrivals(wire, 1.5)
    assert sum(a != b for a, b in zip(data, b"a1 b1\n", strict=True)) == 2
    assert events(wire) == [(1.0, "garbage", b"a1 b1\n", data)]


def test_in_a_stall_nothing_comes_and_then_everything_late():
    wire = wire_with(Fault("stall", at=1.5, duration=3.0), latency=0.75)
    # Sent at 1 s it would arrive at 1.75 s; what arrives after the stall is not late at all.
    assert arrivals(wire, 5.8) == [
        (4.5, b"a1 b1\na2 b2\na3 b3\n"),
        (4.75, b"a4 b4\n"),
        (5.75, b"a5 b5\n"),
    ]
    assert events(wire) == [(1.5, "stall begins", b"", b""), (4.5, "stall ends", b"", b"")]


def test_a_stall_without_an_end_is_ended_by_hand():
    wire = wire_with(Fault("stall", at=1.5))
    assert arrivals(wire, 4.5) == [(1.0, b"a1 b1\n")]
    wire.clear_faults("stall", 4.5)
    assert wire.next_due(4.5) <= 4.5
    assert wire.take(4.5) == b"a2 b2\na3 b3\na4 b4\n"
    assert wire.take(5.0) == b"a5 b5\n"


def test_a_mute_instrument_goes_on_and_what_it_says_is_noted():
    wire = wire_with(Fault("mute", at=1.5, duration=2.0))
    wire.feed(b"hello", 2.5)
    assert arrivals(wire, 4.5) == [(1.0, b"a1 b1\n"), (4.0, b"a4 b4\n")]
    assert wire.dialect.heard == [(2.5, b"hello")]
    assert events(wire) == [
        (1.5, "mute begins", b"", b""),
        (2.0, "mute", b"a2 b2\n", b""),
        (3.0, "mute", b"a3 b3\n", b""),
        (3.5, "mute ends", b"", b""),
    ]


def test_a_deaf_instrument_hears_nothing_and_goes_on_talking():
    wire = wire_with(Fault("deaf", at=1.5, duration=2.0))
    for now in (1.0, 2.0, 4.0):
        wire.feed(b"Z\n", now)
    assert wire.dialect.heard == [(1.0, b"Z\n"), (4.0, b"Z\n")]
    assert wire.take(4.0).count(b"\n") == 4
    assert events(wire)[1] == (2.0, "deaf", b"Z\n", b"")


@pytest.mark.parametrize(("settings", "latency"), [({"factor": 10.0}, 0.5), ({"delay": 0.45}, 0.5)])
def test_a_slow_line_is_that_much_slower_and_nothing_overtakes(settings, latency):
    wire = wire_with(Fault("slow", at=1.5, duration=1.0, **settings), latency=0.05)
    assert arrivals(wire, 3.5) == [(1.05, b"a1 b1\n"), (2.0 + latency, b"a2 b2\n"), (3.05, b"a3 b3\n")]
    crowded = wire_with(Fault("slow", at=0.5, duration=1.0, delay=4.0))
    assert arrivals(crowded, 5.5) == [(5.0, b"a1 b1\na2 b2\na3 b3\na4 b4\na5 b5\n")]


def test_a_broken_line_loses_what_is_on_the_way_and_has_another_plug_afterwards():
    wire = wire_with(Fault("unplug", at=2.5, duration=1.0), latency=0.6)
    assert wire.take(2.0) == b"a1 b1\n"
    assert (wire.plug, wire.is_plugged(2.4)) == (0, True)
    assert (wire.is_plugged(2.5), wire.plug) == (False, 1)
    assert wire.take_last_words() == b""
    wire.feed(b"Z\n", 3.0)
    assert wire.is_plugged(3.5)
    # What was said at 3 s was said to nobody.
    assert wire.take(4.6) == b"a4 b4\n"
    assert wire.dialect.heard == []
    lost = [(time, data) for time, fault, data, _ in events(wire) if fault == "unplug"]
    assert lost == [(2.5, b"a2 b2\n"), (3.0, b"a3 b3\n"), (3.0, b"Z\n")]


def test_what_had_arrived_and_was_not_read_are_the_last_words():
    wire = wire_with(Fault("unplug", at=2.5))
    assert not wire.is_plugged(3.0)
    assert wire.take(3.0) == b""
    assert wire.take_last_words() == b"a1 b1\na2 b2\n"
    assert wire.take_last_words() == b""


def test_a_line_breaks_in_the_middle_of_a_reply():
    wire = wire_with(Fault("unplug", after=1, keep=4, duration=0.0), latency=0.25)
    assert arrivals(wire, 2.2) == [(1.25, b"a1 b1\n")]
    assert wire.is_plugged(2.25)
    assert (wire.plug, wire.take_last_words()) == (1, b"a2 b")
    assert wire.take(3.25) == b"a3 b3\n"
    assert (2.0, "unplug", b"a2 b2\n", b"a2 b") in events(wire)


def test_a_reboot_is_another_instrument_on_the_same_cell():
    cell = FaultyCell(ResistorCell(ResistorSpec(resistance=1000.0)))
    wire = Wire(Speaker(), faults=[Fault("reboot", at=2.5, duration=1.0)], cell=cell, restart=Speaker)
    first = wire.dialect
    cell.step_to(0.5)
    assert arrivals(wire, 3.4) == [(1.0, b"a1 b1\n"), (2.0, b"a2 b2\n")]
    assert wire.dialect is not first
    assert cell.is_open
    wire.feed(b"t\n", 3.4)
    assert wire.dialect.heard == []
    wire.feed(b"t\n", 3.6)
    assert wire.dialect.heard == [(3.6, b"t\n")]
    assert (3.4, "reboot", b"t\n", b"") in events(wire)


def test_a_reboot_that_a_reply_begins_comes_after_it():
    wire = Wire(Speaker(), faults=[Fault("reboot", after=1)], restart=Speaker)
    first = wire.dialect
    assert wire.take(2.0) == b"a1 b1\na2 b2\n"
    wire.take(2.1)
    assert wire.dialect is not first


def test_what_cannot_be_is_refused():
    wire = wire_with()
    for fault, said in [
        (Fault("reboot"), "nobody knows how"),
        (Fault("overload"), "no cell"),
        (Fault("nan"), "no cell"),
        (Fault("slow", factor=10.0), "no latency"),
    ]:
        with pytest.raises(ValueError, match=said):
            wire.inject(fault, 0.0)


def test_several_faults_at_once_act_in_their_order():
    wire = wire_with(Fault("truncate", keep=2), Fault("double"))
    assert arrivals(wire, 1.5) == [(1.0, b"a1a1")]
    wire = wire_with(Fault("double"), Fault("truncate", keep=8))
    assert arrivals(wire, 1.5) == [(1.0, b"a1 b1\na1")]


def test_the_record_has_what_was_sent_and_what_was_delivered(tmp_path):
    wire = wire_with(Fault("truncate", keep=2))
    wire.log = WireLog(tmp_path / "wire.jsonl")
    wire.log.add(1.0, "<", wire.take(1.0))
    lines = [json.loads(line) for line in (tmp_path / "wire.jsonl").read_text().splitlines()]
    assert lines == [
        {"t": 1.0, "dir": "!", "data": "a1 b1\n", "fault": "truncate", "became": "a1"},
        {"t": 1.0, "dir": "<", "data": "a1"},
    ]
    assert wire.log.statistics() == {"sent": 2, "received": 0, "kept": 2}
    wire.log.close()


planned = st.lists(
    st.one_of(
        st.builds(
            Fault,
            st.sampled_from(["drop", "garbage", "truncate", "stale", "late", "double", "interleave"]),
            probability=st.none() | st.sampled_from([0.2, 0.7]),
            after=st.none() | st.integers(0, 5),
            at=st.none() | st.integers(0, 40).map(lambda n: n / 4),
            seed=st.integers(0, 3),
        ),
        st.builds(
            Fault,
            st.sampled_from(["stall", "mute", "deaf", "unplug", "reboot"]),
            probability=st.none() | st.just(0.1),
            at=st.integers(0, 40).map(lambda n: n / 4),
            duration=st.integers(0, 12).map(lambda n: n / 4),
        ),
        st.builds(Fault, st.just("slow"), delay=st.sampled_from([0.1, 2.5]), at=st.just(2.0), duration=st.just(3.0)),
    ),
    max_size=4,
)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(planned, st.sets(st.integers(1, 239), max_size=20), st.sampled_from([0.0, 0.3]))
def test_what_happens_does_not_depend_on_who_looks_when(faults, looks, latency):
    """A reader who is always there and one who looks now and then get the same, and the same is noted."""

    def observed(times):
        wire = Wire(Speaker(), latency, faults=faults, restart=Speaker)
        got, asked = b"", False
        for now in times:
            if now >= 5.0 and not asked:
                wire.feed(b"t\n", 5.0)
                asked = True
            got += wire.take(now) + wire.take_last_words()
        return got, events(wire), wire.plug, wire.dialect.heard

    always = [k / 20 for k in range(1, 241)]
    now_and_then = sorted({look / 20 for look in looks} | {5.0, 12.0})
    assert observed(always)[1:] == observed(now_and_then)[1:]
    if not any(fault.kind == "unplug" for fault in faults):  # what nobody fetched before a second break is lost
        assert observed(always)[0] == observed(now_and_then)[0]
