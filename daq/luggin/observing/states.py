"""What became of each observer, in ``observers.json``: their process writes it, the runner reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FORMAT = 1
STATES = "observers.json"
LOG = "observers.log"
STILL_DELIVERING = "still delivering"
"""What the footer says of an observer that was busy when the run ended; ``observers.json`` says what became of it."""

_LARGEST = 1 << 20
_LONGEST_WORDS = 500


@dataclass(frozen=True)
class State:
    """One observer: ``what`` says what is wrong with it and is empty otherwise.

    A plugin whose hook failed has a state without an observer.
    """

    plugin: str
    observer: str
    state: Literal["running", "ended", "failed"]
    what: str = ""

    def fault(self, what: str | None = None) -> dict[str, str]:
        """As the run's footer has it."""
        return {"plugin": self.plugin, "observer": self.observer, "what": (what or self.what)[:_LONGEST_WORDS]}


def write_states(folder: Path, states: Iterable[State]) -> None:
    """Replace the file in one step: who reads it sees the old states or the new ones.

    Raises:
        OSError: it cannot be written.
    """
    draft = folder / f".{STATES}.{os.getpid()}"
    data = {"format": FORMAT, "pid": os.getpid(), "observers": [vars(state) for state in states]}
    draft.write_text(json.dumps(data, indent=1), encoding="utf-8")
    os.replace(draft, folder / STATES)


def faults_of(folder: Path, records: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What went wrong with the observers of a run (``plugin``, ``observer``, ``what``), as far as is known by now.

    What the footers of the run say; instead of "still delivering" what became of it since. A run
    that goes on, or was cut off, has no footer: there it is what `observers.json` says.

    Args:
        folder: the run folder.
        records: of its ``run.log``.
    """
    footers = [dict(fault) for r in records if r.get("kind") == "observers" for fault in r.get("faults", ())]
    busy = [fault for fault in footers if fault.get("what") == STILL_DELIVERING]
    states = read_states(folder)
    found = [fault for fault in footers if fault not in busy] + [state.fault() for state in states if state.what]
    if busy:
        late = [state.fault(STILL_DELIVERING) for state in states if state.state == "running" and not state.what]
        found += late if states else busy
    return [fault for number, fault in enumerate(found) if fault not in found[:number]]


def read_states(folder: Path, pid: int | None = None) -> list[State]:
    """The states that process ``pid`` wrote, or whoever wrote them last; none if there are none, or something else."""
    try:
        with (folder / STATES).open("rb") as file:
            data: Any = json.loads(file.read(_LARGEST))
        if pid is not None and data["pid"] != pid:
            return []  # an earlier session's
        return [State(s["plugin"], s["observer"], s["state"], s["what"]) for s in data["observers"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
