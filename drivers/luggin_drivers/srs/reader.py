"""One technique in the frames: when it begins, which rows it has, and when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luggin.errors import InstrumentFault
from luggin.records import Flag
from luggin_drivers.srs.plan import Part
from luggin_drivers.srs.windows import Block, Windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The cell is closed, and a ramp begins, within this time (s) of the instrument.
_SOON = 1.0
# Levels that lie closer (V) cannot be told apart in the frames.
_APART = 5e-3
# The end of a technique may be missing by so much of its time, or by so many rows: the instrument has its own clock.
_SHORT, _SHORT_ROWS = 1e-3, 1.5


class PartReader:
    """Rows of one part. `take` the frames as they come.

    Args:
        part: what runs.
        before: the potential (V) that was held before, if there is a step from it.
        name: of the instrument.

    Attributes:
        wants_ramp: the quiet time is over; the ramp is to be started, and `ramp_told` said.
        done: there is nothing more to come.
    """

    def __init__(self, part: Part, before: float | None, name: str) -> None:
        self._part, self._before, self._name = part, before, name
        self.wants_ramp = self.done = False
        self._first: float | None = None  # when the first frame came
        self._origin: float | None = None  # when the first level began
        self._ramp_asked_at: float | None = None
        self._ramp_from: float | None = None
        self._quiet: Windows | None = None
        self._main: Windows | None = None
        self._latest = self._reached = 0.0

    @property
    def interval(self) -> float:
        """How far apart the rows are that come next (s)."""
        return self._part.interval if self._main is not None or not self._part.quiet else self._part.quiet_interval

    def ramp_told(self) -> None:
        """The ramp was started."""
        self.wants_ramp = False
        self._ramp_asked_at = self._latest

    def take(self, block: Block) -> NDArray[Any]:
        """The rows that are whole behind these frames.

        Raises:
            InstrumentFault: the cell does not close or opens too early, or the ramp does not do what it should.
        """
        import numpy as np

        frames = block.frames
        self._latest = float(frames["time"][-1])
        if self._first is None:
            self._first = float(frames["time"][0])
        if self._origin is None:
            frames = self._begin(block)
        if self._origin is None or not len(frames):
            return np.empty(0, block.frames.dtype)
        if self._part.path is None:
            return self._held(frames)
        return self._swept(block, frames)

    # -- the first level
    def _begin(self, block: Block) -> NDArray[Any]:
        """The frames from the first one at the first level on."""
        import numpy as np

        frames = block.frames
        there = frames["closed"] & ~frames["ramping"] if self._part.level is not None else ~frames["closed"]
        waited = self._latest - (self._first or 0.0)
        level, before = self._part.level, self._before
        if level is not None and before is not None and abs(level - before) > _APART and waited < _SOON:
            there &= np.abs(frames["potential"] - level) < np.abs(frames["potential"] - before)
        if not there.any():
            if waited > _SOON:
                what = "close" if level is not None else "open"
                raise InstrumentFault(
                    f"{self._name}: the cell does not {what}. Is the cell switch on the panel on, and is an "
                    "electrometer connected?"
                )
            return frames[:0]
        first = int(np.argmax(there))
        self._origin = block.began if block.began is not None else float(frames["time"][first]) - block.half
        if self._part.quiet:
            self._quiet = Windows(self._origin, self._part.quiet_interval)
        return frames[first:]

    # -- a level that is held
    def _held(self, frames: NDArray[Any]) -> NDArray[Any]:
        import numpy as np

        self._require_closed(frames)
        origin = self._origin or 0.0
        start, stop = origin + self._part.quiet, origin + self._part.quiet + self._part.duration
        time = frames["time"]
        rows = [self._quiet_rows(frames[time < start], last=bool(time[-1] >= start))]
        if time[-1] >= start:
            self._main = self._main or Windows(start, self._part.interval)
            rows.append(self._main.add(frames[(time >= start) & (time < stop)]))
            self._note(frames, start, stop)
        if time[-1] >= stop - self._half_poll(frames) and self._main is not None:
            rows.append(self._main.finish())
            self._finish()
        return self._relative(np.concatenate(rows))

    def _half_poll(self, frames: NDArray[Any]) -> float:
        """A reading that was asked for is the only one of its interval."""
        return 0.5 * self._part.interval * (1 + 1e-6) if len(frames) == 1 else 0.0

    def _quiet_rows(self, frames: NDArray[Any], *, last: bool) -> NDArray[Any]:
        import numpy as np

        if self._quiet is None:
            return frames[:0]
        rows = self._quiet.add(frames) if len(frames) else frames
        if last:
            rows = np.concatenate([rows, self._quiet.finish()])
            self._quiet = None
        rows["flags"] |= np.uint32(Flag.QUIET_TIME.value)
        return rows

    # -- a sweep
    def _swept(self, block: Block, frames: NDArray[Any]) -> NDArray[Any]:
        import numpy as np

        origin = self._origin or 0.0
        rows = []
        if self._main is None:
            ramping = frames["ramping"]
            first = int(np.argmax(ramping)) if ramping.any() else len(frames)
            still = frames[:first]
            self._require_closed(still)
            begins = first < len(frames)
            rows.append(self._quiet_rows(still, last=begins))
            if not begins:
                self._ask_for_ramp(origin)
                return self._relative(np.concatenate(rows))
            self._ramp_from = block.began if block.began is not None else float(frames["time"][first]) - block.half
            self._main = Windows(self._ramp_from, self._part.interval)
            frames = frames[first:]
        rows += self._ramp_rows(frames, self._main)
        return self._relative(np.concatenate(rows))

    def _ask_for_ramp(self, origin: float) -> None:
        if self._ramp_asked_at is None:
            self.wants_ramp = self._latest >= origin + self._part.quiet
        elif self._latest - self._ramp_asked_at > _SOON:
            raise InstrumentFault(f"{self._name}: the ramp generator does not start")

    def _ramp_rows(self, frames: NDArray[Any], windows: Windows) -> list[NDArray[Any]]:
        part, start = self._part, self._ramp_from or 0.0
        elapsed = frames["time"] - start
        of_ramp = frames["ramping"] & (elapsed < part.duration)
        stopped = bool((~frames["ramping"]).any())
        self._require_closed(frames[of_ramp])
        self._note(frames[of_ramp], start, start + part.duration)
        rows = [windows.add(frames[of_ramp])]
        over = elapsed[-1] >= part.duration - self._half_poll(frames)
        if stopped or over:
            rows.append(windows.finish())
            self._finish()
        return rows

    # -- both
    def _note(self, frames: NDArray[Any], start: float, stop: float) -> None:
        """Remember how far the technique itself has come (s)."""
        time = frames["time"]
        inside = time[(time >= start) & (time < stop)]
        if len(inside):
            self._reached = float(inside[-1]) - start

    def _finish(self) -> None:
        """The technique is over; InstrumentFault if its end is missing."""
        part = self._part
        if part.duration - self._reached > max(_SHORT * part.duration, _SHORT_ROWS * part.interval):
            raise InstrumentFault(
                f"{self._name}: {part.technique.name} ended after {self._reached:.3g} s; it was to take "
                f"{part.duration:.3g} s"
            )
        self.done = True

    def _require_closed(self, frames: NDArray[Any]) -> None:
        if self._part.level is not None and not frames["closed"].all():
            raise InstrumentFault(
                f"{self._name}: the cell circuit was opened at the instrument, in the midst of a technique"
            )

    def _relative(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Times since the technique began; behind a quiet time that is when the first level was there."""
        rows["time"] -= self._zero
        return rows

    @property
    def _zero(self) -> float:
        begun = self._origin if self._part.quiet or self._ramp_from is None else self._ramp_from
        return begun or 0.0

    def since_ramp(self, times: NDArray[Any]) -> NDArray[Any]:
        """Times of rows, counted from the start of the ramp (s)."""
        return times + self._zero - (self._ramp_from or 0.0)
