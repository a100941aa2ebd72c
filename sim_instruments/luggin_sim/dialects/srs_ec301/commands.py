"""The command table (EC301 manual, sections 8.3 and 8.4). Numbers are those of the manual: mV, 100 uV/s, 100 us."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from luggin_sim.dialects.srs_ec301.analog import GALVANOSTAT, Analog
from luggin_sim.dialects.srs_ec301.registers import COMMAND_ERROR, MESSAGES, Refused, Registers
from luggin_sim.dialects.srs_ec301.rules import Rules

# Reals have no exponent.
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_REAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_FULL_RANGE = 2.0
_RATE_UNIT, _DELAY_UNIT, _MILLI = 1e-4, 1e-4, 1e-3

Arguments = list[str]
Answer = Callable[[Arguments], str | None]


def integer(text: str, low: int, high: int) -> int:
    """An argument ``i``."""
    if _INTEGER.fullmatch(text) is None:
        raise Refused(COMMAND_ERROR)
    if not low <= int(text) <= high:
        raise Refused
    return int(text)


def real(text: str, low: float, high: float) -> float:
    """An argument ``x``."""
    if _REAL.fullmatch(text) is None:
        raise Refused(COMMAND_ERROR)
    if not low <= float(text) <= high:
        raise Refused
    return float(text)


@dataclass
class Plain:
    """Settings that are kept and given back, and otherwise change nothing in the simulator."""

    values: dict[str, float] = field(
        default_factory=lambda: {
            "eadcfl": 0,
            "iadcfl": 1,
            "clbwth": 2,
            "celimt": 0,
            "celimv": 30000,
            "ciopen": 100,
            "ciperd": 100,
            "cicorr": 100.0,
        }
    )


_KEPT: Mapping[str, tuple[type, float, float]] = {
    "eadcfl": (int, 0, 2),
    "iadcfl": (int, 0, 2),
    "clbwth": (int, 0, 5),
    "celimt": (int, 0, 1),
    "celimv": (int, 500, 30000),
    "ciopen": (int, 1, 1_000_000),
    "ciperd": (int, 1, 1_000_000),
    "cicorr": (float, 0.0, 200.0),
}


class Commands:
    """What each command does. The caller has let everything happen that comes before it."""

    def __init__(self, rules: Rules, analog: Analog, registers: Registers) -> None:
        self._rules, self._analog, self._registers = rules, analog, registers
        self._plain = Plain()
        #: Set by ``getbda``; the dialect acts on it.
        self.is_streaming = False
        self.table: dict[str, Answer] = {
            **self._common(),
            **self._control(),
            **self._compensation(),
            **self._generator(),
            **{f"{name}{mark}": self._kept(name, mark) for name in _KEPT for mark in ("", "?")},
        }

    def execute(self, command: str, arguments: Arguments) -> str | None:
        """The answer of a question, None for a command.

        Raises:
            Refused: no such command, or not with these arguments.
        """
        if command not in self.table:
            raise Refused(COMMAND_ERROR)
        try:
            return self.table[command](arguments)
        except (IndexError, ValueError):  # an argument is missing, or one too many
            raise Refused(COMMAND_ERROR) from None

    # -- IEEE 488.2, errors and status
    def _common(self) -> dict[str, Answer]:
        registers, rules = self._registers, self._rules
        return {
            "*idn?": lambda _: rules.identity,
            "*rst": self._reset,
            "*cls": self._clear,
            "*opc?": lambda _: "1",
            "*wai": lambda _: None,
            "*tst?": lambda _: "0",
            "*esr?": lambda _: str(registers.take("standard")),
            "*stb?": lambda _: str(registers.byte(available=False)),
            "insr?": lambda _: str(registers.take("instrument")),
            "mesr?": lambda _: str(registers.take("measurement")),
            "errlst?": lambda _: str(registers.last_error()),
            "errdcd?": lambda given: MESSAGES.get(integer(given[0], 0, 1000), "Unknown error"),
        }

    def _reset(self, given: Arguments) -> None:
        self._analog.end_ramp()
        self._analog.switch(False)
        self.is_streaming = False

    def _clear(self, given: Arguments) -> None:
        """``*CLS`` ends scans too."""
        self._registers.clear()
        self._analog.end_ramp()

    # -- control loop and converters
    def _control(self) -> dict[str, Answer]:
        analog = self._analog
        return {
            "ecmode": self._set_mode,
            "ecmode?": lambda _: str(analog.mode),
            "ceenab": lambda given: analog.switch(bool(integer(given[0], 0, 1))),
            "ceenab?": lambda _: str(int(analog.requested)),
            "cellon?": lambda _: str(int(analog.is_on)),
            "setvol": lambda given: analog.set_level(_MILLI * integer(given[0], -15000, 15000)),
            "setvol?": lambda _: str(round(analog.setpoint / _MILLI)),
            "setcur": self._set_current,
            "setcur?": lambda _: f"{analog.fraction * analog.full_scale:.6e}",
            "irange": self._set_range,
            "irange?": lambda _: str(analog.range_code),
            "irnaut": self._set_autorange,
            "irnaut?": lambda _: str(int(analog.autorange)),
            "eadcrg": lambda given: setattr(analog, "e_range", integer(given[0], 0, 2)),
            "eadcrg?": lambda _: str(analog.e_range),
            "avgexp": lambda given: setattr(analog, "averaging", integer(given[0], 0, 8)),
            "avgexp?": lambda _: str(analog.averaging),
            "vlevel?": lambda _: f"{analog.measure()[0]:.7e}",
            "ilevel?": lambda _: f"{analog.measure()[1]:.7e}",
            "limitg?": lambda _: "0",
            "getbda": self._stream,
            "ifcclr": lambda _: None,
        }

    def _set_mode(self, given: Arguments) -> None:
        mode = integer(given[0], 0, 2)
        if self._analog.is_on and mode != self._analog.mode:
            raise Refused
        self._analog.mode = mode
        if mode == GALVANOSTAT:
            self._analog.autorange = False

    def _set_current(self, given: Arguments) -> None:
        largest = 1.0 if self._analog.range_code == 1 else _FULL_RANGE
        self._analog.set_fraction(real(given[0], -largest, largest))

    def _set_range(self, given: Arguments) -> None:
        code = integer(given[0], 1, 10)
        if self._analog.autorange:
            raise Refused
        self._analog.range_code = code

    def _set_autorange(self, given: Arguments) -> None:
        """Not for a galvanostat, nor with positive feedback."""
        analog, wanted = self._analog, bool(integer(given[0], 0, 1))
        if wanted and (analog.mode == GALVANOSTAT or (analog.compensates and analog.compensation == 1)):
            raise Refused
        if wanted and not analog.autorange:
            analog.range_code = self._rules.first_autorange
        analog.autorange = wanted

    def _stream(self, given: Arguments) -> None:
        self.is_streaming = bool(integer(given[0], 0, 1))

    # -- iR compensation; only positive feedback has an effect on the simulated cell
    def _compensation(self) -> dict[str, Answer]:
        analog = self._analog
        return {
            "irenab": self._compensate,
            "irenab?": lambda _: str(int(analog.compensates)),
            "irtype": lambda given: setattr(analog, "compensation", integer(given[0], 0, 1)),
            "irtype?": lambda _: str(analog.compensation),
            "pfback": lambda given: setattr(analog, "feedback", real(given[0], 0.0, 1e9)),
            "pfback?": lambda _: f"{analog.feedback:.6f}",
            "cidlay": self._set_delays,
        }

    @staticmethod
    def _set_delays(given: Arguments) -> None:
        """Delays of the current interrupt: taken, and of no effect here."""
        for text in given:
            integer(text, 0, 1_000_000)

    def _compensate(self, given: Arguments) -> None:
        wanted = bool(integer(given[0], 0, 1))
        if wanted and self._analog.autorange and self._analog.compensation == 1:
            raise Refused
        self._analog.compensates = wanted

    def _kept(self, name: str, mark: str) -> Answer:
        kind, low, high = _KEPT[name]
        values = self._plain.values
        if mark:
            return lambda _: str(int(values[name])) if kind is int else f"{values[name]:.6f}"

        def keep(given: Arguments) -> None:
            values[name] = integer(given[0], int(low), int(high)) if kind is int else real(given[0], low, high)

        return keep

    # -- ramp generator
    def _generator(self) -> dict[str, Answer]:
        analog = self._analog

        def delay(given: Arguments) -> None:
            index = integer(given[0], 0, 2)
            analog.programme.delays[index] = _DELAY_UNIT * integer(given[1], 0, 2**31 - 1)

        def rate(given: Arguments) -> None:
            index = integer(given[0], 0, 1)
            analog.programme.rates[index] = _RATE_UNIT * real(given[1], 1, 1e8)

        return {
            "ramprs": self._forget_programme,
            "ramppt": lambda given: analog.programme.set_point(
                integer(given[0], 0, 2), _MILLI * real(given[1], -15000.0, 15000.0)
            ),
            "ramprt": rate,
            "rampdt": delay,
            "rampcy": lambda given: setattr(analog.programme, "repeats", int(real(given[0], 1, 254))),
            "scantp": lambda given: setattr(analog.programme, "single", bool(integer(given[0], 0, 1))),
            "scanem": lambda given: setattr(analog.programme, "holds_at_end", bool(integer(given[0], 0, 1))),
            "ramppg?": lambda given: str(analog.programme.missing(integer(given[0], 0, 5))),
            "rampst": lambda given: analog.start_ramp(integer(given[0], 0, 3)),
            "rampen": lambda _: analog.end_ramp(),
            "scntrg?": lambda _: str(int(analog.is_scanning)),
        }

    def _forget_programme(self, given: Arguments) -> None:
        self._analog.end_ramp()
        self._analog.programme = type(self._analog.programme)()
