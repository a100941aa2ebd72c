"""An EmStat4 HR with the 10 kohm dummy cell that comes with it, and words to talk to it."""

import pytest

from luggin_sim.cells import ResistorCell, ResistorSpec
from luggin_sim.dialects.palmsens_methodscript import make


class Bench:
    """One instrument and the time around it."""

    def __init__(self, model="emstat4-hr", cell=None, **rules):
        self.cell = cell or ResistorCell(ResistorSpec(resistance=10e3))
        self.instrument = make(model, rules, self.cell)
        self.now = 100.0

    def say(self, text):
        """Send a line now and give what comes back at this moment."""
        self.instrument.feed(text.encode("ascii") + b"\n", self.now)
        return self.hear()

    def hear(self):
        return self.instrument.take(self.now).decode("ascii")

    def run(self, *lines):
        """Send a script now and give what comes back at this moment."""
        return self.say("e\n" + "\n".join(lines) + "\n")

    def wait(self, seconds):
        """Let time pass; the lines that came meanwhile with the time at which each came."""
        end, heard = self.now + seconds, []
        while (due := self.instrument.next_due(self.now)) is not None and due <= end:
            self.now = max(self.now, due)
            heard += [(self.now - 100.0, line) for line in self.hear().split("\n")[:-1]]
        self.now = end
        return heard

    def lines(self, seconds=1e6):
        """The lines that come until the instrument is silent."""
        return [line for _, line in self.wait(seconds)]


SETUP = ("var p", "var c", "var t", "set_pgstat_mode 3", "set_range ba 100u", "set_e 0", "cell_on")
BODY = ("pck_start", "pck_add p", "pck_add c", "pck_end", "endloop")
TIMED_BODY = ("timer_get t", "pck_start", "pck_add t", "pck_add p", "pck_add c", "pck_end", "endloop")
SAFE_END = ("on_finished:", "cell_off")


@pytest.fixture
def make_bench():
    return Bench


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def scripts():
    """Pieces of scripts: set-up with the cell on at 0 V, loop bodies, and the safe end."""

    class Scripts:
        setup, body, timed_body, safe_end = SETUP, BODY, TIMED_BODY, SAFE_END

    return Scripts
