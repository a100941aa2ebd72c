"""Finds plugins and asks them: installed packages, and ``luggin_bench.py`` beside a bench file.

``LUGGIN_BLOCK_PLUGINS=name,name`` leaves plugins out; ``LUGGIN_TRACE_PLUGINS=1`` prints every hook
call to standard error.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
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
    from luggin.hookspecs import Reader, Simulator
    from luggin.results import Analysis
    from luggin.transport import Transport

GROUP = "luggin"
BENCH_PLUGIN = "luggin_bench.py"


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
        """pluggy's hook relay."""
        return self._manager.hook

    def infos(self) -> tuple[PluginInfo, ...]:
        """What is installed, with versions and the hooks that each implements."""
        return tuple(self._infos)

    def add_bench_plugin(self, folder: Path) -> None:
        """Load ``luggin_bench.py`` beside a bench file, if there is one.

        Raises:
            PluginError: it cannot be imported, or implements a hook that does not exist.
        """
        path = folder / BENCH_PLUGIN
        name = f"{BENCH_PLUGIN} ({folder})"
        if not path.is_file() or self._manager.has_plugin(name) or name in _blocked():
            return
        module = _import_file(path)
        _register(self._manager, module, name)
        self._infos.append(PluginInfo(name, str(path), "", _provides(self._manager, module)))

    def drivers(self) -> dict[str, Driver]:
        """All drivers by id."""
        return {d.id: d for group in self.hook.luggin_drivers() for d in group}

    def driver(self, driver_id: str) -> Driver:
        """One driver.

        Raises:
            UsageError: there is none of this id; names what there is.
        """
        drivers = self.drivers()
        if driver_id not in drivers:
            raise UsageError(
                f"unknown driver {driver_id!r}.{_meant(driver_id, drivers)} Installed are: {', '.join(sorted(drivers))}."
            )
        return drivers[driver_id]

    def analyses(self) -> dict[str, Analysis]:
        """All analyses by name. Loads numpy."""
        return {a.name: a for group in self.hook.luggin_analyses() for a in (make() for make in group)}

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
        return [make() for group in self.hook.luggin_techniques() for make in group]

    def readers(self) -> list[Reader]:
        """All readers of foreign files."""
        return [reader for group in self.hook.luggin_readers() for reader in group]

    def simulator(self) -> Simulator:
        """The simulated laboratory.

        Raises:
            UsageError: none is installed.
        """
        simulators = [s for group in self.hook.luggin_simulators() for s in group]
        if not simulators:
            raise UsageError("no simulator is installed (or it is blocked by LUGGIN_BLOCK_PLUGINS)")
        return simulators[0]

    def open_transport(self, resource: str, clock: Clock, settings: Mapping[str, Any]) -> Transport:
        """Open a line: by a plugin that knows this kind of resource, or as a serial port."""
        line = self.hook.luggin_open_transport(resource=resource, clock=clock, settings=settings)
        if line is not None:
            return line  # type: ignore[no-any-return]
        from luggin.transport import SerialTransport

        return SerialTransport(resource, clock, **settings)


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
    known = {hook for hook in vars(hookspecs) if hook.startswith("luggin_")}
    for attribute in vars(module):
        if (
            attribute.startswith("luggin_")
            and hasattr(getattr(module, attribute), "luggin_impl")
            and attribute not in known
        ):
            raise PluginError(
                f"plugin {name!r} implements {attribute!r}, which is not a hook.{_meant(attribute, known)}"
            )
    try:
        manager.register(module, name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise PluginError(f"plugin {name!r}: {error}") from error


def _provides(manager: pluggy.PluginManager, module: ModuleType) -> tuple[str, ...]:
    return tuple(sorted(caller.name for caller in manager.get_hookcallers(module) or ()))


def _import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"luggin_bench_{abs(hash(path))}", path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path}: not a Python file that can be imported")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise PluginError(f"{path}: cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _blocked() -> set[str]:
    return {name.strip() for name in os.environ.get("LUGGIN_BLOCK_PLUGINS", "").split(",") if name.strip()}


def _meant(word: str, known: Mapping[str, Any] | set[str]) -> str:
    close = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
