"""Limits from the command line: mistakes with their lines, what check says, trips, and `luggin clear`."""

import getpass
import json
import tempfile
from datetime import datetime

import pytest

from luggin.analysis import open_run
from luggin.engine.latch import latch, latched
from luggin.store import RunLog

SAMPLE = '\n[sample]\nid = "x"\nwiring = "three-electrode"\nworking = {material = "glassy carbon", diameter = "3 mm"}\n'
SAMPLE += 'counter = {material = "Pt wire"}\nreference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}\n'
POTENTIAL = '{column = "potential", between = ["-1 V", "1 V"]}'
CURRENT = '{column = "current", between = ["-1 mA", "1 mA"]}'
CV = 'do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "100 mV/s", step = "10 mV"'
CA = 'do = "ca", potential = "-0.8 V vs ref", duration = "10 s", dt = "0.5 s"'
CP = 'do = "cp", current = "5 uA", duration = "100 s", dt = "0.5 s"'
OCP = 'do = "ocp", duration = "10 s", dt = "0.5 s"'
REAL = """
[instruments.cell]
driver = "{driver}"
resource = "/dev/ttyNONE"
settings = {{model = "{model}"}}
"""
PALMSENS = REAL.format(driver="palmsens.methodscript", model="emstat4-hr")
KEITHLEY = REAL.format(driver="keithley.2450", model="2450")
RESISTOR = """
[instruments.cell]
driver = "keithley.2450"
resource = "sim://cell"
settings = {model = "2450"}
[simulated.cell]
dialect = "keithley.2450"
model = "2450"
address = "GPIB0::18::INSTR"
cell = {kind = "resistor", resistance = "100 kohm"}
"""


def protocol(step, *limits, head=""):
    return f'title = "limits"\nlimits = [\n  {", ".join(limits)},\n]\n{head}steps = [\n  {{{step}}},\n]\n{SAMPLE}'


@pytest.fixture(autouse=True)
def own_lines(tmp_path, monkeypatch):
    """Latches of this computer's real lines are not for tests to see."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def said(folder):
    """The one message of a protocol that is refused, on the simulated bench or another."""

    def refused(step, *limits, bench=None, command="run", head=""):
        arguments = [] if bench is None else ["--bench", folder.write("b.toml", bench)]
        return folder.refused(command, folder.write("p.toml", protocol(step, *limits, head=head)), *arguments)

    return refused


# -- mistakes of the file


@pytest.mark.parametrize(
    ("step", "limits", "words"),
    [
        pytest.param(
            CV,
            [POTENTIAL, '{column = "potential", between = ["2 V", "3 V"]}'],
            "p.toml:3: limits[2]: potential between 2 V and 3 V contradicts the limit before it",
            id="contradict each other",
        ),
        pytest.param(
            CV,
            [POTENTIAL, CURRENT, '{column = "power", between = ["2 W", "3 W"]}'],
            "p.toml:3: limits[3]: power between 2 W and 3 W contradicts the limits of potential and current",
            id="power that is not there",
        ),
        pytest.param(
            CA.replace("-0.8 V", "-1.2 V"),
            [POTENTIAL],
            "p.toml:6: steps[1].potential: -1.2 V vs ref lies outside of the limits",
            id="potential",
        ),
        pytest.param(
            CP.replace("5 uA", "2 mA"),
            [POTENTIAL, CURRENT],
            "p.toml:6: steps[1].current: cp would come to current of 2 mA, outside of the limits",
            id="current",
        ),
        pytest.param(
            CP,
            [POTENTIAL, '{column = "charge", between = ["-1 uC", "1 uC"]}'],
            "p.toml:6: steps[1].duration: cp would come to charge of 500 uC, outside of the limits",
            id="charge",
        ),
        pytest.param(
            CP,
            [POTENTIAL, '{column = "power", between = ["1 mW", "1 W"]}'],
            "p.toml:6: steps[1].current: cp would come to power of -5 uW ... 5 uW, outside of the limits",
            id="power",
        ),
        pytest.param(
            CV,
            ['{column = "potential", rate = ["-50 mV/s", "50 mV/s"]}'],
            "p.toml:6: steps[1].rate: cv would come to a rate of 100 mV/s, outside of the limits",
            id="scan rate",
        ),
        pytest.param(
            CV,
            ['{column = "temperature", between = ["0 degC", "40 degC"], rate = ["-1 K/s", "1 K/s"]}'],
            "p.toml:3: limits[1].rate: a limit is a window of values (`between`) or of rates (`rate`), not both.",
            id="window and rate",
        ),
        pytest.param(
            CV,
            ['{column = "current", between = ["-1 mA", "1 mA"], then = "suspend"}'],
            "p.toml:3: limits[1].then: a limit of current cannot suspend a run",
            id="suspend on current",
        ),
        pytest.param(
            CV,
            ['{column = "current", rate = ["-1 mA", "1 mA"]}'],
            "p.toml:3: limits[1].rate: 'mA' is not a unit of 'A/s'",
            id="unit of a rate",
        ),
        pytest.param(
            CV,
            ['{column = "current", rate = ["-1 A/s", "1 A/s"], over = "a while"}'],
            "p.toml:3: limits[1].over: 'a while' does not begin with a number",
            id="time of a rate",
        ),
        pytest.param(
            CV,
            ['{column = "voltage", between = ["-1 V", "1 V"]}'],
            "p.toml:3: limits[1].column: no technique and no monitor of this protocol yields `voltage`, so nobody "
            "would ever look at this limit. They yield charge, current, ",
            id="no such column",
        ),
        pytest.param(
            CV,
            ['{column = "temperature", between = ["0 degC", "40 degC"]}'],
            "p.toml:3: limits[1].column: no technique and no monitor of this protocol yields `temperature`",
            id="nobody reads the temperature",
        ),
        pytest.param(
            CV,
            ['{column = "bath_temperature", between = ["0 degC", "40 degC"]}'],
            "p.toml:3: limits[1].column: `bath_temperature` is no column by which techniques can be limited, and no "
            "monitor reads it.",
            id="no such reading",
        ),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_limit_that_makes_no_sense_is_one_message_with_its_line(said, command, step, limits, words):
    message = said(step, *limits, bench=RESISTOR if "cp" in step else None, command=command)
    assert message.startswith(f"luggin: {words}")
    assert len(message.splitlines()) == 1


def test_where_nothing_closes_the_cell_its_limits_need_nobody_to_look(folder):
    """A real bench wants a limit of the current, also of a protocol that only measures open circuits."""
    folder.write("p.toml", protocol(OCP, POTENTIAL, CURRENT))
    assert folder.luggin("check", "p.toml", "--no-rehearsal").code == 0


# -- who holds a limit, and how late it is seen


def test_check_says_who_holds_each_limit(folder):
    folder.write("b.toml", KEITHLEY)
    limits = [POTENTIAL, CURRENT, '{column = "current", rate = ["-1 A/s", "1 A/s"], over = "1 s"}']
    folder.write("p.toml", protocol(CV, *limits))
    words = folder.luggin("check", "p.toml", "--bench", "b.toml", "--no-rehearsal").out
    assert (
        "limit: current between -1 mA and 1 mA; held by Keithley 2450: a potential source clamps it (compliance); the "
        "cell is not opened; and the runner, on every reading\n"
    ) in words
    assert "limit: rate of current between -1 A/s and 1 A/s over 1 s; held by the runner, on every reading\n" in words
    folder.write("b.toml", PALMSENS)
    words = folder.luggin("check", "p.toml", "--bench", "b.toml", "--no-rehearsal").out
    assert "limit: current between -1 mA and 1 mA; held by the runner, on every reading\n" in words


SLOW = CA.replace('dt = "0.5 s"', 'dt = "5 s"')
LATE = (
    "ca: readings may be 5 s old on arrival; the limit potential between -1 V and 1 V is watched by the program alone "
    'and wants them within 1 s. Take readings more often, or accept the delay with latency = "5 s" in that limit.'
)


@pytest.mark.parametrize("command", ["run", "check"])
def test_readings_that_come_too_late_for_a_limit_are_refused_on_a_real_bench(said, command):
    message = said(SLOW, POTENTIAL, CURRENT, bench=PALMSENS, command=command)
    assert message == f"luggin: p.toml:6: steps[1]: {LATE}"


def test_who_accepts_the_delay_says_so_in_the_limit(folder, said):
    accepted = [limit.replace("}", ', latency = "5 s"}') for limit in (POTENTIAL, CURRENT)]
    folder.write("b.toml", PALMSENS)
    folder.write("p.toml", protocol(SLOW, *accepted))
    assert "warning" not in folder.luggin("check", "p.toml", "--bench", "b.toml", "--no-rehearsal").out
    message = said(SLOW, accepted[0], CURRENT, bench=PALMSENS)
    assert "the limit current between -1 mA and 1 mA is watched by the program alone" in message


def test_on_a_simulated_bench_the_delay_is_a_warning(folder):
    said = folder.luggin("check", folder.write("p.toml", protocol(SLOW, POTENTIAL, CURRENT)))
    assert f"warning: step 1: {LATE} A bench with real instruments refuses it\n" in said.out
    assert said.code == 0


def test_check_says_that_a_real_bench_wants_limits(folder):
    folder.write("b.toml", PALMSENS)
    folder.write(
        "p.toml", protocol(CV, POTENTIAL.replace("between", "between").replace('"1 V"]', '"1 V"], then = "end_step"'))
    )
    said = folder.luggin("check", "p.toml", "--bench", "b.toml", "--no-rehearsal")
    assert "\nit cannot run: a bench with real instruments needs limits of potential and current" in said.out
    assert said.code == 2
    said = folder.luggin("check", "p.toml", "--bench", "b.toml", "--json")
    assert said.json["rehearsal"]["outcome"] == "completed", "what it would do is worth knowing all the same"
    assert said.json["refused"].startswith("a bench with real instruments needs limits of potential and current")
    assert said.code == 2
    rates = ['{column = "potential", rate = ["-1 V/s", "1 V/s"]}', '{column = "current", rate = ["-1 A/s", "1 A/s"]}']
    folder.write("p.toml", protocol(CV, *rates))
    message = folder.refused("run", "p.toml", "--bench", "b.toml")
    assert "a bench with real instruments needs limits of potential and current" in message


# -- trips


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        # -0.8 V over 100 kohm: -8 uA, 6.4 uW, and 8 uC a second.
        ('{column = "power", between = ["-1 uW", "6 uW"]}', "power was 6.4"),
        ('{column = "charge", between = ["-30 uC", "30 uC"]}', "charge was -3"),
    ],
)
def test_what_is_computed_stops_a_run(folder, limit, words):
    folder.write("b.toml", RESISTOR)
    folder.write("p.toml", protocol(CA, POTENTIAL, CURRENT, limit))
    said = folder.luggin("run", "p.toml", "--bench", "b.toml", "--folder", "run", "--no-report")
    assert said.code == 3
    assert words in said.errors
    archive = open_run(folder.path / "run")
    rows = len(archive["ca"])
    assert archive.outcome == "limit tripped"
    assert rows == 1 if "power" in limit else 7 <= rows <= 10


def test_a_current_that_rises_too_fast_stops_a_run(folder):
    """The scan rate is known before, the rate of the current is not: 100 mV/s over 100 kohm are 1 uA/s."""
    folder.write("b.toml", RESISTOR)
    limit = '{column = "current", rate = ["-0.5 uA/s", "0.5 uA/s"], over = "1 s"}'
    folder.write("p.toml", protocol(CV, POTENTIAL, CURRENT, limit))
    said = folder.luggin("run", "p.toml", "--bench", "b.toml", "--folder", "run", "--no-report")
    assert said.code == 3
    assert "rate of current was -1." in said.errors
    assert "between -500 nA/s and 500 nA/s over 1 s. The cell is open" in said.errors


# -- the latch


TIGHT = '{column = "current", between = ["-1 uA", "1 uA"]}'


@pytest.fixture
def stopped(folder):
    """A run that a limit stopped."""
    folder.write("p.toml", protocol(CV, POTENTIAL, TIGHT))
    assert folder.luggin("run", "p.toml", "--folder", "run", "--no-report").code == 3
    return folder


def test_a_run_that_a_limit_stopped_is_cleared_before_it_is_taken_up(stopped):
    message = stopped.refused("resume", "run", "--no-report")
    assert "this run was stopped by a limit (step 1: current was " in message
    assert "luggin clear run" in message
    said = stopped.luggin("clear", "run", "--note", "the counter electrode was dry")
    assert said.code == 0
    assert said.out.startswith("run: cleared (step 1: current was ")
    assert said.out.endswith("; go on with: luggin resume run\n")
    record = RunLog.read(stopped.path / "run")[-1]
    assert (record["kind"], record["note"]) == ("cleared", "the counter electrode was dry")
    assert stopped.luggin("resume", "run", "--no-report").code == 3, "it goes on, and the limit is still too tight"
    assert "cleared" in [r["kind"] for r in open_run(stopped.path / "run").records]
    assert "this run was stopped by a limit" in stopped.refused("resume", "run", "--no-report"), "latched again"


def test_clearing_says_what_there_is_to_clear(stopped):
    said = stopped.luggin("clear", "run", "--json")
    assert said.json["run"] == "run"
    assert said.json["trip"].startswith("step 1: current was ")
    assert said.json["cleared"] == [], "the cell of a simulated run is gone with it"
    assert "not a run folder" in stopped.refused("clear", "nothing")


def test_who_clears_a_run_again_hears_who_did_it_before(stopped):
    cleared = stopped.luggin("clear", "run", "--note", "the electrode was dry").out
    trip = cleared.removeprefix("run: cleared (").partition("); go on with")[0]
    moment = datetime.fromisoformat(RunLog.read(stopped.path / "run")[-1]["utc"]).astimezone()
    message = stopped.refused("clear", "run")
    assert message == (
        f"luggin: run: its limit ({trip}) was cleared by {getpass.getuser()} on {moment:%Y-%m-%d at %H:%M:%S} "
        '("the electrode was dry"); nothing is left to clear.'
    )
    stopped.write("p.toml", protocol(CV, POTENTIAL, CURRENT))
    assert stopped.luggin("run", "p.toml", "--folder", "good", "--no-report").code == 0
    assert "no limit stopped this run, so there is nothing to clear" in stopped.refused("clear", "good")


def test_a_real_line_is_closed_for_everybody_until_it_is_cleared(folder):
    folder.write("b.toml", PALMSENS)
    latch(["/dev/ttyNONE"], "current was 2 mA", folder.path / "gone")
    said = folder.luggin("clear")
    assert said.out.startswith(f"/dev/ttyNONE: a limit stopped {folder.path / 'gone'} on it (current was 2 mA; ")
    assert json.loads(folder.luggin("clear", "--json").out)["latched"][0]["resource"] == "/dev/ttyNONE"
    folder.write("p.toml", protocol(CV, POTENTIAL, CURRENT))
    message = folder.refused("run", "p.toml", "--bench", "b.toml", "--force")
    assert "current was 2 mA" in message
    assert f"luggin clear {folder.path / 'gone'}" in message
    opened = folder.luggin("clear", "--bench", "b.toml")
    assert opened.out.startswith("/dev/ttyNONE: open again\n")
    assert latched("/dev/ttyNONE") is None
    assert folder.luggin("clear", "--bench", "b.toml").out == "b.toml: none of its lines was closed\n"
    assert folder.luggin("clear").out == "no line of this computer is closed\n"
    assert "current was 2 mA" not in folder.refused("run", "p.toml", "--bench", "b.toml", "--force", code=4)


def test_options_of_clear_that_mean_nothing_together(folder):
    assert "clears a run and the lines that it closed" in folder.refused("clear", "run", "--bench", "b.toml")
    assert "--note is recorded in the run in FOLDER" in folder.refused("clear", "--note", "x")
