"""The instrument on its line: commands in, answers and packets out."""

from __future__ import annotations

import math
from collections import deque

from luggin_sim.cells import Cell
from luggin_sim.dialects.srs_ec301.analog import Analog
from luggin_sim.dialects.srs_ec301.commands import Commands
from luggin_sim.dialects.srs_ec301.packets import SAMPLE_PERIOD, packet
from luggin_sim.dialects.srs_ec301.registers import COMMAND_ERROR, E_OVERLOAD, I_OVERLOAD, Refused, Registers
from luggin_sim.dialects.srs_ec301.rules import Rules

_LONGEST_LINE = 4096
# Bits of the overload record in the footer of a packet.
_RECORDS = {E_OVERLOAD: 1 << 2, I_OVERLOAD: 1 << 3}


class Ec301Dialect:
    r"""A freshly switched-on instrument; satisfies `luggin_sim.dialects.base.Dialect`.

    Example:
        >>> from luggin_sim.cells import ResistorCell, ResistorSpec
        >>> ec301 = Ec301Dialect(Rules(), ResistorCell(ResistorSpec(1000.0)))
        >>> ec301.feed(b"setvol 500; ceenab 1; ilevel?\n", 1.0)
        >>> ec301.take(1.1)
        b'-5.0000000e-04\n'
    """

    def __init__(self, rules: Rules, cell: Cell) -> None:
        self._rules = rules
        self._registers = Registers(rules)
        self._analog = Analog(rules, cell, self._registers)
        self._commands = Commands(rules, self._analog, self._registers)
        self._input = bytearray()
        self._output: deque[tuple[float, bytes]] = deque()
        self._reply_due = -math.inf
        # The stream: when it began, frames since then, frames of a packet, packets so far.
        self._began = 0.0
        self._taken = 0
        self._frames = 1
        self._packets = 0
        self._streams = False

    @property
    def cell_is_on(self) -> bool:
        """True while the cell circuit is closed."""
        return self._analog.is_on

    # -- the line
    def feed(self, data: bytes, now: float) -> None:
        """Bytes arrive at ``now``; what was due before has happened by then."""
        self._advance(now)
        self._input += data
        while (end := self._input.find(b"\n")) >= 0:
            line = self._input[:end].decode("latin-1").strip()
            del self._input[: end + 1]
            for text in line.split(";"):
                self._obey(text.strip(), now)
        if len(self._input) > _LONGEST_LINE:
            self._input.clear()
            self._registers.post(Refused(COMMAND_ERROR))

    def take(self, now: float) -> bytes:
        """What was sent up to ``now``."""
        self._advance(now)
        sent = b""
        while self._output and self._output[0][0] <= now:
            sent += self._output.popleft()[1]
        return sent

    def next_due(self, now: float) -> float | None:
        """When there is something to take."""
        self._advance(now)
        due = self._output[0][0] if self._output else None
        if self._streams:
            due = self._packet_end() if due is None else min(due, self._packet_end())
        return due

    def status_byte(self) -> int:
        """What a serial poll reads."""
        return self._registers.byte(available=False)

    def device_clear(self) -> None:
        """Forget what has arrived and what was not taken; the cell stays as it is."""
        self._input.clear()
        self._output.clear()
        self._reply_due = -math.inf

    # -- commands
    def _obey(self, text: str, now: float) -> None:
        """One command. What is not understood gets no reply, only an error that can be asked for."""
        words = text.replace(",", " ").lower().split()
        if not words:
            return
        is_question = words[0].endswith("?")
        if words[0] == "ifcclr":
            self._clear_interface()
        if is_question and self._reply_due > now:
            self._registers.refuse_query()
            return
        try:
            answer = self._commands.execute(words[0], words[1:])
        except Refused as refusal:
            self._registers.post(refusal)
            return
        if answer is not None and not (self._streams and self._rules.question_while_streaming == "lost"):
            self._reply_due = now + self._rules.reply_time
            self._send(self._reply_due, answer.encode("ascii") + b"\n")
        self._follow_stream(now)

    def _clear_interface(self) -> None:
        """``ifcclr``: an answer that was not fetched is forgotten, and so is that another question was refused."""
        self._output = deque(sent for sent in self._output if sent[0] != self._reply_due)
        self._reply_due = -math.inf
        self._registers.take("instrument")

    def _send(self, due: float, data: bytes) -> None:
        self._output.append((due, data))
        self._output = deque(sorted(self._output, key=lambda sent: sent[0]))

    # -- time and the stream
    def _advance(self, now: float) -> None:
        """Let everything happen up to ``now``; a packet leaves when its last frame is there."""
        while self._streams and self._packet_end() <= now:
            end = self._packet_end()
            self._analog.advance(end)
            self._send(end, self._next_packet())
        self._analog.advance(now)

    @property
    def _period(self) -> float:
        return float(SAMPLE_PERIOD * 2**self._analog.averaging)

    def _packet_end(self) -> float:
        return self._began + (self._taken + self._frames) * self._period

    def _follow_stream(self, now: float) -> None:
        """Begin to send packets, or end: what was gathered for a packet is thrown away then."""
        if self._commands.is_streaming != self._streams:
            self._streams = self._commands.is_streaming
            self._began, self._taken = now, 0
            self._frames = max(1, round(self._rules.packet_time / self._period))
            self._analog.watch(self._streams)

    def _next_packet(self) -> bytes:
        import numpy as np

        times = self._began + self._period * np.arange(
            self._taken + 1, self._taken + 1 + self._frames, dtype=np.float64
        )
        registers = self._registers
        before, registers.measurement = registers.measurement, 0
        states, potentials, currents = self._analog.sample(times)
        record = sum(bit for event, bit in _RECORDS.items() if registers.measurement & event)
        registers.measurement |= before
        self._taken += self._frames
        data = packet(self._packets, states, potentials, currents, record, self._rules)
        self._packets += 1
        return data
