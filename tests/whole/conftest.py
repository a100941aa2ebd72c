"""What the tests of the whole road share."""

import os
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import killing

from luggin import plugins as plugin_manager
from luggin.analysis import RunArchive, open_run
from luggin.bench import load_bench
from luggin.engine.protocols import Finished, plan_of, run_protocol
from luggin.steps import Vocabulary, load_protocol


@pytest.fixture(autouse=True)
def own_home(tmp_path, tmp_path_factory, monkeypatch):
    """Nothing of these tests is noted in the home of whoever runs them."""
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    # Nor beside the locks of this computer: a trip closes the line of its cell to everybody.
    apart = str(tmp_path_factory.mktemp("temporary"))
    monkeypatch.setenv("TMPDIR", apart)
    monkeypatch.setattr(tempfile, "tempdir", apart)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    """A simulated instrument that survives whoever drives it."""
    if not hasattr(os, "openpty"):
        pytest.skip("this operating system has no pseudo-terminals")
    with killing.Oracle(tmp_path_factory.mktemp("oracle")) as running:
        yield running


@pytest.fixture(scope="session")
def plugins():
    """Everything that is installed."""
    return plugin_manager.load()


@pytest.fixture(scope="session")
def vocabulary(plugins):
    """The steps and analyses of everything that is installed."""
    return Vocabulary(plugins.step_types(), {name: a.parameters for name, a in plugins.analyses().items()})


@dataclass
class Travelled:
    """A run in this process from protocol to results, and what was seen on the way."""

    finished: Finished
    truth: dict
    wire: list = field(default_factory=list)
    cell_left_on: bool = False

    @property
    def archive(self) -> RunArchive:
        return open_run(self.finished.folder)

    def quantities(self, name):
        """All quantities of one name, by label."""
        found = [q for result in self.finished.results for q in result["quantities"] if q["name"] == name]
        return {q["label"]: q for q in found}


@pytest.fixture
def travel(tmp_path, plugins, vocabulary):
    """Run a protocol on a simulated bench (the built-in one if none is given) in virtual time.

    ``on_begin(run)`` is called before the first step.
    """

    def go(protocol, bench=None, name="run", on_begin=lambda run: None, limits=()):
        loaded = load_protocol(text=protocol, vocabulary=vocabulary, name="protocol.toml")
        text = bench or plugins.simulator().default_bench_text()
        plan = plan_of(loaded, load_bench(text=text, drivers=list(plugins.drivers())))
        seen = Travelled(finished=None, truth={})

        def begun(run):
            lab, instrument = run.session.lab, run.session.instruments["cell"]
            seen.truth.update(lab.truth("cell"))
            instrument.transport.trace = lambda *said: seen.wire.append(said)
            close = lab.close

            def closing():
                seen.cell_left_on = lab.cell_is_on("cell")
                close()

            lab.close = closing
            on_begin(run)

        plan = replace(plan, folder=tmp_path / name)
        seen.finished = run_protocol(loaded, plan, plugins, on_begin=begun)
        return seen

    return go
