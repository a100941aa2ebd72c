"""TOML text as data, with the line of every key.

``tomllib`` says nothing about lines once it has parsed a file, and the mistakes of a protocol are
only found later. `load_toml` therefore reads the text twice: a tolerant scanner of our own notes
where each key and each item of an array begins (and refuses what is nested too deeply before the
recursive parser meets it), then ``tomllib`` decides what is valid and makes the data.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from luggin.documents.scanner import MAXIMUM_NESTING, GaveUp, KeyPath, NestedTooDeeply, Scanner
from luggin.errors import Problem, ProtocolError

MAXIMUM_BYTES = 1024 * 1024
"""Larger files are refused before they are read."""

TOO_LARGE = "a whole number here has more than 64 bits"


@dataclass(frozen=True)
class Document:
    """A TOML or YAML file: its data, its text, and the line (from 1) of each of its keys.

    Positions in arrays count from 0 here, as in ``data``.
    """

    name: str
    text: str
    data: Mapping[str, Any]
    lines: Mapping[KeyPath, int] = field(repr=False)
    language: Literal["toml", "yaml"] = "toml"

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
    return load_toml(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """The content of a file, or so much of it that its being too large is seen."""
    try:
        with path.open("rb") as file:
            return file.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        raise refusal(str(path), "there is no such file") from None
    except OSError as error:
        raise refusal(str(path), f"the file cannot be read: {error.strerror or error}") from error


def load_toml(text: str | bytes, name: str) -> Document:
    r"""Parse TOML 1.0; ``name`` is the file's name in messages.

    >>> document = load_toml('title = "CV"\nsteps = [\n  {do = "ocp", duration = "60 s"},\n]', "a.toml")
    >>> document.line(("steps", 0, "duration"))
    3

    Raises:
        ProtocolError: over 1 MiB, not UTF-8, nested more than 20 deep, or not TOML.
    """
    plain = decoded(text, name)
    scanner = Scanner(plain)
    try:
        scanner.document()
    except NestedTooDeeply:
        raise refusal(
            name,
            f"tables and arrays are nested more than {MAXIMUM_NESTING} deep",
            "Deep loops are easier to read as a Python script.",
            scanner.line,
        ) from None
    except GaveUp:
        pass  # the scanner only gives up on what is not TOML, and tomllib says what that is
    try:
        data = tomllib.loads(plain)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(name, plain, str(error), scanner.broken_inline_table) from error
    except ValueError as error:  # a whole number of more than 4300 digits
        raise refusal(name, "a number in this file has more digits than can be read") from error
    document = Document(name, plain, data, scanner.lines)
    if large := next(_large_numbers(data), None):
        raise refusal(name, TOO_LARGE, line=document.line(large))
    return document


def _large_numbers(data: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Where there are whole numbers of more than 64 bits; hexadecimal ones may be of any length."""
    if isinstance(data, int):
        if not is_whole(data):
            yield path
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _large_numbers(value, (*path, key))
    elif isinstance(data, list):
        for position, value in enumerate(data):
            yield from _large_numbers(value, (*path, position))


def is_whole(number: int) -> bool:
    """True if a whole number has 64 bits at most, as TOML wants it."""
    return -(1 << 63) <= number < 1 << 63


def refusal(name: str, message: str, hint: str = "", line: int | None = None) -> ProtocolError:
    """One mistake of a file as the error to be raised."""
    return ProtocolError(name, [Problem(message + ".", line=line, hint=hint)])


def decoded(text: str | bytes, name: str) -> str:
    """The text without byte order mark and with plain line ends; refuses what is too large or no text."""
    try:
        raw = text if isinstance(text, bytes) else text.encode()
    except UnicodeEncodeError as error:
        raise refusal(name, "the text is not valid Unicode", line=_line_at(text, error.start)) from None
    if len(raw) > MAXIMUM_BYTES:
        raise refusal(name, f"the file is larger than {MAXIMUM_BYTES // 1024**2} MiB; it was not read")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise refusal(name, "the file is UTF-16, not UTF-8", "Save it again with the encoding UTF-8.")
    try:
        plain = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise refusal(name, "the file is not UTF-8", "Save it again with the encoding UTF-8.", line) from None
    if "\0" in plain:
        raise refusal(name, "the file holds a NUL character: it is not text", line=_line_at(plain, plain.index("\0")))
    return plain.replace("\r\n", "\n")


def _line_at(text: str | bytes, position: int) -> int:
    return text.count("\n" if isinstance(text, str) else b"\n", 0, position) + 1  # type: ignore[arg-type]


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
    return refusal(name, f"this is not TOML: {words or reason[:1].lower() + reason[1:]}", hint, line)
