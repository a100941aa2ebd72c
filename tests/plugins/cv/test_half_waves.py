"""Known numbers: what was put into a cell comes out, within its uncertainty."""

import json
from pathlib import Path

import numpy as np
import pytest

from luggin.errors import AnalysisError
from luggin.results import AnalysisInput, Table
from luggin_plugins.cv import HALF_WAVES
from luggin_plugins.cv.half_waves import half_waves

MILLIVOLT = 1e-3


def by_potential(outcome):
    return sorted((q for q in outcome.quantities if q.name == "half_wave_potential"), key=lambda q: -q.value)


def test_the_two_couples_of_a_cluster_come_back_within_two_millivolts(cluster):
    peak_current = np.ptp(cluster.current) / 2
    outcome = cluster.noisy(0.01 * peak_current, seed=1).evaluate(
        sample={"reference": {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"}, "temperature_K": 298.15},
        options={"couples": [{"label": "4-/5-", "near": "-0.48 V"}, {"label": "5-/6-", "near": "-1290 mV"}]},
    )
    found = by_potential(outcome)
    assert [q.label for q in found] == ["4-/5-", "5-/6-"]
    for quantity, truth in zip(found, (-0.476, -1.294), strict=True):
        assert quantity.value == pytest.approx(truth, abs=2 * MILLIVOLT)
        assert abs(quantity.value - truth) <= 3 * quantity.u
        assert quantity.u < 1 * MILLIVOLT
        assert quantity.verdict == "quasi-reversible"
        assert quantity.flags == ()
        assert "vs Ag/AgCl (3.5 M KCl)" in quantity.method
    assert not outcome.refusals


@pytest.mark.parametrize("switch_mv", [71.5, 121.5, 200.0, 500.0])
def test_a_single_wave_without_noise_is_right_wherever_the_scan_turns(measure, cyclic, couple, switch_mv):
    points = cyclic(0.3, (-(28.5 + switch_mv) * MILLIVOLT, 0.3), 0.3)
    (found,) = by_potential(measure(points, [couple(0.0)]).evaluate())
    assert found.value == pytest.approx(0.0, abs=0.1 * MILLIVOLT)
    assert found.verdict == "reversible"


@pytest.mark.parametrize("step", [0.0005, 0.001, 0.002, 0.004])
def test_the_result_does_not_depend_on_the_step(measure, cyclic, couple, step):
    (found,) = by_potential(measure(cyclic(0.3, (-0.3, 0.3), 0.3, step), [couple(0.0)]).evaluate())
    assert found.value == pytest.approx(0.0, abs=0.1 * MILLIVOLT)
    assert found.u >= step / (2 * np.sqrt(6))


def test_three_waves_the_last_of_them_switched_early(measure, cyclic, couple):
    truths = (-0.202, -0.870, -1.270)
    points = cyclic(0.2, (-1.4285, 0.2), 0.2, cycles=2)
    found = by_potential(measure(points, [couple(e) for e in truths]).evaluate())
    assert [q.value for q in found] == pytest.approx(list(truths), abs=0.2 * MILLIVOLT)


def test_three_waves_through_twenty_millivolts_of_ohmic_drop_are_honest(measure, cyclic, couple):
    truths = (-0.202, -0.870, -1.270)
    points = cyclic(0.2, (-1.6, 0.2), 0.2, cycles=2)
    found = by_potential(measure(points, [couple(e) for e in truths], resistance=20e-3 / 4.6e-6).evaluate())
    for quantity, truth in zip(found, truths, strict=True):
        assert abs(quantity.value - truth) <= min(3 * quantity.u, 0.2 * MILLIVOLT)


def test_waves_150_millivolts_apart_are_separated(measure, cyclic, couple):
    found = by_potential(measure(cyclic(0.4, (-0.65, 0.4), 0.4), [couple(0.0), couple(-0.15)]).evaluate())
    assert [q.value for q in found] == pytest.approx([0.0, -0.15], abs=0.2 * MILLIVOLT)


def test_a_scan_may_begin_between_its_waves(measure, cyclic, couple):
    points = cyclic(-0.3, (-1.2, 0.7), -0.3, cycles=2)
    found = by_potential(measure(points, [couple(0.39), couple(-0.9)]).evaluate())
    assert [q.value for q in found] == pytest.approx([0.39, -0.9], abs=0.1 * MILLIVOLT)


def test_a_couple_may_be_oxidised_first(measure, cyclic, couple):
    (found,) = by_potential(measure(cyclic(-0.3, (0.3, -0.3), -0.3, cycles=2), [couple(0.0)]).evaluate())
    assert found.value == pytest.approx(0.0, abs=0.1 * MILLIVOLT)


def test_two_electrons_at_once_are_no_error(measure, cyclic, couple):
    outcome = measure(cyclic(0.3, (-0.3, 0.3), 0.3, cycles=2), [couple(0.0, n=2)]).evaluate()
    (found,) = by_potential(outcome)
    assert found.value == pytest.approx(0.0, abs=0.1 * MILLIVOLT)
    assert any("n > 1 or adsorption" in flag for flag in found.flags)
    assert outcome.tables["waves"][0]["electrons"] == 2


def test_two_electrons_that_are_announced_need_no_flag(measure, cyclic, couple):
    outcome = measure(cyclic(0.3, (-0.3, 0.3), 0.3, cycles=2), [couple(0.0, n=2)]).evaluate(options={"n": 2})
    (found,) = by_potential(outcome)
    assert found.value == pytest.approx(0.0, abs=0.1 * MILLIVOLT)
    assert not any("n > 1" in flag for flag in found.flags)


@pytest.mark.parametrize(("k0", "milliohm_free_mv"), [(0.02, 0.3), (0.005, 1.5), (0.002, 4.0)])
def test_slow_couples_are_quasi_reversible_and_honest(measure, cyclic, couple, k0, milliohm_free_mv):
    outcome = measure(cyclic(0.4, (-0.5, 0.4), 0.4, cycles=2), [couple(0.0, k0)]).evaluate()
    (found,) = by_potential(outcome)
    assert found.verdict == "quasi-reversible"
    assert abs(found.value) <= min(3 * found.u, milliohm_free_mv * MILLIVOLT)


@pytest.mark.parametrize(("psi", "separation_mv"), [(7, 61.08), (2, 70.26), (1, 82.45), (0.5, 104.72), (0.25, 142.13)])
def test_peak_separation_is_nicholsons(measure, cyclic, couple, values, psi, separation_mv):
    k0 = psi * np.sqrt(np.pi * 1e-5 * 38.9217 * 0.025)
    outcome = measure(cyclic(0.4, (-0.5, 0.4), 0.4), [couple(0.0, k0)]).evaluate()
    (found,) = values(outcome, "peak_separation").values()
    assert found.value == pytest.approx(separation_mv * MILLIVOLT, abs=0.5 * MILLIVOLT)
    assert found.unit == "V"


def test_peak_currents_are_counted_from_baselines_and_their_ratio_is_one(cluster):
    outcome = cluster.evaluate()
    # Randles-Sevcik, lowered by slow transfer (psi = 3.6) to 0.437 / 0.446
    expected = 2.69e5 * 0.0707 * np.sqrt(1e-5) * 1.6e-6 * np.sqrt(0.025)
    for row in outcome.tables["waves"]:
        assert row["peak_current_ratio"] == pytest.approx(1.0, abs=0.02)
        assert row["nicholson_ratio"] == pytest.approx(1.0, abs=0.07)
    for row in outcome.tables["passages"]:
        assert row["anodic_peak_current"] == pytest.approx(0.97 * expected, rel=0.03)
        assert row["cathodic_peak_current"] == pytest.approx(-0.97 * expected, rel=0.03)


def test_half_peak_potential_is_56_6_millivolts_before_the_peak(one_couple):
    for row in one_couple.evaluate().tables["passages"]:
        half, top = row["half_peak_potential"], row["cathodic_peak_potential"]
        assert half - top == pytest.approx(56.6 * MILLIVOLT, abs=1.0 * MILLIVOLT)


def test_two_percent_of_noise_one_scan(measure, cyclic, couple):
    """Scatter below 1 mV, and an uncertainty that covers as one standard deviation should."""
    clean = measure(cyclic(0.2, (-1.6, 0.2), 0.2), [couple(-0.476), couple(-1.294)])
    errors, claims = [], []
    for seed in range(40):
        found = by_potential(clean.noisy(0.02 * 4.6e-6, seed).evaluate())
        errors.append([q.value - truth for q, truth in zip(found, (-0.476, -1.294), strict=True)])
        claims.append([q.u for q in found])
    scatter = np.std(errors, axis=0)
    assert np.all(scatter < 0.8 * MILLIVOLT)
    assert np.all(np.abs(np.mean(errors, axis=0)) < 0.3 * MILLIVOLT)
    covered = np.mean(np.abs(errors) <= claims)
    assert 0.60 <= covered <= 0.85
    assert np.all(np.abs(errors) <= 4 * np.array(claims))


def test_the_first_cycle_is_reported_but_does_not_count(one_couple):
    outcome = one_couple.evaluate()
    rows = outcome.tables["passages"]
    assert [(r["cycle"], r["used"], r["note"]) for r in rows] == [(1, False, "first cycle"), (2, True, "")]


def test_a_single_cycle_counts_and_is_flagged(measure, cyclic, couple):
    (found,) = by_potential(measure(cyclic(0.3, (-0.3, 0.3), 0.3), [couple(0.0)]).evaluate())
    assert "single cycle" in found.flags


def test_the_budget_adds_up_to_the_uncertainty(cluster):
    outcome = cluster.noisy(1e-7, seed=3).evaluate()
    for row, quantity in zip(outcome.tables["uncertainty"], by_potential(outcome), strict=True):
        parts = [v for k, v in row.items() if k not in ("label", "u")]
        assert quantity.u == pytest.approx(np.sqrt(np.sum(np.square(parts))))
        assert row["u"] == quantity.u


def test_what_is_not_known_is_said(one_couple):
    (found,) = by_potential(one_couple.evaluate())
    assert "assumed 25 degC" in found.flags
    assert "reference electrode unknown" in found.flags
    assert " vs " not in found.method


def test_temperature_enters_theory(measure, cyclic, couple):
    """A cell at 25 degC that is said to be at 100 degC has too narrow peaks for one electron."""
    cell = measure(cyclic(0.3, (-0.3, 0.3), 0.3), [couple(0.0)])
    right = cell.evaluate(sample={"temperature_K": 298.15}).tables["waves"][0]
    wrong = cell.evaluate(sample={"temperature_K": 398.15}).tables["waves"][0]
    assert right["electrons"] == 1
    assert wrong["switching_correction"] != pytest.approx(right["switching_correction"], rel=0.1)


def test_couples_that_are_not_there_are_refused_by_name(one_couple):
    outcome = one_couple.evaluate(
        options={"couples": [{"label": "A", "near": "10 mV"}, {"label": "B", "near": "-1 V"}]}
    )
    assert [q.label for q in by_potential(outcome)] == ["A"]
    assert [(r.code, r.label) for r in outcome.refusals] == [("couple-not-found", "B")]


@pytest.mark.parametrize(
    "options",
    [
        {"n": 0},
        {"resistances": "Ru"},
        {"couples": [{"label": "A"}]},
        {"couples": [{"label": "A", "near": "-0.5 s"}]},
        {"couples": [{"label": "A", "near": float("nan")}]},
    ],
)
def test_options_that_cannot_be_meant_are_an_error(one_couple, options):
    with pytest.raises(AnalysisError, match=r"options of cv\.half-waves"):
        one_couple.evaluate(options=options)


def test_the_registered_analysis_is_the_function(one_couple):
    inputs = AnalysisInput((one_couple.table(),))
    assert HALF_WAVES.name == "cv.half-waves"
    assert HALF_WAVES.function(inputs).quantities == half_waves(inputs).quantities
    assert (
        HALF_WAVES.parameters().model_validate({"couples": [{"label": "x", "near": "100 mV"}]}).couples[0].near == 0.1
    )


def test_the_outcome_is_plain_json(cluster):
    outcome = cluster.evaluate()
    text = json.dumps([[q.to_json() for q in outcome.quantities], dict(outcome.tables)], allow_nan=False)
    assert "half_wave_potential" in text
    for name, rows in outcome.tables.items():
        assert set(outcome.table_units[name]) <= set(rows[0])


def test_the_figure_has_the_data_in_order_with_peaks_baselines_and_half_waves(cluster):
    (figure,) = cluster.evaluate(sample={"reference": "Fc+/0"}).figures
    assert figure.x_label == "potential vs Fc+/0"
    assert np.array_equal(figure.curves[0].x, cluster.potential)
    assert np.array_equal(figure.curves[0].y, cluster.current)
    assert [c.label for c in figure.curves[1:]] == ["baseline"] * 4
    tops = [m for m in figure.markers if m.kind == "peak"]
    lines = [m for m in figure.markers if m.kind == "half_wave_potential"]
    assert sorted(m.x for m in tops) == pytest.approx([-1.331, -1.258, -0.512, -0.440], abs=3e-3)
    assert [m.x for m in lines] == pytest.approx([-0.476, -1.294], abs=2e-3)
    assert all(m.y is None for m in lines)


def test_scans_at_several_rates_are_told_apart(one_couple):
    faster = Table(
        "cv",
        {"time": one_couple.time / 4, "potential": one_couple.potential, "current": 2 * one_couple.current},
        step=2,
    )
    outcome = half_waves(AnalysisInput((one_couple.table(step=1), faster)))
    labels = [q.label for q in by_potential(outcome)]
    assert sorted(labels) == ["wave 1 (0.000 V), scan 1 at 25 mV/s", "wave 1 (0.000 V), scan 2 at 100 mV/s"]


def test_real_quinone_in_alkaline_solution(reference_data):
    (found,) = by_potential(real(reference_data, "voltcycle_10mM_F4CA_pH_14_1M_KOH_50mVs.DTA"))
    assert found.value == pytest.approx(-0.906, abs=5 * MILLIVOLT)
    assert 0.5 * MILLIVOLT < found.u < 5 * MILLIVOLT


def test_real_peak_separation(reference_data, values):
    outcome = real(reference_data, "voltcycle_10mM_F4CA_pH_14_1M_KOH_50mVs.DTA")
    (found,) = values(outcome, "peak_separation").values()
    assert found.value == pytest.approx(0.084, abs=0.004)


def test_real_broad_waves_have_peak_potentials_only(reference_data, values):
    outcome = real(reference_data, "voltcycle_20MM_2,7-AQDS_1M_H2SO4_100mVs_0.5step.DTA.txt")
    assert [r.code for r in outcome.refusals] == ["peaks-too-far-apart"]
    assert not by_potential(outcome)
    found = sorted(q.value for q in values(outcome, "peak_potential").values())
    assert found == pytest.approx([-0.272, 0.029], abs=3 * MILLIVOLT)


def test_real_voltammogram_without_return_peak_is_refused(reference_data):
    outcome = real(reference_data, "voltcycle_1mM_DHBDS_0to0.8V.DTA.txt")
    assert outcome.refused
    assert [r.code for r in outcome.refusals] == ["sampling-too-coarse"]


def real(folder: Path, name: str):
    from luggin_plugins.readers.gamry import read_gamry

    return half_waves(AnalysisInput(read_gamry(folder / "cv" / name)))
