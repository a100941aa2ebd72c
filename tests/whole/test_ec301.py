"""An EC301 the whole way: half-waves over its data stream and over GPIB, its sign, chains, limits and aborts."""

from pathlib import Path

import numpy as np
import pytest
from killing import Command, Oracle, luggin, stored_rows, wait_for

from luggin.analysis import open_run
from luggin.records import Flag

BENCH = (Path(__file__).parents[2] / "examples" / "benches" / "ec301.toml").read_text(encoding="utf-8")
ADDRESS = 'address = "TCPIP0::ec301::1680::SOCKET"'
SETTINGS = 'settings = {bandwidth = "10 kHz"}'
OVER_GPIB = BENCH.replace(ADDRESS, 'address = "GPIB0::8::INSTR"').replace(SETTINGS, 'settings = {data = "poll"}')
SAMPLE = """
[sample]
id = "ec301"
wiring = "three-electrode"
working = "glassy carbon"
counter = "Pt"
reference = "Ag/AgCl"
"""
LIMITS = """limits = [
  {column = "potential", between = ["-2 V", "1 V"]},
  {column = "current", between = ["-1 mA", "1 mA"]},
]
"""
HALF_WAVES = [-0.476, -1.294]
#: What the analysis may be off by (V).
BAR = 2e-3
RESISTOR = """
[simulated.cell.cell]
kind = "resistor"
resistance = "10 kohm"
"""


def protocol(*steps, head=LIMITS):
    return f'title = "with an EC301"\n{head}steps = [\n' + ",\n".join(steps) + f"\n]\n{SAMPLE}"


def cv(low="-0.8 V", rate="200 mV/s", step="5 mV", more=""):
    return (
        f'{{do = "cv", id = "full", begin = "0 V vs ref", vertices = ["{low}", "0.2 V"], rate = "{rate}", '
        f'step = "{step}"{more}}}'
    )


def on_a_resistor(bench=BENCH):
    return bench.partition("[simulated.cell.cell]")[0].partition("# The simulated solution")[0] + RESISTOR


def asked(wire):
    """The commands of a run in this process, in order."""
    return b"".join(data for _, direction, data in wire if direction == ">").decode().splitlines()


# -- half-waves


@pytest.mark.parametrize("bench", [pytest.param(BENCH, id="TCP"), pytest.param(OVER_GPIB, id="GPIB")])
def test_half_wave_potentials_are_those_of_the_cell(travel, bench):
    analysed = LIMITS + 'analyses = [{use = "cv.half-waves", on = "full"}]\n'
    # Over GPIB rows cannot be closer than 50 ms.
    step = "2 mV" if bench is OVER_GPIB else "1 mV"
    seen = travel(protocol(cv("-1.7 V", "25 mV/s", step, ', cycles = 2, quiet = "5 s"'), head=analysed), bench)
    assert seen.finished.outcome == "completed"
    found = sorted(seen.quantities("half_wave_potential").values(), key=lambda q: -q["value"])
    assert len(found) == 2
    for quantity, true in zip(found, HALF_WAVES, strict=True):
        assert abs(quantity["value"] - true) < min(BAR, max(3 * quantity["u"], 1e-3))
        assert 0 < quantity["u"] < BAR
    assert not seen.cell_left_on


def test_rows_are_the_means_of_the_frames(travel):
    rows = travel(protocol(cv("-1.7 V", "25 mV/s", "1 mV")), BENCH).archive["cv"].to_numpy()
    assert len(rows) == 3800
    assert np.diff(rows["instrument_time"]) == pytest.approx(0.04, abs=1.1e-3)
    assert rows["potential"].min() == pytest.approx(-1.7, abs=1e-3)
    assert rows["potential"].max() == pytest.approx(0.2, abs=1e-3)
    assert rows["potential"][-1] == pytest.approx(0.0, abs=1e-3)
    # The noise of a frame is 47 nA, and a row is the mean of 39.
    assert np.std(np.diff(rows["current"][:300], 2)) / np.sqrt(6) == pytest.approx(47e-9 / np.sqrt(39), rel=0.15)


# -- the sign


def test_an_oxidation_over_a_resistor_is_positive_and_a_driven_one_is_sent_with_the_instruments_sign(travel):
    steps = (
        '{do = "ca", potential = "0.5 V vs ref", duration = "2 s", dt = "0.1 s"}',
        '{do = "cp", current = "20 uA", duration = "2 s", dt = "0.1 s", potential_limit = "1 V"}',
    )
    seen = travel(protocol(*steps), on_a_resistor())
    assert seen.finished.outcome == "completed"
    assert seen.archive["ca"].to_numpy()["current"] == pytest.approx(50e-6, rel=1e-3)
    cp = seen.archive["cp"].to_numpy()
    assert cp["current"] == pytest.approx(20e-6, rel=1e-3)
    assert cp["potential"] == pytest.approx(0.2, rel=1e-3)
    assert [line for line in asked(seen.wire) if line.startswith("setcur")] == ["setcur -0.200000"]


# -- chains, limits, aborts


def test_a_chain_keeps_the_cell_closed(travel):
    chain = f"""{{do = "chain", steps = [
      {{do = "ca", potential = "-0.2 V vs ref", duration = "3 s", dt = "0.1 s"}},
      {cv()},
      {{do = "lsv", begin = "0 V vs ref", end = "-0.4 V", rate = "100 mV/s", step = "5 mV"}},
    ]}}"""
    seen = travel(protocol(chain), BENCH)
    assert seen.finished.outcome == "completed"
    assert asked(seen.wire).count("ceenab 1") == 1
    assert [len(seen.archive[name].to_numpy()) for name in ("ca", "cv", "lsv")] == [30, 400, 80]
    lsv = seen.archive["lsv"].to_numpy()
    assert lsv["potential"][0] == pytest.approx(0.0, abs=5e-3)
    assert lsv["potential"][-1] == pytest.approx(-0.4, abs=5e-3)
    assert not seen.cell_left_on


@pytest.mark.parametrize("bench", [pytest.param(BENCH, id="TCP"), pytest.param(OVER_GPIB, id="GPIB")])
def test_a_limit_that_is_left_opens_the_cell_and_that_is_read_back(travel, bench):
    narrow = LIMITS.replace('["-1 mA", "1 mA"]', '["-3 uA", "3 uA"]')
    sweep = cv("-0.8 V", "25 mV/s", "2 mV")
    seen = travel(protocol(sweep, sweep.replace("full", "again"), head=narrow), bench)
    assert seen.finished.exit_code == 3
    assert seen.finished.outcome == "limit tripped"
    rows = seen.archive["cv"].to_numpy()
    assert set(rows["step"]) == {1}
    outside = np.abs(rows["current"]) > 3e-6
    assert outside.any()
    assert outside.argmax() > len(rows) - 5
    assert asked(seen.wire)[-6:] == ["rampen", "ceenab 0", "getbda 0", "ifcclr", "*IDN?", "cellon?"]
    assert not seen.cell_left_on
    (verified,) = [e["verified"] for e in seen.archive.events if e["what"] == "made safe"]
    assert "cellon? answered 0" in verified


def test_an_end_in_the_midst_of_a_sweep_opens_the_cell_and_keeps_the_rows(travel):
    def end_soon(run):
        instrument, packets = run.session.instruments["cell"], []
        trace = instrument.transport.trace

        def tracing(when, direction, data):
            trace(when, direction, data)
            if direction == "<" and len(data) > 1000:
                packets.append(when)
                if len(packets) == 60:
                    instrument.end_technique()

        instrument.transport.trace = tracing

    seen = travel(protocol(cv("-0.8 V", "100 mV/s", "5 mV")), BENCH, on_begin=end_soon)
    rows = seen.archive["cv"].to_numpy()
    # A packet is 64 ms, a row 50 ms; the first packets came with the cell open.
    assert len(rows) == pytest.approx(60 * 0.064 / 0.05, abs=8)
    assert np.diff(rows["instrument_time"]) == pytest.approx(0.05, abs=1.1e-3)
    assert asked(seen.wire).count("ceenab 0") >= 2
    assert not seen.cell_left_on


# -- compensation of iR


def test_positive_feedback_is_off_unless_asked_for_and_takes_the_resistance_away(travel):
    feedback = 'settings = {ir_compensation = "positive-feedback", ir_resistance = "1.8 kohm"}'
    cases = {"resistive": ("2 kohm", SETTINGS), "compensated": ("2 kohm", feedback), "small": ("200 ohm", SETTINGS)}
    added, separation, told, recorded = {}, {}, {}, {}
    for name, (resistance, settings) in cases.items():
        bench = BENCH.replace(SETTINGS, settings).replace('"200 ohm"', f'"{resistance}"').replace('"47 nA"', '"0 nA"')
        seen = travel(protocol(cv(more=', current_range = "100 uA"')), bench, name=name)
        assert seen.finished.outcome == "completed"
        rows = seen.archive["cv"].to_numpy()
        programmed = np.interp(rows["instrument_time"], [0, 4, 9, 10], [0, -0.8, 0.2, 0])
        added[name] = np.polyfit(rows["current"], rows["potential"] - programmed, 1)[0]
        separation[name] = programmed[rows["current"].argmax()] - programmed[rows["current"].argmin()]
        told[name] = [line for line in asked(seen.wire) if line.startswith(("irenab 1", "irtype", "pfback"))]
        (end,) = (record for record in seen.archive.records if record["kind"] == "end")
        recorded[name] = end["values"]["achieved"]["ir_compensation"]
    assert told == {"resistive": [], "compensated": ["irtype 1", "pfback 1800.000000", "irenab 1"], "small": []}
    assert recorded == {"resistive": "off", "compensated": "positive-feedback", "small": "off"}
    # What is applied follows the current: 1.8 kohm times what flows is in the measured potential.
    assert list(added.values()) == pytest.approx([0.0, 1800.0, 0.0], abs=40.0)
    # With 1.8 of 2 kohm compensated the peaks lie as in a solution of 200 ohm.
    assert separation["compensated"] == pytest.approx(separation["small"], abs=6e-3)
    assert separation["resistive"] > separation["small"] + 0.04


def test_no_question_is_asked_while_the_stream_runs(travel):
    seen = travel(protocol(cv()), BENCH)
    lines = asked(seen.wire)
    streamed = lines[lines.index("getbda 1") : lines.index("getbda 0", lines.index("getbda 1"))]
    assert streamed[0] == "getbda 1"
    assert not [line for line in streamed if "?" in line]


def test_an_undisturbed_sweep_has_no_flag_but_of_changed_ranges(travel):
    rows = travel(protocol(cv()), BENCH).archive["cv"].to_numpy()
    assert not (rows["flags"] & ~np.uint32(Flag.RANGE_CHANGED.value)).any()


# -- kill -9, over a TCP port of another process

SPEED = 10.0


def test_a_run_that_is_killed_in_the_stream_keeps_its_rows_and_is_completed(tmp_path):
    file, folder = tmp_path / "protocol.toml", tmp_path / "run"
    file.write_text(protocol(cv("-0.8 V", "100 mV/s", "5 mV")), encoding="utf-8")
    with Oracle(tmp_path / "oracle", BENCH, speed=SPEED) as oracle:
        assert oracle.said["resources"]["cell"].startswith("TCPIP0::127.0.0.1::")
        command = Command("run", file, "--bench", oracle.bench, "--folder", folder, "--no-report", cwd=tmp_path)

        def enough():
            assert command.is_alive, command.end()
            return (folder / "journal").is_dir() and sum(map(len, stored_rows(folder).values())) >= 100

        wait_for(enough, "row 100")
        command.kill()
        killed = stored_rows(folder)
        # The stream goes on into a line that nobody reads any more; whoever comes next ends it.
        code, _, errors = luggin("resume", folder, "--no-report", cwd=tmp_path)
        assert code == 0, errors
        assert not oracle.cell_is_on()
    assert [(s.path, s.attempt, s.status) for s in open_run(folder).steps] == [("1", 1, "cut off"), ("1", 2, "done")]
    resumed = stored_rows(folder)
    assert resumed[1, 1][: len(killed[1, 1])] == killed[1, 1]
    assert len(resumed[1, 2]) == 400
    potentials = np.array(resumed[1, 2])[:, 1]
    assert potentials.min() == pytest.approx(-0.8, abs=5e-3)
    assert potentials.max() == pytest.approx(0.2, abs=5e-3)
