"""Instruments that are read beside the techniques, in virtual time: deadlines, gaps, limits, lines that break."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
from bath import BEGINS, BENCH_ENTRIES, RISE, BathTwins, plugin

from luggin import plugins as plugin_manager
from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.engine.events import Event
from luggin.engine.progress import Silent
from luggin.engine.protocols import plan_of, resume_protocol, run_protocol
from luggin.engine.start import Ambient, ambient, start
from luggin.errors import LimitTripped, PluginFault, ProtocolError, RunFolderError, UsageError
from luggin.records import Flag
from luggin.rehearsal import look_over, rehearse
from luggin.steps import CA, OCP, Rest, Vocabulary, load_protocol
from luggin_sim.dialects import DIALECTS
from luggin_sim.ports import line as lines

SAMPLE = """
[sample]
id = "x"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3 mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""
CA_STEP = '{do = "ca", on = "cell", potential = "0.1 V vs ref", duration = "6 s", dt = "0.1 s"}'
REST = '{do = "rest", duration = "5 s"}'
READ = '{on = "bath", read = ["temperature", "level"], every = "2 s", stream = "bath"}'
BAND = '{column = "temperature", between = ["10 degC", "25.05 degC"]}'


class Listener(Silent):
    """A watcher that remembers what was said, and calls ``on_step(path)`` when a step begins."""

    def __init__(self, on_step=lambda path: None):
        super().__init__()
        self.words, self.on_step = [], on_step

    def said(self, text):
        self.words.append(text)

    def step_began(self, path, title, duration, rows):
        self.on_step(path)


@pytest.fixture(scope="module")
def plugins():
    return plugin_manager.load(modules=[plugin()])


@pytest.fixture
def bench(plugins, monkeypatch):
    """A bench with a potentiostat and a bath, whose twin has these options."""
    monkeypatch.setitem(DIALECTS, "test.bath", BathTwins())

    def make(options="{}"):
        text = plugins.simulator().default_bench_text() + BENCH_ENTRIES.replace("{OPTIONS}", options)
        return load_bench(text=text, drivers=list(plugins.drivers()))

    return make


@pytest.fixture
def planned(plugins, bench):
    """A protocol with monitors and its plan."""

    def make(*steps, monitors=(READ,), limits=(), options="{}"):
        head = f"monitors = [{', '.join(monitors)}]\n" + (f"limits = [{', '.join(limits)}]\n" if limits else "")
        text = f'title = "monitored"\n{head}steps = [\n' + ",\n".join(steps) + f"\n]\n{SAMPLE}"
        loaded = load_protocol(text=text, vocabulary=Vocabulary(plugins.step_types(), {}), name="p.toml")
        return loaded, plan_of(loaded, bench(options))

    return make


@pytest.fixture
def execute(tmp_path, plugins, planned):
    """Run it; the archive with ``finished`` and ``watcher`` beside it."""

    def go(*steps, name="run", on_begin=lambda run: None, on_step=lambda run, path: None, **how):
        loaded, plan = planned(*steps, **how)
        runs, watcher = [], Listener(lambda path: on_step(runs[-1], path))

        def begun(run):
            runs.append(run)
            on_begin(run)

        plan = replace(plan, folder=tmp_path / name)
        finished = run_protocol(loaded, plan, plugins, watcher=watcher, on_begin=begun)
        archive = open_run(plan.folder)
        archive.finished, archive.watcher = finished, watcher
        return archive

    return go


def break_line(run):
    """The cable of the bath is pulled."""
    lines.disconnect(run.session.lab.url("bath"))


def events(archive, what):
    return [event for event in archive.events if event["what"] == what]


# -- rows


def test_rows_come_at_their_deadlines_with_the_step_that_runs_meanwhile(execute):
    archive = execute(CA_STEP, REST, CA_STEP)
    assert archive.outcome == "completed"
    bath = archive["bath"].to_numpy()
    assert bath["time"].tolist() == [2.0 * k for k in range(len(bath))]
    # 6 s, 5 s and 6 s, and the conversations with the potentiostat in between.
    assert 17.0 < archive.records[-1]["time"] < 18.0
    assert len(bath) == 9
    first = archive["ca"].to_numpy()
    began = {step: first["time"][first["step"] == step][0] - 0.1 for step in (1, 3)}
    assert [s for t, s in zip(bath["time"], bath["step"], strict=True) if t > 0] == [
        1 if t < began[1] + 6.0 else 3 if t >= began[3] else 2 for t in bath["time"] if t > 0
    ]
    assert set(bath["attempt"]) <= {0, 1}
    np.testing.assert_allclose(bath["temperature"], BEGINS + RISE * bath["time"], atol=1e-6)
    assert set(bath["level"]) == {80.5}
    assert set(bath["flags"]) == {0}
    assert (bath["received"] >= bath["time"]).all()


def test_the_stream_has_units_and_the_words_of_the_driver(execute):
    import xarray

    folder = execute(CA_STEP).folder
    with xarray.open_zarr(folder / "data.zarr", group="bath") as bath:
        said = {
            name: (variable.attrs["units"], variable.attrs["long_name"]) for name, variable in bath.variables.items()
        }
    assert said["temperature"] == ("degC", "Bath temperature")
    assert said["level"] == ("%", "Level of the water")
    assert said["time"][0] == "s"
    header = open_run(folder).header
    assert header["monitors"] == [{"on": "bath", "read": ["temperature", "level"], "every": 2.0, "stream": "bath"}]


def test_a_slow_answer_shifts_no_deadline_behind_it(execute):
    bath = execute(CA_STEP, CA_STEP, options="{late = {3 = 0.9, 5 = 0.5}}")["bath"].to_numpy()
    assert bath["time"].tolist() == [2.0 * k for k in range(len(bath))]
    late = bath["received"] - bath["time"]
    assert late[[2, 4]] == pytest.approx([0.9, 0.5], abs=0.01)
    assert late[[0, 1, 3, 5]] == pytest.approx(0, abs=0.01)


def test_deadlines_that_a_slow_answer_has_passed_are_left_out_and_flagged(execute):
    often = READ.replace('"2 s"', '"0.2 s"')
    bath = execute(CA_STEP, monitors=[often], options="{late = {4 = 0.95}}")["bath"].to_numpy()
    # The answer to the question of 0.6 s comes at 1.55 s: 0.8, 1.0, 1.2 and 1.4 are over, 1.6 is met.
    assert bath["time"][:7] == pytest.approx([0.0, 0.2, 0.4, 0.6, 1.6, 1.8, 2.0])
    assert [bool(f & Flag.TIMING) for f in bath["flags"][:7]] == [False] * 4 + [True] + [False] * 2


def test_a_reading_that_makes_no_sense_is_a_gap_and_not_the_value_before(execute):
    bath = execute(CA_STEP, REST, options="{nonsense = [2, 4]}")["bath"].to_numpy()
    assert np.flatnonzero(np.isnan(bath["temperature"])).tolist() == [1, 3]
    assert np.flatnonzero(bath["flags"] & Flag.GAP).tolist() == [1, 3]
    assert set(bath["level"]) == {80.5}  # what could be had is kept
    assert bath["time"].tolist() == [2.0 * k for k in range(len(bath))]


def test_an_answer_that_does_not_come_is_a_gap_and_the_next_one_is_whole(execute):
    # The question is asked twice before it counts as unanswered.
    bath = execute(CA_STEP, CA_STEP, options="{mute = [2, 3]}")["bath"].to_numpy()
    assert np.flatnonzero(np.isnan(bath["temperature"])).tolist() == [1]
    assert bath["time"][1] == 2.0
    whole = ~np.isnan(bath["temperature"])
    np.testing.assert_allclose(bath["temperature"][whole], BEGINS + RISE * bath["time"][whole], atol=1e-6)


def test_two_runs_are_identical(execute):
    one, other = (execute(CA_STEP, REST, CA_STEP, name=name, options="{late = {3 = 0.9}}") for name in ("one", "two"))
    for stream in ("bath", "ca", "events"):
        assert one[stream].to_numpy().tobytes() == other[stream].to_numpy().tobytes(), stream


def test_monitors_beside_one_another_have_streams_of_their_own(execute):
    second = '{on = "bath", read = "level", every = "3 s"}'
    archive = execute(CA_STEP, monitors=[READ, second])
    assert archive["bath"].to_numpy()["time"].tolist() == [0.0, 2.0, 4.0, 6.0]
    assert archive["monitor_bath"].to_numpy()["time"].tolist() == [0.0, 3.0, 6.0]


# -- limits


def test_a_limit_on_what_a_monitor_reads_stops_the_run(execute, plugins):
    opened = {}

    def begun(run):
        close = run.session.close

        def closing():
            opened["cell"] = run.session.lab.cell_is_on("cell")
            opened["monitors"] = [t.name for t in threading.enumerate() if t.name.startswith("monitor")]
            close()

        run.session.close = closing

    archive = execute(CA_STEP, CA_STEP, limits=[BAND], on_begin=begun)
    # 25.05 degC are left behind 5 s, so the reading at 6 s is the first one outside.
    bath = archive["bath"].to_numpy()
    assert bath["time"].tolist() == [0.0, 2.0, 4.0, 6.0]
    assert bath["temperature"][-1] == pytest.approx(25.06)
    assert isinstance(archive.finished.error, LimitTripped)
    assert archive.finished.exit_code == 3
    words = "monitor bath: temperature was 25.06 degC; allowed is temperature between 10 degC and 25.05 degC"
    assert words in str(archive.finished.error)
    assert archive.outcome == "limit tripped"
    assert archive.records[-1]["trip"] == words
    assert [(e["time"], e["stream"], e["step"]) for e in events(archive, "trip")] == [(6.0, "bath", 1)]
    assert f"limit: {words}" in archive.watcher.words
    assert archive["ca"].to_numpy()["time"].max() <= 6.2
    assert opened == {"cell": False, "monitors": []}, "the cell was opened, and nobody asks on a line that is closed"
    with pytest.raises(RunFolderError, match="stopped by a limit"):
        resume_protocol(archive.folder, plugins, Vocabulary(plugins.step_types(), {}))


def test_a_limit_may_want_several_readings(execute):
    lasting = BAND.replace("}", ', for = "3 rows"}')
    archive = execute(REST, REST, REST, limits=[lasting])
    assert archive["bath"].to_numpy()["time"].tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert archive.finished.exit_code == 3


def test_a_limit_that_nobody_can_judge_any_more_stops_the_run(execute):
    archive = execute(REST, REST, REST, limits=[BAND], options="{nonsense = [1, 2, 3, 4, 5, 6, 7, 8, 9]}")
    assert archive["bath"].to_numpy()["time"].tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert archive.finished.exit_code == 3
    assert "temperature was no usable reading" in str(archive.finished.error)


def test_without_a_limit_readings_that_cannot_be_had_stop_nothing(execute):
    archive = execute(REST, REST, options="{nonsense = [1, 2, 3, 4, 5, 6, 7, 8, 9]}")
    assert archive.outcome == "completed"
    assert np.isnan(archive["bath"].to_numpy()["temperature"]).all()


def test_a_limit_that_is_left_behind_the_last_step_is_told_all_the_same(execute):
    def late(run, path):
        run.monitors.tripped("bath", "temperature was 99 degC")
        run.soft.clear()  # the step that runs has looked at it for the last time

    archive = execute(REST, on_step=late)
    assert archive.outcome == "limit tripped"
    assert archive.finished.exit_code == 3
    assert archive.records[-1]["trip"] == "monitor bath: temperature was 99 degC"


# -- lines and drivers that fail


def test_a_line_that_breaks_ends_the_monitor_and_not_the_run(execute):
    archive = execute(CA_STEP, CA_STEP, on_step=lambda run, path: break_line(run) if path == "2" else None)
    assert archive.outcome == "completed"
    assert archive.finished.exit_code == 0
    assert archive["ca"].to_numpy()["step"].max() == 2
    rows = archive["bath"].to_numpy()
    assert rows["time"].tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert np.isnan(rows["temperature"]).tolist() == [False] * 4 + [True]
    (lost,) = events(archive, "line lost")
    assert (lost["role"], lost["step"]) == ("bath", 2)
    assert lost["time"] == pytest.approx(8.0, abs=0.1)
    assert any("Waiting for it to come back; the run goes on meanwhile." in words for words in archive.watcher.words)
    kinds = archive["events"].to_numpy()["kind"].tolist()
    assert kinds.count(Event.LINE_LOST) == 1


def test_a_line_that_breaks_takes_its_limit_with_it_so_the_run_stops(execute):
    wide = BAND.replace("25.05", "90")
    archive = execute(
        CA_STEP, CA_STEP, limits=[wide], on_step=lambda run, path: break_line(run) if path == "2" else None
    )
    assert archive.finished.exit_code == 3
    assert "temperature has a limit and can no longer be read" in archive.records[-1]["trip"]
    assert [s.status for s in archive.steps] == ["done", "failed"]


def test_a_mistake_in_a_driver_stops_the_run_safely_and_is_told(execute):
    stirrer = READ.replace('"level"', '"period"')
    seen = {}

    def begun(run):
        close = run.session.close
        run.session.close = lambda: (seen.update(on=run.session.lab.cell_is_on("cell")), close())

    archive = execute(CA_STEP, CA_STEP, monitors=[stirrer], options="{stopped = 3}", on_begin=begun)
    assert isinstance(archive.finished.error, PluginFault)
    assert "monitor bath: ZeroDivisionError" in str(archive.finished.error)
    assert archive.outcome == "failed"
    assert archive["bath"].to_numpy()["time"].tolist() == [0.0, 2.0]
    assert archive["ca"].to_numpy()["time"].max() < 4.3
    assert seen == {"on": False}
    assert "cell" in archive.records[-1]["made_safe"]


# -- mistakes


def misread(right, wrong):
    """One monitor with a mistake in it."""
    return [READ.replace(right, wrong)]


@pytest.mark.parametrize(
    ("monitors", "limits", "words"),
    [
        pytest.param(misread("temperature", "temprature"), (), ["'temprature'", "level, period, temp"], id="misspelt"),
        pytest.param(misread("level", "model"), (), ["'model'", "that is a number"], id="text"),
        pytest.param(misread('"bath", r', '"oven", r'), (), ["no instrument 'oven'", "cell, bath"], id="role"),
        pytest.param(misread('"bath", r', '"cell", r'), (), ["cell runs step 1", "another instrument"], id="busy"),
        pytest.param(misread('= "bath"}', '= "ca"}'), (), ["stream 'ca' is written"], id="stream of a technique"),
        pytest.param(misread('= "bath"}', '= "events"}'), (), ["stream 'events' is"], id="stream of the run"),
        pytest.param([READ, READ], (), ["stream 'bath' is written"], id="same stream"),
        pytest.param(misread("level", "temperature"), (), ["'temperature' would be a column"], id="twice"),
        pytest.param(misread("level", "time"), (), ["'time' would be a column"], id="name of a column"),
        pytest.param([READ], [BAND.replace("}", ', then = "end_step"}')], ["cannot end a step"], id="end_step"),
    ],
)
def test_a_mistake_is_told_with_its_line_before_anything_is_opened(planned, plugins, monitors, limits, words):
    loaded, plan = planned(CA_STEP, monitors=monitors, limits=limits)
    with pytest.raises(ProtocolError) as refused:
        look_over(loaded, plan, plugins)
    assert "p.toml:2: monitors[" in str(refused.value)
    for said in words:
        assert said in str(refused.value)


def test_a_limit_of_another_kind_of_quantity_is_refused(planned, plugins, monkeypatch):
    from bath import Bath

    from luggin.instrument import reading

    wrong = reading("T?", unit="%", decode=float, doc="Not a temperature.")
    wrong.name = "temperature"
    monkeypatch.setattr(Bath, "temperature", wrong)
    with pytest.raises(ProtocolError, match="'temperature' is in %, its limit is in K"):
        look_over(*planned(CA_STEP, limits=[BAND]), plugins)


def test_a_protocol_with_monitors_is_looked_over_and_rehearsed(planned, plugins, tmp_path, monkeypatch):
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    loaded, plan = planned(CA_STEP, REST)
    assert len(look_over(loaded, plan, plugins).steps) == 2
    assert rehearse(loaded, plan, plugins).outcome == "completed"
    tripping, plan = planned(CA_STEP, REST, limits=[BAND])
    assert rehearse(tripping, plan, plugins).exit_code == 3


@pytest.fixture
def script(tmp_path, plugins, bench, planned, monkeypatch):
    """`luggin.start` on the bench with the bath."""
    monkeypatch.chdir(tmp_path)
    _, plan = planned(CA_STEP)

    def begin(*monitors):
        with ambient(Ambient(plugins, plan.source, bench=bench(), folder=tmp_path / "run")):
            return start(sample=dict(plan.sample), monitors=monitors)

    return begin


def test_a_script_may_not_run_techniques_on_an_instrument_that_it_monitors(script, tmp_path):
    every = {"on": "bath", "read": ["temperature"], "every": "1 s"}
    run = script(every)
    wire = []
    run.session.instruments["bath"].transport.trace = lambda *said: wire.append(said)
    with run:
        run.do(Rest(duration="2 s"))
        run.do(OCP(duration="1 s", dt="0.5 s", on="cell"))
        with pytest.raises(UsageError, match="`ca` runs on bath, which a monitor reads meanwhile"):
            run.do(CA(potential="0 V vs ref", duration="1 s", dt="0.5 s", on="bath"))
    assert [s.status for s in open_run(tmp_path / "run").steps] == ["done", "done"]
    assert {data for _, direction, data in wire if direction == ">"} == {b"T?\n"}


def test_a_script_with_a_misspelt_reading_applies_nothing(script, tmp_path):
    with pytest.raises(UsageError, match="no reading 'temp' that is a number; it has level, period, temperature"):
        script({"on": "bath", "read": ["temp"], "every": "1 s"})
    assert open_run(tmp_path / "run").outcome == "failed"
    assert open_run(tmp_path / "run").steps == []
    assert not any(t.name.startswith("monitor") for t in threading.enumerate())


# -- going on


def test_a_resumed_run_reads_on(execute, plugins, tmp_path):
    def stop(run, path):
        if path == "2":
            run.request_stop("the test")

    before = execute(CA_STEP, CA_STEP, REST, on_step=stop)
    assert before.outcome == "interrupted"
    first = before["bath"].to_numpy()
    finished = resume_protocol(before.folder, plugins, Vocabulary(plugins.step_types(), {}))
    assert finished.outcome == "completed"
    bath = open_run(before.folder)["bath"].to_numpy()
    assert bath[: len(first)].tobytes() == first.tobytes()
    resumed = bath[len(first) :]
    # The clock of the run goes on where it stood; what is read before the first step belongs to none.
    assert resumed["time"][0] >= first["time"][-1]
    np.testing.assert_allclose(np.diff(resumed["time"]), 2.0, rtol=1e-12)
    assert (resumed["step"][0], resumed["attempt"][0]) == (0, 0)
    assert set(zip(resumed["step"].tolist(), resumed["attempt"].tolist(), strict=True)) >= {(2, 2), (3, 1)}
    assert json.dumps([s.status for s in open_run(before.folder).steps]) == '["done", "interrupted", "done", "done"]'
