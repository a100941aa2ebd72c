"""What commands say when all is well: one JSON object where it is asked for, and words for people."""

import json

import pytest

from luggin.analysis import open_run

SAMPLE = '\n[sample]\nid = "x"\nwiring = "three-electrode"\nworking = {material = "glassy carbon", diameter = "3 mm"}\n'
SAMPLE += 'counter = {material = "Pt wire"}\nreference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}\n'
CV = 'do = "cv", id = "full", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "100 mV/s", step = "2 mV"'
PROTOCOL = f"""
title = "a protocol"
steps = [
  {{do = "ocp", duration = "5 s"}},
  {{{CV}}},
]
analyses = [{{use = "cv.half-waves", on = "full"}}]
{SAMPLE}"""

SCRIPT = """
import luggin
from luggin import CV, OCP

SAMPLE = {
    "id": "x", "wiring": "three-electrode", "working": {"material": "glassy carbon", "diameter": "3 mm"},
    "counter": {"material": "Pt wire"}, "reference": {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"},
}
print("a script prints")
with luggin.start(sample=SAMPLE) as run:
    run.do(OCP(duration="5 s"))
    cv = run.do(CV(begin="0 V vs ref", vertices=("-0.8 V", "0 V"), rate="100 mV/s", step="2 mV"))
    print(run.analyse("cv.half-waves", cv))
"""


def half_wave(said):
    quantities = [q for result in said["results"] for q in result["quantities"]]
    return next(q["value"] for q in quantities if q["name"] == "half_wave_potential")


@pytest.fixture
def done(folder):
    """A finished run in ``done``."""
    folder.write("p.toml", PROTOCOL)
    said = folder.luggin("run", "p.toml", "--folder", "done", "--no-report", "--json")
    assert said.code == 0, said
    return said


@pytest.mark.parametrize(("name", "text"), [("p.toml", PROTOCOL), ("p.py", SCRIPT)])
def test_run_prints_one_object_and_nothing_else(folder, name, text):
    said = folder.luggin("run", folder.write(name, text), "--folder", "out", "--no-report", "--json")
    assert said.code == 0, said.errors
    assert set(said.json) == {"run", "outcome", "simulated", "results"}
    assert said.json["run"] == "out"
    assert said.json["outcome"] == "completed"
    assert said.json["simulated"] is True
    assert half_wave(said.json) == pytest.approx(-0.476, abs=2e-3)


def test_a_run_says_that_it_is_simulated_and_where_it_is(folder):
    folder.write("p.toml", PROTOCOL)
    said = folder.luggin("run", "p.toml", "--no-report")
    assert said.code == 0
    assert "No bench is named: this runs on the built-in SIMULATED bench." in said.errors
    assert "completed (SIMULATED: no real instrument was used)" in said.out
    assert "-0.47" in said.out
    (run,) = [name for name in folder.listing() if name.startswith("runs/") and name.count("/") == 1]
    assert run in said.out


def test_a_run_that_fails_prints_its_object_and_its_message(folder):
    limits = 'limits = [{column = "current", between = ["-1 uA", "1 uA"]}]\nsteps'
    folder.write("p.toml", PROTOCOL.replace("steps", limits, 1))
    said = folder.luggin("run", "p.toml", "--folder", "out", "--no-report", "--json")
    assert said.code == 3
    assert said.json["outcome"] == "limit tripped"
    assert said.json["error"]["type"] == "LimitTripped"
    assert "The cell is open" in said.message
    resumed = folder.luggin("resume", "out", "--clear-trip", "--no-report", "--json")
    assert resumed.code == 3
    assert resumed.json["outcome"] == "limit tripped"


def test_check_prints_one_object_and_touches_nothing(folder):
    before = folder.listing()
    said = folder.luggin("check", folder.write("p.toml", PROTOCOL), "--json")
    assert said.code == 0
    assert folder.listing() == [*before, "p.toml"]
    assert [step["path"] for step in said.json["steps"]] == ["1", "2"]
    assert said.json["rows"] == 10 + 801
    assert said.json["duration_s"] == pytest.approx(5 + 16)
    assert said.json["rehearsal"]["outcome"] == "completed"
    assert said.json["rehearsal"]["rows"] == 811
    quick = folder.luggin("check", "p.toml", "--json", "--no-rehearsal")
    assert quick.json["rehearsal"] is None


def test_check_in_words(folder):
    said = folder.luggin("check", folder.write("p.toml", PROTOCOL))
    assert said.code == 0
    assert "2 steps, 21 s without prompts, 811 rows" in said.out
    assert "rehearsal on simulated twins: completed, 811 rows" in said.out
    assert "limits: none (a real bench refuses a run without limits of potential and current)" in said.out


def test_analyse_prints_the_same_answer_and_keeps_it(folder, done):
    before = len(folder.listing())
    said = folder.luggin("analyse", "done", "--json")
    assert said.code == 0, said.errors
    assert half_wave(said.json) == half_wave(done.json)
    assert len(folder.listing()) > before
    assert "half wave potential" in folder.luggin("analyse", "done").out


def test_analyse_can_save_elsewhere(folder, done):
    before = [name for name in folder.listing() if name.startswith("done/")]
    assert folder.luggin("analyse", "done", "--save", "elsewhere").code == 0
    assert [name for name in folder.listing() if name.startswith("done/")] == before
    (result,) = (folder.path / "elsewhere").rglob("*.json")
    assert half_wave({"results": [json.loads(result.read_text())]}) == half_wave(done.json)


def test_recover_finds_nothing_to_do_on_a_finished_run(folder, done):
    assert folder.luggin("recover", "done", "--json").json == {"run": "done", "recovery": "nothing to do"}


def test_recover_names_a_damaged_log_as_resume_and_show_do(folder, done):
    log = folder.path / "done" / "run.log"
    content = log.read_bytes()
    second = content.index(b"\n") + 1
    log.write_bytes(content[: second + 40] + bytes([content[second + 40] ^ 1]) + content[second + 41 :])
    for command in ("recover", "resume", "show"):
        message = folder.refused(command, "done", code=1)
        assert f"run.log: line 2 (byte {second}) is damaged" in message
    log.write_bytes(content)


def test_schema_is_a_json_schema_that_knows_every_step(folder):
    said = folder.luggin("schema")
    assert said.code == 0
    text = json.dumps(said.json)
    for step in ("ocp", "cv", "lsv", "ca", "rest", "prompt", "note", "chain", "repeat", "for_each"):
        assert f'"{step}"' in text, step


def test_plugins_and_instruments_are_listed(folder):
    provides = {name for plugin in folder.luggin("plugins", "--json").json["plugins"] for name in plugin["provides"]}
    assert {"luggin_drivers", "luggin_analyses", "luggin_simulators"} <= provides
    assert "luggin_drivers" in folder.luggin("plugins").out
    listed = folder.luggin("instruments").out
    assert "palmsens.methodscript" in listed
    assert "emstat4-hr" in listed
    one = folder.luggin("instruments", "palmsens.methodscript")
    assert one.code == 0
    assert "-6" in one.out
    assert "not tested on hardware" in one.out.lower() or "simulator only" in one.out
    assert "emstat4-hr" in json.dumps(folder.luggin("instruments", "--json").json)


def test_help_and_version(folder):
    assert "check" in folder.luggin("--help").out
    assert folder.luggin("--version").out.startswith("luggin ")
    for command in (
        "check",
        "run",
        "resume",
        "recover",
        "analyse",
        "report",
        "plugins",
        "instruments",
        "schema",
        "sim",
    ):
        said = folder.luggin(command, "--help")
        assert said.code == 0
        assert "Usage: luggin " + command in said.out


def test_a_potential_that_turns_out_to_be_outside_ends_the_run_before_it_is_applied(folder):
    """Exit code 2 as for one that is known from the file; what was measured up to there is kept, and can be resumed."""
    limits = 'limits = [{column = "potential", between = ["-1 V", "1 V"]}]'
    far = '{do = "lsv", begin = "0 V vs ocp", end = "3 V vs ocp", rate = "100 mV/s", step = "10 mV"}'
    text = f'title = "x"\n{limits}\nsteps = [{{do = "ocp", duration = "2 s", dt = "1 s"}}, {far}]\n{SAMPLE}'
    folder.write("p.toml", text)
    said = folder.luggin("run", "p.toml", "--folder", "run", "--no-report")
    assert said.code == 2
    assert "lsv: end would be 3 V vs ref; the limits of this run allow potential between -1 V and 1 V" in said.errors
    assert "Nothing was applied." in said.errors
    assert "luggin resume run" in said.errors
    archive = open_run(folder.path / "run")
    assert archive.outcome == "failed"
    assert (len(archive["ocp"]), "lsv" in archive.store.streams) == (2, False)
    assert folder.luggin("resume", "run", "--dry-run").code == 0
