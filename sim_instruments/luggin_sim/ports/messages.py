"""Instruments on a bus that carries messages: where a reply ends, device clear, serial poll, trigger, locks.

A dialect may say more about itself than its bytes; what it does not say has a default. It is asked
`next_due` directly before, so it knows what time it is.

``status_byte() -> int``
    the status byte with bit 6 (service request); MAV is added here. Default: 0.
``device_clear()``
    throw away input and output. Default: only what is on the line is thrown away.
``trigger()``
    the bus's trigger. Default: nothing happens.
"""

from __future__ import annotations

import itertools
from typing import Any

from luggin.clock import Cancel, Clock
from luggin_sim.dialects.base import Dialect
from luggin_sim.faults.kinds import Fault
from luggin_sim.ports.line import SimulatedLine
from luggin_sim.wire import Wire, WireLog

MESSAGE_AVAILABLE = 0x10
REQUEST_SERVICE = 0x40
#: How often (lab s) somebody who waits for a service request or a lock looks again.
_LOOK_AGAIN = 0.01
_keys = itertools.count(1)


class MessageWire(Wire):
    """A line that carries messages: `take` gives at most one.

    What the instrument sends at one time and ends with a line feed is a message. So is what it sends
    without, if nothing is to follow.
    """

    def __init__(self, dialect: Dialect, latency: float = 0.0, baud: int | None = None, **settings: Any) -> None:
        super().__init__(dialect, latency, baud, **settings)
        #: True if what was taken last ended a message.
        self.message_ended = False

    def take(self, now: float) -> bytes:
        """What has arrived up to ``now`` and was not taken before, up to the end of a message."""
        self._collect(now)
        waiting, parts = self._on_the_way, []
        self.message_ended = False
        while waiting and waiting[0].arrives <= now and not self.message_ended:
            parts.append(waiting.popleft().data)
            self.message_ended = parts[-1].endswith(b"\n") or (not waiting and self.dialect.next_due(now) is None)
        return b"".join(parts)

    def take_last_words(self) -> bytes:
        """As `Wire.take_last_words`; nobody says any more whether they were all."""
        self.message_ended = False
        return super().take_last_words()

    def status_byte(self, now: float) -> int:
        """The status byte, with MAV if a message waits."""
        self._collect(now)
        ask = getattr(self.dialect, "status_byte", None)
        waits = bool(self._on_the_way) and self._on_the_way[0].arrives <= now
        return (int(ask()) if ask is not None else 0) | (MESSAGE_AVAILABLE if waits else 0)

    def device_clear(self, now: float) -> None:
        """The instrument forgets what it was about to say."""
        self._collect(now)
        clear = getattr(self.dialect, "device_clear", None)
        if clear is not None:
            clear()
        self._on_the_way.clear()
        self._passage.forget()

    def trigger(self, now: float) -> None:
        """The bus's trigger."""
        self._collect(now)
        trigger = getattr(self.dialect, "trigger", None)
        if trigger is not None:
            trigger()


class MessageLine(SimulatedLine):
    """A line to an instrument on a bus, with what goes beside the bytes.

    Args:
        wire: the instrument.
        clock: the lab clock.
        log: record of the bytes.
        messages: True where the bus says how a message ends (not on sockets and serial ports).
    """

    def __init__(self, wire: MessageWire, clock: Clock, log: WireLog, *, messages: bool) -> None:
        super().__init__(wire, clock, log)
        self.messages = messages
        self._bus = wire
        self._holders: set[int] = set()
        self._key = ""

    def write_message(self, plug: int, data: bytes) -> None:
        """Bytes go to the instrument; END after them stands for an end of line."""
        self.write(plug, data if not self.messages or data.endswith(b"\n") else data + b"\n")

    def read_message(self, plug: int, until: float, *cancels: Cancel) -> tuple[bytes, bool]:
        """What arrives first, and whether it ends a message; nothing if ``until`` comes or a token is set before."""
        data = self.read(plug, until, *cancels)
        return data, bool(data) and self.messages and self._bus.message_ended

    def status_byte(self, plug: int) -> int:
        """The status byte now."""
        with self._lock:
            now = self.clock.now()
            self._check(plug, now)
            return self._bus.status_byte(now)

    def device_clear(self, plug: int) -> None:
        """Clear the instrument; where the bus has no such thing, what has arrived is thrown away."""
        with self._lock:
            now = self.clock.now()
            self._check(plug, now)
            if self.messages:
                self._bus.device_clear(now)
                return
            while self._bus.take(now):
                pass

    def trigger(self, plug: int) -> None:
        """Trigger the instrument."""
        with self._lock:
            now = self.clock.now()
            self._check(plug, now)
            self._bus.trigger(now)
            self._changed.set()

    def wait_for_service(self, plug: int, until: float) -> bool:
        """Wait for the instrument to request service; False at ``until`` (lab time)."""
        while not self.status_byte(plug) & REQUEST_SERVICE:
            if self.clock.now() >= until:
                return False
            self.clock.wait_until(min(until, self.clock.now() + _LOOK_AGAIN))
        return True

    # -- locks, by session
    def is_open_to(self, session: int) -> bool:
        """True unless another session holds a lock that this one has no part in."""
        return not self._holders or session in self._holders

    def lock_for(self, session: int, key: str | None, exclusive: bool, until: float) -> str | None:
        """Take a lock, waiting while others have it; the key of a shared one, None if ``until`` came first."""
        while True:
            with self._lock:
                shares = not exclusive and key is not None and key == self._key
                if self._holders <= {session} or shares:
                    self._key = "" if exclusive else key or self._key or f"key{next(_keys)}"
                    self._holders.add(session)
                    return self._key
            if self.clock.now() >= until:
                return None
            self.clock.wait_until(min(until, self.clock.now() + _LOOK_AGAIN))

    def unlock(self, session: int) -> bool:
        """Give a lock back; False if the session has none."""
        with self._lock:
            held = session in self._holders
            self._holders.discard(session)
            return held


_LABS: dict[str, dict[str, MessageLine]] = {}


def connect(lab: str, name: str, line: MessageLine) -> None:
    """Make a line known under a canonical VISA name in the library ``<lab>@luggin``."""
    _LABS.setdefault(lab, {})[name] = line


def disconnect(lab: str) -> None:
    """Forget a laboratory and tell whoever has a line of it open."""
    for line in _LABS.pop(lab, {}).values():
        line.close()


def swap(lab: str, one: str, other: str) -> None:
    """Exchange the plugs of two lines of a laboratory; who has one open is told that it broke."""
    there = _LABS[lab]
    for name in (one, other):
        there[name].inject(Fault("unplug", duration=0.0))
    there[one], there[other] = there[other], there[one]


def lines_of(lab: str) -> dict[str, MessageLine] | None:
    """The lines of a laboratory by canonical VISA name; None if there is no such laboratory."""
    return _LABS.get(lab)
