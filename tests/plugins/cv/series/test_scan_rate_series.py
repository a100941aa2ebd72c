"""Several scan rates of a cell that is solved by another method: its D, k0 and exponent come back, or a refusal."""

from dataclasses import replace

import numpy as np
import pytest

from luggin.results import AnalysisInput
from luggin_plugins.cv.series import SCAN_RATE_SERIES

RATES = (0.05, 0.1, 0.2, 0.5)
AREA, DIFFUSION = 0.0707, 1e-5
SAMPLE = {
    "temperature_K": 298.15,
    "temperature": "25.0(1) degC",
    "concentration": "0.500(2) mM",
    "working": {"material": "glassy carbon", "area": "0.0707(2) cm2"},
    "reference": {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"},
}
RAMP = {"waveform": "ramp", "n": 1}


@pytest.fixture(scope="module")
def scans(measure, cyclic, couple):
    """Tables of one couple at -0.1 V, k0 0.02 cm/s, with 1 % noise, at each rate."""

    def at(rates=RATES, k0=0.02, resistance=0.0, alpha=0.5, couples=None):
        points = cyclic(0.25, (-0.5, 0.25), 0.25, step=2e-3, cycles=2)
        tables = []
        for number, rate in enumerate(rates):
            cell = couples(rate) if couples else [couple(-0.1, k0=k0, alpha=alpha)]
            measured = measure(points, cell, rate=rate, capacitance=2e-6, resistance=resistance)
            noisy = measured.noisy(0.01 * float(np.abs(measured.current).max()), seed=number)
            tables.append(noisy.table(id="rates", step=number, parameters={"rate": rate, "step": 2e-3}))
        return tables

    return at


def ask(tables, sample=None, **options):
    return SCAN_RATE_SERIES.function(
        AnalysisInput(tuple(tables), SAMPLE if sample is None else sample, {**RAMP, **options})
    )


def value_of(outcome, name, end=""):
    (found,) = [q for q in outcome.quantities if q.name == name and q.label.endswith(end or ")")]
    return found


def codes(outcome):
    return {r.code for r in outcome.refusals}


def test_exponent_diffusion_and_rate_constant_come_back(scans):
    outcome = ask(scans(), resistance="0.0(1) ohm")
    exponent = value_of(outcome, "scan_rate_exponent")
    assert abs(exponent.value - 0.5) <= 2 * exponent.u
    assert (exponent.verdict, exponent.u < 0.02) == ("diffusion", True)
    for label in ("", "semi-integral"):
        diffusion = value_of(outcome, "diffusion_coefficient", label)
        assert abs(diffusion.value - DIFFUSION) <= 2 * diffusion.u
        assert 0.01 * DIFFUSION < diffusion.u < 0.05 * DIFFUSION
    rate = value_of(outcome, "rate_constant")
    assert rate.value == pytest.approx(0.02, rel=0.15)
    assert abs(rate.value - 0.02) <= 3 * rate.u
    assert value_of(outcome, "half_wave_potential").value == pytest.approx(-0.1, abs=5e-4)
    assert not outcome.refusals
    titles = [f.title for f in outcome.figures]
    assert titles[:2] == ["Scan rates", "Scan rates, current over the root of the rate"]
    assert [t.partition(" of ")[0] for t in titles[2:]] == ["Peak current", "Semi-integral"]


def test_a_known_resistance_is_in_the_theory_and_not_in_the_rate_constant(scans):
    rate = value_of(ask(scans(resistance=300.0), resistance="300(5) ohm"), "rate_constant")
    assert rate.value == pytest.approx(0.02, rel=0.1)


def test_without_a_resistance_there_is_its_upper_bound_and_no_rate_constant(scans):
    outcome = ask(scans(resistance=300.0))
    assert codes(outcome) == {"resistance-not-excluded"}
    bound = value_of(outcome, "solution_resistance")
    assert bound.value > 300.0 - 2 * bound.u
    assert "upper bound" in bound.flags[0]


def test_a_fast_couple_tells_nothing_of_its_rate(scans):
    assert codes(ask(scans(k0=10.0), resistance="0.0(1) ohm")) == {"separation-constant"}


@pytest.mark.parametrize(
    ("rates", "code"),
    [((0.1, 0.5), "too-few-rates"), ((0.1, 0.102, 0.5), "too-few-rates"), ((0.1, 0.15, 0.25), "rates-too-close")],
)
def test_too_few_or_too_similar_rates_are_refused(scans, rates, code):
    outcome = ask(scans(rates))
    assert codes(outcome) == {code}
    assert not outcome.quantities


def test_what_the_sample_does_not_say_is_refused(scans):
    tables = scans()
    for lacking, code in (("working", "area-unknown"), ("concentration", "concentration-unknown")):
        outcome = ask(tables, {k: v for k, v in SAMPLE.items() if k != lacking}, resistance="0.0(1) ohm")
        assert code in codes(outcome)
        assert not [q for q in outcome.quantities if q.name in ("diffusion_coefficient", "rate_constant")]
        assert value_of(outcome, "scan_rate_exponent").verdict == "diffusion"


def test_a_couple_that_is_lost_at_one_rate_is_refused(scans):
    tables = scans()
    cut = tables[-1]
    short = {name: column[:180] for name, column in cut.columns.items()}  # the sweep ends before the wave
    outcome = ask([*tables[:-1], replace(cut, columns=short, complete=False)])
    assert "couple-not-at-all-rates" in codes(outcome)
    assert not outcome.quantities


def test_a_half_wave_potential_that_moves_is_refused_with_all_that_rests_on_it(scans, couple):
    outcome = ask(
        scans(couples=lambda rate: [couple(-0.1 - 0.02 * np.log10(rate / 0.05), k0=0.05)]),
        couples=[{"label": "A", "near": "-0.1 V"}],
    )
    assert "half-wave-moves" in codes(outcome)
    assert {q.name for q in outcome.quantities} == {"scan_rate_exponent"}


def test_a_sweep_that_may_be_a_staircase_widens_the_uncertainty(scans):
    tables = scans()
    sure, unsure = ask(tables), ask(tables, waveform="")
    both = [value_of(o, "diffusion_coefficient", "semi-integral") for o in (sure, unsure)]
    assert both[0].value == both[1].value
    assert both[1].u > 2 * both[0].u
    assert "ramp or staircase not known: both are within u" in both[1].flags


def test_currents_in_another_unit_and_rests_between_change_nothing(scans):
    tables = scans(RATES[1:])
    milli = [
        replace(t, columns={**t.columns, "current": 1e3 * t.columns["current"]}, units={"current": "mA"})
        for t in tables
    ]
    one, other = ask(tables, resistance="0.0(1) ohm"), ask(milli[::-1], resistance="0.0(1) ohm")
    for a, b in zip(one.quantities, other.quantities, strict=True):
        assert (a.name, a.label) == (b.name, b.label)
        assert b.value == pytest.approx(a.value, rel=1e-6)
