"""Where there is no number, the reason is given; and never a number, never a traceback."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from luggin.errors import AnalysisError
from luggin.records import Flag
from luggin.results import AnalysisInput, Table
from luggin_plugins.cv.half_waves import half_waves

CAREFULLY = settings(max_examples=30, deadline=None, derandomize=True)


def codes(outcome):
    return [r.code for r in outcome.refusals]


def no_half_wave(outcome):
    return not any(q.name == "half_wave_potential" for q in outcome.quantities)


def current_of(cell, current):
    return type(cell)(cell.time, cell.potential, current)


@pytest.mark.parametrize("what", ["noise", "zero", "resistor", "double layer"])
def test_nothing_that_is_no_wave_is_taken_for_one(one_couple, what):
    noise = np.random.default_rng(4).standard_normal(one_couple.time.size)
    current = {
        "noise": 1e-9 * noise,
        "zero": 0.0 * noise,
        "resistor": 1e-5 * one_couple.potential + 1e-10 * noise,
        "double layer": 2e-6 * np.gradient(one_couple.potential, one_couple.time) + 1e-10 * noise,
    }[what]
    outcome = current_of(one_couple, current).evaluate()
    assert codes(outcome) == ["no-wave"]
    assert outcome.refused


def test_drifting_noise_is_no_wave(one_couple):
    """A random walk has no white noise to speak of; whatever bumps it has must not pair to a couple."""
    for seed in range(8):
        walk = np.cumsum(np.random.default_rng(seed).standard_normal(one_couple.time.size))
        assert no_half_wave(current_of(one_couple, 1e-9 * walk).evaluate())


def test_a_wave_whose_product_does_not_come_back_has_a_peak_potential(measure, cyclic, couple, values):
    points = cyclic(0.3, (-1.0, 0.3), 0.3, cycles=2)
    outcome = measure(points, [couple(0.0, k0=1e-6)]).evaluate()
    assert codes(outcome) == ["no-return-peak"]
    assert no_half_wave(outcome)
    (peak,) = values(outcome, "peak_potential").values()
    (half,) = values(outcome, "half_peak_potential").values()
    assert peak.verdict == "irreversible"
    assert peak.label.endswith("cathodic")
    # Nicholson and Shain 1964: |Ep - Ep/2| = 1.857 RT / (alpha F) = 95.4 mV for alpha = 0.5. The baseline of
    # a wave without return is known to some percent only: the stated uncertainty has to cover that.
    assert abs(half.value - peak.value - 0.0954) <= 2 * np.hypot(half.u, peak.u)
    assert half.u < 0.004
    assert half.value > peak.value


def test_peaks_too_far_apart_are_given_as_peaks(measure, cyclic, couple, values):
    points = cyclic(0.3, (-0.8, 0.3), 0.3, cycles=2)
    outcome = measure(points, [couple(-0.3, k0=3e-4)]).evaluate()
    assert codes(outcome) == ["peaks-too-far-apart"]
    assert no_half_wave(outcome)
    assert sorted(label.split(", ")[1] for label in values(outcome, "peak_potential")) == ["anodic", "cathodic"]


@pytest.mark.parametrize("vertex", [-0.020, -0.030])
def test_a_scan_that_turns_on_the_wave_is_refused(measure, cyclic, couple, vertex):
    outcome = measure(cyclic(0.3, (vertex, 0.3), 0.3, cycles=2), [couple(0.0)]).evaluate()
    assert codes(outcome) == ["peak-at-vertex"]
    assert outcome.refused


def test_a_scan_that_ends_before_the_return_peak_is_incomplete(one_couple):
    outcome = one_couple.rows(slice(0, 700)).evaluate()
    assert codes(outcome) == ["incomplete-sweep"]
    assert no_half_wave(outcome)


def test_a_later_cycle_that_is_cut_off_costs_nothing(one_couple):
    whole, cut = one_couple.evaluate(), one_couple.rows(slice(0, 1900)).evaluate(complete=False)
    assert "the voltammogram was cut short" in cut.flags
    found = [q for q in cut.quantities if q.name == "half_wave_potential"]
    assert found[0].value == pytest.approx(whole.quantities[0].value, abs=2e-4)
    assert any("return peak missing" in flag for flag in found[0].flags)


def test_current_with_the_sign_turned_is_refused_and_not_turned_back(cluster):
    outcome = current_of(cluster, -cluster.current).evaluate()
    assert codes(outcome) == ["current-sign"]
    assert outcome.refused
    assert outcome.figures


def test_a_current_that_the_reader_turned_the_wrong_way_is_told_so(cluster):
    turned = current_of(cluster, -cluster.current)
    (kept,) = turned.evaluate().refusals
    (refusal,) = turned.evaluate(parameters={"current_turned": "CONVENTION 0"}).refusals
    assert refusal.code == "current-sign"
    assert "turned by CONVENTION 0 of the file; the loop now runs the wrong way" in refusal.reason
    assert "nothing was turned round" not in refusal.reason
    assert "nothing was turned round" in kept.reason


def test_what_a_reader_remarks_is_a_flag(one_couple):
    cut = one_couple.rows(slice(0, 1900))
    remarks = {"remarks": ["715 of 1600 points missing"]}
    flags = cut.evaluate(complete=False, parameters=remarks).flags
    assert {"the voltammogram was cut short", "715 of 1600 points missing"} <= set(flags)


@pytest.mark.parametrize("rows", range(310, 1200, 20))
def test_rows_that_end_anywhere_in_the_first_cycle_are_no_scan_that_turns_on_the_wave(one_couple, rows):
    """Cut within a peak or before its return: it is the file that ends, and nobody is told to extend the scan."""
    outcome = one_couple.rows(slice(0, rows)).evaluate(complete=False)
    assert set(codes(outcome)) <= {"incomplete-sweep", "no-wave"}
    assert "the voltammogram was cut short" in outcome.flags


def test_a_return_that_is_not_in_a_cut_file_may_have_come_later(measure, cyclic, couple):
    """The slow couple returns 0.3 V and more behind its forward peak; 0.2 V behind it, nothing can be said yet."""
    slow = measure(cyclic(0.3, (-0.8, 0.3), 0.3, step=2e-3), [couple(-0.3, k0=1e-4)])
    forward = slow.potential[int(np.argmin(slow.current))]
    turned = int(np.argmin(slow.potential))
    cut = turned + int(np.argmin(np.abs(slow.potential[turned:] - (forward + 0.2))))
    part = slow.rows(slice(0, cut))
    assert codes(part.evaluate()) == ["no-return-peak"]
    assert codes(part.evaluate(complete=False)) == ["incomplete-sweep"]


def test_rows_that_end_on_the_rise_of_a_wave(one_couple):
    rising = one_couple.rows(slice(0, 320))
    assert codes(rising.evaluate()) == ["peak-at-vertex"]
    (refusal,) = rising.evaluate(complete=False).refusals
    assert refusal.code == "incomplete-sweep"
    assert "was cut short" in refusal.reason


def test_a_refusal_names_its_scan_when_there_are_several(one_couple):
    def columns(cell, **other):
        return {"time": cell.time, "potential": cell.potential, "current": cell.current, **other}

    flat = columns(one_couple, current=0.0 * one_couple.current)
    wrong = columns(one_couple, time=one_couple.time / 4, current=-one_couple.current)
    short = {name: values[:5] for name, values in columns(one_couple).items()}
    tables = (
        Table("cv", flat, step=1),
        Table("cv", wrong, step=2, complete=False, parameters={"current_turned": "CONVENTION 0"}),
        Table("cv", short, step=3, parameters={"rate": 0.05}),
        Table("cv", short, step=4, label="rest"),
        Table("cv", short, step=5),
    )
    outcome = half_waves(AnalysisInput(tables))
    assert [(r.code, r.label) for r in outcome.refusals] == [
        ("no-wave", "scan 1"),
        ("current-sign", "scan 2 at 100 mV/s"),
        ("too-few-points", "scan 3 at 50 mV/s"),
        ("too-few-points", "scan 4 (rest)"),
        ("too-few-points", "scan 5"),
    ]
    assert "the voltammogram was cut short (scan 2 at 100 mV/s)" in outcome.flags
    (alone,) = half_waves(AnalysisInput(tables[2:3])).refusals
    assert alone.label == ""


def test_coarse_sampling_is_refused(measure, cyclic, couple):
    outcome = measure(cyclic(0.304, (-0.304, 0.304), 0.304, step=8e-3, cycles=2), [couple(0.0)]).evaluate()
    assert codes(outcome) == ["sampling-too-coarse"]
    assert outcome.refused


def test_points_missing_in_a_peak_are_a_gap(one_couple):
    away = (one_couple.potential > -0.04) & (one_couple.potential < -0.02)
    outcome = one_couple.rows(~away).evaluate()
    assert no_half_wave(outcome)
    assert set(codes(outcome)) == {"gap"}


def test_overload_at_the_peak_is_refused_and_elsewhere_flagged(one_couple):
    def flagged(low, high):
        bad = (one_couple.potential > low) & (one_couple.potential < high)
        return one_couple.evaluate(flags=np.where(bad, int(Flag.CURRENT_OVERLOAD), 0))

    at_peak, elsewhere = flagged(-0.05, 0.0), flagged(0.2, 0.25)
    assert codes(at_peak) == ["overload"]
    assert no_half_wave(at_peak)
    assert codes(elsewhere) == []
    assert any("overload in" in flag for flag in elsewhere.flags)


def test_overload_in_one_cycle_leaves_the_others(cluster):
    third = (np.arange(cluster.time.size) > 7400) & (np.abs(cluster.potential + 0.5) < 0.1)
    outcome = cluster.evaluate(flags=np.where(third, int(Flag.CLIPPED), 0))
    used = [(r["cycle"], r["used"]) for r in outcome.tables["passages"]][:3]
    assert used == [(1, False), (2, True), (3, False)]


def test_a_clipped_current_is_seen_without_any_flag(one_couple):
    clipped = current_of(one_couple, np.maximum(one_couple.current, -3.5e-6))
    assert no_half_wave(clipped.evaluate())
    assert "overload" in codes(clipped.evaluate())


def test_two_couples_under_one_pair_of_peaks_are_not_averaged(measure, cyclic, couple):
    for apart in (0.05, 0.06, 0.07):
        outcome = measure(cyclic(0.4, (-0.6, 0.4), 0.4), [couple(0.0), couple(-apart)]).evaluate()
        assert codes(outcome) == ["waves-overlap"]
        assert f"{1e3 * apart:.0f} mV apart" in outcome.refusals[0].reason
        assert no_half_wave(outcome)


def test_a_return_peak_that_is_half_missing_is_no_stable_couple(one_couple):
    """Half of the return is gone as no first-order reaction takes it: no number comes out as if nothing were wrong."""
    half = np.where(np.gradient(one_couple.potential) > 0, 0.5 * one_couple.current, one_couple.current)
    outcome = current_of(one_couple, half).evaluate()
    numbers = [q for q in outcome.quantities if q.name == "half_wave_potential"]
    assert all(q.flags and abs(q.value) <= 3 * q.u for q in numbers)
    assert numbers or codes(outcome)


@pytest.mark.parametrize("column", ["time", "potential", "current"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_refused_with_its_row(one_couple, column, bad):
    values = getattr(one_couple, column).copy()
    values[123] = bad
    columns = {"time": one_couple.time, "potential": one_couple.potential, "current": one_couple.current}
    outcome = half_waves(AnalysisInput((Table("cv", columns | {column: values}),)))
    assert codes(outcome) == ["not-finite"]
    assert column in outcome.refusals[0].reason
    assert "row 123" in outcome.refusals[0].reason


def test_unsorted_time_is_refused(one_couple):
    order = np.arange(one_couple.time.size)
    order[[50, 51]] = order[[51, 50]]
    assert codes(one_couple.rows(order).evaluate()) == ["time-order"]
    assert codes(one_couple.rows(slice(None, None, -1)).evaluate()) == ["time-order"]
    assert codes(type(one_couple)(0 * one_couple.time, one_couple.potential, one_couple.current).evaluate()) == [
        "time-order"
    ]


@pytest.mark.parametrize("rows", [0, 1, 2, 19])
def test_hardly_any_rows(one_couple, rows):
    assert codes(one_couple.rows(slice(0, rows)).evaluate()) == ["too-few-points"]


def test_no_sweep(one_couple):
    still = type(one_couple)(one_couple.time, 0 * one_couple.potential, one_couple.current)
    assert codes(still.evaluate()) == ["no-sweep"]


def test_values_that_no_cell_gives(one_couple):
    assert codes(current_of(one_couple, 1e300 * one_couple.current).evaluate()) == ["implausible"]
    assert codes(current_of(one_couple, 1e-300 * one_couple.current).evaluate()) == ["no-wave"]


@pytest.mark.parametrize("missing", ["time", "potential", "current"])
def test_a_missing_column_is_named(one_couple, missing):
    columns = dict(one_couple.table().columns)
    del columns[missing]
    outcome = half_waves(AnalysisInput((Table("cv", columns),)))
    assert codes(outcome) == ["column-missing"]
    assert missing in outcome.refusals[0].reason


def test_columns_of_different_length(one_couple):
    columns = dict(one_couple.table().columns) | {"current": one_couple.current[:-1]}
    assert codes(half_waves(AnalysisInput((Table("cv", columns),)))) == ["columns-differ"]


def test_wrong_calls_are_errors(one_couple):
    with pytest.raises(AnalysisError, match="no table"):
        half_waves(AnalysisInput(()))
    with pytest.raises(AnalysisError, match="'ocp'"):
        half_waves(AnalysisInput((Table("ocp", dict(one_couple.table().columns), label="rest"),)))
    with pytest.raises(AnalysisError, match="no temperature"):
        one_couple.evaluate(sample={"temperature_K": 25.0})
    words = dict(one_couple.table().columns) | {"current": np.array(["a"] * one_couple.time.size)}
    with pytest.raises(AnalysisError, match="'current'"):
        half_waves(AnalysisInput((Table("cv", words),)))
    with pytest.raises(AnalysisError, match="'potential'"):
        one_couple.evaluate(units={"potential": "mm"})


numbers = st.floats(width=64, allow_nan=True, allow_infinity=True)
lengths = st.shared(st.integers(0, 300), key="rows")


@CAREFULLY
@given(
    time=arrays(np.float64, lengths, elements=numbers),
    potential=arrays(np.float64, lengths, elements=numbers),
    current=arrays(np.float64, lengths, elements=numbers),
    flags=arrays(np.uint32, lengths),
)
def test_garbage_gives_a_reason(time, potential, current, flags):
    columns = {"time": time, "potential": potential, "current": current, "flags": flags}
    outcome = half_waves(AnalysisInput((Table("cv", columns),)))
    assert outcome.refused
    assert outcome.refusals


@CAREFULLY
@given(
    turns=st.lists(st.floats(-3, 3), min_size=1, max_size=6),
    points=st.integers(2, 400),
    current=arrays(np.float64, 400, elements=st.floats(-1e-3, 1e-3)),
    scale=st.sampled_from([1e-12, 1e-6, 1.0, 1e6]),
)
def test_swept_garbage_gives_finite_numbers_or_a_reason(turns, points, current, scale):
    potential = np.interp(np.linspace(0, len(turns), points), np.arange(len(turns) + 1), [0.0, *turns])
    columns = {"time": np.arange(points) * 0.04, "potential": potential, "current": scale * current[:points]}
    outcome = half_waves(AnalysisInput((Table("cv", columns),)))
    assert outcome.quantities or outcome.refusals
    assert all(np.isfinite(q.value) and q.u > 0 and np.isfinite(q.u) for q in outcome.quantities)


@CAREFULLY
@given(
    start=st.integers(0, 2300),
    length=st.integers(0, 400),
    factor=st.sampled_from([0.0, -1.0, 2.0, 1e9]),
)
def test_a_damaged_voltammogram_gives_finite_numbers_or_a_reason(one_couple, start, length, factor):
    current = one_couple.current.copy()
    current[start : start + length] *= factor
    outcome = current_of(one_couple, current).evaluate()
    assert outcome.quantities or outcome.refusals
    assert all(np.isfinite(q.value) and q.u > 0 and np.isfinite(q.u) for q in outcome.quantities)
