"""A wire that knows beforehand what will be said, and fails when something else is."""

from __future__ import annotations

import contextlib

import pytest

from luggin.clock import VirtualClock
from luggin.transport import Transport
from luggin_drivers.palmsens import PalmSensMethodScript


class DialogueTransport(Transport):
    """Plays one side of a dialogue: pairs of what must be written and what comes back.

    A reply is bytes, or a list of (seconds after the write, bytes).
    """

    def __init__(self, clock, pairs, **settings):
        super().__init__("/dev/ttyTEST", clock, **settings)
        self._pairs = list(pairs)
        self._coming = []
        self.written = []
        self.closed = False

    @property
    def left(self):
        return self._pairs

    def _write(self, data):
        self.written.append(data)
        assert self._pairs, f"nothing more was to be said, but {data!r} was"
        expected, reply = self._pairs.pop(0)
        assert data == expected
        chunks = [(0.0, reply)] if isinstance(reply, bytes) else reply
        start = max([self.clock.now(), *(when for when, _ in self._coming)])
        self._coming += [(start + after, chunk) for after, chunk in chunks if chunk]

    def _read_chunk(self, until, cancel):
        tokens = [cancel] if cancel is not None else []
        when = min(until, self._coming[0][0]) if self._coming else until
        self.clock.wait_until(when, *tokens)
        if self._coming and self._coming[0][0] <= self.clock.now():
            return self._coming.pop(0)[1]
        return b""

    def close(self):
        self.closed = True


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def dialogue(clock):
    """``with dialogue([(b"v\\n", b"v8\\n")]) as instrument``: everything that is listed must be said."""

    @contextlib.contextmanager
    def open_dialogue(pairs, **settings):
        settings = {"model": "emstat4-hr", **settings}
        driver = PalmSensMethodScript()
        ignore = driver.line_settings(settings)["ignore"]
        wire = DialogueTransport(clock, pairs, ignore=ignore)
        instrument = driver.create(wire, clock, "cell", settings)
        yield instrument
        assert not wire.left, f"never said: {wire.left!r}"

    return open_dialogue


@pytest.fixture
def running(dialogue):
    """A prepared instrument whose script is answered with ``answer``; the script's own bytes do not matter.

    ``further`` are the pairs of the dialogue behind it. At the end of the test all must have been said.
    """
    with contextlib.ExitStack() as stack:

        def start(answer, *further, techniques, **settings):
            instrument = stack.enter_context(dialogue([], **settings))
            instrument.prepare(list(techniques))
            instrument.transport.left[:] = [(instrument._plan.bytes, answer), *further]
            return instrument

        yield start
