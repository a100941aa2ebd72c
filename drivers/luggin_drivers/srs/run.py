"""Running what was prepared: close the cell, start ramps, turn frames into rows, end each part."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from luggin import units
from luggin.clock import Clock
from luggin.errors import InstrumentFault
from luggin.instrument.spread import spread
from luggin.records import Flag, Frame
from luggin_drivers.srs import commands
from luggin_drivers.srs.plan import Part, Plan
from luggin_drivers.srs.reader import PartReader
from luggin_drivers.srs.sources import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from luggin_drivers.srs.potentiostat import Ec301


class Requests:
    """What other threads ask of the owner of the line. Setting them returns at once."""

    def __init__(self, clock: Clock) -> None:
        self.wake = clock.cancel()
        self.abort = False
        self._end = False

    def ask_abort(self) -> None:
        """End everything and open the cell."""
        self.abort = True
        self.wake.set()

    def ask_end(self) -> None:
        """End the technique that runs, go on with the next."""
        self._end = True
        self.wake.set()

    def forget(self) -> None:
        """Before the next technique: what was asked of the last one is over."""
        self.abort = self._end = False
        self.wake.clear()

    def leaves(self) -> bool:
        """Whether the part that runs is to be left; the token is cleared before the look, an abort stays."""
        if not self.wake.is_set:
            return False
        self.wake.clear()
        left, self._end = self._end or self.abort, False
        return left


class Run:
    """One execution of a plan; used by the thread that owns the line."""

    def __init__(self, plan: Plan, unit: Ec301, source: Source, requests: Requests, largest: float | None) -> None:
        self._plan, self._unit, self._source, self._requests = plan, unit, source, requests
        self._largest = largest
        self._achieved: list[tuple[Part, array[float]]] = []

    def frames(self) -> Iterator[Frame]:
        """Yield the rows as they come; the cell is open at the end, and that was read back."""
        self._source.start()
        before: Part | None = None
        for part in self._plan.parts:
            if self._requests.abort:
                break
            yield from self._part(part, before)
            before = part
        self._unit.make_safe()

    def _part(self, part: Part, before: Part | None) -> Iterator[Frame]:
        unit, requests = self._unit, self._requests
        times: array[float] = array("d")
        self._achieved.append((part, times))
        reader = PartReader(part, self._begin(part, before), unit.name)
        while not reader.done:
            block = self._source.read(reader.interval, requests.wake)
            if requests.leaves():
                return
            if block is None:
                continue
            rows = reader.take(block)
            if reader.wants_ramp:
                unit.command(f"rampst {part.mode}")
                self._source.told(part, "ramp")
                reader.ramp_told()
            if len(rows):
                frame = self._frame(part, rows, reader)
                times.extend(rows["time"][(rows["flags"] & Flag.QUIET_TIME) == 0])
                yield frame
                self._require_within(part, rows)
                if requests.leaves():
                    return

    def _begin(self, part: Part, before: Part | None) -> float | None:
        """Set the first level, close the cell if it is open; the potential (V) that was held before."""
        unit, plan = self._unit, self._plan
        if part.level is None:
            self._source.told(part, "level")
            return None
        level = commands.hold(part.level) if plan.kind == "potential" else commands.send(part.level, plan.full_scale)
        if before is None:
            unit.tell([level])
            unit.command(commands.CELL_ON)
            self._source.told(part, "level")
            return None
        if before.path is not None:
            unit.command(commands.END_RAMP)
        unit.command(level)
        self._source.told(part, "level")
        unit.tell(part.programme)
        if plan.kind == "current":
            return None
        return before.path.corners[-1] if before.path is not None else before.level

    def _frame(self, part: Part, rows: NDArray[Any], reader: PartReader) -> Frame:
        import numpy as np

        out = np.empty(len(rows), part.schema.dtype)
        out["instrument_time"] = rows["time"]
        for name in ("potential", "current", "current_range", "flags"):
            if name in part.schema.names:
                out[name] = rows[name]
        if "cycle" in part.schema.names and part.path is not None:
            quiet = (rows["flags"] & np.uint32(Flag.QUIET_TIME.value)) != 0
            out["cycle"] = np.where(quiet, 0, part.path.cycles(reader.since_ramp(rows["time"])))
        return Frame(part.schema, self._unit.clock.now(), array=out, part=part.number)

    def _require_within(self, part: Part, rows: NDArray[Any]) -> None:
        """A current is driven only as far as the potential that was allowed: nobody else here holds that."""
        if self._largest is None or part.technique.name != "cp":
            return
        reached = float(abs(rows["potential"]).max())
        if reached > self._largest:
            opened = self._unit.make_safe()
            raise InstrumentFault(
                f"{self._unit.name}: {units.show(reached, 'V')} were reached, cp.potential_limit is "
                f"{units.show(self._largest, 'V')}; {opened}"
            )

    def to_json(self) -> list[dict[str, Any]]:
        """What came of each technique: the real distances of its rows (s)."""
        told = []
        for part, times in self._achieved:
            distances = [later - earlier for earlier, later in itertools.pairwise(times)]
            told.append(
                {
                    "technique": part.technique.name,
                    "rows": len(times),
                    "dt": part.interval,
                    "real_dt": spread(distances),
                }
            )
        return told
