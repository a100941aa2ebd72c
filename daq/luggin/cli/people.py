"""The person at the terminal: progress for the eyes, prompts for the hands."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from luggin.clock import RealClock
from luggin.engine.progress import Lines, People, Silent, SimulatedOperator, Watcher
from luggin.errors import UsageError

if TYPE_CHECKING:
    from luggin.bench import Bench


def people_for(yes: bool, bench: Bench | None) -> People | None:
    """Who answers prompts; None leaves it to the engine (a simulated operator in virtual time)."""
    if yes:
        return SimulatedOperator()
    return Operator() if sys.stdin.isatty() else None


class Operator:
    """The person at the keyboard. Reading is done by a thread, so that a stop is never waited for."""

    def ask(
        self, text: str, fields: Mapping[str, str], cancelled: Any, until: float | None
    ) -> Mapping[str, str] | None:
        """Show the text, wait for Enter and for a value of each field."""
        click.echo(f"\n>>> {text}", err=True)
        answers: dict[str, str] = {}
        for name, unit in fields.items():
            answer = self._line(f"    {name} ({unit or 'text'}): ", cancelled, until, name, unit)
            if answer is None:
                return None
            answers[name] = answer
        if not fields and self._line("    Enter to go on: ", cancelled, until, "", "") is None:
            return None
        return answers

    def _line(self, label: str, cancelled: Any, until: float | None, name: str, unit: str) -> str | None:
        clock = RealClock()
        while True:
            click.echo(label, nl=False, err=True)
            got: list[str] = []
            reader = threading.Thread(target=lambda: got.append(sys.stdin.readline()), daemon=True)  # noqa: B023
            reader.start()
            while reader.is_alive():
                if cancelled.is_set or (until is not None and clock.now() >= until):
                    return None
                reader.join(0.1)
            if got and got[0] == "":
                raise UsageError("standard input ended while a prompt was waiting for an answer")
            answer = got[0].strip()
            problem = _problem(answer, name, unit)
            if problem is None:
                return answer
            click.echo(f"    {problem}", err=True)


def _problem(answer: str, name: str, unit: str) -> str | None:
    """What is wrong with an answer, or None. A bare number is taken in the unit of the field."""
    from luggin.errors import UnitError
    from luggin.units import parse

    if not name or not unit:
        return None if answer or not name else f"{name} is needed"
    try:
        parse(answer if not _is_number(answer) else f"{answer} {unit}", unit)
    except UnitError as error:
        return str(error)
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class Bar(Silent):
    """Progress as a bar with the step, the rows and the time that is left.

    The time left is the plan's, corrected by the rate at which rows really come.
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.completed:.0f}/{task.total:.0f} rows"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            auto_refresh=False,
        )
        self._title = title
        self._task: Any = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._refresh, name="progress", daemon=True)

    def start(self) -> None:
        """Show it."""
        self._progress.start()
        self._thread.start()

    def stop(self) -> None:
        """Take it away."""
        self._stop.set()
        self._thread.join()
        self._progress.stop()

    def _refresh(self) -> None:
        while not self._stop.wait(0.5):
            if self._task is not None:
                self._progress.update(self._task, completed=self.rows)
            self._progress.refresh()

    def began(self, run: str, simulated: bool) -> None:
        """Name the folder."""
        mark = "[yellow]SIMULATED[/yellow] " if simulated else ""
        self._console.print(f"{mark}run in {run}")

    def step_began(self, path: str, title: str, duration: float, rows: int) -> None:
        """Start a bar of its own for the step."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self.rows = 0
        self._task = self._progress.add_task(f"step {path}: {title}", total=max(rows, 1))

    def said(self, text: str) -> None:
        """Print it above the bar."""
        self._console.print(text)


@contextlib.contextmanager
def watching(as_json: bool, title: str) -> Iterator[Watcher]:
    """The watcher that fits this terminal."""
    if as_json:
        yield Silent()
    elif sys.stderr.isatty():
        bar = Bar(title)
        bar.start()
        try:
            yield bar
        finally:
            bar.stop()
    else:
        yield Lines()
