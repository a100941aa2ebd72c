"""What differs between the models: numbers of the values, working ranges; and the words of the status codes.

The commands are those of the manual of the CF31 and CF41, chapter 11. What other models do otherwise
is known from the notes of people who drive them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

MAKER = "JULABO"


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes:
        title: as its maker writes it.
        says: a regular expression for its name in the answer to ``version``.
        values: the numbers of values that are not the same on all models (``in_pv_<number>``).
        lowest, highest: working temperature (degC), not from a manual: conservative.
        selects: it has three set points, of which ``in_mode_01`` says the active one.
    """

    title: str
    says: str
    values: Mapping[str, str] = field(default_factory=lambda: {"heater": "01", "external": "02"})
    lowest: float = -20.0
    highest: float = 150.0
    selects: bool = False


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "cf31": Model("CF31 Cryo-Compact", r"\bCF31\b", lowest=-30.0, highest=200.0, selects=True),
        "cf41": Model("CF41 Cryo-Compact", r"\bCF41\b", lowest=-40.0, highest=200.0, selects=True),
        "fp50-mh": Model(
            "FP50-MH",
            r"\bFP50-MH\b",
            {"heater": "02", "external": "01"},
            -50.0,
            200.0,
        ),
        "fp50-he": Model("FP50-HE", r"\bFP50-HE\b", lowest=-50.0, highest=200.0),
        "fpw55": Model("FPW55", r"\bFPW55", lowest=-50.0, highest=100.0),
        "other": Model("another circulator with the commands of the CF31", r".", selects=False),
    }
)
"""The models; ``other`` is for those that are not in the table, and is never chosen by itself."""

UNCONFIRMED = (
    "Seven data bits (setting bytesize): common, but not in the manual's chapter.",
    "The end of a reply: line feed by the manual, carriage return and line feed in practice; both are read.",
    "The answer to in_sp_06 (temperature unit): 0 or C is read as degC, 1 or F as degF (setting ask_unit).",
    "What is answered for an external sensor that is not there: a status, dashes, or -15 are taken for no reading.",
    "Working ranges of the models; narrow them with the settings lowest and highest.",
    "Models other than CF31 and CF41: which numbers their values have is from notes of people who drive them.",
    "Whether the status after a refused command stays until the next one.",
)

MANUAL_STOP, MANUAL_START, REMOTE_STOP, REMOTE_START = range(4)

STATUS: Mapping[int, str] = MappingProxyType(
    {
        MANUAL_STOP: "stopped, controlled from its panel",
        MANUAL_START: "started, controlled from its panel",
        REMOTE_STOP: "stopped, remote control",
        REMOTE_START: "started, remote control",
        -1: "low level alarm",
        -3: "high temperature warning",
        -4: "low temperature warning",
        -5: "the working temperature sensor is broken or shorted",
        -6: "working and safety sensor differ by more than 35 K",
        -7: "internal (I2C) error",
        -8: "invalid command",
        -9: "command not allowed in the current mode",
        -10: "value too small",
        -11: "value too large",
        -12: "error of the A/D converter",
        -13: "value exceeds the warning limits, but was stored",
        -14: "excess temperature protector",
        -15: "external sensor selected, but missing",
        -20: "warning of the condenser",
        -21: "warning of the compressor",
        -26: "stand-by plug is missing",
        -33: "safety sensor is broken or shorted",
        -38: "external sensor: set point without a value",
        -40: "level warning",
    }
)
"""What the numbers of ``status`` mean."""

REFUSALS = frozenset({-8, -9, -10, -11, -13, -38})
"""Codes that speak of the last command, not of the circulator."""

NO_SENSOR = -15


def words_of(code: int) -> str:
    """A status code with its meaning."""
    return f"{code:03d} ({STATUS.get(code, 'unknown status')})"


def model_saying(version: str) -> str | None:
    """The key of the model that answers ``version`` like this; None if it is not in the table."""
    found = (key for key, model in MODELS.items() if key != "other" and re.search(model.says, version, re.IGNORECASE))
    return next(found, None)
