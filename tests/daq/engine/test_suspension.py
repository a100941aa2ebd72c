"""Limits that suspend: the cell is open while the condition is away, and the run goes on when it is back."""

from dataclasses import replace

import numpy as np
import pytest
from bath import BENCH_ENTRIES, BathTwins, plugin

from luggin import plugins as plugin_manager
from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.engine.progress import Silent
from luggin.engine.protocols import plan_of, run_protocol
from luggin.errors import LimitTripped
from luggin.records import Flag
from luggin.steps import Vocabulary, load_protocol
from luggin_sim.dialects import DIALECTS

SAMPLE = """
[sample]
id = "suspended"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3.0(1) mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""
WATCH = 'monitors = [{on = "bath", read = ["temperature"], every = "1 s", stream = "bath"}]'
COOL = (
    '{column = "temperature", between = ["10 degC", "40 degC"], then = "suspend", back_for = "5 s", within = "10 min"}'
)


def ca(seconds, more=""):
    return f'{{do = "ca", on = "cell", potential = "0.1 V vs ref", duration = "{seconds} s", dt = "0.5 s"{more}}}'


class Cell(Silent):
    """Looks at the cell whenever the run says something."""

    def __init__(self):
        super().__init__()
        self.words, self.on, self.run = [], [], None

    def said(self, text):
        self.words.append(text)
        self.on.append(self.run.session.lab.cell_is_on("cell"))


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """Run steps beside a bath that is hot between some times; the archive with ``finished`` and ``watcher``."""
    plugins = plugin_manager.load(modules=[plugin()])
    monkeypatch.setitem(DIALECTS, "test.bath", BathTwins())

    def go(*steps, hot=(), limits=COOL, name="run", monitors=WATCH, on_begin=lambda run: None):
        text = f'title = "suspended"\n{monitors}\nlimits = [{limits}]\nsteps = [{", ".join(steps)}]\n{SAMPLE}'
        loaded = load_protocol(text=text, vocabulary=Vocabulary(plugins.step_types(), {}), name="p.toml")
        options = f"{{hot = {list(map(list, hot))}}}"
        bench = plugins.simulator().default_bench_text() + BENCH_ENTRIES.replace("{OPTIONS}", options)
        plan = plan_of(loaded, load_bench(text=bench, drivers=list(plugins.drivers())))
        watcher = Cell()

        def begun(run):
            watcher.run = run
            on_begin(run)

        finished = run_protocol(loaded, replace(plan, folder=tmp_path / name), plugins, watcher=watcher, on_begin=begun)
        archive = open_run(tmp_path / name)
        archive.finished, archive.watcher = finished, watcher
        return archive

    return go


def happened(archive, *kinds):
    return [event["what"] for event in archive.events if event["what"] in kinds]


def attempts(archive):
    return [(step.path, step.attempt, step.status) for step in archive.steps]


def test_the_run_waits_with_an_open_cell_until_the_bath_is_cool_and_goes_on(execute):
    archive = execute(ca(60), hot=[(20.0, 80.0)])
    assert archive.finished.error is None
    assert attempts(archive) == [("1", 1, "broken"), ("1", 2, "done")]
    assert happened(archive, "suspended", "continued", "gap", "trip") == ["suspended", "continued", "gap"]
    suspended, waiting = archive.watcher.words.index, archive.watcher.on
    said = next(words for words in archive.watcher.words if words.startswith("suspended, cell open"))
    assert not waiting[suspended(said)]
    assert "temperature was 45." in said
    (waited,) = [event["waited"] for event in archive.events if event["what"] == "continued"]
    # Hot for 60 s, and cool for the 5 s that the limit says; the monitor looks once a second.
    assert waited == pytest.approx(65.0, abs=3.0)


def test_what_is_measured_after_a_suspension_is_flagged(execute):
    rows = execute(ca(60), hot=[(20.0, 80.0)])["ca"].to_numpy()
    again = rows[rows["attempt"] == 2]
    assert again["flags"][0] & Flag.SUSPENDED
    assert not (again["flags"][1:] & Flag.SUSPENDED).any()
    assert again["time"][0] - rows["time"][rows["attempt"] == 1][-1] > 60.0


def test_an_open_circuit_measurement_goes_on_with_what_is_left_of_it(execute):
    archive = execute('{do = "ocp", on = "cell", duration = "60 s", dt = "0.5 s"}', hot=[(20.0, 80.0)])
    assert attempts(archive) == [("1", 1, "broken"), ("1", 2, "done")]
    tables = archive.tables(technique="ocp")
    lasted = [table.columns["instrument_time"][-1] for table in tables]
    assert len(tables) == 2
    assert sum(lasted) == pytest.approx(60.0, abs=1.0)


def test_a_condition_that_does_not_come_back_stops_the_run_and_latches(execute):
    short = COOL.replace("10 min", "30 s")
    archive = execute(ca(60), hot=[(20.0, 900.0)], limits=short)
    assert isinstance(archive.finished.error, LimitTripped)
    assert "it was not back within 30 s" in str(archive.finished.error)
    assert archive.outcome == "limit tripped"
    assert "temperature" in archive.records[-1]["trip"]
    assert attempts(archive) == [("1", 1, "failed")]


def test_a_value_that_is_back_for_a_moment_only_is_not_back(execute):
    archive = execute(ca(60), hot=[(20.0, 50.0), (52.0, 80.0)])
    assert happened(archive, "suspended", "continued") == ["suspended", "continued"]
    (waited,) = [event["waited"] for event in archive.events if event["what"] == "continued"]
    assert waited == pytest.approx(65.0, abs=3.0)


def test_a_condition_that_is_away_between_steps_keeps_the_cell_open_before_the_next(execute):
    archive = execute('{do = "rest", duration = "40 s"}', ca(20), hot=[(10.0, 90.0)])
    assert archive.finished.error is None
    assert attempts(archive) == [("1", 1, "done"), ("2", 1, "broken"), ("2", 2, "done")]
    rows = archive["ca"].to_numpy()
    assert rows["step"].tolist() == [2] * len(rows)
    assert rows["time"].min() > 90.0


def test_states_that_the_suspension_undid_are_made_again_first(execute):
    archive = execute(ca(10, ', establishes = ["conditioning"]'), ca(60), hot=[(30.0, 80.0)])
    assert attempts(archive) == [("1", 1, "done"), ("2", 1, "broken"), ("1", 2, "done"), ("2", 2, "done")]
    assert archive.steps[2].re_established


def test_a_suspended_run_can_be_stopped(execute):
    def stop_later(run):
        def later():
            run.session.clock.sleep(60.0)
            run.request_stop("the test")

        run.session.clock.start_worker("somebody", later)

    archive = execute(ca(60), hot=[(20.0, 900.0)], on_begin=stop_later)
    assert archive.outcome == "interrupted"
    assert attempts(archive) == [("1", 1, "interrupted")]


def test_a_potential_that_left_its_limit_is_looked_at_with_the_cell_open(execute):
    """The cell of the built-in bench rests near 0 V: at open circuit the potential is back at once."""
    limit = (
        '{column = "potential", between = ["-0.5 V", "0.3 V"], then = "suspend", back_for = "40 s", within = "10 min"}'
    )
    sweep = '{do = "lsv", on = "cell", begin = "0 V vs ref", end = "0.29 V", rate = "20 mV/s", step = "2 mV"}'
    left = []

    def tamper(run):
        from luggin.engine.bounds import Trip

        def later():
            run.session.clock.sleep(8.0)
            run.suspensions.left(Trip(run.limits[0], 0.31, 0, "suspend"), "the test")
            left.append(run.session.lab.cell_is_on("cell"))

        run.session.clock.start_worker("somebody", later)

    archive = execute(sweep, limits=limit, on_begin=tamper)
    assert left == [True]
    assert archive.finished.error is None
    assert attempts(archive) == [("1", 1, "broken"), ("1", 2, "done")]
    looks = archive["ocp"].to_numpy()
    assert len(looks) >= 8
    assert np.abs(looks["potential"]).max() < 0.3
    assert len(archive.tables(technique="lsv")) == 1
