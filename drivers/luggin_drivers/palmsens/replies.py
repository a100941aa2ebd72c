"""What an instrument says beside data: acknowledgements and errors, turned into words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from luggin.errors import InstrumentFault
from luggin_drivers.palmsens.tables import ERRORS

_ERROR = re.compile(rb"!([0-9A-Fa-f]{4})(?::\s*Line\s+(\d{1,9})(?:,\s*Col\s+(\d{1,9}))?)?")


def error_code(line: bytes) -> str | None:
    """The four digits behind ``!``, or None if the line reports no error."""
    match = _ERROR.search(line)
    return match[1].decode("ascii").upper() if match else None


def fault(name: str, line: bytes, script: Sequence[str] = ()) -> InstrumentFault:
    """The error that a line with ``!`` reports: the code in words, and the script line that it means.

    Line numbers count from 1, the first line behind ``e``.
    """
    match = _ERROR.search(line)
    if match is None:
        return InstrumentFault(f"{name}: the instrument reported an error that cannot be read: {line!r}")
    code = match[1].decode("ascii").upper()
    text = f"{name}: error {code}: {ERRORS.get(code, 'a code that is not in the tables of this driver')}"
    if match[2]:
        at = int(match[2])
        text += f", line {at}"
        if match[3]:
            text += f", column {int(match[3])}"
        if 1 <= at <= len(script):
            text += f" of the script: {script[at - 1]!r}"
    return InstrumentFault(text, code)
