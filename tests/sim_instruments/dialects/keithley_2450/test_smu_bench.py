"""The example bench with a source-measure unit, and the instrument behind a line."""

import tomllib
from pathlib import Path

import pytest

from luggin.clock import VirtualClock
from luggin_sim import SIMULATOR
from luggin_sim.bench import stations

TEXT = (Path(__file__).parents[4] / "examples/benches/smu-cell.toml").read_text(encoding="utf-8")


def test_the_example_opens_and_holds_the_solution_of_the_other_example():
    bench = tomllib.loads(TEXT)
    assert bench["instruments"]["cell"]["driver"] == bench["simulated"]["cell"]["dialect"] == "keithley.2450"
    assert SIMULATOR.check(bench["simulated"]) == []
    lab = SIMULATOR.open_lab(bench["simulated"], VirtualClock())
    truth = lab.truth("cell")
    (chain,) = truth["chains"]
    assert [couple["half_wave_potential"] for couple in chain["couples"]] == [-0.476, -1.294]
    # Randles-Sevcik at 25 mV/s (Bard and Faulkner, eq. 6.2.19): the 52 uA of the comment
    peak = 2.69e5 * truth["area"] * chain["diffusion_coefficients"][0] ** 0.5 * chain["concentration"] * 0.025**0.5
    assert peak == pytest.approx(52e-6, rel=0.02)
    assert not lab.cell_is_on("cell")
    lab.close()


def test_answers_come_over_the_line_after_command_and_latency():
    wire = stations(tomllib.loads(TEXT)["simulated"])["cell"].wire
    wire.feed(b"*LANG?\n", 50.0)
    assert wire.next_due(50.0) == pytest.approx(50.0015)
    assert wire.take(50.0014) == b""
    assert wire.take(50.0016) == b"SCPI\n"


def test_a_line_that_is_only_looked_at_knows_when_a_sweep_opened_the_cell():
    tables = tomllib.loads(TEXT)["simulated"]
    tables["cell"]["options"] = {"output_after_sweep": "off"}
    wire = stations(tables)["cell"].wire
    wire.feed(b"OUTP:SMOD HIMP\nSOUR:LIST:VOLT 0, 0, 0\nSOUR:SWE:VOLT:LIST 1, 1\nINIT\n", 0.0)
    assert wire.cell_is_on(1.0)
    assert not wire.cell_is_on(10.0)
