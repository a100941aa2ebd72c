"""Opening the cell, and verifying it: exchanges as plain data, for this driver and for the guardian.

The data stream may run, with bytes on their way that look like anything. So it is ended first, and
the instrument is asked who it is: what comes before that answer is forgotten. Only then the real
state of the cell is asked for (`cellon?`, which knows the switch on the panel too).
"""

from __future__ import annotations

from collections.abc import Sequence

from luggin.capabilities import Exchange
from luggin.clock import Clock
from luggin.errors import BadReply, ReplyTimeout, UnsafeState
from luggin.transport import Transport
from luggin.transport.dialogue import perform
from luggin_drivers.srs import commands

_TIMEOUT = 2.0
_PAUSE = 0.02
# A packet that was begun may still be sent behind the command that ends the stream.
_LAST_PACKET = 0.1
_MYSELF = r"EC301[^\n]*\n"
# Nothing may come before it: the zero of another answer is none.
_IS_OFF = r"\A[ \t]*\+?0[ \t\r]*\n"


def safe_exchanges() -> tuple[Exchange, ...]:
    """End what runs, open the cell, and read its real state."""
    return (
        Exchange(_line(commands.END_RAMP)),
        Exchange(_line(commands.CELL_OFF)),
        Exchange(_line(commands.STREAM_OFF), pause=_PAUSE),
        Exchange(_line(commands.CLEAR_INTERFACE), pause=_PAUSE),
        Exchange(_line("*IDN?"), _MYSELF, _TIMEOUT, pause=_LAST_PACKET),
        Exchange(_line(commands.CELL_IS_ON), _IS_OFF, _TIMEOUT, verifies=True),
    )


def _line(command: str) -> bytes:
    return command.encode("ascii") + b"\n"


def open_and_verify(transport: Transport, clock: Clock, name: str, exchanges: Sequence[Exchange]) -> str:
    """Do the exchanges; what was read back, in words.

    Tried twice, because the first attempt may only have brought line and instrument in step.

    Raises:
        UnsafeState: both attempts failed.
        LineLost: the line broke.
    """
    with transport.lock:
        for attempt in range(2):
            try:
                if attempt:
                    transport.drain(quiet=_LAST_PACKET, longest=5 * _LAST_PACKET)
                perform(transport, exchanges, clock)
            except (ReplyTimeout, BadReply) as error:
                failure = error
            else:
                transport.suspect = False
                return "rampen and ceenab 0 were sent, and cellon? answered 0 (cell circuit open)"
        raise UnsafeState(
            f"{name}: the cell was told to open, but that could not be verified ({failure}). Turn the cell switch on "
            "the panel off or unplug the cell, then look at it."
        ) from failure
