"""What a resume says that it will do, against what it then does."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from luggin import plugins as plugin_manager
from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.clock import RealClock
from luggin.engine.history import History
from luggin.engine.leftovers import last_sign_of_life, newest_row
from luggin.engine.outlook import confirm_resume, outlook_of, read_outlook
from luggin.engine.progress import Silent
from luggin.engine.protocols import plan_of, resume_protocol, run_protocol
from luggin.errors import RunFolderError, UsageError
from luggin.guardian.record import read_interventions
from luggin.records import ATTEMPT, POTENTIAL, RECEIVED, STEP, TIME, Frame, Schema
from luggin.steps import Vocabulary, load_protocol
from luggin.store import RunLog, StoreWriter

SAMPLE = """
[sample]
id = "looked ahead"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3.0(1) mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""
OCP = '{do = "ocp", duration = "20 s", dt = "0.5 s"}'
CONDITIONING = (
    '{do = "ca", potential = "0.2 V vs ref", duration = "30 s", dt = "0.5 s", establishes = ["conditioning"]}'
)
SWEEP = '{do = "cv", id = "wave", begin = "0 V vs ref", vertices = ["-0.5 V", "0 V"], rate = "0.1 V/s", step = "5 mV"}'
HOLD = '{do = "ca", id = "hold", potential = "0.1 V vs ref", duration = "60 s", dt = "0.5 s"}'
REST = '{do = "rest", duration = "60 s", dt = "0.5 s"}'


class StopAt(Silent):
    """Somebody who presses Ctrl-C when a step has so many rows."""

    def __init__(self, path, after):
        self._path, self._after = path, after
        self._here = False
        super().__init__()

    def begin(self, run):
        self._run = run

    def step_began(self, path, title, duration, rows):
        self._here = path == self._path

    @property
    def rows(self):
        return 0

    @rows.setter
    def rows(self, rows):
        if self._here and rows >= self._after:
            self._path, self._here = None, False
            self._run.stop_by_signal(1, "SIGINT")


def plan_for(text, folder, plugins):
    loaded = load_protocol(text=text, vocabulary=Vocabulary(), name="p.toml")
    bench = load_bench(text=plugins.simulator().default_bench_text(), drivers=list(plugins.drivers()))
    return loaded, replace(plan_of(loaded, bench), folder=folder)


@pytest.fixture
def plugins():
    return plugin_manager.load()


@pytest.fixture
def stopped(tmp_path, plugins):
    """Run steps in virtual time and stop one of them when it has so many rows."""

    def go(*steps, at, after=10, limits=""):
        text = f'title = "stopped"\n{limits}\nsteps = [{", ".join(steps)}]\n{SAMPLE}'
        loaded, plan = plan_for(text, tmp_path / "run", plugins)
        watcher = StopAt(at, after)
        run_protocol(loaded, plan, plugins, watcher=watcher, on_begin=watcher.begin)
        return plan.folder

    return go


def resumed(folder, plugins):
    """What a resume really does: paths in their order, and how long it takes (lab s)."""
    before = len(open_run(folder).steps)
    finished = resume_protocol(folder, plugins, Vocabulary())
    assert finished.error is None
    done = open_run(folder).steps[before:]
    return [step.path for step in done], done[-1].ended - done[0].started


@pytest.mark.parametrize(
    ("steps", "at", "after"),
    [
        ((OCP, CONDITIONING, SWEEP, REST), "1", 10),
        ((OCP, CONDITIONING, SWEEP, REST), "2", 10),
        ((OCP, CONDITIONING, SWEEP, REST), "3", 10),
        ((OCP, CONDITIONING, SWEEP, REST), "4", 50),
        ((CONDITIONING, CONDITIONING, SWEEP), "3", 10),
        ((CONDITIONING, f'{{do = "repeat", times = 2, steps = [{OCP}, {SWEEP}]}}'), "2/cycle=2/1", 10),
    ],
)
def test_a_resume_does_what_was_told(stopped, plugins, steps, at, after):
    folder = stopped(*steps, at=at, after=after)
    outlook = read_outlook(folder, Vocabulary())
    assert outlook.ended == "interrupted"
    assert outlook.blocked == ""
    assert outlook.is_whole
    paths, took = resumed(folder, plugins)
    assert [step.path for step in outlook.coming] == paths
    assert took == pytest.approx(outlook.remaining, rel=0.05, abs=1.0)


def test_what_it_says_about_an_interrupted_sweep(stopped):
    folder = stopped(OCP, CONDITIONING, SWEEP, REST, at="3", after=90)
    outlook = read_outlook(folder, Vocabulary())
    assert outlook.completed == ("1 ocp", "2 ca")
    (made,) = outlook.again
    assert (made.path, made.duration, made.states) == ("2", 30.0, ("conditioning@cell",))
    going = outlook.interrupted
    assert (going.path, going.title, going.policy, going.attempt) == ("3", "cv 'wave'", "restart", 2)
    assert not going.continues
    assert going.duration == pytest.approx(10.0)
    assert 90 <= going.rows <= 110  # those on their way when it was stopped still arrive
    assert going.done == pytest.approx(going.rows * 0.05, abs=0.1)
    assert [step.path for step in outlook.ahead] == ["4"]
    words = "\n".join(outlook.words())
    assert "2 steps are not done again: 1 ocp, 2 ca" in words
    assert "conditioning@cell: step 2 ca (30 s), because the stop undid it" in words
    assert f"step 3 cv 'wave' begins again (attempt 2, 10 s; its {going.rows} rows stay)" in words
    assert "about 1 min 40 s" in words
    assert "(SIMULATED)" in words


def test_what_is_left_of_a_measurement_at_open_circuit_goes_on(stopped):
    outlook = read_outlook(stopped(REST, SWEEP, at="1", after=90), Vocabulary())
    assert outlook.interrupted.continues
    assert outlook.interrupted.duration == pytest.approx(15.0, abs=1.0)
    assert outlook.interrupted.done == pytest.approx(45.0, abs=1.0)
    assert "goes on with the 1" in str(outlook.interrupted)
    assert "that are left (attempt 2; its " in str(outlook.interrupted)


@pytest.mark.parametrize(("said", "continues"), [("continue", True), ("restart", False)])
def test_the_protocol_decides_how_a_hold_goes_on(stopped, said, continues):
    step = HOLD.replace("}", f', on_resume = "{said}"}}')
    outlook = read_outlook(stopped(step, at="1", after=80), Vocabulary())
    assert outlook.interrupted.continues is continues
    assert outlook.remaining == pytest.approx(20.0 if continues else 60.0, abs=1.0)


def test_a_step_that_must_not_be_interrupted_blocks_the_resume(stopped):
    outlook = read_outlook(stopped(HOLD.replace("}", ', on_resume = "stop"}'), at="1", after=80), Vocabulary())
    assert outlook.blocked == 'step 1 was interrupted, and says on_resume = "stop": start a new run'
    assert any(line.startswith("blocked") for line in outlook.words())
    with pytest.raises(RunFolderError, match="start a new run"):
        confirm_resume(outlook, None)


def test_a_tripped_run_says_by_what_and_what_comes(stopped):
    limits = 'limits = [{column = "current", between = ["-1 uA", "100 uA"], for = "3 rows"}]'
    outlook = read_outlook(stopped(OCP, SWEEP, at="9", limits=limits), Vocabulary())
    assert outlook.ended == "limit tripped"
    assert "current was -" in outlook.trip
    assert outlook.interrupted.path == "2"
    assert any("Look at the cell first" in line for line in outlook.words())


def test_a_completed_run_has_nothing_to_resume(stopped):
    outlook = read_outlook(stopped(OCP, at="9"), Vocabulary())
    assert outlook.blocked == "this run is completed; there is nothing to resume"
    assert outlook.coming == ()


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="not a run folder"):
        read_outlook(tmp_path, Vocabulary())


def test_a_changed_protocol_changes_what_comes(stopped):
    folder = stopped(OCP, SWEEP, at="2")
    text = f'title = "stopped"\nsteps = [{OCP}, {SWEEP}, {REST}]\n{SAMPLE}'
    changed = load_protocol(text=text, vocabulary=Vocabulary(), name="p.toml")
    assert [step.path for step in read_outlook(folder, Vocabulary()).coming] == ["2"]
    assert [step.path for step in read_outlook(folder, Vocabulary(), changed).coming] == ["2", "3"]


def test_nothing_is_written(stopped):
    folder = stopped(OCP, SWEEP, at="2")

    def state():
        return {path: path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}

    before = state()
    read_outlook(folder, Vocabulary())
    assert state() == before


def test_it_is_plain_data_too(stopped):
    outlook = read_outlook(stopped(OCP, CONDITIONING, SWEEP, at="3"), Vocabulary())
    said = json.loads(json.dumps(outlook.to_json()))
    assert said["interrupted"]["path"] == "3"
    assert said["again"][0]["states"] == ["conditioning@cell"]
    assert said["remaining"] == pytest.approx(40.0)


# --- from records alone -----------------------------------------------------------------------------

HEADER = {"kind": "run", "title": "x", "simulated": False, "speed": 1.0, "protocol": {"kind": "toml"}}


def started(path, do="ca", attempt=1, **more):
    return {"kind": "start", "path": path, "do": do, "fingerprint": path, "step": int(path), "attempt": attempt, **more}


def ended(path):
    return {"kind": "end", "path": path, "attempt": 1}


def test_a_run_that_died_between_two_steps_goes_on_with_the_next():
    loaded = load_protocol(text=f'title = "x"\nsteps = [{OCP}, {CONDITIONING}, {REST}]\n{SAMPLE}')
    records = [HEADER, started("1"), ended("1"), started("2", establishes=["conditioning@cell"]), ended("2")]
    outlook = outlook_of(Path("r"), History(records), loaded.protocol.walk(), ended="cut off", gap=600.0)
    assert outlook.interrupted is None
    assert [step.path for step in outlook.coming] == ["2", "3"]
    now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    words = "\n".join(outlook.words(now))
    assert "cut off, 10 min ago" in words
    assert f"until {datetime(2026, 11, 20, 12, 1, 30, tzinfo=UTC).astimezone():%a %d %b %H:%M}" in words


def test_a_run_that_died_behind_its_last_step_has_nothing_to_establish():
    loaded = load_protocol(text=f'title = "x"\nsteps = [{CONDITIONING}]\n{SAMPLE}')
    records = [HEADER, started("1", establishes=["conditioning@cell"]), ended("1")]
    outlook = outlook_of(Path("r"), History(records), loaded.protocol.walk(), ended="cut off")
    assert outlook.coming == ()
    assert outlook.blocked == ""


LADDER = [f'{{do = "equilibrate", target = "{t} degC", within = "0.2 K", dwell = "1 h"}}' for t in (30, 40)]


@pytest.mark.parametrize(
    ("begun", "again"),
    [((1,), []), ((1, 2), []), ((1, 2, 3), ["1"])],
    ids=["between two soaks", "in the second soak", "in the measurement behind the first"],
)
def test_a_soak_does_not_want_the_soak_before_it(begun, again):
    steps = LADDER if len(begun) < 3 else [LADDER[0], OCP, SWEEP]
    loaded = load_protocol(text=f'title = "x"\nsteps = [{", ".join(steps)}]\n{SAMPLE}')
    records = [HEADER]
    for number in begun:
        temperature = steps[number - 1] in LADDER
        records.append(started(str(number), establishes=["temperature@oven"] if temperature else []))
        if number < len(begun) or len(begun) == 1:
            records.append(ended(str(number)))
    outlook = outlook_of(Path("r"), History(records), loaded.protocol.walk(), ended="cut off")
    assert [made.path for made in outlook.again] == again


def test_the_way_to_a_temperature_comes_on_top_of_the_dwell():
    loaded = load_protocol(text=f'title = "x"\nsteps = [{LADDER[0]}, {OCP}, {LADDER[1]}, {OCP}]\n{SAMPLE}')
    records = [HEADER, started("1", establishes=["temperature@oven"]), ended("1"), started("2")]
    outlook = outlook_of(Path("r"), History(records), loaded.protocol.walk(), ended="cut off", gap=1.0)
    assert outlook.remaining == pytest.approx(2 * 3600 + 2 * 20)
    assert not outlook.is_whole
    words = "\n".join(outlook.words())
    assert "first     temperature@oven: step 1 equilibrate (at least 1 h), because the stop undid it" in words
    assert "after     step 3 equilibrate (at least 1 h), step 4 ocp (20 s)" in words
    assert "takes     at least 2 h" in words


def test_of_a_script_only_what_it_did_is_known():
    header = {**HEADER, "protocol": {"kind": "python"}}
    records = [header, started("1", establishes=["hot@cell"]), ended("1"), started("2", do="cv")]
    outlook = outlook_of(Path("r"), History(records), None, ended="cut off", rows=7)
    assert [step.path for step in outlook.coming] == ["1", "2"]
    assert not outlook.is_whole
    words = "\n".join(outlook.words())
    assert "step 2 cv begins again (attempt 2; its 7 rows stay)" in words
    assert "what follows, the script says as it goes" in words


def test_guardians_and_long_protocols_are_told_shortly():
    steps = f'[{{do = "repeat", times = 20, steps = [{OCP}]}}]'
    loaded = load_protocol(text=f'title = "x"\nsteps = {steps}\n{SAMPLE}')
    outlook = outlook_of(
        Path("r"), History([HEADER]), loaded.protocol.walk(), ended="cut off", guardian=["the runner died"]
    )
    words = "\n".join(outlook.words())
    assert "guardian  the runner died" in words
    assert "and 14 more" in words
    assert outlook.remaining == pytest.approx(400.0)


class Clock:
    def now(self):
        return 0.0


@pytest.fixture
def cut_off(tmp_path):
    """A run on a real bench whose log ends after 3 s and whose last row came after 40 s; perhaps a guardian acted."""
    created = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def make(*guardian):
        text = f'title = "x"\nsteps = [{OCP}]\n{SAMPLE}'
        writer = StoreWriter.create(tmp_path / "run", {}, host_clock=Clock())
        schema = Schema("ocp", (TIME, POTENTIAL, RECEIVED, STEP, ATTEMPT))
        for second in (3.0, 20.0, 40.0):
            writer.append(Frame(schema, second, [(second, 0.1, second, 1, 1)]))
        writer.sync_now()
        with RunLog.create(tmp_path / "run") as log:
            protocol = {"kind": "toml", "name": "p", "text": text, "sha256": ""}
            log.append({**HEADER, "time": 0.0, "protocol": protocol, "created": created.isoformat()})
            log.append({"kind": "session", "time": 0.0, "reason": "start", "utc": created.isoformat(), "pid": 1})
            log.append({**started("1", do="ocp"), "time": 3.0})
        writer.abandon()
        if guardian:
            lines = [{"guardian": 7, **record} for record in guardian]
            (tmp_path / "run" / "guardian.log").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return tmp_path / "run"

    return make


def at(second):
    return datetime(2026, 11, 20, 12, 0, tzinfo=UTC) + timedelta(seconds=second)


def alive(folder):
    """When the run was last known to be alive."""
    archive = open_run(folder)
    _, row = newest_row(archive.store)
    return last_sign_of_life(archive, History(archive.records).last_time, row, read_interventions(folder))


def test_rows_that_came_after_the_last_record_are_a_sign_of_life(cut_off):
    folder = cut_off()
    assert alive(folder) == at(40)
    clock = RealClock()
    before = clock.utc()
    gap = read_outlook(folder, Vocabulary()).gap
    assert max((before - at(40)).total_seconds(), 0.0) <= gap <= max((clock.utc() - at(40)).total_seconds(), 0.0)


ACTED = (
    {"utc": at(41.123456).isoformat(), "what": "acts", "why": "the runner ended", "lines": ["cell", "smu", "bath"]},
    {"utc": at(41.2).isoformat(), "what": "made safe", "role": "cell", "words": "read back: 'e\\nM000B\\nPab'"},
    {"utc": at(41.3).isoformat(), "what": "given up", "role": "smu", "words": "tried for 60 s; last: no answer"},
    {"utc": at(41.3).isoformat(), "what": "left running", "role": "bath", "words": "as the bench says"},
)


def test_a_guardian_that_acts_knows_when_the_run_ended(cut_off):
    assert alive(cut_off(*ACTED)) == at(41.123456)


def test_of_a_guardian_the_person_hears_what_became_of_each_line(cut_off):
    """Neither the raw answers of an instrument nor microseconds: these stand in guardian.log."""
    (words,) = read_outlook(cut_off(*ACTED), Vocabulary()).guardian
    assert words == (
        f"the runner ended; the guardian acted on {at(41).astimezone():%Y-%m-%d at %H:%M:%S}: cell was made safe; "
        "bath was left running; smu COULD NOT BE MADE SAFE: tried for 60 s; last: no answer"
    )


class Somebody:
    def __init__(self):
        self.asked = []

    def ask(self, text, fields, cancelled, until):
        self.asked.append(text)
        return {}


def real():
    loaded = load_protocol(text=f'title = "x"\nsteps = [{OCP}]\n{SAMPLE}')
    return outlook_of(Path("r"), History([HEADER]), loaded.protocol.walk(), ended="cut off")


def test_on_a_real_bench_somebody_agrees():
    somebody = Somebody()
    confirm_resume(real(), somebody)
    (asked,) = somebody.asked
    assert asked == "r: is the cell ready for what will be done?"
    with pytest.raises(UsageError, match="with --yes"):
        confirm_resume(real(), None)


def test_nobody_has_to_agree_to_a_simulated_resume():
    somebody = Somebody()
    confirm_resume(replace(real(), simulated=True), somebody)
    confirm_resume(replace(real(), simulated=True), None)
    assert somebody.asked == []
