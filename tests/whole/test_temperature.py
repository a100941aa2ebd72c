"""A ladder of temperatures: waited for at the sample, killed in the midst, and taken up at the right one."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from killing import SAMPLE, Command, Oracle, luggin, stored_rows, wait_for

from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.engine.protocols import plan_of, resume_protocol, run_protocol
from luggin.steps import load_protocol

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = (EXAMPLES / "temperature-ladder.toml").read_text(encoding="utf-8")
EXAMPLE_BENCH = (EXAMPLES / "benches" / "temperature-ladder.toml").read_text(encoding="utf-8")
LADDER = (25.0, 10.0, 40.0, 55.0)
BAND = 0.2
GAS_CONSTANT, FARADAY = 8.314462618, 96485.33212

#: A small bath that is quick: what takes an hour in the laboratory takes a minute here.
QUICK_BENCH = """
[instruments.cell]
driver = "palmsens.methodscript"
resource = "sim://cell"
settings = {model = "emstat4-hr", silence = "600 s"}

[instruments.oven]
driver = "julabo.circulator"
resource = "sim://oven"
settings = {model = "cf31"}
on_exit = "25 degC"

[simulated.cell]
dialect = "palmsens.methodscript"
model = "emstat4-hr"
latency = "1 ms"
options = {commands_while_running = "answered"}

[simulated.cell.cell]
kind = "redox"
chamber = "oven"
area = "0.0707 cm2"
concentration = "0.5 mM"
diffusion_coefficient = "1e-5 cm2/s"
couples = [{half_wave_potential = "-0.476 V"}]
solution_resistance = "200 ohm"
double_layer_capacitance = "2 uF"

[simulated.oven]
dialect = "julabo.circulator"
model = "cf31"
latency = "1 ms"

[simulated.oven.chamber]
heating = "2 kW"
cooling = "2 kW"
heat_capacity = "2 kJ/K"
proportional_band = "8 K"
integral_time = "20 s"
sensor_lag = "1 s"
sample_lag = "3 s"
noise = "5 mK"
"""

QUICK = f"""
title = "a quick ladder"
limits = [{{column = "temperature", between = ["5 degC", "70 degC"]}}]
steps = [
  {{do = "for_each", var = "T", values = ["25 degC", "30 degC", "40 degC", "50 degC"], steps = [
    {{do = "equilibrate", target = "$T", within = "0.2 K", dwell = "20 s", dt = "2 s", timeout = "10 min"}},
    {{do = "cv", id = "wave", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "400 mV/s", step = "5 mV"}}]}},
]
{SAMPLE}
"""
QUICK_LADDER = (25.0, 30.0, 40.0, 50.0)
CV_ROWS = 321


def during(archive, step):
    """The rows of the stream ``temperature`` of one attempt at a step."""
    rows = archive["temperature"].to_numpy()
    return rows[(rows["step"] == step.step) & (rows["attempt"] == step.attempt)]


def held(rows, target, dwell):
    """True if the last ``dwell`` seconds of rows are all within the band."""
    last = rows[rows["time"] >= rows["time"][-1] - dwell]
    return bool((np.abs(last["temperature"] - target) <= BAND).all())


def peaks(rows):
    """Potential (V) and current (A) of the reduction and of the oxidation peak, by a parabola through their tops."""
    found = []
    for top in (rows["current"].argmin(), rows["current"].argmax()):
        near = slice(top - 4, top + 5)
        a, b, c = np.polyfit(rows["potential"][near] - rows["potential"][top], rows["current"][near], 2)
        found.append((rows["potential"][top] - b / (2 * a), c - b * b / (4 * a)))
    return found


@pytest.fixture(scope="module")
def ladder_run(tmp_path_factory, plugins, vocabulary):
    """The example, run once."""
    loaded = load_protocol(text=EXAMPLE, vocabulary=vocabulary, name="ladder.toml")
    plan = plan_of(loaded, load_bench(text=EXAMPLE_BENCH, drivers=list(plugins.drivers())))
    finished = run_protocol(loaded, replace(plan, folder=tmp_path_factory.mktemp("ladder") / "run"), plugins)
    assert finished.error is None
    return open_run(finished.folder)


def test_every_temperature_of_the_example_is_held_at_the_sample_before_it_is_measured(ladder_run):
    soaks = [s for s in ladder_run.steps if s.do == "equilibrate"]
    assert [s.status for s in soaks] == ["done"] * 4
    for soak, target in zip(soaks, LADDER, strict=True):
        rows = during(ladder_run, soak)
        assert held(rows, target, 1200.0)
        assert np.isfinite(rows["bath_temperature"]).all()
        np.testing.assert_array_equal(rows["temperature"], rows["sample_temperature"])
        assert set(rows["setpoint"]) == {target}
    # The sample stays 1 % of the way to the room away from the bath, so the bath is not where the sample is.
    last = during(ladder_run, soaks[-1])[-60:]
    assert last["bath_temperature"].mean() - last["sample_temperature"].mean() == pytest.approx(0.01 * 32, abs=0.03)


def test_the_record_of_a_soak_has_what_an_arrhenius_fit_needs(ladder_run):
    ends = [r for r in ladder_run.records if r["kind"] == "end" and r["do"] == "equilibrate"]
    for end, target in zip(ends, LADDER, strict=True):
        values = end["values"]
        assert values["equilibrated"] is True
        assert values["temperature"] == pytest.approx(target, abs=0.1)
        assert 0.003 < values["spread"] < 0.1, "the noise of the sensor is 5 mK"
        assert abs(values["slope"]) <= 0.02 / 60
        assert values["waited"] >= 1200.0


def test_the_wave_follows_the_temperature_of_the_sample(travel):
    """Peaks of a fast couple are 2.218 RT/F apart, and grow with sqrt(D/T): Nicholson and Shain, 1964."""
    bench = QUICK_BENCH.replace('"-0.476 V"}', '"-0.476 V", rate_constant = "10 cm/s"}')
    bench = bench.replace('solution_resistance = "200 ohm"', 'diffusion_activation_energy = "8 kJ/mol"')
    bench = bench.replace('double_layer_capacitance = "2 uF"', "")
    protocol = QUICK.replace('"400 mV/s", step = "5 mV"', '"100 mV/s", step = "1 mV"')
    # Nobody stirs: what one sweep has reduced needs its time to leave the electrode.
    protocol = protocol.replace('"20 s", dt = "2 s", timeout = "10 min"', '"2 h", dt = "1 min"')
    cvs = travel(protocol, bench).archive["cv"].to_numpy()
    sweeps = [cvs[cvs["step"] == number] for number in dict.fromkeys(cvs["step"].tolist())]
    cold, warm = peaks(sweeps[0]), peaks(sweeps[-1])
    thermal = GAS_CONSTANT / FARADAY
    for (reduction, _), (oxidation, _), target in ((*cold, 25.0), (*warm, 50.0)):
        assert oxidation - reduction == pytest.approx(2.218 * thermal * (target + 273.15), abs=1.5e-3)
    exponent = 8000.0 / GAS_CONSTANT * (1 / 298.15 - 1 / 323.15)
    assert warm[0][1] / cold[0][1] == pytest.approx(math.sqrt(math.exp(exponent) * 298.15 / 323.15), rel=5e-3)


def test_the_monitor_and_the_steps_read_one_circulator_together(ladder_run):
    monitored = ladder_run.store.array("bath")
    assert np.isfinite(monitored["temperature"]).all()
    assert (monitored["flags"] == 0).all()
    np.testing.assert_allclose(np.diff(monitored["time"]), 30.0, atol=1.0)
    asked = ladder_run.store.array("temperature")
    # Both ask for the external sensor: at the same time they are told the same, but for its noise.
    there = np.interp(monitored["time"], asked["time"], asked["temperature"])
    in_a_soak = np.isin(monitored["step"], np.unique(asked["step"]))
    assert np.abs(monitored["temperature"] - there)[in_a_soak].max() < 0.1


def test_the_bath_is_left_at_the_temperature_of_on_exit(ladder_run):
    (finish,) = [r for r in ladder_run.records if r["kind"] == "finish"]
    assert "25.00" in finish["made_safe"]["bath"]
    assert ladder_run.steps[-1].do == "set_temperature"


def test_two_runs_are_identical(travel):
    one, other = (travel(QUICK, QUICK_BENCH, name=name).archive for name in ("one", "other"))
    for stream in ("temperature", "cv"):
        assert one.store.array(stream).tobytes() == other.store.array(stream).tobytes(), stream


def check_ladder(archive):
    """The run is complete, and each voltammogram was measured at its temperature."""
    assert archive.outcome == "completed"
    done = [s for s in archive.steps if s.status == "done"]
    cvs = [s for s in done if s.do == "cv"]
    assert [s.path for s in cvs] == [f"1/T={n}/2" for n in (1, 2, 3, 4)]
    for cv, target in zip(cvs, QUICK_LADDER, strict=True):
        soak = [s for s in done[: done.index(cv)] if s.do == "equilibrate"][-1]
        assert soak.path == cv.path[:-1] + "1"
        assert held(during(archive, soak), target, 20.0)


def test_a_run_that_is_aborted_at_the_third_temperature_goes_on_there(travel, plugins, vocabulary):
    def stop_in_the_third_voltammogram(run):
        clock = run.session.clock

        def watch():
            while run.writer.rows("cv") < 2 * CV_ROWS + 50:
                clock.sleep(0.1)
            run.request_stop("a person")

        run._around.enter_context(clock.worker("run"))
        clock.start_worker("somebody who stops it", watch)

    first = travel(QUICK, QUICK_BENCH, on_begin=stop_in_the_third_voltammogram)
    assert first.finished.exit_code == 130
    assert [s.status for s in first.archive.steps] == ["done"] * 5 + ["interrupted"]

    # The chamber of the resumed run is a new one, at the temperature of the room: nothing is warm any more.
    finished = resume_protocol(first.finished.folder, plugins, vocabulary)
    assert finished.error is None
    archive = open_run(first.finished.folder)
    check_ladder(archive)
    paths = [(s.path, s.attempt, s.status) for s in archive.steps]
    assert paths[5:8] == [("1/T=3/2", 1, "interrupted"), ("1/T=3/1", 2, "done"), ("1/T=3/2", 2, "done")]
    again = next(s for s in archive.steps if (s.path, s.attempt) == ("1/T=3/1", 2))
    assert again.re_established
    assert during(archive, again)["temperature"][0] < 30.0


@pytest.mark.slow
def test_a_run_that_is_killed_at_the_third_temperature_goes_on_there(tmp_path):
    protocol = tmp_path / "ladder.toml"
    protocol.write_text(QUICK, encoding="utf-8")
    folder = tmp_path / "run"
    with Oracle(tmp_path / "lab", QUICK_BENCH) as lab:
        command = Command("run", protocol, "--bench", lab.bench, "--folder", folder, "--no-report", cwd=tmp_path)

        def in_the_third():
            assert command.is_alive, command.end()
            return lab.sent.advance().rows >= 2 * CV_ROWS + 50

        wait_for(in_the_third, "the third voltammogram")
        command.kill()
        killed = stored_rows(folder)
        code, _, errors = luggin("resume", folder, "--no-report", cwd=tmp_path)
        assert code == 0, errors
        assert "temperature@oven: step 1/T=3/1 is done again" in errors
        assert not lab.cell_is_on()
    check_ladder(open_run(folder))
    resumed = stored_rows(folder)
    assert {key: resumed[key] for key in killed} == killed
