"""What a run has already done, read from its ``run.log``.

On resume the protocol is executed again from its beginning. Calls that completed give back what
they gave then; the first one that did not is where the run goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from luggin import errors
from luggin.errors import Divergence, LugginError, RunFolderError


@dataclass
class PathHistory:
    """Everything that happened under one path."""

    path: str
    do: str
    fingerprint: str
    step: int
    attempts: int = 0
    request: Mapping[str, Any] = field(default_factory=dict)
    establishes: tuple[str, ...] = ()
    ended: Mapping[str, Any] | None = None


class History:
    """The log of a run in the form in which replay asks for it.

    Args:
        records: what `RunLog.read` gave.
    """

    def __init__(self, records: Iterable[Mapping[str, Any]] = ()) -> None:
        self.header: Mapping[str, Any] = {}
        self.paths: dict[str, PathHistory] = {}
        self.order: list[str] = []
        self.sessions = 0
        self.protocols: list[Mapping[str, Any]] = []
        self.finished: Mapping[str, Any] | None = None
        #: The limit that stopped the run, in words, until somebody cleared it.
        self.trip = ""
        self.last_time = 0.0
        for record in records:
            self._add(record)

    def _add(self, record: Mapping[str, Any]) -> None:
        kind = record.get("kind")
        if kind == "run":
            self.header = record
        elif kind == "session":
            self.sessions += 1
            self.finished = None
            if record.get("trip_cleared"):
                self.trip = ""
        elif kind == "protocol":
            self.protocols.append(record)
        elif kind == "start":
            self._started(record)
        elif kind in ("end", "failed") and not record.get("re_established"):
            entry = self.paths.get(str(record["path"]))
            if entry is not None:
                entry.ended = record
        elif kind == "finish":
            self._finished(record)
        elif kind == "event" and record.get("what") == "trip" and record.get("then") == "stop":
            self.trip = str(record.get("words") or "it tripped")  # also if the run was killed before it could end
        elif kind == "cleared":
            self.trip = ""
        self.last_time = max(self.last_time, float(record.get("time", 0.0)))

    def _started(self, record: Mapping[str, Any]) -> None:
        path = str(record["path"])
        entry = self.paths.get(path)
        if entry is None:
            entry = PathHistory(path, record["do"], record["fingerprint"], int(record["step"]))
            self.paths[path] = entry
            self.order.append(path)
        if not record.get("re_established"):
            # What came behind the completed prefix may have been changed for this attempt.
            entry.do, entry.fingerprint = record["do"], record["fingerprint"]
            entry.request = record.get("request", {})
            entry.establishes = tuple(record.get("establishes", ()))
            entry.ended = None
        entry.attempts = max(entry.attempts, int(record.get("attempt", 1)))

    def _finished(self, record: Mapping[str, Any]) -> None:
        self.finished = record
        if record.get("outcome") == "limit tripped":
            self.trip = str(record.get("trip") or "it tripped")
        # An exception that ended the run was not caught by the script: its call is done again.
        path = record.get("failed_path")
        if path in self.paths:
            self.paths[path].ended = None

    @property
    def steps(self) -> int:
        """How many step numbers are taken."""
        return max((entry.step for entry in self.paths.values()), default=0)

    def recorded(self, path: str, do: str, fingerprint: str) -> Mapping[str, Any] | None:
        """The record of a completed call, or None if it has to be done (again).

        Raises:
            Divergence: another step was done under this path.
        """
        entry = self.paths.get(path)
        if entry is None or entry.ended is None:
            return None
        if (entry.do, entry.fingerprint) != (do, fingerprint):
            raise Divergence(
                f"step {path} of this run was {entry.do!r} and is completed, but the protocol now has "
                f"{'another' if do == entry.do else 'a'} {do!r} there. Steps that were done cannot be changed: "
                "resume with the protocol as it was, or start a new run."
            )
        return entry.ended

    def require_prefix(self, calls: Iterable[tuple[str, str, str]]) -> None:
        """Check a protocol (path, step and fingerprint of each call) against what was done, before anything is opened.

        Raises:
            Divergence: a completed call is another one now, or is not there any more.
        """
        missing = {path: entry for path, entry in self.paths.items() if entry.ended is not None}
        for path, do, fingerprint in calls:
            self.recorded(path, do, fingerprint)
            missing.pop(path, None)
        for path, entry in missing.items():
            raise Divergence(
                f"step {path} of this run was {entry.do!r} and is completed, but the protocol has no such step. "
                "Steps that were done cannot be taken out: resume with the protocol as it was, or start a new run."
            )

    def attempt(self, path: str) -> int:
        """The number of the next attempt at a path."""
        entry = self.paths.get(path)
        return 1 if entry is None else entry.attempts + 1

    def step_number(self, path: str) -> int | None:
        """The step number that a path has, if it was started before."""
        entry = self.paths.get(path)
        return None if entry is None else entry.step

    def latest_establishing(self, before: str | None = None) -> dict[str, PathHistory]:
        """For each state of the sample, the completed step that established it last."""
        states: dict[str, PathHistory] = {}
        for path in self.order:
            if path == before:
                break
            entry = self.paths[path]
            if entry.ended is not None and entry.ended["kind"] == "end":
                for state in entry.establishes:
                    states[state] = entry
        return states

    def require_resumable(self, folder: object) -> None:
        """RunFolderError if there is nothing to resume."""
        if not self.header:
            raise RunFolderError(f"{folder}: run.log has no header; this is not a run that can be resumed")
        if self.finished is not None and self.finished.get("outcome") == "completed":
            raise RunFolderError(
                f"{folder}: this run is completed; there is nothing to resume. Start a new run instead."
            )


def recorded_error(record: Mapping[str, Any]) -> LugginError:
    """The exception of a ``failed`` record, as it was raised then."""
    said = record.get("error", {})
    kind = getattr(errors, str(said.get("type")), LugginError)
    message = str(said.get("message", "failed"))
    if isinstance(kind, type) and issubclass(kind, LugginError):
        try:
            return kind(message)
        except TypeError:
            return LugginError(message)
    return LugginError(message)
