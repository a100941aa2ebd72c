"""Taking off the blank and the ohmic drop, and refusing what does not fit."""

import dataclasses

import numpy as np
import pytest

from luggin.errors import AnalysisError
from luggin.results import AnalysisInput, Table
from luggin_plugins.cv.half_waves import half_waves

MILLIVOLT = 1e-3


def codes(outcome):
    return [r.code for r in outcome.refusals]


def numbers(outcome):
    return sorted((q for q in outcome.quantities if q.name == "half_wave_potential"), key=lambda q: -q.value)


def electrolyte(points, rate=0.025):
    """Double layer, a leak, and an impurity that begins to be reduced near -1.2 V."""
    direction = np.sign(np.gradient(points))
    return rate / 0.025 * (3e-7 * direction) + 1e-7 * points - 1.5e-6 / (1 + np.exp((points + 1.2) / 0.03))


@pytest.fixture(scope="module")
def scan(cyclic):
    return cyclic(0.0, (-1.5, 0.2), 0.0, step=2e-3, cycles=2)


@pytest.fixture(scope="module")
def sample(in_cell, couple, scan):
    clean = in_cell([couple(-0.476, 0.02), couple(-1.1, 0.02)], scan, capacitance=0.0)
    return type(clean)(clean.time, clean.potential, clean.current + electrolyte(scan)).noisy(3e-8, 1)


def blank(scan, rate=0.025, **more):
    step = abs(scan[1] - scan[0])
    noise = 1e-8 * np.random.default_rng(9).standard_normal(scan.size)
    columns = {"time": np.arange(scan.size) * step / rate, "potential": scan}
    columns["current"] = electrolyte(scan, rate) + noise
    return Table("cv", columns, id="blank", role="blank", step=1, **more)


def ask(sample, *others, **options):
    return half_waves(AnalysisInput((*others, sample.table(step=2, id="full")), {}, options))


def test_a_blank_takes_the_electrolyte_off(sample, scan):
    freed = ask(sample, blank(scan), subtract="blank")
    assert not codes(freed)
    assert [q.value for q in numbers(freed)] == pytest.approx([-0.476, -1.1], abs=1 * MILLIVOLT)
    assert all(abs(q.value - e) <= 3 * q.u for q, e in zip(numbers(freed), (-0.476, -1.1), strict=True))
    # the impurity reaches into the second couple: without the blank its value differs, or is doubted
    bare = {round(q.value, 1): q for q in numbers(ask(sample))}
    assert -1.1 not in bare or bare[-1.1].u > 2 * numbers(freed)[1].u


def test_a_blank_is_not_evaluated_itself(sample, scan):
    outcome = ask(sample, blank(scan), subtract="blank")
    assert not any("scan" in q.label for q in outcome.quantities)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda scan: blank(scan, rate=0.05), "50 mV/s, the sample at 25 mV/s"),
        (lambda scan: blank(scan[::2]), "4 mV apart, the sample's 2 mV"),
        (lambda scan: blank(np.maximum(scan, -1.3)), "window"),
    ],
)
def test_a_blank_that_was_measured_otherwise_is_refused(sample, scan, change, words):
    outcome = ask(sample, change(scan), subtract="blank")
    assert codes(outcome) == ["blank-differs"]
    assert words in outcome.refusals[0].reason
    assert outcome.refused


def test_a_blank_that_is_not_there_is_refused(sample):
    outcome = ask(sample, subtract="nowhere")
    assert codes(outcome) == ["blank-missing"]
    assert "nowhere" in outcome.refusals[0].reason


def test_a_blank_of_another_run(sample, scan, monkeypatch, tmp_path):
    folder = tmp_path / "blank-run"
    folder.mkdir()
    (folder / "run.log").write_text("", encoding="utf-8")

    class Archive:
        def tables(self, technique):
            return [blank(scan, source="blank-run")]

    monkeypatch.setattr("luggin.analysis.open_run", lambda path: Archive())
    assert len(numbers(ask(sample, subtract=str(folder)))) == 2


def measured(value, u, **more):
    parameters = {"solution_resistance": {"value": value, "u": u}}
    return Table("solution_resistance", {}, parameters=parameters, id="Ru", step=1, **more)


@pytest.fixture(scope="module")
def ohmic(in_cell, couple, scan):
    couples = [couple(-0.476, 0.02), couple(-1.1, 0.02)]
    return in_cell(couples, scan, resistance=5000.0).noisy(3e-8, 1)


def test_a_resistance_that_a_step_measured_is_taken_off(ohmic):
    outcome = ask(ohmic, measured(5000.0, 50.0), resistance="Ru")
    assert any("resistance 5000 ohm taken off, measured (Ru)" in flag for flag in outcome.flags)
    assert [q.value for q in numbers(outcome)] == pytest.approx([-0.476, -1.1], abs=1 * MILLIVOLT)
    assert all(row["resistance"] > 0 for row in outcome.tables["uncertainty"])


def test_a_resistance_may_be_written(ohmic):
    by_step = ask(ohmic, measured(5000.0, 50.0), resistance="Ru")
    written = ask(ohmic, resistance="5.00(5) kohm")
    assert [q.value for q in numbers(written)] == [q.value for q in numbers(by_step)]
    assert [q.u for q in numbers(written)] == [q.u for q in numbers(by_step)]


def test_what_is_not_known_of_the_resistance_is_not_known_of_the_potential(ohmic):
    good, bad = (ask(ohmic, measured(5000.0, u), resistance="Ru") for u in (10.0, 1000.0))
    for one, other in zip(good.tables["uncertainty"], bad.tables["uncertainty"], strict=True):
        assert other["resistance"] == pytest.approx(100 * one["resistance"])
        assert other["u"] > one["u"] > one["resistance"] > 0


@pytest.mark.parametrize(
    "parameters",
    [{}, {"solution_resistance": None}, {"solution_resistance": {"value": float("nan"), "u": 1.0}}],
)
def test_a_resistance_that_is_not_known_is_a_refusal(ohmic, parameters):
    table = dataclasses.replace(measured(1.0, 1.0), parameters=parameters)
    assert codes(ask(ohmic, table, resistance="Ru")) == ["resistance-unknown"]
    assert codes(ask(ohmic, resistance="Ru")) == ["resistance-unknown"]
    assert codes(ask(ohmic, resistance="-5 ohm")) == ["resistance-unknown"]


def test_only_helpers_are_nothing_to_evaluate(scan):
    outcome = half_waves(AnalysisInput((blank(scan),), {}, {"subtract": "blank"}))
    assert codes(outcome) == ["no-data"]


def test_the_scale_of_the_instrument_enters_the_budget(sample):
    plain, unsure = ask(sample), ask(sample, calibration="2 mV")
    for one, other in zip(numbers(plain), numbers(unsure), strict=True):
        assert other.u == pytest.approx(np.hypot(one.u, 2 * MILLIVOLT))
    assert all(row["calibration"] == 2 * MILLIVOLT for row in unsure.tables["uncertainty"])


def test_a_temperature_that_was_measured_beside_counts_more_than_what_the_sample_says(one_couple):
    column = np.full(one_couple.time.size, 50.0)
    said = one_couple.evaluate(sample={"temperature_K": 323.15}).tables["waves"][0]
    seen = one_couple.evaluate(
        sample={"temperature_K": 298.15},
        temperature=column,
        units={"temperature": "degC", "time": "s", "potential": "V", "current": "A"},
    ).tables["waves"][0]
    assert seen["half_wave_potential"] == pytest.approx(said["half_wave_potential"], abs=1e-9)


def test_a_resistance_that_no_option_names_is_not_taken_off(ohmic):
    plain, beside = ask(ohmic), ask(ohmic, measured(1.0, 1.0))
    assert plain.quantities == beside.quantities


def test_a_table_of_another_technique_that_nothing_names_is_an_error(ohmic):
    with pytest.raises(AnalysisError, match="'dpv'"):
        ask(ohmic, dataclasses.replace(measured(1.0, 1.0), technique="dpv"))
