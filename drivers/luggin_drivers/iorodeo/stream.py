"""Running one test: start it, sort what comes back, and answer the requests of other threads."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from luggin import units
from luggin.clock import Clock
from luggin.errors import BadReply, InstrumentFault, ReplyTimeout
from luggin.records import Flag, Frame
from luggin_drivers.iorodeo.messages import EndOfTest, Reply, Sample, classified, padded, refused, written
from luggin_drivers.iorodeo.plan import Plan
from luggin_drivers.iorodeo.programme import LARGEST_DEVIATION, potential_at
from luggin_drivers.iorodeo.settings import Settings
from luggin_drivers.iorodeo.setup import Levels
from luggin_drivers.iorodeo.tables import AT_THE_END

if TYPE_CHECKING:
    from luggin_drivers.iorodeo.rodeostat import Rodeostat

log = logging.getLogger(__name__)

# How long (s) the end of a test may take behind a stopTest.
_STOP_DEADLINE = 2.0
# A sample so many intervals behind the last one means that one between them is lost.
_GAP = 1.5
# Samples may come a little later than the board's own clock says.
_CLOCK_TOLERANCE = 1.1
_AT_THE_END = (Flag.CURRENT_OVERLOAD | Flag.CLIPPED).value
_AMPERES = 1e-6
_SECONDS = 1e-3


class Requests:
    """What other threads ask of the owner of the line. Setting it returns at once."""

    def __init__(self, clock: Clock) -> None:
        self.wake = clock.cancel()
        self.abort = False

    def ask_abort(self) -> None:
        """End the test and open the cell."""
        self.abort = True
        self.wake.set()

    def forget(self) -> None:
        """Before the next test: what was asked of the last one is over."""
        self.abort = False
        self.wake.clear()


class RunningTest:
    """One test on an open line; used by the thread that owns the line."""

    def __init__(self, plan: Plan, board: Rodeostat, requests: Requests, settings: Settings, levels: Levels) -> None:
        self._plan, self._requests, self._settings, self._levels = plan, requests, settings, levels
        self._line, self._clock, self._name = board.transport, board.clock, board.name
        self._time = 0
        self._stop_sent: float | None = None
        self._stopped = False

    def frames(self) -> Iterator[Frame]:
        """Start, and yield samples until the empty object that ends the test."""
        if self._requests.abort:
            return
        self._line.write(padded(written("runTest", test=self._plan.test)))
        self._acknowledged()
        while True:
            if self._requests.wake.is_set:
                self._answer_requests()
            raw = self._line.read_line(self._deadline(), self._requests.wake)
            if raw is None:
                continue
            line = self._classified(raw)
            if isinstance(line, Sample):
                if (frame := self._frame(line, raw)) is not None:
                    yield frame
            elif isinstance(line, Reply):
                self._take_reply(line)
            elif self._stop_sent is None:
                self._require_complete()
                return
            elif self._stopped:
                return

    def _classified(self, raw: bytes) -> Sample | Reply | EndOfTest:
        try:
            return classified(raw, self._name)
        except BadReply:
            self._line.suspect = True
            raise

    def _acknowledged(self) -> None:
        """Wait for the answer to ``runTest``; what is late from before is passed over."""
        while True:
            raw = self._line.read_line(self._settings.silence)
            line = self._classified(raw or b"")
            if isinstance(line, Sample):
                self._line.suspect = True
                raise BadReply(f"{self._name}: a sample before the test was acknowledged: {raw!r}", raw or b"")
            if isinstance(line, Reply) and line.command in ("runTest", ""):
                if line.refusal:
                    raise refused(self._name, f"runTest {self._plan.test}", line)
                return

    def _deadline(self) -> float:
        if self._stop_sent is not None and self._clock.now() > self._stop_sent + _STOP_DEADLINE:
            self._line.suspect = True
            raise ReplyTimeout(f"{self._name}: the test does not end {_STOP_DEADLINE:g} s after stopTest")
        return _CLOCK_TOLERANCE * _SECONDS * self._plan.interval + self._settings.silence

    def _answer_requests(self) -> None:
        """Between two reads: send what another thread asked for. The token is cleared before the look."""
        self._requests.wake.clear()
        if self._requests.abort and self._stop_sent is None:
            self._stop_sent = self._clock.now()
            self._line.write(padded(written("stopTest")))

    def _take_reply(self, reply: Reply) -> None:
        """An answer between samples: to our own ``stopTest``, or late to something before."""
        if reply.command == "stopTest" and self._stop_sent is not None:
            if reply.refusal:
                raise refused(self._name, "stopTest", reply)
            self._stopped = True
        else:
            log.warning("%s: a late answer to %s is passed over", self._name, reply.command or "something")

    def _require_complete(self) -> None:
        if self._time != self._plan.last_at:
            self._line.suspect = True
            raise InstrumentFault(
                f"{self._name}: the test ended behind {self._time} of {self._plan.last_at} ms, although nobody asked"
            )

    def _frame(self, sample: Sample, raw: bytes) -> Frame | None:
        """The row of a sample; None if this sample was there already."""
        plan, time = self._plan, sample.time
        if time == self._time:
            log.warning("%s: a sample came twice and is left out: %r", self._name, raw)
            return None
        if time < self._time or time > plan.last_at or time % plan.interval:
            self._line.suspect = True
            raise BadReply(f"{self._name}: behind {self._time} ms comes a sample that cannot be: {raw!r}", raw)
        self._require_own(sample, raw)
        flags = Flag.GAP.value if time - self._time > _GAP * plan.interval else 0
        self._time = time
        if time < plan.quiet:
            flags |= Flag.QUIET_TIME.value
        current = _AMPERES * sample.current
        full_scale = plan.current_range[1]
        if math.isnan(current):
            flags |= Flag.DECODE_ERROR.value
        elif sample.at_the_end or abs(current) >= AT_THE_END * full_scale:
            flags |= _AT_THE_END
        is_held = time < plan.quiet or plan.holds
        potential = sample.potential + (self._levels.held if is_held else self._levels.swept)
        values = (time * _SECONDS, potential, self._settings.sign * current)
        cycle = () if plan.period is None else (plan.cycle(time),)
        return Frame(plan.schema, self._clock.now(), rows=((*values, *cycle, full_scale, flags),))

    def _require_own(self, sample: Sample, raw: bytes) -> None:
        """The test that runs is the one that was set up, on the channel that the cell hangs on."""
        plan, channel = self._plan, self._settings.multiplexer or 0
        meant = potential_at(plan.test, plan.parameters, sample.time)
        if sample.channel == channel and abs(sample.potential - meant) <= LARGEST_DEVIATION:
            return
        self._line.suspect = True
        raise InstrumentFault(
            f"{self._name}: {units.show(meant, 'V', 6)} on channel {channel} should be applied at {sample.time} ms, "
            f"but the board says {raw!r}; was it switched off and on?"
        )
