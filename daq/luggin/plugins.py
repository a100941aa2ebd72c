"""Finds plugins and asks them: installed packages, and ``luggin_bench.py`` beside a bench file.

``LUGGIN_BLOCK_PLUGINS=name,name`` leaves plugins out (by the name of the entry point, of its module
or of the distribution, or ``luggin_bench.py``); ``LUGGIN_TRACE_PLUGINS=1`` prints every hook call to
standard error.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from luggin import hookspecs
from luggin.errors import PluginError, UsageError

if TYPE_CHECKING:
    from luggin.capabilities import Driver
    from luggin.clock import Clock
    from luggin.hookspecs import Exporter, Reader, Simulator
    from luggin.results import Analysis
    from luggin.transport import Transport

GROUP = "luggin"
BENCH_PLUGIN = "luggin_bench.py"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PluginInfo:
    """One plugin as ``luggin plugins`` lists it."""

    name: str
    distribution: str
    version: str
    provides: tuple[str, ...]
    blocked: bool = False


class Plugins:
    """The plugins of this process. Made by `load`; every question to them goes through here."""

    def __init__(self, manager: pluggy.PluginManager, infos: Sequence[PluginInfo]) -> None:
        self._manager = manager
        self._infos = list(infos)

    @property
    def hook(self) -> Any:
        """Pluggy's hook relay."""
        return self._manager.hook

    def infos(self) -> tuple[PluginInfo, ...]:
        """What is installed, with versions and the hooks that each implements."""
        return tuple(self._infos)

    def add_bench_plugin(self, folder: Path) -> None:
        """Load ``luggin_bench.py`` beside a bench file, if there is one.

        Raises:
            PluginError: it cannot be imported, or implements a hook that does not exist.
        """
        path = folder.resolve() / BENCH_PLUGIN
        name = f"{BENCH_PLUGIN} ({path.parent})"
        if not path.is_file() or any(info.name == name for info in self._infos):
            return
        if {name, BENCH_PLUGIN} & _blocked():
            self._infos.append(PluginInfo(name, str(path), "", (), blocked=True))
            return
        module = _import_file(path)
        _register(self._manager, module, name)
        self._infos.append(PluginInfo(name, str(path), "", _provides(self._manager, module)))

    def drivers(self) -> dict[str, Driver]:
        """All drivers by id.

        Raises:
            PluginError: a plugin is broken, or two drivers have one id.
        """
        return _by_key("driver", "id", self._ask("luggin_drivers"))

    def driver(self, driver_id: str) -> Driver:
        """One driver.

        Raises:
            UsageError: there is none of this id; names what there is.
        """
        drivers = self.drivers()
        if driver_id not in drivers:
            raise UsageError(
                f"unknown driver {driver_id!r}.{_meant(driver_id, drivers)} "
                f"Installed are: {', '.join(sorted(drivers))}."
            )
        return drivers[driver_id]

    def analyses(self) -> dict[str, Analysis]:
        """All analyses by name. Loads numpy.

        Raises:
            PluginError: a plugin is broken, or two analyses have one name.
        """
        return _by_key("analysis", "name", self._ask("luggin_analyses", make=True))

    def analysis(self, name: str) -> Analysis:
        """One analysis.

        Raises:
            UsageError: there is none of this name; names what there is.
        """
        analyses = self.analyses()
        if name not in analyses:
            raise UsageError(
                f"unknown analysis {name!r}.{_meant(name, analyses)} Installed are: {', '.join(sorted(analyses))}."
            )
        return analyses[name]

    def step_types(self) -> list[type[Any]]:
        """Step classes that plugins contribute."""
        return [step_type for _, step_type in self._ask("luggin_techniques", make=True)]

    def readers(self) -> list[Reader]:
        """All readers of foreign files."""
        return [reader for _, reader in self._ask("luggin_readers")]

    def exporters(self) -> dict[str, Exporter]:
        """All writers of other formats by name."""
        return _by_key("exporter", "name", self._ask("luggin_exporters"))

    def simulator(self) -> Simulator:
        """The simulated laboratory.

        Raises:
            UsageError: none is installed.
        """
        simulators = self._ask("luggin_simulators")
        if not simulators:
            raise UsageError("no simulator is installed (or it is blocked by LUGGIN_BLOCK_PLUGINS)")
        return simulators[0][1]  # type: ignore[no-any-return]  # pluggy has no types for what hooks return

    def open_transport(self, resource: str, clock: Clock, settings: Mapping[str, Any]) -> Transport:
        """Open a line: by a plugin that knows this kind of resource, or by its name (`luggin.transport.open_line`)."""
        line = self.hook.luggin_open_transport(resource=resource, clock=clock, settings=settings)
        if line is not None:
            return line  # type: ignore[no-any-return]
        from luggin.transport import open_line

        return open_line(resource, clock, **settings)

    def run_finished(self, run: Path) -> None:
        """Tell every plugin that a run is over. One that raises is logged by name and keeps nobody from hearing it."""
        for plugin, call in self._callers("luggin_run_finished"):
            try:
                call(run=run)
            except Exception:
                log.exception("plugin %r failed in luggin_run_finished for %s", plugin, run)

    def _ask(self, hook: str, *, make: bool = False) -> list[tuple[str, Any]]:
        """What all plugins answer to a hook that finds things, as (plugin, thing).

        ``make`` calls each thing, for hooks that answer with factories. A plugin that raises is named.
        """
        found: list[tuple[str, Any]] = []
        for plugin, call in self._callers(hook):
            try:
                for things in call():
                    found += [(plugin, thing() if make else thing) for thing in things]
            except Exception as error:
                raise PluginError(f"plugin {plugin!r} failed in {hook}: {type(error).__name__}: {error}") from error
        return found

    def _callers(self, hook: str) -> list[tuple[str, Callable[..., Any]]]:
        """Each plugin that implements a hook, and the hook as it alone answers it, in pluggy's order.

        The call goes through pluggy, so that tracing and wrappers see it.
        """
        answering = [i for i in getattr(self.hook, hook).get_hookimpls() if not (i.wrapper or i.hookwrapper)]
        callers: list[tuple[str, Callable[..., Any]]] = []
        for impl in reversed(answering):
            others = [other.plugin for other in answering if other.plugin is not impl.plugin]
            callers.append((impl.plugin_name, self._manager.subset_hook_caller(hook, others)))
        return callers


def load(*, discover: bool = True, modules: Sequence[ModuleType] = ()) -> Plugins:
    """Find and register all plugins.

    Args:
        discover: look for installed packages (tests of the plugin manager say no).
        modules: further modules to register.

    Raises:
        PluginError: a plugin cannot be imported, or implements a hook that does not exist.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    if os.environ.get("LUGGIN_TRACE_PLUGINS"):
        manager.trace.root.setwriter(lambda text: sys.stderr.write(text))
        manager.enable_tracing()
    infos: list[PluginInfo] = []
    if discover:
        for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda p: p.value):
            distribution, version = (point.dist.name, point.dist.version) if point.dist else ("?", "")
            if {point.name, point.value, distribution} & _blocked():
                infos.append(PluginInfo(point.value, distribution, version, (), blocked=True))
                continue
            try:
                module = point.load()
            except Exception as error:
                raise PluginError(
                    f"plugin {point.value!r} of {distribution} {version} cannot be loaded: {error}"
                ) from error
            _register(manager, module, point.value)
            infos.append(PluginInfo(point.value, distribution, version, _provides(manager, module)))
    for module in modules:
        _register(manager, module, module.__name__)
        infos.append(PluginInfo(module.__name__, "", "", _provides(manager, module)))
    return Plugins(manager, infos)


def _register(manager: pluggy.PluginManager, module: ModuleType, name: str) -> None:
    """Register a module whose hooks all exist, are marked and have the right arguments."""
    known = {hook for hook in vars(hookspecs) if hook.startswith("luggin_")}
    for attribute, value in vars(module).items():
        options = getattr(value, "luggin_impl", None)
        hook = (options or {}).get("specname") or attribute
        if options is not None and hook not in known:
            raise PluginError(f"plugin {name!r} implements {hook!r}, which is not a hook.{_meant(hook, known)}")
        if options is None and attribute in known and callable(value):
            raise PluginError(f"plugin {name!r} defines {attribute} without @luggin.hookimpl: it would not be called")
    try:
        manager.register(module, name)
    except (pluggy.PluginValidationError, ValueError) as error:
        if manager.get_plugin(name) is module:
            manager.unregister(module)
        raise PluginError(f"plugin {name!r}: {error}") from error


def _provides(manager: pluggy.PluginManager, module: ModuleType) -> tuple[str, ...]:
    return tuple(sorted(caller.name for caller in manager.get_hookcallers(module) or ()))


def _import_file(path: Path) -> ModuleType:
    name = f"luggin_bench_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path}: not a Python file that can be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look a class up in its module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise PluginError(f"{path}: cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _blocked() -> set[str]:
    return {name.strip() for name in os.environ.get("LUGGIN_BLOCK_PLUGINS", "").split(",") if name.strip()}


def _by_key(kind: str, attribute: str, found: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Things by their key. Two of one key are an error: which one is meant must not depend on what is installed."""
    things: dict[str, tuple[str, Any]] = {}
    for plugin, thing in found:
        key = getattr(thing, attribute)
        if key in things:
            raise PluginError(
                f"{kind} {key!r} comes from two plugins, {things[key][0]!r} and {plugin!r}. Block one of them with "
                "LUGGIN_BLOCK_PLUGINS."
            )
        things[key] = (plugin, thing)
    return {key: thing for key, (_, thing) in things.items()}


def _meant(word: str, known: Mapping[str, Any] | set[str]) -> str:
    close = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
