"""Benches: mistakes in words, the built-in bench, twins of real instruments."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import luggin_sim
from luggin import plugins
from luggin.clock import VirtualClock
from luggin.errors import ProtocolError
from luggin_sim import SIMULATOR

ROOT = Path(__file__).resolve().parents[2]


def mistakes(tables):
    return {problem.path: f"{problem.message} {problem.hint}" for problem in SIMULATOR.check(tables)}


def test_a_good_bench_has_no_mistakes(tables):
    assert mistakes(tables) == {}


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"modle": "x"}, "simulated.cell.modle", "Did you mean 'model'?"),
        ({"dialect": "palmsens.methodscrip"}, "simulated.cell.dialect", "Did you mean 'palmsens.methodscript'?"),
        ({"dialect": None}, "simulated.cell.dialect", "missing"),
        ({"model": "emstat4-h"}, "simulated.cell.model", "Did you mean 'emstat4-hr'?"),
        ({"latency": "1 mV"}, "simulated.cell.latency", "unit of time"),
        ({"latency": 1}, "simulated.cell.latency", "in quotes"),
        ({"latency": "-1 ms"}, "simulated.cell.latency", "allowed are 0 to 60 s"),
        ({"baud": "fast"}, "simulated.cell.baud", "baud rate"),
        ({"baud": 3}, "simulated.cell.baud", "1200 to"),
        ({"options": []}, "simulated.cell.options", "a table"),
        ({"options": {"stair": True}}, "simulated.cell.options.stair", "Did you mean 'staircase'?"),
        ({"cell": "redox"}, "simulated.cell.cell", "which cell"),
        ({"cell": {"kind": "redux"}}, "simulated.cell.cell.kind", "Did you mean 'redox'?"),
    ],
)
def test_a_mistake_is_named_with_its_place(tables, change, path, words):
    tables["cell"].update(change)
    found = mistakes(tables)
    assert list(found) == [path]
    assert words in found[path]


def test_all_mistakes_are_told_at_once(tables):
    tables["cell"].update(model="x", latency="x", baud=0)
    tables["second"] = "cell"
    assert set(mistakes(tables)) == {
        "simulated.cell.model",
        "simulated.cell.latency",
        "simulated.cell.baud",
        "simulated.second",
    }


def test_a_lab_with_mistakes_does_not_open(tables):
    tables["cell"]["model"] = "x"
    with pytest.raises(ProtocolError, match=r"simulated\.cell\.model"):
        SIMULATOR.open_lab(tables, VirtualClock())


def test_a_lab_knows_its_instruments_and_the_truth(tables):
    lab = SIMULATOR.open_lab(tables, VirtualClock())
    assert lab.names == ("cell",)
    assert lab.url("cell").startswith("sim://")
    assert not lab.cell_is_on("cell")
    assert lab.truth("cell")["chains"][0]["couples"][0]["half_wave_potential"] == -0.476
    lab.close()
    lab.close()


@pytest.mark.parametrize("path", [None, ROOT / "examples" / "benches" / "cv-cell.toml"], ids=["built-in", "example"])
def test_the_shipped_benches_hold_the_cell_of_the_paper(path):
    text = SIMULATOR.default_bench_text() if path is None else path.read_text(encoding="utf-8")
    bench = tomllib.loads(text)
    assert bench["instruments"]["cell"]["resource"] == "sim://cell"
    assert mistakes(bench["simulated"]) == {}
    lab = SIMULATOR.open_lab(bench["simulated"], VirtualClock())
    truth = lab.truth("cell")
    (chain,) = truth["chains"]
    assert [couple["half_wave_potential"] for couple in chain["couples"]] == [-0.476, -1.294]
    assert {couple["rate_constant"] for couple in chain["couples"]} == {0.02}
    assert chain["start_state"] == 0
    assert chain["concentration"] == pytest.approx(0.5e-6)
    assert (truth["solution_resistance"], truth["double_layer_capacitance"]) == (200.0, pytest.approx(2e-6))
    # Randles-Sevcik at 25 mV/s and 25 degC: 2.69e5 A D^(1/2) c v^(1/2) (Bard and Faulkner, eq. 6.2.19)
    peak = 2.69e5 * truth["area"] * chain["diffusion_coefficients"][0] ** 0.5 * chain["concentration"] * 0.025**0.5
    assert truth["current_noise"] == pytest.approx(0.01 * peak, rel=0.02)
    lab.close()


def test_a_twin_has_the_model_of_the_real_instrument():
    twin = SIMULATOR.twin_table("palmsens.methodscript", {"model": "emstat-pico"})
    assert twin["model"] == "emstat-pico"
    assert mistakes({"potentiostat": twin}) == {}
    assert SIMULATOR.twin_table("palmsens.methodscript", {})["model"] == "emstat4-hr"


def test_an_unknown_driver_has_no_twin():
    assert SIMULATOR.twin_table("somebody.else", {}) is None


def test_the_simulator_is_found_by_its_hook():
    assert plugins.load(discover=False, modules=[luggin_sim]).simulator() is SIMULATOR


def test_loading_the_package_loads_no_numpy():
    code = "import sys, luggin_sim; sys.exit(any(m in sys.modules for m in ('numpy', 'pydantic', 'serial')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=50).returncode == 0
