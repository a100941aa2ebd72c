"""Finds plugins and asks them: installed packages, and ``luggin_bench.py`` beside a bench file.

``LUGGIN_BLOCK_PLUGINS=name,name`` leaves plugins out (by the name of the entry point, of its module
or of the distribution, or ``luggin_bench.py``); ``LUGGIN_NO_THIRD_PARTY=1`` leaves out all that do not
come with Luggin; ``LUGGIN_TRACE_PLUGINS=1`` prints every hook call to standard error.
"""

from __future__ import annotations

import json
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
from luggin.discovery import (
    BENCH_PLUGIN,
    OURS,
    away_from_here,
    import_file,
    installed_points,
    is_blocked,
    meant,
    provided,
    register,
)
from luggin.errors import PluginError, UsageError

if TYPE_CHECKING:
    from luggin.capabilities import Driver, Identity
    from luggin.clock import Clock
    from luggin.hookspecs import Exporter, Reader, Simulator
    from luggin.results import Analysis
    from luggin.transport import Transport

LARGEST_METADATA = 1 << 16
"""Bytes of JSON that one plugin may add to the attributes of a store, which are written anew with every commit."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PluginInfo:
    """One plugin as ``luggin plugins`` lists it."""

    name: str
    distribution: str
    version: str
    provides: tuple[str, ...]
    blocked: bool = False


@dataclass(frozen=True)
class ObserverSource:
    """A plugin that observes runs. ``ask`` gives its observers of a run, ``configured_by`` names the file it needs."""

    plugin: str
    configured_by: str | None
    ask: Callable[[Path], Sequence[Callable[[], None]]]


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
        if is_blocked(name, BENCH_PLUGIN, third_party=True):
            self._infos.append(PluginInfo(name, str(path), "", (), blocked=True))
            return
        module = import_file(path)
        register(self._manager, module, name)
        self._infos.append(PluginInfo(name, str(path), "", provided(self._manager, module)))

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
                f"unknown driver {driver_id!r}.{meant(driver_id, drivers)} Installed are: {', '.join(sorted(drivers))}."
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
                f"unknown analysis {name!r}.{meant(name, analyses)} Installed are: {', '.join(sorted(analyses))}."
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

    def identify(self, transport: Transport, idn: str) -> Identity | None:
        """Who answered ``idn``, by a plugin that knows; None if none does.

        Raises:
            PluginError: a plugin raised, or answered something else than an identity.
        """
        from luggin.capabilities import Identity

        for plugin, call in self._callers("luggin_identify"):
            try:
                said = call(transport=transport, idn=idn)
            except Exception as error:
                raise _failed(plugin, "luggin_identify", error) from error
            if isinstance(said, Identity):
                return said
            if said is not None:
                raise PluginError(f"plugin {plugin!r} answered {said!r:.80} to luggin_identify: not an Identity")
        return None

    def check_run(self, plan: Callable[[], Mapping[str, Any]], bench: Mapping[str, Any]) -> None:
        """Ask every plugin whether a run may start. ``plan`` is made if there is somebody to ask.

        Raises:
            UsageError: a plugin refuses; all refusals are in the message.
            PluginError: a plugin raised, or answered something else than a text or None.
        """
        callers = self._callers("luggin_check_run")
        about = plan() if callers else {}
        refusals: list[str] = []
        for plugin, call in callers:
            try:
                said = _only(call(plan=about, bench=bench))
            except Exception as error:
                raise _failed(plugin, "luggin_check_run", error) from error
            if isinstance(said, str) and said.strip():
                refusals.append(f"plugin {plugin!r} refuses this run: {said.strip()}")
            elif said is not None:
                raise PluginError(
                    f"plugin {plugin!r} answered {said!r:.80} to luggin_check_run: a refusal is a text that says why"
                )
        if refusals:
            raise UsageError("\n".join(refusals))

    def run_metadata(self, run: Path, taken: Iterable[str] = ()) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """What plugins add to a store's attributes, and which of them failed (``plugin``, ``what``).

        Args:
            run: folder of the run.
            taken: names that are Luggin's own.
        """
        found: dict[str, Any] = {}
        owners = dict.fromkeys(taken, "Luggin")
        faults: list[dict[str, str]] = []
        for plugin, call in self._callers("luggin_run_metadata"):
            try:
                added = _plain(_only(call(run=run)))
                if clash := next((key for key in added if key in owners), None):
                    raise ValueError(f"{clash!r} is an attribute of {owners[clash]} already")
            except Exception as error:
                log.exception("plugin %r failed in luggin_run_metadata for %s", plugin, run)
                faults.append({"plugin": plugin, "what": f"{type(error).__name__}: {error}"})
                continue
            found |= added
            owners |= dict.fromkeys(added, f"plugin {plugin!r}")
        return found, faults

    def observers(self) -> list[ObserverSource]:
        """The plugins that observe runs. Nobody is asked by this."""
        implementations = {i.plugin_name: i.function for i in self.hook.luggin_observers.get_hookimpls()}
        return [
            ObserverSource(plugin, getattr(implementations[plugin], "luggin_configured_by", None), _observers(call))
            for plugin, call in self._callers("luggin_observers")
        ]

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
                raise _failed(plugin, hook, error) from error
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
        for point in installed_points():
            distribution, version = (point.dist.name, point.dist.version) if point.dist else ("?", "")
            if is_blocked(point.name, point.value, distribution, third_party=distribution != OURS):
                infos.append(PluginInfo(point.value, distribution, version, (), blocked=True))
                continue
            try:
                with away_from_here():
                    module = point.load()
            except Exception as error:
                raise PluginError(
                    f"plugin {point.value!r} of {distribution} {version} cannot be loaded: {error}"
                ) from error
            register(manager, module, point.value)
            infos.append(PluginInfo(point.value, distribution, version, provided(manager, module)))
    for module in modules:
        register(manager, module, module.__name__)
        infos.append(PluginInfo(module.__name__, "", "", provided(manager, module)))
    return Plugins(manager, infos)


def _failed(plugin: str, hook: str, error: Exception) -> PluginError:
    return PluginError(f"plugin {plugin!r} failed in {hook}: {type(error).__name__}: {error}")


def _only(answers: Sequence[Any]) -> Any:
    """What one plugin answers; pluggy leaves None out."""
    return answers[0] if answers else None


def _plain(metadata: Any) -> dict[str, Any]:
    """Metadata as plain JSON, as they will be read back. Raises ValueError or TypeError if they are not."""
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping) or not all(isinstance(key, str) for key in metadata):
        raise TypeError(f"{metadata!r:.80} does not map names to values")
    text = json.dumps(dict(metadata), allow_nan=False)
    if len(text) > LARGEST_METADATA:
        raise ValueError(f"{len(text)} bytes of JSON; at most {LARGEST_METADATA} fit beside the data")
    return dict(json.loads(text))


def _observers(call: Callable[..., Any]) -> Callable[[Path], Sequence[Callable[[], None]]]:
    def ask(run: Path) -> Sequence[Callable[[], None]]:
        observers = list(_only(call(run=run)) or ())
        for observer in observers:
            if not callable(observer):
                raise TypeError(f"{observer!r:.80} cannot be called, so it is no observer")
        return observers

    return ask


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
