"""``guardian.log``: what the guardian did, one JSON record per line.

The file exists only if a guardian had to act. Each time begins with a record ``acts``. It is
written behind what is done: the disk may be what the runner hangs on.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luggin.clock import RealClock
from luggin.platform import DISK, process_id

NAME = "guardian.log"


class Record:
    """Writes down what is done, in a thread of its own. A disk that is full, gone or stuck delays nobody."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._clock = RealClock()
        self._thread = threading.Thread(target=self._write, name="record", daemon=True)
        self._thread.start()
        #: What the disk said, if a record could not be written.
        self.failure: OSError | None = None

    def note(self, what: str, **fields: Any) -> None:
        """One record, with the time of day of now."""
        record = {"utc": self._clock.utc().isoformat(), "guardian": process_id(), "what": what, **fields}
        self._lines.put(json.dumps(record).encode("ascii") + b"\n")

    def close(self, patience: float = 10.0) -> None:
        """Wait (s) until all of it is on the disk."""
        self._lines.put(None)
        self._thread.join(patience)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
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
        safe: role -> how that was verified, or who answers for it now, in words.
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
        did = [f"{role} {how}" for role, how in self.safe.items()]
        did += [f"{role} COULD NOT BE MADE SAFE: {reason}" for role, reason in self.open_ends.items()]
        return f"{self.why}; the guardian acted at {self.utc}: {'; '.join(did)}"


def read_interventions(folder: Path) -> list[Intervention]:
    """What guardians of a run did, oldest first; empty if none had to act. A torn line is left out."""
    try:
        data = (folder / NAME).read_bytes()
    except FileNotFoundError:
        return []
    groups: list[list[dict[str, Any]]] = []
    latest: dict[int, list[dict[str, Any]]] = {}
    for record in filter(None, map(_record, data.split(b"\n"))):
        guardian = record["guardian"]
        if record["what"] == "acts":
            latest[guardian] = []  # also if it was the number of another guardian before
            groups.append(latest[guardian])
        if guardian in latest:
            latest[guardian].append(record)
    return [_intervention(records) for records in groups]


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and {"utc", "guardian", "what"} <= record.keys() else None


def _intervention(records: list[dict[str, Any]]) -> Intervention:
    first = records[0]
    safe: dict[str, str] = {}
    open_ends = {str(role): "the guardian has not said that it is safe" for role in first.get("lines", ())}
    killed = finished = False
    for record in records[1:]:
        what, role = record["what"], str(record.get("role", ""))
        if what in ("made safe", "left running", "handed over"):
            safe[role] = f"was {what} ({record.get('words', '')})"
            open_ends.pop(role, None)
        elif what in ("told, not verified", "not yet safe", "given up"):
            open_ends[role] = str(record.get("words", what))
        elif what == "runner":
            killed = bool(record.get("killed"))
        elif what == "ends":
            finished = True
    return Intervention(str(first["utc"]), str(first.get("why", "")), killed, safe, open_ends, finished)
