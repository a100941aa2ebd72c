"""All checks in their order, as methods of a class for pytest and as a list for the command line."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from luggin.testing import answering, breaking, declared, disturbed, ranging, running, safety, stopping, tempering
from luggin.testing.checking import Check, NotApplicable, Verdict, judge
from luggin.testing.subject import Subject

#: Every requirement of the contract, from what is only declared to what breaks.
CHECKS: tuple[Check, ...] = (
    *declared.CHECKS,
    *running.CHECKS,
    *ranging.CHECKS,
    *answering.CHECKS,
    *tempering.CHECKS,
    *stopping.CHECKS,
    *safety.CHECKS,
    *disturbed.CHECKS,
    *breaking.CHECKS,
)


def verdicts(subject: Subject) -> Iterator[Verdict]:
    """Do all checks, one after the other."""
    for check in CHECKS:
        yield judge(check, subject)


class DriverContract:
    """What every driver has to pass, for pytest; a subclass says which driver.

    ::

        from luggin.testing import DriverContract


        class TestP1(DriverContract):
            driver = "example.p1"
            settings = {"model": "p1"}

    Each check is a method ``test_<name of the check>`` whose docstring says what is required. A check that
    says nothing about this driver is skipped with its reason. The attributes are those of
    `luggin.testing.Subject`.
    """

    driver: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]] = {}
    twin: ClassVar[Mapping[str, Any]] = {}
    accuracy: ClassVar[float] = 0.01
    patience: ClassVar[float | None] = None
    examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    @classmethod
    @functools.cache
    def subject(cls) -> Subject:
        """The driver as the checks see it."""
        return Subject(cls.driver, cls.settings, cls.twin, cls.accuracy, cls.patience, cls.examples)


def _as_method(check: Check) -> Callable[[DriverContract], None]:
    def method(self: DriverContract) -> None:
        try:
            check.function(self.subject())
        except NotApplicable as reason:
            import pytest

            pytest.skip(str(reason))

    method.__name__ = f"test_{check.name}"
    method.__qualname__ = f"{DriverContract.__name__}.{method.__name__}"
    method.__doc__ = check.requires
    return method


for _check in CHECKS:
    setattr(DriverContract, f"test_{_check.name}", _as_method(_check))
