"""One wait of one thread."""

from __future__ import annotations

import threading

FOREVER = float("inf")


class Wait:
    """One thread that waits. ``rank`` is its place among the workers, None for a thread that takes no part."""

    __slots__ = ("cancelled", "lock", "rank", "released", "until")

    def __init__(self, until: float, rank: int | None) -> None:
        self.until = until
        self.rank = rank
        self.released = False
        self.cancelled = False
        self.lock = threading.Lock()
        self.lock.acquire()
