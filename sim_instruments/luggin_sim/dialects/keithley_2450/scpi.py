"""SCPI as text: messages, headers in their long and short forms, arguments.

The rules are those of the 2461 reference manual, section 5: words in any case, long or short but
nothing between, optional words, a leading colon that may be left out, and commands joined by ``;``,
which go on from the path of the one before unless they begin with a colon.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from luggin_sim.dialects.keithley_2450.status import ScpiError

_QUOTES = "\"'"
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TOKEN = re.compile(r"(?P<word>[A-Za-z]+)|(?P<function><function>)|(?P<other>[\[\]:*\d])")
_FUNCTION = r"(?P<function>CURR(?:ENT)?(?::DC)?|VOLT(?:AGE)?(?::DC)?)"
VOLTAGE, CURRENT = "VOLT", "CURR"


class Unit(NamedTuple):
    """One command of a message: its header from the root, query or not, its arguments."""

    header: str
    is_query: bool
    arguments: tuple[str, ...]


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Cut at a separator that does not stand within a string.

    >>> split_outside_quotes('1, "a,b", 3', ",")
    ['1', ' "a,b"', ' 3']

    Raises:
        ScpiError: a string does not end.
    """
    if not any(quote in text for quote in _QUOTES):
        return text.split(separator)
    parts, start, quote = [], 0, ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES:
            quote = character
        elif character == separator:
            parts.append(text[start:place])
            start = place + 1
    if quote:
        raise ScpiError(-151)
    return [*parts, text[start:]]


def parse_unit(text: str, path: str) -> tuple[Unit, str]:
    """One command, and the path from which the next one of its message goes on.

    >>> parse_unit("ilim 0.01", ":SOUR:VOLT")
    (Unit(header=':SOUR:VOLT:ILIM', is_query=False, arguments=('0.01',)), ':SOUR:VOLT')
    """
    header, _, rest = text.strip().partition(" ")
    is_query = header.endswith("?")
    header = header.removesuffix("?").upper()
    arguments = tuple(part.strip() for part in split_outside_quotes(rest, ",")) if rest.strip() else ()
    if header.startswith("*"):
        return Unit(header, is_query, arguments), path
    whole = header if header.startswith(":") else f"{path}:{header}"
    return Unit(whole, is_query, arguments), whole.rpartition(":")[0]


def header_pattern(written: str) -> re.Pattern[str]:
    """All the ways of writing a header that the manual writes as ``:SOURce[1]:<function>[:LEVel]``.

    >>> bool(header_pattern(":SOURce[1]:<function>[:LEVel]").fullmatch(":SOUR:VOLTAGE:LEV"))
    True
    >>> bool(header_pattern(":SOURce[1]:<function>[:LEVel]").fullmatch(":SOURC:VOLT"))
    False
    """
    regex = ""
    for match in _TOKEN.finditer(written):
        token = match[0]
        if match["word"]:
            short = re.match("[A-Z]*", token)[0] if token[0].isupper() else token  # type: ignore[index]  # * always matches
            rest = token[len(short) :].upper()
            regex += short + (f"(?:{rest})?" if rest else "")
        elif match["function"]:
            regex += _FUNCTION
        else:
            regex += {"[": "(?:", "]": ")?", "*": r"\*"}.get(token, token)
    return re.compile(regex)


def is_word(text: str, written: str) -> bool:
    """True if ``text`` is the long or the short form of a word as the manual writes it.

    >>> is_word("himp", "HIMPedance"), is_word("HIMPED", "HIMPedance")
    (True, False)
    """
    return text.upper() in (short_form(written), written.upper())


def short_form(written: str) -> str:
    """The short form of a word as the manual writes it: its capitals."""
    return "".join(c for c in written if not c.islower())


class Arguments:
    """The arguments of one command, taken one after the other.

    Every taker raises a `ScpiError`: -109 if nothing is left, -104 if the kind is wrong, -222 if a
    number is out of range, -224 if a word is not among those that are possible.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = list(texts)

    @property
    def is_empty(self) -> bool:
        """True if all have been taken."""
        return not self._texts

    def done(self) -> None:
        """Refuse what is left."""
        if self._texts:
            raise ScpiError(-108)

    def number(self, low: float, high: float, default: float | None = None) -> float:
        """A number; ``MINimum``, ``MAXimum`` and ``DEFault`` stand for numbers."""
        text = self._next()
        special = {"MINimum": low, "MAXimum": high} | ({} if default is None else {"DEFault": default})
        for word, value in special.items():
            if is_word(text, word):
                return value
        if not _NUMBER.fullmatch(text):
            raise ScpiError(-104)
        value = float(text)
        if not low <= value <= high:
            raise ScpiError(-222)
        return value

    def whole(self, low: int, high: int) -> int:
        """A whole number."""
        value = self.number(low, high)
        if value != int(value):
            raise ScpiError(-104)
        return int(value)

    def switch(self) -> bool:
        """``ON``, ``OFF``, 1 or 0."""
        text = self._next().upper()
        if text not in ("ON", "OFF", "1", "0"):
            raise ScpiError(-224 if text.isalpha() else -104)
        return text in ("ON", "1")

    def word(self, *choices: str) -> str:
        """One of the words, given as the manual writes them; its short form."""
        text = self._next()
        for written in choices:
            if is_word(text, written):
                return short_form(written)
        raise ScpiError(-224 if text[:1].isalpha() else -104)

    def text(self) -> str:
        """A string, without its quotes."""
        text = self._next()
        if len(text) < 2 or text[0] not in _QUOTES or text[-1] != text[0]:
            raise ScpiError(-104)
        return text[1:-1].replace(2 * text[0], text[0])

    def rest(self) -> list[Arguments]:
        """Everything that is left, each by itself."""
        texts, self._texts = self._texts, []
        return [Arguments([text]) for text in texts]

    def _next(self) -> str:
        if not self._texts or not self._texts[0]:
            raise ScpiError(-109)
        return self._texts.pop(0)


Setter = Callable[[str, Arguments], None]
Getter = Callable[[str, Arguments], str]


@dataclass(frozen=True)
class Command:
    """One line of the manual's command table.

    Both callables get the function in the header (``"VOLT"``, ``"CURR"``, or empty) and the arguments.
    """

    header: str
    set: Setter | None = None
    get: Getter | None = None


class CommandTable:
    """Finds commands by their headers."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self._patterns = [(header_pattern(command.header), command) for command in commands]
        self._found: dict[str, tuple[Command, str]] = {}

    def find(self, header: str) -> tuple[Command, str]:
        """The command of a header in capitals, and the function that is named in it.

        Raises:
            ScpiError: -113, there is none.
        """
        if header not in self._found:
            self._found[header] = self._search(header)
        return self._found[header]

    def _search(self, header: str) -> tuple[Command, str]:
        for pattern, command in self._patterns:
            match = pattern.fullmatch(header)
            if match:
                groups: Mapping[str, str | None] = match.groupdict()
                return command, (groups.get("function") or "")[:4]
        raise ScpiError(-113)
