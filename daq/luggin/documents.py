"""TOML text as data, with the line of every key.

``tomllib`` says nothing about lines once it has parsed a file, and the mistakes of a protocol are
only found later. `load_toml` therefore reads the text twice: a tolerant scanner of our own notes
where each key and each item of an array begins (and refuses what is nested too deeply before the
recursive parser meets it), then ``tomllib`` decides what is valid and makes the data.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from luggin.errors import Problem, ProtocolError

MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_NESTING = 20

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A TOML file: its data, its text, and the line (from 1) of each of its keys.

    Positions in arrays count from 0 here, as in ``data``.
    """

    name: str
    text: str
    data: Mapping[str, Any]
    lines: Mapping[KeyPath, int] = field(repr=False)

    def line(self, path: KeyPath) -> int:
        """The line of a key or array item; of what encloses it, where the path itself is not in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    @cached_property
    def sha256(self) -> str:
        """The digest of the text in UTF-8, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_toml(path: Path) -> Document:
    """`load_toml` of a file.

    Raises:
        ProtocolError: there is no such file, it cannot be read, or it has mistakes.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        raise _refusal(str(path), "there is no such file") from None
    except OSError as error:
        raise _refusal(str(path), f"the file cannot be read: {error.strerror or error}") from error
    return load_toml(raw, str(path))


def load_toml(text: str | bytes, name: str) -> Document:
    r"""Parse TOML 1.0; ``name`` is the file's name in messages.

    >>> document = load_toml('title = "CV"\nsteps = [\n  {do = "ocp", duration = "60 s"},\n]', "a.toml")
    >>> document.line(("steps", 0, "duration"))
    3

    Raises:
        ProtocolError: over 1 MiB, not UTF-8, nested more than 20 deep, or not TOML.
    """
    plain = _decoded(text, name)
    scanner = _Scanner(plain)
    try:
        scanner.document()
    except _NestedTooDeeply:
        raise _refusal(
            name,
            f"tables and arrays are nested more than {MAXIMUM_NESTING} deep",
            "Deep loops are easier to read as a Python script.",
            scanner.line,
        ) from None
    except _GaveUp:
        pass  # the scanner only gives up on what is not TOML, and tomllib says what that is
    try:
        data = tomllib.loads(plain)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(name, plain, str(error), scanner.broken_inline_table) from error
    except ValueError as error:  # a whole number of more than 4300 digits
        raise _refusal(name, "a number in this file has more digits than can be read") from error
    return Document(name, plain, data, scanner.lines)


def did_you_mean(word: str, candidates: Iterable[str], cutoff: float = 0.6) -> str:
    """``Did you mean `rate`?`` for the candidate nearest to a misspelt word, or an empty string."""
    names = list(dict.fromkeys(candidates))
    plain = {_plain(name): name for name in names}
    nearest = difflib.get_close_matches(_plain(word[:80]), list(plain), 1, cutoff)
    return f"Did you mean `{plain[nearest[0]]}`?" if nearest else ""


def _plain(word: str) -> str:
    return word.lower().replace("_", "-").replace(" ", "-")


def _refusal(name: str, message: str, hint: str = "", line: int | None = None) -> ProtocolError:
    return ProtocolError(name, [Problem(message + ".", line=line, hint=hint)])


def _decoded(text: str | bytes, name: str) -> str:
    """The text without byte order mark and with plain line ends."""
    try:
        raw = text if isinstance(text, bytes) else text.encode()
    except UnicodeEncodeError as error:
        raise _refusal(name, "the text is not valid Unicode", line=_line_at(text, error.start)) from None
    if len(raw) > MAXIMUM_BYTES:
        raise _refusal(name, f"the file is larger than {MAXIMUM_BYTES // 1024**2} MiB; it was not read")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _refusal(name, "the file is UTF-16, not UTF-8", "Save it again with the encoding UTF-8.")
    try:
        plain = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _refusal(name, "the file is not UTF-8", "Save it again with the encoding UTF-8.", line) from None
    if "\0" in plain:
        raise _refusal(name, "the file holds a NUL character: it is not text", line=_line_at(plain, plain.index("\0")))
    return plain.replace("\r\n", "\n")


def _line_at(text: str | bytes, position: int) -> int:
    return text.count("\n" if isinstance(text, str) else b"\n", 0, position) + 1  # type: ignore[arg-type]


# --- what tomllib says, in the words of the bench ------------------------------------------------

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_BARE_QUANTITY = re.compile(r"[=\[,]\s*([+-]?\d[\d._]*\s*[A-Za-zµ°Ω%][A-Za-z/0-9]*)\s*[,\]}#\n]")
_WORDS = {
    "Cannot overwrite a value": "the same key stands here a second time",
    "Duplicate inline table key": "the same key stands here a second time",
    "Unescaped": "a backslash in this text has no meaning; write it twice",
}


def _syntax_error(name: str, text: str, said: str, broken_inline_table: int | None) -> ProtocolError:
    place = _PLACE.search(said)
    reason = said[: place.start()] if place else said
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    words = next((ours for theirs, ours in _WORDS.items() if reason.startswith(theirs)), "")
    if reason.startswith("Cannot declare"):
        words = "this table stands here a second time"
    lines = text.split("\n")
    written = _BARE_QUANTITY.search(lines[line - 1] + "\n") if line <= len(lines) else None
    if words:
        hint = ""
    elif broken_inline_table is not None and line >= broken_inline_table:
        hint = "A table in braces, { ... }, stays on one line; arrays, [ ... ], may span lines."
    elif written:
        hint = f'A quantity stands in quotes: "{written[1].strip()}".'
    else:
        hint = ""
    return _refusal(name, f"this is not TOML: {words or reason[:1].lower() + reason[1:]}", hint, line)


# --- the scanner --------------------------------------------------------------------------------


class _GaveUp(Exception):
    """The text is not TOML from here on."""


class _NestedTooDeeply(Exception):
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


class _Scanner:
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
            raise _NestedTooDeeply
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
            raise _NestedTooDeeply
        self._expect("=")
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if len(path) > MAXIMUM_NESTING:
            raise _NestedTooDeeply
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
                raise _GaveUp

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
                raise _GaveUp

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
                raise _NestedTooDeeply
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
            raise _GaveUp from None

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.position)
        self.position = match.end() if match else self.position

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            raise _GaveUp
        self.position = match.end()
        return match[0]

    def _expect(self, token: str) -> None:
        self._skip(_BLANK)
        if not self.text.startswith(token, self.position):
            raise _GaveUp
        self.position += len(token)
