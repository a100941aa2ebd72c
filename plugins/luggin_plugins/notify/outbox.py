"""Which message goes out next, and when: rates, attempts and what is told of those that were left out.

Nothing here waits or sends; times are handed in (host s).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from luggin_plugins.notify.messages import Message

_HOUR_S = 3600.0


@dataclass(frozen=True)
class Patience:
    """How long it is tried.

    Attributes:
        delays: between attempts while the run goes on (s); after the last one the message is given up.
        last_delays: the same for the message of the end.
        last: for how long it is tried once the run is over (s); observers are ended soon after that.
        timeout: of each wait for a server (s).
        waiting: messages that may wait; the oldest gives way.
    """

    delays: tuple[float, ...] = (2.0, 10.0, 60.0, 300.0, 900.0)
    last_delays: tuple[float, ...] = (1.0, 3.0, 6.0, 12.0)
    last: float = 25.0
    timeout: float = 10.0
    waiting: int = 50


ONE_ATTEMPT = Patience(delays=(), last_delays=())


class Outbox:
    """The messages to one target."""

    def __init__(self, per_hour: int, patience: Patience) -> None:
        self._per_hour = per_hour
        self._patience = patience
        self._waiting: deque[Message] = deque()
        self._sent: deque[float] = deque()
        self._attempts = 0
        self._not_before = float("-inf")
        self._until = float("inf")
        #: Messages that were left out since the last one that arrived; the next one says so.
        self.not_sent = 0
        #: Messages that could not be delivered at all, and what the server (or the network) said last.
        self.lost = 0
        self.reason = ""

    @property
    def is_empty(self) -> bool:
        """True if nothing waits."""
        return not self._waiting

    def add(self, message: Message, now: float) -> None:
        """Put a message in the queue. The one that says that the run is over ends all patience."""
        if len(self._waiting) >= self._patience.waiting:
            self._waiting.popleft()
            self._attempts = 0
            self.not_sent += 1
        self._waiting.append(message)
        if message.is_last:
            self._until = now + self._patience.last
            self._not_before = now

    def due(self, now: float) -> Message | None:
        """What is to be sent now. What the rate does not allow is left out, but the end of the run is told."""
        while self._sent and now - self._sent[0] >= _HOUR_S:
            self._sent.popleft()
        while self._waiting and not self._waiting[0].is_last and len(self._sent) >= self._per_hour:
            self._next()
            self.not_sent += 1
        return self._waiting[0] if self._waiting and now >= self._not_before else None

    def arrived(self, now: float) -> None:
        """The message that was due was delivered."""
        self._next()
        self._sent.append(now)
        self.not_sent = 0

    def failed(self, now: float, reason: str, *, for_good: bool) -> None:
        """It was not. It is tried again later or given up; once the run is over, only its end is tried again."""
        self.reason = reason
        self._attempts += 1
        last = self._waiting[0].is_last
        delays = self._patience.last_delays if last else self._patience.delays
        over = self._until != float("inf")
        if for_good or self._attempts > len(delays) or now + delays[self._attempts - 1] > self._until:
            self._give_up()
        elif over and not last:
            while self._waiting and not self._waiting[0].is_last:
                self._give_up()
        else:
            self._not_before = now + delays[self._attempts - 1]

    def _give_up(self) -> None:
        self._next()
        self.not_sent += 1
        self.lost += 1

    def _next(self) -> None:
        self._waiting.popleft()
        self._attempts = 0
        self._not_before = float("-inf")
