"""The observers of one run, each in a thread, and what becomes of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from luggin.clock import Clock
from luggin.errors import LugginError
from luggin.observing.following import last_look
from luggin.observing.states import State
from luggin.plugins import ObserverSource

log = logging.getLogger(__name__)

_MOST = 100
"""Observers of one plugin; a generator that never ends must not start threads for ever."""


class Watch:
    """One thread: a plugin that is asked for its observers, or one of them."""

    def __init__(self, plugin: str, observer: str, work: Callable[[], None]) -> None:
        self._work = work
        self._state = State(plugin, observer, "running")
        #: What it failed with; None if it did not, or not with words for people.
        self.error: LugginError | None = None
        self._thread = threading.Thread(target=self._run, name=f"{plugin} {observer}".strip(), daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except LugginError as error:
            # Words for people, who read them where states are shown: no warning of its own, and no traceback.
            log.info("%s failed: %s", self._thread.name, error)
            self.error = error
            self._state = replace(self._state, state="failed", what=str(error))
        except BaseException as error:
            log.exception("%s failed", self._thread.name)
            what = f"{type(error).__name__}: {error}".removesuffix(": ")
            self._state = replace(self._state, state="failed", what=what)
        else:
            self._state = replace(self._state, state="ended")

    def state(self, now: float, silence: float) -> State:
        """What has become of it. One that follows the run and has not looked for ``silence`` (s) is named."""
        looked = last_look(self._thread.ident or 0)
        if self._state.state == "running" and looked is not None and now - looked > silence:
            return replace(self._state, what=f"has not looked at the run for more than {silence:g} s")
        return self._state


class Watches:
    """All observers of a run."""

    def __init__(self, run: Path, clock: Clock, silence: float) -> None:
        self._run = run
        self._clock = clock
        self._silence = silence
        self._watches: list[Watch] = []
        self._asking: list[Watch] = []

    def begin(self, source: ObserverSource, *, only_ask: bool = False) -> None:
        """Ask a plugin for its observers and start each, on threads of their own; or only ask who there is."""
        self._asking.append(Watch(source.plugin, "", lambda: self._ask(source, only_ask)))

    def _ask(self, source: ObserverSource, only_ask: bool) -> None:
        observers = source.ask(self._run)
        for number, observer in enumerate(observers[:_MOST], 1):
            self._watches.append(Watch(source.plugin, _name(observer, number), _nothing if only_ask else observer))
        if len(observers) > _MOST:
            raise ValueError(f"{len(observers)} observers; the first {_MOST} observe")

    def errors(self) -> list[LugginError]:
        """What plugins and observers failed with that has words for people."""
        watches = [*self._asking, *list(self._watches)]
        return [watch.error for watch in watches if watch.error is not None]

    def states(self) -> list[State]:
        """All observers, and those plugins that are still asked or have failed to answer."""
        now = self._clock.now()
        asking = [watch.state(now, self._silence) for watch in self._asking]
        observing = [watch.state(now, self._silence) for watch in list(self._watches)]
        return [state for state in asking if state.state != "ended"] + observing


def _nothing() -> None:
    """In the place of an observer that is only counted."""


def _name(observer: Callable[[], None], number: int) -> str:
    """What an observer calls itself."""
    said = getattr(observer, "name", None) or getattr(observer, "__qualname__", None)
    return str(said or f"observer {number}")[:80]
