"""The conformance kit: what every driver has to pass, usable from any package.

`DriverContract` is a class for pytest, `verdicts` the same checks without it; both run a driver against its
simulated twin in virtual time. `dialogue` plays a scripted line to a driver that has no twin yet.
``docs/reference/conformance.md`` lists the checks.
"""

from luggin.testing.checking import Check, CheckFailed, NotApplicable, Verdict
from luggin.testing.contract import CHECKS, DriverContract, verdicts
from luggin.testing.dialogue import Pause, ScriptedLine, dialogue
from luggin.testing.hardware import announcement, holds_a_cell, verdicts_on_hardware
from luggin.testing.subject import Subject

__all__ = [
    "CHECKS",
    "Check",
    "CheckFailed",
    "DriverContract",
    "NotApplicable",
    "Pause",
    "ScriptedLine",
    "Subject",
    "Verdict",
    "announcement",
    "dialogue",
    "holds_a_cell",
    "verdicts",
    "verdicts_on_hardware",
]
