"""Which return peak belongs to which forward peak: by potential order and charge sign, never by size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from luggin_plugins.cv.peaks import Vertex

WIDEST_PAIR_V = 0.350
NARROWEST_PAIR_V = -0.015  # adsorbed couples have both peaks at one potential, give or take the noise
SAME_WAVE_V = 0.040


@dataclass(frozen=True)
class Peak:
    """A located peak and the sweep (its number) in which it stands; ``direction`` +1 is anodic."""

    sweep: int
    direction: int
    vertex: Vertex
    prominence: float

    @property
    def potential(self) -> float:
        """Peak potential (V)."""
        return self.vertex.potential


@dataclass(frozen=True)
class Pair:
    """One passage through a couple: the forward peak and, if it came, the return peak."""

    forward: Peak
    back: Peak | None

    @property
    def midpoint(self) -> float:
        """Midpoint of the two peaks (V), or the forward peak alone."""
        return 0.5 * (self.forward.potential + self.back.potential) if self.back else self.forward.potential

    @property
    def separation(self) -> float:
        """Anodic minus cathodic peak potential (V); 0 without a return peak."""
        return self.forward.direction * (self.forward.potential - self.back.potential) if self.back else 0.0


@dataclass(frozen=True)
class Wave:
    """One couple through all cycles, in order of time."""

    pairs: tuple[Pair, ...]
    lost: tuple[Pair, ...] = field(default=())

    @property
    def potential(self) -> float:
        """Where the wave lies (V): mean midpoint of its pairs, or its peak."""
        pairs = self.pairs or self.lost
        return sum(p.midpoint for p in pairs) / len(pairs)

    @property
    def direction(self) -> int:
        """Direction of the forward peak: -1 if the couple is reduced first."""
        return (self.pairs or self.lost)[0].forward.direction


def match(forward: Sequence[Peak], back: Sequence[Peak], n: int) -> list[tuple[int, int]]:
    """Pairs (index of forward, index of back) that keep the order of potentials.

    The oxidation peak must lie at the more positive potential, at most 350/n mV away. Among all
    ways that keep the order, the one with most pairs and then the smallest sum of distances from
    57/n mV is taken (dynamic programming over the two short lists). Currents play no part.
    """
    f = sorted(range(len(forward)), key=lambda k: forward[k].potential)
    b = sorted(range(len(back)), key=lambda k: back[k].potential)
    missing = WIDEST_PAIR_V / n
    cost = [[0.0] * (len(b) + 1) for _ in range(len(f) + 1)]
    for i in range(len(f), -1, -1):
        for j in range(len(b), -1, -1):
            choices = [0.0] if i == len(f) and j == len(b) else []
            if i < len(f):
                choices.append(missing / 2 + cost[i + 1][j])
            if j < len(b):
                choices.append(missing / 2 + cost[i][j + 1])
            if i < len(f) and j < len(b) and (own := _distance(forward[f[i]], back[b[j]], n)) is not None:
                choices.append(own + cost[i + 1][j + 1])
            cost[i][j] = min(choices)
    pairs, i, j = [], 0, 0
    while i < len(f) and j < len(b):
        own = _distance(forward[f[i]], back[b[j]], n)
        if own is not None and cost[i][j] == own + cost[i + 1][j + 1]:
            pairs.append((f[i], b[j]))
            i, j = i + 1, j + 1
        elif cost[i][j] == missing / 2 + cost[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _distance(forward: Peak, back: Peak, n: int) -> float | None:
    separation = forward.direction * (forward.potential - back.potential)
    if not NARROWEST_PAIR_V <= separation <= WIDEST_PAIR_V / n:
        return None
    return abs(separation - 0.057 / n)


def pair_up(by_sweep: Sequence[Sequence[Peak]], n: int) -> tuple[Pair, ...]:
    """Forward peaks with their return peaks, sweep after sweep.

    A peak that was the return of the sweep before is used up; what is left in a sweep is forward,
    and looks for its return in the next sweep. So a couple may be reduced first or oxidised
    first, and both kinds may stand in one voltammogram.
    """
    pairs: list[Pair] = []
    used: set[tuple[int, int]] = set()
    for number, peaks in enumerate(by_sweep):
        fresh = [k for k in range(len(peaks)) if (number, k) not in used]
        following = by_sweep[number + 1] if number + 1 < len(by_sweep) else ()
        found = dict(match([peaks[k] for k in fresh], following, n))
        for place, k in enumerate(fresh):
            back = found.get(place)
            if back is not None:
                used.add((number + 1, back))
            pairs.append(Pair(peaks[k], following[back] if back is not None else None))
    return tuple(pairs)


def gather_waves(pairs: Sequence[Pair]) -> tuple[Wave, ...]:
    """The couples: pairs of all cycles that lie within 40 mV of one another, by potential.

    A peak without return beside a couple's own peaks is a passage whose return was lost, not a
    wave of its own. Waves come in order of the forward scan of the first of them.
    """
    groups: list[list[Pair]] = []
    for pair in (p for p in pairs if p.back):
        near = [g for g in groups if abs(g[0].midpoint - pair.midpoint) <= SAME_WAVE_V]
        if near:
            near[0].append(pair)
        else:
            groups.append([pair])
    lost: list[list[Pair]] = [[] for _ in groups]
    alone: list[list[Pair]] = []
    for pair in (p for p in pairs if not p.back):
        own = [k for k, g in enumerate(groups) if any(_belongs(pair.forward, p) for p in g)]
        if own:
            lost[own[0]].append(pair)
            continue
        near = [g for g in alone if _same_peak(g[0].forward, pair.forward)]
        if near:
            near[0].append(pair)
        else:
            alone.append([pair])
    waves = [Wave(tuple(g), tuple(m)) for g, m in zip(groups, lost, strict=True)]
    waves += [Wave((), tuple(g)) for g in alone]
    first = waves[0].direction if waves else 1
    return tuple(sorted(waves, key=lambda w: first * w.potential))


def _belongs(peak: Peak, pair: Pair) -> bool:
    return any(_same_peak(peak, other) for other in (pair.forward, pair.back) if other is not None)


def _same_peak(one: Peak, other: Peak) -> bool:
    return one.direction == other.direction and abs(one.potential - other.potential) <= SAME_WAVE_V
