"""Packets of the binary data stream (EC301 manual, figure 33, tables 4 and 5), little endian."""

from __future__ import annotations

import functools
import operator
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luggin.errors import BadReply
from luggin_drivers.srs import tables
from luggin_drivers.srs.signs import from_instrument

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADER, FRAME, FOOTER = 16, 16, 24
_LEAD = b"\x1f\x10"
_END = b"\r\n"
# Where the end of line of the header is: the order of its last eight bytes is not certain.
_END_PLACES = (8, 14)
_MOST_FRAMES = 1 << 16
_RECORD = 16  # place of the overload record in the footer
_SHOWN = 40

#: How the last byte of a packet may be made from those before it: the manual does not say.
CHECKSUMS: Mapping[str, Callable[[bytes], int]] = {
    "sum": lambda data: sum(data) & 0xFF,
    "negative sum": lambda data: -sum(data) & 0xFF,
    "complement of the sum": lambda data: ~sum(data) & 0xFF,
    "exclusive or": lambda data: functools.reduce(operator.xor, data),
}


@dataclass(frozen=True)
class Packet:
    """Frames as arrays: fast state, potential (V), current (A, oxidation positive); ``flags`` holds for all of them."""

    counter: int
    state: NDArray[Any]
    potential: NDArray[Any]
    current: NDArray[Any]
    flags: int
    raw: bytes


def payload_size(header: bytes, name: str) -> int:
    """How many bytes of frames follow a header.

    Raises:
        BadReply: this is no header.
    """
    size = int(struct.unpack_from("<I", header, 4)[0])
    ends = any(header[place : place + 2] == _END for place in _END_PLACES)
    if header[:2] != _LEAD or not ends or size % FRAME or not 0 < size <= _MOST_FRAMES * FRAME:
        raise BadReply(f"{name}: the data stream is out of step: {header[:_SHOWN]!r} is no header of a packet", header)
    return size


def decode(raw: bytes) -> Packet:
    """A whole packet, whose header was looked at by `payload_size`."""
    import numpy as np

    frames = np.frombuffer(raw, np.dtype([("state", "<u4"), ("sync", "<f4"), ("i", "<f4"), ("e", "<f4")]),
                           (len(raw) - HEADER - FOOTER) // FRAME, HEADER)  # fmt: skip
    record = raw[len(raw) - FOOTER + _RECORD]
    flags = sum(flag.value for bit, flag in tables.OVERLOAD_RECORD.items() if record & bit)
    current = from_instrument(frames["i"].astype(np.float64))
    (counter,) = struct.unpack_from("<H", raw, 2)
    return Packet(counter, frames["state"], frames["e"].astype(np.float64), current, flags, raw)


class Check:
    """Finds out from packets that nothing depends on how they are checked; from then on insists on it."""

    def __init__(self, name: str) -> None:
        self._name = name
        #: What was found; empty if none of the usual ways fits.
        self.kind = ""

    def learn(self, packets: list[bytes]) -> None:
        """The way that fits most of the packets. One that does not fit is damaged.

        Raises:
            BadReply: packets differ.
        """
        fits = {kind: sum(made(raw[:-1]) == raw[-1] for raw in packets) for kind, made in CHECKSUMS.items()}
        best = max(fits, key=lambda kind: fits[kind])
        if 2 * fits[best] <= len(packets):
            return
        self.kind = best
        for raw in packets:
            self.require(raw)

    def require(self, raw: bytes) -> None:
        """BadReply if a packet is damaged, as far as that can be known."""
        if self.kind and CHECKSUMS[self.kind](raw[:-1]) != raw[-1]:
            raise BadReply(
                f"{self._name}: a packet of the data stream is damaged ({self.kind}): {raw[:_SHOWN]!r}", raw[:_SHOWN]
            )
