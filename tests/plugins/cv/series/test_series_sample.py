"""What the sample says, with its uncertainty, and what must be known about it."""

import math

import pytest

from luggin.results import Refusal
from luggin_plugins.cv.series.sample import concentration, electrode_area, temperature_uncertainty


def test_a_disc_has_the_area_of_its_diameter_and_twice_its_relative_uncertainty():
    area = electrode_area({"working": {"material": "glassy carbon", "diameter": "3.0(1) mm"}})
    assert area.value == pytest.approx(math.pi * 0.15**2)
    assert area.relative == pytest.approx(2 * 0.1 / 3.0)
    assert area.flags == ()


def test_a_stated_area_counts_before_a_diameter():
    area = electrode_area({"working": {"area": "0.071(5) cm2", "diameter": "9 mm"}})
    assert (area.value, area.u) == (pytest.approx(0.071), pytest.approx(0.005))


@pytest.mark.parametrize(
    ("text", "relative"),
    [
        ("0.5 mM", 0.05 / math.sqrt(3) / 0.5),
        ("0.50 mM", 0.005 / math.sqrt(3) / 0.5),
        ("5e-4 M", 0.5 / math.sqrt(3) / 5),
    ],
)
def test_without_an_uncertainty_the_last_digit_is_what_is_known(text, relative):
    amount = concentration({"concentration": text})
    assert amount.value == pytest.approx(5e-7)
    assert amount.relative == pytest.approx(relative)
    assert amount.flags == ("uncertainty of the concentration taken from its last digit",)


@pytest.mark.parametrize("listed", ["concentration", ["electrolyte", "concentration"]])
def test_an_assumed_concentration_is_flagged(listed):
    assert concentration({"concentration": "0.50(1) mM", "assumed": listed}).flags == ("concentration only assumed",)


@pytest.mark.parametrize("name", ["electrode", "working.diameter", "working"])
def test_an_assumed_electrode_is_flagged(name):
    sample = {"working": {"diameter": "3.0(1) mm"}, "assumed": [name]}
    assert electrode_area(sample).flags == ("area only assumed",)


def test_what_is_not_stated_is_a_refusal():
    assert isinstance(electrode_area({"working": {"material": "Pt"}}), Refusal)
    assert electrode_area({}).code == "area-unknown"
    assert concentration({}).code == "concentration-unknown"


def test_temperature_uncertainty_is_that_of_the_text():
    assert temperature_uncertainty({"temperature": "25(1) degC"}) == 1.0
    assert temperature_uncertainty({}) == 0.0
