"""YAML text as data, with the line of every key: the part of YAML that says what TOML says.

The values are those of the core schema of YAML 1.2, so a plain word is what it looks like: ``on``,
``yes`` and ``no`` are words (``on`` is a key of the protocol language), ``1:30`` is a text and not
90. Where two versions of YAML read different numbers (``010``) the file is refused. So is whatever
makes a file say more than it shows: tags, anchors and aliases, merge keys, a key that stands twice.

The data are made from the parser's events by a loop of our own: no object is ever constructed,
nothing is repeated, and nesting costs no recursion.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from luggin.documents.document import TOO_LARGE, Document, decoded, is_whole, load_toml, read_bytes, refusal
from luggin.documents.scanner import MAXIMUM_NESTING, KeyPath
from luggin.errors import ProtocolError

_SUFFIXES = (".yaml", ".yml")

_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOTHING = ("", "~", "null", "Null", "NULL")
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NO_NUMBER = (".nan", ".NaN", ".NAN")


def is_yaml(name: str) -> bool:
    """True if a file of this name is YAML."""
    return name.lower().endswith(_SUFFIXES)


def load_document(text: str | bytes, name: str) -> Document:
    """`load_yaml` if the name ends in ``.yaml`` or ``.yml``, else `load_toml`."""
    return load_yaml(text, name) if is_yaml(name) else load_toml(text, name)


def read_document(path: Path) -> Document:
    """`load_document` of a file.

    Raises:
        ProtocolError: there is no such file, it cannot be read, or it has mistakes.
    """
    return load_document(read_bytes(path), str(path))


def read_yaml(path: Path) -> Document:
    """`load_yaml` of a file.

    Raises:
        ProtocolError: there is no such file, it cannot be read, or it has mistakes.
    """
    return load_yaml(read_bytes(path), str(path))


def load_yaml(text: str | bytes, name: str) -> Document:
    r"""Parse YAML; ``name`` is the file's name in messages.

    >>> document = load_yaml("title: CV\nsteps:\n  - {do: ocp, duration: 60 s}\non: {pc_lost: stop}", "a.yaml")
    >>> document.data["steps"], document.data["on"]
    ([{'do': 'ocp', 'duration': '60 s'}], {'pc_lost': 'stop'})
    >>> document.line(("steps", 0, "duration"))
    3

    Raises:
        ProtocolError: over 1 MiB, not UTF-8, nested more than 20 deep, not YAML, or more of YAML than
            a protocol may use.
    """
    import yaml

    plain = decoded(text, name)
    reading = _Reading(name)
    try:
        for event in yaml.parse(plain, Loader=yaml.SafeLoader):
            reading.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(name, error) from error
    except yaml.reader.ReaderError as error:
        line = plain.count("\n", 0, error.position) + 1
        raise refusal(name, f"the character U+{error.character:04X} cannot stand in YAML", line=line) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # An escape or a version number beyond all bounds: the parser has no words for these.
        raise refusal(name, f"this is not YAML: {error}", line=reading.line) from error
    return Document(name, plain, reading.data(), reading.lines, "yaml")


class _Open:
    """A mapping or list that is being filled; ``key`` is the key that waits for its value."""

    def __init__(self, path: KeyPath, content: dict[str, Any] | list[Any]) -> None:
        self.path = path
        self.content = content
        self.key: str | None = None


class _Reading:
    """Data and lines from the events of one text."""

    def __init__(self, name: str) -> None:
        self.lines: dict[KeyPath, int] = {(): 1}
        self.line = 1
        self._name = name
        self._open: list[_Open] = []
        self._root: Any = None
        self._documents = 0

    def data(self) -> dict[str, Any]:
        """What the text says; an empty text says nothing."""
        if self._root is None:
            return {}
        if not isinstance(self._root, dict):
            raise self._refusal("this file is no table of keys", "It begins for example with `title: ...`.", 1)
        return self._root

    def take(self, event: Any) -> None:
        """The next event."""
        kind = type(event).__name__
        if kind in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
            return
        self.line = event.start_mark.line + 1
        if kind == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise self._refusal("a second document begins here", "Put each protocol into a file of its own.")
        elif kind == "AliasEvent":
            raise self._refusal(f"`*{event.anchor}` repeats another part of the file", _WRITE_OUT)
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            self._open.pop()
        else:
            self._refuse_more(event)
            if kind == "ScalarEvent":
                self._scalar(event)
            else:
                self._begin({} if kind == "MappingStartEvent" else [])

    def _refuse_more(self, event: Any) -> None:
        """Refuse what makes a node more than it shows."""
        if event.anchor is not None:
            raise self._refusal(f"`&{event.anchor}` names a part of the file to be repeated", _WRITE_OUT)
        if event.tag is not None:
            raise self._refusal(f"`{_tag(event.tag)}` is a tag; a protocol has none", "Leave it out.")

    def _scalar(self, event: Any) -> None:
        above = self._open[-1] if self._open else None
        text: str = event.value
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise self._refusal("half a character (a surrogate) is escaped here", 'Write "\\U0001F600" for U+1F600.')
        plain = event.style is None
        if above is not None and isinstance(above.content, dict) and above.key is None:
            self._key(above, text, plain)
        elif above is not None or not plain or text:  # `---` alone is an empty text
            path = self._place()
            self._put(self._value(text) if plain else text, path)

    def _key(self, above: _Open, text: str, plain: bool) -> None:
        """Keys are words, whatever they look like."""
        if plain and text == "<<":
            raise self._refusal("`<<` merges another table into this one", _WRITE_OUT)
        if text == "" and plain:
            raise self._refusal("a key is missing before the colon", 'A text with ": " in it stands in quotes.')
        path = (*above.path, text)
        if text in above.content:
            raise self._refusal(
                f"the key `{text[:80]}` stands here a second time", f"First on line {self.lines[path]}."
            )
        above.key = text
        self.lines[path] = self.line

    def _begin(self, content: dict[str, Any] | list[Any]) -> None:
        above = self._open[-1] if self._open else None
        if above is not None and isinstance(above.content, dict) and above.key is None:
            raise self._refusal("a key is a word, not a list or table")
        path = self._place()
        self._put(content, path)
        self._open.append(_Open(path, content))

    def _place(self) -> KeyPath:
        """The path of the value that comes now; its line is noted."""
        if not self._open:
            self.lines[()] = self.line
            return ()
        above = self._open[-1]
        if isinstance(above.content, list):
            path: KeyPath = (*above.path, len(above.content))
            self.lines[path] = self.line
        else:
            path = (*above.path, str(above.key))
        if len(path) > MAXIMUM_NESTING:
            raise self._refusal(
                f"tables and lists are nested more than {MAXIMUM_NESTING} deep",
                "Deep loops are easier to read as a Python script.",
            )
        return path

    def _put(self, value: Any, path: KeyPath) -> None:
        if not self._open:
            self._root = value
            return
        above = self._open[-1]
        if isinstance(above.content, list):
            above.content.append(value)
        else:
            above.content[str(path[-1])] = value
            above.key = None

    def _value(self, text: str) -> Any:
        """What a plain word means."""
        if text in _NOTHING:
            key = self._open[-1].key if self._open else None
            what = f"`{key[:80]}` has" if key is not None else "here is"
            hint = 'Leave it out, or write "" for an empty text.'
            raise self._refusal(f"{what} no value" + (f" ({text})" if text else ""), hint)
        if text in _TRUTHS:
            return _TRUTHS[text]
        if _LEADING_ZERO.fullmatch(text):
            hint = f'Write "{text[:40]}" in quotes if it is a name, or the number without the zero.'
            raise self._refusal(f"{text[:40]} begins with a zero: versions of YAML read different numbers", hint)
        if _WHOLE.fullmatch(text):
            try:
                return self._whole(int(text))
            except ValueError as error:  # more than 4300 digits
                raise self._refusal("a number in this file has more digits than can be read") from error
        if _BASED.fullmatch(text):
            return self._whole(int(text, 0))
        if _DECIMAL.fullmatch(text):
            return float(text)
        infinite = _INFINITE.fullmatch(text)
        if infinite or text in _NO_NUMBER:
            return float(f"{infinite[1]}inf" if infinite else "nan")
        return text

    def _whole(self, number: int) -> int:
        if not is_whole(number):
            raise self._refusal(TOO_LARGE)
        return number

    def _refusal(self, message: str, hint: str = "", line: int | None = None) -> ProtocolError:
        return refusal(self._name, message, hint, line or self.line)


_WRITE_OUT = "Write it out, or use `for_each`."
_HINTS = {
    "mapping values are not allowed here": 'A text with ": " in it stands in quotes.',
    "could not find expected ':'": "A key is followed by a colon and a blank: `rate: 25 mV/s`.",
    "found character '\\t' that cannot start any token": "Indent with blanks; YAML allows no tabs there.",
    "found character '@' that cannot start any token": "A text that begins so stands in quotes.",
    "found character '`' that cannot start any token": "A text that begins so stands in quotes.",
    "found character '%' that cannot start any token": "A text that begins so stands in quotes.",
}


def _syntax_error(name: str, error: Any) -> ProtocolError:
    mark = error.problem_mark or error.context_mark
    said = ", ".join(filter(None, (error.context, error.problem)))
    return refusal(name, f"this is not YAML: {said}", _HINTS.get(error.problem, ""), mark.line + 1 if mark else None)


def _tag(tag: str) -> str:
    """As it was written: ``tag:yaml.org,2002:int`` is ``!!int``."""
    return tag[:80].replace("tag:yaml.org,2002:", "!!")
