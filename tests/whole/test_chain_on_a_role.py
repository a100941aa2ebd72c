"""A chain runs on the instrument that the chain names, with all its members."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from luggin import plugins as plugin_manager
from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.engine.protocols import plan_of, run_protocol
from luggin.steps import load_protocol

BENCH = Path(__file__).parents[2] / "examples" / "benches" / "two-instruments.toml"
PROTOCOL = """
title = "chain on the second instrument"
limits = [{column = "potential", between = ["-1 V", "1 V"]}, {column = "current", between = ["-100 mA", "100 mA"]}]
steps = [
  {do = "chain", on = "meter", steps = [
    {do = "ca", potential = "0.1 V vs ref", duration = "1 s", dt = "0.1 s"},
    {do = "ca", potential = "0.2 V vs ref", duration = "1 s", dt = "0.1 s"}]},
]
[sample]
id = "x"
wiring = "three-electrode"
working = "glassy carbon"
counter = "Pt wire"
reference = "Ag/AgCl"
"""


def test_a_chain_runs_on_the_instrument_that_it_names(tmp_path):
    plugins = plugin_manager.load()
    bench = load_bench(BENCH, drivers=list(plugins.drivers()))
    loaded = load_protocol(text=PROTOCOL)
    finished = run_protocol(loaded, replace(plan_of(loaded, bench), folder=tmp_path / "run"), plugins)
    assert finished.error is None
    prepared = [event for event in open_run(tmp_path / "run").events if event["what"] == "prepared"]
    # The potentiostat at "cell" would run it natively; the source-measure unit is stepped.
    assert [event["execution"] for event in prepared] in (["stepped"], [["stepped", "stepped"]])
