"""What faults do to the bytes of a reply: pure functions of the bytes and of a generator."""

from __future__ import annotations

from random import Random

_END_OF_LINE = b"\r\n"
#: Bytes that no text protocol uses: garbage that can be told from an answer. See `garbled`.
_NOISE = range(0x80, 0x100)


def dropped(data: bytes, count: int | None, random: Random) -> bytes:
    """``data`` without ``count`` bytes in a row somewhere, or without all of them."""
    if count is None or count >= len(data):
        return b""
    begin = random.randrange(len(data) - count + 1)
    return data[:begin] + data[begin + count :]


def garbled(data: bytes, count: int, random: Random, *, inserted: bool) -> bytes:
    """``data`` with ``count`` bytes replaced, or with so many inserted, by ones that are not ASCII.

    Ends of lines stay. Noise that turns one digit into another is left out on purpose: on a line
    without checksums nobody can notice it, so no driver can be asked to.
    """
    noise = [random.choice(_NOISE) for _ in range(count)]
    changed = bytearray(data)
    if inserted:
        for value in noise:
            changed.insert(random.randrange(len(changed) + 1), value)
        return bytes(changed)
    places = [index for index, value in enumerate(data) if value not in _END_OF_LINE]
    for index, value in zip(random.sample(places, min(count, len(places))), noise, strict=False):
        changed[index] = value if value != changed[index] else value ^ 1
    return bytes(changed)


def truncated(data: bytes, keep: int | None, random: Random) -> bytes:
    """The first ``keep`` bytes, or as many as the generator says: never all of them."""
    if keep is None:
        keep = random.randrange(len(data)) if data else 0
    return data[: min(keep, max(0, len(data) - 1))]


def interleaved(one: bytes, other: bytes, random: Random) -> bytes:
    """The bytes of both, each in its own order, in pieces of up to four that alternate."""
    rests, mixed, turn = [one, other], b"", 0
    while all(rests):
        size = random.randint(1, 4)
        mixed += rests[turn][:size]
        rests[turn] = rests[turn][size:]
        turn = 1 - turn
    return mixed + rests[0] + rests[1]
