"""A couple so slow that its return stands far away: what it leaves in the currents of the others.

An irreversible wave gets no half-wave potential, but it takes part in the voltammogram: its
product is there until it is turned back, often under the return peak of another couple, and of the
other couples of the same molecule only what it leaves can react.
"""

from __future__ import annotations

import numpy as np

from luggin_plugins.cv.kinetics import SYMMETRIC
from luggin_plugins.cv.model import Centre, Program
from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.theory import REVERSIBLE_PEAK_SHIFT, oxidised_fraction

COARSE = 0.15  # RT/nF per step; these waves are broad
SLOW_EXCESS = 5.5  # RT/nF: peaks this much farther apart than reversible ones (200/n mV in all) get no E1/2
DECADES = (0.8, 1.6, 2.4, 3.2, 4.0, 4.8)  # of 1/psi from which a fit may start
_LARGEST_EXPONENT = 60.0


def is_irreversible(centre: Centre) -> bool:
    """True for a wave whose return was not found, or stands where slow couples have theirs."""
    return not centre.returns or centre.excess > SLOW_EXCESS * centre.slope


def peak_of(centre: Centre) -> float:
    """Peak potential (V) of the forward sweep that a centre was made from."""
    return centre.potential + centre.direction * (0.5 * centre.excess + REVERSIBLE_PEAK_SHIFT * centre.slope)


def half_wave_behind(peak_v: float, direction: int, slope_v: float, decades: float, alpha: float = SYMMETRIC) -> float:
    """E1/2 (V) of an irreversible couple with this peak potential and 1/psi = 10^decades.

    Nicholson and Shain 1964, equation 63: Ep = E0 -/+ (RT/alpha F) (0.780 + ln(sqrt(D alpha f v) / k0)).
    """
    share = alpha if direction < 0 else 1.0 - alpha
    late = slope_v / share * (0.780 + decades * np.log(10.0) + 0.5 * np.log(share / np.pi))
    return float(peak_v - direction * late)


def irreversible_surface(
    program: Program, potential: Array, half_wave: float, slope_v: float, decades: float, rate: float, alpha: float
) -> Array:
    """Oxidised fraction at the surface on the grid of the program, step by step.

    The rate law of `kinetics` is linear in the newest value: each step is solved for it, with the
    history in the weights of the semi-derivative. On a coarse grid, interpolated.
    """
    move = float(np.median(np.abs(np.diff(potential)))) or slope_v
    stride = max(1, round(COARSE * slope_v / move))
    places = np.unique(np.append(np.arange(0, potential.size, stride), potential.size - 1))
    coarse = potential[places]
    count, dt = coarse.size, stride * program.dt
    x = np.clip((coarse - half_wave) / slope_v, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
    settled = oxidised_fraction(coarse, half_wave, slope_v)
    own = 2.0 / np.sqrt(np.pi * dt)
    lag = 10.0**decades / np.sqrt(np.pi * rate / slope_v) * np.exp(alpha * x) / (1.0 + np.exp(x)) * own
    backwards = np.diff(np.sqrt(np.arange(count + 1, dtype=np.float64)))[::-1].copy()
    steps = np.zeros(count)
    surface = np.empty(count)
    surface[0] = 1.0 if settled[0] > 0.5 else 0.0
    for row in range(1, count):
        history = float(backwards[count - 1 - row : count - 1] @ steps[:row])
        surface[row] = (settled[row] + lag[row] * (surface[row - 1] - history)) / (1.0 + lag[row])
        steps[row] = surface[row] - surface[row - 1]
    return np.asarray(np.interp(program.time, program.time[places], surface))
