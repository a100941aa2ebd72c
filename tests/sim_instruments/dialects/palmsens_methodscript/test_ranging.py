"""Current ranges: flags, clipping and autoranging, reading by reading."""

import pytest

from luggin_sim.dialects.palmsens_methodscript.ranging import CurrentRanging
from luggin_sim.dialects.palmsens_methodscript.rules import Rules

RANGES = ((9, 100e-9), (12, 1e-6), (15, 10e-6), (18, 100e-6))


@pytest.fixture
def fixed():
    ranging = CurrentRanging(RANGES, Rules())
    ranging.set_range(10e-6)
    return ranging


@pytest.mark.parametrize(
    ("current", "shown", "metadata"),
    [
        (5e-6, 5e-6, ",10,20F"),
        (-5e-6, -5e-6, ",10,20F"),
        (10e-6, 10e-6, ",10,20F"),
        (11e-6, 11e-6, ",18,20F"),
        (12.5e-6, 12e-6, ",12,20F"),
        (-1.0, -12e-6, ",12,20F"),
        (9e-9, 9e-9, ",14,20F"),
        (0.0, 0.0, ",14,20F"),
    ],
)
def test_readings_on_a_fixed_range(fixed, current, shown, metadata):
    assert fixed.read(current, 0) == (pytest.approx(shown, abs=1e-15), metadata)


def test_the_timing_bit_is_kept_beside_the_others(fixed):
    assert fixed.read(-1.0, 1)[1] == ",13,20F"


def test_autoranging_goes_up_one_range_per_reading():
    ranging = CurrentRanging(RANGES, Rules())
    ranging.set_range(100e-9)
    ranging.set_autoranging(100e-9, 100e-6)
    read = [ranging.read(50e-6, 0) for _ in range(5)]
    assert [metadata for _, metadata in read] == [",12,209", ",12,20C", ",12,20F", ",10,212", ",10,212"]
    assert [value for value, _ in read] == pytest.approx([120e-9, 1.2e-6, 12e-6, 50e-6, 50e-6])


def test_autoranging_goes_down_only_to_its_lowest_range():
    ranging = CurrentRanging(RANGES, Rules(down_after=1))
    ranging.set_autoranging(1e-6, 100e-6)
    assert [ranging.read(1e-9, 0)[1][-2:] for _ in range(4)] == ["12", "0F", "0C", "0C"]


def test_a_current_near_a_limit_does_not_make_the_range_jump_to_and_fro():
    ranging = CurrentRanging(RANGES, Rules(down_after=1))
    ranging.set_autoranging(100e-9, 100e-6)
    ranging.read(8e-6, 0)
    assert {ranging.read(current, 0)[1][-2:] for current in (8e-6, 8.8e-6, 5.1e-6, 8e-6)} == {"12"}


def test_a_range_is_left_downwards_only_after_many_small_readings_in_a_row():
    ranging = CurrentRanging(RANGES, Rules(down_after=3))
    ranging.set_autoranging(10e-6, 100e-6)
    ranges = [ranging.read(current, 0)[1][-2:] for current in (1e-6, 1e-6, 9e-6, 1e-6, -1e-6, 1e-6, 1e-6)]
    assert ranges == ["12"] * 6 + ["0F"]


def test_a_reading_that_is_not_a_number_moves_no_range():
    ranging = CurrentRanging(RANGES, Rules(down_after=1))
    ranging.set_autoranging(100e-9, 100e-6)
    assert {ranging.read(float("nan"), 0)[1] for _ in range(3)} == {",10,212"}


def test_a_start_range_outside_of_the_autoranging_limits_is_brought_inside():
    ranging = CurrentRanging(RANGES, Rules())
    ranging.set_range(100e-9)
    ranging.set_autoranging(10e-6, 100e-6)
    assert ranging.read(5e-6, 0)[1] == ",10,20F"


def test_the_converter_has_steps_if_it_is_told_to():
    ranging = CurrentRanging(RANGES, Rules(counts=1000))
    ranging.set_range(10e-6)
    assert ranging.read(3.14159e-6, 0)[0] == pytest.approx(3.14e-6, rel=1e-12)
