"""Where each key of a TOML text stands."""

from __future__ import annotations

import re
import tomllib

MAXIMUM_NESTING = 20
"""Deeper tables and arrays are refused."""

KeyPath = tuple[str | int, ...]
"""The keys and positions (from 0) that lead to a value."""


class GaveUp(Exception):
    """The text is not TOML from here on."""


class NestedTooDeeply(Exception):
    """More levels than a protocol can need."""


_BLANK = re.compile(r"(?:[ \t]+|#[^\n]*)*")
_BLANK_LINES = re.compile(r"(?:[ \t\n\r]+|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'  # up to two quotes may stand just before the closing three
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\[^\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN_VALUE = re.compile(r"[^,\]}\n#]+")


class Scanner:
    """Walks over TOML text and notes at which line each key and each array item begins.

    Accepts more than TOML does: whether the text is valid is for ``tomllib`` to say.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.lines: dict[KeyPath, int] = {(): 1}
        self.broken_inline_table: int | None = None
        self._counted_to, self._line = 0, 1
        self._last_item: dict[KeyPath, int] = {}  # arrays of tables: path -> index of the open table

    @property
    def line(self) -> int:
        """The line of the position."""
        self._line += self.text.count("\n", self._counted_to, self.position)
        self._counted_to = self.position
        return self._line

    def document(self) -> None:
        """Scan everything."""
        table: KeyPath = ()
        self._skip(_BLANK_LINES)
        while self.position < len(self.text):
            if self._peek() == "[":
                table = self._header()
            else:
                self._key_value(table)
            self._skip(_BLANK_LINES)

    def _header(self) -> KeyPath:
        line = self.line
        is_array = self.text.startswith("[[", self.position)
        self.position += 2 if is_array else 1
        keys = self._dotted_key()
        self._expect("]]" if is_array else "]")
        path: KeyPath = ()
        for key in keys[:-1]:
            path = self._opened((*path, key))
            self.lines.setdefault(path, line)
        path = (*path, keys[-1])
        self.lines.setdefault(path, line)
        if is_array:
            self._last_item[path] = self._last_item.get(path, -1) + 1
            path = self._opened(path)
        if len(path) > MAXIMUM_NESTING:
            raise NestedTooDeeply
        self.lines[path] = line
        return path

    def _opened(self, path: KeyPath) -> KeyPath:
        """The path of the last table of an array of tables, or the path of the plain table itself."""
        return (*path, self._last_item[path]) if path in self._last_item else path

    def _key_value(self, table: KeyPath) -> None:
        line = self.line
        path = table
        for key in self._dotted_key():
            path = (*path, key)
            self.lines.setdefault(path, line)
        if len(path) > MAXIMUM_NESTING:
            raise NestedTooDeeply
        self._expect("=")
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if len(path) > MAXIMUM_NESTING:
            raise NestedTooDeeply
        first = self._peek()
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        elif first in ('"', "'"):
            self._match(_STRING)
        else:
            self._match(_PLAIN_VALUE)

    def _array(self, path: KeyPath) -> None:
        self.position += 1
        index = 0
        while True:
            self._skip(_BLANK_LINES)
            if self._peek() == "]":
                self.position += 1
                return
            self.lines[(*path, index)] = self.line
            self._value((*path, index))
            index += 1
            self._skip(_BLANK_LINES)
            if self._peek() == ",":
                self.position += 1
            elif self._peek() != "]":
                raise GaveUp

    def _inline_table(self, path: KeyPath) -> None:
        self.position += 1
        while True:
            self._skip_in_inline_table()
            if self._peek() == "}":
                self.position += 1
                return
            self._key_value(path)
            self._skip_in_inline_table()
            if self._peek() == ",":
                self.position += 1
            elif self._peek() != "}":
                raise GaveUp

    def _skip_in_inline_table(self) -> None:
        """Blanks; a line end here is the mistake that people make most, so it is noted."""
        line = self.line
        self._skip(_BLANK_LINES)
        if self.line > line and self.broken_inline_table is None:
            self.broken_inline_table = line

    def _dotted_key(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_BLANK)
            if self._peek() in ('"', "'"):
                keys.append(self._quoted_key())
            else:
                keys.append(self._match(_BARE_KEY))
            if len(keys) > MAXIMUM_NESTING:
                raise NestedTooDeeply
            self._skip(_BLANK)
            if self._peek() != ".":
                return keys
            self.position += 1

    def _quoted_key(self) -> str:
        written = self._match(_STRING)
        if written[0] == "'" or "\\" not in written:
            return written[1:-1]
        try:
            return str(tomllib.loads(f"x = {written}")["x"])  # the escapes of TOML, not those of Python
        except tomllib.TOMLDecodeError:
            raise GaveUp from None

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.position)
        self.position = match.end() if match else self.position

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            raise GaveUp
        self.position = match.end()
        return match[0]

    def _expect(self, token: str) -> None:
        self._skip(_BLANK)
        if not self.text.startswith(token, self.position):
            raise GaveUp
        self.position += len(token)
