"""Every hook: on its page with its signature, and what its caller makes of an answer."""

from __future__ import annotations

import importlib.metadata
import inspect
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Literal

import pytest

from luggin import hookspecs
from luggin.clock import RealClock
from luggin.errors import FileFormatError, PluginError, ProtocolError, UsageError
from luggin.hookspecs import Exporter, Reader, hookimpl
from luggin.plugins import load
from luggin.results import Analysis, Outcome, Table

HOOKS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("luggin_")}
NOT_CALLED = {name for name, spec in HOOKS.items() if spec.luggin_spec["warn_on_impl"] is not None}
PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "hooks.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))

SAMPLE = '[sample]\nid = "x"\nwiring = "two-electrode, blocking"\nelectrodes = "Pt"\n'


def plugin(name: str, *functions) -> ModuleType:
    """A module with these functions as hooks."""
    module = ModuleType(name)
    for function in functions:
        setattr(module, function.__name__, hookimpl(function) if not hasattr(function, "luggin_impl") else function)
    return module


def asked(*modules: ModuleType):
    return load(discover=False, modules=modules)


def row(section: str, key: str) -> str:
    """A row of a section's table."""
    (text,) = re.findall(rf"^\| {key} \| (.+) \|$", section, flags=re.MULTILINE)
    return text


# -- the page


def test_every_hook_has_a_section_in_the_order_of_the_source_and_no_other():
    assert list(SECTIONS) == list(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_a_section_has_the_full_signature(name):
    signature = inspect.signature(HOOKS[name])
    arguments = ", ".join(f"{p.name}: {p.annotation}" for p in signature.parameters.values())
    assert f"```python\ndef {name}({arguments}) -> {signature.return_annotation}\n```" in SECTIONS[name]


@pytest.mark.parametrize("name", HOOKS)
def test_a_section_says_when_where_what_and_what_if_it_raises(name):
    section = SECTIONS[name]
    assert all(row(section, key) for key in ("Called", "Thread", "Returns", "If it raises"))
    first = row(section, "First result")
    assert first.startswith("yes" if HOOKS[name].luggin_spec["firstresult"] else "no")


@pytest.mark.parametrize("name", HOOKS)
def test_page_and_source_say_whether_a_hook_is_called(name):
    assert ("**Not called in this version" in SECTIONS[name]) == (name in NOT_CALLED)
    assert ("Not called in this version" in inspect.getdoc(HOOKS[name])) == (name in NOT_CALLED)
    assert row(SECTIONS[name], "Called").startswith("to be:") == (name in NOT_CALLED)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_test(name):
    assert inspect.isfunction(globals()[f"test_hook_{name.removeprefix('luggin_')}"])


@pytest.mark.parametrize("name", HOOKS)
def test_what_is_a_hook_without_a_caller_has_none(name):
    """A hook that gets its caller must lose its mark, and one that loses it must get one."""
    package = Path(hookspecs.__file__).parent
    sources = [path.read_text(encoding="utf-8") for path in package.rglob("*.py") if path.name != "hookspecs.py"]
    called = any(re.search(rf"hook\.{name}\b|\"{name}\"", source) for source in sources)
    assert called == (name not in NOT_CALLED)


# -- hooks with a caller


def test_hook_drivers():
    from luggin.bench import load_bench

    stirrer = SimpleNamespace(id="lab.stirrer")

    def luggin_drivers():
        return [stirrer]

    plugins = asked(plugin("lab", luggin_drivers))
    assert plugins.driver("lab.stirrer") is stirrer
    bench = '[instruments.cell]\ndriver = "lab.stirrer"\nresource = "/dev/ttyUSB0"\n'
    assert load_bench(text=bench, drivers=list(plugins.drivers())).roles["cell"].driver == "lab.stirrer"
    with pytest.raises(UsageError, match=r"lab\.stirrer"):
        load_bench(text=bench, drivers=list(asked().drivers()))


def test_hook_techniques():
    from luggin.steps import Duration, Step, Vocabulary, load_protocol

    class Stir(Step):
        """Stir the solution."""

        do: Literal["stir"] = "stir"
        duration: Duration

    def luggin_techniques():
        return [lambda: Stir]

    text = 'title = "x"\nsteps = [{do = "stir", duration = "2 min"}]\n' + SAMPLE
    plugins = asked(plugin("lab", luggin_techniques))
    (step,) = load_protocol(text=text, vocabulary=Vocabulary(plugins.step_types())).protocol.steps
    assert isinstance(step, Stir)
    assert step.duration == 120.0
    with pytest.raises(ProtocolError, match="there is no step `stir`"):
        load_protocol(text=text, vocabulary=Vocabulary(asked().step_types()))


def test_hook_analyses():
    nothing = Analysis("lab.nothing", "Nothing", {"cv": {}}, lambda tables: Outcome())
    made = []

    def make():
        made.append(1)
        return nothing

    def luggin_analyses():
        return [make]

    plugins = asked(plugin("lab", luggin_analyses))
    assert made == []
    assert plugins.analysis("lab.nothing") is nothing
    assert made == [1]


def test_hook_readers(tmp_path):
    from luggin.cli.looking import read_foreign

    heads = []

    def recognises(path, head):
        heads.append(head)
        return head.startswith(b"STIRRER")

    table = Table("cv", {})
    never = Reader("z", "Z", (".z",), lambda path, head: False, lambda path: pytest.fail("not recognised, not read"))
    ours = Reader("stirrer", "Stirrer logs", (".stir",), recognises, lambda path: [table])

    def luggin_readers():
        return [never, ours]

    plugins = asked(plugin("lab", luggin_readers))
    known, foreign = tmp_path / "a.stir", tmp_path / "b.txt"
    known.write_bytes(b"STIRRER" + b"x" * 5000)
    foreign.write_bytes(b"something else")
    assert read_foreign(known, plugins) == (table,)
    assert [len(head) for head in heads] == [4096]
    with pytest.raises(FileFormatError, match="Stirrer logs"):
        read_foreign(foreign, plugins)


def test_hook_exporters(tmp_path):
    from luggin.cli.looking import write_report

    exporter = Exporter("report", "Report", ".txt", lambda run, target: target.write_text(f"report of {run.name}"))

    def luggin_exporters():
        return [exporter]

    assert asked(plugin("lab", luggin_exporters)).exporters() == {"report": exporter}
    written = write_report(tmp_path, asked(plugin("lab", luggin_exporters)), tmp_path / "out.txt")
    assert written.read_text() == f"report of {tmp_path.name}"
    with pytest.raises(UsageError, match="no plugin that writes reports"):
        write_report(tmp_path, asked())


def test_hook_simulators():
    ours, theirs = SimpleNamespace(id="ours"), SimpleNamespace(id="theirs")

    @hookimpl(tryfirst=True)
    def luggin_simulators():
        return [theirs]

    first = plugin("theirs", luggin_simulators)

    def luggin_simulators():
        return [ours]

    later = plugin("ours", luggin_simulators)
    assert asked(first, later).simulator() is theirs
    assert asked(later).simulator() is ours


def test_hook_open_transport():
    line, seen = object(), []

    def luggin_open_transport(resource, settings):
        seen.append(("last registered", resource, dict(settings)))
        return line if resource == "gpib://7" else None

    by_resource = plugin("gpib", luggin_open_transport)

    def luggin_open_transport(resource, clock):
        seen.append(("first registered", resource))
        return "another line"

    plugins = asked(plugin("any", luggin_open_transport), by_resource)
    assert plugins.open_transport("gpib://7", RealClock(), {"eos": 10}) is line
    assert seen == [("last registered", "gpib://7", {"eos": 10})], "the first answer wins, nobody else is asked"
    assert plugins.open_transport("gpib://8", RealClock(), {}) == "another line"


def test_hook_run_finished(tmp_path, monkeypatch):
    """A whole run on the built-in simulated bench: told once, with everything in the folder that a run leaves."""
    try:
        importlib.metadata.distribution("luggin")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("luggin is not installed (pip install -e .), so there is no simulated bench")
    from luggin.analysis import open_run
    from luggin.bench import load_bench
    from luggin.engine.protocols import plan_of, run_protocol
    from luggin.steps import load_protocol

    told = []

    def luggin_run_finished(run):
        told.append((run, open_run(run).outcome))
        raise OSError("the lab's notebook is not reachable")

    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    plugins = load(modules=[plugin("lab", luggin_run_finished)])
    bench = load_bench(text=plugins.simulator().default_bench_text(), drivers=list(plugins.drivers()))
    loaded = load_protocol(text='title = "x"\nsteps = [{do = "ocp", duration = "1 s", dt = "0.1 s"}]\n' + SAMPLE)
    finished = run_protocol(loaded, replace(plan_of(loaded, bench), folder=tmp_path / "run"), plugins)
    assert told == [(tmp_path / "run", "completed")]
    assert finished.outcome == "completed", "a plugin that fails leaves the outcome as it is"


# -- hooks without a caller in this version


def accepted_and_refused(name: str, right, wrong) -> object:
    """A right signature is registered, with a warning; a wrong one is an error. Gives pluggy's relay."""
    right.__name__ = wrong.__name__ = name
    with pytest.warns(UserWarning, match=f"{name} is not called in this version of Luggin"):
        plugins = asked(plugin("lab", right))
    (info,) = plugins.infos()
    assert info.provides == (name,)
    with pytest.warns(UserWarning, match="not called"), pytest.raises(PluginError, match=rf"(?s)plugin 'lab'.*{name}"):
        asked(plugin("lab", wrong))
    return plugins.hook


def test_hook_observers():
    observer = list
    hook = accepted_and_refused("luggin_observers", lambda run: [observer], lambda folder: [])
    assert hook.luggin_observers(run=Path("runs/1")) == [[observer]]


def test_hook_identify():
    hook = accepted_and_refused("luggin_identify", lambda transport, idn: idn.upper(), lambda transport, answer: None)
    assert hook.luggin_identify(transport=None, idn="espico") == "ESPICO"


def test_hook_check_run():
    hook = accepted_and_refused("luggin_check_run", lambda plan: plan["why"], lambda plan, bench, sample: None)
    assert hook.luggin_check_run(plan={"why": "no argon"}, bench={}) == ["no argon"]
    assert hook.luggin_check_run(plan={"why": None}, bench={}) == []


def test_hook_run_metadata():
    hook = accepted_and_refused("luggin_run_metadata", lambda run: {"room": 2}, lambda store: {})
    assert hook.luggin_run_metadata(run=Path("runs/1")) == [{"room": 2}]
