"""Steps of temperature, as a file says them."""

import pytest

from luggin.errors import ProtocolError, UsageError
from luggin.steps import Equilibrate, Ramp, SetTemperature, load_protocol

SAMPLE = '[sample]\nid = "x"\nwiring = "two-electrode, blocking"\nelectrodes = "Pt"\n'


def read(step):
    return load_protocol(text=f'title = "x"\nsteps = [{step}]\n{SAMPLE}').protocol.steps[0]


def test_a_soak_as_the_arrhenius_protocol_has_it():
    step = read(
        '{do = "equilibrate", target = "40 degC", sensor = "sample", within = "0.2 K", slope = "0.02 K/min", '
        'dwell = "2 h", timeout = "8 h", on_timeout = "measure and flag"}'
    )
    assert (step.target, step.within, step.dwell, step.longest) == (40.0, 0.2, 7200.0, 28800.0)
    assert step.slope == pytest.approx(0.02 / 60)
    assert (step.window, step.dt) == (600.0, 10.0)


def test_temperatures_may_be_kelvin_and_differences_may_be_degrees():
    step = Equilibrate(target="313.15 K", within="0.5 degC", slope="0.1 degC/min", dwell="1 h")
    assert step.target == pytest.approx(40.0)
    assert (step.within, step.slope) == (0.5, pytest.approx(0.1 / 60))
    assert step.to_json()["within"] == "0.5 degC"
    assert step.longest == 3600.0 + 6 * 3600.0
    assert SetTemperature(target="40 degC").fingerprint() == SetTemperature(target="313.15 K").fingerprint()


def test_what_was_written_is_what_is_read_again():
    for step in (
        Equilibrate(target="40 degC", within="0.5 degC", dwell="1 h", slope="0.02 K/min"),
        Ramp(target="60 degC", rate="1 K/min"),
        SetTemperature(target="-5 degC", on="bath"),
    ):
        assert type(step)(**{k: v for k, v in step.to_json().items() if k != "do"}) == step


SOAK = '{do = "equilibrate", target = "40 degC", within = "0.2 K", dwell = "2 h", '


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ('{do = "equilibrate", target = "40 degC", dwell = "2 h"}', "within"),
        ('{do = "equilibrate", target = "40", within = "0.2 K", dwell = "2 h"}', "has no unit"),
        ('{do = "equilibrate", target = "40 V", within = "0.2 K", dwell = "2 h"}', "not a unit of temperature"),
        ('{do = "equilibrate", target = "-300 degC", within = "0.2 K", dwell = "2 h"}', "out of range"),
        ('{do = "equilibrate", target = "40 degC", within = "0 K", dwell = "2 h"}', "more than 0 K"),
        (
            '{do = "equilibrate", target = "40 degC", within = "0.2 K", dwell = "2 h", timeout = "1 h"}',
            "is over before",
        ),
        (SOAK + 'sensor = "oven"}', "sample"),
        (
            SOAK + 'slope = "1 K/min", dt = "9 min"}',
            "has no slope",
        ),
        ('{do = "ramp", target = "40 degC"}', "rate"),
        ('{do = "ramp", target = "40 degC", rate = "-1 K/min"}', "out of range"),
        ('{do = "soak", target = "40 degC"}', "Did you mean `equilibrate`?"),
    ],
)
def test_mistakes_are_told_with_the_way_out(step, words):
    with pytest.raises(ProtocolError) as refused:
        read(step)
    assert words in str(refused.value)


def test_no_temperature_step_stands_in_a_chain():
    with pytest.raises(UsageError, match="cannot stand inside `chain`"):
        read('{do = "chain", steps = [{do = "set_temperature", target = "40 degC"}]}')
