"""Reads a MethodSCRIPT into statements and finds its mistakes, each with line and column.

Only the part of the language that voltammetry needs is understood; further commands that exist are
refused as not supported by this (simulated) device. What a script does is in `machine`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
    "endloop": (),
    "on_finished:": (),
}
_LOOPS_NOT_SIMULATED = frozenset(
    f"meas_loop_{technique}" for technique in ("cp", "dpv", "swv", "npv", "acv", "pad", "lsp", "eis", "geis")
)
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
_TOKEN = re.compile(r'"[^"]*"|\w+\([^)]*\)|\S+')
_DECIMAL = re.compile(r"(?P<digits>[+-]?\d+)(?P<prefix>[afpnumkMGTPEi]?)")
_BASED = re.compile(r"0x(?P<hex>[0-9A-Fa-f]+)i?|0b(?P<binary>[01]+)i?")
_NAME = re.compile(r"[A-Za-z_]\w*")
_OPTION = re.compile(r"nscans\(\s*(?P<count>[^)\s]*)\s*\)")


class ScriptError(Exception):
    """A mistake in a script."""

    def __init__(self, code: int, line: int, column: int) -> None:
        super().__init__(f"{code:04X} in line {line}, column {column}")
        self.code, self.line, self.column = code, line, column


@dataclass(frozen=True)
class Name:
    """An argument that names a variable."""

    name: str


@dataclass(frozen=True)
class Statement:
    """One command with its arguments; a measurement loop has its body, and how often it scans."""

    line: int
    command: str
    arguments: tuple[float | str | Name, ...]
    body: tuple[Statement, ...] = ()
    scans: int | None = None


@dataclass(frozen=True)
class Script:
    """What runs, and what runs in the end or after an abort."""

    statements: tuple[Statement, ...]
    on_finished: tuple[Statement, ...]


@dataclass(frozen=True)
class _Token:
    text: str
    line: int
    column: int

    def error(self, code: int, offset: int = 0) -> ScriptError:
        return ScriptError(code, self.line, self.column + offset)


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


def parse(lines: Sequence[str]) -> Script:
    """The script that the lines between ``e`` and the empty line make; line 1 is the first of them.

    Raises:
        ScriptError: the first mistake.
    """
    if sum(len(line) + 1 for line in lines) > LARGEST_SCRIPT:
        raise ScriptError(SCRIPT_TOO_LARGE, len(lines), 1)
    return _Parser(lines).script()


@dataclass
class _Block:
    """Statements that belong together, and the loop that they are the body of."""

    opener: _Token | None = None
    statements: list[Statement] = field(default_factory=list)
    package_open: bool = False


class _Parser:
    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._declared: set[str] = set()

    def script(self) -> Script:
        main, finished = _Block(), None
        block, outer = main, main
        arguments: tuple[float | str | Name, ...] = ()
        scans: int | None = None
        for command, rest in self._commands():
            self._check_place(command, block)
            if command.text == "on_finished:":
                if block.opener is not None or finished is not None:
                    raise command.error(NOT_ALLOWED_NOW)
                self._check_closed(block, command)
                block = finished = _Block()
            elif command.text == "endloop":
                if block.opener is None:
                    raise command.error(NOT_ALLOWED_NOW)
                self._check_closed(block, command)
                opener = block.opener
                loop = Statement(opener.line, opener.text, arguments, tuple(block.statements), scans)
                block = outer
                block.statements.append(loop)
            elif command.text.startswith("meas_loop_"):
                scans = self._scans(command, rest)
                arguments = self._arguments(command, rest)
                outer, block = block, _Block(command)
            else:
                block.statements.append(Statement(command.line, command.text, self._arguments(command, rest)))
        if block.opener is not None or block.package_open:
            raise ScriptError(UNEXPECTED_END, len(self._lines) + 1, 1)
        return Script(tuple(main.statements), tuple(finished.statements) if finished is not None else ())

    def _commands(self) -> Iterator[tuple[_Token, list[_Token]]]:
        for number, line in enumerate(self._lines, 1):
            if len(line) > LONGEST_LINE:
                raise ScriptError(COMMAND_TOO_LONG, number, LONGEST_LINE + 1)
            code = line if '"' in line else line.partition("#")[0]
            tokens = [_Token(m.group(), number, m.start() + 1) for m in _TOKEN.finditer(code)]
            if tokens:
                yield tokens[0], tokens[1:]

    def _check_place(self, command: _Token, block: _Block) -> None:
        """Refuse what is no command, or may not stand here."""
        text = command.text
        if text in NOT_SIMULATED:
            raise command.error(NOT_SUPPORTED)
        if text not in COMMANDS:
            raise command.error(UNKNOWN_COMMAND)
        if block.opener is not None and text not in IN_A_LOOP and text not in ("endloop", "on_finished:"):
            if text.startswith("meas_loop_"):
                raise command.error(NESTED_LOOP)
            raise command.error(POTENTIAL_INSIDE_LOOP if text == "set_e" else NOT_ALLOWED_NOW)
        if text.startswith("pck_"):
            if block.package_open == (text == "pck_start"):
                raise command.error(PACKAGE_SEQUENCE)
            block.package_open = text != "pck_end"

    def _check_closed(self, block: _Block, command: _Token) -> None:
        if block.package_open:
            raise command.error(PACKAGE_SEQUENCE)

    def _scans(self, command: _Token, rest: list[_Token]) -> int | None:
        """Take ``nscans(n)`` off the end of a ``meas_loop_cv``."""
        if command.text != "meas_loop_cv" or not rest or not (match := _OPTION.fullmatch(rest[-1].text)):
            return None
        token = rest.pop()
        value = literal(match["count"])
        if value is None:
            raise token.error(
                MALFORMED_LITERAL if "." in match["count"] else BAD_OPTIONAL_ARGUMENT, match.start("count")
            )
        if value < 1:
            raise token.error(MUST_BE_POSITIVE, match.start("count"))
        return int(value)

    def _arguments(self, command: _Token, rest: list[_Token]) -> tuple[float | str | Name, ...]:
        kinds = COMMANDS[command.text]
        if len(rest) > len(kinds):
            raise rest[len(kinds)].error(BAD_OPTIONAL_ARGUMENT)
        if len(rest) < len(kinds):
            last = rest[-1] if rest else command
            raise last.error(BAD_ARGUMENT, len(last.text))
        return tuple(self._argument(kind, token) for kind, token in zip(kinds, rest, strict=True))

    def _argument(self, kind: str, token: _Token) -> float | str | Name:
        text = token.text
        if kind == TEXT:
            if len(text) < 2 or text[0] != '"' or text[-1] != '"':
                raise token.error(BAD_ARGUMENT)
            return text[1:-1]
        if kind == VARTYPE:
            if text not in VARTYPES:
                raise token.error(UNKNOWN_VARTYPE)
            return text
        if kind == NEW:
            if not _NAME.fullmatch(text):
                raise token.error(UNEXPECTED_CHARACTER)
            if text in self._declared:
                raise token.error(ALREADY_DECLARED)
            self._declared.add(text)
            return Name(text)
        if _NAME.fullmatch(text):
            if text not in self._declared:
                raise token.error(UNDEFINED_VARIABLE)
            return Name(text)
        if kind == VARIABLE:
            raise token.error(BAD_ARGUMENT)
        return self._number(kind, token)

    def _number(self, kind: str, token: _Token) -> float:
        value = literal(token.text)
        if value is None:
            digits = token.text.lstrip("+-")[:1]
            raise token.error(MALFORMED_LITERAL if digits.isdigit() or digits == "." else UNEXPECTED_CHARACTER)
        if (code := objection(kind, value)) is not None:
            raise token.error(code)
        return value


def objection(kind: str, value: float) -> int | None:
    """The error code for a value that an argument of this kind cannot have; None if it can."""
    if kind == POSITIVE and not value > 0:
        return MUST_BE_POSITIVE
    if kind == NOT_NEGATIVE and not value >= 0:
        return NEGATIVE_NOT_ALLOWED
    return None
