"""Errors, their queue, and the status registers of IEEE 488.2."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

from luggin_sim.dialects.keithley_2450.rules import Rules

MESSAGES = {
    0: "No error",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -151: "Invalid string data",
    -213: "Init ignored",
    -221: "Settings conflict",
    -222: "Parameter data out of range",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -285: "TSP Syntax error at line 1: unexpected symbol",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    1115: "Parameter error: TRACe:MAKE cannot take an existing reading buffer name",
    1133: "Parameter 4, Syntax error, expected valid name parameters",
}
_ERROR_EVENT = 1
_QUEUE_OVERFLOW = -350

# Bits of the standard event register and of the status byte (2461 reference manual, appendix B).
OPERATION_COMPLETE, POWER_ON = 1, 128
ERROR_AVAILABLE, MESSAGE_AVAILABLE, EVENT_SUMMARY, REQUEST = 4, 16, 32, 64


class ScpiError(Exception):
    """The instrument does not do what it is told; ``code`` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{code}, {MESSAGES[code]}")
        self.code = code


class Status:
    """The error queue and the registers. The clock of the instrument is lab time + ``power_on``."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._power_on = datetime.fromisoformat(rules.power_on).replace(tzinfo=UTC)
        self._errors: deque[str] = deque()
        self.events = POWER_ON
        self.event_enable = 0
        self.service_enable = 0

    def date(self, time: float) -> datetime:
        """UTC at a lab time (s)."""
        return self._power_on + timedelta(seconds=time)

    def seconds(self, time: float) -> float:
        """Seconds since 1970 at a lab time (s)."""
        return (self._power_on - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() + time

    def error(self, code: int, time: float) -> None:
        """Queue an error. In a full queue the newest makes place for -350, and what follows is lost."""
        if len(self._errors) >= self._rules.error_queue:
            self._errors[-1] = self._rendered(_QUEUE_OVERFLOW, time)
        else:
            self._errors.append(self._rendered(code, time))

    def next_error(self) -> str:
        """The oldest error, taken from the queue."""
        if self._errors:
            return self._errors.popleft()
        return f'0,"{MESSAGES[0]}{"" if self._rules.error_text == "none" else ";0,0,0"}"'

    def next_code(self) -> str:
        """The code of the oldest error, taken from the queue."""
        return self.next_error().partition(",")[0]

    def error_count(self) -> int:
        """Errors in the queue."""
        return len(self._errors)

    def forget_errors(self) -> None:
        """Empty the queue."""
        self._errors.clear()

    def take_events(self) -> int:
        """The standard event register, cleared by being read."""
        events, self.events = self.events, 0
        return events

    def byte(self, message_available: bool) -> int:
        """The status byte; bit 6 is the master summary."""
        value = ERROR_AVAILABLE if self._errors else 0
        value |= MESSAGE_AVAILABLE if message_available else 0
        value |= EVENT_SUMMARY if self.events & self.event_enable else 0
        return value | (REQUEST if value & self.service_enable else 0)

    def _rendered(self, code: int, time: float) -> str:
        text = MESSAGES[code]
        if self._rules.error_text == "date":
            text += f";{_ERROR_EVENT};{self.date(time):%Y/%m/%d %H:%M:%S.%f}"[:-3]
        elif self._rules.error_text == "seconds":
            seconds = self.seconds(time)
            text += f";{_ERROR_EVENT},{int(seconds)},{int(seconds % 1 * 1e9)}"
        return f'{code},"{text}"'
