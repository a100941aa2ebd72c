"""How the firmware writes JSON: order of keys, no blanks, and numbers in its own way."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

_DECIMALS = 9
# Beyond these, numbers are written with an exponent (ArduinoJson 5).
_SMALL, _LARGE = 1e-5, 1e7


def text(value: Any) -> str:
    """A JSON value as the firmware prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{text(key)}:{text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(text(one) for one in value) + "]"
    return str(value)


def number(value: float) -> str:
    """A float of 32 bits with up to nine decimals; what is no number is written as such."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    single = single_precision(value)
    size = abs(single)
    if size == 0.0:
        return "0"
    if _SMALL < size < _LARGE:
        return _decimals(single)
    exponent = math.floor(math.log10(size))
    return f"{_decimals(single / 10.0**exponent)}e{exponent}"


def single_precision(value: float) -> float:
    """What is left of a number in 32 bits."""
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded


def _decimals(value: float) -> str:
    return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
