"""The status registers and the last error (EC301 manual, section 8.2 and 8.4)."""

from __future__ import annotations

from luggin_sim.dialects.srs_ec301.rules import Rules

BAD_COMMAND = 114
MESSAGES = {0: "No error", BAD_COMMAND: "Bad remote command"}

# *ESR?
COMMAND_ERROR, EXECUTION_ERROR, QUERY_ERROR, POWER_ON = 32, 16, 4, 128
# INSR?
RANGE_CHANGED, ERROR_POSTED, QUERY_REFUSED = 16, 16384, 32768
# MESR?
E_OVERLOAD, I_OVERLOAD = 2, 4
# *STB?
INSTRUMENT_SUMMARY, MEASUREMENT_SUMMARY, MESSAGE_AVAILABLE, EVENT_SUMMARY, INTERFACE = 1, 2, 16, 32, 128


class Refused(Exception):
    """The instrument does not do what it is told; ``event`` is the bit of ``*ESR?`` that says so."""

    def __init__(self, event: int = EXECUTION_ERROR) -> None:
        super().__init__(MESSAGES[BAD_COMMAND])
        self.event = event


class Registers:
    """What has happened since somebody looked: reading a register clears it."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._last_error = 0
        self.standard = POWER_ON
        self.instrument = 0
        self.measurement = 0

    def clear(self) -> None:
        """``*CLS``."""
        self._last_error = self.standard = self.instrument = self.measurement = 0

    def post(self, error: Refused) -> None:
        """An error becomes the last one. The manual names one code; the simulator uses it for every refusal."""
        self._last_error = BAD_COMMAND
        self.standard |= error.event
        self.instrument |= ERROR_POSTED

    def refuse_query(self) -> None:
        """A question came while an answer was waiting."""
        self.instrument |= QUERY_REFUSED
        self.standard |= QUERY_ERROR

    def last_error(self) -> int:
        """``errlst?``."""
        code = self._last_error
        if self._rules.errlst == "clears":
            self._last_error = 0
        return code

    def take(self, name: str) -> int:
        """A register by its name, cleared by being read."""
        value = int(getattr(self, name))
        setattr(self, name, 0)
        return value

    def byte(self, available: bool) -> int:
        """``*STB?``."""
        value = INSTRUMENT_SUMMARY if self.instrument else 0
        value |= MEASUREMENT_SUMMARY if self.measurement else 0
        value |= MESSAGE_AVAILABLE if available else 0
        value |= EVENT_SUMMARY if self.standard else 0
        return value | (INTERFACE if self.instrument & QUERY_REFUSED else 0)
