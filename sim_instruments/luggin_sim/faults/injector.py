"""The handle by which tests do something to an instrument's line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from luggin_sim.faults.kinds import KINDS, Fault
from luggin_sim.wire_log import Chunk


class _Line(Protocol):
    """What carries the instrument's bytes; its methods may be called from any thread."""

    def inject(self, fault: Fault) -> None: ...

    def clear_faults(self, kind: str | None) -> None: ...

    def is_plugged(self) -> bool: ...

    def fault_events(self) -> Sequence[Chunk]: ...


class FaultInjector:
    """Puts faults into one instrument and its line, at the lab time of the call. Any thread may use it."""

    def __init__(self, line: _Line) -> None:
        self._line = line

    def inject(self, kind: str, **settings: Any) -> Fault:
        """Put a fault in; ``settings`` are the attributes of `Fault`.

        Raises:
            ValueError: there is no such fault, or the instrument cannot have it.
        """
        fault = Fault(kind, **settings)
        self._line.inject(fault)
        return fault

    def clear(self, kind: str | None = None) -> None:
        """End the faults of a kind (all, if none is said), also those that have not begun.

        What a stall held back comes now; a held reply (``late``, ``interleave``) is lost.
        """
        if kind is not None and kind not in KINDS:
            raise ValueError(f"there is no fault {kind!r}; there are {', '.join(KINDS)}")
        self._line.clear_faults(kind)

    def unplug(self) -> None:
        """Break the line until `replug`. The instrument does not notice, and goes on."""
        self.inject("unplug")

    def replug(self) -> None:
        """The line can be opened anew. Whoever had it open before has a dead port all the same."""
        self.clear("unplug")

    def reboot(self, seconds: float = 0.0) -> None:
        """Restart the instrument: it has lost its state, and its cell is open. It takes so long (lab s)."""
        self.inject("reboot", duration=seconds)

    @property
    def is_plugged(self) -> bool:
        """True if the line can be opened now."""
        return self._line.is_plugged()

    @property
    def events(self) -> Sequence[Chunk]:
        """What has happened so far, oldest first: ``fault``, lab time, bytes before and after it."""
        return self._line.fault_events()
