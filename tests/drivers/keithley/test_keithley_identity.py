"""Who answers, and in which command set."""

import pytest

import luggin_drivers
from luggin.errors import NoInstrument, ReplyTimeout

IDN = b"KEITHLEY INSTRUMENTS,MODEL 2450,04412345,1.7.12b\n"


def test_the_instrument_says_who_it_is(dialogue):
    with dialogue([(b"*IDN?\n", IDN), (b"*LANG?\n", b"SCPI\n")]) as unit:
        identity = unit.identify()
    assert (identity.maker, identity.model) == ("Keithley", "Keithley 2450")
    assert (identity.serial, identity.firmware) == ("04412345", "1.7.12b")
    assert identity.raw == IDN.decode().strip()


def test_an_ec_kit_is_its_model(dialogue):
    reply = b"KEITHLEY INSTRUMENTS,MODEL 2460-EC,1,1.0\n"
    with dialogue([(b"*IDN?\n", reply), (b"*LANG?\n", b"SCPI\n")], model="2460") as unit:
        assert unit.identify().model == "Keithley 2460"


@pytest.mark.parametrize("language", ["TSP", "SCPI2400"])
def test_in_another_command_set_nothing_else_is_said(dialogue, language):
    # the dialogue has no further line: a third command would fail the test
    with dialogue([(b"*IDN?\n", IDN), (b"*LANG?\n", language.encode() + b"\n")]) as unit:
        with pytest.raises(NoInstrument) as refused:
            unit.identify()
    assert f"is set to the command set {language}; this driver speaks SCPI" in str(refused.value)
    assert "send *LANG SCPI, and switch it off and on" in str(refused.value)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            b"KEITHLEY INSTRUMENTS,MODEL 2461,1,1.0\n",
            "but a Keithley 2461 (model = '2461') answers at TCPIP0::10.0.0.7",
        ),
        (b"KEITHLEY INSTRUMENTS,MODEL 6517B,1,1.0\n", "but a Keithley 6517B answers"),
        (b"Agilent Technologies,E4980A,MY1,A.06.15\n", "this driver speaks to a Keithley"),
    ],
)
def test_somebody_else_is_refused_by_name(dialogue, reply, words):
    with dialogue([(b"*IDN?\n", reply)]) as unit, pytest.raises(NoInstrument) as refused:
        unit.identify()
    assert words in str(refused.value)


def test_silence_is_told_after_the_question_and_one_look_for_the_unit(dialogue, clock):
    with dialogue([(b"*IDN?\n", b"")] * 2) as unit, pytest.raises(ReplyTimeout):
        unit.identify()
    assert clock.now() == pytest.approx(2.0 + 0.1 + 2.0)  # the timeout, the silence that clears a line, the timeout


def test_making_a_driver_says_nothing(dialogue):
    with dialogue([]) as unit:
        assert unit.capabilities.model == "Keithley 2450"


def test_the_driver_is_found_by_its_hook():
    driver = next(d for d in luggin_drivers.luggin_drivers() if d.id == "keithley.2450")
    assert set(driver.models) == {"2450", "2460", "2461"}
    assert driver.line_settings({"model": "2450"}) == {"terminator": b"\n", "timeout": 2.0}
