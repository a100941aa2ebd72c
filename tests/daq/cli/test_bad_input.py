"""Mistakes of every kind, as commands: one message that says where, what and the way out; nothing is touched."""

import json
import os
import subprocess
import sys

import pytest

from luggin.analysis import open_run
from luggin.store import StoreWriter
from luggin.store.layout import FORMAT
from luggin_sim.bench import default_bench_text

SAMPLE = '\n[sample]\nid = "x"\nwiring = "three-electrode"\nworking = {material = "glassy carbon", diameter = "3 mm"}\n'
SAMPLE += 'counter = {material = "Pt wire"}\nreference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}\n'
CV = 'do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "100 mV/s", step = "10 mV"'
LIMITS = (
    'limits = [{column = "potential", between = ["-1 V", "1 V"]}, {column = "current", between = ["-1 mA", "1 mA"]}]\n'
)


def protocol(step, head=""):
    return f'title = "a protocol"\n{head}steps = [\n  {{{step}}},\n]\n{SAMPLE}'


def bench(**changed):
    """A bench with a real instrument."""
    entries = {"driver": "palmsens.methodscript", "resource": "/dev/ttyNONE"} | changed
    lines = [f'{key} = "{value}"' for key, value in entries.items()]
    return "\n".join(["[instruments.cell]", *lines, 'settings = {model = "emstat4-hr"}', ""])


@pytest.mark.parametrize(
    ("step", "line", "words"),
    [
        pytest.param(CV + ", cycels = 2", 3, ["cycels", "cycles"], id="misspelt key"),
        pytest.param('do = "cvv", cycles = 2', 3, ["cvv", "cv"], id="unknown step"),
        pytest.param(CV.replace('"100 mV/s"', "100"), 3, ["rate", "100 has no unit", "25 mV/s"], id="missing unit"),
        pytest.param(CV.replace("100 mV/s", "100 mV"), 3, ["rate", "mV", "V/s"], id="wrong unit"),
        pytest.param(CV.replace("0 V vs ref", "0 V"), 3, ["begin", "no zero", "vs ref"], id="potential without zero"),
        pytest.param(CV.replace("-0.8 V", "-7 V"), 3, ["-7 V", "-6 V ... 6 V", "EmStat4 HR"], id="vertex out of reach"),
        pytest.param(CV.replace("100 mV/s", "50 V/s"), 3, ["50 V/s"], id="scan rate out of reach"),
        pytest.param(CV.replace("10 mV", "2 V"), 3, ["step", "more than the sweep is"], id="step too wide"),
        pytest.param(CV + ', on = "bath"', 3, ["bath", "cell"], id="unknown instrument"),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_mistake_in_a_step_is_told_with_its_line(folder, command, step, line, words):
    message = folder.refused(command, folder.write("p.toml", protocol(step)))
    assert f"p.toml:{line}: " in message
    for word in words:
        assert word in message


def test_all_mistakes_of_a_file_come_at_once(folder):
    text = protocol(CV + ", cycels = 2").replace('title = "a protocol"', 'titel = "a protocol"')
    message = folder.refused("run", folder.write("p.toml", text.replace("Pt wire", "")))
    assert "p.toml:1: " in message
    assert "p.toml:3: " in message
    assert "Did you mean `title`" in message
    assert "Did you mean `cycles`" in message


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("p.toml", b"x = 1\n" * 200_000, ["1 MiB"], id="larger than a protocol may be"),
        pytest.param("p.py", b"x = 1\n" * 200_000, ["1 MiB"], id="script larger than a protocol may be"),
        pytest.param("p.toml", bytes(range(256)), ["UTF-8"], id="binary"),
        pytest.param("p.py", bytes(range(256)), ["p.py:2", "UTF-8"], id="binary script"),
        pytest.param("p.py", b"def (:\n", ["p.py:1: this is not Python: "], id="script with a syntax error"),
        pytest.param("p.py", b"print('nothing')\n", ["without calling luggin.start"], id="script without a run"),
        pytest.param("p.toml", b"", ["title", "steps", "sample"], id="empty"),
        pytest.param("p.toml", b"title = [\n", ["p.toml:", "not TOML"], id="broken TOML"),
        pytest.param(
            "p.toml",
            f"format = 99\n{protocol(CV)}".encode(),
            ["p.toml:1", "format 99", "Update Luggin"],
            id="newer format",
        ),
    ],
)
def test_a_file_that_is_no_protocol_is_refused(folder, name, content, words):
    before = folder.luggin("run", folder.write(name, content))
    assert before.code == 2
    if b"print" not in content:
        assert before.out == ""
    assert folder.listing() == [name]
    for word in words:
        assert word in before.message


def test_files_that_are_not_there_are_named(folder):
    assert "missing.toml" in folder.refused("run", "missing.toml")
    assert "missing.py" in folder.refused("run", "missing.py")
    folder.write("p.toml", protocol(CV))
    assert "missing-bench.toml" in folder.refused("run", "p.toml", "--bench", "missing-bench.toml")
    assert "missing-bench.toml" in folder.refused("sim", "missing-bench.toml")
    for command in ("resume", "recover", "report", "analyse"):
        assert "missing" in folder.refused(command, "missing")


def test_mistakes_in_a_bench_are_told_with_their_lines(folder):
    folder.write("p.toml", protocol(CV))
    message = folder.refused("run", "p.toml", "--bench", folder.write("b.toml", bench(driver="palmsens.metodscript")))
    assert "b.toml:2: " in message
    assert "there is no driver `palmsens.metodscript`" in message
    assert "Did you mean `palmsens.methodscript`" in message
    text = default_bench_text().replace('kind = "redox"', 'kind = "redoks"')
    message = folder.refused("run", "p.toml", "--bench", folder.write("b.toml", text))
    assert "b.toml:" in message
    assert "redoks" in message
    assert "format 99" in folder.refused("run", "p.toml", "--bench", folder.write("b.toml", "format = 99\n" + bench()))


def test_a_real_bench_wants_limits_and_a_rehearsal(folder):
    folder.write("b.toml", bench())
    message = folder.refused("run", folder.write("p.toml", protocol(CV)), "--bench", "b.toml")
    assert "a bench with real instruments needs limits of potential and current" in message
    message = folder.refused("run", folder.write("p.toml", protocol(CV, LIMITS)), "--bench", "b.toml")
    assert "was not rehearsed on this bench" in message
    assert "`luggin check p.toml --bench b.toml`" in message


@pytest.mark.parametrize("step", [CV.replace("-0.8 V", "-1.5 V"), CV.replace("0 V vs ref", "1.5 V vs ref")])
def test_a_set_point_outside_of_the_limits_is_refused(folder, step):
    message = folder.refused("run", folder.write("p.toml", protocol(step, LIMITS)))
    assert "1.5 V" in message
    assert "outside of the limits of this protocol (potential between -1 V and 1 V)" in message


# -- lines and instruments: exit code 4


def test_a_port_that_does_not_exist(folder):
    folder.write("b.toml", bench())
    folder.write("p.toml", protocol(CV, LIMITS))
    message = folder.refused("run", "p.toml", "--bench", "b.toml", "--force", code=4)
    assert "/dev/ttyNONE: there is no such port" in message
    assert "plugged in and switched on" in message


@pytest.fixture
def silent_port():
    """A serial port with nobody behind it."""
    if not hasattr(os, "openpty"):
        pytest.skip("this operating system has no pseudo-terminals")
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_that_nobody_answers_at(folder, silent_port):
    folder.write("b.toml", bench(resource=silent_port))
    folder.write("p.toml", protocol(CV, LIMITS))
    message = folder.refused("run", "p.toml", "--bench", "b.toml", "--force", code=4)
    assert f"cell: {silent_port} did not answer" in message
    assert "Is the EmStat4 HR switched on, is this its port" in message


_HOLD = """
import sys
from luggin.transport import LineOwnership
with LineOwnership(sys.argv[1], user="maria", purpose="runs/monday", since="2026-01-05T09:00+01:00"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_port_that_another_run_has(folder, silent_port):
    folder.write("b.toml", bench(resource=silent_port))
    folder.write("p.toml", protocol(CV, LIMITS))
    command = [sys.executable, "-c", _HOLD, os.path.realpath(silent_port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        message = folder.refused("run", "p.toml", "--bench", "b.toml", "--force", code=4)
        other.stdin.close()
    assert (
        f"{silent_port}: in use by process {other.pid} of maria since 2026-01-05T09:00+01:00 (runs/monday)" in message
    )
    assert "Stop that run first" in message


def test_a_port_that_another_program_has(folder, silent_port):
    import serial

    folder.write("b.toml", bench(resource=silent_port))
    folder.write("p.toml", protocol(CV, LIMITS))
    with serial.Serial(silent_port, exclusive=True):
        message = folder.refused("run", "p.toml", "--bench", "b.toml", "--force", code=4)
    assert "the port is used by another program" in message


def test_a_simulator_that_is_gone(folder):
    folder.write("b.toml", 'simulator = "tcp://127.0.0.1:1"\n' + bench(resource="/dev/pts/0"))
    folder.write("p.toml", protocol(CV))
    message = folder.refused("run", "p.toml", "--bench", "b.toml", "--force", code=4)
    assert "the simulator at tcp://127.0.0.1:1 does not answer" in message
    assert "luggin sim" in message


# -- folders


def test_a_run_folder_that_exists_is_never_written_over(folder):
    folder.write("p.toml", protocol(CV))
    assert folder.luggin("run", "p.toml", "--folder", "done", "--no-report").code == 0
    message = folder.refused("run", "p.toml", "--folder", "done")
    assert "done exists already. That run is completed: choose another folder." in message
    assert "this run is completed; there is nothing to resume" in folder.refused("resume", "done")
    (folder.path / "other").mkdir()
    assert folder.refused("run", "p.toml", "--folder", "other").endswith("other exists already. Choose another folder.")
    assert "other: not a run folder (it has no run.log)" in folder.refused("resume", "other")


def test_a_run_that_died_before_it_was_recorded_says_that_nothing_was_measured(folder):
    class Clock:
        def now(self):
            return 0.0

    StoreWriter.create(folder.path / "dead", {}, host_clock=Clock()).abandon()
    message = folder.refused("resume", "dead")
    assert "this run died before its first step, so nothing was measured" in message


def test_nobody_is_told_to_remove_what_luggin_did_not_write(folder):
    foreign = folder.path / "theirs" / "data.zarr"
    foreign.mkdir(parents=True)
    (foreign / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    message = folder.refused("resume", "theirs")
    assert "it was not written by Luggin" in message
    assert "emove" not in message
    (foreign / "zarr.json").unlink()
    assert "emove" not in folder.refused("resume", "theirs")


def test_rows_without_their_log_are_kept(folder):
    folder.write("p.toml", protocol(CV))
    assert folder.luggin("run", "p.toml", "--folder", "run", "--no-report").code == 0
    (folder.path / "run" / "run.log").unlink()
    message = folder.refused("resume", "run")
    assert "its run.log is missing, so it cannot be taken up. Keep the folder: it has " in message
    assert "emove" not in message


def test_a_run_of_a_newer_version_is_refused(folder):
    folder.write("p.toml", protocol(CV))
    assert folder.luggin("run", "p.toml", "--folder", "run", "--no-report").code == 0
    root = folder.path / "run" / "data.zarr" / "zarr.json"
    document = json.loads(root.read_text())
    found = [key for key, value in document["attributes"].items() if value == FORMAT and key.endswith("format")]
    assert len(found) == 1, document["attributes"].keys()
    document["attributes"][found[0]] = FORMAT + 1
    root.write_text(json.dumps(document))
    said = folder.luggin("analyse", "run")
    assert said.code in (1, 2)
    assert f"format {FORMAT + 1}" in said.message
    assert "pdate Luggin" in said.message or "newer" in said.message


def test_results_that_may_not_be_written_are_said_and_not_lost_silently(folder, monkeypatch):
    from pathlib import Path

    analysed = protocol(CV + ', id = "full"', 'analyses = [{use = "cv.half-waves", on = "full"}]\n')
    assert folder.luggin("run", folder.write("p.toml", analysed), "--folder", "run", "--no-report").code == 0
    before = folder.listing()
    real = Path.mkdir, Path.open, os.open

    def guarded(function):
        def call(path, *arguments, **options):
            writes = function is Path.mkdir or any(
                isinstance(a, str) and set(a) & set("wax") for a in (*arguments, *options.values())
            )
            if writes and "results" in str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return function(path, *arguments, **options)

        return call

    monkeypatch.setattr(Path, "mkdir", guarded(real[0]))
    monkeypatch.setattr(Path, "open", guarded(real[1]))
    said = folder.luggin("analyse", "run")
    assert said.code == 1
    assert "results" in said.message
    assert "Permission denied" in said.message
    assert "--save" in said.message
    assert folder.listing() == before


# -- foreign files


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", ["is empty"], id="empty"),
        pytest.param(b"potential,current\n0,1\n", ["is not in a format that Luggin reads", "Gamry"], id="foreign"),
        pytest.param(bytes(range(256)) * 40, ["is not in a format that Luggin reads"], id="binary"),
        pytest.param(b"EXPLAIN\r\nTAG\tCV\r\nTITLE\tLABEL\tx\tTest\r\n", [], id="truncated"),
    ],
)
def test_a_foreign_file_that_cannot_be_analysed(folder, content, words):
    message = folder.refused("analyse", folder.write("data.DTA", content))
    assert "data.DTA:" in message
    for word in words:
        assert word in message


def test_a_folder_that_is_no_run_is_not_analysed(folder):
    (folder.path / "photos").mkdir()
    assert "photos: not a run folder" in folder.refused("analyse", "photos")


# -- the command line itself


def test_mistakes_in_the_command_get_a_hint(folder):
    assert "Did you mean 'analyse'" in folder.refused("analyze", "x")
    assert "No such option" in folder.refused("run", "p.toml", "--fodler", "x")
    assert "only Python protocols take arguments" in folder.refused(
        "run", folder.write("p.toml", protocol(CV)), "extra"
    )
    assert "unknown driver 'gamri'" in folder.refused("instruments", "gamri")
    folder.write("data.DTA", "x")
    assert "write NAME=VALUE" in folder.refused("analyse", "data.DTA", "--option", "x")


# -- mistakes in scripts

SCRIPT = """import luggin
from luggin import CV, OCP

SAMPLE = {
    "id": "x", "wiring": "three-electrode", "working": {"material": "glassy carbon", "diameter": "3 mm"},
    "counter": {"material": "Pt wire"}, "reference": {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"},
}
with luggin.start(sample=SAMPLE) as run:
    rest = run.do(OCP(duration="5 s"))
    LINE
"""


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        pytest.param("print(rest.valeu)", 1, "s.py:10: AttributeError: 'StepResult' object has no", id="slip"),
        pytest.param("run.do(OCP(duration='5'))", 2, "OCP: duration: '5' has no unit", id="unit"),
        pytest.param(
            "run.do(CV(begin='0 V vs ref', vertices=('-7 V', '0 V'), rate='0.1 V/s', step='10 mV'))",
            2,
            "-7 V is outside -6 V ... 6 V",
            id="range",
        ),
        pytest.param("run.read('bath', 'temperature')", 2, "has no role 'bath'; it has cell", id="role"),
        pytest.param("run.analyse('cv.half-wave')", 2, "Did you mean 'cv.half-waves'", id="analysis"),
    ],
)
def test_a_mistake_in_a_script_names_its_line_and_the_run_can_be_mended(folder, line, code, words):
    said = folder.luggin("run", folder.write("s.py", SCRIPT.replace("LINE", line)), "--folder", "run", "--no-report")
    assert said.code == code
    assert words in said.errors
    assert "s.py:10: " in said.errors
    assert line in said.errors
    assert "take it up again with: luggin resume run" in said.errors
    assert "Traceback" not in said.errors
    # Mended behind what was done, the run goes on without measuring that again.
    folder.write("s.py", SCRIPT.replace("LINE", "run.do(OCP(duration='2 s'))"))
    assert folder.luggin("resume", "run", "--protocol", "s.py", "--no-report").code == 0
    archive = open_run(folder.path / "run")
    assert archive.outcome == "completed"
    assert [s.path for s in archive.steps if s.do == "ocp"] == ["1", "2"]


def test_a_run_is_still_there_when_the_instrument_was_not(folder):
    folder.write("s.py", SCRIPT.replace("LINE", "print(rest.valeu)"))
    assert folder.luggin("run", "s.py", "--folder", "run", "--no-report").code == 1
    log = (folder.path / "run" / "run.log").read_bytes()
    folder.write("b.toml", 'simulator = "tcp://127.0.0.1:1"\n' + bench(resource="/dev/pts/0"))
    said = folder.luggin("resume", "run", "--bench", "b.toml", "--no-report")
    assert said.code == 4
    assert "the simulator at tcp://127.0.0.1:1 does not answer" in said.message
    assert (folder.path / "run" / "run.log").read_bytes() == log
    folder.write("s.py", SCRIPT.replace("LINE", "pass"))
    assert folder.luggin("resume", "run", "--protocol", "s.py", "--no-report").code == 0


def test_a_changed_protocol_is_of_the_kind_of_the_first_one(folder):
    folder.write("s.py", SCRIPT.replace("LINE", "print(rest.valeu)"))
    assert folder.luggin("run", "s.py", "--folder", "run", "--no-report").code == 1
    message = folder.refused("resume", "run", "--protocol", folder.write("p.toml", protocol(CV)))
    assert "this run has the python protocol s.py; give a changed one like it" in message


def test_every_road_to_a_real_bench_asks_for_limits(folder):
    folder.write("b.toml", bench())
    folder.write("s.py", SCRIPT.replace("LINE", "print(rest.valeu)"))
    wanted = "a bench with real instruments needs limits of potential and current"
    assert wanted in folder.refused("run", "s.py", "--bench", "b.toml")
    own = SCRIPT.replace("luggin.start(", 'luggin.start(bench="b.toml", ')
    assert wanted in folder.refused("run", folder.write("own.py", own))
    python = subprocess.run([sys.executable, "own.py"], capture_output=True, text=True, cwd=folder.path, timeout=30)
    assert python.returncode != 0
    assert wanted in python.stderr
    assert not (folder.path / "runs").exists()
    assert folder.luggin("run", "s.py", "--folder", "run", "--no-report").code == 1
    assert "Rows of both never stand in one run" in folder.refused("resume", "run", "--bench", "b.toml")
