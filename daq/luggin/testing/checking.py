"""What a check is, and how it says what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from luggin.errors import LugginError

if TYPE_CHECKING:
    from luggin.testing.subject import Subject

Outcome = Literal["passed", "failed", "not applicable"]


class CheckFailed(AssertionError):
    """The driver does not do what the contract requires; the message says what it did instead."""


class NotApplicable(Exception):
    """The contract says nothing about this driver here; the message says why."""


@dataclass(frozen=True)
class Check:
    """One requirement.

    Attributes:
        name: in words joined by underscores; the name of the test method and of the row of the table.
        requires: what is required, for people.
        function: raises `CheckFailed` or `NotApplicable`, or returns.
    """

    name: str
    requires: str
    function: Callable[[Subject], None]


@dataclass(frozen=True)
class Verdict:
    """What one check found; ``detail`` is why it failed or does not apply."""

    check: Check
    outcome: Outcome
    detail: str = ""


def check(function: Callable[[Subject], None]) -> Check:
    """Make a check of a function: its name, and its docstring as what it requires."""
    return Check(function.__name__, " ".join((function.__doc__ or "").split()), function)


def require(condition: object, message: str) -> None:
    """`CheckFailed` with the message unless the condition holds: ``assert`` would be gone under ``python -O``."""
    if not condition:
        raise CheckFailed(message)


def judge(one: Check, subject: Subject) -> Verdict:
    """Do one check. Whatever a driver raises where it should not is a failure of the driver, and is told as one."""
    try:
        one.function(subject)
    except NotApplicable as reason:
        return Verdict(one, "not applicable", str(reason))
    except CheckFailed as failure:
        return Verdict(one, "failed", str(failure))
    except LugginError as error:
        return Verdict(one, "failed", f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - told with its kind; the command line has no other place for it
        return Verdict(one, "failed", f"{type(error).__name__}, which is none of Luggin's errors: {error}")
    return Verdict(one, "passed")
