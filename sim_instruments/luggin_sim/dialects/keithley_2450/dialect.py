"""The line of the instrument: messages come in, are executed one after the other in lab time, answers go out."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from luggin_sim.cells import Cell
from luggin_sim.dialects.keithley_2450.commands_data import DataCommands
from luggin_sim.dialects.keithley_2450.commands_sense import SenseCommands
from luggin_sim.dialects.keithley_2450.commands_source import SourceCommands
from luggin_sim.dialects.keithley_2450.commands_system import SystemCommands
from luggin_sim.dialects.keithley_2450.instrument import Instrument
from luggin_sim.dialects.keithley_2450.models import Model
from luggin_sim.dialects.keithley_2450.rules import Rules
from luggin_sim.dialects.keithley_2450.scpi import Arguments, CommandTable, parse_unit, split_outside_quotes
from luggin_sim.dialects.keithley_2450.status import OPERATION_COMPLETE, ScpiError

_LONGEST_MESSAGE = 65_536
_WAITING = ("*WAI", "*OPC")
# What may not be changed under a running sweep.
_SETTINGS = (":SOUR", ":SENS", ":CURR", ":VOLT", ":FUNC", ":COUN", ":NPLC", ":RANG", ":RSEN", ":AZER", ":AVER")


class _Pending(NamedTuple):
    """One command of a message that has arrived."""

    text: str
    arrived: float
    is_last: bool


class SourceMeasureDialect:
    """A freshly switched-on instrument; satisfies `luggin_sim.dialects.base.Dialect`."""

    def __init__(self, model: Model, rules: Rules, cell: Cell) -> None:
        self._instrument = instrument = Instrument(model, rules, cell)
        self._rules = rules
        system = SystemCommands(instrument)
        common = system.common()
        known = [table for part in (system, DataCommands(instrument)) for table in part.table()]
        known += SourceCommands(instrument).table() + SenseCommands(instrument).table()
        self._commands = CommandTable(common + known if rules.language == "SCPI" else common)
        self._input = bytearray()
        self._pending: deque[_Pending] = deque()
        self._replies: list[str] = []
        self._path = ""
        self._output: deque[tuple[float, bytes]] = deque()
        self._free_at = self._now = -math.inf

    @property
    def cell_is_on(self) -> bool:
        """True while a current can flow through the cell, which some off states let it."""
        return self._instrument.unit.terminals.is_closed

    # -- the line
    def feed(self, data: bytes, now: float) -> None:
        """Bytes arrive at ``now``; what was due before has happened by then."""
        self._advance(now)
        self._input += data
        while (end := self._input.find(b"\n")) >= 0:
            line = self._input[:end].decode("latin-1").strip()
            del self._input[: end + 1]
            self._message(line, now)
        if len(self._input) > _LONGEST_MESSAGE:
            self._input.clear()
            self._instrument.status.error(-363, now)
        self._advance(now)

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
        due = self._next_command()
        if self._output and (due is None or self._output[0][0] < due):
            return self._output[0][0]
        return due

    # -- what VISA does beside the line
    def status_byte(self) -> int:
        """What a serial poll reads."""
        available = any(due <= self._now for due, _ in self._output)
        return self._instrument.status.byte(available)

    def device_clear(self) -> None:
        """Forget what has arrived and what was not taken; a sweep goes on."""
        self._input.clear()
        self._pending.clear()
        self._output.clear()
        self._replies.clear()
        self._path = ""

    # -- time
    def _message(self, line: str, now: float) -> None:
        if not line:
            return
        try:
            texts = split_outside_quotes(line, ";")
        except ScpiError as error:
            self._instrument.status.error(error.code, now)
            return
        texts = [text for text in texts if text.strip()]
        self._pending += [_Pending(text, now, k == len(texts) - 1) for k, text in enumerate(texts)]

    def _next_command(self) -> float | None:
        """When the next command can be executed; None if there is none, or if it waits for ever."""
        if not self._pending:
            return None
        due = max(self._pending[0].arrived, self._free_at)
        trigger = self._instrument.trigger
        if trigger.is_running and self._pending[0].text.strip().rstrip("?").upper() in self._waiting():
            due = max(due, trigger.end())
        return due if due < math.inf else None

    def _waiting(self) -> tuple[str, ...]:
        """Commands that wait for the end of a sweep: ``*WAI`` and ``*OPC?``."""
        return _WAITING if self._pending[0].text.rstrip().endswith("?") else _WAITING[:1]

    def _advance(self, now: float) -> None:
        """Let everything happen that is due up to ``now``, each thing at its own time."""
        while (due := self._next_command()) is not None and due <= now:
            self._run_sweep(due)
            if self._next_command() == due:
                self._execute(self._pending.popleft(), due)
        self._run_sweep(now)
        self._now = max(self._now, now)

    def _run_sweep(self, until: float) -> None:
        instrument = self._instrument
        instrument.trigger.run(until)
        if instrument.completes and not instrument.trigger.is_running:
            instrument.completes = False
            instrument.status.events |= OPERATION_COMPLETE

    # -- commands
    def _execute(self, pending: _Pending, time: float) -> None:
        """One command; after an error the rest of its message is ignored."""
        instrument = self._instrument
        instrument.now = time + self._rules.command_time
        failed = False
        try:
            reply = self._answer(pending.text)
        except ScpiError as error:
            instrument.status.error(error.code, instrument.now)
            failed, reply = True, None
        if reply is not None:
            self._replies.append(reply)
        self._free_at = instrument.now
        if failed:
            while not pending.is_last:
                pending = self._pending.popleft()
        if pending.is_last:
            if self._replies:
                self._output.append((self._free_at, ";".join(self._replies).encode("latin-1") + b"\n"))
            self._replies, self._path = [], ""

    def _answer(self, text: str) -> str | None:
        unit, path = parse_unit(text, self._path)
        if self._rules.language == "TSP" and not unit.header.startswith("*"):
            raise ScpiError(-285)
        command, function = self._commands.find(unit.header)
        self._path = path
        arguments = Arguments(unit.arguments)
        if unit.is_query:
            if command.get is None:
                raise ScpiError(-113)
            reply = command.get(function, arguments)
            arguments.done()
            return reply
        if command.set is None:
            raise ScpiError(-113)
        locked = self._rules.settings_while_running == "refused" and self._instrument.trigger.is_running
        if locked and unit.header.startswith(_SETTINGS):
            raise ScpiError(-221)
        command.set(function, arguments)
        return None
