"""Observers of a run that the engine runs: started with it, named in its record, and no part of its outcome."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import replace

import pytest

from luggin.clock import RealClock
from luggin.observing.states import faults_of
from luggin.plugins import load

PROTOCOL = """
title = "x"
steps = [{do = "ocp", duration = "1 s", dt = "0.1 s"}]

[sample]
id = "x"
wiring = "two-electrode, blocking"
electrodes = "Pt"
"""

OBSERVERS = """
import luggin
from luggin.observing import follow


@luggin.hookimpl
def luggin_observers(run):
    def breaks():
        raise OSError("no lamp")

    def hears():
        (run / "heard.txt").write_text(" ".join(h.kind for h in follow(run)))

    breaks.name, hears.name = "lamp", "hears"
    return [breaks, hears]
"""


@pytest.fixture
def bench(tmp_path, monkeypatch):
    try:
        importlib.metadata.distribution("luggin")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("luggin is not installed (pip install -e .), so there is no simulated bench")
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    path = tmp_path / "lab" / "bench.toml"
    path.parent.mkdir()
    path.write_text(load().simulator().default_bench_text())
    (path.parent / "luggin_bench.py").write_text(OBSERVERS)
    return path


def test_the_engine_starts_the_observers_and_is_not_touched_by_them(bench, tmp_path):
    from luggin.bench import load_bench
    from luggin.engine.protocols import plan_of, run_protocol
    from luggin.steps import load_protocol
    from luggin.store import RunLog

    plugins, folder = load(), tmp_path / "run"
    plugins.add_bench_plugin(bench.parent)
    loaded = load_protocol(text=PROTOCOL)
    plan = replace(plan_of(loaded, load_bench(bench, drivers=list(plugins.drivers()))), folder=folder)
    assert run_protocol(loaded, plan, plugins).outcome == "completed"

    clock, states = RealClock(), []
    while not states or any(state["state"] == "running" for state in states):
        clock.sleep(0.02)
        if (folder / "observers.json").is_file():
            states = json.loads((folder / "observers.json").read_text())["observers"]
    assert {state["observer"]: (state["state"], state["what"]) for state in states} == {
        "lamp": ("failed", "OSError: no lamp"),
        "hears": ("ended", ""),
    }
    heard = (folder / "heard.txt").read_text().split()
    assert (heard[0], heard[-1]) == ("started", "finished")
    assert [kind for kind in heard if kind.startswith("step")] == ["step_began", "step_ended"]
    finish, footer = RunLog.read(folder)[-2:]
    assert (finish["kind"], finish["outcome"]) == ("finish", "completed")
    # A run in virtual time may be over before anybody has failed.
    assert footer["kind"] == "observers"
    assert {fault["what"] for fault in footer["faults"]} <= {"still delivering", "OSError: no lamp"}
    assert {fault["plugin"] for fault in footer["faults"]} == {states[0]["plugin"]}
    assert faults_of(folder, [finish, footer]) == [
        {"plugin": states[0]["plugin"], "observer": "lamp", "what": "OSError: no lamp"}
    ]
