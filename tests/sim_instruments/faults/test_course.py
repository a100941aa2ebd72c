"""When faults begin and end, and which replies they befall."""

import math

import pytest

from luggin_sim.faults import Fault, FaultCourse

SIZE = 10


def hit_replies(fault, count=20, *, started_at=0.0):
    """The numbers (from 1) of the replies that are hit, one of ten bytes every second."""
    course = FaultCourse([fault])
    course.start(started_at)
    return [n for n in range(1, count + 1) if list(course.hits(started_at + n, SIZE))]


def changes_until(course, now):
    found = []
    while (change := course.change(now)) is not None:
        found.append((change.time, change.fault.kind, change.begins))
    return found


@pytest.mark.parametrize(
    ("settings", "hit"),
    [
        ({}, [1]),
        ({"count": 3}, [1, 2, 3]),
        ({"after": 2}, [3]),
        ({"after": 2, "count": 2}, [3, 4]),
        ({"after_bytes": 35}, [4]),
        ({"after_bytes": 40}, [5]),
        ({"at": 4.5}, [5]),
        ({"at": 5.0}, [5]),
        ({"at": 4.5, "after": 2}, [7]),
        ({"duration": 3.5}, [1, 2, 3]),
        ({"at": 4.5, "duration": 3.0}, [5, 6, 7]),
        ({"at": 4.5, "duration": 3.0, "count": 2}, [5, 6]),
        ({"probability": 1.0, "count": 4}, [1, 2, 3, 4]),
        ({"probability": 0.0}, []),
    ],
)
def test_a_fault_of_single_replies_befalls_those_that_were_said(settings, hit):
    assert hit_replies(Fault("drop", **settings)) == hit


def test_times_count_from_the_opening_of_the_laboratory():
    assert hit_replies(Fault("drop", at=4.5), started_at=1000.0) == [5]


def test_by_chance_about_that_part_is_hit_and_the_same_one_again():
    hits = hit_replies(Fault("garbage", probability=0.05, seed=7), 10_000)
    assert hits == hit_replies(Fault("garbage", probability=0.05, seed=7), 10_000)
    # binomial: 500 with a standard deviation of 22
    assert 412 < len(hits) < 588


def test_two_faults_with_one_seed_and_two_seeds_of_one_fault_hit_differently():
    hits = [hit_replies(Fault(kind, probability=0.1, seed=seed), 500) for kind in ("drop", "stale") for seed in (0, 1)]
    assert len({tuple(each) for each in hits}) == 4


def test_what_lasts_begins_and_ends_at_its_times():
    course = FaultCourse([Fault("stall", at=12.0, duration=5.0), Fault("mute", at=14.0)])
    assert course.next_change == 12.0
    assert changes_until(course, 11.9) == []
    assert changes_until(course, 12.0) == [(12.0, "stall", True)]
    assert course.current("stall") is not None
    assert course.current("mute") is None
    assert course.end_of("stall") == 17.0
    assert changes_until(course, 100.0) == [(14.0, "mute", True), (17.0, "stall", False)]
    assert course.next_change == math.inf
    assert course.end_of("stall") == -math.inf
    assert course.end_of("mute") == math.inf


def test_what_lasts_and_begins_with_a_reply_waits_for_whoever_begins_it():
    course = FaultCourse([Fault("stall", after=1, duration=5.0)])
    assert list(course.hits(1.0, SIZE)) == []
    (task,) = course.hits(2.0, SIZE)
    course.begin(task, 2.0)
    assert list(course.hits(2.0, SIZE)) == []
    assert changes_until(course, 10.0) == [(2.0, "stall", True), (7.0, "stall", False)]
    assert list(course.hits(11.0, SIZE)) == []


def test_what_lasts_may_begin_several_times_but_not_within_itself():
    course = FaultCourse([Fault("mute", probability=1.0, duration=2.5, count=2)])
    begun = []
    for second in range(1, 12):
        for task in course.hits(float(second), SIZE):
            course.begin(task, float(second))
        begun += [time for time, _, begins in changes_until(course, float(second)) if begins]
        changes_until(course, second + 0.9)
    assert begun == [1.0, 4.0]


def test_a_reboot_takes_no_time_unless_said():
    course = FaultCourse([Fault("reboot", at=3.0)])
    assert changes_until(course, 3.0) == [(3.0, "reboot", True), (3.0, "reboot", False)]


def test_cleared_faults_end_now_and_planned_ones_never_begin():
    course = FaultCourse([Fault("mute"), Fault("mute", at=50.0), Fault("stall", at=60.0, duration=1.0)])
    changes_until(course, 1.0)
    assert [(c.time, c.begins) for c in course.clear("mute", 2.0)] == [(2.0, False)]
    assert course.current("mute") is None
    assert course.next_change == 60.0
    assert course.clear(None, 3.0) == []
    assert course.is_empty


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("stal", {}, "there is no fault 'stal'"),
        ("drop", {"count": 0}, "count: 0 is not possible; allowed are whole numbers 1 to"),
        ("drop", {"probability": 1.5}, "probability: 1.5 is not possible; allowed are 0 to 1"),
        ("drop", {"after": 1.5}, "after: 1.5 is not possible; allowed are whole numbers"),
        ("drop", {"after": True}, "after: True is not possible"),
        ("stall", {"duration": -1.0}, "duration: -1.0 is not possible; allowed are 0 to 1e+07 s"),
        ("stall", {"duration": math.nan}, "duration: nan is not possible"),
        ("stall", {"probability": 0.1}, "say for how long"),
        ("slow", {}, "how much slower"),
        ("slow", {"factor": 0.5}, "factor: 0.5 is not possible; allowed are 1 to"),
        ("mute", {"keep": 3}, "a fault 'mute' has no 'keep'"),
        ("garbage", {"inserted": "yes"}, "inserted: true or false"),
        ("drop", {"after": 1, "after_bytes": 1}, "not both"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_words(kind, settings, said):
    with pytest.raises(ValueError, match=said.replace("+", r"\+")):
        Fault(kind, **settings)
