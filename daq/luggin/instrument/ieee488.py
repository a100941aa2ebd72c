"""What IEEE 488.2 says every instrument has: status registers and numbers in binary blocks.

The blocks themselves are read by `luggin.transport.Transport.read_block`.
"""

from __future__ import annotations

import enum
import sys
from array import array
from typing import TYPE_CHECKING, Any, Literal

from luggin.errors import BadReply

if TYPE_CHECKING:
    import numpy as np

ByteOrder = Literal["little", "big"]


class StatusByte(enum.IntFlag):
    """The status byte (IEEE 488.2, 11.2); bits 0, 1, 3 and 7 are the instrument's own, bit 2 is SCPI's."""

    ERROR_QUEUE = 4
    MESSAGE_AVAILABLE = 16
    EVENT_STATUS = 32
    SERVICE_REQUEST = 64


class EventStatus(enum.IntFlag):
    """The standard event status register that ``*ESR?`` reads and clears (IEEE 488.2, 11.5.1)."""

    OPERATION_COMPLETE = 1
    REQUEST_CONTROL = 2
    QUERY_ERROR = 4
    DEVICE_ERROR = 8
    EXECUTION_ERROR = 16
    COMMAND_ERROR = 32
    USER_REQUEST = 64
    POWER_ON = 128

    @property
    def errors(self) -> EventStatus:
        """The bits that say that something went wrong."""
        return self & (
            EventStatus.QUERY_ERROR | EventStatus.DEVICE_ERROR | EventStatus.EXECUTION_ERROR | EventStatus.COMMAND_ERROR
        )


def floats(block: bytes, code: Literal["f", "d"] = "f", order: ByteOrder = "big") -> array[float]:
    """The numbers of a block.

    Args:
        block: bytes as `read_block` gives them.
        code: ``f`` for 4 bytes each, ``d`` for 8.
        order: of the bytes of one number; IEEE 488.2 says big, many instruments are set to little ("swapped").

    Raises:
        BadReply: the block does not hold whole numbers.

    Example:
        >>> floats(bytes.fromhex("3f800000 c0000000")).tolist()
        [1.0, -2.0]
    """
    numbers = array(code)
    _check_size(block, numbers.itemsize)
    numbers.frombytes(block)
    if order != sys.byteorder:
        numbers.byteswap()
    return numbers


def numpy_array(block: bytes, dtype: str = ">f4") -> np.ndarray[Any, Any]:
    """The numbers of a block as a read-only array; ``dtype`` has the byte order, as numpy writes it. Loads numpy.

    Raises:
        BadReply: the block does not hold whole numbers.
    """
    import numpy as np

    _check_size(block, np.dtype(dtype).itemsize)
    return np.frombuffer(block, dtype=dtype)


def _check_size(block: bytes, itemsize: int) -> None:
    if len(block) % itemsize:
        raise BadReply(f"a block of {len(block)} bytes does not hold whole numbers of {itemsize} bytes", block[:100])
