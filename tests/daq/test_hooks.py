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
from luggin.capabilities import Identity
from luggin.clock import RealClock
from luggin.errors import FileFormatError, PluginError, ProtocolError, UsageError
from luggin.hookspecs import Exporter, Reader, configured_by, hookimpl
from luggin.plugins import load
from luggin.results import Analysis, Outcome, Table

HOOKS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("luggin_")}
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
def test_every_hook_has_a_test(name):
    assert inspect.isfunction(globals()[f"test_hook_{name.removeprefix('luggin_')}"])


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_caller(name):
    package = Path(hookspecs.__file__).parent
    sources = [path.read_text(encoding="utf-8") for path in package.rglob("*.py") if path.name != "hookspecs.py"]
    assert any(re.search(rf"hook\.{name}\b|\"{name}\"", source) for source in sources)


# -- what becomes of an answer


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


@pytest.fixture
def run_with(tmp_path, monkeypatch):
    """Runs a second of open circuit on the built-in simulated bench with these plugins; how it ended."""
    try:
        importlib.metadata.distribution("luggin")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("luggin is not installed (pip install -e .), so there is no simulated bench")
    from luggin.bench import load_bench
    from luggin.engine.protocols import plan_of, run_protocol
    from luggin.steps import load_protocol

    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    text = 'title = "x"\nsteps = [{do = "ocp", duration = "1 s", dt = "0.1 s"}]\n' + SAMPLE

    def run(*modules: ModuleType):
        plugins = load(modules=modules)
        bench = load_bench(text=plugins.simulator().default_bench_text(), drivers=list(plugins.drivers()))
        loaded = load_protocol(text=text)
        return run_protocol(loaded, replace(plan_of(loaded, bench), folder=tmp_path / "run"), plugins)

    return run


def test_hook_run_finished(run_with, tmp_path):
    """A whole run: told once, with everything in the folder that a run leaves."""
    from luggin.analysis import open_run

    told = []

    def luggin_run_finished(run):
        told.append((run, open_run(run).outcome))
        raise OSError("the lab's notebook is not reachable")

    finished = run_with(plugin("lab", luggin_run_finished))
    assert told == [(tmp_path / "run", "completed")]
    assert finished.outcome == "completed", "a plugin that fails leaves the outcome as it is"


def test_a_run_that_a_plugin_refuses_touches_nothing(run_with, tmp_path):
    seen = []

    def luggin_check_run(plan, bench):
        seen.append((plan, bench))
        return "no argon"

    def luggin_open_transport(resource):
        pytest.fail(f"{resource} was opened")

    with pytest.raises(UsageError, match="plugin 'lab' refuses this run: no argon"):
        run_with(plugin("lab", luggin_check_run, luggin_open_transport))
    assert not (tmp_path / "run").exists()
    ((plan, bench),) = seen
    documented = row(SECTIONS["luggin_check_run"], "Called").partition("`plan` has")[2].partition("; `bench` has")[0]
    assert {word for word in re.findall(r"`(\w+)`", documented) if word not in ("path", "None")} == set(plan)
    assert [(step["path"], step["do"]) for step in plan["steps"]] == [("1", "ocp")]
    assert (plan["simulated"], plan["resumed"], plan["bench"]) == (True, False, None)
    assert "cell" in bench["instruments"]


def test_metadata_of_plugins_are_attributes_of_the_store_and_who_failed_is_in_the_log(run_with, tmp_path):
    from luggin.store import RunLog, open_store

    def luggin_run_metadata(run):
        return {"room": 2}

    room = plugin("room", luggin_run_metadata)

    def luggin_run_metadata(run):
        return {"status": "excellent"}

    finished = run_with(room, plugin("flatterer", luggin_run_metadata))
    assert finished.outcome == "completed"
    attributes = open_store(tmp_path / "run").attributes
    assert (attributes["room"], attributes["status"]) == (2, "completed")
    (record,) = [r for r in RunLog.read(tmp_path / "run") if r["kind"] == "plugins"]
    assert record["faults"] == [
        {"plugin": "flatterer", "what": "ValueError: 'status' is an attribute of Luggin already"}
    ]


def test_hook_observers(tmp_path):
    observers = [print, len]

    @hookimpl
    @configured_by("lamp.toml")
    def luggin_observers(run):
        return observers if run == tmp_path else None

    lamp = plugin("lamp", luggin_observers)

    def luggin_observers(run):
        return [3]

    broken = plugin("broken", luggin_observers)
    asking_broken, asking_lamp = asked(lamp, broken).observers()
    assert (asking_lamp.plugin, asking_lamp.configured_by) == ("lamp", "lamp.toml")
    assert asking_lamp.ask(tmp_path) == observers
    assert asking_lamp.ask(tmp_path / "another run") == []
    assert (asking_broken.plugin, asking_broken.configured_by) == ("broken", None)
    with pytest.raises(TypeError, match="3 cannot be called, so it is no observer"):
        asking_broken.ask(tmp_path)
    assert asked().observers() == []


def test_hook_identify():
    clone = Identity("ES", "PicoClone", "7", "1.2", raw="espico1301")
    line = SimpleNamespace(resource="/dev/ttyUSB0")

    def luggin_identify(transport, idn):
        return clone if (transport, idn) == (line, "tclone") else None

    knows = plugin("clones", luggin_identify)

    def luggin_identify(idn):
        if idn == "boom":
            raise OSError("no list of clones")
        return "a clone" if idn == "words" else None

    plugins = asked(knows, plugin("others", luggin_identify))
    assert plugins.identify(line, "tclone") is clone
    assert plugins.identify(line, "t") is None
    with pytest.raises(PluginError, match="plugin 'others' failed in luggin_identify: OSError: no list of clones"):
        plugins.identify(line, "boom")
    with pytest.raises(PluginError, match="plugin 'others' answered 'a clone' to luggin_identify: not an Identity"):
        plugins.identify(line, "words")


def test_hook_check_run():
    asked_about = []

    def luggin_check_run(plan, bench):
        asked_about.append((plan["title"], bench["title"]))
        return None if plan["argon"] else "no argon"

    gas = plugin("gas", luggin_check_run)

    def luggin_check_run(plan):
        return None if plan["booked"] else " the bench is not booked\n"

    calendar = plugin("calendar", luggin_check_run)
    plugins = asked(gas, calendar)
    good = {"title": "cv", "argon": True, "booked": True}
    plugins.check_run(lambda: good, {"title": "room 2"})
    assert asked_about == [("cv", "room 2")]
    with pytest.raises(UsageError) as refusal:
        plugins.check_run(lambda: {**good, "argon": False, "booked": False}, {"title": "room 2"})
    assert str(refusal.value) == (
        "plugin 'calendar' refuses this run: the bench is not booked\nplugin 'gas' refuses this run: no argon"
    )
    asked().check_run(lambda: pytest.fail("nobody asks, so no plan is made"), {})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: {}["argon"], "plugin 'gas' failed in luggin_check_run: KeyError: 'argon'"),
        (lambda: True, "plugin 'gas' answered True to luggin_check_run: a refusal is a text"),
        (lambda: " ", "plugin 'gas' answered ' ' to luggin_check_run: a refusal is a text"),
    ],
)
def test_a_plugin_that_cannot_say_whether_a_run_may_start_stops_it(answer, words):
    def luggin_check_run(plan):
        return answer()

    with pytest.raises(PluginError, match=words):
        asked(plugin("gas", luggin_check_run)).check_run(dict, {})


def test_hook_run_metadata(tmp_path):
    def luggin_run_metadata(run):
        return {"room": 2, "cabinets": ("a", "b"), "folder": run.name}

    room = plugin("room", luggin_run_metadata)

    def luggin_run_metadata():
        return None

    plugins = asked(room, plugin("silent", luggin_run_metadata))
    found = {"room": 2, "cabinets": ["a", "b"], "folder": tmp_path.name}
    assert plugins.run_metadata(tmp_path, taken=("title", "status")) == (found, [])


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (lambda: {}["room"], "KeyError: 'room'"),
        (lambda: {"status": "fine"}, "ValueError: 'status' is an attribute of Luggin already"),
        (lambda: {"room": 3}, "ValueError: 'room' is an attribute of plugin 'room' already"),
        (lambda: {"x": float("nan")}, "ValueError: Out of range float values are not JSON compliant"),
        (lambda: {"x": {1, 2}}, "TypeError: Object of type set is not JSON serializable"),
        (lambda: {1: "x"}, "TypeError: {1: 'x'} does not map names to values"),
        (lambda: ["x"], "TypeError: ['x'] does not map names to values"),
        (lambda: {"x": "y" * 70000}, "ValueError: 70009 bytes of JSON; at most 65536 fit beside the data"),
    ],
)
def test_metadata_that_cannot_be_kept_are_named_and_the_others_are_kept(answer, what, tmp_path):
    def luggin_run_metadata():
        return answer()

    broken = plugin("broken", luggin_run_metadata)

    @hookimpl(tryfirst=True)
    def luggin_run_metadata():
        return {"room": 2}

    found, (fault,) = asked(plugin("room", luggin_run_metadata), broken).run_metadata(tmp_path, taken=["status"])
    assert found == {"room": 2}
    assert fault["plugin"] == "broken"
    assert fault["what"].startswith(what)
