"""What an instrument can do, as declared data."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.capabilities import (
    Capabilities,
    Exchange,
    LimitRequest,
    MeasuringInstrument,
    Range,
    Realised,
    Technique,
    TechniqueCapability,
)
from luggin.records import CURRENT, INSTRUMENT_TIME, POTENTIAL, Schema

WINDOW = Range(-3.0, 3.0, "V")


@pytest.mark.parametrize("value", [-3.0, 3.0, 0, 2.999])
def test_both_ends_of_a_range_are_in_it(value):
    assert value in WINDOW


@pytest.mark.parametrize("value", [-3.0000001, 3.1, float("nan"), float("inf"), float("-inf")])
def test_what_is_outside_of_a_range_or_no_number_is_not_in_it(value):
    assert value not in WINDOW


@settings(deadline=None, derandomize=True)
@given(st.floats(), st.floats(), st.floats())
def test_a_range_holds_what_lies_between_its_ends(low, high, value):
    assert (value in Range(low, high, "V")) == (low <= value <= high)


def test_a_range_is_taken_as_documented_unless_it_says_otherwise():
    assert WINDOW.confirmed
    assert not Range(0.0, 1.0, "V", confirmed=False, source="conservative").confirmed


def test_nothing_about_an_instrument_is_claimed_by_default():
    capabilities = Capabilities("P1", {}, WINDOW, Range(0.0, 1e-3, "A"))
    assert not capabilities.chain
    assert capabilities.polarity == "unknown"
    assert capabilities.enforced == {}
    assert capabilities.tested_on == "not tested on hardware; simulator only"


def test_the_duration_of_a_chain_is_that_of_its_techniques():
    techniques = (Technique("ocp", {"duration": 10.0, "dt": 0.5}), Technique("ca", {"potential": 0.1}))
    schemas = (Schema("ocp", (INSTRUMENT_TIME, POTENTIAL)), Schema("ca", (INSTRUMENT_TIME, CURRENT)))
    realised = Realised(techniques, schemas, (10.0, 2.5), (21, 25), latency=0.1)
    assert realised.duration == 12.5
    assert Realised((), (), (), (), latency=0.0).duration == 0.0


@pytest.mark.parametrize(
    "declared",
    [
        WINDOW,
        TechniqueCapability("native", Schema("cv", (POTENTIAL,))),
        Technique("cv", {}),
        LimitRequest("current", -1.0, 1.0),
        Exchange(b"Z\n"),
    ],
)
def test_declarations_cannot_be_changed(declared):
    name = dataclasses.fields(declared)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(declared, name, None)


class Voltmeter:
    """Everything that the contract names, and nothing more."""

    name = "voltmeter"
    capabilities = Capabilities("V1", {}, WINDOW, Range(0.0, 0.0, "A"))

    def identify(self): ...
    def prepare(self, techniques): ...
    def arm(self, limits): ...
    def frames(self): ...
    def request_abort(self): ...
    def end_technique(self): ...
    def make_safe(self): ...
    def safe_dialogue(self): ...
    def close(self): ...


def test_whoever_has_the_whole_contract_is_a_measuring_instrument():
    assert isinstance(Voltmeter(), MeasuringInstrument)


@pytest.mark.parametrize("missing", [name for name in vars(Voltmeter) if not name.startswith("_")])
def test_whoever_lacks_a_part_of_the_contract_is_none(missing):
    parts = {name: value for name, value in vars(Voltmeter).items() if not name.startswith("__") and name != missing}
    assert not isinstance(type("Voltmeter", (), parts)(), MeasuringInstrument)
