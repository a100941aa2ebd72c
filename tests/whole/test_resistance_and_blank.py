"""Analyses that refer to other steps of the run: the resistance that one measured, the blank that another was."""

import json

from killing import SAMPLE, luggin

from luggin.analysis import open_run

CELL = """
[simulated.cell]
dialect = "palmsens.methodscript"
model = "emstat4-hr"

[simulated.cell.cell]
kind = "redox"
area = "0.0707 cm2"
concentration = "0.5 mM"
diffusion_coefficient = "1e-5 cm2/s"
couples = [{half_wave_potential = "-0.476 V"}]
solution_resistance = "1500 ohm"
double_layer_capacitance = "2 uF"
current_noise = "5 nA"
seed = 3

[instruments.cell]
driver = "palmsens.methodscript"
resource = "sim://cell"
settings = {model = "emstat4-hr"}
"""
RESISTANCE = (
    '{do = "solution_resistance", id = "Ru", begin = "100 kHz", end = "1 kHz", amplitude = "10 mV peak", '
    'bias = "0.1 V vs ref"}'
)


def protocol(options, *steps):
    sweep = 'begin = "0 V vs ref", vertices = ["-0.9 V", "0.2 V"], rate = "200 mV/s", step = "1 mV"'
    cv = f'{{do = "cv", id = "full", {sweep}}}'
    use = f'{{use = "cv.half-waves", on = "full", {options}}}'
    return f'title = "refers"\nsteps = [{", ".join((*steps, cv))}]\nanalyses = [{use}]\n{SAMPLE}'


def the_only(seen, name):
    (quantity,) = seen.quantities(name).values()
    return quantity


def test_the_resistance_that_a_step_measured_is_taken_off(travel):
    seen = travel(protocol('resistance = "Ru"', RESISTANCE), CELL)
    value = the_only(seen, "half_wave_potential")
    assert abs(value["value"] + 0.476) <= 3 * value["u"] <= 3e-3
    assert any("taken off, measured (Ru)" in flag for flag in seen.finished.results[0]["flags"])


def test_a_resistance_that_no_step_measured_is_a_refusal(travel):
    seen = travel(protocol('resistance = "Ru"'), CELL)
    (result,) = seen.finished.results
    assert result["quantities"] == []
    assert [refusal["code"] for refusal in result["refusals"]] == ["resistance-unknown"]


def test_the_run_gives_the_same_answer_again_and_the_report_draws_it(travel, tmp_path):
    folder = travel(protocol('resistance = "Ru"', RESISTANCE), CELL).finished.folder
    (first,) = open_run(folder).results
    code, out, errors = luggin("analyse", folder, "--json", cwd=tmp_path)
    assert code == 0, errors
    (again,) = json.loads(out)["results"]
    assert again["quantities"] == first["quantities"]
    code, _, errors = luggin("report", folder, cwd=tmp_path)
    assert code == 0, errors
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "analyse the run again" not in page
    assert "no analysis was asked about" not in page
