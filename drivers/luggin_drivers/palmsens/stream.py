"""Running one script: load it, sort what comes back, and answer the requests of other threads.

The first character of a line decides: ``M`` a measurement loop starts, ``P`` a data package,
``*`` the loop ends, ``C`` and ``-`` a scan starts and ends, ``L`` and ``+`` a plain loop,
``T`` text, ``!`` an error, ``Z`` and ``Y`` answers to our own commands, an empty line the end.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from math import isnan, nan
from typing import Any

from luggin.clock import Clock
from luggin.errors import BadReply, InstrumentFault, ReplyTimeout
from luggin.records import Flag, Frame
from luggin.transport import Transport
from luggin_drivers.palmsens.packages import PackageDecoder, resolution
from luggin_drivers.palmsens.plan import Loop, Plan
from luggin_drivers.palmsens.replies import error_code, fault
from luggin_drivers.palmsens.settings import Settings
from luggin_drivers.palmsens.tables import NO_SCRIPT_RUNS

log = logging.getLogger(__name__)

#: The instrument ignores what is sent within 50 ms after an error; the maker's own program waits this long (s).
PAUSE_AFTER_ERROR = 0.1
# How long (s) a script may go on after an abort before that counts as no answer.
_ABORT_DEADLINE = 5.0
# A time so many intervals behind the last one means that a row between them is lost.
_GAP = 1.5
# Points may come a little later than the instrument's own clock says.
_CLOCK_TOLERANCE = 1.1
_RANGE_CHANGED = Flag.RANGE_CHANGED.value


class Requests:
    """What other threads ask of the owner of the line. Setting them returns at once."""

    def __init__(self, clock: Clock) -> None:
        self.wake = clock.cancel()
        self.abort = False
        self.leave_loop = False

    def ask_abort(self) -> None:
        """End everything and open the cell."""
        self.abort = True
        self.wake.set()

    def ask_leave_loop(self) -> None:
        """End the technique that runs, go on with the next."""
        self.leave_loop = True
        self.wake.set()

    def forget(self) -> None:
        """Before the next script: what was asked of the last one is over."""
        self.abort = self.leave_loop = False
        self.wake.clear()


class ScriptRun:
    """One execution of a plan on an open line; used by the thread that owns the line."""

    def __init__(
        self, plan: Plan, transport: Transport, clock: Clock, requests: Requests, settings: Settings, name: str
    ) -> None:
        self._plan = plan
        self._transport = transport
        self._clock = clock
        self._requests = requests
        self._silence = settings.silence
        self._ranges = settings.table.range_index
        self._name = name
        self._next_loop = 0
        self._loop: Loop | None = None
        self._decoder: PackageDecoder | None = None
        self._cycle = 0
        self._first_scan: bytes | None = None
        self._scans = 0
        self._range = nan
        self._time = nan
        self._place = -1
        self._abort_sent: float | None = None
        self._abort_answered = False
        self._leaving_part: int | None = None

    def frames(self) -> Iterator[Frame]:
        """Send the script and yield its rows until the empty line that ends it."""
        if self._requests.abort:
            return
        self._transport.write(self._plan.bytes)
        line: bytes | None = self._acknowledgement()
        while True:
            if line is None:
                if self._requests.wake.is_set:
                    self._answer_requests()
                line = self._transport.read_line(self._deadline(), self._requests.wake)
                if line is None:
                    continue
            kind = line[:1]
            if kind == b"P":
                if (frame := self._frame(line)) is not None:
                    yield frame
            elif not kind or self._ended_by(line):
                break
            line = None
        self._settle()

    def _acknowledgement(self) -> bytes | None:
        """Wait for ``e``; what stands behind it on the same line is output already.

        An answer to an earlier abort that comes only now is not ours and is passed over.
        """
        line = self._transport.read_line(self._silence)
        while line is not None and line[:1] == b"Z":
            line = self._transport.read_line(self._silence)
        if line is None or line[:1] != b"e":
            self._transport.suspect = True
            raise BadReply(f"{self._name}: the script was not acknowledged but answered with {line!r}", line or b"")
        if line[1:2] == b"!":
            raise self._fault(line)
        return line[1:] or None

    def _deadline(self) -> float:
        if self._abort_sent is not None and self._clock.now() > self._abort_sent + _ABORT_DEADLINE:
            self._transport.suspect = True
            raise ReplyTimeout(f"{self._name}: the script goes on {_ABORT_DEADLINE:g} s after the abort")
        interval = self._loop.interval if self._loop is not None else 0.0
        return _CLOCK_TOLERANCE * interval + self._silence

    def _frame(self, line: bytes) -> Frame | None:
        """The row of a package; None if this package was there already."""
        loop, decoder = self._loop, self._decoder
        if loop is None or decoder is None:
            raise BadReply(f"{self._name}: a data package outside of any measurement loop: {line!r}", line)
        values, flags, scale = decoder.decode(line)
        flags |= loop.flags
        time = values[0]
        if not isnan(self._time):
            passed = time - self._time
            if passed <= 0.0 and loop.interval > resolution(time):
                self._refuse_earlier(line, passed)
                return None
            if passed > _GAP * loop.interval + resolution(time):
                flags |= Flag.GAP.value
        self._time = time
        if loop.spectrum is not None:
            flags |= self._gap_before(loop.spectrum.place(values[1]))
        row: tuple[Any, ...]
        if len(values) == 2:
            row = (*values, flags)
        else:
            if scale != self._range and not isnan(scale):
                if not isnan(self._range):
                    flags |= _RANGE_CHANGED
                self._range = scale
            values += [nan] * loop.missing
            row = (*values, scale, flags) if loop.cycle is None else (*values, self._cycle, scale, flags)
        return Frame(loop.schema, self._clock.now(), rows=(row,), part=loop.part)

    def _gap_before(self, place: int | None) -> int:
        """The flag of a frequency (by its place in the spectrum) before which some are missing."""
        if place is None:
            return 0
        missing = place > self._place + 1
        self._place = place
        return Flag.GAP.value if missing else 0

    def _refuse_earlier(self, line: bytes, passed: float) -> None:
        """A package that the line gave twice is no second reading. One from before is a mess."""
        if passed < 0.0:
            self._transport.suspect = True
            raise BadReply(f"{self._name}: a data package of {-passed:g} s before the last one: {line!r}", line)
        log.warning("%s: a data package came twice and is left out: %r", self._name, line)

    def _ended_by(self, line: bytes) -> bool:
        """Sort a line that is not data; True if it says that no script runs any more."""
        kind = line[:1]
        if kind == b"M":
            self._start_loop(line)
        elif kind == b"*":
            self._loop = self._decoder = None
        elif kind == b"C":
            self._start_scan(line)
        elif kind == b"!":
            raise self._fault(line)
        elif kind == b"Z":
            return self._abort_answer(line)
        elif kind == b"Y":
            self._leave_answer(line)
        elif kind not in (b"-", b"L", b"+", b"T"):
            self._transport.suspect = True
            raise BadReply(f"{self._name}: {line!r} is not a line that a script sends", line)
        return False

    def _start_loop(self, line: bytes) -> None:
        if self._next_loop >= len(self._plan.loops):
            raise BadReply(f"{self._name}: a measurement loop more than the script has: {line!r}", line)
        self._loop = loop = self._plan.loops[self._next_loop]
        self._next_loop += 1
        self._decoder = PackageDecoder(loop.types, self._ranges)
        self._cycle = loop.cycle or 0
        self._time = nan  # between two loops the instrument takes its time
        self._place = -1
        self._scans, self._first_scan = 0, None
        if loop.part == self._leaving_part:
            self._transport.write(b"Y" + self._transport.terminator)

    def _start_scan(self, line: bytes) -> None:
        """Count the scans. Numbers may begin at 0 or 1, hexadecimal or decimal, but may not leave one out."""
        text = line[1:]
        if self._first_scan is None:
            self._first_scan = text
        try:
            steps = {int(text, base) - int(self._first_scan, base) for base in (10, 16) if _is_number(text, base)}
        except ValueError:
            steps = set()
        if self._loop is None or self._scans not in steps:
            raise BadReply(f"{self._name}: scan number {line!r} does not follow {self._scans} scans before it", line)
        self._scans += 1
        if self._loop.cycle is not None:
            self._cycle = self._scans

    def _answer_requests(self) -> None:
        """Between two reads: send what another thread asked for. The token is cleared before the look."""
        requests = self._requests
        requests.wake.clear()
        if requests.abort:
            if self._abort_sent is None:
                self._abort_sent = self._clock.now()
                self._transport.write(b"Z" + self._transport.terminator)
        elif requests.leave_loop:
            requests.leave_loop = False
            self._leave_part()

    def _leave_part(self) -> None:
        """End the loop that runs; those of the same technique that follow are ended as they start."""
        if self._loop is not None and self._loop.part != self._leaving_part:
            self._leaving_part = self._loop.part
            self._transport.write(b"Y" + self._transport.terminator)
        elif self._loop is None and self._next_loop < len(self._plan.loops):
            self._leaving_part = self._plan.loops[self._next_loop].part

    def _abort_answer(self, line: bytes) -> bool:
        if self._abort_sent is None:
            return False  # late answer to an abort of the script before
        self._abort_answered = True
        code = error_code(line)
        if code is None:
            return False
        self._clock.sleep(PAUSE_AFTER_ERROR)
        if code != NO_SCRIPT_RUNS:
            raise self._fault(line)
        return True

    def _leave_answer(self, line: bytes) -> None:
        """An instrument that does not know ``Y`` is aborted instead: less than asked for, but safe."""
        if error_code(line) is not None:
            self._clock.sleep(PAUSE_AFTER_ERROR)
            self._requests.ask_abort()

    def _settle(self) -> None:
        """After the end: take the answer to an abort that is still on its way; refuse a script cut short."""
        if self._abort_sent is not None:
            if not self._abort_answered:
                late = self._transport.read_line(self._silence)
                if late is not None and error_code(late) is not None:
                    self._clock.sleep(PAUSE_AFTER_ERROR)
        elif self._loop is not None or self._next_loop < len(self._plan.loops):
            raise InstrumentFault(
                f"{self._name}: the script ended by itself in measurement loop {self._next_loop} of "
                f"{len(self._plan.loops)}, although nobody asked"
            )

    def _fault(self, line: bytes) -> InstrumentFault:
        """A run-time error ends the script without ``on_finished``: the cell may still be on."""
        self._transport.suspect = True
        self._clock.sleep(PAUSE_AFTER_ERROR)
        return fault(self._name, line, self._plan.lines)


def _is_number(text: bytes, base: int) -> bool:
    digits = b"0123456789ABCDEFabcdef"[: 10 if base == 10 else 22]
    return 1 <= len(text) <= 8 and not text.strip(digits)
