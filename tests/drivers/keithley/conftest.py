"""A wire with a scripted dialogue, and a wire with a source-measure unit that can do no more than these tests need."""

from __future__ import annotations

import contextlib

import pytest

from luggin.clock import VirtualClock
from luggin.transport import Transport
from luggin_drivers.keithley import Keithley2450

NO_ERROR = b'0,"No error;0;0 0"\n'


class DialogueTransport(Transport):
    """Plays one side of a dialogue: pairs of what must be written and what comes back."""

    def __init__(self, clock, pairs):
        super().__init__("TCPIP0::10.0.0.7::5025::SOCKET", clock, timeout=2.0)
        self.left = list(pairs)
        self._coming = b""

    def _write(self, data):
        assert self.left, f"nothing more was to be said, but {data!r} was"
        expected, reply = self.left.pop(0)
        assert data == expected
        self._coming += reply

    def _read_chunk(self, until, cancel):
        if not self._coming:
            self.clock.wait_until(until, *([cancel] if cancel is not None else []))
        chunk, self._coming = self._coming, b""
        return chunk

    def close(self):
        """Nothing."""


class UnitTransport(Transport):
    """A unit over a resistor of 10 kohm. ``said`` has every command; queries are answered at once.

    Each source keeps its level while the other one is in use, and takes no range that does not hold it.

    Attributes:
        point: real time (s) between two points of a sweep.
        answers: answers by the beginning of the query, fixed or made of the time (s); they come first.
        refuses: entry of the error queue for a command, by its beginning.
        opens_behind_sweep: the output goes off at the end of each sweep.
        stuck_after: the sweep stops after so many points.
    """

    resistance = 1e4

    def __init__(self, clock, point=0.01, answers=(), refuses=(), opens_behind_sweep=False, stuck_after=None):
        super().__init__("GPIB0::18::INSTR", clock, timeout=2.0)
        self.point, self.opens_behind_sweep, self.stuck_after = point, opens_behind_sweep, stuck_after
        self.answers, self.refuses = dict(answers), dict(refuses)
        self.said, self.on, self.status = [], False, 0
        self.levels, self.level, self.limit = [], 0.0, 1.0
        self.kept = {}
        self.errors, self._reply = [], b""
        self.started, self.ended_with = None, None
        self._over = False

    # -- the wire
    def _write(self, data):
        assert data.endswith(b"\n")
        command = data.decode("ascii")[:-1]
        self.said.append(command)
        reply = self._obey(command)
        if reply is not None:
            self._reply += reply.encode("ascii") + b"\n"

    def _read_chunk(self, until, cancel):
        if not self._reply:
            self.clock.wait_until(until, *([cancel] if cancel is not None else []))
        chunk, self._reply = self._reply, b""
        return chunk

    def close(self):
        """Nothing."""

    # -- the unit
    def _obey(self, command):
        for beginning, answer in self.answers.items():
            if command.startswith(beginning):
                return answer(self.clock.now()) if callable(answer) else answer
        for beginning, error in self.refuses.items():
            if command.startswith(beginning):
                self.errors.append(error)
                return None
        if command == "SYST:ERR?":
            return self.errors.pop(0) if self.errors else '0,"No error;0;0 0"'
        header, _, value = command.partition(" ")
        if header in ("OUTP", "ABOR", "INIT"):
            self._act(header, value)
        elif header == "SOUR:LIST:VOLT":
            self.levels = [float(text) for text in value.split(",")]
        elif header == "SOUR:LIST:VOLT:APP":
            self.levels += [float(text) for text in value.split(",")]
        elif header in ("SOUR:VOLT", "SOUR:CURR"):
            self.level = self.kept[header] = float(value)
        elif header in ("SOUR:VOLT:RANG", "SOUR:CURR:RANG"):
            if abs(self.kept.get(header.removesuffix(":RANG"), 0.0)) > float(value):
                self.errors.append('-222,"Parameter data out of range;1;2026/01/01 12:00:00"')
        elif header in ("SOUR:VOLT:ILIM", "SOUR:CURR:VLIM"):
            self.limit = float(value)
        else:
            return self._answer(header, value)
        return None

    def _act(self, header, value):
        if header == "OUTP":
            self.on = value == "ON"
        elif header == "INIT":
            self.started, self.ended_with, self._over = self.clock.now(), None, False
        else:
            self.ended_with = self._count()

    def _answer(self, header, value):
        if header == "OUTP?":
            self._count()
            return str(int(self.on))
        if header in ("OUTP:SMOD?", "OUTP:VOLT:SMOD?", "OUTP:CURR:SMOD?"):
            return "HIMP"
        if header in ("SOUR:VOLT:ILIM?", "SOUR:CURR:VLIM?"):
            return f"{self.limit:.6E}"
        if header.endswith(":RSEN?"):
            return "1"
        if header == "TRAC:ACT?":
            return str(self._count())
        if header == "TRAC:DATA?":
            first, last = (int(text) for text in value.split(",")[:2])
            return ",".join(self._reading(k) for k in range(first - 1, last))
        if header == "READ?":
            return self._row(self.clock.now(), self.level)
        if header == "TRIG:STAT?":
            return "IDLE;IDLE;9"
        if header.endswith("?"):
            raise AssertionError(f"nobody taught this unit to answer {header}")
        return None

    def _count(self):
        if self.started is None:
            return 0
        if self.ended_with is not None:
            return self.ended_with
        most = len(self.levels) if self.stuck_after is None else self.stuck_after
        count = min(most, int((self.clock.now() - self.started) / self.point + 1e-9))
        if count == len(self.levels):
            self.level = self.levels[-1]
            if self.opens_behind_sweep and not self._over:
                self.on = False
            self._over = True
        return count

    def _reading(self, k):
        return self._row(k * self.point, self.levels[k])

    def _row(self, time, level):
        current = level / self.resistance
        status = self.status | (128 if self.on or self.started is not None else 0)
        return f"{time:.6E},{level:.6E},{current:.6E},{status}"


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def dialogue(clock):
    """``with dialogue([(b"*IDN?\\n", b"...\\n")]) as unit``: everything that is listed must be said."""

    @contextlib.contextmanager
    def open_dialogue(pairs, **settings):
        wire = DialogueTransport(clock, pairs)
        yield Keithley2450().create(wire, clock, "cell", {"model": "2450", **settings})
        assert not wire.left, f"never said: {wire.left!r}"

    return open_dialogue


@pytest.fixture
def unit(clock):
    """A driver on a `UnitTransport`; keywords that it knows are its own, the others are settings."""

    def make(settings=None, **wire):
        return Keithley2450().create(UnitTransport(clock, **wire), clock, "cell", {"model": "2450", **(settings or {})})

    return make
