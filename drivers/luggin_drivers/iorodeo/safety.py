"""Leaving a board safe, and verifying it: exchanges as plain data, for this driver and for the guardian.

A board of hardware 0.2 disconnects all three electrodes, and says of each one by its pin whether it is
connected. (It also says "all connected": false is one disconnected electrode then, so that is not asked.)

A board of hardware 0.1 has no switch, but a multiplexer on it has; its electrodes are asked for in the same way.
(They are "not connected" too while the multiplexer is not in use, so it is put to use first.) Without a multiplexer the
dialogue is that of the other boards and fails, as it must: nothing here ever calls a closed cell open.
"""

from __future__ import annotations

from collections.abc import Iterator

from luggin.capabilities import Exchange
from luggin_drivers.iorodeo.messages import END_OF_MESSAGE, padded, written
from luggin_drivers.iorodeo.settings import Settings

_TIMEOUT = 1.0
_ELECTRODES = ("Ref", "Ctr", "Wrk")


def safe_exchanges(settings: Settings) -> tuple[Exchange, ...]:
    """Stop the test, open the cell, and ask for each electrode."""
    # Half a message may be in the board's buffer: an end of line ends it.
    stop = Exchange(END_OF_MESSAGE + padded(written("stopTest")), _done("stopTest"), _TIMEOUT)
    if settings.multiplexer is not None:
        return (
            stop,
            Exchange(
                padded(written("setMuxEnabled", muxEnabled=True)), _done("setMuxEnabled", '"muxEnabled":true'), _TIMEOUT
            ),
            Exchange(padded(written("disconnectAllMuxElect")), _done("disconnectAllMuxElect"), _TIMEOUT),
            *_read_back("Mux"),
        )
    auto = padded(written("setElectAutoConnect", autoConnect=True))
    off = padded(written("setAllElectConnected", connected=False))
    return (
        stop,
        Exchange(auto, _done("setElectAutoConnect", '"autoConnect":true'), _TIMEOUT),
        Exchange(off, _done("setAllElectConnected", '"connected":false'), _TIMEOUT),
        *_read_back(""),
    )


def electrode_commands(prefix: str) -> tuple[str, ...]:
    """The commands that ask for each electrode; those of a multiplexer begin with ``Mux``."""
    return tuple(f"get{prefix}{one}ElectConnected" for one in _ELECTRODES)


def _read_back(prefix: str) -> Iterator[Exchange]:
    for command in electrode_commands(prefix):
        yield Exchange(padded(written(command)), _done(command, '"connected":false'), _TIMEOUT, verifies=True)


def _done(command: str, *values: str) -> str:
    """The reply of a command that was obeyed, with values behind its name."""
    said = ",".join((f'"command":"{command}"', *values))
    return rf'(?m)^\{{"success":true,"response":\{{{said}\}}\}}\r?$'
