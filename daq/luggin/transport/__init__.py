"""Lines to instruments: raw bytes, deadlines on the lab clock, one owner, one error tree.

Nothing in here imports numpy: the guardian runs on this layer alone. (PyVISA does, if it is
installed, and is loaded only when a line needs it.)
"""

from luggin.transport.base import Direction, Transport
from luggin.transport.opening import open_line
from luggin.transport.ownership import LineOwnership
from luggin.transport.serial_line import SerialTransport
from luggin.transport.socket_line import SocketTransport
from luggin.transport.visa_line import VisaTransport

__all__ = [
    "Direction",
    "LineOwnership",
    "SerialTransport",
    "SocketTransport",
    "Transport",
    "VisaTransport",
    "open_line",
]
