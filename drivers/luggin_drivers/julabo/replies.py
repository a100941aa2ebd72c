"""What the circulator's answers mean. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from luggin_drivers.julabo.tables import words_of

_VERSION = re.compile(r"JULABO\s+(?P<name>.+?)(?:,?\s+VERSION\s*:?\s*(?P<version>\S+))?", re.IGNORECASE)
_STATUS = re.compile(r"(?P<code>-?\d{2})(?:\s+(?P<text>\S.*))?")
_DECIMALS = re.compile(r"[-+]?\d+\.\d+")
#: A status in the place of a value: a code and words.
_STATUS_FOR_A_VALUE = re.compile(r"-\d{2}\s+[A-Za-z].*")
#: No Pt100 measures outside of this (degC).
_PT100 = (-200.0, 850.0)


@dataclass(frozen=True)
class Version:
    """The answer to ``version``: the name of the circulator and the number of its program."""

    name: str
    firmware: str


def version_of(reply: str) -> Version | None:
    """Who answers; None if it is no Julabo.

    >>> version_of("JULABO CRYOCOMPACT CF31 VERSION 5.0")
    Version(name='CRYOCOMPACT CF31', firmware='5.0')
    """
    match = _VERSION.fullmatch(reply.strip())
    return None if match is None else Version(match["name"], match["version"] or "")


@dataclass(frozen=True)
class Status:
    """The answer to ``status``: a number, and the circulator's words for it."""

    code: int
    text: str = ""

    @property
    def is_trouble(self) -> bool:
        """True for alarms, warnings and refusals."""
        return self.code < 0

    def __str__(self) -> str:
        return words_of(self.code)


def status(reply: str) -> Status:
    """The status; ValueError if it is none.

    >>> status("-01 LOW LEVEL ALARM").code
    -1
    """
    match = _STATUS.fullmatch(reply.strip())
    if match is None:
        raise ValueError(f"{reply!r} is no status")
    return Status(int(match["code"]), match["text"] or "")


def status_in_place_of(reply: str) -> Status | None:
    """The status that came where a value was asked for, if one did."""
    return status(reply) if _STATUS_FOR_A_VALUE.fullmatch(reply.strip()) else None


def temperature(reply: str) -> float:
    """A temperature (degC); ValueError for what no sensor says.

    >>> temperature("24.55")
    24.55
    """
    value = number(reply)
    if not _PT100[0] <= value <= _PT100[1]:
        raise ValueError(f"{value:g} degC is no temperature of a bath")
    return value


def has_decimals(reply: str) -> bool:
    """Whether this is a number with decimals, which no status code is.

    >>> has_decimals("-15.00"), has_decimals("-15"), has_decimals("---.--")
    (True, False, False)
    """
    return _DECIMALS.fullmatch(reply.strip()) is not None


def number(reply: str) -> float:
    """A number; ValueError for infinities and NaN."""
    value = float(reply)
    if not math.isfinite(value):
        raise ValueError(f"{reply!r} is no number")
    return value


def is_celsius(reply: str) -> bool:
    """The answer to ``in_sp_06``; ValueError for what is no unit.

    >>> is_celsius("0"), is_celsius("F")
    (True, False)
    """
    unit = reply.strip().upper().removeprefix("DEG").strip(" °")
    if unit in ("0", "C"):
        return True
    if unit in ("1", "F"):
        return False
    raise ValueError(f"{reply!r} is no unit of temperature")
