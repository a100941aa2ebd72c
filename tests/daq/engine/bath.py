"""A thermostat for tests of monitors: a driver whose readings measure, and its simulated twin."""

from types import ModuleType

from luggin.capabilities import Capabilities, Identity, Range
from luggin.clock import RealClock
from luggin.errors import NotSupported
from luggin.hookspecs import hookimpl
from luggin.instrument import Instrument, reading

#: Temperature at the first question (degC) and its rise (K/s).
BEGINS, RISE = 25.0, 0.01

BENCH_ENTRIES = """
[instruments.bath]
driver = "test.bath"
resource = "sim://bath"

[simulated.bath]
dialect = "test.bath"
model = "bath"
options = {OPTIONS}
cell = {kind = "resistor", resistance = "1 kohm"}
"""


def ratio(text):
    """A decoder with a mistake in it: it does not think of 0."""
    return 1.0 / float(text)


class Bath(Instrument):
    """Knows its temperature; has no cell."""

    temperature = reading("T?", unit="degC", decode=float, doc="Bath temperature.")
    level = reading("L?", unit="%", decode=float, doc="Level of the water.")
    period = reading("P?", unit="s", decode=ratio, doc="Of the stirrer.")
    model = reading("ID?", unit="", decode=str, doc="Who answers.")
    time = reading("T?", unit="s", decode=float, doc="Has the name of a column that every stream has.")
    capabilities = Capabilities("bath", {}, Range(-1.0, 1.0, "V"), Range(-1.0, 1.0, "A"))

    def identify(self):
        return Identity("Test", self.model.read(), "1", "1")

    def prepare(self, techniques):
        raise NotSupported("a bath measures no cell")

    def request_abort(self):
        """It does nothing that could be aborted."""

    def make_safe(self):
        return "a bath has no cell"


class BathDriver:
    id = "test.bath"
    title, models, docs = "Bath", {"bath": "Bath"}, ""

    def line_settings(self, settings):
        return {"terminator": b"\n", "timeout": 1.0}

    def create(self, transport, clock, name, settings):
        return Bath(transport, clock, name)

    def offline(self, settings):
        return Bath(None, RealClock(), "offline")


class BathTwin:
    """Answers at once, but for those questions for a temperature that ``options`` name by their number, from 1.

    ``late``: so many seconds later. ``mute``: not at all. ``nonsense``: with words. ``stopped``: from this
    question for the period on the stirrer stands still. ``hot``: pairs of times (s) between which it is
    20 degrees hotter.
    """

    cell_is_on = False

    def __init__(self, late=(), mute=(), nonsense=(), stopped=10**9, hot=()):
        self._late, self._mute, self._nonsense, self._stopped = dict(late), mute, nonsense, stopped
        self._hot = hot
        self._begun = None
        self._replies = []
        self._asked = {"T?": 0, "P?": 0}

    def feed(self, data, now):
        for line in data.decode().split():
            self._asked[line] = number = self._asked.get(line, 0) + 1
            if line == "T?":
                self._temperature(number, now)
            else:
                period = 0 if number >= self._stopped else 2
                self._replies.append((now, {"ID?": "bath", "L?": "80.5", "P?": str(period)}[line]))

    def _temperature(self, number, now):
        self._begun = now if self._begun is None else self._begun
        since = now - self._begun
        heated = 20.0 if any(begin <= since < end for begin, end in self._hot) else 0.0
        value = "warm" if number in self._nonsense else f"{BEGINS + RISE * since + heated:.6f}"
        if number not in self._mute:
            self._replies.append((now + self._late.get(str(number), 0.0), value))

    def take(self, now):
        due = [reply for reply in self._replies if reply[0] <= now]
        self._replies = [reply for reply in self._replies if reply[0] > now]
        return "".join(f"{text}\n" for _, text in due).encode()

    def next_due(self, now):
        return min((when for when, _ in self._replies), default=None)


class BathTwins:
    """For ``luggin_sim.dialects.DIALECTS``."""

    def check(self, model, options):
        return []

    def make(self, model, options, cell):
        return BathTwin(**options)


@hookimpl
def luggin_drivers():
    return [BathDriver()]


def plugin():
    """A module that a plugin manager can register."""
    module = ModuleType("bath_for_tests")
    module.luggin_drivers = luggin_drivers
    return module
