"""Bringing back a line that broke: bounded, with growing pauses, and only to the same instrument.

A line is opened anew, the instrument must be the one that it was (maker, model and serial number),
and its cell is verified to be open, before anything else is said to it. Nothing that a broken line
left undone is sent again from here: what goes on, and from where, is for the step to say.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain, repeat
from typing import TYPE_CHECKING

from luggin.errors import InstrumentError, Interrupted, NoInstrument
from luggin.transport.base import LineLock
from luggin.units import show_duration

if TYPE_CHECKING:
    from luggin.capabilities import Identity
    from luggin.clock import Cancel
    from luggin.engine.session import BenchSession

log = logging.getLogger(__name__)

#: How long an instrument may be away (lab s).
LONGEST = 60.0
_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)


class Reconnecting:
    """Reconnects the roles of one bench; two threads that lost the same line bring it back once."""

    def __init__(self, session: BenchSession) -> None:
        self._session = session
        self._locks: dict[str, LineLock] = {}
        self._generation: dict[str, int] = {}

    def generation(self, role: str) -> int:
        """How often the line of a role was brought back."""
        return self._generation.get(role, 0)

    def reconnect(self, role: str, lost: int, cancel: Cancel, longest: float = LONGEST) -> str:
        """Bring the line of a role back; what was verified, in words.

        Args:
            role: of the instrument.
            lost: `generation` at the time when its line was used last.
            cancel: ends the attempts.
            longest: how long to try (lab s).

        Raises:
            InstrumentError: it did not come back in time, or another instrument did; the last trouble.
            UnsafeState: it came back, but its cell could not be verified to be open.
            Interrupted: ``cancel`` was set.
        """
        session = self._session
        with self._locks.setdefault(role, LineLock(session.clock)):
            if self.generation(role) > lost:
                return "brought back already"
            until = session.clock.now() + longest
            for pause in _pauses():
                if not session.clock.sleep(min(pause, max(0.0, until - session.clock.now())), cancel):
                    raise Interrupted(f"stopped while {role} was away")
                try:
                    verified = self._once(role)
                except InstrumentError as error:  # also if its cell is not verified to be open: it is tried again
                    log.info("%s is not back yet: %s", role, error)
                    if session.clock.now() >= until:
                        error.add_note(f"{role} did not come back within {show_duration(longest)}")
                        raise
                else:
                    self._generation[role] = self.generation(role) + 1
                    return verified
        raise AssertionError("unreachable")  # pragma: no cover - the pauses do not end

    def _once(self, role: str) -> str:
        """One attempt: close, open, who is there, is the cell open."""
        session = self._session
        before = session.identities[role]
        session.close_line(role)
        session.open_line(role)
        # What was asked before the line broke may be answered only now: whoever speaks next brings it in step first.
        session.line(role).suspect = True
        there = session.identify(role)
        if _who(there) != _who(before):
            session.close_line(role)
            raise NoInstrument(
                f"{role}: another instrument answers now ({_named(there)}); the run was begun with {_named(before)}. "
                "Connect that one again."
            )
        session.identities[role] = there
        session.made_safe[role] = verified = session.instruments[role].make_safe()
        return verified


def _pauses() -> Iterator[float]:
    return chain(_PAUSES, repeat(_PAUSES[-1]))


def _who(identity: Identity) -> tuple[str, str, str]:
    return identity.maker, identity.model, identity.serial


def _named(identity: Identity) -> str:
    return f"{identity.maker} {identity.model}, serial number {identity.serial or 'unknown'}"
