r"""What a reversible couple shows in pulse voltammetry, for any pulses: currents, and breadths.

At a planar electrode the surface concentrations of a reversible couple follow the potential by Nernst's
equation, so every jump of the potential sends its own Cottrell current through the electrode, and the
currents of all jumps add up:

.. math:: i(t) \propto \sum_j \frac{\theta_j - \theta_{j-1}}{\sqrt{t - t_j}}, \qquad
          \theta = \frac{1}{1 + e^{-(E - E_{1/2}) / s}}, \quad s = RT/nF

(superposition: J. H. Christie, J. A. Turner and R. A. Osteryoung, Anal. Chem. 49 (1977) 1899 for the square
wave; E. P. Parry and R. A. Osteryoung, Anal. Chem. 37 (1965) 1634 for the pulse). A programme of pulses
has two jumps on each level and two readings, whose difference is the net current.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from luggin_plugins.cv.noise import Array
from luggin_plugins.cv.theory import oxidised_fraction

# A level in units of RT/nF on which the breadth of the simplest theory is worked out.
_HALF = 2.0


@dataclass(frozen=True)
class Programme:
    """Two jumps and two readings on each level of a staircase (s, V).

    Attributes:
        period: time of one level.
        first, second: what the two jumps add to the level (V).
        second_at: when the second jump comes, behind the first.
        read_at: when the two readings are taken, behind the first jump: that which counts, and that
            which is subtracted.
    """

    period: float
    first: float
    second: float
    second_at: float
    read_at: tuple[float, float]


def square_wave(amplitude: float, frequency: float, direction: int) -> Programme:
    """``swv``: forward half-wave, then reverse half-wave; ``amplitude`` (V) is half of peak to peak."""
    half, height = 0.5 / frequency, direction * amplitude
    return Programme(2.0 * half, height, -height, half, (half, 2.0 * half))


def differential_pulse(pulse: float, pulse_time: float, period: float) -> Programme:
    """``dpv``: the level, then a pulse (V, with its sign)."""
    return Programme(period, 0.0, pulse, period - pulse_time, (period, period - pulse_time))


def programme_of(technique: str, parameters: Mapping[str, Any]) -> Programme | None:
    """The programme that a table was measured with; None if its parameters do not say it."""
    try:
        if technique == "swv":
            direction = 1 if parameters["end"] > parameters["begin"] else -1
            return square_wave(float(parameters["amplitude"]), float(parameters["frequency"]), direction)
        period = float(parameters["step"]) / float(parameters["rate"])
        return differential_pulse(float(parameters["pulse"]), float(parameters["pulse_time"]), period)
    except (KeyError, TypeError, ZeroDivisionError):
        return None


def reversible(levels: Array, programme: Programme, half_wave: float, slope: float) -> Array:
    """Net current of a reversible couple on each level (V), in units of nFAC sqrt(D / pi).

    Before the first level the couple is in equilibrium there. ``slope`` is RT/nF (V).
    """
    first = oxidised_fraction(levels + programme.first, half_wave, slope)
    second = oxidised_fraction(levels + programme.second, half_wave, slope)
    before = np.concatenate([first[:1], second[:-1]])
    passed: Array = programme.period * np.arange(levels.size, dtype=np.float64)
    counted, subtracted = (
        np.convolve(first - before, _root(passed + read))[: levels.size]
        + np.convolve(second - first, _root(passed + read - programme.second_at))[: levels.size]
        for read in programme.read_at
    )
    return np.asarray(counted - subtracted)


def _root(time: Array) -> Array:
    """1 / sqrt(t), and nothing for a jump that is still to come."""
    later = time > 1e-12
    return np.where(later, 1.0 / np.sqrt(np.where(later, time, 1.0)), 0.0)


def peak_of(programme: Programme, step: float, slope: float) -> tuple[float, float]:
    """Place of a reversible couple's peak from its half-wave potential (V), and its breadth at half height (V).

    ``step`` (V) is that of the staircase, with the sign of its direction.
    """
    span = 12.0 * slope + abs(programme.first) + abs(programme.second)
    levels = np.arange(-span, span, abs(step)) if step > 0 else np.arange(span, -span, -abs(step))
    fine = np.linspace(-span / 2, span / 2, 4001)
    shape = np.abs(reversible(levels, programme, 0.0, slope))
    order = np.argsort(levels)
    curve = _smooth(levels[order], shape[order], fine)
    top = int(np.argmax(curve))
    return float(fine[top]), _breadth(fine, curve, top)


def _smooth(x: Array, y: Array, at: Array) -> Array:
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(x, y)(at))


def _breadth(x: Array, y: Array, top: int) -> float:
    """Distance between the points of half height on both sides of the top."""
    half = 0.5 * y[top]
    left = np.interp(half, y[: top + 1], x[: top + 1])
    right = np.interp(-half, -y[top:], x[top:])
    return float(right - left)


def pulse_breadth(pulse: float, slope: float) -> float:
    """Breadth (V) at half height of a reversible ``dpv`` peak if only the pulses themselves counted.

    The difference of two Nernst curves a pulse apart is ``sinh(p) / (cosh x + cosh p)`` with
    ``p = |pulse| / 2s``, so half of its height is where ``cosh x = 2 + cosh p``: 90.6 mV for a small
    pulse, one electron and 25 degC.

    >>> round(1e3 * pulse_breadth(1e-6, 0.025693), 1)
    90.6
    """
    return float(2.0 * slope * np.arccosh(_HALF + np.cosh(0.5 * abs(pulse) / slope)))
