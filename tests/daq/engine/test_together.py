"""Several protocols at once: each is the run that it is alone, whatever happens to the others."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from luggin import plugins as plugin_manager
from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.engine.progress import Silent
from luggin.engine.protocols import plan_of, run_protocol
from luggin.engine.session import canonical
from luggin.engine.together import Job, NamedLines, run_together
from luggin.errors import LimitTripped, LineInUse, NoInstrument, PluginFault, UsageError
from luggin.steps import Vocabulary, load_protocol
from luggin.transport import LineOwnership

SAMPLE = """
[sample]
id = "x"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3 mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""
OCP = '{do = "ocp", duration = "5 s", dt = "0.5 s"}'
CV = '{do = "cv", id = "w", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "100 mV/s", step = "5 mV"}'
SHORT = CV.replace("-0.8 V", "-0.6 V")
WAIT = '{do = "rest", duration = "7 s"}'
ANALYSED = 'analyses = [{use = "cv.half-waves", on = "w"}]\n'
TRIPS = 'limits = [{column = "current", between = ["-1 uA", "1 uA"], for = "3 rows"}]\n'
REAL = """
[instruments.cell]
driver = "palmsens.methodscript"
resource = "RESOURCE"
settings = {model = "emstat4-hr"}
"""
OTHER_MODEL = 'settings = {model = "emstat4-lr"}'
LIMITED = """limits = [
  {column = "potential", between = ["-1 V", "1 V"]},
  {column = "current", between = ["-1 mA", "1 mA"]},
]
"""


@pytest.fixture(scope="module")
def plugins():
    return plugin_manager.load()


@pytest.fixture
def job(tmp_path, plugins):
    """A protocol that is to be run with others, on the built-in bench if none is given."""

    def make(name, *steps, head="", bench=None, watcher=None, force=False):
        text = f'title = "{name}"\n{head}steps = [\n' + ",\n".join(steps) + f"\n]\n{SAMPLE}"
        words = Vocabulary(plugins.step_types(), {name: a.parameters for name, a in plugins.analyses().items()})
        loaded = load_protocol(text=text, vocabulary=words, name=f"{name}.toml")
        bench = load_bench(text=bench or plugins.simulator().default_bench_text(), drivers=list(plugins.drivers()))
        plan = replace(plan_of(loaded, bench), folder=tmp_path / name, force=force)
        return Job(loaded, plan, watcher or Silent())

    return make


def alone(job, plugins):
    """The same protocol in a run of its own."""
    plan = replace(job.plan, folder=job.plan.folder.with_name(f"{job.plan.folder.name}-alone"))
    return run_protocol(job.loaded, plan, plugins)


def streams(folder):
    archive = open_run(folder)
    return {name: archive[name].to_numpy().tobytes() for name in archive.store.streams}


def results(finished):
    return json.loads(json.dumps(finished.results))


# -- in virtual time


@pytest.mark.parametrize("number", [2, 3])
def test_each_run_is_the_one_that_it_would_be_alone(job, plugins, number):
    jobs = [
        job("first", OCP, CV, head=ANALYSED),
        job("second", CV, WAIT, SHORT.replace('"w"', '"again"'), head=ANALYSED),
        job("third", WAIT, OCP, SHORT, head=ANALYSED),
    ][:number]
    run_together(jobs, plugins, None)
    for each in jobs:
        assert each.error is None
        assert (each.finished.outcome, each.exit_code) == ("completed", 0)
        single = alone(each, plugins)
        assert streams(each.plan.folder) == streams(single.folder)
        assert results(each.finished) == results(single)
        assert each.finished.results[0]["quantities"], "there is something to compare"
    assert len({each.finished.folder for each in jobs}) == number


def test_they_live_in_one_time(job, plugins):
    ended = []

    class Timekeeper(Silent):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def step_ended(self, path, status):
            ended.append((self.name, int(path)))

    rests = {"slow": [f'{{do = "rest", duration = "{5 + k} s"}}' for k in range(6)]}
    rests["fast"] = [f'{{do = "rest", duration = "{3 + k / 4} s"}}' for k in range(8)]
    jobs = [job(name, *steps, watcher=Timekeeper(name)) for name, steps in rests.items()]
    run_together(jobs, plugins, None)
    # Steps end in the order of the time that they share, not in that of the threads of the computer.
    slow = [(sum(5 + k for k in range(n)), "slow", n) for n in range(1, 7)]
    fast = [(sum(3 + k / 4 for k in range(n)), "fast", n) for n in range(1, 9)]
    assert ended == [(name, number) for _, name, number in sorted(slow + fast)]


def test_a_limit_that_trips_in_one_leaves_the_other_alone(job, plugins):
    jobs = [job("trips", OCP, CV, head=TRIPS), job("goes-on", OCP, CV, head=ANALYSED)]
    run_together(jobs, plugins, None)
    tripped, other = jobs
    assert isinstance(tripped.finished.error, LimitTripped)
    assert (tripped.exit_code, other.exit_code) == (3, 0)
    assert open_run(tripped.plan.folder).outcome == "limit tripped"
    assert streams(other.plan.folder) == streams(alone(other, plugins).folder)


def test_a_bench_that_cannot_be_opened_leaves_the_other_alone(job, plugins):
    another = plugins.simulator().default_bench_text().replace('settings = {model = "emstat4-hr"}', OTHER_MODEL)
    jobs = [job("absent", OCP, bench=another), job("there", OCP)]
    run_together(jobs, plugins, None)
    assert isinstance(jobs[0].error, NoInstrument)
    assert (jobs[0].finished, jobs[0].exit_code) == (None, 4)
    assert not jobs[0].plan.folder.exists()
    assert (jobs[1].finished.outcome, jobs[1].exit_code) == ("completed", 0)


def test_a_failure_that_nobody_foresaw_leaves_the_other_alone(job, plugins):
    class Broken(Silent):
        def began(self, run, simulated):
            raise ZeroDivisionError("of the watcher")

    jobs = [job("broken", OCP, watcher=Broken()), job("there", CV)]
    run_together(jobs, plugins, None)
    assert isinstance(jobs[0].error, PluginFault)
    assert "ZeroDivisionError: of the watcher" in str(jobs[0].error)
    assert jobs[0].exit_code == 1
    assert jobs[1].finished.outcome == "completed"


def test_prompts_are_answered_by_whoever_was_handed_in(job, plugins):
    class Person:
        def __init__(self):
            self.asked = []

        def ask(self, text, fields, cancelled, until):
            self.asked.append(text)
            return {}

    person = Person()
    jobs = [job(n, f'{{do = "prompt", text = "{n}?"}}', OCP) for n in ("one", "two")]
    run_together(jobs, plugins, person)
    assert sorted(person.asked) == ["one?", "two?"]
    assert [each.exit_code for each in jobs] == [0, 0]


def test_benches_in_virtual_and_in_real_time_do_not_go_together(job, plugins, tmp_path):
    jobs = [job("simulated", OCP), job("real", OCP, bench=REAL.replace("RESOURCE", "/dev/ttyNONE"), head=LIMITED)]
    with pytest.raises(UsageError, match=r"in virtual time cannot run together with ones in real time.*`luggin sim`"):
        run_together(jobs, plugins, None)
    assert list(tmp_path.iterdir()) == []


def test_lines_say_which_protocol_they_are_about(capsys):
    watcher = NamedLines("first.toml")
    watcher.began("runs/one", True)
    watcher.step_began("2", "cv 'w'", 95.0, 10)
    watcher.said("limit: too much")
    assert capsys.readouterr().err.splitlines() == [
        "first.toml: SIMULATED run in runs/one",
        "first.toml: step 2: cv 'w', 1 min 35 s",
        "first.toml: limit: too much",
    ]


# -- in real time


@pytest.fixture
def silent_port():
    """A serial port with nobody behind it."""
    if not hasattr(os, "openpty"):
        pytest.skip("this operating system has no pseudo-terminals")
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_line_that_somebody_has_and_one_that_is_not_there_are_each_told(job, plugins, silent_port, tmp_path):
    resources = [silent_port, "/dev/ttyNONE"]
    jobs = [job(r[5:8], OCP, head=LIMITED, bench=REAL.replace("RESOURCE", r), force=True) for r in resources]
    with LineOwnership(silent_port, user="maria", purpose="runs/monday", since="2026-01-05T09:00+01:00"):
        run_together(jobs, plugins, None)
    assert [type(each.error) for each in jobs] == [LineInUse, NoInstrument]
    assert "of maria since 2026-01-05T09:00+01:00 (runs/monday)" in str(jobs[0].error)
    assert [each.exit_code for each in jobs] == [4, 4]
    assert list(tmp_path.iterdir()) == []


_STOPPED = """
import os, signal, sys, threading
from pathlib import Path
from luggin import plugins as plugin_manager
from luggin.bench import load_bench
from luggin.engine.progress import Silent
from luggin.engine.protocols import plan_of
from luggin.engine.session import canonical
from luggin.engine.together import Job, run_together
from luggin.steps import Vocabulary, load_protocol
from dataclasses import replace

plugins = plugin_manager.load()
words = Vocabulary(plugins.step_types(), {})
begun = threading.Barrier(2)

class Stopping(Silent):
    '''The process gets Ctrl-C as soon as both runs measure; nobody goes on before it was heard.'''
    heard = threading.Event()

    def step_began(self, path, title, duration, rows):
        Stopping.steps.add(self.name)
        if len(Stopping.steps) == 2:
            os.kill(os.getpid(), signal.SIGINT)
            assert Stopping.heard.wait(20)

    def said(self, text):
        print(self.name, text, flush=True)
        Stopping.told.add(self.name)
        if len(Stopping.told) == 2:
            Stopping.heard.set()

    steps, told = set(), set()

jobs = []
for name in ("one", "two"):
    loaded = load_protocol(text=Path("p.toml").read_text(), vocabulary=words, name=name)
    bench = load_bench(text=plugins.simulator().default_bench_text(), drivers=list(plugins.drivers()))
    watcher = Stopping()
    watcher.name = name
    jobs.append(Job(loaded, replace(plan_of(loaded, bench), folder=Path(name)), watcher))
run_together(jobs, plugins, None)
print([(job.finished.outcome, job.exit_code) for job in jobs])
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no os.kill for SIGINT to oneself")
def test_ctrl_c_stops_all_of_them_safely(tmp_path):
    long = CV.replace('"w"', '"w", cycles = 50')
    (tmp_path / "p.toml").write_text(f'title = "long"\nsteps = [{OCP}, {long}]\n{SAMPLE}')
    environment = {**os.environ, "LUGGIN_HOME": str(tmp_path / "home")}
    process = subprocess.run(
        [sys.executable, "-c", _STOPPED], capture_output=True, text=True, cwd=tmp_path, timeout=50, env=environment
    )
    assert process.stderr == ""
    *said, ended = process.stdout.splitlines()
    assert ended == "[('interrupted', 130), ('interrupted', 130)]"
    assert sorted(said) == ["one stopping: the cell is being opened", "two stopping: the cell is being opened"]
    for name in ("one", "two"):
        archive = open_run(tmp_path / name)
        assert archive.outcome == "interrupted"
        assert [s.status for s in archive.steps][-1] == "interrupted"
        assert archive.records[-1]["made_safe"]["cell"]


def test_a_signal_that_comes_while_a_bench_is_opened_stops_that_run_as_well(job, plugins, monkeypatch):
    from luggin.engine import together

    class Watch:
        """Stands in for the signals: the first one comes before any run has begun."""

        def __init__(self, told):
            told(1, "SIGINT")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            """Nothing to put back."""

    monkeypatch.setattr(together, "SignalWatch", Watch)
    jobs = [job("one", OCP, CV), job("two", OCP)]
    run_together(jobs, plugins, None)
    assert [each.exit_code for each in jobs] == [130, 130]
    for each in jobs:
        assert open_run(each.plan.folder).outcome == "interrupted"
        assert set(streams(each.plan.folder)) == {"events"}


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("TCPIP0::192.168.0.20::5025::SOCKET", "TCPIP0::192.168.0.20::5025::SOCKET"),
        ("tcpip::192.168.0.20::5025::socket", "TCPIP0::192.168.0.20::5025::SOCKET"),
        ("TCPIP1::192.168.0.20::5025::SOCKET", "TCPIP1::192.168.0.20::5025::SOCKET"),
        ("GPIB::18::INSTR", "GPIB0::18::INSTR"),
        ("ASRL5::INSTR", "COM5"),
        ("COM5", "COM5"),
        ("ASRL/dev/ttyNONE::INSTR", "/dev/ttyNONE"),
        ("/dev/ttyNONE", "/dev/ttyNONE"),
    ],
)
def test_a_line_has_one_name_however_it_is_written(written, line):
    assert canonical(written) == line


def test_a_link_to_a_port_and_the_visa_name_of_the_link_are_that_port(tmp_path, silent_port):
    link = tmp_path / "potentiostat"
    link.symlink_to(silent_port)
    assert canonical(str(link)) == canonical(f"ASRL{link}::INSTR") == silent_port
