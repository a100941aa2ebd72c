"""Data packages: ``Peb8000064m;da7F85F3Fu;ba48D503Dp,10,288`` and what it means.

A field is two letters of type, seven hexadecimal digits and a prefix; its value is
``(digits - 2**27) * prefix`` (manual, "measurement data packages"). Metadata follow behind commas:
``1x`` status, ``2xx`` index of the range. A value that is not a number is written as five blanks
and ``nan``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import nan

from luggin.errors import BadReply
from luggin.records import Flag
from luggin_drivers.palmsens.tables import status_flags

OFFSET = 1 << 27
# Dividing by an exact power of ten rounds once: 7F85F3Fu is -0.499905 and not -0.49990499999999997.
_DIVISORS = {b"a": 1e18, b"f": 1e15, b"p": 1e12, b"n": 1e9, b"u": 1e6, b"m": 1e3, b" ": 1.0, b"i": 1.0}
_MULTIPLIERS = {b"k": 1e3, b"M": 1e6, b"G": 1e9, b"T": 1e12, b"P": 1e15, b"E": 1e18}
_METADATA_KEPT = 4096

#: Flags of one field and the full scale of its range (nan if not said).
Metadata = tuple[int, float]


def resolution(value: float) -> float:
    """The step in which an instrument can send a value of this size: the smallest prefix whose 28 bits hold it.

    >>> resolution(100.0), resolution(200.0), resolution(200_000.0)
    (1e-06, 0.001, 1.0)
    """
    return next((step for step in (1e-6, 1e-3) if abs(value) < OFFSET * step), 1.0)


class PackageDecoder:
    """Decodes the packages of one measurement loop, whose fields and their order are known.

    Args:
        types: variable types in the order of ``pck_add``.
        ranges: full scale by range index; an index that is not in it gives nan.
    """

    __slots__ = ("_match", "_metadata", "_ranges", "_types")

    def __init__(self, types: Sequence[str], ranges: Mapping[int, float]) -> None:
        field = r"%s(?:([0-9A-F]{7})([afpnum kMGTPEi])|     nan)((?:,[0-9A-Fa-f]{1,8})*)"
        self._match = re.compile(("P" + ";".join(field % t for t in types)).encode()).fullmatch
        self._types = tuple(types)
        self._ranges = ranges
        self._metadata: tuple[dict[bytes, Metadata], ...] = tuple({b"": (0, nan)} for _ in types)

    def decode(self, line: bytes) -> tuple[list[float], int, float]:
        """Values in the order of the types, flags of all fields, full scale of the last field's range.

        Raises:
            BadReply: not a whole package of these fields.
        """
        match = self._match(line)
        if match is None:
            raise BadReply(f"not a data package of {', '.join(self._types)}: {line!r}", line)
        groups = match.groups()
        values = []
        flags = 0
        scale = nan
        position = 0
        for known in self._metadata:
            digits = groups[position]
            if digits is None:
                values.append(nan)
                flags |= Flag.GAP.value
            else:
                try:
                    values.append((int(digits, 16) - OFFSET) / _DIVISORS[groups[position + 1]])
                except KeyError:
                    values.append((int(digits, 16) - OFFSET) * _MULTIPLIERS[groups[position + 1]])
            tail = groups[position + 2]
            try:
                more, scale = known[tail]
            except KeyError:
                more, scale = self._learn(position // 3, tail, line)
            if more:
                flags |= more
            position += 3
        return values, flags, scale

    def _learn(self, field: int, tail: bytes, line: bytes) -> Metadata:
        """Read metadata not seen before, and keep them: an instrument repeats a few dozen."""
        flags, scale = 0, nan
        for item in tail.decode("ascii")[1:].split(","):
            kind, digits = item[0], item[1:]
            if kind == "1" and len(digits) == 1:
                flags = status_flags(int(digits, 16), self._types[field])
            elif kind == "2" and len(digits) == 2:
                scale = self._ranges.get(int(digits, 16), nan)
            elif kind in "12":
                raise BadReply(f"metadata {item!r} of a data package make no sense: {line!r}", line)
        known = self._metadata[field]
        if len(known) < _METADATA_KEPT:
            known[tail] = (flags, scale)
        return flags, scale
