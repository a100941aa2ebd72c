"""The circulator at the other end of the line: commands in, replies out, a chamber behind it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

from luggin_sim.cells import Chamber
from luggin_sim.dialects.julabo_circulator.models import Model
from luggin_sim.dialects.julabo_circulator.rules import Rules

_LONGEST_COMMAND = 256
_KELVIN = 273.15
_TERMINATORS = {"CRLF": b"\r\n", "LF": b"\n"}
_TEXTS: Mapping[int, str] = {
    0: "MANUAL STOP",
    1: "MANUAL START",
    2: "REMOTE STOP",
    3: "REMOTE START",
    -1: "LOW LEVEL ALARM",
    -3: "EXCESS TEMPERATURE WARNING",
    -4: "LOW TEMPERATURE WARNING",
    -5: "WORKING SENSOR SHORT-CIRCUITED OR INTERRUPTED",
    -6: "SENSOR DIFFERENCE ALARM",
    -7: "I2C-BUS ERROR",
    -8: "INVALID COMMAND",
    -9: "COMMAND NOT ALLOWED IN CURRENT OPERATING MODE",
    -10: "VALUE TOO SMALL",
    -11: "VALUE TOO LARGE",
    -12: "TEMPERATURE MEASUREMENT ALARM",
    -13: "WARNING : VALUE EXCEEDS TEMPERATURE LIMITS",
    -14: "EXCESS TEMPERATURE PROTECTOR ALARM",
    -15: "EXTERNAL SENSOR SELECTED, BUT NOT CONNECTED",
    -40: "LEVEL WARNING",
}
_INVALID, _NOT_ALLOWED, _TOO_SMALL, _TOO_LARGE, _BEYOND_WARNING, _NO_SENSOR = -8, -9, -10, -11, -13, -15
#: Modes that can be set, with the highest value of each.
_MODES = {"01": 2, "02": 2, "04": 1, "05": 1, "08": 1}
_STARTED, _EXTERNAL = "05", "04"
_PROTECTOR = 220.0


class _Refused(Exception):
    """A command is not done; the code is the status that says why."""

    def __init__(self, code: int) -> None:
        super().__init__(_TEXTS[code])
        self.code = code


class CirculatorDialect:
    """A freshly switched-on circulator; satisfies `luggin_sim.dialects.base.Dialect`."""

    def __init__(self, model: Model, rules: Rules, chamber: Chamber) -> None:
        self._model, self._rules, self._chamber = model, rules, chamber
        self._input = bytearray()
        self._output: deque[tuple[float, bytes]] = deque()
        self._deaf_until = -math.inf
        self._setpoints = [25.0] * model.setpoints
        self._modes = dict.fromkeys(_MODES, 0)
        self._refusal = 0
        self._alarm_at: float | None = None
        self._alarm = 0
        chamber.heater_works = rules.heater == "works"
        if rules.started:
            self._modes[_STARTED] = 1
        self._apply()

    @property
    def cell_is_on(self) -> bool:
        """A bath has no cell circuit."""
        return False

    # -- the line
    def feed(self, data: bytes, now: float) -> None:
        """Bytes arrive; each command is taken as its carriage return arrives."""
        self._live(now)
        if now < self._deaf_until:
            return
        self._input += data
        while (end := self._input.find(b"\r")) >= 0:
            command = self._input[:end].decode("latin-1").strip()
            del self._input[: end + 1]
            if command and now >= self._deaf_until:
                self._command(command, now)
        if len(self._input) > _LONGEST_COMMAND:
            self._input.clear()
            self._refusal = _INVALID

    def take(self, now: float) -> bytes:
        """What was sent up to ``now``."""
        self._live(now)
        sent = b""
        while self._output and self._output[0][0] <= now:
            sent += self._output.popleft()[1]
        return sent

    def next_due(self, now: float) -> float | None:
        """When the next reply is sent."""
        return self._output[0][0] if self._output else None

    # -- time
    def _live(self, now: float) -> None:
        self._chamber.advance(now)
        if self._rules.alarm and self._alarm_at is None and self._modes[_STARTED]:
            self._alarm_at = now + self._rules.alarm_after
        if self._alarm_at is not None and now >= self._alarm_at and not self._alarm:
            self._alarm = self._rules.alarm
            self._modes[_STARTED] = 0
            self._apply()

    def _apply(self) -> None:
        """What is set reaches the chamber."""
        chamber = self._chamber
        active = min(self._modes["01"], self._model.setpoints - 1)
        chamber.setpoint = self._setpoints[active] + _KELVIN
        chamber.external = self._modes[_EXTERNAL] == 1
        chamber.running = self._modes[_STARTED] == 1

    # -- commands
    def _command(self, command: str, now: float) -> None:
        prefix = f"A{self._rules.address:03d} " if self._rules.address else ""
        if not command.startswith(prefix.strip()):
            return  # it is for somebody else on the line
        words = command[len(prefix.strip()) :].strip().lower().split()
        if not words:
            return
        if not words[0].startswith("out_"):
            self._reply(words, prefix, now)
            return
        self._refusal = 0
        try:
            self._order(words)
        except _Refused as refused:
            self._refusal = refused.code
        self._apply()
        self._live(now)  # an alarm counts from the first start
        self._deaf_until = now + self._rules.deaf_after_order

    def _reply(self, words: list[str], prefix: str, now: float) -> None:
        question = " ".join(words)
        try:
            text = self._status() if question == "status" else self._answer(question)
        except _Refused as refused:
            if refused.code == _INVALID:
                self._refusal = _INVALID
                if self._rules.unknown_questions == "silent":
                    return
            text = f"{refused.code:03d} {_TEXTS[refused.code]}"
        sent = now + self._rules.reply_time
        xon = b"\x11" if self._rules.xon else b""
        self._output.append((sent, xon + f"{prefix}{text}".encode("latin-1") + _TERMINATORS[self._rules.terminator]))
        if self._rules.deaf_after_reply:
            self._deaf_until = sent + self._rules.deaf_after_reply

    def _status(self) -> str:
        code = self._alarm or self._refusal
        if self._rules.refusals == "until_asked":
            self._refusal = 0
        if not code:
            code = self._modes[_STARTED] + (2 if self._rules.source == "remote" else 0)
        return f"{code:02d} {_TEXTS.get(code, 'ALARM')}" if code >= 0 else f"{code:03d} {_TEXTS.get(code, 'ALARM')}"

    def _answer(self, question: str) -> str:
        if question == "version":
            return self._model.version
        kind, _, number = question.rpartition("_")
        if not number.isdigit():
            raise _Refused(_INVALID)
        if kind == "in_pv":
            return self._process_value(int(number))
        if kind == "in_sp":
            return self._set_value(int(number))
        if kind == "in_mode" and number in self._modes:
            return str(self._modes[number])
        raise _Refused(_INVALID)

    def _process_value(self, number: int) -> str:
        chamber, model = self._chamber, self._model
        if number == model.external:
            return self._written(chamber.sample_reading - _KELVIN) if self._rules.external_sensor else self._missing()
        if number == model.heater:
            return f"{100.0 * chamber.power:.1f}"
        if number in (0, 3):
            return self._written(chamber.bath_reading - _KELVIN)
        if number == 4:
            return self._written(_PROTECTOR)
        raise _Refused(_INVALID)

    def _missing(self) -> str:
        if self._rules.no_sensor == "status":
            raise _Refused(_NO_SENSOR)
        return "---.--" if self._rules.no_sensor == "dashes" else str(_NO_SENSOR)

    def _set_value(self, number: int) -> str:
        if number == 6:
            return "0" if self._rules.unit == "degC" else "1"
        if self._model.warnings is not None and number in self._model.warnings:
            high = number == self._model.warnings[0]
            return self._written(self._rules.high_warning if high else self._rules.low_warning)
        if number < len(self._setpoints):
            return self._written(self._setpoints[number])
        raise _Refused(_INVALID)

    def _written(self, celsius: float) -> str:
        value = celsius if self._rules.unit == "degC" else celsius * 1.8 + 32.0
        return f"{value:.{self._rules.decimals}f}"

    def _order(self, words: list[str]) -> None:
        """An ``out_`` command."""
        if self._rules.source != "remote":
            raise _Refused(_NOT_ALLOWED)
        kind, _, number = words[0].rpartition("_")
        if len(words) != 2 or not number.isdigit():
            raise _Refused(_INVALID)
        try:
            value = float(words[1])
        except ValueError as error:
            raise _Refused(_INVALID) from error
        if kind == "out_sp" and int(number) < len(self._setpoints):
            self._set(int(number), value)
        elif kind == "out_mode" and number in self._modes:
            self._switch(number, value)
        else:
            raise _Refused(_INVALID)

    def _set(self, number: int, value: float) -> None:
        low, high = self._model.working
        if not value >= low:
            raise _Refused(_TOO_SMALL)
        if not value <= high:
            raise _Refused(_TOO_LARGE)
        self._setpoints[number] = round(value, self._rules.decimals)
        if not self._rules.low_warning <= value <= self._rules.high_warning:
            raise _Refused(_BEYOND_WARNING)

    def _switch(self, number: str, value: float) -> None:
        if not 0 <= value <= _MODES[number] or value != int(value):
            raise _Refused(_TOO_LARGE)
        if number == _EXTERNAL and value and not self._rules.external_sensor:
            raise _Refused(_NO_SENSOR)
        if number == _STARTED and value and self._alarm:
            raise _Refused(_NOT_ALLOWED)
        self._modes[number] = int(value)
