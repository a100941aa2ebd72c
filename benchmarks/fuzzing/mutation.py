"""Inputs nobody would write: what is right, changed in the ways in which things go wrong.

Every input is a function of seed, parser and number alone, so that one that was found can be made again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Grow = Callable[[random.Random], bytes]

#: Numbers at which something is about to overflow, to be negative, or not to be a number.
NUMBERS = (
    b"0", b"-0", b"1", b"-1", b"0.1", b"1e308", b"1e309", b"-1e999", b"1e-400", b"nan", b"NaN", b"inf", b"-Infinity",
    b"127", b"128", b"255", b"256", b"32767", b"65535", b"65536", b"2147483647", b"2147483648", b"4294967295",
    b"9223372036854775807", b"18446744073709551616", b"9.9e37", b"9.91E+37", b"00000000", b"FFFFFFF", b"8000000",
    b"1" * 40, b"9" * 400, b"9" * 5000, b"0x1F", b"0o17", b"1_000", b"\xd9\xa3", "１２".encode(), "²".encode(),
)  # fmt: skip
#: Texts that mean something to somebody: paths, markup, escapes, ends of line, other alphabets.
TEXTS = (
    b"", b" ", b"\t", b"\n", b"\r\n", b"\r", b"\0", b"\x7f", b"\x1b[2J", b"..", b"../../etc/passwd", b"/etc/passwd",
    b"C:\\Windows\\win.ini", b"con", b"nul", b"$x", b"${x}", b"%s%n", b"{0}", b"\\u0000", b"\\ud800", b"\\", b'"', b"'",
    b'"""', b"#", b"[", b"]", b"{", b"}", b"(", b")", b",", b";", b":", b"=", b"!", b"*", b"&a", b"*a", b"<<", b"---",
    b"- ", b"? ", b"| ", b"!!python/object:os.system", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", "Ω".encode(), "µ".encode(), "−".encode(), "ⅷ".encode(), b"true", b"false", b"null", b"1e5 V",
    b"25 mV/s", b"mV", b"degC", b"vs ref",
)  # fmt: skip
LONGEST = 1 << 16


def mutated(chance: random.Random, seed: bytes, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """``seed`` with one to eight changes, at most 64 KiB of it."""
    data = bytearray(seed)
    for _ in range(1 << chance.randrange(4)):
        _CHANGES[chance.randrange(len(_CHANGES))](chance, data, others, words)
    return bytes(data[:LONGEST])


def _place(chance: random.Random, data: bytearray) -> int:
    return chance.randrange(len(data) + 1)


def _span(chance: random.Random, data: bytearray, longest: int = 64) -> slice:
    begin = _place(chance, data)
    return slice(begin, begin + chance.randrange(1, longest))


def _flip(chance: random.Random, data: bytearray, others: Sequence[bytes], words: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _overwrite(chance: random.Random, data: bytearray, others: Sequence[bytes], words: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _delete(chance: random.Random, data: bytearray, others: Sequence[bytes], words: Sequence[bytes]) -> None:
    del data[_span(chance, data)]


def _insert(chance: random.Random, data: bytearray, others: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = _place(chance, data)
    data[at:at] = chance.choice(words) if words and chance.random() < 0.5 else chance.choice(TEXTS)


def _number(chance: random.Random, data: bytearray, others: Sequence[bytes], words: Sequence[bytes]) -> None:
    """Put a number in the place of one that is there."""
    digits = [k for k, c in enumerate(data) if 48 <= c < 58]
    begin = chance.choice(digits) if digits else _place(chance, data)
    end = begin
    while end < len(data) and chr(data[end]) in "0123456789.eE":
        end += 1
    data[begin:end] = chance.choice(NUMBERS)


def _twice(chance: random.Random, data: bytearray, others: Sequence[bytes], words: Sequence[bytes]) -> None:
    span = _span(chance, data)
    at = _place(chance, data)
    data[at:at] = data[span]


def _very_often(chance: random.Random, data: bytearray, others: Sequence[bytes], words: Sequence[bytes]) -> None:
    """Repeat a few bytes as often as would hurt."""
    if chance.random() < 0.9:
        _twice(chance, data, others, words)
        return
    span = _span(chance, data, 8)
    data[span.start : span.start] = bytes(data[span]) * min(chance.choice((30, 1000, 20_000)), LONGEST // 8)


def _cut(chance: random.Random, data: bytearray, others: Sequence[bytes], words: Sequence[bytes]) -> None:
    del data[_place(chance, data) :]


def _splice(chance: random.Random, data: bytearray, others: Sequence[bytes], words: Sequence[bytes]) -> None:
    other = chance.choice(others) if others else b""
    data[_place(chance, data) :] = other[chance.randrange(len(other) + 1) :]


def _line(chance: random.Random, data: bytearray, others: Sequence[bytes], words: Sequence[bytes]) -> None:
    """Take a line away, or let two change places."""
    lines = bytes(data).split(b"\n")
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    if chance.random() < 0.5:
        lines[first], lines[second] = lines[second], lines[first]
    else:
        del lines[first]
    data[:] = b"\n".join(lines)


_CHANGES = (_flip, _overwrite, _delete, _insert, _insert, _number, _number, _twice, _very_often, _cut, _splice, _line)
