"""What a run tells the person who watches it. The faces decide how it looks."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Protocol


class Watcher(Protocol):
    """Follows a run. Called between readings only; ``rows`` is a plain number to look at."""

    rows: int

    def began(self, run: str, simulated: bool) -> None:
        """The run has its folder and every cell was verified to be open."""
        ...

    def step_began(self, path: str, title: str, duration: float, rows: int) -> None:
        """A step starts; its planned duration (lab s) and rows."""
        ...

    def step_ended(self, path: str, status: str) -> None:
        """A step is over: ``done``, ``end_step``, ``replayed``, ``interrupted`` or ``failed``."""
        ...

    def said(self, text: str) -> None:
        """Something to know: a note, a trip, a stop that is under way."""
        ...


class Silent:
    """Nobody watches."""

    def __init__(self) -> None:
        self.rows = 0

    def began(self, run: str, simulated: bool) -> None:
        """Nothing."""

    def step_began(self, path: str, title: str, duration: float, rows: int) -> None:
        """Nothing."""

    def step_ended(self, path: str, status: str) -> None:
        """Nothing."""

    def said(self, text: str) -> None:
        """Nothing."""


class Lines(Silent):
    """Progress as plain lines on standard error, for logs, pipes and scripts."""

    def began(self, run: str, simulated: bool) -> None:
        """Name the folder, and say when nothing in it is real."""
        print(f"{'SIMULATED ' if simulated else ''}run in {run}", file=sys.stderr)

    def said(self, text: str) -> None:
        """Print it."""
        print(text, file=sys.stderr)


class People(Protocol):
    """The person at the bench, as prompts see them."""

    def ask(
        self, text: str, fields: Mapping[str, str], cancelled: Any, until: float | None
    ) -> Mapping[str, str] | None:
        """Show a text, wait for a yes and for a value of each field (name -> unit).

        Returns the answers, or None when ``until`` (host time) came first.

        Raises:
            Interrupted: ``cancelled.is_set`` became true.
            UsageError: nobody can be asked.
        """
        ...


class SimulatedOperator:
    """Answers prompts of a run in virtual time: yes, and no values."""

    def ask(self, text: str, fields: Mapping[str, str], cancelled: Any, until: float | None) -> Mapping[str, str]:
        """Yes."""
        return {}
