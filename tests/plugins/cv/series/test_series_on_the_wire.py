"""The two examples from the protocol to the numbers, against what the simulated cells were made from."""

from dataclasses import replace
from pathlib import Path

import pytest

from luggin import plugins
from luggin.analysis import load_results
from luggin.bench import load_bench
from luggin.engine.protocols import plan_of, run_protocol
from luggin.steps import Vocabulary, load_protocol

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLES = Path(__file__).parents[4] / "examples"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Results of an example by the name of the analysis."""
    installed = plugins.load()
    vocabulary = Vocabulary(installed.step_types(), {n: a.parameters for n, a in installed.analyses().items()})

    def results(name, bench):
        loaded = load_protocol(EXAMPLES / name, vocabulary=vocabulary)
        wired = load_bench(EXAMPLES / "benches" / bench, drivers=list(installed.drivers()))
        plan = replace(plan_of(loaded, wired), folder=tmp_path_factory.mktemp("runs") / "run")
        assert run_protocol(loaded, plan, installed).outcome == "completed"
        return {r["analysis"]: r for r in load_results(plan.folder / "results")}

    return results


def by_name(result):
    return {(q["name"], q["label"]): q for q in result["quantities"]}


def within(quantity, truth, times):
    return abs(quantity["value"] - truth) <= times * quantity["u"]


def test_scan_rates_give_back_exponent_diffusion_and_rate_constant(run):
    found = by_name(run("scan-rate-series.toml", "cv-cell.toml")["cv.scan-rate-series"])
    assert within(found["scan_rate_exponent", "4-/5-"], 0.5, 1)
    assert found["scan_rate_exponent", "4-/5-"]["u"] < 0.01
    for label in ("4-/5-", "4-/5-, semi-integral"):
        assert within(found["diffusion_coefficient", label], 1e-5, 2)
        assert found["diffusion_coefficient", label]["u"] < 0.06e-5
    rate = found["rate_constant", "4-/5-"]
    assert rate["value"] == pytest.approx(0.02, rel=0.15)
    assert within(rate, 0.02, 3)
    assert within(found["half_wave_potential", "4-/5-"], -0.476, 3)


def test_ferrocene_gives_back_every_couple_and_the_constant_of_the_cluster(run):
    results = run("ferrocene.toml", "ferrocene-cell.toml")
    found = by_name(results["cv.reference"])
    assert within(found["half_wave_potential", "Fc+/0 vs Ag/AgCl (3.5 M KCl)"], 0.415, 3)
    assert within(found["half_wave_potential", "4-/5- vs Fc+/0"], -0.891, 3)
    assert within(found["half_wave_potential", "5-/6- vs Fc+/0"], -1.709, 3)
    table = by_name(results["cv.redox-table"])
    assert within(table["half_wave_gap", "4-/5- | 5-/6-"], 0.818, 3)
    assert table["log10_comproportionation_constant", "4-/5- | 5-/6-"]["value"] == pytest.approx(13.8, abs=0.05)
    assert [row["potential"] for row in results["cv.redox-table"]["tables"]["literature"]] == ["-0.476 V", "-1.294 V"]
    assert not results["cv.reference"]["refusals"]
