"""Opening the cell, and verifying it: exchanges as plain data, for this driver and for the guardian.

The output is switched off with its relay open (HIMP). In any other mode "off" would force 0 V on the
cell or drain it, so that mode is set before the output is switched, and read back as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from luggin.capabilities import Exchange
from luggin.clock import Clock
from luggin.errors import BadReply, ReplyTimeout, UnsafeState
from luggin.transport import Transport
from luggin.transport.dialogue import perform
from luggin_drivers.keithley import commands
from luggin_drivers.keithley.settings import Settings

_TIMEOUT = 2.0
_IS_OFF = r"(?m)^[ \t]*\+?0[ \t]*\r?$"
_IS_OPEN = r"(?mi)^[ \t]*HIMP(EDANCE)?[ \t]*\r?$"


def safe_exchanges(settings: Settings) -> tuple[Exchange, ...]:
    """End what runs, open the relay, verify both."""
    headers = commands.off_mode_headers(settings)
    return (
        Exchange(_line(commands.ABORT)),
        *(Exchange(_line(command)) for command in commands.off_mode(settings)),
        Exchange(_line(commands.OUTPUT_OFF)),
        Exchange(_line(commands.OUTPUT), _IS_OFF, _TIMEOUT, verifies=True),
        *(Exchange(_line(f"{header}?"), _IS_OPEN, _TIMEOUT, verifies=True) for header in headers),
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
                if attempt or transport.suspect:
                    transport.clear()
                performed = perform(transport, exchanges, clock)
            except (ReplyTimeout, BadReply) as error:
                failure = error
            else:
                transport.suspect = False
                told = ", ".join(one.found.decode("ascii").strip() for one in performed if one.found is not None)
                return f"OUTP OFF was sent, and output and its mode were read back: {told} (off, relay open)"
        raise UnsafeState(
            f"{name}: the output was told to go off, but that could not be verified ({failure}). Switch the instrument "
            "off or unplug the cell, then look at it."
        ) from failure
