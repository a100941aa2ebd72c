"""The current of a whole voltammogram at given parameters, and how it changes with each of them.

    i(t) = sum h_k w_k(E - R i; E_k, psi_k, alpha_k) + C dE/dt + i0 + g E

The heights h_k and the background are linear and are left to the fit; the others are parameters.
Waves superpose: exact for independent couples of equal diffusion coefficients, and good to
RT/F exp(-gap F/RT) for successive steps of one molecule (so small a part of it is in its middle
form at the potential of the other step).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.kinetics import SYMMETRIC, SemiDerivative, slow_surface
from luggin_plugins.cv.model import Centre, Program, wave_current
from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.theory import slowness_of

SLOWEST = 12.0  # 1/psi: there the peaks are 220 mV apart, and no half-wave potential is given


@dataclass(frozen=True)
class Parameter:
    """One parameter: of which wave (-1: of all), its start, bounds, and steps.

    ``delta`` is the step of the difference quotient, ``reach`` the longest step of the fit, and
    ``prior`` a standard deviation about ``start`` that is known before any data (None: nothing is).
    """

    name: str
    wave: int
    start: float
    low: float
    high: float
    delta: float
    reach: float
    prior: float | None = None


@dataclass(frozen=True)
class Description:
    """The current of one voltammogram as a function of a vector of parameters."""

    program: Program
    semi: SemiDerivative
    rate: float
    slopes: tuple[float, ...]
    fixed: dict[int, Array]
    level: Array
    tilt: Array
    parameters: tuple[Parameter, ...]

    def place(self, name: str, wave: int = -1) -> int | None:
        """Where a parameter stands in the vector; None if it is none."""
        return next((k for k, p in enumerate(self.parameters) if (p.name, p.wave) == (name, wave)), None)

    def value(self, theta: Array, name: str, wave: int = -1) -> float:
        """A parameter's value; 0 if it is none."""
        place = self.place(name, wave)
        return float(theta[place]) if place is not None else 0.0

    def wave(self, theta: Array, number: int, surface: Array, guess: Array | None = None) -> tuple[Array, Array | None]:
        """Current of one wave of unit height on the rows, and its oxidised fraction on the grid."""
        if number in self.fixed:
            return self.fixed[number], None
        potential, slowness, alpha = (
            self.value(theta, name, number) for name in ("potential", "slowness", "transfer_coefficient")
        )
        oxidised = slow_surface(surface, potential, self.slopes[number], slowness, self.rate, self.semi, alpha, guess)
        return self.program.to_rows(self.semi(oxidised)), oxidised

    def surface(self, theta: Array, current: Array) -> Array:
        """Potential at the surface (V) on the grid, while ``current`` (A, on the grid) flows."""
        return np.asarray(self.program.potential - self.value(theta, "resistance") * current)

    def shapes(self, theta: Array, surface: Array) -> tuple[Array, list[Array | None]]:
        """Everything linear, one row each: waves, double layer, offset and slope; and the oxidised fractions."""
        pairs = [self.wave(theta, k, surface) for k in range(len(self.slopes))]
        waves = [current for current, _ in pairs]
        charging = np.gradient(surface, self.program.dt) / self.rate
        for start, _, _ in self.program.sweeps:  # a difference across a turn belongs to neither sweep
            if 0 < start < charging.size - 1:
                charging[start - 1], charging[start] = charging[max(start - 2, 0)], charging[start + 1]
        shapes = np.vstack([*waves, self.program.to_rows(charging), self.level, self.tilt])
        return shapes, [oxidised for _, oxidised in pairs]

    def derivatives(
        self,
        theta: Array,
        shapes: Array,
        oxidised: Sequence[Array | None],
        heights: Array,
        surface: Array,
        current: Array,
    ) -> Array:
        """How the current (rows) changes with each parameter: one row each, by differences."""
        found = np.zeros((len(self.parameters), shapes.shape[1]))
        for place, parameter in enumerate(self.parameters):
            delta, changed, at = parameter.delta, theta, surface
            concerned: Sequence[int] = (parameter.wave,)
            if parameter.name == "resistance":
                at, concerned = surface - delta * current, range(len(self.slopes))
            else:
                changed = theta.copy()
                changed[place] += delta
            for k in concerned:
                moved, _ = self.wave(changed, k, at, oxidised[k])
                found[place] += heights[k] * (moved - shapes[k]) / delta
        return found


def describe(
    vg: Voltammogram,
    program: Program,
    centres: Sequence[Centre],
    resistance_free: bool,
    alpha_spread: float,
) -> Description:
    """What is to be fitted, starting from where the waves are believed to be.

    A wave without return keeps its shape from theory; only its height is free.
    """
    speed = np.abs(np.diff(program.potential)) / program.dt
    parameters = []
    for k, centre in enumerate(centres):
        if centre.returns:
            slowness = slowness_of(centre.excess, centre.slope)
            parameters += [
                Parameter("potential", k, centre.potential, -np.inf, np.inf, 5e-4, 0.015),
                Parameter("slowness", k, slowness, 0.0, SLOWEST, 0.02 + 0.05 * slowness, 0.3 + 0.5 * slowness),
                Parameter("transfer_coefficient", k, SYMMETRIC, 0.2, 0.8, 0.02, 0.1, alpha_spread),
            ]
    if resistance_free:
        unit = 1e-3 / max(float(np.ptp(vg.current)), 1e-30)  # ohm for a drop of 1 mV
        parameters.append(Parameter("resistance", -1, 0.0, 0.0, np.inf, unit, 20.0 * unit))
    return Description(
        program=program,
        semi=SemiDerivative.on_grid(program.time.size, program.dt),
        rate=float(np.median(speed[speed > 0.3 * float(np.max(speed))])),
        slopes=tuple(c.slope for c in centres),
        fixed={k: program.to_rows(wave_current(program, c)) for k, c in enumerate(centres) if not c.returns},
        level=np.ones(vg.time.size),
        tilt=vg.potential - vg.potential.mean(),
        parameters=tuple(parameters),
    )
