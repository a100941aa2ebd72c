"""A queue between workers of one clock."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from luggin.clock.waiting import FOREVER, Wait

if TYPE_CHECKING:
    from luggin.clock.base import BaseClock, Cancel

T = TypeVar("T")


class ClockQueue(Generic[T]):
    """A bounded queue between lab workers: both `put` and `get` wait on the clock.

    Whoever puts wakes one getter under the clock's lock, so that virtual time cannot go on before
    the item is taken. A token that both sides pass to their calls closes the queue for both.
    """

    def __init__(self, clock: BaseClock, maxsize: int) -> None:
        if maxsize < 1:
            raise ValueError(f"a queue holds at least one item, not {maxsize}")
        self._clock = clock
        self._maxsize = maxsize
        self._items: deque[T] = deque()
        self._getters: list[Wait] = []
        self._putters: list[Wait] = []

    def put(self, item: T, *cancels: Cancel) -> bool:
        """Append, waiting while the queue is full. False when a token is set and there is still no room."""
        while True:
            with self._clock._lock:
                if len(self._items) < self._maxsize:
                    self._items.append(item)
                    self._wake(self._getters)
                    return True
                wait = self._clock._prepare(FOREVER, cancels)
                if wait is None:
                    return False
                self._putters.append(wait)
            # Looks again even if a token ended the wait: room may have been made for this very call.
            self._clock._block(wait, cancels, self._putters)

    def get(self, *cancels: Cancel) -> T | None:
        """Take the oldest, waiting while there is none. None when a token is set and there still is none."""
        while True:
            with self._clock._lock:
                if self._items:
                    item = self._items.popleft()
                    self._wake(self._putters)
                    return item
                wait = self._clock._prepare(FOREVER, cancels)
                if wait is None:
                    return None
                self._getters.append(wait)
            # Looks again even if a token ended the wait: an item may have come for this very call.
            self._clock._block(wait, cancels, self._getters)

    def statistics(self) -> dict[str, int]:
        """How full it is."""
        with self._clock._lock:
            return {"items": len(self._items), "maxsize": self._maxsize}

    def _wake(self, waits: list[Wait]) -> None:
        """End the oldest wait that nothing else has ended already."""
        while waits:
            wait = waits.pop(0)
            if not wait.released:
                self._clock._release(wait)
                return
