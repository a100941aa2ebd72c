"""Steps of temperature in the engine: rows, limits, time-outs, alarms, broken lines, and whose controller it is."""

from dataclasses import replace

import numpy as np
import pytest

from luggin import plugins as plugin_manager
from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.engine.protocols import plan_of, resume_protocol, run_protocol
from luggin.errors import ProtocolError
from luggin.records import Flag
from luggin.rehearsal import look_over
from luggin.steps import Vocabulary, load_protocol

SAMPLE = """
[sample]
id = "x"
wiring = "two-electrode, blocking"
electrodes = "Pt"
"""
ENTRIES = """
[instruments.NAME]
driver = "julabo.circulator"
resource = "sim://NAME"
settings = {model = "cf31"}
[simulated.NAME]
dialect = "julabo.circulator"
model = "cf31"
latency = "1 ms"
chamber = {noise = "2 mK", ambient = "25 degC", sample_lag = "60 s"}
"""
OVEN = ENTRIES.replace("NAME", "oven")
SOAK = '{do = "equilibrate", target = "40 degC", within = "0.2 K", dwell = "10 min"}'


@pytest.fixture(scope="module")
def plugins():
    return plugin_manager.load()


@pytest.fixture(scope="module")
def words(plugins):
    return Vocabulary(plugins.step_types(), {})


@pytest.fixture
def run(tmp_path, plugins, words):
    """Run steps on a bench in virtual time: how it ended, and the run."""

    def go(*steps, bench=OVEN, limits="", monitors="", on_begin=lambda run: None, name="run"):
        text = f'title = "x"\nlimits = [{limits}]\nmonitors = [{monitors}]\nsteps = [{", ".join(steps)}]\n{SAMPLE}'
        loaded = load_protocol(text=text, vocabulary=words, name="p.toml")
        plan = replace(plan_of(loaded, load_bench(text=bench, drivers=list(plugins.drivers()))), folder=tmp_path / name)
        finished = run_protocol(loaded, plan, plugins, on_begin=on_begin)
        return finished, open_run(plan.folder)

    return go


def rows_of(archive):
    return archive["temperature"].to_numpy()


def meanwhile(run, seconds, action):
    """Somebody in the laboratory does something after a while."""
    clock = run.session.clock

    def later():
        clock.sleep(seconds)
        action(run)

    run._around.enter_context(clock.worker("run"))
    clock.start_worker("somebody", later)


# -- equilibrate -------------------------------------------------------------------------------------


def test_a_soak_ends_when_the_sample_has_been_there_for_the_dwell(run):
    finished, archive = run(SOAK)
    assert finished.error is None
    rows = rows_of(archive)
    inside = np.abs(rows["sample_temperature"] - 40.0) <= 0.2
    since = rows["time"][len(inside) - inside[::-1].argmin()]  # of the first row behind the last one outside
    assert rows["time"][-1] - since == pytest.approx(600.0, abs=10.0)
    assert (np.diff(rows["time"]) > 9.9).all()
    assert archive["temperature"].to_numpy()["setpoint"][-1] == 40.0
    (step,) = archive.steps
    (part,) = step.parts
    assert (part["stream"], part["first"], part["count"]) == ("temperature", 0, len(rows))


def test_the_bath_is_there_long_before_the_sample(run):
    lag = {"bath": [], "sample": []}
    for sensor in lag:
        soak = SOAK.replace('within = "0.2 K"', f'sensor = "{sensor}", within = "0.05 K"').replace("10 min", "0 s")
        _, archive = run(soak, name=sensor, bench=OVEN.replace("60 s", "30 min"))
        rows = rows_of(archive)
        lag[sensor] = abs(rows["sample_temperature"][-1] - 40.0)
        np.testing.assert_array_equal(rows["temperature"], rows[f"{sensor}_temperature"])
    assert lag["sample"] <= 0.05
    assert lag["bath"] > 2.0


def test_a_soak_that_never_gets_there_stops_the_run_with_what_it_saw(run):
    soak = SOAK.replace('dwell = "10 min"', 'dwell = "10 min", timeout = "20 min"')
    finished, archive = run(soak, bench=OVEN + 'options = {heater = "broken"}')
    assert finished.exit_code == 4
    assert "sample was not at 40 degC within 0.2 K for 10 min after 20 min; it was last at 25" in str(finished.error)
    assert rows_of(archive)["time"][-1] == pytest.approx(1200.0, abs=11.0)
    assert archive.steps[0].status == "failed"


def test_or_it_goes_on_and_says_so(run):
    soak = SOAK.replace('dwell = "10 min"', 'dwell = "10 min", timeout = "20 min", on_timeout = "measure and flag"')
    finished, archive = run(soak, '{do = "note", text = "measured all the same"}', bench=OVEN.replace("60 s", "2 h"))
    assert finished.error is None
    assert [s.status for s in archive.steps] == ["timeout", "done"]
    (end,) = [r for r in archive.records if r["kind"] == "end" and r["do"] == "equilibrate"]
    assert end["values"]["equilibrated"] is False
    assert "was not at 40 degC" in end["values"]["flagged"]


def test_an_alarm_ends_it_at_once_with_its_words(run):
    finished, archive = run(SOAK, bench=OVEN + "options = {alarm = -1, alarm_after = 300.0}")
    assert finished.exit_code == 4
    assert "it does not control the temperature any more: status -01 (low level alarm)" in str(finished.error)
    assert 300.0 <= rows_of(archive)["time"][-1] <= 312.0, "the readings up to the alarm are kept"


def test_a_sample_sensor_that_is_missing_is_told_before_anything_is_waited_for(run):
    bench = OVEN + "options = {external_sensor = false}"
    finished, archive = run(SOAK, bench=bench)
    assert "external sensor" in str(finished.error)
    assert archive.records[-1]["time"] < 10.0
    finished, archive = run(SOAK.replace("within", 'sensor = "bath", within'), bench=bench, name="bath")
    assert finished.error is None
    rows = rows_of(archive)
    assert np.isnan(rows["sample_temperature"]).all()
    assert np.isfinite(rows["temperature"]).all()


def test_single_answers_that_are_lost_are_gaps_and_no_values(run):
    def mute(running):
        line = running.session.device("oven").transport
        read, asked = line.read_line, []

        def sometimes(*arguments):
            asked.append(1)
            return read(0.0) if len(asked) in (40, 41, 42) else read(*arguments)

        line.read_line = sometimes

    finished, archive = run(SOAK, on_begin=mute)
    assert finished.error is None
    rows = rows_of(archive)
    gaps = np.isnan(rows["temperature"])
    assert 0 < gaps.sum() <= 2
    assert (rows["flags"][gaps] == Flag.GAP).all()
    assert (rows["flags"][~gaps] == 0).all()


# -- limits and stops --------------------------------------------------------------------------------


def test_a_limit_on_the_temperature_is_checked_on_every_row(run):
    limit = '{column = "temperature", between = ["0 degC", "30 degC"]}'
    ramp = '{do = "set_temperature", target = "29.9 degC"}'
    hot = OVEN.replace('ambient = "25 degC"', 'ambient = "31 degC"')
    finished, archive = run(ramp, SOAK.replace("40 degC", "29 degC"), limits=limit, bench=hot)
    assert finished.exit_code == 3
    assert "temperature was 31 degC" in str(finished.error)
    rows = rows_of(archive)
    assert len(rows) == 1, "the row that trips is kept, and it is the last one"


def test_a_target_outside_of_the_limits_is_not_even_set(run, plugins, words):
    limit = '{column = "temperature", between = ["0 degC", "30 degC"]}'
    seen = []
    finished, _ = run(SOAK, limits=limit, on_begin=lambda r: seen.append(r.session.lab.log("oven")))
    assert "40 degC lies outside of the limits of this run" in str(finished.error)
    assert b"out_" not in seen[0].received()


def test_ctrl_c_ends_a_soak_and_a_resumed_run_begins_it_anew(run, plugins, words):
    finished, archive = run(SOAK, on_begin=lambda r: meanwhile(r, 400.0, lambda r: r.request_stop("a person")))
    assert finished.exit_code == 130
    assert archive.steps[0].status == "interrupted"
    assert archive.records[-1]["time"] == pytest.approx(400.0, abs=0.5), "at once, not at the next reading"
    resumed = resume_protocol(archive.folder, plugins, words)
    assert resumed.error is None
    archive = open_run(archive.folder)
    assert [(s.attempt, s.status) for s in archive.steps] == [(1, "interrupted"), (2, "done")]
    rows = rows_of(archive)
    assert set(rows["attempt"]) == {1, 2}


# -- ramp and set_temperature ------------------------------------------------------------------------


def test_a_ramp_is_made_of_small_steps_of_the_set_point_at_its_rate(run):
    finished, archive = run('{do = "ramp", target = "35 degC", rate = "1 K/min"}')
    assert finished.error is None
    rows = rows_of(archive)
    slope = np.polyfit(rows["time"][1:-1], rows["setpoint"][1:-1], 1)[0]
    assert slope * 60 == pytest.approx(1.0, rel=0.01)
    assert rows["setpoint"][-1] == 35.0
    assert np.diff(rows["setpoint"]).max() < 0.2
    assert rows["time"][-1] - rows["time"][0] == pytest.approx(600.0, abs=11.0)
    # The bath follows with the lag of its controller, without overshoot.
    behind = rows["setpoint"] - rows["bath_temperature"]
    assert abs(behind[-10:]).max() < 0.5


def test_set_temperature_sets_and_goes_on(run):
    finished, archive = run('{do = "set_temperature", target = "35 degC"}')
    assert finished.error is None
    (end,) = [r for r in archive.records if r["kind"] == "end"]
    assert end["values"] == {"setpoint": 35.0}
    assert end["time"] < 10.0
    assert end["parts"] == []


# -- whose controller --------------------------------------------------------------------------------


def test_two_controllers_want_a_name_and_none_is_told(run, plugins, words):
    two = OVEN + ENTRIES.replace("NAME", "fridge")
    finished, _ = run(SOAK, bench=two)
    assert "say which with `on`" in str(finished.error)
    named = SOAK.replace("{do", '{on = "fridge", do')
    finished, archive = run(named, bench=two, name="named")
    assert finished.error is None
    (start,) = [r for r in archive.records if r["kind"] == "start"]
    assert start["establishes"] == ["temperature@fridge"]


def check(plugins, words, step, bench=OVEN, limits=""):
    """What `luggin check` says."""
    loaded = load_protocol(text=f'title = "x"\nlimits = [{limits}]\nsteps = [{step}]\n{SAMPLE}', vocabulary=words)
    return look_over(loaded, plan_of(loaded, load_bench(text=bench, drivers=list(plugins.drivers()))), plugins)


@pytest.mark.parametrize(
    ("step", "words_said"),
    [
        (SOAK.replace("40 degC", "400 degC"), "400 degC is out of reach of oven (Julabo CF31 Cryo-Compact)"),
        (SOAK.replace("{do", '{on = "cell", do'), "the bench has no"),
        (SOAK.replace("40 degC", "15 degC"), "15 degC lies outside of the limits of this run"),
    ],
)
def test_check_refuses_what_cannot_be_reached(plugins, words, step, words_said):
    limit = '{column = "temperature", between = ["20 degC", "120 degC"]}'
    with pytest.raises(ProtocolError) as refused:
        check(plugins, words, step, limits=limit)
    assert words_said in str(refused.value)


def test_check_knows_how_long_a_soak_is_at_least(plugins, words):
    overview = check(plugins, words, SOAK)
    assert overview.duration == 600.0
    assert overview.rows == 61


def test_a_monitor_reads_the_controller_that_a_step_waits_for(run):
    monitor = '{on = "oven", read = ["temperature", "heater_power"], every = "7 s", stream = "bath"}'
    finished, archive = run(SOAK, monitors=monitor)
    assert finished.error is None
    watched = archive["bath"].to_numpy()
    assert (watched["flags"] == 0).all()
    np.testing.assert_allclose(watched["time"], 7.0 * np.arange(len(watched)), atol=0.5)
    assert watched["heater_power"].max() > 50.0


def test_no_monitor_may_write_into_the_rows_of_the_steps(run):
    with pytest.raises(Exception, match="written by another"):
        run(SOAK, monitors='{on = "oven", read = ["temperature"], every = "7 s", stream = "temperature"}')
