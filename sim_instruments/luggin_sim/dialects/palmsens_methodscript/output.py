"""Values as MethodSCRIPT instruments pack them.

``<two letters><7 hex digits><prefix>``: the hex digits are an integer of 28 bits with an offset of
2^27, the prefix says what one unit of the integer is worth. The smallest prefix that fits is used.
"""

from __future__ import annotations

import math

_OFFSET = 1 << 27
_PREFIXES = "afpnum kMGTPE"
_SCALES = tuple(10.0 ** (18 - 3 * index) for index in range(len(_PREFIXES)))
_NOT_A_NUMBER = "     nan"
_LOWEST_EXPONENT, _HIGHEST_EXPONENT = -80, 100


def _first_prefix(exponent: int) -> int:
    """Index of the smallest prefix with which a number of this binary exponent can fit."""
    smallest = 2.0 ** (exponent - 1)
    for index, scale in enumerate(_SCALES):
        if smallest * scale <= _OFFSET:
            return index
    return len(_PREFIXES)


# A look-up by the binary exponent instead of a search: this runs for every value of every package.
_FIRST = tuple(_first_prefix(e) for e in range(_LOWEST_EXPONENT, _HIGHEST_EXPONENT + 1))


def pack(value: float) -> str:
    """The eight characters of a value.

    >>> pack(-5.7847747e-05), pack(0.0), pack(float("nan"))
    ('48D503Dp', '8000000 ', '     nan')

    Not-a-number, infinity and what no prefix can hold are ``nan``.
    """
    if value == 0.0:
        return "8000000 "
    if not math.isfinite(value):
        return _NOT_A_NUMBER
    exponent = math.frexp(value)[1]
    index = _FIRST[max(exponent, _LOWEST_EXPONENT) - _LOWEST_EXPONENT] if exponent <= _HIGHEST_EXPONENT else 99
    while index < len(_PREFIXES):
        number = round(value * _SCALES[index])
        if -_OFFSET <= number < _OFFSET:
            return f"{number + _OFFSET:07X}{_PREFIXES[index]}"
        index += 1
    return _NOT_A_NUMBER


def metadata(status: int, range_index: int | None) -> str:
    """What follows a measured value: status bits, and the range it was measured on.

    >>> metadata(0, 0x88), metadata(4, 0x84), metadata(0, None)
    (',10,288', ',14,284', ',10')
    """
    return f",1{status:X}" if range_index is None else f",1{status:X},2{range_index:02X}"


def error(code: int, line: int | None = None, column: int | None = None) -> str:
    """What follows the echo of a command that failed, or stands alone for a script that failed.

    >>> error(0x0006), error(0x4001, 3, 5), error(0x0032, 7)
    ('!0006', '!4001: Line 3, Col 5', '!0032: Line 7')
    """
    where = "" if line is None else f": Line {line}" if column is None else f": Line {line}, Col {column}"
    return f"!{code:04X}{where}"
