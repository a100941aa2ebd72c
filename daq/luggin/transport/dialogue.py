"""Fixed exchanges over a line as plain data, so that a process that knows no driver can do them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luggin.errors import BadReply, ReplyTimeout

if TYPE_CHECKING:
    from luggin.clock import Clock
    from luggin.transport.base import Transport

#: Bytes of an answer that are kept while it is not complete; rows of what runs still may come before it.
_KEPT = 1 << 16
#: How much of an answer that does not fit goes into the error.
_SHOWN = 200


@dataclass(frozen=True)
class Exchange:
    """One write with the answer it should get, as plain data that another process can replay.

    ``pause`` is waited out before sending (s): some instruments do not listen for a moment after they
    refused something. ``expect`` is a regular expression over all bytes that arrive until it matches
    or ``timeout`` (s) is over. ``required`` False: go on without it.
    """

    send: bytes
    expect: str = ""
    timeout: float = 2.0
    required: bool = True
    verifies: bool = False
    pause: float = 0.0


@dataclass(frozen=True)
class Performed:
    """An exchange and what came of it: the bytes that arrived, and the part of them that was expected.

    ``found`` is None where nothing was expected, or nothing of the kind came.
    """

    exchange: Exchange
    received: bytes = b""
    found: bytes | None = None

    @property
    def verified(self) -> bool:
        """True if this is a read-back that confirmed the safe state."""
        return self.exchange.verifies and self.found is not None


def perform(
    transport: Transport,
    exchanges: Iterable[Exchange],
    clock: Clock,
    told: Callable[[Performed], None] = lambda performed: None,
) -> tuple[Performed, ...]:
    """Do the exchanges one after the other, each to its expected answer, with the line to ourselves.

    Lines of an answer are joined with the terminator of the line. ``told`` hears of each exchange as
    soon as it is over, also of the one that fails.

    Raises:
        ReplyTimeout: nothing came where an answer is required.
        BadReply: something else came than what is required.
        LineLost: the line broke.
    """
    with transport.lock:
        return tuple(_perform(transport, exchange, clock, told) for exchange in exchanges)


def _perform(transport: Transport, exchange: Exchange, clock: Clock, told: Callable[[Performed], None]) -> Performed:
    clock.sleep(exchange.pause)
    transport.write(exchange.send)
    performed = Performed(exchange)
    if exchange.expect:
        performed = _awaited(transport, exchange, clock)
    told(performed)
    if exchange.expect and exchange.required and performed.found is None:
        raise _missing(transport, performed)
    return performed


def _awaited(transport: Transport, exchange: Exchange, clock: Clock) -> Performed:
    """Read until the expected answer is there, or time is over."""
    wanted = re.compile(exchange.expect.encode("ascii"))
    until = clock.now() + exchange.timeout
    received = b""
    while True:
        try:
            line = transport.read_line(max(0.0, until - clock.now()))
        except ReplyTimeout as over:
            received += over.partial  # an answer may come without an end of line
            match = wanted.search(received)
            return Performed(exchange, received, match[0] if match else None)
        received = received[-_KEPT:] + (line or b"") + transport.terminator
        if match := wanted.search(received):
            return Performed(exchange, received, match[0])


def _missing(transport: Transport, performed: Performed) -> ReplyTimeout | BadReply:
    asked, received = performed.exchange.send, performed.received
    if not received:
        return ReplyTimeout(f"{transport.resource}: {asked!r} was not answered within {performed.exchange.timeout:g} s")
    transport.suspect = True
    return BadReply(
        f"{transport.resource}: {asked!r} was answered with {received[-_SHOWN:]!r}, which is not the answer that "
        "confirms it",
        received,
    )
