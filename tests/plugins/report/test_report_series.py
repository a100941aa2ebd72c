"""Scan rates, couples and their literature in the report, and the table for the supporting information."""

import csv
import io

import numpy as np
import pytest

from luggin.analysis import load_results, open_run
from luggin.errors import RunFolderError, StoreReadOnly
from luggin.results import Curve, FigureSpec, Marker
from luggin_plugins.report.figures import draw_spec
from luggin_plugins.report.si_table import HEADS, concise, csv_text, rows_of, write_si_table

RATES = (
    '{do = "for_each", var = "v", values = ["100 mV/s", "200 mV/s", "500 mV/s"], steps = ['
    '{do = "cv", id = "rates", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "$v", step = "2 mV"}]}'
)
ANALYSES = """analyses = [
  {use = "cv.scan-rate-series", on = "rates", waveform = "ramp", couples = [{label = "4-/5-", near = "-0.48 V"}]},
  {use = "cv.redox-table", on = "rates", to = "SCE", couples = [{label = "4-/5-", near = "-0.48 V"}], literature = [
    {couple = "4-/5-", potential = "-0.476 V", reference = "Ag/AgCl (3.5 M KCl)", source = "<a paper>"}]},
]
"""


@pytest.fixture(scope="module")
def series(laboratory, texts):
    finished = laboratory.run(RATES, ANALYSES, sample=texts.sample + 'solvent = "CH3CN"\n')
    assert finished.outcome == "completed"
    return finished


@pytest.fixture(scope="module")
def page(series, page_of):
    return page_of(series.folder)


def test_every_figure_is_drawn_and_says_what_its_marks_mean(page):
    assert page.text.count("Drawn by cv.scan-rate-series.") == 4
    assert "Bars are standard uncertainties." in page.text
    assert "Dashed: the plateaux" in page.text
    assert "A rung for every couple" in page.text
    for rate in ("100 mV/s", "200 mV/s", "500 mV/s"):
        assert any(rate in picture for picture in page.pictures)
    assert "Step" not in page.section("figures").partition("Scan rates.")[2].partition("Drawn by")[0]


def test_methods_name_every_rate_of_a_window_once(page):
    way = "from 0 V by way of −0.8 V and 0 V to 0 V at 100 mV/s, 200 mV/s and 500 mV/s, 1 cycle"
    assert way in page.section("methods")
    assert "other ways" not in page.section("methods")


def test_the_table_for_the_supporting_information_is_rounded_to_its_uncertainty(series, page):
    potentials = [
        q
        for result in load_results(series.folder / "results")
        for q in result["quantities"]
        if q["name"] == "half_wave_potential"
    ]
    assert len(potentials) == 2
    for quantity in potentials:
        assert concise(quantity["value"], quantity["u"]).replace("-", "−") in page.section("si-table")
    assert "Ag/AgCl (3.5 M KCl)" in page.section("si-table")


def test_csv_has_every_number_and_every_refusal(series, tmp_path):
    target = tmp_path / "si.csv"
    write_si_table(series.folder, target)
    text = target.read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    results = load_results(series.folder / "results")
    assert len(rows) == sum(len(r["quantities"]) + len(r["refusals"]) for r in results)
    for row, quantity in zip(
        [r for r in rows if r["value"]], [q for r in results for q in r["quantities"]], strict=True
    ):
        assert float(row["value"]) == quantity["value"]
        assert float(row["u"]) == quantity["u"]
    reasons = [r["remarks"] for r in rows if r["value(u)"] == "no number"]
    assert any("[aqueous-to-nonaqueous]" in reason for reason in reasons)
    assert {r["against"] for r in rows if r["quantity"] == "half_wave_potential"} == {"Ag/AgCl (3.5 M KCl)"}


def test_table_of_a_folder_that_is_no_run_or_cannot_be_written_is_refused(series, tmp_path):
    with pytest.raises(RunFolderError):
        write_si_table(tmp_path, tmp_path / "si.csv")
    with pytest.raises(StoreReadOnly):
        write_si_table(series.folder, tmp_path / "missing" / "si.csv")


@pytest.mark.parametrize(
    ("value", "u", "said"),
    [
        (-0.4760492, 0.00034175, "-0.47605(34)"),
        (0.0999, 0.00996, "0.100(10)"),
        (83.04, 1.53, "83.0(15)"),
        (9.93e-6, 0.55e-6, "9.93(55)e-6"),
        (1.0, None, "1"),
        (None, None, ""),
    ],
)
def test_concise_notation(value, u, said):
    assert concise(value, u) == said


def test_a_label_names_the_scale_and_no_cell_is_a_formula():
    quantity = {"name": "half_wave_potential", "label": "=A vs Fc+/0", "value": 0.1, "u": 0.001, "unit": "V"}
    (row,) = rows_of([{"analysis": "x", "quantities": [quantity]}], {"id": "s", "reference": "SCE"})
    assert (row["of"], row["against"], row["value(u)"]) == ("=A", "Fc+/0", "0.1000(10)")
    assert csv_text([row]).splitlines()[1].split(",")[HEADS.index("of")] == "'=A"


def test_residuals_have_a_panel_of_their_own():
    x = np.array([1.0, 2.0, 3.0])
    curves = [Curve(x, 2e-6 * x, "points", "points"), Curve(x, 2e-6 * x, "line")]
    one = draw_spec(FigureSpec("a", "x", "current", "1", "A", tuple(curves)), "a").svg
    two = draw_spec(
        FigureSpec("b", "x", "current", "1", "A", (*curves, Curve(x, 1e-9 * x, "rest", "residual points"))), "b"
    ).svg
    assert "left over / nA" in two
    assert "left over" not in one
    assert "I / µA" in one


def test_a_ladder_has_rungs_values_gaps_and_columns():
    ends = np.array([-0.3, 0.3])
    rungs = [Curve(ends, np.full(2, e), name, "level") for e, name in ((-0.476, "4-/5-"), (-1.294, "5-/6-"))]
    spec = FigureSpec("l", "", "potential", "1", "V", tuple(rungs), (Marker(0.0, None, "Re4Mo2", "column"),))
    svg = draw_spec(spec, "l").svg
    for words in ("4-/5-", "−0.476 V", "−1.294 V", "0.818 V", "Re4Mo2"):
        assert words in svg


def test_bars_have_the_colour_of_their_points_and_no_entry_in_the_legend():
    x = np.array([1.0, 2.0])
    curves = (
        Curve(x, x, "first", "open points"),
        Curve(x, 2 * x, "second", "points"),
        Curve(np.array([1.0, 1.0, np.nan]), np.array([1.9, 2.1, np.nan]), "", "bars"),
    )
    svg = draw_spec(FigureSpec("c", "x", "y", "1", "1", curves), "c").svg
    assert "first" in svg
    assert "_nothing" not in svg


def test_the_run_still_reads_after_the_table_was_written(series):
    assert open_run(series.folder).outcome == "completed"
