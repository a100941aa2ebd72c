"""What happens to a run, as its observers hear it: beginnings, ends, trips, interruptions.

A run is followed by reading its ``run.log``. So an observer hears nothing that is not on record, hears
everything however late it asks, and slows nothing down.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.clock import RealClock
from luggin.observing.tail import LogTail

if TYPE_CHECKING:
    from luggin.clock import Cancel, Clock

_EVERY_S = 0.2
"""How often a follower looks (host s)."""

_LOOK_AT_LOCK_S = 1.0
"""After so long without news (host s), a follower looks whether the run is still being written."""

_KINDS = {"suspended": "suspend", "monitor lost": "line_lost"}
_SAID_BY_ANOTHER_RECORD = ("started", "resumed", "finished")

#: Thread -> when it last looked at a run (host s), for whoever watches over observers.
_looks: dict[int, float] = {}


@dataclass(frozen=True)
class Happening:
    """Something that happened to a run.

    ``kind`` is one of

    ``started``, ``resumed``
        a process took the run
    ``step_began``, ``step_ended``
        ``words`` of an end are its status: ``done``, ``end_step``, ``interrupted`` or ``failed``
    ``trip``
        a limit was left; ``words`` say which
    ``suspend``, ``continued``
        the cell was opened to wait for a condition; it has come back
    ``line_lost``, ``reconnected``
        an instrument's line broke; it was found again
    ``gap``
        nothing was measured from ``record["from"]`` to ``record["to"]`` (run time, s)
    ``finished``
        the run is over; ``words`` are its outcome
    ``cut_off``
        its process is gone without having said so

    or the name of another event of ``run.log`` (``prepared``, ``made_safe``, ``stop_asked`` ...).

    ``time`` is run time (s), ``utc`` the time of day, ``record`` what stands in ``run.log``.
    """

    kind: str
    time: float
    utc: datetime | None = None
    words: str = ""
    path: str = ""
    do: str = ""
    record: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Follower:
    """Follows one run: `new` gives what has happened since the last call, and waits for nothing.

    Args:
        folder: the run folder.
        whole: from the beginning of the run; otherwise from where its last process took it.
        clock: host time, for how often to look whether anybody writes the run.

    Raises:
        RunFolderError: it is not a run folder.
    """

    def __init__(self, folder: Path, *, whole: bool = False, clock: Clock | None = None) -> None:
        self.folder = folder
        #: The run's header: title, sample, bench, protocol, ``simulated`` and more.
        self.header: Mapping[str, Any] = {}
        #: True once the run has ended; there will be no more news.
        self.over = False
        self._tail = LogTail(folder)
        self._clock = clock or RealClock()
        self._look_at = self._clock.now() + _LOOK_AT_LOCK_S
        self._session: Mapping[str, Any] = {}
        self._doing: dict[str, str] = {}
        self._last = 0.0
        self._skip = not whole

    def new(self) -> list[Happening]:
        """What happened since the last call, in order.

        Raises:
            OSError: ``run.log`` cannot be read.
        """
        now = self._clock.now()
        _looks[threading.get_ident()] = now
        if self.over:
            return []
        records = self._tail.new()
        if not records and now >= self._look_at and self._is_abandoned():
            records = self._tail.new()  # an end that was written in the moment between
            news = self._told(records)
            if not self.over:
                self.over = True
                news.append(Happening("cut_off", self._last, self._utc(self._last), "its program is gone"))
            return news
        if records or now >= self._look_at:
            self._look_at = now + _LOOK_AT_LOCK_S
        return self._told(records)

    def _told(self, records: list[dict[str, Any]]) -> list[Happening]:
        """Records as news; those before the last session, at the first look, are only taken note of."""
        first = 0
        if self._skip and records:
            self._skip = False
            first = max((n for n, record in enumerate(records) if record.get("kind") == "session"), default=0)
        news: list[Happening] = []
        for number, record in enumerate(records):
            happenings = list(self._happenings(record))
            news += happenings if number >= first else ()
        return news

    def _happenings(self, record: Mapping[str, Any]) -> Iterator[Happening]:
        kind = record.get("kind")
        self._last = max(self._last, float(record.get("time", 0.0)))
        if kind == "run":
            self.header = record
        elif kind == "session":
            yield from self._taken(record)
        elif kind == "start":
            self._doing[str(record["path"])] = str(record.get("do", ""))
            yield self._about(record, "step_began", str(record.get("label", "")))
        elif kind in ("end", "interrupted", "failed"):
            yield self._about(record, "step_ended", str(record.get("status", "done") if kind == "end" else kind))
        elif kind == "event" and record.get("what") not in _SAID_BY_ANOTHER_RECORD:
            what = str(record.get("what", ""))
            yield self._about(record, _KINDS.get(what, what.replace(" ", "_")), _words(record))
        elif kind == "finish":
            self.over = True
            yield self._about(record, "finished", str(record.get("outcome", "")))

    def _taken(self, record: Mapping[str, Any]) -> Iterator[Happening]:
        """A process took the run: for the first time, or again after a gap."""
        self._session = record
        self.over = False
        resumed = record.get("reason") == "resume"
        yield self._about(record, "resumed" if resumed else "started", "")
        if isinstance(gap := record.get("gap"), Mapping):
            yield self._about({"time": record.get("time", 0.0), **gap}, "gap", "nobody had the run")

    def _about(self, record: Mapping[str, Any], kind: str, words: str) -> Happening:
        time, path = float(record.get("time", 0.0)), str(record.get("path", ""))
        return Happening(kind, time, self._utc(time), words, path, self._doing.get(path, ""), record)

    def _utc(self, time: float) -> datetime | None:
        """The time of day at a run time: tied to the wall where the run was taken, at the run's own speed."""
        if not self._session.get("utc"):
            return None
        speed = 1.0 if self.header.get("virtual") else float(self.header.get("speed") or 1.0)
        passed = (time - float(self._session.get("time", 0.0))) / speed
        return datetime.fromisoformat(str(self._session["utc"])) + timedelta(seconds=passed)

    def _is_abandoned(self) -> bool:
        """True if the process that has the run is gone, or has given the run back without an end."""
        from luggin.store import is_being_written

        if is_being_written(self.folder):
            return False
        # A network drive may know no locks: there only the process itself tells.
        return not _is_alive(int(self._session.get("pid", 0)))


def follow(
    folder: Path,
    *,
    whole: bool = False,
    clock: Clock | None = None,
    every: float = _EVERY_S,
    stop: Cancel | None = None,
) -> Iterator[Happening]:
    """What happens to a run, as it happens, until the run is over.

    Args:
        folder: the run folder. Finished runs can be followed too: they are told at once.
        whole: from the beginning of the run; otherwise from where its last process took it.
        clock: host time, for the waits in between.
        every: how often to look (host s).
        stop: a token of that clock that ends the following.

    Raises:
        RunFolderError: it is not a run folder.
    """
    clock = clock or RealClock()
    follower = Follower(folder, whole=whole, clock=clock)
    cancels = () if stop is None else (stop,)
    while True:
        yield from follower.new()
        if follower.over or not clock.sleep(every, *cancels):
            return


def last_look(thread: int) -> float | None:
    """When a thread last looked at the run that it follows (host s, monotonic); None if it follows none."""
    return _looks.get(thread)


def _words(record: Mapping[str, Any]) -> str:
    """What an event says for people."""
    return str(record.get("words") or record.get("verified") or "")


if sys.platform == "win32":

    def _is_alive(pid: int) -> bool:
        """Windows shares locks on every drive, so the lock has said it."""
        return False

else:

    def _is_alive(pid: int) -> bool:
        if pid <= 0:
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # somebody else's, and alive
        return True
