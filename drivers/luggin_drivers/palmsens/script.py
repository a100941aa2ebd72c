"""Writing MethodSCRIPT: numbers with a prefix and no decimal point, and the lines of a script.

``25 mV/s`` is ``25m``; ``0.025`` is not MethodSCRIPT. A number that cannot be written exactly is
refused here; rounding is done before, by `nearest`, where it is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from luggin.errors import LimitError

#: Longest line (characters) that the instrument takes.
LONGEST_LINE = 255
# Mantissas larger than those of a data package (28 bits, signed) are not known to be read.
_LARGEST = (1 << 27) - 1
_PREFIXES = ((0, ""), (-3, "m"), (-6, "u"), (-9, "n"), (-12, "p"), (-15, "f"))


def number(value: float) -> str:
    """The exact spelling of a number, with the largest prefix that leaves an integer.

    >>> number(0.025), number(-0.2), number(1e-9), number(2.0)
    ('25m', '-200m', '1n', '2')

    Raises:
        LimitError: no spelling is exact.
    """
    exact = Decimal(repr(float(value)))
    if exact.is_finite():
        for exponent, prefix in _PREFIXES:
            scaled = exact.scaleb(-exponent)
            if scaled == scaled.to_integral_value():
                if abs(scaled) > _LARGEST:
                    break
                return f"{int(scaled)}{prefix}"
    raise LimitError(
        f"{value!r} cannot be written in a MethodSCRIPT: it needs an integer below 2^27 and one of the prefixes "
        "m u n p f. Round it to fewer digits."
    )


def nearest(value: float) -> float:
    """The nearest number that can be written, no finer than a millionth (1 uV, 1 us, 1 uV/s).

    >>> nearest(1 / 3), nearest(100_000.0000004)
    (0.333333, 100000.0)
    """
    exact = Decimal(repr(float(value)))
    for exponent in (-6, -3, 0):
        mantissa = exact.scaleb(-exponent).to_integral_value(ROUND_HALF_EVEN)
        if abs(mantissa) <= _LARGEST:
            return float(mantissa.scaleb(exponent)) + 0.0
    raise LimitError(f"{value!r} is too large to be written in a MethodSCRIPT")


def command(name: str, *arguments: float | str) -> str:
    """One line: the command and its arguments, numbers written exactly, names as they are."""
    line = " ".join([name, *(a if isinstance(a, str) else number(a) for a in arguments)])
    if len(line) > LONGEST_LINE:
        raise LimitError(f"a script line of {len(line)} characters is too long (at most {LONGEST_LINE}): {line}")
    return line


def declare(*variables: str) -> list[str]:
    """Declarations, one per line."""
    return [f"var {v}" for v in variables]


def measurement_loop(head: str, sent: Sequence[str], timed: bool = True) -> list[str]:
    """A measurement loop that sends the variables ``sent`` (and first the timer ``t``) for each point."""
    variables = (["t"] if timed else []) + list(sent)
    return [
        head,
        *(["timer_get t"] if timed else []),
        "pck_start",
        *(f"pck_add {v}" for v in variables),
        "pck_end",
        "endloop",
    ]


def finished() -> list[str]:
    """The end that also an abort runs through: the cell is opened."""
    return ["on_finished:", "cell_off"]


def load_and_run(lines: Sequence[str]) -> bytes:
    """The bytes that load and start a script: ``e``, the lines, and an empty line."""
    return ("\n".join(["e", *lines]) + "\n\n").encode("ascii")
