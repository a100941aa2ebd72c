"""Formulas of linear-sweep and cyclic voltammetry at a planar electrode.

Sources: R. S. Nicholson and I. Shain, Anal. Chem. 1964, 36, 706; R. S. Nicholson, Anal. Chem.
1965, 37, 1351 and 1966, 38, 1406; K. B. Oldham, J. Solid State Electrochem. 1997, 1, 3 (semi-
differentiation). Numbers marked "recomputed" were obtained from the semi-integral equations.
"""

from __future__ import annotations

import numpy as np

from luggin_plugins.cv.noise import Array

GAS_CONSTANT = 8.31446261815324  # J / (mol K)
FARADAY = 96485.33212331001  # C / mol
ROOM_TEMPERATURE_K = 298.15

# |Ep - E1/2| and the separation of the peaks in units of RT/nF, switched far behind the wave
# (Nicholson and Shain 1964; recomputed: 28.50 and 57.0 mV / n at 25 degC).
REVERSIBLE_PEAK_SHIFT = 1.109
REVERSIBLE_SEPARATION = 2.218

# sqrt(height / curvature) at the top of a reversible wave, in units of RT/nF (recomputed).
REVERSIBLE_BREADTH = 2.184

# How far the midpoint of a slow couple moves when the transfer coefficient is 0.4 instead of 0.5,
# against the separation of its peaks beyond the reversible one; both in units of RT/nF.
# Recomputed for psi = 7, 3, 2, 1, 0.5, 0.35, 0.25 and 0.18, switched 350/n mV behind E1/2.
_EXCESS = np.array([0.0, 0.146, 0.337, 0.498, 0.969, 1.825, 2.480, 3.262, 4.176])
_MIDPOINT_MOVES = np.array([0.0, 0.0012, 0.0043, 0.0070, 0.0206, 0.0638, 0.1140, 0.1915, 0.3001])
# 1/psi at which the peaks stand that far apart (the first is where nothing is seen of it).
_SLOWNESS = np.array([0.0, 1 / 7, 1 / 3, 1 / 2, 1.0, 2.0, 1 / 0.35, 4.0, 1 / 0.18])


def thermal_voltage(temperature_k: float) -> float:
    """RT/F in V: 25.693 mV at 25 degC.

    >>> round(1e3 * thermal_voltage(298.15), 3)
    25.693
    """
    return GAS_CONSTANT * temperature_k / FARADAY


def oxidised_fraction(potential: Array, half_wave: Array | float, slope_v: float) -> Array:
    """Oxidised share at the surface of a reversible couple: 1 / (1 + exp(-(E - E1/2) / slope)), slope = RT/nF."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * (potential - half_wave) / slope_v)))


def semi_derivative(values: Array, dt_s: float) -> Array:
    """d^1/2 values / dt^1/2 on an equidistant grid, from rest: (unit of values) / s^1/2.

    Exact for a curve that is linear between the points (Oldham 1997, the L1 scheme); the values
    are taken as constant before the first point. By FFT, so that a hundred thousand points cost
    milliseconds.

    >>> ramp = np.linspace(0.0, 1.0, 5)  # of 1 s: the semi-derivative is 2 sqrt(t / pi)
    >>> float(np.round(semi_derivative(ramp, 0.25)[-1], 6))
    1.128379
    """
    steps = np.diff(values, prepend=values[:1])
    roots = np.sqrt(np.arange(values.size + 1, dtype=np.float64))
    weights = 2.0 / np.sqrt(np.pi * dt_s) * np.diff(roots)
    # steps[0] is 0 (rest); steps[k] ends at point k, and acts there with weights[0]
    size = 1 << int(2 * values.size - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(steps, size) * np.fft.rfft(weights, size), size)
    return np.asarray(product[: values.size])


def nicholson_ratio(forward: float, back_from_zero: float, at_switch: float) -> float:
    """|ip,return / ip,forward| from currents counted from zero (Nicholson 1966, equation 1).

    ``|ipr0| / ipf + 0.485 |isw| / ipf + 0.086``. On an ideal couple it gives 0.996 to 1.043,
    depending on the switching potential (recomputed): 1.00 +/- 0.05 is what it can say.
    """
    return abs(back_from_zero / forward) + 0.485 * abs(at_switch / forward) + 0.086


def slowness_of(excess_v: float, slope_v: float) -> float:
    """1/psi of a couple whose peaks stand ``excess_v`` (V) farther apart than reversible ones; RT/nF is ``slope_v``.

    >>> round(1 / slowness_of(0.0249, 0.0257), 2)  # 82.45 instead of 57.5 mV: psi is 1
    1.0
    """
    return float(np.interp(max(excess_v, 0.0) / slope_v, _EXCESS, _SLOWNESS))


def excess_of(slowness: float, slope_v: float) -> float:
    """The reverse of `slowness_of`: how much (V) farther apart the peaks stand than reversible ones."""
    return float(np.interp(slowness, _SLOWNESS, _EXCESS)) * slope_v


def transfer_coefficient_uncertainty(excess_v: float, slope_v: float) -> float:
    """How uncertain (V) a midpoint is because the transfer coefficient is not known (0.5 +/- 0.1).

    ``excess_v`` is the peak separation beyond the reversible one, ``slope_v`` is RT/nF.
    """
    return float(np.interp(max(excess_v, 0.0) / slope_v, _EXCESS, _MIDPOINT_MOVES)) * slope_v
