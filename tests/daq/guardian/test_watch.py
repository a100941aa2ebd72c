"""When the guardian acts."""

import pytest

from luggin.guardian.watch import Verdict, Watch

ARMED = {"arm": "cell"}
BEAT = {"beat": 1}


def heard(watch, *said):
    """What a watch decides after each of these; None is a wait that brought nothing, ``end`` the end of the pipe."""
    decide = {None: lambda _: watch.heard_nothing(), "end": lambda _: watch.pipe_ended()}
    return [decide.get(s if s is None or s == "end" else "", watch.heard)(s) for s in said]


def test_good_bye_ends_the_watch_also_while_something_is_armed():
    assert heard(Watch(), ARMED, BEAT, {"bye": True}) == [Verdict.WATCH, Verdict.WATCH, Verdict.LEAVE]


def test_a_runner_that_is_silent_while_a_cell_is_on_is_killed():
    watch = Watch(silence=3)
    assert heard(watch, ARMED, None, None, None) == [Verdict.WATCH] * 3 + [Verdict.KILL]
    assert watch.why == "the runner hangs: it gave no sign of life for 0.3 s"


def test_every_word_ends_the_silence():
    watch = Watch(silence=3)
    assert set(heard(watch, ARMED, *[None, None, BEAT] * 20)) == {Verdict.WATCH}


def test_silence_harms_nobody_while_no_cell_is_on():
    watch = Watch(silence=3)
    assert set(heard(watch, *[None] * 50, ARMED, None, None, {"disarm": "cell"}, *[None] * 50)) == {Verdict.WATCH}
    # The silence before it was armed does not count.
    assert heard(watch, ARMED, None, None, None)[-2:] == [Verdict.WATCH, Verdict.KILL]


def test_one_of_two_that_is_armed_is_enough():
    watch = Watch(silence=2)
    heard(watch, {"arm": "a"}, {"arm": "b"}, {"disarm": "a"})
    assert watch.armed == {"b"}
    assert heard(watch, None, None)[-1] is Verdict.KILL


def test_a_stuck_worker_is_told_in_words():
    watch = Watch()
    assert heard(watch, ARMED, {"stuck": "cell: its worker did nothing"})[-1] is Verdict.KILL
    assert watch.why == "the runner hangs: cell: its worker did nothing"


@pytest.mark.parametrize(("said", "verdict"), [([ARMED], Verdict.KILL), ([], Verdict.MAKE_SAFE)])
def test_the_end_of_the_pipe_without_a_good_bye_is_a_death(said, verdict):
    watch = Watch()
    assert heard(watch, *said, "end")[-1] is verdict
    assert (watch.why, watch.died) == ("the runner died", True)


def test_a_run_that_ends_unverified_hands_its_lines_over_and_is_not_killed():
    watch = Watch()
    assert heard(watch, ARMED, {"take over": "cell: no answer"})[-1] is Verdict.MAKE_SAFE
    assert watch.why == "the run is over, but cell: no answer"


def test_what_is_meant_to_go_on_without_the_computer_is_never_armed():
    watch = Watch(left_alone=["cycler"], silence=1)
    assert heard(watch, {"arm": "cycler"}, None, None)[-1] is Verdict.WATCH
    assert watch.armed == set()
