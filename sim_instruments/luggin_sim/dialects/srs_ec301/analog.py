"""What the instrument does to its cell, and what it measures there.

Inside the simulator currents are those of the cell, positive for oxidation. The instrument's own sign
is the other one: `seen` and `driven` are the two places where it turns.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from luggin_sim.cells import SHORTEST_STEP, Cell
from luggin_sim.dialects.srs_ec301.ramp import CV, Programme, Ramp
from luggin_sim.dialects.srs_ec301.registers import E_OVERLOAD, I_OVERLOAD, Refused, Registers
from luggin_sim.dialects.srs_ec301.rules import Rules

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POTENTIOSTAT, GALVANOSTAT, ZRA = range(3)
POSITIVE_FEEDBACK = 1
#: Full scales (A) of the ranges 1 ... 10.
FULL_SCALES = tuple(10.0**-k for k in range(10))
_LARGEST_RANGE = 1
#: Potentials (V) that can be measured, and what is measured at most of a current range.
LARGEST_POTENTIAL = 15.0
_OVERRANGE = 2.0
_LARGEST_CURRENT = 1.0
# Bits of the fast state of a frame (manual, table 4).
_CELL_OPEN, _RAMP_RUNNING = 1 << 0, 1 << 11
_E_RANGE_BITS = (3, 5, 6)
# Between two moments at which the cell is looked at the current is taken for a straight line. So a ramp goes
# on by no more than this (V) between them, and behind a jump they lie close and then further apart.
_FINEST = 1e-3
_GROWTH = 0.3
_LONGEST_LOOK = 0.064
_FIRST_LOOK = 1e-4


class Knot(NamedTuple):
    """Potential (V) and current (A) of the cell at a time (lab s), and the fast state from there on."""

    time: float
    potential: float
    current: float
    state: int


class Analog:
    """Control loop, ramp generator and converters, up to `time` (lab s)."""

    def __init__(self, rules: Rules, cell: Cell, registers: Registers) -> None:
        self._rules, self._cell, self._registers = rules, cell, registers
        self.time = 0.0
        self.mode = POTENTIOSTAT
        self.requested = False
        self.setpoint = 0.0  # V
        self.fraction = 0.0  # of the current range
        self.range_code = _LARGEST_RANGE
        self.autorange = False
        self.e_range = 2
        self.averaging = 8
        self.compensates = False
        self.compensation = 0
        self.feedback = 0.0  # ohm
        self.programme = Programme()
        self.ramp: Ramp | None = None
        self.is_scanning = False
        #: Whether frames are taken, so that the cell is looked at often enough.
        self.is_watched = False
        self.knots: list[Knot] = []
        self._touched = False
        self._current = 0.0
        self._jumped = -math.inf

    # -- state
    @property
    def is_on(self) -> bool:
        """Both switches have to be closed: the one of ``ceenab`` and the one on the panel."""
        return self.requested and self._rules.panel_switch == "on"

    @property
    def full_scale(self) -> float:
        """Of the current range (A)."""
        return FULL_SCALES[self.range_code - 1]

    @property
    def _feedback(self) -> float:
        """Ohm by which the applied potential follows the current."""
        on = self.compensates and self.compensation == POSITIVE_FEEDBACK and self.mode == POTENTIOSTAT
        return self.feedback if on else 0.0

    def level(self, time: float) -> float:
        """The potential (V) that is programmed for a time."""
        return self.setpoint if self.ramp is None else self.ramp.level(time)

    def state(self) -> int:
        """The fast state of a frame, without the current range."""
        bits = 0 if self.is_on else _CELL_OPEN
        bits |= _E_RANGE_BITS[self.e_range] << 8 | self.averaging << 15
        ramp = self.ramp
        if ramp is not None and (self._rules.ramp_bit_in_delays or ramp.piece_at(self.time).moves):
            bits |= _RAMP_RUNNING
        return bits

    # -- commands; the caller has brought everything up to now
    def switch(self, on: bool) -> None:
        """``ceenab``."""
        was_on, self.requested = self.is_on, on
        if self.is_on and not was_on:
            self._touched = True
            self._jump()
        self._note()

    def set_level(self, potential: float) -> None:
        """``setvol`` (V)."""
        self.setpoint = potential
        if self.ramp is None:
            self._jump()
        self._note()

    def set_fraction(self, fraction: float) -> None:
        """``setcur``: a part of the current range, cathodic positive."""
        self.fraction = fraction
        self._jump()
        self._note()

    def start_ramp(self, mode: int) -> None:
        """``rampst``."""
        if self.mode != POTENTIOSTAT:
            raise Refused
        self.ramp = Ramp(self.programme, mode, self.time)
        self.is_scanning = True
        self._jump()
        self._note()

    def end_ramp(self) -> None:
        """``rampen``: stays where the ramp is, with the loop closed."""
        if self.ramp is not None:
            self.setpoint, self.ramp = self.level(self.time), None
        self.is_scanning = False
        self._note()

    def driven(self) -> float:
        """The current (A) that a galvanostat sends through the cell, positive for oxidation."""
        return -self.fraction * self.full_scale

    # -- time
    def advance(self, until: float) -> None:
        """Let time pass."""
        while until - self.time >= SHORTEST_STEP:
            seconds = min(until - self.time, self._look())
            if self.ramp is not None:
                left = self.ramp.started + self.ramp.piece_at(self.time).end - self.time
                seconds = max(SHORTEST_STEP, min(seconds, left))
            self._pass(seconds)
            self.time += seconds
            if self.ramp is not None and self.ramp.end - self.time < SHORTEST_STEP:
                self._leave_ramp(self.ramp)
            self._note()

    def _look(self) -> float:
        """How long (s) the cell may be left to itself."""
        if not (self.is_watched or self._feedback):
            return math.inf
        longest = min(_LONGEST_LOOK, max(_FIRST_LOOK, _GROWTH * (self.time - self._jumped)))
        if self.ramp is not None and (piece := self.ramp.piece_at(self.time)).moves:
            longest = min(longest, _FINEST * piece.seconds / abs(piece.stop - piece.start))
        return max(SHORTEST_STEP, longest)

    def _pass(self, seconds: float) -> None:
        cell = self._cell
        if not self.is_on:
            if self._touched:
                cell.rest(seconds)
            self._current = 0.0
        elif self.mode == GALVANOSTAT:
            self._current = self.driven()
            cell.apply_current(self._current, seconds, LARGEST_POTENTIAL)
        else:
            target = self.level(self.time + seconds) + self._feedback * self._current
            self._current = cell.apply(target, seconds)

    def _leave_ramp(self, ramp: Ramp) -> None:
        """The programme is through: open circuit, or back to the first potential."""
        self.ramp = None
        self.setpoint = ramp.first
        self.is_scanning = ramp.mode == CV and self._rules.stays_scanning
        if ramp.holds_at_end:
            self._jump()
        else:
            self.requested = False

    def _jump(self) -> None:
        """The level changes at once; the current is the one a microsecond later."""
        self._jumped = self.time
        if not self.is_on:
            self._current = 0.0
        elif self.mode == GALVANOSTAT:
            self._current = self.driven()
        else:
            self._note()
            self._cell.step_to(self.level(self.time))
            self._current = self._cell.apply(self.level(self.time), SHORTEST_STEP)

    def _note(self) -> None:
        if self.is_watched:
            self.knots.append(Knot(self.time, self._cell.potential, self._current, self.state()))

    def watch(self, on: bool) -> None:
        """Frames are taken from now on, or no more."""
        self.is_watched = on
        self.knots.clear()
        self._note()

    # -- converters
    def measure(self) -> tuple[float, float]:
        """Potential (V) and current (A, cathodic positive) now."""
        current = self._cell.measure_current(self._current) if self.is_on else 0.0
        return self._in_potential_range(self._cell.measure_potential(self._cell.potential)), self.seen(current)

    def seen(self, current: float) -> float:
        """A current of the cell as the instrument says it, in the range that is chosen."""
        if self.autorange:
            self.range_code = self._fitting(current)
        largest = _largest(self.range_code)
        if abs(current) > largest:
            self._registers.measurement |= I_OVERLOAD
            current = math.copysign(largest, current)
        return -current + 0.0

    def sample(self, times: NDArray[np.float64]) -> tuple[NDArray[np.uint32], NDArray[np.float32], NDArray[np.float32]]:
        """State, potential (V) and current (A, cathodic positive) of the frames that end at ``times``."""
        import numpy as np

        knots = self.knots
        known = np.array([knot[:3] for knot in knots])
        states = np.array([knot.state for knot in knots], np.uint32)
        state = states[np.maximum(0, np.searchsorted(known[:, 0], times, side="left") - 1)]
        closed = (state & np.uint32(_CELL_OPEN)) == 0
        potentials = np.interp(times, known[:, 0], known[:, 1])
        currents = np.where(closed, np.interp(times, known[:, 0], known[:, 2]), 0.0)
        measured = [self._cell.measure_potential(value) for value in potentials.tolist()]
        flowing = [
            self._cell.measure_current(value) if on else 0.0
            for value, on in zip(currents.tolist(), closed.tolist(), strict=True)
        ]
        seen = np.array([self.seen(value) for value in flowing], np.float32)
        codes = np.full(len(times), self.range_code, np.uint32)
        if self.autorange:
            codes = np.array([self._fitting(value) for value in flowing], np.uint32)
        volts = np.array([self._in_potential_range(value) for value in measured], np.float32)
        # What lies between the last frame and now belongs to the next packet.
        behind = int(np.searchsorted(known[:, 0], times[-1], side="right"))
        del knots[: max(0, behind - 1)]
        return state | codes << np.uint32(4), volts, seen

    def _in_potential_range(self, potential: float) -> float:
        if abs(potential) >= LARGEST_POTENTIAL:
            self._registers.measurement |= E_OVERLOAD
            return math.copysign(LARGEST_POTENTIAL, potential)
        return potential

    def _fitting(self, current: float) -> int:
        """The range that autoranging takes for a current: the smallest whose full scale holds it."""
        codes = range(len(FULL_SCALES), 0, -1)
        return next((code for code in codes if abs(current) <= FULL_SCALES[code - 1]), _LARGEST_RANGE)


def _largest(code: int) -> float:
    """The largest current (A) that a range measures."""
    return min(_LARGEST_CURRENT, _OVERRANGE * FULL_SCALES[code - 1])
