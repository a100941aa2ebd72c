"""What a run looks after beside its readings: room on the disk, and the computer's own clocks.

Once a second of host time, in a thread that no reading waits for. A disk that fills up ends the run
while there is room for its last words. A computer that slept, or whose time of day was set, changes
no duration; it is an event of the run, because nobody watched the cell meanwhile.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from luggin.clock import ComputerWatch, Disturbance, RealClock
from luggin.engine.events import Event
from luggin.engine.space import SpaceWatch
from luggin.errors import StoreFull
from luggin.units import show_duration

if TYPE_CHECKING:
    from luggin.engine.run import Run

#: Host seconds between two looks.
EVERY = 1.0


class Upkeep:
    """Looks after one run until `close`.

    Args:
        run: which; its ``stop_for`` is called if it has to end.
        space: the watch of its disk.
        computer: the watch of the clocks.
    """

    def __init__(self, run: Run, space: SpaceWatch | None = None, computer: ComputerWatch | None = None) -> None:
        self._run = run
        self._space = space or SpaceWatch(run.folder)
        self._computer = computer or ComputerWatch()
        self._host = RealClock()
        self._over = self._host.cancel()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look once a second from now on."""
        self._thread = threading.Thread(target=self._work, name="upkeep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more. Closing twice is fine."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def look(self) -> None:
        """Look now."""
        run = self._run
        if (what := self._computer.look()) is not None:
            kind = Event.COMPUTER_SLEPT if what.slept else Event.CLOCK_JUMPED
            run.event(kind, words=_told(what), slept=what.slept, jumped=what.jumped)
            run.watcher.said(_told(what))
        if not self._space.words and (words := self._space.look()):
            run.event(Event.DISK_LOW, words=words)
            run.stop_for(StoreFull(words))

    def _work(self) -> None:
        while self._host.sleep(EVERY, self._over):
            self.look()


def _told(what: Disturbance) -> str:
    """What happened to the computer, in words."""
    told = []
    if what.slept:
        told.append(f"the computer slept for {show_duration(what.slept)}; nobody watched the cell meanwhile")
    if what.jumped:
        way = "forward" if what.jumped > 0 else "back"
        told.append(f"the time of day was set {way} by {show_duration(abs(what.jumped))}; no duration depends on it")
    return "; ".join(told)
