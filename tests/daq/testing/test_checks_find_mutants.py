"""Each check finds the driver that breaks it, and passes the one that does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import mutants

from luggin.testing import CHECKS, Subject
from luggin.testing.checking import judge

_BY_NAME = {check.name: check for check in CHECKS}
SETTINGS = {"model": "emstat4-hr"}


def subject(driver):
    return Subject(driver.id, SETTINGS, plugins=mutants.plugins_with(driver))


def verdict(name, driver):
    return judge(_BY_NAME[name], subject(driver))


FOUND_BY = [
    ("silent_constructor", mutants.Chatty, "it sent b't"),
    ("silent_constructor", mutants.TalksWhenLookedAt, "temperature"),
    ("silent_constructor", mutants.TakesAnyAttribute, "misspelt"),
    ("works_offline", mutants.KnowsItself, "although there is no line"),
    ("readings_are_read", mutants.Unreadable, "twin.wind: cannot make sense of"),
    ("units_and_docs_everywhere", mutants.Undocumented, "nameless has no doc"),
    ("units_and_docs_everywhere", mutants.StrangeUnit, "furlong"),
    ("units_and_docs_everywhere", mutants.Unlimited, "level is a number without limits"),
    ("units_and_docs_everywhere", mutants.NamelessColumn, "flags of ca has no long name"),
    ("units_and_docs_everywhere", mutants.UnsourcedRange, "range of current does not say"),
    ("capabilities_are_consistent", mutants.NoCycles, "cv has no column cycle"),
    ("capabilities_are_consistent", mutants.DescendingRanges, "do not ascend"),
    ("prepare_says_what_it_will_do", mutants.RoundsInSecret, "no note says so"),
    ("refuses_what_is_out_of_range", mutants.Boundless, "no technique to prepare"),
    ("refuses_what_is_out_of_range", mutants.Wordless, "does not name"),
    ("identifies_its_instrument", mutants.Nameless, "neither serial number nor firmware"),
    ("refuses_strangers", mutants.Credulous, "was taken for"),
    ("rows_are_as_declared", mutants.LosesHalf, "were promised"),
    ("rows_are_as_declared", mutants.StandingClock, "does not rise"),
    ("no_flag_without_a_reason", mutants.Flagger, "COMPLIANCE"),
    ("potentials_and_currents_are_right", mutants.WrongSign, "the dummy has"),
    ("potentials_and_currents_are_right", mutants.WrongScale, "the dummy has"),
    ("potentials_and_currents_are_right", mutants.ForwardIsReverse, "swv: row 0 has forward_current"),
    ("potentials_and_currents_are_right", mutants.PhaseShift, "eis: row 0 has impedance_imaginary"),
    ("a_low_range_follows_a_high_one", mutants.WrongScale, "the dummy has"),
    ("oxidation_is_positive", mutants.WrongSign, "oxidation comes first"),
    ("each_preparation_runs_once", mutants.ForgetsNothing, "without a prepare"),
    ("nonsense_is_no_value", mutants.Inventive, "ratio: "),
    ("silence_is_told_in_time", mutants.Patient, "silence was told after 20 s"),
    ("off_behind_the_end", mutants.LeavesTheCellOn, "the cell is on behind the end"),
    ("off_when_nobody_takes_the_rows", mutants.SaysItIsSafe, "but the cell is on"),
    ("off_when_the_consumer_raises", mutants.SaysItIsSafe, "but the cell is on"),
    ("off_after_an_abort_at_any_row", mutants.SlowToAbort, "0.001 s are declared"),
    ("off_after_an_abort_at_any_row", mutants.DeafToAborts, "was off after"),
    ("off_after_an_abort_at_any_moment", mutants.DeafToAborts, "was off after"),
    ("off_after_an_abort_at_any_moment", mutants.LeavesTheCellOn, "the cell is on behind"),
    ("end_technique_ends_one", mutants.GoesOn, "was off after"),
    ("end_technique_in_a_chain", mutants.GoesOn, "ran to its end"),
    ("a_chain_keeps_the_cell_closed", mutants.LeavesTheCellOn, "the cell is on behind the chain"),
    ("make_safe_reads_back", mutants.StopsOnly, "no exchange verifies an answer"),
    ("make_safe_reads_back", mutants.SaysItIsSafe, "make_safe sent b''"),
    ("make_safe_reads_back", mutants.OtherBytes, "safe_dialogue says"),
    ("make_safe_at_any_moment", mutants.SaysItIsSafe, "but the cell is on"),
    ("safe_dialogue_opens_the_cell_without_us", mutants.GuardedHalf, "but the cell is on"),
    ("fault_garbage", mutants.MakesUpRows, "the one before it from"),
    ("fault_drop", mutants.UnmarkedGap, "no flag says so"),
    ("fault_drop", mutants.TriesAgain, "was sent 2 times"),
    ("fault_unplug", mutants.Swallows, "are missing, and nobody says so"),
    ("fault_unplug", mutants.Raw, "no InstrumentError"),
    ("fault_double", mutants.SaysItIsSafe, "but the cell is on"),
    ("an_abort_that_is_not_heard_is_told", mutants.Swallows, "and the cell is on"),
]


@pytest.mark.parametrize(("name", "kind", "words"), FOUND_BY, ids=lambda value: getattr(value, "__name__", None))
def test_a_wrong_driver_is_found(name, kind, words):
    found = verdict(name, mutants.Driver(kind))
    assert found.outcome == "failed", f"{name} passed {kind.__name__}"
    assert words in found.detail


def test_a_driver_that_takes_any_setting_is_found():
    found = verdict("refuses_unknown_settings", mutants.TakesAnySetting(mutants.Good))
    assert found.outcome == "failed"
    assert "no_such_setting" in found.detail


@pytest.mark.parametrize("kind", [mutants.KeepsItsLevel, mutants.SourceMeter])
def test_a_level_that_is_in_the_way_of_the_next_range_is_found(kind):
    driver = mutants.UnitDriver(kind)
    unit = Subject(driver.id, {"model": "2450"}, plugins=mutants.plugins_with(driver))
    found = judge(_BY_NAME["a_low_range_follows_a_high_one"], unit)
    assert found.outcome == ("failed" if kind is mutants.KeepsItsLevel else "passed")
    assert kind is mutants.SourceMeter or "ca in the low range behind ca in the high one" in found.detail
    assert kind is mutants.SourceMeter or "SOUR:VOLT:RANG" in found.detail


@pytest.mark.parametrize("kind", [mutants.OutOfStep, mutants.SourceMeter])
def test_answers_that_are_one_behind_are_found(kind):
    driver = mutants.UnitDriver(kind)
    unit = Subject(driver.id, {"model": "2450"}, plugins=mutants.plugins_with(driver))
    found = judge(_BY_NAME["answers_over_a_failing_line_are_right_or_none"], unit)
    assert found.outcome == ("failed" if kind is mutants.OutOfStep else "passed")
    assert kind is mutants.SourceMeter or "was read as" in found.detail


@pytest.mark.parametrize("name", sorted({name for name, _, _ in FOUND_BY}))
def test_the_good_driver_passes_what_finds_the_others(name):
    found = verdict(name, mutants.Driver(mutants.Good))
    assert (found.outcome, found.detail) == ("passed", "")


#: One that runs again after a power failure, at the set point of its memory.
BATH = {"options": {"started": True}}
BATHS_FOUND_BY = [
    ("fault_unplug", mutants.Remembers, "read_temperature, unplug after 0 of 1 replies: it read 20.0 degC"),
    ("fault_garbage", mutants.Remembers, "it read 20.0 degC"),
    ("fault_mute", mutants.RawBath, "which is no InstrumentError"),
    ("fault_double", mutants.BathOutOfStep, "although the fault is over"),
    ("fault_reboot", mutants.SetsAgain, "was sent 2 times"),
    ("fault_reboot", mutants.LooksBeforeTheStart, "3600 s later there are 25 degC"),
    ("fault_mute", mutants.IsLeft, "make_safe, mute after 0 of 1 replies: it said 'it will be', and now it says"),
]


@pytest.mark.parametrize(("name", "kind", "words"), BATHS_FOUND_BY, ids=lambda value: getattr(value, "__name__", None))
def test_a_wrong_bath_is_found(name, kind, words):
    driver = mutants.BathDriver(kind)
    bath = Subject(driver.id, {"model": "cf31"}, BATH, plugins=mutants.plugins_with(driver))
    found = judge(_BY_NAME[name], bath)
    assert found.outcome == "failed", f"{name} passed {kind.__name__}"
    assert words in found.detail


def test_every_check_says_what_it_requires():
    assert all(check.requires.endswith(".") and len(check.requires) > 30 for check in CHECKS)
    assert len(_BY_NAME) == len(CHECKS)
