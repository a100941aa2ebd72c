"""Lines that break and instruments that misbehave in the middle of a run: back, the same one, cell open, gap told."""

import dataclasses
import json

import numpy as np
import pytest
from killing import BENCH, SAMPLE, luggin

from luggin.engine.performing import MOST_BREAKS
from luggin.errors import LineLost, NoInstrument, ReplyTimeout, UnsafeState
from luggin.records import Flag
from luggin.store import RunLog, open_store

PROTOCOL = f"""
title = "a line that breaks"
steps = [
  {{do = "ocp", duration = "2 s", dt = "0.1 s"}},
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "200 mV/s", step = "5 mV"}},
  {{do = "ca", potential = "-0.2 V vs ref", duration = "4 s", dt = "0.1 s"}},
]
{SAMPLE}
"""
SOURCE_METER = """
[instruments.cell]
driver = "keithley.2450"
resource = "sim://cell"
settings = {model = "2450"}

[simulated.cell]
dialect = "keithley.2450"
model = "2450"
latency = "1 ms"
address = "TCPIP0::192.168.0.10::5025::SOCKET"

[simulated.cell.cell]
kind = "redox"
area = "0.0707 cm2"
concentration = "0.5 mM"
diffusion_coefficient = "1e-5 cm2/s"
couples = [{half_wave_potential = "-0.476 V"}]
solution_resistance = "200 ohm"
double_layer_capacitance = "2 uF"
"""
BENCHES = {"serial": BENCH.replace('silence = "600 s"', 'silence = "2 s"'), "visa socket": SOURCE_METER}
BENCHES["gpib"] = SOURCE_METER.replace("TCPIP0::192.168.0.10::5025::SOCKET", "GPIB0::18::INSTR")
#: Each is injected when the voltammogram has been running for a while; ``duration`` in lab seconds.
FAULTS = {
    "unplug": {"duration": 5.0},
    "mute": {"duration": 8.0},
    "stall": {"duration": 30.0},
    "truncate": {"keep": 3},
    "garbage": {"count": 3, "seed": 5},
    "drop": {},
    "reboot": {"duration": 3.0},
}


def in_the_middle(action, after=3.0, stream="cv"):
    """Do something once, so many lab seconds after the first row of a stream."""

    def on_begin(run):
        def work():
            clock = run.session.clock
            while not run.writer.rows(stream):
                clock.sleep(0.1)
            clock.sleep(after)
            assert run.session.lab.cell_is_on("cell")
            action(run)

        run._around.enter_context(run.session.clock.worker("run"))
        run.session.clock.start_worker("somebody in the lab", work)

    return on_begin


def inject(kind, **settings):
    return lambda run: run.session.lab.faults("cell").inject(kind, **settings)


def what_happened(archive, *kinds):
    return [event["what"] for event in archive.events if event["what"] in kinds]


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("bench", BENCHES)
def test_a_fault_costs_at_most_the_attempt_and_never_a_number(travel, bench, kind):
    seen = travel(PROTOCOL, BENCHES[bench], on_begin=in_the_middle(inject(kind, **FAULTS[kind])))
    archive, finished = seen.archive, seen.finished
    assert finished.error is None, str(finished.error)
    assert not seen.cell_left_on
    assert [(s.path, s.status) for s in archive.steps if s.status == "done"] == [
        ("1", "done"),
        ("2", "done"),
        ("3", "done"),
    ]
    broken = [s for s in archive.steps if s.status == "broken"]
    assert len(what_happened(archive, "reconnected")) == len(broken) == len(what_happened(archive, "gap"))
    alone = travel(PROTOCOL, BENCHES[bench], name="alone").archive
    for technique in ("cv", "ca"):
        (disturbed,), (reference,) = archive.tables(technique=technique), alone.tables(technique=technique)
        missing = len(reference) - len(disturbed)
        assert (disturbed.columns["flags"] & Flag.GAP).astype(bool).sum() >= missing
        if missing:
            continue
        # The same set points, and nothing that the instrument did not measure.
        np.testing.assert_allclose(disturbed.columns["potential"], reference.columns["potential"], atol=2e-3)
    for rows in (archive["cv"].to_numpy(), archive["ca"].to_numpy()):
        assert np.abs(rows["potential"][np.isfinite(rows["potential"])]).max() < 0.9
        assert np.abs(rows["current"][np.isfinite(rows["current"])]).max() < 1e-3


def test_an_unplugged_cable_is_waited_for_and_the_gap_is_in_the_data(travel):
    seen = travel(PROTOCOL, BENCHES["serial"], on_begin=in_the_middle(inject("unplug", duration=20.0)))
    archive = seen.archive
    assert [(s.path, s.attempt, s.status) for s in archive.steps] == [
        ("1", 1, "done"),
        ("2", 1, "broken"),
        ("2", 2, "done"),
        ("3", 1, "done"),
    ]
    assert what_happened(archive, "line lost", "reconnected", "gap") == ["line lost", "reconnected", "gap"]
    (gap,) = [event for event in archive.events if event["what"] == "gap"]
    assert 20.0 <= gap["to"] - gap["from"] < 30.0
    rows = archive["cv"].to_numpy()
    first = rows[rows["attempt"] == 2][0]
    assert first["flags"] & Flag.GAP
    assert first["time"] - rows[rows["attempt"] == 1]["time"][-1] > 20.0


def test_a_cable_that_stays_away_ends_the_run_and_somebody_has_to_look(travel):
    seen = travel(PROTOCOL, BENCHES["serial"], on_begin=in_the_middle(inject("unplug")))
    assert seen.finished.exit_code == 4
    assert isinstance(seen.finished.error, UnsafeState)
    assert "LOOK AT THE CELL: it may still be on." in str(seen.finished.error)
    (failed,) = [s for s in seen.archive.steps if s.status == "failed"]
    assert failed.path == "2"
    assert seen.archive.records[-1]["time"] > 60.0


def test_another_instrument_in_its_place_is_not_spoken_to(travel):
    """After the cable comes back, somebody else answers: nothing but who he is was asked."""

    def exchanged(run):
        identify = type(run.session.instruments["cell"]).identify
        opened = run.session.open_line

        def open_line(role):
            opened(role)
            there = run.session.instruments[role]
            who = lambda: dataclasses.replace(identify(there), serial="ES4-OTHER")  # noqa: E731
            vars(there)["identify"] = who

        run.session.open_line = open_line
        run.session.lab.faults("cell").inject("unplug", duration=2.0)

    seen = travel(PROTOCOL, BENCHES["serial"], on_begin=in_the_middle(exchanged))
    (failed,) = [s for s in seen.archive.steps if s.status == "failed"]
    assert failed.error["type"] == NoInstrument.__name__
    assert "another instrument answers now (PalmSens EmStat4 HR, serial number ES4-OTHER)" in failed.error["message"]
    assert what_happened(seen.archive, "reconnected") == []


def test_a_cable_that_breaks_again_and_again_ends_the_step(travel):
    def often(run):
        run.session.lab.faults("cell").inject("unplug", probability=0.05, seed=1, duration=1.0)

    seen = travel(PROTOCOL, BENCHES["serial"], on_begin=in_the_middle(often))
    broken = [s for s in seen.archive.steps if s.status == "broken" and s.path == "2"]
    assert len(broken) == MOST_BREAKS
    assert seen.finished.exit_code == 4
    failed = next(s for s in seen.archive.steps if s.status == "failed")
    assert failed.error["type"] in (LineLost.__name__, ReplyTimeout.__name__)


def test_a_step_that_must_not_be_repeated_stops_the_run(travel):
    protocol = PROTOCOL.replace('step = "5 mV"}', 'step = "5 mV", on_resume = "stop"}')
    seen = travel(protocol, BENCHES["serial"], on_begin=in_the_middle(inject("unplug", duration=1.0)))
    assert [s.status for s in seen.archive.steps] == ["done", "failed"]
    assert what_happened(seen.archive, "reconnected") == []


def test_what_was_done_to_the_sample_is_done_again_before_the_step_goes_on(travel):
    conditioning = (
        '{do = "ca", potential = "0.1 V vs ref", duration = "2 s", dt = "0.1 s", establishes = ["conditioning"]},'
    )
    protocol = PROTOCOL.replace('  {do = "cv"', f'  {conditioning}\n  {{do = "cv"')
    seen = travel(protocol, BENCHES["serial"], on_begin=in_the_middle(inject("unplug", duration=3.0)))
    assert [(s.path, s.attempt, s.status) for s in seen.archive.steps] == [
        ("1", 1, "done"),
        ("2", 1, "done"),
        ("3", 1, "broken"),
        ("2", 2, "done"),
        ("3", 2, "done"),
        ("4", 1, "done"),
    ]


def test_a_step_that_must_not_be_repeated_is_not_taken_up_either(travel, tmp_path):
    protocol = PROTOCOL.replace('step = "5 mV"}', 'step = "5 mV", on_resume = "stop"}')
    folder = travel(
        protocol, BENCHES["serial"], on_begin=in_the_middle(lambda run: run.request_stop("the test"))
    ).finished.folder
    code, _, errors = luggin("resume", folder, "--no-report", cwd=tmp_path)
    assert code == 2
    assert "step 2 (cv) was interrupted" in errors
    assert "it must not be done again" in errors


@pytest.mark.parametrize("real_first", [False, True])
def test_a_run_is_real_or_simulated_from_its_first_row_to_its_last(travel, tmp_path, real_first):
    folder = travel(PROTOCOL, BENCHES["serial"], on_begin=in_the_middle(lambda run: run.request_stop("the test")))
    folder = folder.finished.folder
    bench = '[instruments.cell]\ndriver = "palmsens.methodscript"\nresource = "/dev/ttyNONE"\n'
    if real_first:
        log = folder / "run.log"
        records = [json.loads(line)["record"] for line in log.read_text(encoding="utf-8").splitlines()]
        log.unlink()
        with RunLog.create(folder) as rewritten:
            for record in records[1:]:
                rewritten.append({**record, "simulated": False} if record["kind"] == "run" else record)
        bench = BENCHES["serial"]
    (tmp_path / "other.toml").write_text(bench, encoding="utf-8")
    rows = open_store(folder).rows("cv")
    code, _, errors = luggin("resume", folder, "--bench", "other.toml", "--yes", "--force", "--no-report", cwd=tmp_path)
    assert code == 2
    assert "Rows of both never stand in one run" in errors
    assert open_store(folder).rows("cv") == rows
