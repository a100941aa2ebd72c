"""Chronopotentiometry as a step: a current with a sign, and a largest potential that may be left out."""

import pytest

from luggin.capabilities import Technique
from luggin.errors import ProtocolError, UsageError
from luggin.steps import CA, CP, OCP, Chain, load_protocol

SAMPLE = '[sample]\nid = "x"\nwiring = "three-electrode"\nworking = "GC"\ncounter = "Pt"\nreference = "Ag/AgCl"\n'


def load(step: str, head: str = ""):
    return load_protocol(text=f'title = "x"\n{head}\nsteps = [{step}]\n{SAMPLE}').protocol.steps[0]


def test_what_the_instrument_is_asked_for():
    step = load('{do = "cp", current = "-10 uA", duration = "1 min", dt = "500 ms", potential_limit = "2 V"}')
    assert isinstance(step, CP)
    assert step.technique(ocp=None, previous=None) == Technique(
        "cp", {"current": -1e-5, "duration": 60.0, "dt": 0.5, "potential_limit": 2.0}
    )


def test_the_largest_potential_may_be_left_to_the_limits():
    step = CP(current="1 mA", duration="10 s", dt="1 s")
    assert step.technique(None, None).parameters["potential_limit"] is None
    assert step.setpoints() == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"current": "10 mV"}, "'mV' is not a unit of current"),
        ({"current": 1e-5}, '1e-05 has no unit. Write the quantity with its unit, in quotes, such as "10 uA".'),
        ({"potential_limit": "-2 V"}, "-2 V is out of range; allowed is more than 0 V."),
        ({"dt": "2 min"}, "2 min is longer than the whole step (1 min)."),
        ({"quiet": "1 s"}, "there is no key `quiet` here."),
    ],
)
def test_mistakes_are_told_in_words(changes, words):
    asked = {"current": "10 uA", "duration": "1 min", "dt": "0.5 s"} | changes
    with pytest.raises(UsageError) as refused:
        CP(**asked)
    assert words in str(refused.value)


def test_it_keeps_the_cell_closed_in_a_chain():
    chain = Chain(
        steps=[CP(current="1 uA", duration="1 s", dt="0.1 s"), CP(current="-1 uA", duration="1 s", dt="0.1 s")]
    )
    assert [step.do for step in chain.steps] == ["cp", "cp"]
    assert Chain(steps=[CA(potential="0 V vs ref", duration="1 s", dt="0.1 s"), chain.steps[0]]).steps[1].do == "cp"
    with pytest.raises(UsageError, match="`ocp` cannot stand inside `chain`"):
        Chain(steps=[chain.steps[0], OCP(duration="1 s")])


def test_the_same_current_written_otherwise_is_the_same_step():
    one = CP(current="10 uA", duration="60 s", dt="0.5 s")
    assert one.fingerprint() == CP(current="0.01 mA", duration="1 min", dt="500 ms").fingerprint()
    assert one.fingerprint() != CP(current="-10 uA", duration="60 s", dt="0.5 s").fingerprint()
    assert CP(**{k: v for k, v in one.to_json().items() if k != "do"}) == one


def test_a_current_is_required():
    with pytest.raises(ProtocolError, match=r"`current` is missing"):
        load('{do = "cp", duration = "1 min", dt = "0.5 s"}')
