"""From frames to rows: the average of the frames of each interval.

The instrument sends hundreds of frames a second. A row is the mean of time, potential and current of
all frames of its interval, as an integrating converter would have it: along a straight ramp that is
the point in the middle, and the charge of a transient stays what it was. Flags of the frames are
joined. Nothing is interpolated: an interval without a frame has no row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luggin.records import Flag

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: One frame: the middle of its time (s), V, A (oxidation positive), full scale (A), bits of `luggin.records.Flag`,
#: whether the cell circuit is closed and whether the ramp generator runs.
FRAME = [
    ("time", "f8"),
    ("potential", "f8"),
    ("current", "f8"),
    ("current_range", "f8"),
    ("flags", "u4"),
    ("closed", "?"),
    ("ramping", "?"),
]
_MEANS = ("time", "potential", "current")


@dataclass(frozen=True)
class Block:
    """Frames in the order of time.

    Attributes:
        frames: an array of `FRAME`; times since the stream began, or of the host.
        began: when what was commanded last began (same time), where that is not to be seen in the frames.
        half: half the length of a frame (s).
    """

    frames: NDArray[Any]
    began: float | None = None
    half: float = 0.0


class Windows:
    """Averages frames over intervals of ``interval`` s, counted from ``origin`` (s)."""

    def __init__(self, origin: float, interval: float) -> None:
        import numpy as np

        self._origin, self._interval = origin, interval
        self._open: NDArray[Any] = np.empty(0, FRAME)

    def add(self, frames: NDArray[Any]) -> NDArray[Any]:
        """The rows, as an array of `FRAME`, that are whole behind these frames."""
        import numpy as np

        known = np.concatenate([self._open, frames])
        numbers = self._numbers(known)
        whole = int(np.searchsorted(numbers, numbers[-1])) if len(numbers) else 0
        self._open = known[whole:]
        return self._averaged(known[:whole])

    def finish(self) -> NDArray[Any]:
        """What is left of the last interval, as a row of its own."""
        left, self._open = self._open, self._open[:0]
        return self._averaged(left)

    def _numbers(self, frames: NDArray[Any]) -> NDArray[Any]:
        import numpy as np

        return np.floor((frames["time"] - self._origin) / self._interval + 1e-9)

    def _averaged(self, frames: NDArray[Any]) -> NDArray[Any]:
        import numpy as np

        if not len(frames):
            return frames
        numbers = self._numbers(frames)
        starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
        stops = np.append(starts[1:], len(frames))
        rows: NDArray[Any] = frames[stops - 1].copy()
        for name in _MEANS:
            rows[name] = np.add.reduceat(frames[name], starts) / (stops - starts)
        rows["flags"] = np.bitwise_or.reduceat(frames["flags"], starts)
        ranges = frames["current_range"]
        changed = np.maximum.reduceat(ranges, starts) > np.minimum.reduceat(ranges, starts)
        rows["flags"] |= np.where(changed, np.uint32(Flag.RANGE_CHANGED.value), np.uint32(0))
        return rows
