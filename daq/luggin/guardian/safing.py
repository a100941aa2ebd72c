"""Making one line safe, however often it takes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from luggin.clock import Clock
from luggin.errors import LineInUse, UnsafeState
from luggin.guardian.orders import GuardedLine, Orders
from luggin.guardian.record import Record
from luggin.transport import LineOwnership, open_line
from luggin.transport.dialogue import Performed, perform

#: What was on its way to the runner is not our answer: it is read away, for so long at most (lab s).
_QUIET, _LONGEST_DRAIN = 0.05, 0.25
#: (from host s on, host s between two attempts): at once, patiently, and then so rarely that it harms nobody.
_PAUSES = ((0.0, 0.1), (5.0, 1.0), (600.0, 60.0))
#: What the owner of a line says to others while it is the guardian.
PURPOSE = "guardian of"
#: Another program of ours makes a line safe before anything else. If it holds it for so long (host s), it did.
HANDED_OVER = 60.0
_SHOWN = 300


def pause_after(seconds: float) -> float:
    """Time to the next attempt (host s), ``seconds`` after the first one.

    >>> pause_after(0.3), pause_after(20.0), pause_after(7200.0)
    (0.1, 1.0, 60.0)
    """
    return next(pause for begin, pause in reversed(_PAUSES) if seconds >= begin)


class _OwnedByAnother(LineInUse):
    """Another process of Luggin has the line."""


class LineSafety:
    """Makes one line safe.

    Args:
        orders: of the run.
        line: which line.
        clock: the lab clock, for deadlines on the line.
        host: the computer's time.
        record: where everything is written down.
        undead: True while the killed runner has not left the system: then its lock is nobody's.
    """

    def __init__(
        self, orders: Orders, line: GuardedLine, clock: Clock, host: Clock, record: Record, undead: Callable[[], bool]
    ) -> None:
        self._orders, self._line = orders, line
        self._clock, self._host = clock, host
        self._record = record
        self._undead = undead
        self._said = ""

    def run(self) -> bool:
        """Try until it is done or `Orders.patience` is over; True if nothing is left to fear."""
        now = self._host.now
        begun, owned_since = now(), None
        while True:
            try:
                performed = self._attempt()
            except _OwnedByAnother as error:
                owned_since = now() if owned_since is None else owned_since
                if now() - owned_since >= HANDED_OVER:
                    self._note("handed over", words=str(error))
                    return True
                self._failed(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next attempt may work: nobody else tries
                owned_since = None
                self._failed(error)
            else:
                return self._done(performed, now() - begun)
            tried = now() - begun
            if tried >= self._orders.patience:
                self._note("given up", words=f"tried for {tried:.0f} s; last: {self._said}")
                return False
            self._host.sleep(pause_after(tried))

    def _attempt(self) -> tuple[Performed, ...]:
        line = self._line
        with contextlib.ExitStack() as held:
            if not self._undead():
                self._own(held)
            transport = held.enter_context(open_line(line.resource, self._clock, **line.settings))
            transport.drain(_QUIET, _LONGEST_DRAIN)
            performed = perform(transport, line.dialogue, self._clock, self._tell)
        unread = [one.exchange.send for one in performed if one.exchange.verifies and not one.verified]
        if unread:
            raise UnsafeState(f"{line.resource}: {unread[0]!r} did not confirm the safe state")
        return performed

    def _own(self, held: contextlib.ExitStack) -> None:
        since = self._host.utc().astimezone().isoformat(timespec="seconds")
        purpose = f"{PURPOSE} {self._orders.folder} makes it safe"
        try:
            owned = LineOwnership(self._line.owned_as, user=self._orders.user, purpose=purpose, since=since)
        except LineInUse as error:
            raise _OwnedByAnother(str(error)) from error
        except OSError as error:
            # A full disk, say: no reason to leave a cell on.
            self._note("not owned", words=f"the lock of the line cannot be had ({error}); it is opened without")
        else:
            held.enter_context(owned)

    def _tell(self, performed: Performed) -> None:
        exchange = performed.exchange
        self._note(
            "exchange",
            sent=exchange.send.decode("latin-1"),
            expected=exchange.expect,
            received=performed.received[-_SHOWN:].decode("latin-1"),
            found=performed.found is not None,
            verifies=exchange.verifies,
        )

    def _done(self, performed: tuple[Performed, ...], seconds: float) -> bool:
        read = [repr((one.found or b"")[-60:].decode("latin-1").strip()) for one in performed if one.verified]
        if read:
            self._note("made safe", words=f"read back: {', '.join(read)}", seconds=round(seconds, 3))
            return True
        self._note("told, not verified", words="this instrument has no read-back", seconds=round(seconds, 3))
        return False

    def _failed(self, error: Exception) -> None:
        """Write an error down, unless it is the one that was there before."""
        words = f"{type(error).__name__}: {error}"
        if words != self._said:
            self._said = words
            self._note("not yet safe", words=words)

    def _note(self, what: str, **fields: object) -> None:
        self._record.note(what, role=self._line.role, **fields)
