"""Steps for people: a question with answers, and a note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luggin.clock import RealClock
from luggin.errors import UsageError

if TYPE_CHECKING:
    from luggin.engine.execution import Attempt, Executed
    from luggin.steps import Note, Prompt


def note(attempt: Attempt, step: Note) -> Executed:
    """Write a text into the run."""
    attempt.run.watcher.said(step.text)
    return "done", [], {"text": step.text}


def prompt(attempt: Attempt, step: Prompt) -> Executed:
    """Ask the person at the bench, for as long as the step allows (host time: people live in it)."""
    run = attempt.run
    timeout = step.timeout
    until = None if timeout is None else RealClock().now() + timeout
    answers = run.people.ask(step.text, step.fields, run.soft, until)
    if run.soft.is_set:
        raise run.interrupted()
    if answers is None:
        if step.on_timeout == "stop":
            raise UsageError(f"nobody answered within {timeout:g} s: {step.text!r}")
        return "done", [], {"answers": {}, "answered": "timeout"}
    return "done", [], {"answers": dict(answers), "answered": "yes"}
