"""What a run on a real bench needs beforehand, and what counts as the same protocol on the same bench."""

from dataclasses import replace
from pathlib import Path

import platformdirs
import pytest

from luggin import plugins as plugin_manager
from luggin.bench import load_bench
from luggin.engine import approval
from luggin.engine.approval import home, note_rehearsal, rehearsal_key, require_rehearsed, require_rehearsed_again
from luggin.engine.protocols import plan_of
from luggin.errors import UsageError
from luggin.steps import Vocabulary, load_protocol

PROTOCOL = """
title = "three readings"
limits = [
  {column = "potential", between = ["-1 V", "1 V"]},
  {column = "current", between = ["-1 mA", "1 mA"]},
]
steps = [{do = "ocp", duration = "3 s", dt = "1 s"}]

[sample]
id = "x"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3 mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""
REAL = """
[instruments.cell]
driver = "palmsens.methodscript"
resource = "/dev/ttyNONE"
settings = {model = "emstat4-hr"}
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def plugins():
    return plugin_manager.load()


@pytest.fixture
def plan(plugins):
    def make(protocol=PROTOCOL, bench=REAL):
        loaded = load_protocol(text=protocol, vocabulary=Vocabulary(plugins.step_types(), {}), name="p.toml")
        return plan_of(loaded, load_bench(text=bench, drivers=list(plugins.drivers())))

    return make


def test_the_way_out_names_the_bench_file(plan):
    named = replace(plan(), bench=replace(plan().bench, path=Path("room-2.toml")))
    with pytest.raises(UsageError, match=r"`luggin check protocol --bench room-2\.toml`"):
        require_rehearsed(named, force=False)


def test_a_bench_that_a_simulator_serves_needs_nothing(plan):
    served = plan(bench='simulator = "tcp://127.0.0.1:4000"\n' + REAL)
    assert require_rehearsed(served, force=False) is served


def test_a_rehearsal_is_good_for_this_protocol_this_bench_and_these_versions(plan, monkeypatch):
    note_rehearsal(rehearsal_key(plan()))
    note_rehearsal("another one")  # further ones do not make it forgotten
    assert require_rehearsed(plan(), force=False).notes
    for changed in (plan(PROTOCOL.replace('"3 s"', '"4 s"')), plan(bench=REAL.replace("NONE", "OTHER"))):
        with pytest.raises(UsageError, match="not rehearsed"):
            require_rehearsed(changed, force=False)
    monkeypatch.setattr(approval, "software", lambda: {"luggin": "another version"})
    with pytest.raises(UsageError, match="with these versions"):
        require_rehearsed(plan(), force=False)


def test_the_last_rehearsal_counts(plan):
    note_rehearsal(rehearsal_key(plan()), "failed: step 1: \N{OHM SIGN} is no ASCII")
    with pytest.raises(UsageError, match=r"was not completed \(failed: step 1: . is no ASCII\)\. Put that right"):
        require_rehearsed(plan(), force=False)
    note_rehearsal(rehearsal_key(plan()))
    assert require_rehearsed(plan(), force=False).notes == {"rehearsed": True}


def test_a_note_that_was_cut_off_is_no_rehearsal(plan, tmp_path):
    note_rehearsal(rehearsal_key(plan()))
    with (tmp_path / "home" / "rehearsals.txt").open("a") as notes:
        notes.write(f'{rehearsal_key(plan())} "fai')
    with pytest.raises(UsageError, match="nobody knows how it ended"):
        require_rehearsed(plan(), force=False)


def test_a_run_that_is_taken_up_as_it_was_needs_no_second_rehearsal(plan):
    same = plan()
    as_it_was = same.source.sha256, same.bench.sha256
    assert "forced" in require_rehearsed_again(same, *as_it_was).notes
    for changed in (plan(PROTOCOL.replace('"3 s"', '"4 s"')), plan(bench=REAL.replace("NONE", "OTHER"))):
        with pytest.raises(UsageError, match="not rehearsed"):
            require_rehearsed_again(changed, *as_it_was)
        note_rehearsal(rehearsal_key(changed))
        assert require_rehearsed_again(changed, *as_it_was).notes == {"rehearsed": True}


def test_what_belongs_to_a_user_is_where_the_user_or_the_system_wants_it(tmp_path, monkeypatch):
    assert home() == tmp_path / "home"
    monkeypatch.delenv("LUGGIN_HOME")
    assert home() == Path(platformdirs.user_state_dir("luggin", appauthor=False))
