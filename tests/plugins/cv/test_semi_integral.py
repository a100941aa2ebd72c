"""The second method: midway between the plateaus of the semi-integral, which has no peaks at all."""

import pytest

MILLIVOLT = 1e-3


def rows_of(outcome):
    return sorted(outcome.tables["waves"], key=lambda row: -row["half_wave_potential"])


def test_it_finds_a_couple_without_looking_at_its_peaks(in_cell, cyclic, couple):
    (row,) = rows_of(in_cell([couple(0.0, 0.02)], cyclic(0.4, (-0.4, 0.4), 0.4, cycles=2)).noisy(4e-8, 1).evaluate())
    assert row["semi_integral"] == pytest.approx(0.0, abs=1 * MILLIVOLT)
    assert abs(row["semi_integral"]) <= 3 * row["u_semi_integral"]
    assert 0.1 * MILLIVOLT < row["u_semi_integral"] < 1.5 * MILLIVOLT


def test_where_both_forms_are_there_the_lower_plateau_is_not_zero(in_cell, cyclic, couple):
    """A scan that begins between its waves: half of the limiting value would be off by far, midway is right."""
    points = cyclic(-0.3, (-1.3, 0.8), -0.3, cycles=2)
    rows = rows_of(in_cell([couple(0.39, 0.02), couple(-0.9, 0.02)], points, start=1).evaluate())
    for row, truth in zip(rows, (0.39, -0.9), strict=True):
        assert row["semi_integral"] == pytest.approx(truth, abs=1 * MILLIVOLT)


@pytest.mark.parametrize("lowest", [-0.10, -0.13])
def test_without_a_plateau_there_is_no_value(in_cell, cyclic, couple, lowest):
    (row,) = rows_of(in_cell([couple(0.0)], cyclic(0.4, (lowest, 0.4), 0.4)).noisy(4e-8, 1).evaluate())
    assert row["semi_integral"] is None
    assert row["half_wave_potential"] == pytest.approx(0.0, abs=1 * MILLIVOLT)
