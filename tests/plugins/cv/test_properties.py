"""What must not change a half-wave potential."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.records import Flag
from luggin.results import AnalysisInput, Table
from luggin_plugins.cv.half_waves import half_waves

CAREFULLY = settings(max_examples=25, deadline=None, derandomize=True)


def half_wave(outcome):
    (found,) = (q for q in outcome.quantities if q.name == "half_wave_potential")
    return found


@pytest.fixture(scope="module")
def noisy(one_couple):
    return one_couple.noisy(3e-8, seed=7)


@pytest.fixture(scope="module")
def reference(noisy):
    return half_wave(noisy.evaluate())


@CAREFULLY
@given(factor=st.floats(1e-9, 1e4))
def test_scaling_the_current(noisy, reference, factor):
    found = half_wave(type(noisy)(noisy.time, noisy.potential, factor * noisy.current).evaluate())
    assert found.value == pytest.approx(reference.value, abs=1e-8)
    assert found.u == pytest.approx(reference.u, rel=1e-3)


def test_the_unit_of_the_columns(noisy, reference):
    scaled = type(noisy)(noisy.time, 1e3 * noisy.potential, 1e3 * noisy.current)
    found = half_wave(scaled.evaluate(units={"current": "mA", "potential": "mV"}))
    assert found.value == pytest.approx(reference.value, abs=1e-8)


@CAREFULLY
@given(shift=st.floats(-1e5, 1e6))
def test_shifting_time(noisy, reference, shift):
    found = half_wave(type(noisy)(noisy.time + shift, noisy.potential, noisy.current).evaluate())
    assert found.value == pytest.approx(reference.value, abs=1e-6)


@CAREFULLY
@given(shift=st.floats(-2, 2))
def test_another_reference_electrode_shifts_everything(noisy, reference, shift):
    found = half_wave(type(noisy)(noisy.time, noisy.potential + shift, noisy.current).evaluate())
    # a row at the border of a window may fall in or out by rounding
    assert found.value == pytest.approx(reference.value + shift, abs=0.1 * reference.u)


@CAREFULLY
@given(place=st.integers(1, 2399))
def test_splitting_the_measurement_anywhere(noisy, reference, place):
    pieces = (noisy.rows(slice(None, place)).table(), noisy.rows(slice(place, None)).table())
    assert half_wave(half_waves(AnalysisInput(pieces))).value == reference.value


def test_turning_both_axes(noisy, reference):
    """An oxidation seen in the mirror is a reduction: E1/2 changes its sign and nothing else."""
    found = half_wave(type(noisy)(noisy.time, -noisy.potential, -noisy.current).evaluate())
    # difference quotients are taken to one side, so the two fits stop at slightly other places
    assert found.value == pytest.approx(-reference.value, abs=0.01 * reference.u)
    assert found.u == pytest.approx(reference.u, rel=0.01)


@pytest.mark.parametrize("mark", ["flags", "cycle", "nothing"])
def test_a_rest_in_front(noisy, reference, mark):
    rest = 250
    resting = type(noisy)(
        np.concatenate([np.arange(rest) * 0.04, noisy.time + rest * 0.04]),
        np.concatenate([np.full(rest, noisy.potential[0]), noisy.potential]),
        np.concatenate([np.full(rest, 1e-9), noisy.current]),
    )
    marked = np.arange(resting.time.size) < rest
    columns = {
        "flags": {"flags": np.where(marked, int(Flag.QUIET_TIME), 0)},
        "cycle": {"cycle": np.where(marked, 0, 1)},
        "nothing": {},
    }[mark]
    found = half_wave(resting.evaluate(**columns))
    assert found.value == pytest.approx(reference.value, abs=1e-5 if mark == "nothing" else 1e-12)


def test_instrument_time_is_as_good_as_run_time(noisy, reference):
    columns = {"instrument_time": noisy.time, "potential": noisy.potential, "current": noisy.current}
    assert half_wave(half_waves(AnalysisInput((Table("cv", columns),)))).value == reference.value


def test_a_potential_that_is_read_back_with_noise_or_in_steps(noisy, reference):
    jitter = 2e-4 * np.random.default_rng(1).standard_normal(noisy.potential.size)
    for potential in (noisy.potential + jitter, np.round(noisy.potential / 5e-4) * 5e-4):
        found = half_wave(type(noisy)(noisy.time, potential, noisy.current).evaluate())
        assert found.value == pytest.approx(reference.value, abs=3 * reference.u)


def test_the_caller_keeps_his_data(noisy):
    table = noisy.table()
    before = {name: column.copy() for name, column in table.columns.items()}
    half_waves(AnalysisInput((table,)))
    assert all(np.array_equal(before[name], column) for name, column in table.columns.items())
