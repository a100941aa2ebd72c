"""The runner's handle on the process of its observers: started and read, never waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from luggin.observing.places import configuration_files
from luggin.observing.states import LOG, STILL_DELIVERING, State, read_states

if TYPE_CHECKING:
    from luggin.plugins import ObserverSource, Plugins


@dataclass(frozen=True)
class Confinement:
    """What the process of the observers may take.

    Attributes:
        memory: address space (bytes), and never more than half of the computer's memory.
        log_bytes: size of ``observers.log``; what is printed beyond it is thrown away.
        grace: time that observers have after the end of the run (s).
        silence: an observer that has not looked at the run for so long is named as hanging (s).
    """

    memory: int = 4 << 30
    log_bytes: int = 1 << 20
    grace: float = 30.0
    silence: float = 60.0

    def arguments(self) -> list[str]:
        """For the command line of the process."""
        return [f"--{name.replace('_', '-')}={value}" for name, value in vars(self).items()]


class Observers:
    """All observers of one run, in one process. Made by `start`."""

    def __init__(
        self, folder: Path, process: subprocess.Popen[bytes] | None, plugins: Sequence[str], fault: str = ""
    ) -> None:
        self._folder = folder
        self._process = process
        self._plugins = plugins
        self._fault = fault

    @classmethod
    def start(
        cls, folder: Path, plugins: Plugins, bench: Path | None = None, confinement: Confinement | None = None
    ) -> Observers | None:
        """Start the process, if anybody observes; None costs nothing.

        Nothing is raised and nothing is waited for: a process that cannot be started is a fault that
        `close` names.

        Args:
            folder: the run folder, with its ``run.log``.
            plugins: of the runner.
            bench: path of the bench file; its folder may have a ``luggin_bench.py`` and settings of observers.
            confinement: what the process may take.
        """
        names = [source.plugin for source in with_something_to_do(plugins, bench)]
        if not names:
            return None
        command = [sys.executable, "-P", "-m", "luggin.observing", str(folder.resolve())]
        if bench is not None:
            command += ["--bench", str(bench.resolve())]
        try:
            return cls(folder, _spawn([*command, *(confinement or Confinement()).arguments()], folder / LOG), names)
        except OSError as error:
            return cls(folder, None, names, f"the observers' process cannot be started: {error}")

    def close(self, within: float = 0.5) -> list[dict[str, str]]:
        """What is wrong with the observers (``plugin``, ``observer``, ``what``), for the footer of the run.

        Called when the end of the run is in ``run.log``. Waits for the process at most ``within`` host
        seconds; one that is still busy then ends by itself, after its grace.
        """
        if self._process is None:
            return [State("", "", "failed", self._fault).fault()]
        try:
            code: int | None = self._process.wait(within)
        except subprocess.TimeoutExpired:
            code = None
            # Reaped when it has ended, so that a long-lived program with many runs keeps no dead processes.
            threading.Thread(target=self._process.wait, name="reaper", daemon=True).start()
        states = read_states(self._folder, self._process.pid)
        faults = [state.fault() for state in states if state.what]
        unfinished = [state for state in states if state.state == "running" and not state.what]
        if not states:  # it has said nothing yet, and it is known whom it was to ask
            unfinished = [State(plugin, "", "running") for plugin in self._plugins]
        if code is None:
            faults += [state.fault(STILL_DELIVERING) for state in unfinished]
        elif code != 0:
            running = ", ".join(f"{state.plugin} {state.observer}".strip() for state in unfinished)
            during = f" while these were running: {running}" if running else ""
            faults.append(State("", "", "failed", f"the observers' process died ({_how(code)}){during}").fault())
        return faults


def with_something_to_do(plugins: Plugins, bench: Path | None) -> list[ObserverSource]:
    """The plugins that observe runs, without those whose configuration is not there."""
    return [
        source
        for source in plugins.observers()
        if source.configured_by is None or configuration_files(source.configured_by, bench)
    ]


def _spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A process that no Ctrl-C reaches, with no descriptor of ours but its log."""
    environment = dict(os.environ)
    # The packages that this process found, wherever it was started and whatever folder it is in by now.
    environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(place) for place in sys.path if place)
    environment.setdefault("OMP_NUM_THREADS", "1")
    windows = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    with log.open("ab") as printed:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            env=environment,
            start_new_session=True,
            creationflags=windows,
        )


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
