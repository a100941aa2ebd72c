"""``guardian.log``: what the guardian did, one JSON record per line, on the disk before it goes on.

The file exists only if a guardian had to act. Each time begins with a record ``acts``.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luggin.clock import RealClock
from luggin.platform import DISK, process_id

NAME = "guardian.log"


class Record:
    """Writes down what is done. A disk that is full or gone keeps nobody from making a cell safe."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._lock = threading.Lock()
        self._clock = RealClock()
        self.failure: OSError | None = None

    def note(self, what: str, **fields: Any) -> None:
        """One record, synced. A failure of the disk is kept in ``failure`` and told to nobody: there is nobody."""
        record = {"utc": self._clock.utc().isoformat(), "guardian": process_id(), "what": what, **fields}
        line = json.dumps(record).encode("ascii") + b"\n"
        with self._lock:
            try:
                fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
                try:
                    os.write(fd, line)
                    DISK.sync(fd)
                finally:
                    os.close(fd)
            except OSError as error:
                self.failure = error


@dataclass(frozen=True)
class Intervention:
    """One time that a guardian acted.

    Attributes:
        utc: when it began.
        why: what made it act.
        killed: it ended the runner.
        safe: role -> how that was verified, in words.
        open_ends: role -> why it is not known to be safe; empty if all is well.
        finished: the guardian has ended; False also if it was killed itself.
    """

    utc: str
    why: str
    killed: bool = False
    safe: Mapping[str, str] = field(default_factory=dict)
    open_ends: Mapping[str, str] = field(default_factory=dict)
    finished: bool = False

    @property
    def words(self) -> str:
        """In one sentence."""
        did = [f"{role} was made safe ({how})" for role, how in self.safe.items()]
        did += [f"{role} COULD NOT BE MADE SAFE ({reason})" for role, reason in self.open_ends.items()]
        return f"{self.utc}: {self.why}; the guardian acted: {'; '.join(did) or 'nothing is known to be done'}"


def read_interventions(folder: Path) -> list[Intervention]:
    """What guardians of a run did, oldest first; empty if none had to act. A torn last line is left out."""
    try:
        data = (folder / NAME).read_bytes()
    except FileNotFoundError:
        return []
    found: dict[int, list[dict[str, Any]]] = {}
    for line in data.split(b"\n"):
        record = _record(line)
        if record is not None:
            found.setdefault(int(record["guardian"]), []).append(record)
    return [_intervention(records) for records in found.values() if records[0]["what"] == "acts"]


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and {"utc", "guardian", "what"} <= record.keys() else None


def _intervention(records: list[dict[str, Any]]) -> Intervention:
    first = records[0]
    safe: dict[str, str] = {}
    open_ends = dict.fromkeys(first["lines"], "the guardian has not said so")
    killed = finished = False
    for record in records[1:]:
        what, role = record["what"], record.get("role", "")
        if what in ("made safe", "left running", "handed over"):
            safe[role] = record["words"]
            open_ends.pop(role, None)
        elif what in ("told, not verified", "not yet safe", "given up"):
            open_ends[role] = record["words"]
        elif what == "runner":
            killed = bool(record["killed"])
        elif what == "ends":
            finished = True
    return Intervention(first["utc"], first["why"], killed, safe, open_ends, finished)
