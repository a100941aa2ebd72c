"""The communication commands around a script: one letter, answered by its echo.

``t v i G S`` ask and set, ``e`` loads and runs a script, ``l`` and ``r`` do one of these, ``Z`` and
``Y`` end a script or its measurement loop, ``h`` and ``H`` halt and resume. After every answer with
a ``!`` the instrument is deaf for a while.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from luggin_sim.dialects.base import Leads
from luggin_sim.dialects.palmsens_methodscript.language import COMMAND_TOO_LONG, LARGEST_SCRIPT, LONGEST_LINE
from luggin_sim.dialects.palmsens_methodscript.machine import Abort, Course, EndLoop, Fault, Machine
from luggin_sim.dialects.palmsens_methodscript.models import Model
from luggin_sim.dialects.palmsens_methodscript.output import error
from luggin_sim.dialects.palmsens_methodscript.potentiostat import Potentiostat
from luggin_sim.dialects.palmsens_methodscript.rules import Rules
from luggin_sim.dialects.palmsens_methodscript.script import Script, ScriptError, parse

UNKNOWN_COMMAND = 0x0003
UNKNOWN_REGISTER = 0x0004
WRONG_MODE = 0x0006
BAD_ARGUMENT = 0x0007
NO_SCRIPT = 0x000C

_XOFF_XON = "\x13\x11"
# A line that never ends must not fill the memory; beyond this the rest of it is lost anyway.
_LONGEST_INPUT = 4 * LONGEST_LINE


class MethodScriptDialect:
    """A freshly switched-on instrument; satisfies `luggin_sim.dialects.base.Dialect`."""

    def __init__(self, model: Model, rules: Rules, leads: Leads, registers: dict[str, str] | None = None) -> None:
        self._model, self._rules, self._leads = model, rules, leads
        self._machine = Machine(Potentiostat(model, rules, leads), rules)
        self._registers = dict(registers or {})
        self._input = bytearray()
        self._output: list[str] = []
        self._output_since = 0.0
        self._lines_sent = 0
        self._now = 0.0
        self._deaf_until = float("-inf")
        self._loading: tuple[str, list[str]] | None = None
        self._script_size = 0
        self._loaded: Script | None = None
        self._course: Course | None = None
        self._began = self._wants = 0.0
        self._halted: float | None = None
        self._idle_since: float | None = None
        self._commands: dict[str, Callable[[str], None]] = {
            "t": self._firmware,
            "v": lambda _: self._send(f"v{self._model.script_version}"),
            "i": lambda _: self._send(f"i{self._model.serial}"),
            "G": self._get_register,
            "S": self._set_register,
            "e": self._load,
            "l": self._load,
            "r": self._run_loaded,
            "L": lambda _: self._refuse("L", NO_SCRIPT),
            "Z": self._abort,
            "Y": self._end_loop,
            "h": self._halt,
            "H": self._resume,
        }

    @property
    def cell_is_on(self) -> bool:
        """True while the cell circuit is closed."""
        return self._leads.is_on

    @property
    def overload_current(self) -> float:
        """A current (A) that no range can hold, and that does not end a script yet."""
        largest = self._rules.over_range * self._model.largest_current
        return 0.5 * (largest + max(largest, self._machine.critical_current))

    # -- the line
    def feed(self, data: bytes, now: float) -> None:
        """Bytes arrive at ``now``; what was due before has happened by then."""
        self._advance(now)
        if now < self._deaf_until:
            return
        self._input += data
        while (end := self._input.find(b"\n")) >= 0:
            line = self._input[:end].decode("ascii", "replace")
            del self._input[: end + 1]
            self._line(line)
            if now < self._deaf_until:
                self._input.clear()
        del self._input[_LONGEST_INPUT:]

    def take(self, now: float) -> bytes:
        """What was sent up to ``now``."""
        self._advance(now)
        lines, self._output = self._output, []
        if not lines:
            return b""
        if self._rules.flow_bytes_every:
            lines = [self._with_flow_bytes(line) for line in lines]
        return "".join(lines).encode("ascii")

    def next_due(self, now: float) -> float | None:
        """When there is something to take."""
        if self._output:
            return self._output_since
        if self._course is None or self._halted is not None:
            return None
        return self._began + self._wants

    def _with_flow_bytes(self, line: str) -> str:
        self._lines_sent += 1
        return line if self._lines_sent % self._rules.flow_bytes_every else line[:1] + _XOFF_XON + line[1:]

    def _send(self, *lines: str) -> None:
        if lines and not self._output:
            self._output_since = self._now
        self._output.extend(f"{line}\n" for line in lines)

    def _refuse(self, echo: str, code: int, line: int | None = None, column: int | None = None) -> None:
        self._send(echo + error(code, line, column))
        self._deaf_until = self._now + self._rules.deaf_after_error

    # -- time
    def _advance(self, now: float) -> None:
        """Let everything happen that is due up to ``now``, each thing at its own time."""
        while self._course is not None and self._halted is None and self._began + self._wants <= now:
            self._now = max(self._now, self._began + self._wants)
            self._continue(None)
        self._now = max(self._now, now)

    def _continue(self, interruption: Exception | None) -> None:
        """Run the script to its next wait, or to its end."""
        course = self._course
        if course is None:
            return
        sent = self._machine.sent
        try:
            self._wants = next(course) if interruption is None else course.throw(interruption)
        except StopIteration:
            self._send(*sent, "")
            self._ended()
        except Fault as fault:
            self._send(*sent)
            self._refuse("", fault.code, fault.line)
            if self._rules.empty_line_after_error:
                self._send("")
            self._ended()
        else:
            self._send(*sent)
        sent.clear()

    def _ended(self) -> None:
        self._course = None
        self._idle_since = self._now

    def _start(self, script: Script) -> None:
        if self._idle_since is not None:
            self._leads.dwell(self._now - self._idle_since)
        self._began, self._wants = self._now, 0.0
        self._course = self._machine.run(script)
        self._continue(None)

    # -- commands
    def _line(self, line: str) -> None:
        if self._loading is not None:
            self._script_line(line)
        elif not line:
            if self._rules.empty_line_reply:
                self._send(self._rules.empty_line_reply)
        elif len(line) > LONGEST_LINE:
            self._refuse(line[0], COMMAND_TOO_LONG)
        elif (command := self._commands.get(line[0])) is None or (len(line) > 1 and line[0] not in "GSL"):
            self._refuse(line[0] if line[0].isascii() else "", UNKNOWN_COMMAND)
        elif self._course is not None and line[0] not in self._allowed_while_running():
            self._refuse(line[0], WRONG_MODE)
        else:
            command(line)

    def _allowed_while_running(self) -> str:
        return "ZYhH" + ("tviG" if self._rules.commands_while_running == "answered" else "")

    def _firmware(self, _: str) -> None:
        self._send(f"t{self._model.firmware}", "R*")

    def _get_register(self, line: str) -> None:
        if not re.fullmatch("G[0-9A-Fa-f]{2}", line):
            self._refuse("G", BAD_ARGUMENT)
        elif (value := self._registers.get(line[1:].upper())) is None:
            self._refuse("G", UNKNOWN_REGISTER)
        else:
            self._send(f"G{value}")

    def _set_register(self, line: str) -> None:
        register = line[1:3].upper()
        if not re.fullmatch("S[0-9A-Fa-f]{3,}", line):
            self._refuse("S", BAD_ARGUMENT)
        elif register not in self._registers:
            self._refuse("S", UNKNOWN_REGISTER)
        else:
            self._registers[register] = line[3:]
            self._send("S")

    def _load(self, line: str) -> None:
        self._loading = (line[0], [])
        self._script_size = 0

    def _script_line(self, line: str) -> None:
        """One more line of a script; the empty one ends it, and only then is it looked at."""
        if self._loading is None:
            return
        echo, lines = self._loading
        if line:
            if self._script_size <= LARGEST_SCRIPT:  # what is more is refused anyway, and must not fill the memory
                lines.append(line)
                self._script_size += len(line) + 1
            return
        self._loading = None
        try:
            script = parse(lines)
        except ScriptError as mistake:
            self._refuse(echo, mistake.code, mistake.line, mistake.column)
            return
        if echo == "l":
            self._loaded = script
            self._send("l")
            return
        self._acknowledge_and_start(echo, script)

    def _run_loaded(self, _: str) -> None:
        if self._loaded is None:
            self._refuse("r", NO_SCRIPT)
        else:
            self._acknowledge_and_start("r", self._loaded)

    def _acknowledge_and_start(self, echo: str, script: Script) -> None:
        self._send(echo)
        if not self._rules.ack_with_newline:
            self._output[-1] = echo
        self._start(script)

    def _abort(self, _: str) -> None:
        if self._course is None:
            self._refuse("Z", WRONG_MODE)
            return
        self._go_on()
        self._send("Z")
        self._continue(Abort(self._now - self._began))

    def _end_loop(self, _: str) -> None:
        if self._course is None or not self._machine.in_loop:
            self._refuse("Y", WRONG_MODE)
            return
        self._go_on()
        self._send("Y")
        self._continue(EndLoop(self._now - self._began))

    def _halt(self, _: str) -> None:
        if self._course is None:
            self._refuse("h", WRONG_MODE)
            return
        if self._halted is None:
            self._halted = self._now
        self._send("h")

    def _resume(self, _: str) -> None:
        if self._course is None or self._halted is None:
            self._refuse("H", WRONG_MODE)
            return
        self._go_on()
        self._send("H")

    def _go_on(self) -> None:
        """After a halt the script's time goes on where it stood; the cell was held meanwhile."""
        if self._halted is not None:
            self._leads.dwell(self._now - self._halted)
            self._began += self._now - self._halted
            self._halted = None
