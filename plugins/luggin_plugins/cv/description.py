"""The current of a whole voltammogram at given parameters, and how it changes with each of them.

    i(t) = sum h_k w_k(E - R i; E_k, psi_k, alpha_k) + C dE/dt + i0 + g E

The heights h_k and the background are linear and are left to the fit; the others are parameters.
Waves superpose: exact for independent couples of equal diffusion coefficients, and good to
RT/F exp(-gap F/RT) for successive steps of one molecule (so small a part of it is in its middle
form at the potential of the other step).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.irreversible import half_wave_behind, irreversible_surface, peak_of
from luggin_plugins.cv.kinetics import SYMMETRIC, Loss, SemiDerivative, slow_surface
from luggin_plugins.cv.model import Centre, Program, wave_current
from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.theory import slowness_of

FIRST_LOSS, FASTEST_LOSS = 5e-3, 1.0  # k RT / (nF v); at 1 nothing comes back
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
    directions: tuple[int, ...]
    places: tuple[float, ...]
    irreversible: tuple[int, ...]
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

    def wave(
        self, theta: Array, number: int, surface: Array, guess: Array | None = None, available: Array | None = None
    ) -> tuple[Array, Array | None]:
        """Current of one wave of unit height on the rows, and its oxidised fraction on the grid."""
        if number in self.fixed:
            return self.fixed[number], None
        potential, slowness, alpha, follow_up = (
            self.value(theta, name, number) for name in ("potential", "slowness", "transfer_coefficient", "follow_up")
        )
        slope = self.slopes[number]
        if number in self.irreversible:
            decades = self.value(theta, "decades", number)
            oxidised = irreversible_surface(self.program, surface, potential, slope, decades, self.rate, alpha)
            return self.program.to_rows(self.semi(oxidised)), oxidised
        loss = None
        if follow_up > 0.0:
            loss = Loss.on_grid(self.semi.count, self.program.dt, follow_up * self.rate / slope)
        direction = self.directions[number]
        oxidised = slow_surface(
            surface, potential, slope, slowness, self.rate, self.semi, alpha, guess, loss, direction, available
        )
        return self.program.to_rows(self.semi(oxidised)), oxidised

    def available(self, number: int, oxidised: Sequence[Array | None]) -> Array | None:
        """Share of a couple's two forms that irreversible steps behind it have not taken; None for all."""
        left: Array | None = None
        for k in self.irreversible:
            fraction = oxidised[k]
            if k == number or fraction is None or self.directions[k] != self.directions[number]:
                continue
            if self.directions[k] * (self.places[k] - self.places[number]) > 0:
                share = fraction if self.directions[k] < 0 else 1.0 - fraction
                left = share if left is None else left * share
        return left

    def surface(self, theta: Array, current: Array) -> Array:
        """Potential at the surface (V) on the grid, while ``current`` (A, on the grid) flows."""
        return np.asarray(self.program.potential - self.value(theta, "resistance") * current)

    def shapes(self, theta: Array, surface: Array) -> tuple[Array, list[Array | None]]:
        """Everything linear, one row each: waves, double layer, offset and slope; and the oxidised fractions."""
        currents: list[Array] = [self.level] * len(self.slopes)
        oxidised: list[Array | None] = [None] * len(self.slopes)
        reversible = [k for k in range(len(self.slopes)) if k not in self.irreversible]
        for k in (*self.irreversible, *reversible):  # what the irreversible ones leave is known first
            left = None if k in self.irreversible else self.available(k, oxidised)
            currents[k], oxidised[k] = self.wave(theta, k, surface, available=left)
        charging = np.gradient(surface, self.program.dt) / self.rate
        for start, _, _ in self.program.sweeps:  # a difference across a turn belongs to neither sweep
            if 0 < start < charging.size - 1:
                charging[start - 1], charging[start] = charging[max(start - 2, 0)], charging[start + 1]
        shapes = np.vstack([*currents, self.program.to_rows(charging), self.level, self.tilt])
        return shapes, oxidised

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
            if parameter.wave in self.irreversible:
                moved, _ = self.shapes(changed, at)
                found[place] = heights @ (moved - shapes)[: heights.size] / delta
                continue
            for k in concerned:
                current_k, _ = self.wave(changed, k, at, oxidised[k], self.available(k, oxidised))
                found[place] += heights[k] * (current_k - shapes[k]) / delta
        return found


def describe(
    vg: Voltammogram,
    program: Program,
    centres: Sequence[Centre],
    resistance_free: bool,
    alpha_spread: float,
    follow_up: bool = False,
    decades: Mapping[int, float] = MappingProxyType({}),
) -> Description:
    """What is to be fitted, starting from where the waves are believed to be.

    A wave without return keeps its shape from theory and only its height is free, unless ``decades``
    says from which 1/psi (as power of ten) its kinetics are to be found. With ``follow_up``, products
    may react on.
    """
    speed = np.abs(np.diff(program.potential)) / program.dt
    parameters: list[Parameter] = []
    slope = min(c.slope for c in centres)
    for k, centre in enumerate(centres):
        if k in decades:
            start = half_wave_behind(peak_of(centre), centre.direction, slope, decades[k])
            parameters += [
                Parameter("potential", k, start, -np.inf, np.inf, 2e-3, 0.03),
                Parameter("decades", k, decades[k], 0.3, 7.0, 0.02, 0.3),
                Parameter("transfer_coefficient", k, SYMMETRIC, 0.2, 0.8, 0.02, 0.1, alpha_spread),
            ]
        elif centre.returns:
            slowness = slowness_of(centre.excess, centre.slope)
            parameters += [
                Parameter("potential", k, centre.potential, -np.inf, np.inf, 5e-4, 0.015),
                Parameter("slowness", k, slowness, 0.0, SLOWEST, 0.02 + 0.05 * slowness, 0.3 + 0.5 * slowness),
                Parameter("transfer_coefficient", k, SYMMETRIC, 0.2, 0.8, 0.02, 0.1, alpha_spread),
            ]
            if follow_up:
                parameters.append(Parameter("follow_up", k, FIRST_LOSS, 0.0, FASTEST_LOSS, 2e-3, 0.05))
    if resistance_free:
        unit = 1e-3 / max(float(np.ptp(vg.current)), 1e-30)  # ohm for a drop of 1 mV
        parameters.append(Parameter("resistance", -1, 0.0, 0.0, np.inf, unit, 20.0 * unit))
    return Description(
        program=program,
        semi=SemiDerivative.on_grid(program.time.size, program.dt),
        rate=float(np.median(speed[speed > 0.3 * float(np.max(speed))])),
        slopes=tuple(slope if k in decades else c.slope for k, c in enumerate(centres)),
        directions=tuple(c.direction for c in centres),
        places=tuple(peak_of(c) for c in centres),
        irreversible=tuple(decades),
        fixed={
            k: program.to_rows(wave_current(program, c))
            for k, c in enumerate(centres)
            if not c.returns and k not in decades
        },
        level=np.ones(vg.time.size),
        tilt=vg.potential - vg.potential.mean(),
        parameters=tuple(parameters),
    )
