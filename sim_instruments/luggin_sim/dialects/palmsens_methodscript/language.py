"""MethodSCRIPT's command table: names, arguments, types, numbers, and the codes of mistakes.

Commands that exist but are not simulated are listed too, so that they are not called unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LONGEST_LINE = 255
LARGEST_SCRIPT = 1 << 16

COMMAND_TOO_LONG = 0x0008
NOT_SUPPORTED = 0x001B
UNKNOWN_COMMAND = 0x4001
BAD_ARGUMENT = 0x4002
UNEXPECTED_CHARACTER = 0x4004
SCRIPT_TOO_LARGE = 0x4005
UNKNOWN_VARTYPE = 0x4006
UNDEFINED_VARIABLE = 0x4007
BAD_OPTIONAL_ARGUMENT = 0x4008
NESTED_LOOP = 0x400B
NOT_ALLOWED_NOW = 0x400C
UNEXPECTED_END = 0x4018
PACKAGE_SEQUENCE = 0x401B
ALREADY_DECLARED = 0x4026
POTENTIAL_INSIDE_LOOP = 0x4032
MALFORMED_LITERAL = 0x4039
NEGATIVE_NOT_ALLOWED = 0x4200
MUST_BE_POSITIVE = 0x4204

#: What an argument must be: a fresh name, a declared variable, a value, a value >= 0, a value > 0, a type.
NEW, VARIABLE, VALUE, NOT_NEGATIVE, POSITIVE, VARTYPE, TEXT = (
    "new",
    "variable",
    "value",
    "not negative",
    "positive",
    "vartype",
    "text",
)

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "var": (NEW,),
    "store_var": (VARIABLE, VALUE, VARTYPE),
    "set_pgstat_chan": (NOT_NEGATIVE,),
    "set_pgstat_mode": (NOT_NEGATIVE,),
    "set_max_bandwidth": (POSITIVE,),
    "set_range": (VARTYPE, POSITIVE),
    "set_range_minmax": (VARTYPE, VALUE, VALUE),
    "set_autoranging": (VARTYPE, POSITIVE, POSITIVE),
    "set_e": (VALUE,),
    "cell_on": (),
    "cell_off": (),
    "wait": (NOT_NEGATIVE,),
    "timer_start": (),
    "timer_get": (VARIABLE,),
    "send_string": (TEXT,),
    "pck_start": (),
    "pck_add": (VARIABLE,),
    "pck_end": (),
    "meas_loop_ca": (VARIABLE, VARIABLE, VALUE, POSITIVE, POSITIVE),
    "meas_loop_ocp": (VARIABLE, POSITIVE, POSITIVE),
    "meas_loop_lsv": (VARIABLE, VARIABLE, VALUE, VALUE, POSITIVE, POSITIVE),
    "meas_loop_cv": (VARIABLE, VARIABLE, VALUE, VALUE, VALUE, POSITIVE, POSITIVE),
    "meas_loop_dpv": (VARIABLE, VARIABLE, VALUE, VALUE, POSITIVE, POSITIVE, POSITIVE, POSITIVE),
    "meas_loop_swv": (*[VARIABLE] * 4, VALUE, VALUE, POSITIVE, POSITIVE, POSITIVE),
    "meas_loop_eis": (*[VARIABLE] * 3, *[POSITIVE] * 4, VALUE),
    "endloop": (),
    "on_finished:": (),
}
_LOOPS_NOT_SIMULATED = frozenset(f"meas_loop_{technique}" for technique in ("cp", "npv", "acv", "pad", "lsp", "geis"))
NOT_SIMULATED = _LOOPS_NOT_SIMULATED | {
    "array",
    "loop",
    "if",
    "elseif",
    "else",
    "endif",
    "breakloop",
    "set_i",
    "set_ir_comp",
}
IN_A_LOOP = frozenset(
    ("store_var", "timer_start", "timer_get", "send_string", "pck_start", "pck_add", "pck_end"),
)
_TYPES_BY_FIRST_LETTER = {
    "a": "abcdefghistuvwxyz",
    "b": "abc",
    "c": "abcdefghijklmnopqrstuvwxyz",
    "d": "abcd",
    "e": "abcdefg",
    "h": "abcd",
    "i": "abcd",
    "j": "abcd",
}
VARTYPES = frozenset(first + second for first, seconds in _TYPES_BY_FIRST_LETTER.items() for second in seconds)

_EXPONENTS = {prefix: 3 * (index - 6) for index, prefix in enumerate("afpnum kMGTPE")}
_DECIMAL = re.compile(r"(?P<digits>[+-]?\d+)(?P<prefix>[afpnumkMGTPEi]?)")
_BASED = re.compile(r"0x(?P<hex>[0-9A-Fa-f]+)i?|0b(?P<binary>[01]+)i?")


def literal(text: str) -> float | None:
    """The value of a number as scripts write it, or None: integers with a prefix, never a decimal point.

    >>> literal("25m"), literal("-2"), literal("0x1F"), literal("0.025")
    (0.025, -2.0, 31.0, None)
    """
    if match := _DECIMAL.fullmatch(text):
        exponent = _EXPONENTS.get(match["prefix"], 0)
        return float(f"{match['digits']}e{exponent}")
    if match := _BASED.fullmatch(text):
        return float(int(match["hex"], 16) if match["hex"] else int(match["binary"], 2))
    return None


def objection(kind: str, value: float) -> int | None:
    """The error code for a value that an argument of this kind cannot have; None if it can."""
    if kind == POSITIVE and not value > 0:
        return MUST_BE_POSITIVE
    if kind == NOT_NEGATIVE and not value >= 0:
        return NEGATIVE_NOT_ALLOWED
    return None
