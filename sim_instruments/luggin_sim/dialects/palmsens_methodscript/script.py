"""Reads a MethodSCRIPT into statements and finds its mistakes, each with line and column.

Only the part of the language that voltammetry needs is understood; further commands that exist are
refused as not supported by this (simulated) device. What a script does is in `machine`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from luggin_sim.dialects.palmsens_methodscript import language as ms

_TOKEN = re.compile(r'"[^"]*"|\w+\([^)]*\)|\S+')
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


def parse(lines: Sequence[str]) -> Script:
    """The script that the lines between ``e`` and the empty line make; line 1 is the first of them.

    Raises:
        ScriptError: the first mistake.
    """
    if sum(len(line) + 1 for line in lines) > ms.LARGEST_SCRIPT:
        raise ScriptError(ms.SCRIPT_TOO_LARGE, len(lines), 1)
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
                    raise command.error(ms.NOT_ALLOWED_NOW)
                self._check_closed(block, command)
                block = finished = _Block()
            elif command.text == "endloop":
                if block.opener is None:
                    raise command.error(ms.NOT_ALLOWED_NOW)
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
            raise ScriptError(ms.UNEXPECTED_END, len(self._lines) + 1, 1)
        return Script(tuple(main.statements), tuple(finished.statements) if finished is not None else ())

    def _commands(self) -> Iterator[tuple[_Token, list[_Token]]]:
        for number, line in enumerate(self._lines, 1):
            if len(line) > ms.LONGEST_LINE:
                raise ScriptError(ms.COMMAND_TOO_LONG, number, ms.LONGEST_LINE + 1)
            code = line if '"' in line else line.partition("#")[0]
            tokens = [_Token(m.group(), number, m.start() + 1) for m in _TOKEN.finditer(code)]
            if tokens:
                yield tokens[0], tokens[1:]

    def _check_place(self, command: _Token, block: _Block) -> None:
        """Refuse what is no command, or may not stand here."""
        text = command.text
        if text in ms.NOT_SIMULATED:
            raise command.error(ms.NOT_SUPPORTED)
        if text not in ms.COMMANDS:
            raise command.error(ms.UNKNOWN_COMMAND)
        if block.opener is not None and text not in ms.IN_A_LOOP and text not in ("endloop", "on_finished:"):
            if text.startswith("meas_loop_"):
                raise command.error(ms.NESTED_LOOP)
            raise command.error(ms.POTENTIAL_INSIDE_LOOP if text == "set_e" else ms.NOT_ALLOWED_NOW)
        if text.startswith("pck_"):
            if block.package_open == (text == "pck_start"):
                raise command.error(ms.PACKAGE_SEQUENCE)
            block.package_open = text != "pck_end"

    def _check_closed(self, block: _Block, command: _Token) -> None:
        if block.package_open:
            raise command.error(ms.PACKAGE_SEQUENCE)

    def _scans(self, command: _Token, rest: list[_Token]) -> int | None:
        """Take ``nscans(n)`` off the end of a ``meas_loop_cv``."""
        if command.text != "meas_loop_cv" or not rest or not (match := _OPTION.fullmatch(rest[-1].text)):
            return None
        token = rest.pop()
        value = ms.literal(match["count"])
        if value is None:
            raise token.error(
                ms.MALFORMED_LITERAL if "." in match["count"] else ms.BAD_OPTIONAL_ARGUMENT, match.start("count")
            )
        if value < 1:
            raise token.error(ms.MUST_BE_POSITIVE, match.start("count"))
        return int(value)

    def _arguments(self, command: _Token, rest: list[_Token]) -> tuple[float | str | Name, ...]:
        kinds = ms.COMMANDS[command.text]
        if len(rest) > len(kinds):
            raise rest[len(kinds)].error(ms.BAD_OPTIONAL_ARGUMENT)
        if len(rest) < len(kinds):
            last = rest[-1] if rest else command
            raise last.error(ms.BAD_ARGUMENT, len(last.text))
        return tuple(self._argument(kind, token) for kind, token in zip(kinds, rest, strict=True))

    def _argument(self, kind: str, token: _Token) -> float | str | Name:
        text = token.text
        if kind == ms.TEXT:
            if len(text) < 2 or text[0] != '"' or text[-1] != '"':
                raise token.error(ms.BAD_ARGUMENT)
            return text[1:-1]
        if kind == ms.VARTYPE:
            if text not in ms.VARTYPES:
                raise token.error(ms.UNKNOWN_VARTYPE)
            return text
        if kind == ms.NEW:
            if not _NAME.fullmatch(text):
                raise token.error(ms.UNEXPECTED_CHARACTER)
            if text in self._declared:
                raise token.error(ms.ALREADY_DECLARED)
            self._declared.add(text)
            return Name(text)
        if _NAME.fullmatch(text):
            if text not in self._declared:
                raise token.error(ms.UNDEFINED_VARIABLE)
            return Name(text)
        if kind == ms.VARIABLE:
            raise token.error(ms.BAD_ARGUMENT)
        return self._number(kind, token)

    def _number(self, kind: str, token: _Token) -> float:
        value = ms.literal(token.text)
        if value is None:
            digits = token.text.lstrip("+-")[:1]
            raise token.error(ms.MALFORMED_LITERAL if digits.isdigit() or digits == "." else ms.UNEXPECTED_CHARACTER)
        if (code := ms.objection(kind, value)) is not None:
            raise token.error(code)
        return value
