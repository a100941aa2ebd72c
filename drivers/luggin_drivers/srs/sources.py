"""Where frames come from: the binary data stream (or one question after the other, `luggin_drivers.srs.polls`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

from luggin.clock import Cancel
from luggin.errors import BadReply, InstrumentFault, ReplyTimeout
from luggin.records import Flag
from luggin_drivers.srs import packets, tables
from luggin_drivers.srs.plan import Part, Plan
from luggin_drivers.srs.windows import FRAME, Block

if TYPE_CHECKING:
    from luggin_drivers.srs.command_table import CommandTable

# Packets that are looked at before the cell is closed.
_FIRST_PACKETS = 4
_COUNTERS = 1 << 16


class Source(Protocol):
    """Frames of what runs. Used by the thread that owns the line."""

    def start(self) -> None:
        """Before the cell is closed."""

    def told(self, part: Part, what: str) -> None:
        """A command was given that begins something: ``level`` or ``ramp``."""

    def read(self, interval: float, wake: Cancel) -> Block | None:
        """The next frames, for rows that are ``interval`` s apart; None if somebody wants something."""

    def to_json(self) -> dict[str, Any]:
        """What should be known about how the data came."""


class Stream:
    """The binary data stream. Nothing can be asked while it runs."""

    def __init__(self, unit: CommandTable, plan: Plan, checked: bool) -> None:
        self._unit, self._plan = unit, plan
        self._check = packets.Check(unit.name) if checked else None
        self._period = tables.SAMPLE_PERIOD * 2**plan.averaging
        self._frames = 0
        self._counter: int | None = None

    def start(self) -> None:
        """Start the stream and look at its first packets, while the cell is open.

        Raises:
            InstrumentFault: it does not average as it was told, so its time would be wrong.
        """
        unit = self._unit
        unit.start_stream()
        first = [self._packet(None) for _ in range(_FIRST_PACKETS)]
        raw = [packet.raw for packet in first if packet is not None]
        if self._check is not None:
            self._check.learn(raw)
        for packet in first:
            if packet is not None:
                self._require_in_order(packet)

    def told(self, part: Part, what: str) -> None:
        """The frames say themselves what has begun."""

    def read(self, interval: float, wake: Cancel) -> Block | None:
        """The frames of the next packet.

        Raises:
            BadReply: the packet is damaged, or one is missing.
            ReplyTimeout: none comes any more.
        """
        packet = self._packet(wake)
        if packet is None:
            return None
        if self._check is not None:
            self._check.require(packet.raw)
        self._require_in_order(packet)
        return self._block(packet)

    def _packet(self, wake: Cancel | None) -> packets.Packet | None:
        line, unit = self._unit.transport, self._unit
        header = line.read_exactly(packets.HEADER, cancel=wake)
        if header is None:
            return None
        rest = line.read_exactly(packets.payload_size(header, unit.name) + packets.FOOTER)
        if rest is None:  # pragma: no cover - no token was given
            raise ReplyTimeout(f"{unit.name}: the wait for a packet was cancelled")
        return packets.decode(header + rest)

    def _require_in_order(self, packet: packets.Packet) -> None:
        expected = packet.counter if self._counter is None else (self._counter + 1) % _COUNTERS
        if packet.counter != expected:
            raise BadReply(
                f"{self._unit.name}: packet {packet.counter} of the data stream came, packet {expected} was to come: "
                "data is lost",
                packet.raw[: packets.HEADER],
            )
        self._counter = packet.counter
        averages = {int(state) >> tables.AVERAGING_SHIFT & tables.AVERAGING_MASK for state in packet.state[[0, -1]]}
        if averages != {self._plan.averaging}:
            raise InstrumentFault(
                f"{self._unit.name}: its frames are averages of 2^{max(averages)} samples, 2^{self._plan.averaging} "
                "were set: the time of the data would be wrong"
            )

    def _block(self, packet: packets.Packet) -> Block:
        import numpy as np

        state = packet.state
        frames = np.empty(len(state), FRAME)
        frames["time"] = (self._frames + np.arange(len(state)) + 0.5) * self._period
        self._frames += len(state)
        frames["potential"], frames["current"] = packet.potential, packet.current
        scales = np.full(tables.RANGE_MASK + 1, math.nan)
        for code, full in tables.CURRENT_RANGES.items():
            scales[code] = full
        frames["current_range"] = scales[state >> tables.RANGE_SHIFT & tables.RANGE_MASK]
        frames["closed"] = (state & tables.CELL_OPEN) == 0
        frames["ramping"] = (state & tables.RAMP_RUNNING) != 0
        limiting = np.where(state & tables.COMPLIANCE, np.uint32(Flag.COMPLIANCE.value), np.uint32(0))
        frames["flags"] = limiting | np.uint32(packet.flags)
        return Block(frames, half=0.5 * self._period)

    def to_json(self) -> dict[str, Any]:
        """How frames were checked, and what one is."""
        kind = self._check.kind if self._check is not None else ""
        return {
            "data": "stream",
            "frame_s": self._period,
            "rows": "mean of the frames of each interval",
            "checksum": kind or "packets were not checked",
        }
