"""What became of each observer, in ``observers.json``: their process writes it, the runner reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FORMAT = 1
STATES = "observers.json"
LOG = "observers.log"
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


def read_states(folder: Path, pid: int) -> list[State]:
    """The states that process ``pid`` wrote; none if it wrote none, or something else."""
    try:
        with (folder / STATES).open("rb") as file:
            data: Any = json.loads(file.read(_LARGEST))
        if data["pid"] != pid:
            return []  # an earlier session's
        return [State(s["plugin"], s["observer"], s["state"], s["what"]) for s in data["observers"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
