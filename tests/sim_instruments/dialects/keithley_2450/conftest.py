"""A Keithley 2450 with a 1 kohm resistor, without noise, and words to talk to it."""

import pytest

from luggin_sim.cells import ResistorCell, ResistorSpec
from luggin_sim.dialects.keithley_2450 import make

QUIET = {"noise": 0.0, "command_time": 0.0}
START = 100.0

# A voltage source that measures current, quickly, behind an open relay when it is off.
SETUP = (
    "*RST",
    "OUTP:SMOD HIMP",
    "SOUR:FUNC VOLT",
    "SOUR:VOLT:RANG 2",
    "SOUR:VOLT:ILIM 0.01",
    "SOUR:VOLT:READ:BACK OFF",
    "SOUR:VOLT:DEL 0",
    'SENS:FUNC "CURR"',
    "SENS:CURR:RANG 0.01",
    "SENS:CURR:NPLC 0.1",
    "SENS:CURR:AZER OFF",
)


class Bench:
    """One instrument and the time around it."""

    def __init__(self, model="2450", cell=None, **rules):
        self.cell = cell or ResistorCell(ResistorSpec(resistance=1e3))
        self.instrument = make(model, QUIET | rules, self.cell)
        self.now = START

    def send(self, *lines):
        """Send messages now."""
        for line in lines:
            self.instrument.feed(line.encode("latin-1") + b"\n", self.now)

    def ask(self, line, patience=1e6):
        """Send a message and wait for what is answered; empty if nothing comes."""
        self.send(line)
        return self.hear(patience)

    def hear(self, patience=1e6):
        """The next line that comes."""
        end = self.now + patience
        while (due := self.instrument.next_due(self.now)) is not None and due <= end:
            self.now = max(self.now, due)
            if data := self.instrument.take(self.now):
                return data.decode("latin-1").removesuffix("\n")
        return ""

    def wait(self, seconds):
        """Let time pass."""
        self.now += seconds
        self.instrument.next_due(self.now)

    def numbers(self, line):
        """The numbers of an answer."""
        return [float(text) for text in self.ask(line).split(",")]

    def error(self):
        """The code of the oldest error."""
        return int(self.ask("SYST:ERR?").partition(",")[0])

    def set_up(self):
        """`SETUP`, which must go without errors."""
        self.send(*SETUP)
        assert self.error() == 0
        return self


@pytest.fixture
def make_bench():
    return Bench


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def ready():
    """A bench that is set up as a voltage source."""
    return Bench().set_up()
