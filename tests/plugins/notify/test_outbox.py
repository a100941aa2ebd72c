"""What goes out when: in virtual seconds, without servers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.observing import Happening
from luggin_plugins.notify.messages import Message
from luggin_plugins.notify.outbox import Outbox, Patience

PATIENCE = Patience(delays=(2.0, 10.0), last_delays=(1.0, 3.0), last=25.0, waiting=3)


def said(event="trip", words=""):
    return Message(event, words, Happening(event, 0.0), {}, "run", "here")


def outbox(*messages, per_hour=20):
    box = Outbox(per_hour, PATIENCE)
    for message in messages:
        box.add(message, 0.0)
    return box


def test_messages_go_out_in_order():
    first, second = said(), said("end")
    box = outbox(first, second)
    assert box.due(0.0) is first
    box.arrived(0.0)
    assert box.due(0.0) is second
    box.arrived(0.0)
    assert box.is_empty
    assert box.due(0.0) is None
    assert (box.not_sent, box.lost) == (0, 0)


def test_what_did_not_arrive_is_tried_again_later_and_later_and_then_given_up():
    box = outbox(said(), said())
    box.failed(0.0, "refused", for_good=False)
    assert box.due(1.9) is None
    assert box.due(2.0) is not None
    box.failed(2.0, "refused", for_good=False)
    assert box.due(11.9) is None
    assert box.due(12.0) is not None
    box.failed(12.0, "refused", for_good=False)
    assert (box.lost, box.not_sent, box.reason) == (1, 1, "refused")
    assert box.due(12.0) is not None, "the next one has its own attempts"
    box.arrived(12.0)
    assert (box.lost, box.not_sent) == (1, 0), "it said that one more was not sent"


def test_what_cannot_arrive_is_not_tried_twice():
    box = outbox(said())
    box.failed(0.0, "404", for_good=True)
    assert (box.is_empty, box.lost) == (True, 1)


def test_what_is_more_than_the_rate_is_left_out_but_for_the_end():
    box = outbox(per_hour=2)
    for time in range(5):
        box.add(said(), float(time))
        if box.due(float(time)):
            box.arrived(float(time))
    assert (box.is_empty, box.not_sent, box.lost) == (True, 3, 0)
    end = said("end")
    box.add(end, 6.0)
    assert box.due(6.0) is end
    assert box.not_sent == 3, "the last one says so"


def test_the_rate_is_that_of_the_last_hour():
    box = outbox(said(), per_hour=1)
    box.due(0.0)
    box.arrived(0.0)
    box.add(said(), 3599.0)
    assert box.due(3599.0) is None
    box.add(said(), 3600.0)
    assert box.due(3600.0) is not None
    assert box.not_sent == 1


def test_a_full_queue_gives_up_the_oldest():
    messages = [said(words=str(n)) for n in range(5)]
    box = outbox(*messages)
    assert box.due(0.0) is messages[2]
    assert box.not_sent == 2


def test_the_end_of_the_run_ends_the_patience_for_what_came_before():
    box = outbox(said(), said())
    box.failed(0.0, "no answer", for_good=False)
    end = said("end")
    box.add(end, 1.0)
    assert box.due(1.0) is not None, "once more, now"
    box.failed(11.0, "no answer", for_good=False)
    assert box.due(11.0) is end
    assert (box.not_sent, box.lost) == (2, 2)
    box.failed(21.0, "no answer", for_good=False)
    assert box.due(22.0) is end
    box.failed(24.0, "no answer", for_good=False)
    assert box.is_empty, "another attempt would begin after the observers were ended"
    assert box.lost == 3


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    st.lists(st.sampled_from(["add", "ok", "fail", "for good", "wait"]), max_size=60),
    st.integers(1, 5),
)
def test_every_message_arrives_or_is_counted_and_the_rate_holds(steps, per_hour):
    """Whatever happens, in whatever order: nothing vanishes, and no hour has more than its share."""
    box, now, added, arrived, told = Outbox(per_hour, PATIENCE), 0.0, 0, [], 0
    for step in [*steps, *["wait", "ok"] * 80]:
        if step == "add":
            box.add(said(), now)
            added += 1
        elif step == "wait":
            now += 400.0
        elif box.due(now) is not None:
            if step == "ok":
                told += box.not_sent
                box.arrived(now)
                arrived.append(now)
            else:
                box.failed(now, "no", for_good=step == "for good")
    assert box.is_empty
    assert len(arrived) + told + box.not_sent == added
    assert all(sum(start <= t < start + 3600.0 for t in arrived) <= per_hour for start in arrived)
