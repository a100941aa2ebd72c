"""How long steps take, by what they say."""

import pytest

from luggin.steps import CA, CP, CV, LSV, OCP, Chain, Note, Preflight, Prompt, Rest
from luggin.steps.lasting import lasts
from luggin.steps.temperature import Equilibrate, Ramp, SetTemperature

SWEEP = {"rate": "25 mV/s", "step": "1 mV"}
CA_60 = CA(potential="0.5 V vs ref", duration="60 s", dt="1 s")


@pytest.mark.parametrize(
    ("step", "seconds"),
    [
        (OCP(duration="60 s"), 60.0),
        (OCP(duration="60 s", rest_before="5 s"), 65.0),
        (CA_60, 60.0),
        (CA(potential="0.5 V vs ref", duration="60 s", dt="1 s", quiet="2 s"), 62.0),
        (CP(current="1 mA", duration="1 h", dt="1 s"), 3600.0),
        (Rest(duration="10 min"), 600.0),
        # 0 to -1.7, to 0.2, to -1.7, to 0.2, to 0: 7.6 V at 25 mV/s
        (CV(begin="0 V vs ref", vertices=("-1.7 V", "0.2 V"), cycles=2, **SWEEP), 304.0),
        (CV(begin="0 V vs ref", vertices=("-1.7 V", "0.2 V"), cycles=2, quiet="10 s", **SWEEP), 314.0),
        (LSV(begin="0 V vs ref", end="-0.5 V", **SWEEP), 20.0),
        (Chain(steps=(CA_60, LSV(begin="0 V vs ref", end="-0.5 V", **SWEEP))), 80.0),
        (Preflight(), 12.0),
        (Equilibrate(target="40 degC", within="0.2 K", dwell="2 h"), 7200.0),
        (Note(text="Green."), 0.0),
    ],
)
def test_what_a_step_says_about_its_time(step, seconds):
    assert lasts(step) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "step", [Prompt(text="Stir."), Ramp(target="40 degC", rate="1 K/min"), SetTemperature(target="40 degC")]
)
def test_what_nobody_can_say(step):
    assert lasts(step) is None
