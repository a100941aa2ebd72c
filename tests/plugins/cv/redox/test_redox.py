"""An internal standard, replicates, gaps and log Kc, on a cell that is solved by another method."""

import math

import numpy as np
import pytest

from luggin.results import AnalysisInput
from luggin_plugins.cv.redox import REDOX_TABLE, REFERENCE

SAMPLE = {
    "id": "re4mo2-4",
    "solvent": "CH3CN",
    "temperature_K": 298.15,
    "reference": {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"},
}
COUPLES = [{"label": "4-/5-", "near": "-0.48 V"}, {"label": "5-/6-", "near": "-1.29 V"}]


@pytest.fixture(scope="module")
def record(measure, cyclic, couple):
    """``record(role, shift, seed, standard)``: the cluster with or without ferrocene at 0.400 V, or ferrocene alone."""

    def table(step, role="", shift=0.0, standard=True, alone=False):
        # all forms of this cell begin oxidised above their potential, so ferrocene begins reduced at 0.05 V
        waves = ([0.4] if standard else []) + ([] if alone else [-0.476, -1.294])
        vertices = (0.75, -0.05) if alone else (0.75, -1.6)
        measured = measure(
            cyclic(0.05, vertices, 0.05, step=2e-3, cycles=2),
            [couple(e + shift, k0=0.05) for e in waves],
            rate=0.1,
            capacitance=2e-6,
        )
        noisy = measured.noisy(0.01 * float(np.abs(measured.current).max()), seed=step)
        return noisy.table(id=f"cv{step}", step=step, role=role, parameters={"rate": 0.1})

    return table


def ask(analysis, tables, sample=None, **options):
    given = {"n": 1, "couples": COUPLES, **options}
    return analysis.function(AnalysisInput(tuple(tables), SAMPLE if sample is None else sample, given))


def found(outcome, name="half_wave_potential"):
    return {q.label: q for q in outcome.quantities if q.name == name}


def codes(outcome):
    return {r.code for r in outcome.refusals}


def test_the_standard_is_recognised_where_it_was_recorded_alone(record):
    outcome = ask(REFERENCE, [record(1, role="reference", alone=True), record(2)], couple="Fc+/0")
    potentials = found(outcome)
    standard = potentials["Fc+/0 vs Ag/AgCl (3.5 M KCl)"]
    assert abs(standard.value - 0.4) <= 3 * standard.u
    for label, truth in (("4-/5- vs Fc+/0", -0.876), ("5-/6- vs Fc+/0", -1.694)):
        assert abs(potentials[label].value - truth) <= 3 * potentials[label].u
        assert potentials[label].u < 1e-3
        assert potentials[label].method.endswith("; vs Fc+/0")
    assert not outcome.refusals
    assert all(m.label != "wave 1 (0.400 V)" for f in outcome.figures for m in f.markers)


def test_drift_of_the_electrode_drops_out_within_one_voltammogram_and_counts_between_two(record):
    alone = record(1, role="reference", alone=True)
    together = found(ask(REFERENCE, [alone, record(2, shift=0.004)]))["4-/5- vs Fc+/0"]
    assert together.value == pytest.approx(-0.876, abs=5e-4)
    apart = found(ask(REFERENCE, [alone, record(3, standard=False)]))["4-/5- vs Fc+/0"]
    assert apart.u >= 0.005
    assert any("drift" in flag for flag in apart.flags)
    seen = found(ask(REFERENCE, [alone, record(4, shift=0.008), record(5, standard=False)]))["4-/5- vs Fc+/0"]
    assert seen.value == pytest.approx(-0.876, abs=5e-4)  # the voltammogram that shows both decides


@pytest.mark.parametrize(
    ("roles", "options", "code"),
    [
        (("",), {}, "standard-not-known"),
        (("reference",), {}, "standard-ambiguous"),
        (("",), {"near": 0.9}, "no-internal-standard"),
    ],
)
def test_a_standard_that_nobody_can_name_is_refused(record, roles, options, code):
    outcome = ask(REFERENCE, [record(6, role=role) for role in roles], **options)
    assert code in codes(outcome)
    assert not outcome.quantities


def test_gap_and_comproportionation_constant_of_the_cluster(record):
    outcome = ask(REDOX_TABLE, [record(7, standard=False), record(8, standard=False), record(9, standard=False)])
    (gap,) = found(outcome, "half_wave_gap").values()
    (constant,) = found(outcome, "log10_comproportionation_constant").values()
    assert abs(gap.value - 0.818) <= 3 * gap.u
    assert constant.value == pytest.approx(13.8, abs=0.05)
    assert constant.value == pytest.approx(gap.value * 38.9217 / math.log(10), rel=1e-4)
    assert gap.label == "4-/5- | 5-/6-"
    rows = {row["couple"]: row for row in outcome.tables["couples"]}
    assert [row["n"] for row in rows.values()] == [3, 3]
    assert all(0 < row["sd"] < 1e-3 for row in rows.values())
    assert all(row["reference"] == "Ag/AgCl (3.5 M KCl)" for row in rows.values())


def test_an_uncertain_temperature_is_in_the_constant(record):
    tables = [record(7, standard=False)]
    plain, warm = (
        found(ask(REDOX_TABLE, tables, {**SAMPLE, **more}), "log10_comproportionation_constant").popitem()[1]
        for more in ({}, {"temperature": "25(3) degC"})
    )
    assert warm.u == pytest.approx(math.hypot(plain.u, plain.value * 3 / 298.15), rel=1e-6)


def test_replicates_that_disagree_have_their_scatter_as_uncertainty(record):
    tables = [record(k, shift=shift, standard=False) for k, shift in ((10, 0.0), (11, 0.006), (12, -0.006))]
    potential = found(ask(REDOX_TABLE, tables))["4-/5-"]
    assert potential.u == pytest.approx(0.006 / math.sqrt(3), rel=0.15)
    assert "voltammograms differ by more than 3 u: u is their scatter" in potential.flags


def test_literature_is_printed_as_published_and_never_converted(record):
    row = {
        "compound": "[Re4Mo2Se8(CN)6]",
        "couple": "4-/5-",
        "potential": "−0.476",
        "reference": "SCE",
        "solvent": "CH3CN",
        "source": "a paper",
    }
    options = {"literature": [row], "to": "Fc+/0", "offset": "0.400(5) V", "offset_solvent": "CH3CN", "cited": "own"}
    outcome = ask(REDOX_TABLE, [record(7, standard=False)], **options)
    assert outcome.tables["literature"] == [row]
    converted = found(outcome)["4-/5- vs Fc+/0"]
    assert converted.value == pytest.approx(-0.876, abs=1e-3)
    assert converted.u == pytest.approx(0.005, rel=0.05)
    assert "own" in converted.method
    assert set(found(outcome)) == {
        "4-/5- vs Ag/AgCl (3.5 M KCl)",
        "5-/6- vs Ag/AgCl (3.5 M KCl)",
        "4-/5- vs Fc+/0",
        "5-/6- vs Fc+/0",
    }
    assert "1 published against other electrodes not drawn" in outcome.figures[-1].title


def test_a_conversion_that_does_not_hold_leaves_the_potentials_as_they_are(record):
    outcome = ask(REDOX_TABLE, [record(7, standard=False)], to="SCE")
    assert codes(outcome) == {"aqueous-to-nonaqueous"}
    assert set(found(outcome)) == {"4-/5-", "5-/6-"}


def test_an_internal_standard_in_the_table_has_its_own_column_of_the_ladder(record):
    outcome = ask(REDOX_TABLE, [record(2)], standard="Fc+/0", near=0.4)
    columns = [m.label for m in outcome.figures[-1].markers]
    assert columns == ["re4mo2-4", "internal standard"]
    assert [row["between"] for row in outcome.tables["gaps"]] == ["4-/5- | 5-/6-"]


def test_without_a_reference_electrode_the_table_says_so(record):
    outcome = ask(REDOX_TABLE, [record(7, standard=False)], {k: v for k, v in SAMPLE.items() if k != "reference"})
    assert all("reference electrode unknown" in q.flags for q in found(outcome).values())
    assert {row["reference"] for row in outcome.tables["couples"]} == {"unknown"}


def test_options_are_checked():
    options = REDOX_TABLE.parameters()
    assert options(offset="0.400(5) V").offset == "0.400(5) V"
    for wrong in ({"offset": "0.4 apples"}, {"literature": [{"couple": "A", "potential": "1 V", "reference": "SCE"}]}):
        with pytest.raises(ValueError, match=r"apples|Field required"):
            options(**wrong)
