"""Every hook of Luggin. Hooks find things; readings never travel through them.

A package takes part by an entry point in the group ``luggin`` that names a module; the module
implements any of these with ``luggin.hookimpl``. A file ``luggin_bench.py`` beside the bench file
is a plugin without packaging. A misspelt hook is an error at start. Modules named by entry points
are imported at start: they must not import numpy, scipy, pydantic or matplotlib at their top.

Hooks are called on the main thread unless they say otherwise. "First result" means that the first answer that is not
None wins and later plugins are not asked. The plugin that was registered last is asked first, unless
it says ``hookimpl(trylast=True)``. ``docs/reference/hooks.md`` has a section for each hook.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pluggy

if TYPE_CHECKING:
    from luggin.capabilities import Driver, Identity
    from luggin.clock import Clock
    from luggin.errors import Problem
    from luggin.results import Analysis, Table
    from luggin.transport import Transport

PROJECT = "luggin"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


_Function = TypeVar("_Function", bound=Callable[..., Any])


def configured_by(file: str) -> Callable[[_Function], _Function]:
    """Mark an implementation of `luggin_observers` that has nothing to do without a file of this name.

    The file is looked for beside the bench file and in the user's folder (`luggin.observing.configuration_files`).
    Where there is none, no process is started for the plugin. Stands below ``@luggin.hookimpl``.
    """

    def mark(function: _Function) -> _Function:
        function.__dict__["luggin_configured_by"] = file
        return function

    return mark


@dataclass(frozen=True)
class Reader:
    """Reads foreign files of one format into tables.

    ``recognises(path, head)`` sees the first 4096 bytes and must not raise; ``read(path)`` raises
    `luggin.errors.FileFormatError` for a file that is not what it claims. ``read_mapped(path, mapping)``
    is for readers that take a mapping: a file in which a person says what the data file does not say.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Path, bytes], bool]
    read: Callable[[Path], Sequence[Table]]
    read_mapped: Callable[[Path, Path], Sequence[Table]] | None = None


@dataclass(frozen=True)
class Exporter:
    """Writes a finished run in another format: ``write(run_folder, target)``."""

    name: str
    title: str
    suffix: str
    write: Callable[[Path, Path], None]


class Lab(Protocol):
    """An open simulated laboratory, in this process."""

    @property
    def names(self) -> Sequence[str]:
        """Names of its instruments, as in ``sim://name``."""
        ...

    def url(self, name: str) -> str:
        """What `luggin.transport.open_line` opens for ``sim://name``."""
        ...

    def cell_is_on(self, name: str) -> bool:
        """True while the instrument's cell circuit is closed (for tests of safety)."""
        ...

    def truth(self, name: str) -> Mapping[str, Any]:
        """The true parameters of the cell, for tests of the whole. Analyses cannot reach this."""
        ...

    def close(self) -> None:
        """Forget the ports."""
        ...


class Simulator(Protocol):
    """Simulated laboratories from the ``[simulated]`` tables of bench files."""

    id: str

    def check(self, tables: Mapping[str, Any]) -> Sequence[Problem]:
        """All mistakes in the tables, with paths such as ``simulated.cell.model``."""
        ...

    def open_lab(self, tables: Mapping[str, Any], clock: Clock) -> Lab:
        """A fresh laboratory in the time of ``clock``."""
        ...

    def default_bench_text(self) -> str:
        """The bench that is used where a protocol names none, as TOML."""
        ...

    def twin_table(self, driver_id: str, settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """A simulated table that stands in for a real instrument in a rehearsal."""
        ...

    def serve(
        self,
        tables: Mapping[str, Any],
        speed: float,
        log_folder: Path | None,
        announce: Callable[[Mapping[str, Any]], None],
        stop: Callable[[], bool],
    ) -> None:
        """Serve the laboratory to other processes until ``stop()`` is true."""
        ...


@hookspec
def luggin_drivers() -> Sequence[Driver]:
    """The drivers of a package. Called whenever a bench file is read or an instrument is opened.

    If it raises, or two drivers have one id, the plugin is named and the command ends with exit code 2.
    """
    raise NotImplementedError


@hookspec
def luggin_techniques() -> Sequence[Callable[[], type[Any]]]:
    """Further step types: callables that return a `luggin.steps.Step` class. Called before a protocol is read.

    If it (or one of the callables) raises, the plugin is named and the protocol is not read.
    """
    raise NotImplementedError


@hookspec
def luggin_analyses() -> Sequence[Callable[[], Analysis]]:
    """Analyses: callables that return a `luggin.results.Analysis` (so that numpy loads when one is used).

    Called when a protocol is read and when an analysis is asked for. If it (or one of the callables)
    raises, or two analyses have one name, the plugin is named; measured data are not affected.
    """
    raise NotImplementedError


@hookspec
def luggin_readers() -> Sequence[Reader]:
    """Readers of foreign files. Called by ``luggin analyse FILE``; the first that recognises the file reads it.

    If it raises, the plugin is named and the command ends with exit code 2.
    """
    raise NotImplementedError


@hookspec
def luggin_exporters() -> Sequence[Exporter]:
    """Writers of other formats for finished runs. The exporter ``report`` writes the report of a run.

    Called after ``luggin run`` and ``luggin resume``, and by ``luggin report``. If it raises, the command
    says so; the run stays what it is.
    """
    raise NotImplementedError


@hookspec
def luggin_simulators() -> Sequence[Simulator]:
    """Simulated laboratories; the first one of all answers is used (``hookimpl(tryfirst=True)`` comes before Luggin's).

    Called when a bench has ``sim://`` resources, by rehearsals, and by ``luggin sim``. If it raises, the
    plugin is named and the command ends with exit code 2.
    """
    raise NotImplementedError


@hookspec
def luggin_observers(run: Path) -> Sequence[Callable[[], None]]:
    """Observers of a run. They run in one child process that reads the run folder, never in the runner.

    Called in that process once the run has begun, with its folder, on a thread for each plugin; every
    observer gets a thread of its own and may end when it likes. `luggin.observing.follow` tells what
    happens. One that raises, hangs or dies costs the run nothing and is named in the run's footer, by its
    ``name`` if it has one.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def luggin_open_transport(resource: str, clock: Clock, settings: Mapping[str, Any]) -> Transport | None:
    """Open a line of a kind that Luggin does not know. First result.

    Called when an instrument is connected. ``settings`` are the line settings of the driver and, for
    simulated ports, ``url``. Return None for resources of other kinds; raise an `InstrumentError` if
    the line cannot be opened: the run does not start.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def luggin_identify(transport: Transport, idn: str) -> Identity | None:
    """Make sense of an identification that the driver does not understand. First result.

    Called while an instrument is connected, on the thread that owns the line, after its driver has refused
    what answered. An identity is a plugin's word that the driver may go on; None leaves the refusal as it
    is. The cell is opened and verified before anything else all the same. If it raises, the run does not
    start.
    """
    raise NotImplementedError


@hookspec
def luggin_check_run(plan: Mapping[str, Any], bench: Mapping[str, Any]) -> str | None:
    """Look at a run before it starts or is taken up again; a text is a refusal. All plugins are asked.

    Called before anything is opened or written, on the thread of the run. ``plan`` has ``title``,
    ``sample``, ``limits``, ``analyses``, ``monitors``, ``steps`` (expanded, each with its ``path``; none of a
    script), ``protocol`` (kind, name, text, digest), ``bench`` (path of the bench file or None),
    ``simulated`` and ``resumed``; ``bench`` is the bench file's data. A refusal, or a plugin that raises,
    stops the run.
    """
    raise NotImplementedError


@hookspec
def luggin_run_metadata(run: Path) -> Mapping[str, Any]:
    """Further metadata for the store's root attributes, plain JSON of at most 64 KiB.

    Called before the first step, with the folder of the run, on its thread. If it raises, or takes a name
    that is taken, the run goes on without it and the plugin is named in ``run.log``.
    """
    raise NotImplementedError


@hookspec
def luggin_run_finished(run: Path) -> None:
    """Called after a run's outcome is recorded and every instrument is safe.

    That is at the end of ``luggin run``, of ``luggin resume``, and of a rehearsal, whose folder is
    temporary. If it raises, that is logged; the outcome of the run stays what it is.
    """
    raise NotImplementedError
