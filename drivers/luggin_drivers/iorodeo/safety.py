"""Leaving a board safe, and verifying it: exchanges as plain data, for this driver and for the guardian.

A board of hardware 0.2 disconnects all three electrodes, and says of each one by its pin whether it is
connected. (It also says "all connected": false is one disconnected electrode then, so that is not asked.)

A board of hardware 0.1 has no switch. With the operator's consent (setting ``rest``) its test is stopped
and the potential set that the cell may be left at. Without it the dialogue is the same as for the other
boards, and fails, as it must: nothing here ever calls a closed cell open.
"""

from __future__ import annotations

from luggin.capabilities import Exchange
from luggin_drivers.iorodeo.messages import END_OF_MESSAGE, padded, written
from luggin_drivers.iorodeo.settings import Settings

_TIMEOUT = 1.0
ELECTRODES = ("Ref", "Ctr", "Wrk")


def safe_exchanges(settings: Settings) -> tuple[Exchange, ...]:
    """Stop the test; then open the cell and ask for each electrode, or set the potential of rest."""
    # Half a message may be in the board's buffer: an end of line ends it.
    stop = Exchange(END_OF_MESSAGE + padded(written("stopTest")), _done("stopTest"), _TIMEOUT)
    if settings.rest is not None:
        rest = padded(written("setVolt", v=settings.rest))
        return (stop, Exchange(rest, _done("setVolt", r'"v":[-+.eE\d]+'), _TIMEOUT, verifies=True))
    auto = padded(written("setElectAutoConnect", autoConnect=True))
    off = padded(written("setAllElectConnected", connected=False))
    return (
        stop,
        Exchange(auto, _done("setElectAutoConnect", '"autoConnect":true'), _TIMEOUT),
        Exchange(off, _done("setAllElectConnected", '"connected":false'), _TIMEOUT),
        *(
            Exchange(padded(written(f"get{one}ElectConnected")), _is_open(one), _TIMEOUT, verifies=True)
            for one in ELECTRODES
        ),
    )


def _is_open(electrode: str) -> str:
    return _done(f"get{electrode}ElectConnected", '"connected":false')


def _done(command: str, *values: str) -> str:
    """The reply of a command that was obeyed, with values behind its name."""
    said = ",".join((f'"command":"{command}"', *values))
    return rf'(?m)^\{{"success":true,"response":\{{{said}\}}\}}\r?$'
