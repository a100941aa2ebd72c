"""Several protocols in one command, on the built-in bench and on instruments of another process."""

import json
import os
import signal
from datetime import datetime

import pytest
from killing import SAMPLE, Command, Oracle, luggin, wait_for

from luggin.analysis import open_run
from luggin.guardian.record import read_interventions
from luggin.store import open_store

LIMITS = """limits = [
  {column = "potential", between = ["-2 V", "1 V"]},
  {column = "current", between = ["-1 mA", "1 mA"]},
]
"""
BENCH = """
[instruments.cell]
driver = "palmsens.methodscript"
resource = "sim://cell"
settings = {model = "emstat4-hr", silence = "600 s"}

[instruments.smu]
driver = "keithley.2450"
resource = "sim://smu"
settings = {model = "2450"}

[simulated.cell]
dialect = "palmsens.methodscript"
model = "emstat4-hr"

[simulated.cell.cell]
kind = "redox"
area = "0.07 cm2"
concentration = "0.5 mM"
diffusion_coefficient = "1e-5 cm2/s"
couples = [{half_wave_potential = "-0.476 V"}]

[simulated.smu]
dialect = "keithley.2450"
model = "2450"
address = "TCPIP0::smu::5025::SOCKET"

[simulated.smu.cell]
kind = "redox"
area = "0.7 cm2"
concentration = "0.5 mM"
diffusion_coefficient = "1e-5 cm2/s"
couples = [{half_wave_potential = "-0.31 V"}]
"""


def protocol(title, *steps, head=LIMITS):
    return f'title = "{title}"\n{head}steps = [\n' + ",\n".join(steps) + f"\n]\n{SAMPLE}"


def cv(low="-0.8 V", more=""):
    return (
        f'{{do = "cv", id = "full", begin = "0 V vs ref", vertices = ["{low}", "0 V"], rate = "200 mV/s", '
        f'step = "5 mV"{more}}}'
    )


@pytest.fixture
def folder(tmp_path):
    """A working directory with protocols in it."""
    files = {
        "first": protocol("first", cv(), head=LIMITS + 'analyses = [{use = "cv.half-waves", on = "full"}]\n'),
        "second": protocol("second", '{do = "ocp", duration = "5 s", dt = "0.5 s"}', cv("-0.6 V")),
        "trips": protocol("trips", cv(), head=LIMITS.replace('"-1 mA"', '"-1 uA"')),
        "long": protocol("long", cv(more=", cycles = 400")),
        "lasting": protocol("lasting", cv(more=", cycles = 10")),
    }
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def runs(folder):
    """The runs in a working directory, by title."""
    return {archive.header["title"]: archive for archive in map(open_run, sorted((folder / "runs").iterdir()))}


# -- in virtual time


def test_one_object_tells_of_all_runs_and_the_worst_one_gives_the_exit_code(folder):
    code, out, errors = luggin("run", "first.toml", "trips.toml", "second.toml", "--no-report", "--json", cwd=folder)
    assert code == 3
    said = json.loads(out)
    assert list(said) == ["runs"]
    assert [(run["protocol"], run["outcome"]) for run in said["runs"]] == [
        ("first.toml", "completed"),
        ("trips.toml", "limit tripped"),
        ("second.toml", "completed"),
    ]
    assert [run.get("error", {}).get("type") for run in said["runs"]] == [None, "LimitTripped", None]
    assert "current was -1." in said["runs"][1]["error"]["message"]
    values = {q["name"]: q["value"] for q in said["runs"][0]["results"][0]["quantities"]}
    assert values["half_wave_potential"] == pytest.approx(-0.476, abs=5e-3)
    assert "Traceback" not in errors
    done = runs(folder)
    assert {title: archive.outcome for title, archive in done.items()} == {
        "first": "completed",
        "trips": "limit tripped",
        "second": "completed",
    }
    # Alone, the first one gives the very same rows and results.
    code, out, _ = luggin("run", "first.toml", "--no-report", "--json", "--folder", "alone", cwd=folder)
    assert code == 0
    alone = open_run(folder / "alone")
    assert alone["cv"].to_numpy().tobytes() == done["first"]["cv"].to_numpy().tobytes()
    assert json.loads(out)["results"] == said["runs"][0]["results"]


def test_people_see_which_protocol_a_line_is_about(folder):
    code, out, errors = luggin("run", "first.toml", "trips.toml", "--no-report", cwd=folder)
    assert code == 3
    assert "=== first.toml" in out
    assert "half wave potential" in out
    assert "trips.toml: limit: current was -1." in errors
    assert "first.toml: SIMULATED run in runs/" in errors
    assert errors.count("luggin: ") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("first.toml", "absent.toml"), "absent.toml"),
        (("first.toml", "script.py"), "only protocol files run together; got script.py"),
        (("first.toml", "second.toml", "--folder", "here"), "--folder names one run folder"),
        (("first.toml", "real.toml", "--force"), "in virtual time cannot run together with ones in real time"),
        (("real.toml", "also-real.toml", "--force"), "real.toml and also-real.toml both use ASRL/dev/ttyNONE"),
        (("first.toml", "real.toml"), None),
    ],
)
def test_what_cannot_run_together_is_refused_in_words_and_nothing_is_created(folder, arguments, words):
    (folder / "bench.toml").write_text(
        '[instruments.cell]\ndriver = "palmsens.methodscript"\nresource = "/dev/ttyNONE"\n'
        'settings = {model = "emstat4-hr"}\n'
    )
    (folder / "same.toml").write_text(
        '[instruments.cell]\ndriver = "palmsens.methodscript"\nresource = "ASRL/dev/ttyNONE::INSTR"\n'
        'settings = {model = "emstat4-hr"}\n'
    )
    for name, bench in (("real", "bench"), ("also-real", "same")):
        (folder / f"{name}.toml").write_text(f'bench = "{bench}.toml"\n{protocol(name, cv())}')
    (folder / "script.py").write_text("print('never')")
    before = sorted(folder.iterdir())
    code, out, errors = luggin("run", *arguments, cwd=folder)
    assert (code, out) == (2, "")
    assert (words or "in virtual time cannot run together") in errors
    assert "Traceback" not in errors
    assert sorted(folder.iterdir()) == before


# -- on instruments of another process


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A potentiostat on a serial port and a source-measure unit on a TCP port."""
    if not hasattr(os, "openpty"):
        pytest.skip("this operating system has no pseudo-terminals")
    with Oracle(tmp_path_factory.mktemp("served"), BENCH) as oracle:
        yield oracle


@pytest.fixture
def benches(served, folder):
    """Protocols that name a bench with one of the two instruments each: name -> protocol, all in the folder."""
    head, *tables = served.bench.read_text(encoding="utf-8").split("\n[instruments.")
    for table in tables:
        role, _, rest = table.partition("]")
        (folder / f"{role}-bench.toml").write_text(f"{head}\n[instruments.cell]{rest}", encoding="utf-8")

    def on(role, name):
        text = (folder / f"{name}.toml").read_text(encoding="utf-8")
        path = folder / f"{name}-on-{role}.toml"
        path.write_text(f'bench = "{role}-bench.toml"\n{text}', encoding="utf-8")
        return path.name

    return on


def cells(served):
    return {name: cell["on"] for name, cell in served.ask("status")["cells"].items()}


OFF = {"cell": False, "smu": False}


def test_two_instruments_measure_at_the_same_time(served, folder, benches):
    names = benches("cell", "first"), benches("smu", "second")
    code, out, errors = luggin("run", *names, "--no-report", "--json", cwd=folder)
    assert code == 0, errors
    assert [run["outcome"] for run in json.loads(out)["runs"]] == ["completed", "completed"]
    done = runs(folder)
    assert not any(archive.header["virtual"] for archive in done.values())
    assert len(done["first"]["cv"].to_numpy()) == 321
    assert len(done["second"]["cv"].to_numpy()) == 241
    # A sweep of 8 s, and 5 s of rest with a sweep of 6 s: one began before the other ended.
    began = {title: datetime.fromisoformat(archive.header["created"]) for title, archive in done.items()}
    apart = abs((began["first"] - began["second"]).total_seconds()) * done["first"].header["speed"]
    assert apart < 8.0
    assert cells(served) == OFF


def test_a_limit_that_trips_on_one_instrument_leaves_the_other_alone(served, folder, benches):
    names = benches("smu", "trips"), benches("cell", "second")
    code, _, errors = luggin("run", *names, "--no-report", cwd=folder)
    assert code == 3, errors
    left = runs(folder)
    assert {title: a.outcome for title, a in left.items()} == {"trips": "limit tripped", "second": "completed"}
    assert cells(served) == OFF
    # Until somebody has looked at the cell, no other run uses it either.
    code, _, errors = luggin("run", benches("smu", "second"), "--no-report", cwd=folder)
    assert code == 2
    assert f"then clear it with `luggin clear {left['trips'].folder}`" in errors
    code, out, errors = luggin("clear", left["trips"].folder, "--note", "looked", cwd=folder)
    assert (code, errors) == (0, "")
    assert "open again" in out
    assert luggin("run", benches("smu", "second"), "--no-report", cwd=folder)[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_all_of_them_with_their_cells_off(served, folder, benches, number):
    names = benches("cell", "long"), benches("smu", "long")
    command = Command("run", *names, "--no-report", cwd=folder)

    def measuring():
        assert command.is_alive, command.end()
        started = list((folder / "runs").iterdir()) if (folder / "runs").is_dir() else []
        ready = [path for path in started if (path / "run.log").is_file() and (path / "journal").is_dir()]
        return len(ready) == 2 and all(open_store(path).rows("cv") > 20 for path in ready)

    wait_for(measuring, "rows of both")
    assert cells(served) == {"cell": True, "smu": True}
    command.signal(number)
    code, _, errors = command.end()
    assert code == 130, errors
    assert "Traceback" not in errors
    assert cells(served) == OFF
    for path in (folder / "runs").iterdir():
        archive = open_run(path)
        assert archive.outcome == "interrupted"
        assert archive.records[-1]["made_safe"]["cell"]
        assert f"take it up again with: luggin resume runs/{path.name}" in errors


@pytest.mark.parametrize("role", ["cell", "smu"])
def test_a_second_program_on_the_same_instrument_is_refused_and_the_first_one_goes_on(served, folder, benches, role):
    first = Command("run", benches(role, "long"), "--folder", "one", "--no-report", cwd=folder)

    def rows():
        assert first.is_alive, first.end()
        return open_store(folder / "one").rows("cv") if (folder / "one" / "journal").is_dir() else 0

    before = wait_for(rows, "the first row")
    code, out, errors = luggin("run", benches(role, "first"), "--folder", "two", "--no-report", cwd=folder)
    assert (code, out) == (4, "")
    assert f"in use by process {first.process.pid} of " in errors
    assert "(one)" in errors
    assert "Traceback" not in errors
    assert not (folder / "two").exists()
    wait_for(lambda: rows() > before + 40, "further rows of the first one")
    first.signal(signal.SIGINT)
    code, _, errors = first.end()
    assert code == 130, errors
    stored = open_run(folder / "one")["cv"].to_numpy()["instrument_time"]
    assert (stored[1:] > stored[:-1]).all()
    assert cells(served) == OFF


#: A driver whose third block never comes: it calculates for ever, as a mistake in a driver would.
HANGING = """
import luggin
from luggin_drivers.keithley.driver import Keithley2450


class Hanging(Keithley2450):
    id = "lab.hanging"

    def create(self, transport, clock, name, settings):
        device = super().create(transport, clock, name, settings)
        measure = device.frames

        def frames():
            for number, frame in enumerate(measure()):
                while number == 2:
                    pass
                yield frame

        vars(device)["frames"] = frames
        return device


@luggin.hookimpl
def luggin_drivers():
    return [Hanging()]
"""


def test_a_driver_that_hangs_is_given_up_and_its_cell_opened_while_the_other_run_goes_on(served, folder, benches):
    hangs, other = benches("smu", "long"), benches("cell", "lasting")
    (folder / "luggin_bench.py").write_text(HANGING, encoding="utf-8")
    bench = folder / "smu-bench.toml"
    bench.write_text(bench.read_text(encoding="utf-8").replace("keithley.2450", "lab.hanging"), encoding="utf-8")
    code, _, errors = luggin("run", hangs, other, "--no-report", cwd=folder)
    assert code == 1, errors
    left = runs(folder)
    assert {title: a.outcome for title, a in left.items()} == {"long": "failed", "lasting": "completed"}
    assert "its worker did nothing on any line for" in left["long"].records[-1]["error"]["message"]
    assert len(left["lasting"]["cv"].to_numpy()) == 10 * 320 + 1
    wait_for(lambda: cells(served) == OFF, "open cells")
    wait_for(lambda: read_interventions(left["long"].folder)[-1].finished, "the guardian's end")
    (did,) = read_interventions(left["long"].folder)
    assert not did.killed
    assert not did.open_ends
