"""Finding plugins, refusing broken ones by name, and asking the others."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from luggin import plugins as plugin_manager
from luggin.clock import RealClock
from luggin.errors import LineLost, NoInstrument, PluginError, UsageError
from luggin.hookspecs import Exporter, Reader, hookimpl
from luggin.plugins import BENCH_PLUGIN, load


@dataclass
class InstalledPlugin:
    """An entry point of a distribution that is not really installed."""

    name: str
    value: str
    module: ModuleType | None = None
    dist: SimpleNamespace | None = field(default_factory=lambda: SimpleNamespace(name="luggin-oven", version="2.1"))
    loads: int = 0

    def load(self) -> ModuleType:
        self.loads += 1
        if self.module is None:
            raise ImportError("No module named 'oven_sdk'")
        return self.module


def plugin(name: str, **hooks) -> ModuleType:
    """A module that implements hooks."""
    module = ModuleType(name)
    for hook, function in hooks.items():
        function.__name__ = hook
        setattr(module, hook, hookimpl(function))
    return module


def driver(driver_id: str) -> SimpleNamespace:
    return SimpleNamespace(id=driver_id)


def named(name: str) -> SimpleNamespace:
    return SimpleNamespace(name=name)


def asked(*modules: ModuleType) -> plugin_manager.Plugins:
    return load(discover=False, modules=modules)


@pytest.fixture
def installed(monkeypatch):
    """Pretends that these plugins, and no others, are installed."""

    def install(*points: InstalledPlugin) -> None:
        def entry_points(*, group: str) -> list[InstalledPlugin]:
            assert group == "luggin"
            return list(points)

        monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)

    return install


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("LUGGIN_BLOCK_PLUGINS", "LUGGIN_NO_THIRD_PARTY", "LUGGIN_TRACE_PLUGINS"):
        monkeypatch.delenv(name, raising=False)


# -- installed packages


def test_installed_plugins_are_found_with_their_versions_and_hooks(installed):
    installed(
        InstalledPlugin("ovens", "z_oven", plugin("z_oven", luggin_drivers=lambda: [], luggin_readers=lambda: [])),
        InstalledPlugin("stirrer", "a_stirrer", plugin("a_stirrer"), dist=None),
    )
    infos = load().infos()
    assert [(i.name, i.distribution, i.version, i.provides, i.blocked) for i in infos] == [
        ("a_stirrer", "?", "", (), False),
        ("z_oven", "luggin-oven", "2.1", ("luggin_drivers", "luggin_readers"), False),
    ]


def test_a_plugin_that_cannot_be_imported_is_named_with_its_package(installed):
    installed(InstalledPlugin("ovens", "oven_plugin"))
    with pytest.raises(PluginError) as broken:
        load()
    assert str(broken.value) == ("plugin 'oven_plugin' of luggin-oven 2.1 cannot be loaded: No module named 'oven_sdk'")
    assert broken.value.exit_code == 2


@pytest.mark.parametrize("name", ["ovens", "oven_plugin", "luggin-oven", "other, ovens ,"])
def test_a_blocked_plugin_is_listed_and_not_loaded(installed, monkeypatch, name):
    point = InstalledPlugin("ovens", "oven_plugin")
    installed(point)
    monkeypatch.setenv("LUGGIN_BLOCK_PLUGINS", name)
    (info,) = load().infos()
    assert (info.name, info.blocked, info.provides) == ("oven_plugin", True, ())
    assert point.loads == 0


def test_without_third_parties_only_what_comes_with_luggin_is_loaded(installed, monkeypatch):
    ours = InstalledPlugin("drivers", "our_drivers", plugin("our_drivers"), SimpleNamespace(name="luggin", version="1"))
    theirs, nobodys = InstalledPlugin("ovens", "oven_plugin"), InstalledPlugin("x", "x_plugin", dist=None)
    installed(ours, theirs, nobodys)
    monkeypatch.setenv("LUGGIN_NO_THIRD_PARTY", "1")
    assert {info.name: info.blocked for info in load().infos()} == {
        "our_drivers": False,
        "oven_plugin": True,
        "x_plugin": True,
    }
    assert theirs.loads == nobodys.loads == 0


# -- the current folder


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A folder of measurements in which somebody left a package, and modules with the names of ours; its listing."""
    info = tmp_path / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[luggin]\nevil = evil_plugin\n")
    for name in ("evil_plugin", "luggin_drivers", "numpy", "click", "pluggy", "platformdirs"):
        (tmp_path / f"{name}.py").write_text(f"open('loaded-{name}', 'w')")
    monkeypatch.chdir(tmp_path)
    return lambda: [path.name for path in tmp_path.glob("loaded-*")]


def said_by(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, timeout=50)
    return done.stdout


def test_a_package_in_the_current_folder_is_not_a_plugin(planted):
    listed = said_by("-m", "luggin", "plugins")
    assert "luggin_drivers" in listed
    assert "evil" not in listed
    assert planted() == []


def test_nor_is_it_with_an_empty_name_in_the_python_path_or_a_script_there(planted, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "")
    code = "from luggin import plugins; print(*(i.name for i in plugins.load().infos()))"
    assert "evil" not in said_by("-P", "-c", code)
    Path("script.py").write_text(code)
    for shadow in ("click", "numpy", "pluggy"):
        Path(f"{shadow}.py").unlink()
    listed = said_by("script.py")
    assert "luggin_drivers" in listed
    assert "evil" not in listed
    assert planted() == []


def test_the_current_folder_counts_where_it_is_on_the_path_on_purpose(planted, monkeypatch):
    monkeypatch.setattr(sys, "path", ["/first", *sys.path, str(Path.cwd())])
    with plugin_manager.away_from_here():
        assert str(Path.cwd()) in sys.path
        assert "evil_plugin" in {point.value for point in importlib.metadata.entry_points(group="luggin")}
    monkeypatch.setattr(sys, "path", [str(Path.cwd()), "", *sys.path[:-1]])
    with plugin_manager.away_from_here():
        assert not {str(Path.cwd()), ""} & set(sys.path)
    assert sys.path[:2] == [str(Path.cwd()), ""], "what is imported later is not ours to decide"


def test_a_current_folder_that_was_removed_hinders_nobody(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert asked().infos() == ()
    assert load().infos()


def test_a_module_that_two_entry_points_name_is_an_error(installed):
    module = plugin("oven_plugin")
    installed(InstalledPlugin("ovens", "oven_plugin", module), InstalledPlugin("ovens2", "oven_plugin", module))
    with pytest.raises(PluginError, match="oven_plugin"):
        load()


def test_the_plugins_of_this_distribution_are_found():
    try:
        importlib.metadata.distribution("luggin")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("luggin is not installed (pip install -e .), so it has no entry points")
    found = load()
    provided = {info.name: info.provides for info in found.infos()}
    assert "luggin_drivers" in provided["luggin_drivers"]
    assert {"luggin_analyses", "luggin_readers"} <= set(provided["luggin_plugins"])
    assert "luggin_simulators" in provided["luggin_sim"]
    assert found.driver("palmsens.methodscript").id == "palmsens.methodscript"
    assert found.analysis("cv.half-waves").name == "cv.half-waves"
    assert found.simulator().default_bench_text()


def test_the_command_lists_a_blocked_plugin(monkeypatch, capsys):
    from luggin.cli.looking import plugins as command

    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: [InstalledPlugin("ovens", "oven_plugin")])
    monkeypatch.setenv("LUGGIN_BLOCK_PLUGINS", "ovens")
    assert command.main(["--json"], standalone_mode=False) == 0
    (info,) = json.loads(capsys.readouterr().out)["plugins"]
    assert info["blocked"] is True
    command.main([], standalone_mode=False)
    assert "BLOCKED" in capsys.readouterr().out


# -- mistakes in plugins


@pytest.mark.parametrize(
    ("written", "meant"), [("luggin_driver", "luggin_drivers"), ("lugin_readers", "luggin_readers")]
)
def test_a_misspelt_hook_is_an_error_that_knows_what_was_meant(written, meant):
    with pytest.raises(PluginError) as refusal:
        asked(plugin("oven_plugin", **{written: lambda: []}))
    assert str(refusal.value) == (
        f"plugin 'oven_plugin' implements {written!r}, which is not a hook. Did you mean {meant!r}?"
    )


def test_a_hook_that_resembles_nothing_gets_no_guess():
    with pytest.raises(PluginError) as refusal:
        asked(plugin("oven_plugin", bake=lambda: []))
    assert str(refusal.value) == "plugin 'oven_plugin' implements 'bake', which is not a hook."


def test_a_hook_without_its_mark_is_an_error():
    module = ModuleType("oven_plugin")
    module.luggin_drivers = lambda: []
    with pytest.raises(PluginError, match=r"defines luggin_drivers without @luggin\.hookimpl"):
        asked(module)


def test_unmarked_functions_of_other_names_are_the_plugins_own_business():
    module = plugin("oven_plugin", luggin_drivers=lambda: [driver("oven")])
    module.luggin_oven_helper = lambda: None
    assert list(asked(module).drivers()) == ["oven"]


def test_a_hook_may_be_implemented_under_another_name():
    module = ModuleType("oven_plugin")
    module.ovens = hookimpl(lambda: [driver("oven")], specname="luggin_drivers")
    assert list(asked(module).drivers()) == ["oven"]


def test_a_hook_with_arguments_that_it_does_not_have_is_an_error():
    with pytest.raises(PluginError, match=r"(?s)oven_plugin.*luggin_run_finished.*folder"):
        asked(plugin("oven_plugin", luggin_run_finished=lambda folder: None))


def raising(*_arguments, **_more):
    raise KeyError("oven_sdk")


@pytest.mark.parametrize(
    ("hook", "question"),
    [
        ("luggin_drivers", lambda p: p.drivers()),
        ("luggin_drivers", lambda p: p.driver("oven")),
        ("luggin_analyses", lambda p: p.analyses()),
        ("luggin_techniques", lambda p: p.step_types()),
        ("luggin_readers", lambda p: p.readers()),
        ("luggin_exporters", lambda p: p.exporters()),
        ("luggin_simulators", lambda p: p.simulator()),
    ],
)
def test_a_plugin_that_raises_is_named(hook, question):
    plugins = asked(plugin("good", **{hook: lambda: []}), plugin("oven_plugin", **{hook: lambda: raising()}))
    with pytest.raises(PluginError, match=f"plugin 'oven_plugin' failed in {hook}: KeyError: 'oven_sdk'"):
        question(plugins)


def test_a_factory_that_raises_is_named():
    plugins = asked(plugin("oven_plugin", luggin_analyses=lambda: [lambda: raising()]))
    with pytest.raises(PluginError, match="plugin 'oven_plugin' failed in luggin_analyses: KeyError"):
        plugins.analyses()


@pytest.mark.parametrize(
    ("hook", "things", "question", "words"),
    [
        ("luggin_drivers", lambda: [driver("oven")], lambda p: p.drivers(), "driver 'oven' comes from two plugins"),
        (
            "luggin_analyses",
            lambda: [lambda: named("x")],
            lambda p: p.analyses(),
            "analysis 'x' comes from two",
        ),
    ],
)
def test_two_things_of_one_name_are_an_error_that_names_both_plugins(hook, things, question, words):
    plugins = asked(plugin("one", **{hook: lambda: things()}), plugin("two", **{hook: lambda: things()}))
    with pytest.raises(PluginError, match=words) as refusal:
        question(plugins)
    assert "'one'" in str(refusal.value)
    assert "'two'" in str(refusal.value)


# -- asking


def test_what_plugins_find_is_put_together():
    plugins = asked(
        plugin("one", luggin_drivers=lambda: [driver("a"), driver("b")], luggin_techniques=lambda: [lambda: int]),
        plugin("two", luggin_drivers=lambda: (driver("c"),), luggin_techniques=lambda: [lambda: str]),
        plugin("three", luggin_drivers=lambda: None),
    )
    assert sorted(plugins.drivers()) == ["a", "b", "c"]
    assert plugins.driver("b").id == "b"
    assert set(plugins.step_types()) == {int, str}


def test_an_unknown_name_is_refused_with_what_there_is():
    plugins = asked(
        plugin(
            "one",
            luggin_drivers=lambda: [driver("palmsens.methodscript"), driver("julabo.cf")],
            luggin_analyses=lambda: [lambda: named("cv.half-waves")],
        )
    )
    with pytest.raises(UsageError) as refusal:
        plugins.driver("palmsens.methodscrip")
    assert str(refusal.value) == (
        "unknown driver 'palmsens.methodscrip'. Did you mean 'palmsens.methodscript'? "
        "Installed are: julabo.cf, palmsens.methodscript."
    )
    with pytest.raises(UsageError, match=r"unknown analysis 'zzz'\. Installed are: cv\.half-waves\."):
        plugins.analysis("zzz")


def test_no_simulator_is_a_sentence():
    with pytest.raises(UsageError, match=r"no simulator is installed \(or it is blocked"):
        asked().simulator()


def test_a_plugin_opens_the_lines_that_it_knows_and_others_are_serial_ports():
    line, asked_for = object(), []

    def luggin_open_transport(resource, clock, settings):
        asked_for.append((resource, dict(settings)))
        return line if resource.startswith("gpib://") else None

    plugins, clock = asked(plugin("gpib", luggin_open_transport=luggin_open_transport)), RealClock()
    assert plugins.open_transport("gpib://7", clock, {"eos": 10}) is line
    with pytest.raises(NoInstrument, match="/dev/nope"):
        plugins.open_transport("/dev/nope", clock, {"baudrate": 9600})
    with plugins.open_transport("the loop", clock, {"url": "loop://", "terminator": b"\r"}) as loop:
        assert loop.terminator == b"\r"
    assert asked_for[0] == ("gpib://7", {"eos": 10})
    assert len(asked_for) == 3


def test_a_line_that_a_plugin_cannot_open_stays_the_instruments_error():
    def luggin_open_transport(resource, clock, settings):
        raise LineLost("gpib://7: nobody there")

    with pytest.raises(LineLost, match="nobody there"):
        asked(plugin("gpib", luggin_open_transport=luggin_open_transport)).open_transport("gpib://7", RealClock(), {})


def test_every_plugin_hears_that_a_run_is_over_whatever_the_others_do(caplog):
    heard = []
    plugins = asked(
        plugin("one", luggin_run_finished=lambda run: heard.append(("one", run))),
        plugin("broken", luggin_run_finished=lambda run: raising()),
        plugin("two", luggin_run_finished=lambda run: heard.append(("two", run))),
    )
    plugins.run_finished(Path("runs/1"))
    assert sorted(heard) == [("one", Path("runs/1")), ("two", Path("runs/1"))]
    assert [record.getMessage() for record in caplog.records] == [
        "plugin 'broken' failed in luggin_run_finished for runs/1"
    ]


def test_a_wrapper_is_around_every_answer_and_no_answer_itself():
    seen = []

    def luggin_drivers():
        answer = yield
        seen.append([d.id for group in answer for d in group])
        return answer

    wrapper = ModuleType("watcher")
    wrapper.luggin_drivers = hookimpl(wrapper=True)(luggin_drivers)
    plugins = asked(
        wrapper,
        plugin("one", luggin_drivers=lambda: [driver("a")]),
        plugin("two", luggin_drivers=lambda: [driver("b")]),
    )
    assert sorted(plugins.drivers()) == ["a", "b"]
    assert sorted(seen) == [["a"], ["b"]]


def test_readers_and_exporters_come_as_declared():
    reader = Reader("dta", "Gamry", (".dta",), lambda path, head: False, lambda path: ())
    exporter = Exporter("report", "HTML", ".html", lambda run, target: None)
    plugins = asked(
        plugin("files", luggin_readers=lambda: [reader], luggin_exporters=lambda: [exporter]),
    )
    assert plugins.readers() == [reader]
    assert plugins.exporters() == {"report": exporter}


# -- luggin_bench.py


BENCH = """
from __future__ import annotations
from dataclasses import dataclass
from luggin import hookimpl

@dataclass
class Stirrer:
    id: str = "stirrer"

@hookimpl
def luggin_drivers():
    return [Stirrer()]
"""


@pytest.fixture
def bench(tmp_path):
    """Writes a ``luggin_bench.py`` and gives its folder."""

    def write(text: str, folder: str = ".") -> Path:
        where = tmp_path / folder
        where.mkdir(exist_ok=True)
        (where / BENCH_PLUGIN).write_text(text)
        return where

    yield write
    for name in [name for name in sys.modules if name.startswith("luggin_bench_")]:
        del sys.modules[name]


def test_a_file_beside_the_bench_is_a_plugin(bench):
    plugins = asked()
    folder = bench(BENCH)
    plugins.add_bench_plugin(folder)
    assert plugins.driver("stirrer").id == "stirrer"
    (info,) = plugins.infos()
    assert info.name == f"luggin_bench.py ({folder.resolve()})"
    assert info.provides == ("luggin_drivers",)


def test_no_file_beside_the_bench_is_fine(tmp_path):
    plugins = asked()
    plugins.add_bench_plugin(tmp_path)
    assert plugins.infos() == ()


def test_the_file_beside_a_bench_is_loaded_once_however_the_folder_is_written(bench, monkeypatch):
    folder = bench(BENCH)
    monkeypatch.chdir(folder)
    plugins = asked()
    for spelling in (folder, Path("."), folder / ".." / folder.name, folder):
        plugins.add_bench_plugin(spelling)
    assert len(plugins.infos()) == 1
    assert list(plugins.drivers()) == ["stirrer"]


def test_two_benches_each_have_their_own(bench):
    plugins = asked()
    plugins.add_bench_plugin(bench(BENCH, "one"))
    plugins.add_bench_plugin(bench(BENCH.replace('"stirrer"', '"oven"'), "two"))
    assert sorted(plugins.drivers()) == ["oven", "stirrer"]


def test_the_file_beside_a_bench_is_a_third_party(bench, monkeypatch):
    monkeypatch.setenv("LUGGIN_NO_THIRD_PARTY", "1")
    plugins = asked()
    plugins.add_bench_plugin(bench("raise RuntimeError('not to be executed')"))
    (info,) = plugins.infos()
    assert info.blocked


@pytest.mark.parametrize("by_folder", [False, True])
def test_the_file_beside_a_bench_can_be_blocked(bench, monkeypatch, by_folder):
    folder = bench("raise RuntimeError('not to be executed')")
    name = f"{BENCH_PLUGIN} ({folder.resolve()})" if by_folder else BENCH_PLUGIN
    monkeypatch.setenv("LUGGIN_BLOCK_PLUGINS", name)
    plugins = asked()
    plugins.add_bench_plugin(folder)
    (info,) = plugins.infos()
    assert info.blocked
    assert plugins.drivers() == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import oven_sdk_of_nobody", "ModuleNotFoundError: No module named 'oven_sdk_of_nobody'"),
        ("def luggin_drivers(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_broken_file_beside_the_bench_is_named(bench, text, words):
    folder = bench(text)
    plugins = asked()
    for _ in range(2):
        with pytest.raises(PluginError, match=words) as broken:
            plugins.add_bench_plugin(folder)
        assert str(folder / BENCH_PLUGIN) in str(broken.value)
    assert not [name for name in sys.modules if name.startswith("luggin_bench_")]


@pytest.mark.parametrize(
    ("hook", "words"),
    [("luggin_driver()", "Did you mean 'luggin_drivers'"), ("luggin_run_finished(folder)", "luggin_run_finished")],
)
def test_a_wrong_hook_in_the_file_beside_the_bench_is_refused_every_time(bench, hook, words):
    folder = bench(f"from luggin import hookimpl\n@hookimpl\ndef {hook}: ...\n")
    plugins = asked()
    for _ in range(2):
        with pytest.raises(PluginError, match=words):
            plugins.add_bench_plugin(folder)
    assert plugins.infos() == ()


# -- tracing


def test_every_call_is_traced_on_standard_error(monkeypatch, capsys):
    monkeypatch.setenv("LUGGIN_TRACE_PLUGINS", "1")
    plugins = asked(plugin("one", luggin_drivers=lambda: [driver("a")]))
    plugins.drivers()
    traced = capsys.readouterr()
    assert traced.out == ""
    assert "luggin_drivers [hook]" in traced.err
    assert "finish luggin_drivers" in traced.err


def test_nothing_is_traced_unless_asked_for(capsys):
    asked(plugin("one", luggin_drivers=lambda: [])).drivers()
    assert capsys.readouterr().err == ""


def test_the_trace_of_a_command_leaves_its_output_alone(monkeypatch):
    monkeypatch.setenv("LUGGIN_TRACE_PLUGINS", "1")
    done = subprocess.run(
        [sys.executable, "-m", "luggin", "instruments", "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    assert json.loads(done.stdout)
    assert "luggin_drivers [hook]" in done.stderr
