"""Lines to instruments: raw bytes, deadlines on the lab clock, one owner, one error tree.

Nothing in here imports numpy: the guardian runs on this layer alone.
"""

from luggin.transport.base import Direction, Transport
from luggin.transport.ownership import LineOwnership
from luggin.transport.serial_line import SerialTransport

__all__ = ["Direction", "LineOwnership", "SerialTransport", "Transport"]
