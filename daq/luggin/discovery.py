"""Where plugins are looked for, and what is refused before it becomes one.

Plugins are installed packages and one file beside the bench; nothing is ever taken from the current
folder because it is the current folder.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import pluggy

from luggin import hookspecs
from luggin.errors import PluginError

GROUP = "luggin"
BENCH_PLUGIN = "luggin_bench.py"
OURS = "luggin"
"""The distribution whose plugins are not those of a third party."""


def installed_points() -> list[importlib.metadata.EntryPoint]:
    """The entry points of installed packages, always in the same order."""
    with away_from_here():
        return sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: point.value)


def is_blocked(*names: str, third_party: bool) -> bool:
    """True if a plugin with these names is left out: by its name, or because it is not Luggin's own."""
    blocked = {name.strip() for name in os.environ.get("LUGGIN_BLOCK_PLUGINS", "").split(",") if name.strip()}
    return bool(blocked.intersection(names)) or (third_party and bool(os.environ.get("LUGGIN_NO_THIRD_PARTY")))


@contextlib.contextmanager
def away_from_here() -> Iterator[None]:
    """Within the block, modules and packages are not looked for in the current folder.

    ``python -m`` and ``python -c`` put it in front of everything that is installed; a file in a folder of
    measurements must not become a part of Luggin by its name. A folder that is on the path for another
    reason (an editable installation, PYTHONPATH) stays there.
    """
    before = list(sys.path)
    sys.path[:] = [place for number, place in enumerate(before) if not _is_here_by_accident(number, place)]
    try:
        yield
    finally:
        sys.path[:] = before


def _is_here_by_accident(number: int, place: str) -> bool:
    if place in ("", os.curdir):
        return True
    # The first entry is Python's own doing; an empty name in PYTHONPATH is a slip of the shell.
    empty_name = "" in os.environ.get("PYTHONPATH", "x").split(os.pathsep)
    implicit = (number == 0 and not sys.flags.safe_path) or empty_name
    return implicit and os.path.realpath(place) == _here()


def _here() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except FileNotFoundError:  # the current folder was removed
        return ""


def import_file(path: Path) -> ModuleType:
    """A file as a module, under a name that no other has.

    Raises:
        PluginError: it cannot be imported.
    """
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


def register(manager: pluggy.PluginManager, module: ModuleType, name: str) -> None:
    """Register a module whose hooks all exist, are marked and have the right arguments.

    Raises:
        PluginError: they are not.
    """
    known = {hook for hook in vars(hookspecs) if hook.startswith("luggin_")}
    for attribute, value in vars(module).items():
        options = getattr(value, "luggin_impl", None)
        hook = (options or {}).get("specname") or attribute
        if options is not None and hook not in known:
            raise PluginError(f"plugin {name!r} implements {hook!r}, which is not a hook.{meant(hook, known)}")
        if options is None and attribute in known and callable(value):
            raise PluginError(f"plugin {name!r} defines {attribute} without @luggin.hookimpl: it would not be called")
    try:
        manager.register(module, name)
    except (pluggy.PluginValidationError, ValueError) as error:
        if manager.get_plugin(name) is module:
            manager.unregister(module)
        raise PluginError(f"plugin {name!r}: {error}") from error


def provided(manager: pluggy.PluginManager, module: ModuleType) -> tuple[str, ...]:
    """The hooks that a registered module implements."""
    return tuple(sorted(caller.name for caller in manager.get_hookcallers(module) or ()))


def meant(word: str, known: Iterable[str]) -> str:
    """The known name that a misspelt one resembles, as a question to be appended; empty if there is none."""
    close = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
