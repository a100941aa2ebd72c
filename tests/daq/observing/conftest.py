"""A run folder that is written by hand, as the runner writes it, with observers from a ``luggin_bench.py``."""

from __future__ import annotations

import json
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from luggin.clock import RealClock
from luggin.observing import Confinement, Observers
from luggin.platform import process_id
from luggin.plugins import load
from luggin.store import RunLog
from luggin.store.layout import RunFolder
from luggin.store.lock import RunLock

UTC = "2026-03-14T10:00:00+00:00"
HEADER = {"kind": "run", "time": 0.0, "title": "voltammogram", "sample": {"id": "a"}, "simulated": False, "speed": 1}


class WrittenRun:
    """A run that is going on: the lock is held, and records are written when a test says so."""

    def __init__(self, folder: Path, **header) -> None:
        folder.mkdir()
        (folder / "journal").mkdir()
        self.folder = folder
        self.lock = RunLock(RunFolder(folder))
        self.lock.acquire()
        self.log = RunLog.create(folder)
        self.write({**HEADER, **header})

    def write(self, record) -> None:
        self.log.append(record)

    def session(self, reason="start", time=0.0, **more) -> None:
        self.write({"kind": "session", "time": time, "reason": reason, "utc": UTC, "pid": process_id(), **more})

    def event(self, what, time=1.0, **more) -> None:
        self.write({"kind": "event", "time": time, "what": what, **more})

    def finish(self, outcome="completed", time=9.0, **more) -> None:
        self.write({"kind": "finish", "time": time, "outcome": outcome, **more})

    def let_go(self) -> None:
        """Give the run back: after its end, or without one."""
        self.log.close()
        self.lock.release()


@pytest.fixture
def written(tmp_path):
    """Makes runs that are written by hand."""
    runs = []

    def make(name="run", **header):
        runs.append(WrittenRun(tmp_path / name, **header))
        return runs[-1]

    yield make
    for run in runs:
        run.let_go()


class Observed:
    """A run whose observers stand in a ``luggin_bench.py``, with the process that the runner starts for them."""

    def __init__(self, run: WrittenRun, place: Path, text: str) -> None:
        self.run = run
        self.bench = place / "bench" / "bench.toml"
        self.bench.parent.mkdir()
        (self.bench.parent / "luggin_bench.py").write_text("import luggin\n" + textwrap.dedent(text))
        self.plugins = load(discover=False)
        self.plugins.add_bench_plugin(self.bench.parent)
        self.plugin = self.plugins.infos()[0].name
        self.observers: Observers | None = None

    def start(self, **limits) -> Observers:
        confinement = replace(Confinement(grace=20.0), **limits)
        self.observers = Observers.start(self.run.folder, self.plugins, self.bench, confinement)
        assert self.observers is not None
        return self.observers

    @property
    def process(self):
        assert self.observers is not None
        return self.observers._process

    @property
    def states(self):
        """Observer -> (state, what), as far as it is written."""
        path = self.run.folder / "observers.json"
        if not path.is_file():
            return {}
        said = json.loads(path.read_text())
        return {s["observer"]: (s["state"], s["what"]) for s in said["observers"]}

    @property
    def printed(self) -> str:
        return (self.run.folder / "observers.log").read_text()

    def wait_for(self, what) -> None:
        """Until a condition holds; the test's own time limit is the deadline."""
        clock = RealClock()
        while not what():
            clock.sleep(0.02)

    def wait_for_state(self, observer, state) -> None:
        self.wait_for(lambda: self.states.get(observer, ("",))[0] == state)

    def end(self) -> None:
        if self.observers is not None and self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def observed(written, tmp_path, monkeypatch):
    """Makes a run with these observers; a process that is left over is ended."""
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    made = []

    def make(text, **header):
        run = written("run", **header)
        run.session()
        made.append(Observed(run, tmp_path, text))
        return made[-1]

    yield make
    for one in made:
        one.end()
