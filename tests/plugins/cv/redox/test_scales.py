"""Conversion between reference electrodes: only with a source, an uncertainty, and in the same solvent."""

import math

import pytest

from luggin.results import Refusal
from luggin_plugins.cv.redox.scales import holds_water, offset_to, stored_offsets
from luggin_plugins.cv.theory import thermal_voltage

AGCL = "Ag/AgCl (3.5 M KCl)"
GIVEN = {"offset": "0.400(5) V", "offset_solvent": "CH3CN", "cited": "own measurement, notebook 12"}


def test_every_stored_offset_has_a_source_an_uncertainty_and_a_medium():
    assert stored_offsets()
    for offset in stored_offsets():
        assert len(offset.source) > 30
        assert 0 < offset.u < 0.05
        assert offset.medium


def test_the_stored_offset_between_chloride_solutions_is_that_of_nernst():
    (offset,) = [o for o in stored_offsets() if o.begin == "Ag/AgCl (3 M KCl)"]
    assert offset.value == pytest.approx(thermal_voltage(298.15) * math.log(3.5 / 3.0), abs=1e-4)


def test_a_stored_offset_works_both_ways_in_water():
    there = offset_to("Ag/AgCl (3 M KCl)", AGCL, {"solvent": "water"}, {})
    back = offset_to(AGCL, "Ag/AgCl (3 M KCl)", {"solvent": "H2O"}, {})
    assert there.value == -back.value == pytest.approx(-0.004)
    assert there.u == back.u == pytest.approx(0.002)


def test_a_given_offset_is_the_zero_of_the_scale():
    offset = offset_to("Fc+/0", AGCL, {"solvent": "CH3CN"}, GIVEN)
    assert (offset.value, offset.u) == (pytest.approx(-0.4), pytest.approx(0.005))
    assert offset.source == "own measurement, notebook 12"


@pytest.mark.parametrize(
    ("to", "reference", "sample", "options", "code"),
    [
        ("SCE", AGCL, {"solvent": "CH3CN"}, GIVEN, "aqueous-to-nonaqueous"),
        ("Ag/AgCl (3 M KCl)", AGCL, {"solvent": "DMSO"}, {}, "aqueous-to-nonaqueous"),
        ("Fc+/0", AGCL, {"solvent": "CH3CN"}, {}, "aqueous-to-nonaqueous"),
        ("Fc+/0", AGCL, {"solvent": "DMSO"}, GIVEN, "offset-of-another-solvent"),
        ("Fc+/0", AGCL, {"solvent": "CH3CN"}, {**GIVEN, "offset_solvent": ""}, "offset-solvent-missing"),
        ("Fc+/0", AGCL, {"solvent": "CH3CN"}, {**GIVEN, "cited": " "}, "offset-not-cited"),
        ("Fc+/0", AGCL, {"solvent": "CH3CN"}, {**GIVEN, "offset": "0.4 V"}, "offset-without-uncertainty"),
        ("Fc+/0", "Ag/Ag+", {"solvent": "CH3CN"}, {}, "no-offset"),
        ("SCE", AGCL, {"solvent": "water"}, {}, "no-offset"),
        ("Fc+/0", "", {"solvent": "CH3CN"}, GIVEN, "reference-unknown"),
        ("Fc+/0", AGCL, {}, GIVEN, "solvent-unknown"),
    ],
)
def test_whatever_does_not_hold_is_refused(to, reference, sample, options, code):
    refused = offset_to(to, reference, sample, options)
    assert isinstance(refused, Refusal)
    assert refused.code == code


@pytest.mark.parametrize(
    ("electrode", "water"), [("Ag/AgCl (3.5 M KCl)", True), ("SCE", True), ("Ag/Ag+", False), ("Fc+/0", False)]
)
def test_which_electrodes_hold_water(electrode, water):
    assert holds_water(electrode) is water
