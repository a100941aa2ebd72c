"""Text files of other programs: opened within bounds, decoded, and refused with file and line."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from luggin.errors import FileFormatError
from luggin_plugins.readers.endings import lost_digits

LARGEST_FILE = 64 << 20
LONGEST_LINE = 8192
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?")


@dataclass(frozen=True)
class TextFile:
    """The lines of a file, without line ends; ``whole`` is false if the last line has none."""

    path: Path
    lines: tuple[str, ...]
    whole: bool

    def fail(self, message: str, line: int | None = None) -> NoReturn:
        """Refuse the file, with the line (from 1) if it is one that is wrong.

        Raises:
            FileFormatError: always.
        """
        place = f"{self.path}" if line is None else f"{self.path}:{line}"
        raise FileFormatError(f"{place}: {message}")

    def lost_digits(self, before: int | None, separator: str) -> bool:
        """True if the last line may have lost its end, judged by the line of the point before (from 0, or None)."""
        return not self.whole and (before is None or lost_digits(self.lines[-1], self.lines[before], separator))


def read_text(path: Path, encoding: str = "cp1252") -> TextFile:
    """Open a file: UTF-16 or UTF-8 as it says of itself, else ``encoding`` if it is not UTF-8.

    Empty lines at the end are left out.

    Raises:
        FileFormatError: it cannot be read, is empty, binary or too large, or has a line too long.
    """
    opened = TextFile(Path(path), (), whole=True)
    try:
        size = opened.path.stat().st_size
        if size > LARGEST_FILE:
            opened.fail(f"the file has {size >> 20} MiB; at most {LARGEST_FILE >> 20} MiB are read")
        raw = opened.path.read_bytes()
    except OSError as error:
        opened.fail(f"the file cannot be read: {error.strerror}")
    text = decoded(raw, encoding)
    if not text.strip():
        opened.fail("the file is empty")
    if "\0" in text:
        opened.fail("found binary data; expected text", text.count("\n", 0, text.index("\0")) + 1)
    lines = text.split("\n")
    whole = not lines[-1].strip()
    while not lines[-1].strip():
        lines.pop()
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            opened.fail(f"the line has {len(line)} characters; expected at most {LONGEST_LINE}", number)
    return TextFile(opened.path, tuple(line.rstrip("\r") for line in lines), whole)


def decoded(raw: bytes, encoding: str = "cp1252") -> str:
    """Bytes as text: by their mark, as UTF-8, or in ``encoding``; what is in none of them becomes a mark.

    >>> decoded("1 µA".encode("utf-16")), decoded("Цикл 1".encode("cp1251"), "cp1251")
    ('1 µA', 'Цикл 1')
    """
    if raw.startswith(_UTF16):
        return raw.decode("utf-16", errors="replace")
    raw = raw.removeprefix(_UTF8_MARK)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode(encoding, errors="replace")


def number(text: str, decimal: str = ".") -> float | None:
    """A finite number as instruments write it, or None: neither ``nan``, nor ``1_000``, nor two decimal signs.

    >>> number("-5.78e-05"), number("1,5", decimal=","), number("1,5"), number("nan")
    (-5.78e-05, 1.5, None, None)
    """
    written = text.strip()
    if decimal != ".":
        if "." in written:
            return None
        written = written.replace(decimal, ".", 1)
    if _NUMBER.fullmatch(written) is None:
        return None
    value = float(written)
    return value if math.isfinite(value) else None


def shown(text: str) -> str:
    """What was found, short and printable."""
    return repr(text.strip()[:60])


def listed(names: Sequence[str]) -> str:
    """Names of columns in a sentence, shortened."""
    return ", ".join(name for name in names if name)[:300] or "nothing"
