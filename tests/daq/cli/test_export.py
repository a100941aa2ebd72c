"""Runs in other formats."""

import csv

PROTOCOL = """
title = "to be exported"
steps = [{do = "cv", id = "full", begin = "0 V vs ref", vertices = ["-0.8 V", "0.2 V"], end = "0 V", rate = "100 mV/s", step = "1 mV"}]
analyses = [{use = "cv.half-waves", on = "full"}]
[sample]
id = "exported"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3.0(1) mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""  # noqa: E501 - as a chemist would write it


def test_the_table_for_a_paper_is_written_once_and_never_over_another(folder):
    folder.write("p.toml", PROTOCOL)
    assert folder.luggin("run", "p.toml", "--folder", "done", "--no-report").code == 0
    written = folder.luggin("export", "done", "si-table")
    assert written.code == 0
    path = folder.path / "done" / "si-table.csv"
    assert written.out.strip() == "done/si-table.csv"
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert any("-0.47" in cell for row in rows for cell in row)
    again = folder.luggin("export", "done", "si-table")
    assert again.code == 2
    assert "nothing is written over" in again.message


def test_formats_are_listed_and_a_misspelt_one_is_helped(folder):
    listed = folder.luggin("export", "--json")
    assert set(listed.json["formats"]) >= {"report", "si-table"}
    folder.path.joinpath("done").mkdir()
    wrong = folder.luggin("export", "done", "si-tabel")
    assert (wrong.code, "si-table" in wrong.message) == (2, True)
    assert folder.luggin("export", "done", "si-table").code == 2
