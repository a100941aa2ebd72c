"""What a resume says beforehand, and that a dry run ends as the resume would."""

import json
import tempfile

import pytest

from luggin.engine.latch import latch
from luggin.store import RunLog, StoreWriter

SAMPLE = '\n[sample]\nid = "x"\nwiring = "three-electrode"\nworking = {material = "glassy carbon", diameter = "3 mm"}\n'
SAMPLE += 'counter = {material = "Pt wire"}\nreference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}\n'
WIDE = '{column = "current", between = ["-1 mA", "1 mA"]}'
TIGHT = '{column = "current", between = ["-1 uA", "1 uA"]}'
OCP = '{do = "ocp", duration = "2 s", dt = "0.5 s"}'
CV = '{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "100 mV/s", step = "10 mV"}'
REAL = """
[instruments.cell]
driver = "palmsens.methodscript"
resource = "/dev/ttyNONE"
settings = {model = "emstat4-hr"}
"""


def protocol(*steps, current=WIDE):
    window = '{column = "potential", between = ["-1 V", "1 V"]}'
    return f'title = "foreseen"\nlimits = [{window}, {current}]\nsteps = [{", ".join(steps)}]\n{SAMPLE}'


@pytest.fixture(autouse=True)
def own_lines(tmp_path, monkeypatch):
    """Latches of this computer's real lines are not for tests to see."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def tripped(folder):
    """A simulated run whose first step is completed and whose second one a limit stopped."""
    folder.write("p.toml", protocol(OCP, CV, current=TIGHT))
    assert folder.luggin("run", "p.toml", "--folder", "run", "--no-report").code == 3
    return folder


class Clock:
    def now(self):
        return 0.0


@pytest.fixture
def real(folder):
    """A run on a real bench that died after its first step."""
    from luggin.bench import load_bench
    from luggin.steps import load_protocol

    text = protocol(OCP, CV)
    loaded = load_protocol(text=text)
    bench = load_bench(text=REAL, drivers=["palmsens.methodscript"])
    first = next(iter(loaded.protocol.walk())).step
    writer = StoreWriter.create(folder.path / "run", {}, host_clock=Clock())
    header = {"title": "foreseen", "created": "2026-11-20T12:00:00+00:00", "simulated": False, "virtual": False}
    stored = {"kind": "toml", "name": "p.toml", "text": text, "sha256": loaded.sha256, "arguments": []}
    where = {"path": "real.toml", "text": REAL, "sha256": bench.sha256}
    with RunLog.create(folder.path / "run") as log:
        log.append({"kind": "run", "time": 0.0, "protocol": stored, "bench": where, **header})
        log.append({"kind": "session", "time": 0.0, "reason": "start", "utc": header["created"], "pid": 1})
        common = {"path": "1", "step": 1, "attempt": 1}
        log.append({"kind": "start", "time": 0.1, "do": "ocp", "fingerprint": first.fingerprint(), **common})
        log.append({"kind": "end", "time": 2.1, "parts": [], "status": "done", **common})
    writer.abandon()
    folder.write("real.toml", REAL)
    folder.write("other.toml", REAL.replace("NONE", "OTHER"))
    return folder


def test_a_dry_run_of_what_would_begin_ends_with_0(tripped):
    said = tripped.luggin("resume", "run", "--dry-run", "--clear-trip")
    assert said.code == 0
    assert said.errors == ""
    assert "then      step 2 cv begins again" in said.out


def test_a_dry_run_ends_as_the_resume_of_a_run_that_tripped_would(tripped):
    said = tripped.luggin("resume", "run", "--dry-run")
    assert said.code == tripped.luggin("resume", "run").code == 2
    assert "limit     step 2: current was " in said.out
    assert said.message.startswith(
        "luggin: run: a limit stopped this run, and nobody has said that the cell was looked"
    )
    told = tripped.luggin("resume", "run", "--dry-run", "--json")
    assert told.code == 2
    assert told.json["error"]["type"] == "RunFolderError"
    assert told.json["interrupted"]["path"] == "2"


def test_a_dry_run_of_a_completed_run_is_refused_as_its_resume_is(folder):
    folder.write("p.toml", protocol(OCP))
    assert folder.luggin("run", "p.toml", "--folder", "run", "--no-report").code == 0
    said = folder.luggin("resume", "run", "--dry-run")
    assert said.code == folder.luggin("resume", "run").code == 2
    assert said.message == "luggin: run: this run is completed; there is nothing to resume."


def test_a_dry_run_of_a_run_that_is_being_written_ends_as_the_resume_would(tripped):
    writer = StoreWriter.resume(tripped.path / "run", host_clock=Clock())
    try:
        said = tripped.luggin("resume", "run", "--dry-run", "--clear-trip")
    finally:
        writer.abandon()
    assert said.code == 1
    assert said.message == "luggin: run: a process writes it now; stop that first."


@pytest.mark.parametrize("dry", [["--dry-run"], []], ids=["dry", "wet"])
@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            (OCP.replace('"2 s"', '"3 s"'), CV),
            "step 1 of this run was 'ocp' and is completed, but the protocol now has",
        ),
        ((CV,), "step 1 of this run was 'ocp' and is completed, but the protocol now has a 'cv' there"),
    ],
    ids=["changed", "another protocol"],
)
def test_nothing_is_told_of_a_protocol_that_does_not_fit(tripped, dry, steps, words):
    tripped.write("changed.toml", protocol(*steps))
    said = tripped.luggin("resume", "run", "--protocol", "changed.toml", "--clear-trip", *dry)
    assert (said.code, said.out) == (2, "")
    assert said.errors.startswith(f"luggin: {words}")


def test_nothing_is_told_of_a_bench_of_another_world(tripped):
    tripped.write("real.toml", REAL)
    said = tripped.luggin("resume", "run", "--bench", "real.toml", "--clear-trip", "--dry-run")
    assert (said.code, said.out) == (2, "")
    assert "this run was begun on simulated instruments" in said.message


def test_the_way_out_of_a_bench_without_rehearsal_is_one(real):
    """What the message names can be done, and then the run goes on: as far as there is an instrument."""
    for dry in (["--dry-run"], []):
        said = real.luggin("resume", "run", "--bench", "other.toml", "--yes", *dry)
        assert (said.code, said.out) == (2, "")
        assert "Rehearse it with `luggin check run --bench other.toml`, or run it with --force" in said.errors
    checked = real.luggin("check", "run", "--bench", "other.toml")
    assert checked.code == 0
    assert "rehearsal on simulated twins: completed" in checked.out
    said = real.luggin("resume", "run", "--bench", "other.toml", "--dry-run")
    assert said.code == 0
    assert "1 step is not done again: 1 ocp" in said.out
    assert real.luggin("resume", "run", "--bench", "other.toml", "--yes", "--no-report").code == 4, "no such port"


def test_a_run_that_is_as_it_was_needs_no_rehearsal(real):
    assert real.luggin("resume", "run", "--dry-run").code == 0


def test_closed_lines_are_foreseen(real):
    latch(["/dev/ttyNONE"], "current was 2 mA", real.path / "other")
    for dry in (["--dry-run"], []):
        said = real.luggin("resume", "run", "--yes", *dry)
        assert (said.code, said.out) == (2, "")
        assert f"clear it with `luggin clear {real.path / 'other'}`" in said.errors


def test_the_protocol_of_a_run_is_rehearsed_on_its_own_bench(tripped):
    said = tripped.luggin("check", "run", "--json")
    assert said.code == 3
    assert said.json["rehearsal"]["outcome"] == "limit tripped"
    assert [step["title"] for step in said.json["steps"]] == ["ocp", "cv"]


def test_the_script_of_a_run_is_rehearsed_with_its_arguments(folder):
    folder.write(
        "s.py",
        "import json, sys, luggin\n"
        'sample = {"id": "x", "wiring": "three-electrode", "working": {"material": "Pt", "diameter": "3 mm"}, '
        '"counter": {"material": "Pt wire"}, "reference": {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"}}\n'
        "with luggin.start(sample=sample) as run:\n"
        '    run.do(luggin.OCP(duration=sys.argv[1], dt="1 s"))\n',
    )
    assert folder.luggin("run", "s.py", "7 s", "--folder", "run", "--no-report").code == 0
    (folder.path / "s.py").unlink()
    said = folder.luggin("check", "run", "--json")
    assert said.code == 0, said
    assert json.loads(said.out)["rehearsal"]["rows"] == 7
