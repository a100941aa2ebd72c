"""The ramp generator: points, rates and delays are programmed one by one, then run by themselves."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from luggin_sim.dialects.srs_ec301.registers import Refused

CV, LSV, INFINITE_HOLD, TIMED_HOLD = range(4)
#: Bits of ``ramppg?``: what a programme lacks.
_DELAY_BITS, _POINT_BITS, _RATE_BITS = (1, 2), (4, 8, 16), (32, 64)
_NEEDED = {CV: (2, 3, 2), LSV: (1, 2, 1), INFINITE_HOLD: (0, 1, 0), TIMED_HOLD: (1, 1, 0)}
_POINT_STEP = 2e-4  # V; set resolution of scans
_FOR_EVER = 1e12


@dataclass
class Programme:
    """What was programmed so far: potentials (V), rates (V/s), delays (s); None is not programmed."""

    points: list[float | None] = field(default_factory=lambda: [None] * 3)
    rates: list[float | None] = field(default_factory=lambda: [None] * 2)
    delays: list[float | None] = field(default_factory=lambda: [None] * 3)
    repeats: int = 1
    single: bool = True
    holds_at_end: bool = False

    def set_point(self, index: int, potential: float) -> None:
        """A point of the ramp; the generator has steps of 0.2 mV."""
        self.points[index] = round(potential / _POINT_STEP) * _POINT_STEP

    def missing(self, mode: int) -> int:
        """``ramppg?``: 0 if the programme is complete."""
        if mode not in _NEEDED:
            raise Refused
        delays, points, rates = _NEEDED[mode]
        given = (
            (self.delays, _DELAY_BITS, delays),
            (self.points, _POINT_BITS, points),
            (self.rates, _RATE_BITS, rates),
        )
        lacking = 0
        for values, bits, needed in given:
            for value, bit in zip(values[:needed], bits, strict=False):
                lacking |= bit if value is None else 0
        return lacking


@dataclass(frozen=True)
class Piece:
    """From ``begin`` on (s behind the start), ``seconds`` long, up to a potential (V), by a ramp or standing still."""

    begin: float
    seconds: float
    start: float
    stop: float

    def level(self, elapsed: float) -> float:
        """The potential (V) at a time (s) behind the start of the ramp."""
        if self.seconds == 0.0:
            return self.stop
        return self.start + (self.stop - self.start) * min(1.0, (elapsed - self.begin) / self.seconds)

    @property
    def end(self) -> float:
        """When it is over (s)."""
        return self.begin + self.seconds

    @property
    def moves(self) -> bool:
        """True for a ramp, False for a delay."""
        return self.start != self.stop


class Ramp:
    """A programme that runs: pieces, one after the other.

    >>> programme = Programme([0.1, 0.5, 0.1], [0.2, 0.2], [6.0, 0.0, 0.0])
    >>> [(piece.end, piece.stop) for piece in Ramp(programme, CV, 0.0).pieces if piece.seconds]
    [(6.0, 0.1), (8.0, 0.5), (10.0, 0.1)]
    """

    def __init__(self, programme: Programme, mode: int, started: float) -> None:
        if programme.missing(mode):
            raise Refused
        self.started = started
        self.mode = mode
        self.first = programme.points[0] or 0.0
        self.holds_at_end = programme.holds_at_end
        self.pieces = tuple(_pieces(programme, mode))

    @property
    def end(self) -> float:
        """When the last piece is over (lab s)."""
        return self.started + self.pieces[-1].end

    def piece_at(self, time: float) -> Piece:
        """The piece at a lab time (s); at a corner the one that begins there."""
        elapsed = time - self.started
        return next((piece for piece in self.pieces if elapsed < piece.end), self.pieces[-1])

    def level(self, time: float) -> float:
        """The potential (V) at a lab time (s)."""
        return self.piece_at(time).level(time - self.started)


def _pieces(programme: Programme, mode: int) -> list[Piece]:
    points = [point or 0.0 for point in programme.points]
    delays = [delay or 0.0 for delay in programme.delays]
    if mode in (INFINITE_HOLD, TIMED_HOLD):
        return [Piece(0.0, delays[0] if mode == TIMED_HOLD else _FOR_EVER, points[0], points[0])]
    stops = [0, 1] if mode == LSV else [0, 1, 2]
    if mode == CV and not programme.single:
        stops += [1, 2] * programme.repeats
    pieces: list[Piece] = [Piece(0.0, delays[0], points[0], points[0])]
    for here, there in itertools.pairwise(stops):
        rate = programme.rates[1 if there == 2 else 0] or 0.0
        begin = pieces[-1].end
        pieces.append(Piece(begin, abs(points[there] - points[here]) / rate, points[here], points[there]))
        if mode == CV:
            pieces.append(Piece(pieces[-1].end, delays[there], points[there], points[there]))
    return pieces
