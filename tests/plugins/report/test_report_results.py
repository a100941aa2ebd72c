"""What a chemist looks for first: the numbers, what they are against, and why there is none."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from luggin.analysis import open_run
from luggin.engine.history import History
from luggin.store import RunLog


def test_numbers_are_those_of_the_result_to_the_last_digit(completed, completed_page):
    kept = json.loads((completed.folder / "results/cv.half-waves/1.json").read_text())
    assert [q["name"] for q in kept["quantities"]] == ["half_wave_potential", "peak_separation"] * 2
    assert [value for value, _ in completed_page.data] == [repr(q["value"]) for q in kept["quantities"]]


def test_numbers_are_shown_rounded_to_their_uncertainty(completed, completed_page):
    for (_, said), quantity in zip(completed_page.data, completed.results[0]["quantities"], strict=True):
        value, u = (float(part) for part in said.replace("\N{MINUS SIGN}", "-").split(" ± "))
        digits = len(f"{u:.10f}".rstrip("0").lstrip("0."))
        assert digits in (1, 2)
        assert u == pytest.approx(quantity["u"], rel=0.06)
        assert abs(value - quantity["value"]) <= 0.05 * quantity["u"] + 1e-12


def test_potentials_say_against_what_they_are_and_separations_do_not(completed_page):
    results = completed_page.section("results")
    assert results.count("V vs Ag/AgCl (3.5 M KCl)") == 2
    assert re.search(r"half-wave potential E1/2 4-/5- −0\.47\d+ ± 0\.0\d+ V vs Ag/AgCl \(3\.5 M KCl\)", results)
    assert re.search(r"peak separation ΔEp 4-/5- 0\.0[67]\d+ ± 0\.00\d+ V (quasi-)?reversible", results)


def test_results_come_before_figures_and_figures_before_conditions(completed_page):
    order = re.findall(r'<section id="([a-z-]+)">', completed_page.html)
    assert order[:3] == ["results", "figures", "conditions"]
    assert order[3:] == ["events", "limits", "instruments", "sample", "si-table", "methods", "provenance"]


def test_a_couple_that_is_not_there_is_refused_in_words(laboratory, page_of, texts):
    asked = 'analyses = [{use = "cv.half-waves", on = "full", couples = [{label = "ghost", near = "0.1 V"}]}]\n'
    page = page_of(laboratory.run(texts.cv, asked).folder)
    assert "ghost: no wave was found within 0.15 V of 0.100 V [couple-not-found]" in page.section("results")


def test_without_a_single_number_the_reason_stands_alone(laboratory, page_of, texts):
    flat = (
        '{do = "cv", id = "full", begin = "0 V vs ref", vertices = ["0.1 V", "0.2 V"], rate = "1 V/s", step = "2 mV"}'
    )
    page = page_of(laboratory.run(flat, texts.half_waves).folder)
    assert page.data == []
    assert "No number:" in page.section("results")
    assert "[no-wave]" in page.section("results")


def test_figure_marks_peaks_baselines_and_half_wave_potentials(completed, completed_page):
    figure = completed_page.pictures[0]
    half_waves = [q for q in completed.results[0]["quantities"] if q["name"] == "half_wave_potential"]
    for quantity in half_waves:
        number = f"{quantity['value']:.3f}".replace("-", "\N{MINUS SIGN}")
        assert f"E1/2({quantity['label']}) = {number} V" in figure
    passages = [p for p in completed.results[0]["tables"]["passages"] if p["used"]]
    for passage in passages:
        for name, key in (("Epa", "anodic_peak_potential"), ("Epc", "cathodic_peak_potential")):
            assert f"{name} {passage[key]:.3f} V".replace("-", "\N{MINUS SIGN}") in figure
    assert figure.count("stroke-dasharray: 4") >= 4  # two baselines per wave


def test_axes_carry_units_with_prefix_and_the_reference(completed_page):
    voltammogram, overview = completed_page.pictures
    assert ">E vs Ag/AgCl (3.5 M KCl) / V<" in voltammogram
    assert ">I / µA<" in voltammogram
    assert ">E / V<" in overview
    assert ">I / µA<" in overview
    assert ">t since the start / s<" in overview
    assert "IUPAC convention" in completed_page.section("figures")


def test_methods_say_how_the_potential_was_determined(completed, completed_page):
    methods = completed_page.section("methods")
    said = completed.results[0]["quantities"][0]["method"]
    assert f"Half-wave potential: {said}." in methods
    assert "Cyclic voltammetry was run from 0 V by way of −1.7 V and 0.2 V to 0 V at 100 mV/s, 1 cycle" in methods
    assert "simulated PalmSens EmStat4 HR" in methods
    assert "reference electrode: Ag/AgCl (3.5 M KCl)) at 25(1) degC." in methods
    assert "standard uncertainties (k = 1)" in methods


def test_methods_name_the_solution_and_what_of_it_is_assumed(completed, page_of):
    archive = open_run(completed.folder)
    solution = {"solvent": "CH3CN", "concentration": "0.5 mM", "electrolyte": "0.1 M Bu4NPF6"}
    assumed = ["concentration", "working.diameter", "reference", "purity of the solvent"]
    archive.header = {**archive.header, "sample": {**archive.header["sample"], **solution, "assumed": assumed}}
    page = page_of(archive)
    assert (
        "The sample re4mo2-4, 0.5 mM (assumed) in CH3CN with 0.1 M Bu4NPF6, was in a three-electrode cell (working "
        "electrode: glassy carbon, diameter 3.0(1) mm (assumed); counter electrode: Pt wire; reference electrode: "
        "Ag/AgCl, fill 3.5 M KCl (assumed)) at 25(1) degC."
    ) in page.section("methods")
    sample = page.section("sample")
    assert "assumed: concentration 0.5 mM" in sample
    assert "assumed: working diameter 3.0(1) mm" in sample
    assert "not stated: purity of the solvent" in sample


def test_newer_answer_to_the_same_question_replaces_the_older(completed, copy_of, page_of):
    folder = copy_of(completed.folder)
    first = folder / "results/cv.half-waves/1.json"
    kept = json.loads(first.read_text())
    kept["quantities"] = kept["quantities"][:1]
    kept["quantities"][0]["value"] = -0.5
    first.with_name("2.json").write_text(json.dumps(kept))
    page = page_of(folder)
    assert [value for value, _ in page.data] == ["-0.5"]
    assert "finds other numbers than version" in page.section("results")


def test_rows_that_are_not_those_of_the_result_are_told(completed, copy_of, page_of):
    folder = copy_of(completed.folder)
    path = folder / "results/cv.half-waves/1.json"
    kept = json.loads(path.read_text())
    kept["inputs"][0]["sha256"] = "0" * 64
    path.write_text(json.dumps(kept))
    assert "the rows are not those from which the numbers were found" in page_of(folder).section("results")


def test_result_of_two_entries_on_different_steps_stand_side_by_side(laboratory, page_of, texts):
    other = texts.cv.replace('"full"', '"again"')
    asked = 'analyses = [{use = "cv.half-waves", on = "full"}, {use = "cv.half-waves", on = "again"}]\n'
    finished = laboratory.run(f"{texts.cv}, {other}", asked)
    page = page_of(finished.folder)
    assert len(page.data) == sum(len(r["quantities"]) for r in finished.results) == 8
    assert [len(p) > 0 for p in page.pictures] == [True, True, True]


def test_planned_analysis_without_a_kept_result_is_asked_for_the_report(completed, copy_of, page_of):
    folder = copy_of(completed.folder)
    (folder / "results/cv.half-waves/1.json").unlink()
    page = page_of(folder)
    assert [value for value, _ in page.data] == [repr(q["value"]) for q in completed.results[0]["quantities"]]
    assert "the run itself keeps no such result" in page.section("results")


def test_broken_result_file_is_named_and_costs_nothing_else(completed, copy_of, page_of):
    folder = copy_of(completed.folder)
    (folder / "results/cv.half-waves/2.json").write_text('{"analysis": "cv.half-')
    page = page_of(folder)
    assert "the result cv.half-waves/2.json cannot be read" in page.text
    assert len(page.data) == 4


def test_analysis_that_is_not_installed_leaves_its_numbers_and_is_named(completed, copy_of, page_of):
    folder = copy_of(completed.folder)
    kept = json.loads((folder / "results/cv.half-waves/1.json").read_text())
    place = folder / "results/other.analysis"
    place.mkdir()
    (place / "1.json").write_text(json.dumps({**kept, "analysis": "other.analysis"}))
    page = page_of(folder)
    assert len(page.data) == 8
    assert "the figures of other.analysis could not be drawn again" in page.text
    assert "unknown analysis" in page.text


def test_times_of_day_are_local_with_offset_and_utc_behind(completed, completed_page):
    created = datetime.fromisoformat(str(History(RunLog.read(completed.folder)).header["created"])).astimezone(UTC)
    exact = created.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    stamps = [attrs for tag, attrs in completed_page.tags if tag == "time"]
    assert stamps[0]["datetime"] == exact
    assert stamps[0]["title"] == f"UTC {exact}"
    hour = (created.hour + 2) % 24
    assert f"{hour:02}:{created:%M:%S} +02:00" in completed_page.text
    assert {"2031-03-14T08:30:00.000Z"} <= {s["datetime"] for s in stamps}


def test_values_of_the_sample_and_what_is_not_stated(completed_page):
    sample = completed_page.section("sample")
    assert "working electrode glassy carbon, diameter 3.0(1) mm" in sample
    assert "reference electrode Ag/AgCl, fill 3.5 M KCl" in sample
    assert "not stated: purity of the solvent" in sample


def test_instrument_says_who_it_is_and_what_its_driver_was_tested_on(completed, completed_page):
    identity = open_run(completed.folder).sessions[0]["instruments"]["cell"]
    said = completed_page.section("instruments")
    for key in ("maker", "model", "serial", "firmware"):
        assert identity[key] in said
    assert "palmsens.methodscript" in said
    assert "driver tested not tested on hardware" in said
    assert "SIMULATED; it says of itself" in said


def test_limits_say_who_held_them(completed, page_of, completed_page):
    assert "current −100 µA … 100 µA 3 rows the run stops, the cell is opened Luggin, on every row" in (
        completed_page.section("limits")
    )
    archive = open_run(completed.folder)
    for event in archive.events:
        event["limits_in_instrument"] = {"current": "i limit 0.1 mA"}
    assert "the instrument itself (i limit 0.1 mA); and Luggin" in page_of(archive).section("limits")


def test_digests_and_texts_are_there(completed, completed_page):
    header = open_run(completed.folder).header
    provenance = completed_page.section("provenance")
    kept = json.loads((completed.folder / "results/cv.half-waves/1.json").read_text())
    for digest in (header["protocol"]["sha256"], header["bench"]["sha256"], kept["inputs"][0]["sha256"]):
        assert digest in provenance
    assert " ".join(header["protocol"]["text"].split()) in provenance
    assert str(completed.folder.resolve()) in provenance
    assert f"numpy {header['software']['numpy']}" in provenance
    assert "Nothing failed" in completed_page.text
