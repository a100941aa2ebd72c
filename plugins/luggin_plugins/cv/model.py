"""The voltammogram that theory expects for the waves that were found.

It serves two purposes. The peaks of the expected voltammogram, located exactly as those of the
measured one, tell how far a midpoint lies from E1/2: because the scan was switched at a finite
distance, because the next wave stands close by, because a later cycle starts from a used
solution, because a polynomial is not a peak. And the expected current without one wave is that
wave's baseline.

Reversible waves of a planar electrode superpose (equal diffusion coefficients): each contributes
its height times the semi-derivative of its oxidised fraction at the surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.noise import Array, white_noise
from luggin_plugins.cv.theory import oxidised_fraction, semi_derivative

LONGEST_GRID = 1 << 18
AROUND_V = 0.25  # rows farther than this from every wave (solvent decomposition) do not enter the fit


@dataclass(frozen=True)
class Centre:
    """Where a wave is centred (V) in sweeps of either direction, and RT/nF for it.

    The two differ for a couple whose peaks stand farther apart than those of a reversible one.
    ``returns`` is False for a wave without return peak; ``direction`` is that of its forward peak.
    """

    potential: float
    excess: float
    slope: float
    direction: int
    returns: bool = True

    def in_sweeps(self, direction: Array) -> Array:
        """Centre at every point: shifted by half of the excess in the direction of the sweep."""
        return self.potential + 0.5 * self.excess * direction


@dataclass(frozen=True)
class Program:
    """The potential program on an equidistant grid of time, with the sweeps' borders on it."""

    time: Array
    potential: Array
    direction: Array
    sweeps: tuple[tuple[int, int, int], ...]
    rows_time: Array

    @property
    def dt(self) -> float:
        """Distance of the grid points (s)."""
        return float(self.time[1] - self.time[0])

    def to_rows(self, values: Array) -> Array:
        """Values on the grid, at the times of the measured rows."""
        return np.asarray(np.interp(self.rows_time, self.time, values))


def program_of(vg: Voltammogram) -> Program:
    """The program that was run, from the measured potentials.

    Within a sweep that is a straight line of time the line is used, so that the noise of the
    readback does not enter the theory.
    """
    clean = vg.potential.copy()
    direction = np.zeros(vg.time.size)
    for sweep in vg.sweeps:
        t, e = vg.time[sweep.rows], vg.potential[sweep.rows]
        direction[sweep.rows] = sweep.direction
        middle = float(t.mean())
        slope, level = np.polyfit(t - middle, e, 1)
        line = level + slope * (t - middle)
        if np.sqrt(np.mean((e - line) ** 2)) < max(0.6 * vg.spacing, 3.0 * white_noise(vg.potential)):
            clean[sweep.rows] = line
    steps = np.diff(vg.time)
    typical = float(np.median(steps[steps > 0]))
    count = int(np.clip(round(float(vg.time[-1] - vg.time[0]) / typical) + 1, vg.time.size, LONGEST_GRID))
    time = np.linspace(vg.time[0], vg.time[-1], count)
    nearest = np.clip(np.searchsorted(vg.time, time - 0.5 * typical), 0, vg.time.size - 1)
    borders = tuple(
        (
            int(np.searchsorted(time, vg.time[s.start] - 0.5 * typical)),
            int(np.searchsorted(time, vg.time[s.stop - 1] + 0.5 * typical)),
            s.direction,
        )
        for s in vg.sweeps
    )
    return Program(time, np.interp(time, vg.time, clean), direction[nearest], borders, vg.time)


def wave_current(program: Program, centre: Centre) -> Array:
    """Current of one wave of unit height on the grid (anodic positive)."""
    if not centre.returns:
        return _one_way(program, centre)
    fraction = oxidised_fraction(program.potential, centre.in_sweeps(program.direction), centre.slope)
    return semi_derivative(fraction, program.dt)


def held_current(program: Program, centre: Centre, sweep: int) -> Array:
    """The wave's current if its surface had stayed as it was at the end of the given sweep.

    That is the decay of the forward current, from which the height of the return peak is counted.
    """
    fraction = oxidised_fraction(program.potential, centre.in_sweeps(program.direction), centre.slope)
    end = program.sweeps[sweep][1]
    fraction[end:] = fraction[end - 1]
    return semi_derivative(fraction, program.dt)


def _one_way(program: Program, centre: Centre) -> Array:
    """A wave whose product is lost: it flows on the way out, and while the potential is still beyond it."""
    current = np.zeros(program.time.size)
    fraction = oxidised_fraction(program.potential, centre.potential, centre.slope)
    for number, (start, stop, direction) in enumerate(program.sweeps):
        if direction != centre.direction:
            continue
        until = program.sweeps[number + 1][1] if number + 1 < len(program.sweeps) else stop
        passage = fraction[start:until].copy()
        gate = np.ones(passage.size)
        gate[stop - start :] = passage[stop - start :] if direction > 0 else 1.0 - passage[stop - start :]
        passage[stop - start :] = passage[stop - start - 1]
        current[start:until] = semi_derivative(passage, program.dt) * gate
    return current


@dataclass(frozen=True)
class Expected:
    """Theory fitted to the measured currents: waves with heights, and a background, at the rows.

    ``waves`` has one row per wave (A, scaled); ``background`` is capacitive box, offset and slope.
    """

    waves: Array
    heights: Array
    background: Array

    @property
    def current(self) -> Array:
        """The whole expected current (A)."""
        return np.asarray(self.waves.sum(axis=0) + self.background)

    def without(self, wave: int) -> Array:
        """The expected current of everything but one wave (A)."""
        return np.asarray(self.current - self.waves[wave])


def fit(vg: Voltammogram, program: Program, centres: tuple[Centre, ...]) -> Expected:
    """Heights of the waves and background by linear least squares at given centres.

    The background is what a double layer and a sloping residual current give: a constant times
    the sweep direction, an offset and a slope.
    """
    shapes = np.array([program.to_rows(wave_current(program, c)) for c in centres])
    direction = np.zeros(vg.time.size)
    for sweep in vg.sweeps:
        direction[sweep.rows] = sweep.direction
    lowest = min(c.potential for c in centres) - AROUND_V
    highest = max(c.potential for c in centres) + AROUND_V
    use = (direction != 0) & (vg.potential >= lowest) & (vg.potential <= highest)
    background = np.array([direction, np.ones(vg.time.size), vg.potential - vg.potential.mean()])
    design = np.vstack([shapes, background])
    scale = np.sqrt(np.mean(design[:, use] ** 2, axis=1))
    scale[scale == 0.0] = 1.0
    found, *_ = np.linalg.lstsq((design[:, use] / scale[:, None]).T, vg.current[use], rcond=1e-9)
    weights = found / scale
    count = len(centres)
    return Expected(
        waves=weights[:count, None] * shapes,
        heights=weights[:count],
        background=np.asarray(weights[count:] @ background),
    )
