"""All waves of a voltammogram fitted at once: positions, kinetics, heights, background and resistance.

Peaks that stand close pull at one another, and resistance moves every peak by the current of all
waves: no single peak can tell. The fit of the whole current can (`description`). It goes by
Gauss-Newton steps within bounds; what is known before (a transfer coefficient near 0.5) enters as
one more reading each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luggin_plugins.cv.description import Description, describe
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.irreversible import DECADES, is_irreversible
from luggin_plugins.cv.model import AROUND_V, Centre, Expected, Program
from luggin_plugins.cv.noise import Array, white_noise

MOST_STEPS = 16
CONVERGED = 0.01  # of a difference quotient's step (5 uV of potential), or
FAR_BELOW_NOISE = 0.03  # of what noise makes of a parameter
ONE_WAY_V = 0.100  # rows so near to a wave without return are not described, and not fitted
AFTER_TURN_V = 0.012  # behind a turn the double layer settles
ALPHA_SPREAD = 0.1 / float(np.sqrt(3.0))  # transfer coefficients of simple couples: 0.4 to 0.6, rectangular
SMALLEST_LOSS = 2e-3  # k RT / (nF v): less moves nothing by more than 0.05 mV
SMOOTHED_V = 0.012
SIGNIFICANT = 2.5  # standard deviations: less is chance
_SMALLEST_NOISE = 1e-4  # of the highest current: no model is better than that


@dataclass(frozen=True)
class JointFit:
    """A joint fit, and the linear map from readings to parameters that its uncertainty needs.

    ``step`` has one row per parameter and one column per used row: the change of the parameter per
    ampere; ``held_step`` is the same with parameters at their bounds held there. ``prior_u`` is the
    share of each parameter's uncertainty that comes from what was assumed before (unit of the
    parameter). ``design`` are all derivatives, one row each.
    """

    description: Description
    theta: Array
    expected: Expected
    used: NDArray[np.intp]
    residuals: Array
    step: Array
    held_step: Array
    design: Array
    prior_u: Array
    converged: bool

    def value(self, name: str, wave: int = -1) -> float:
        """A parameter's value (0 if it was none)."""
        return self.description.value(self.theta, name, wave)

    def reaction(self, wave: int) -> float | None:
        """Rate constant (1/s) of what the product of a wave does next; None if nothing is seen of it."""
        share = self.value("follow_up", wave)
        if share < SMALLEST_LOSS:
            return None
        return share * self.description.rate / self.description.slopes[wave]

    def misfit(self, vg: Voltammogram, wave: int, around_v: float) -> float:
        """What is left of the current around a wave beyond the noise, relative to the wave's own peak.

        Means over 12 mV are looked at: noise averages out in them, the mistakes of a description do not.
        """
        near = np.abs(vg.potential[self.used] - self.value("potential", wave)) <= around_v
        height = float(np.max(np.abs(self.expected.waves[wave]), initial=0.0))
        count = max(1, round(SMOOTHED_V / max(vg.spacing, 1e-6)))
        blocks = int(np.count_nonzero(near)) // count
        if height == 0.0 or blocks < 4:
            return np.inf
        means = self.residuals[near][: blocks * count].reshape(blocks, count).mean(axis=1)
        noise = white_noise(vg.current) ** 2 / count
        left = float(np.mean(means**2)) - noise
        # the mean square of so many blocks of pure noise scatters by sqrt(2 / blocks)
        return float(np.sqrt(left)) / height if left > SIGNIFICANT * noise * np.sqrt(2.0 / blocks) else 0.0


def fit_jointly(
    vg: Voltammogram,
    program: Program,
    centres: Sequence[Centre],
    start: Expected,
    rows: NDArray[np.bool_],
    resistance_free: bool,
    follow_up: bool = False,
    irreversible: bool = False,
) -> JointFit | None:
    """Fit all waves together; None if no wave has a return peak or too few rows are left.

    Args:
        vg: the voltammogram; its potentials are those of the surface if the resistance is known.
        program: its potential program, corrected likewise.
        centres: where each wave is believed to be.
        start: the current as it was expected before.
        rows: rows that may be used at all (not overloaded, not of a conditioning cycle).
        resistance_free: True if uncompensated resistance is to be found too.
        follow_up: True if products may react on.
        irreversible: True if the kinetics of irreversible waves are to be found too, instead of leaving
            out the rows around them.
    """
    slow = [k for k, c in enumerate(centres) if is_irreversible(c)] if irreversible else []
    if not any(c.returns for k, c in enumerate(centres) if k not in slow):
        return None
    used = np.flatnonzero(rows & _near(vg, centres, slow))
    if used.size < 4 * (4 * len(centres) + 4):
        return None
    described = _described(vg, program, centres, start, used, resistance_free, follow_up, slow)
    noise = max(white_noise(vg.current), _SMALLEST_NOISE * float(np.max(np.abs(vg.current))))
    fitter = _Fitter(described, vg.current, used, noise)
    theta = np.array([p.start for p in described.parameters])
    current = np.interp(program.time, program.rows_time, start.current)
    converged = False
    for _ in range(MOST_STEPS):
        round_ = fitter.look(theta, current)
        following = fitter.step(theta, round_)
        size = np.abs(following - theta) / fitter.small(round_)
        theta, current = following, np.interp(program.time, program.rows_time, round_.expected.current)
        if float(np.max(size)) < 1.0:
            converged = True
            break
    last = fitter.look(theta, current)
    step, prior_u = fitter.influence(last, np.ones(theta.size, dtype=bool), theta)
    inside = np.array([p.low < value < p.high for p, value in zip(described.parameters, theta, strict=True)])
    held_step = step if np.all(inside) else fitter.influence(last, inside, theta)[0]
    return JointFit(
        described,
        theta,
        last.expected,
        used,
        last.residuals[used],
        step,
        held_step,
        last.design[:, used],
        prior_u,
        converged,
    )


def _described(
    vg: Voltammogram,
    program: Program,
    centres: Sequence[Centre],
    start: Expected,
    used: NDArray[np.intp],
    resistance_free: bool,
    follow_up: bool,
    slow: Sequence[int],
) -> Description:
    """The description to set out from: of irreversible waves, the one of several rate constants that fits best."""

    def of(decades: float) -> Description:
        return describe(vg, program, centres, resistance_free, ALPHA_SPREAD, follow_up, dict.fromkeys(slow, decades))

    if not slow:
        return of(0.0)
    current = np.interp(program.time, program.rows_time, start.current)

    def left(described: Description) -> float:
        theta = np.array([p.start for p in described.parameters])
        shapes, _ = described.shapes(theta, described.surface(theta, current))
        weights = _least_squares(shapes[:, used], vg.current[used])
        return float(np.sum((vg.current[used] - weights @ shapes[:, used]) ** 2))

    return min((of(d) for d in DECADES), key=left)


def _near(vg: Voltammogram, centres: Sequence[Centre], described: Sequence[int] = ()) -> NDArray[np.bool_]:
    """Rows in sweeps and around the waves, without what the description is not meant for."""
    inside = np.zeros(vg.time.size, dtype=bool)
    for number, sweep in enumerate(vg.sweeps):
        begin = vg.potential[sweep.start]
        inside[sweep.rows] = (np.abs(vg.potential[sweep.rows] - begin) > AFTER_TURN_V) | (number == 0)
    known = [c for k, c in enumerate(centres) if c.returns or k in described]
    inside &= vg.potential >= min(c.potential for c in known) - AROUND_V
    inside &= vg.potential <= max(c.potential for c in known) + AROUND_V
    far = np.min([np.abs(vg.potential - c.potential) for c in known], axis=0) > ONE_WAY_V
    for lost in (c for c in centres if c not in known):
        inside &= ~((np.abs(vg.potential - lost.potential) < ONE_WAY_V + 2.0 * lost.slope) & far)
    return inside


@dataclass(frozen=True)
class _Look:
    """Where a fit stands: its current, what is left, and every derivative (parameters, then linear ones)."""

    expected: Expected
    residuals: Array
    design: Array


@dataclass(frozen=True)
class _Fitter:
    """One voltammogram against its description."""

    described: Description
    measured: Array
    used: NDArray[np.intp]
    noise: float

    def look(self, theta: Array, current: Array) -> _Look:
        """Heights and background by linear least squares at given parameters, and all derivatives."""
        surface = self.described.surface(theta, current)
        shapes, oxidised = self.described.shapes(theta, surface)
        weights = _least_squares(shapes[:, self.used], self.measured[self.used])
        count = len(self.described.slopes)
        expected = Expected(
            waves=weights[:count, None] * shapes[:count],
            heights=weights[:count],
            background=np.asarray(weights[count:] @ shapes[count:]),
        )
        slopes = self.described.derivatives(theta, shapes, oxidised, weights[:count], surface, current)
        return _Look(expected, self.measured - expected.current, np.vstack([slopes, shapes]))

    def step(self, theta: Array, at: _Look) -> Array:
        """Parameters after one Gauss-Newton step within bounds."""
        parameters = self.described.parameters
        free = np.ones(len(parameters), dtype=bool)
        move = np.zeros(len(parameters))
        for _ in range(2):  # once more without those that would leave their bounds
            design, readings = self._equations(theta, at, free)
            move[:] = 0.0
            move[free] = _least_squares(design, readings)[: int(free.sum())]
            held = [
                (value <= p.low and m < 0) or (value >= p.high and m > 0)
                for p, value, m in zip(parameters, theta, move, strict=True)
            ]
            if not np.any(free & held):
                break
            free &= ~np.array(held)
        return np.array(
            [
                np.clip(value + np.clip(m, -p.reach, p.reach), p.low, p.high)
                for p, value, m in zip(parameters, theta, move, strict=True)
            ]
        )

    def small(self, at: _Look) -> Array:
        """Changes of the parameters that do not matter any more."""
        scale = np.linalg.norm(at.design[:, self.used], axis=1)
        scale[scale == 0.0] = 1.0
        scaled = at.design[:, self.used] / scale[:, None]
        spread = np.sqrt(np.abs(np.diag(np.linalg.pinv(scaled @ scaled.T, hermitian=True)))) / scale
        deltas = np.array([p.delta for p in self.described.parameters])
        return np.asarray(np.maximum(CONVERGED * deltas, FAR_BELOW_NOISE * self.noise * spread[: deltas.size]))

    def influence(self, at: _Look, free: NDArray[np.bool_], theta: Array) -> tuple[Array, Array]:
        """Change of each parameter per ampere of each used row, and its uncertainty from the priors."""
        design, _ = self._equations(theta, at, free)
        scale = np.linalg.norm(design, axis=1)
        scale[scale == 0.0] = 1.0
        inverse = np.linalg.pinv((design / scale[:, None]).T, rcond=1e-8) / scale[:, None]
        own = np.zeros((free.size, design.shape[1]))
        own[free] = inverse[: int(free.sum())]
        return own[:, : self.used.size], np.linalg.norm(own[:, self.used.size :], axis=1) * self.noise

    def _equations(self, theta: Array, at: _Look, free: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Derivatives (one row per unknown) and residuals of all readings, priors behind the rows."""
        parameters = self.described.parameters
        unknown = np.concatenate((free, np.ones(at.design.shape[0] - free.size, dtype=bool)))
        known = [k for k, p in enumerate(parameters) if p.prior is not None]
        beliefs = np.zeros((at.design.shape[0], len(known)))
        off = np.zeros(len(known))
        for column, k in enumerate(known):
            spread = parameters[k].prior or 1.0
            beliefs[k, column] = self.noise / spread
            off[column] = (parameters[k].start - theta[k]) * self.noise / spread
        design = np.hstack([at.design[:, self.used], beliefs])[unknown]
        return design, np.concatenate((at.residuals[self.used], off))


def _least_squares(rows: Array, readings: Array) -> Array:
    """Coefficients of ``rows`` (one per unknown) that describe the readings best; rows are scaled first."""
    scale = np.linalg.norm(rows, axis=1)
    scale[scale == 0.0] = 1.0
    found, *_ = np.linalg.lstsq((rows / scale[:, None]).T, readings, rcond=1e-9)
    return np.asarray(found / scale)
