"""The binary data stream (EC301 manual, figure 33, tables 4 and 5): little endian, packets of frames.

A packet is a header of 16 bytes, frames of 16 bytes each, and a footer of 24 bytes.
"""

from __future__ import annotations

import functools
import operator
import struct
from typing import TYPE_CHECKING

from luggin_sim.dialects.srs_ec301.rules import Rules

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAD, _HEADER_LENGTH = 0x1F, 0x10
_END = b"\r\n"
#: s; a frame is the average of 2^n samples.
SAMPLE_PERIOD = 4e-6
_TEMPERATURE = 25.0  # degC; what the simulated sensor always says


def packet(
    counter: int,
    states: NDArray[np.uint32],
    potentials: NDArray[np.float32],
    currents: NDArray[np.float32],
    overload: int,
    rules: Rules,
) -> bytes:
    """One packet; the synchronous converter has nothing at its input."""
    import numpy as np

    frames = np.zeros(len(states), np.dtype([("state", "<u4"), ("sync", "<f4"), ("i", "<f4"), ("e", "<f4")]))
    frames["state"], frames["i"], frames["e"] = states, currents, potentials
    payload = frames.tobytes()
    head = struct.pack("<BBHI", _LEAD, _HEADER_LENGTH, counter & 0xFFFF, len(payload))
    reserved = bytes(5) + bytes([sum(head) & 0xFF])
    head += reserved + _END if rules.header_order == "reserved first" else _END + reserved
    whole = head + payload + struct.pack("<4fB6x", _TEMPERATURE, 0.0, 0.0, 0.0, overload)
    return whole + bytes([checksum(whole, rules)])


def checksum(data: bytes, rules: Rules) -> int:
    """The last byte of a packet; the manual does not say how it is made."""
    match rules.checksum:
        case "sum":
            return sum(data) & 0xFF
        case "negative":
            return -sum(data) & 0xFF
        case "xor":
            return functools.reduce(operator.xor, data)
        case _:
            return 0
