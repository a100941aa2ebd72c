"""What becomes of steps that were interrupted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import ProtocolError, UsageError
from luggin.steps import (
    CA,
    CP,
    CV,
    LSV,
    OCP,
    Chain,
    Note,
    Preflight,
    Prompt,
    Repeat,
    Rest,
    Vocabulary,
    load_protocol,
    walk,
)
from luggin.steps.resuming import policy_of, remaining

SWEEP = {"rate": "0.1 V/s", "step": "1 mV"}
STEPS = {
    "ocp": OCP(duration="60 s"),
    "rest": Rest(duration="60 s", dt="1 s"),
    "cv": CV(begin="0 V vs ref", vertices=("1 V", "0 V"), **SWEEP),
    "lsv": LSV(begin="0 V vs ref", end="1 V", **SWEEP),
    "ca": CA(potential="0.5 V vs ref", duration="60 s", dt="0.1 s"),
    "cp": CP(current="1 mA", duration="60 s", dt="0.1 s"),
    "prompt": Prompt(text="Stir."),
    "note": Note(text="Green."),
    "preflight": Preflight(),
    "chain": Chain(steps=(CA(potential="0.5 V vs ref", duration="60 s", dt="0.1 s"),)),
}
SAMPLE = '[sample]\nid = "x"\nwiring = "two-electrode, blocking"\nelectrodes = "Pt"\n'


@pytest.mark.parametrize("name", STEPS)
def test_each_technique_has_its_policy(name):
    expected = "continue" if name in ("ocp", "rest", "cp") else "restart"
    assert policy_of(STEPS[name]) == expected


def test_every_step_that_continues_by_itself_can_continue():
    for step_type in Vocabulary().types.values():
        assert step_type.can_continue or step_type.resume_policy != "continue"


@pytest.mark.parametrize("name", ["ocp", "rest", "cp"])
def test_what_is_left_is_the_time_that_is_left(name):
    left = remaining(STEPS[name], 45.0)
    assert left.duration == pytest.approx(15.0)
    assert {k: v for k, v in vars(left).items() if k != "duration"} == {
        k: v for k, v in vars(STEPS[name]).items() if k != "duration"
    }


@pytest.mark.parametrize("name", ["cv", "lsv", "ca", "prompt", "note", "preflight", "chain"])
def test_what_begins_again_has_nothing_left(name):
    assert remaining(STEPS[name], 45.0) is None


def test_what_was_not_begun_begins():
    assert remaining(STEPS["cp"], 0.0) is None


def test_a_step_that_was_all_but_over_is_one_reading_more():
    assert remaining(STEPS["cp"], 60.0).duration == pytest.approx(0.1)
    assert remaining(STEPS["cp"], 61.0).duration == pytest.approx(0.1)
    assert remaining(Rest(duration="60 s"), 61.0).duration == 0.0


def test_an_electrolysis_may_go_on_where_the_protocol_says_so():
    step = CA(potential="0.5 V vs ref", duration="60 s", dt="0.1 s", on_resume="continue")
    assert policy_of(step) == "continue"
    assert remaining(step, 45.0).duration == pytest.approx(15.0)


@pytest.mark.parametrize(("done", "quiet", "duration"), [(4.0, 6.0, 60.0), (10.0, None, 60.0), (25.0, None, 45.0)])
def test_a_quiet_time_is_done_first(done, quiet, duration):
    step = CA(potential="0.5 V vs ref", duration="60 s", dt="0.1 s", quiet="10 s", on_resume="continue")
    left = remaining(step, done)
    assert left.quiet == (None if quiet is None else pytest.approx(quiet))
    assert left.duration == pytest.approx(duration)


def test_a_charge_that_must_not_be_interrupted_begins_again_or_stops():
    restarting = CP(current="1 mA", duration="60 s", dt="1 s", on_resume="restart")
    assert remaining(restarting, 45.0) is None
    assert policy_of(CP(current="1 mA", duration="60 s", dt="1 s", on_resume="stop")) == "stop"
    assert policy_of(CV(begin="0 V vs ref", vertices=("1 V", "0 V"), **SWEEP, on_resume="stop")) == "stop"


@given(done=st.floats(1e-3, 1e4), duration=st.floats(1.0, 1e4))
@settings(deadline=None, derandomize=True, max_examples=100)
def test_nothing_is_done_for_longer_than_was_asked_for(done, duration):
    step = CP(current="1 mA", duration=f"{duration:.6f} s", dt="0.5 s")
    left = remaining(step, done).duration
    assert left >= 0.5
    assert left == pytest.approx(step.duration - done, abs=1e-5) or (left == 0.5 and step.duration - done < 0.5)


def test_what_is_left_is_a_valid_step_with_another_fingerprint():
    left = remaining(STEPS["cp"], 45.0)
    assert CP(**{k: v for k, v in left.to_json().items() if k != "do"}) == left
    assert left.fingerprint() != STEPS["cp"].fingerprint()


def test_a_sweep_cannot_go_on_in_its_middle():
    with pytest.raises(UsageError, match="a cv that was interrupted cannot go on in its middle"):
        CV(begin="0 V vs ref", vertices=("1 V", "0 V"), **SWEEP, on_resume="continue")
    text = 'title = "x"\nsteps = [{do = "prompt", text = "Stir.", on_resume = "continue"}]\n' + SAMPLE
    with pytest.raises(ProtocolError, match=r'steps\[1\].on_resume: .* Write "restart" or "stop"'):
        load_protocol(text=text)


def test_it_changes_the_fingerprint_only_where_it_is_written():
    plain = CP(current="1 mA", duration="60 s", dt="1 s")
    assert CP(current="1 mA", duration="60 s", dt="1 s", on_resume="stop").fingerprint() != plain.fingerprint()


def test_a_loop_says_it_for_the_steps_inside():
    inside = CP(current="1 mA", duration="60 s", dt="1 s")
    own = CP(current="2 mA", duration="60 s", dt="1 s", on_resume="restart")
    steps = [e.step for e in walk([Repeat(times=1, steps=(inside, own), on_resume="stop")])]
    assert [policy_of(step) for step in steps] == ["stop", "restart"]
