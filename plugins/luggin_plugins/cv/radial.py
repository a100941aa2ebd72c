"""Diffusion from all sides: telling the sigmoid of a small electrode from the peaks of a planar one."""

from __future__ import annotations

import numpy as np

from luggin_plugins.cv.calibration import Calibration
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.noise import Array, white_noise
from luggin_plugins.cv.theory import oxidised_fraction

AROUND_V = 0.240
SAME_WAY_BACK = 0.15  # of the span: how far apart the two directions of a steady state may lie
STEEPEST = 3.0  # times the mean slope: a line has 1, a one-electron wave over 0.6 V has 6
_OVER_NOISE = 20.0


def is_steady_state(vg: Voltammogram) -> bool:
    """True if the current goes from plateau to plateau and the same way back."""
    for one, other in zip(vg.sweeps[:-1], vg.sweeps[1:], strict=True):
        there, back = (_by_potential(vg, s.rows) for s in (one, other))
        low, high = max(there[0][0], back[0][0]), min(there[0][-1], back[0][-1])
        if high - low < 0.2:
            continue
        at = np.linspace(low, high, 60)
        first, second = (np.interp(at, *curve) for curve in (there, back))
        mean = 0.5 * (first + second)
        span = float(np.ptp(mean))
        if span < _OVER_NOISE * white_noise(vg.current) or span == 0.0:
            continue
        together = float(np.mean(np.abs(first - second))) < SAME_WAY_BACK * span
        smooth = np.convolve(np.diff(mean), np.ones(3) / 3.0, mode="valid")
        steep = float(np.max(np.abs(smooth))) / (span / (at.size - 1)) > STEEPEST
        flat = max(abs(float(np.mean(smooth[:4]))), abs(float(np.mean(smooth[-4:])))) < 0.5 * span / (at.size - 1)
        if together and steep and flat:
            return True
    return False


def _by_potential(vg: Voltammogram, rows: slice) -> tuple[Array, Array]:
    order = np.argsort(vg.potential[rows], kind="stable")
    return vg.potential[rows][order], vg.current[rows][order]


def radial_share(vg: Voltammogram, calibration: Calibration, number: int) -> float:
    """Share of a wave's peak that is diffusion from the sides: a sigmoid beside the planar wave; 0 if not seen.

    For a reversible couple at a sphere the current is the planar one plus a term that follows the
    oxidised fraction at the surface itself (Nicholson and Shain 1964, equation 72); small discs
    come near to it.
    """
    wave, program = calibration.waves[number], calibration.program
    around = np.abs(vg.potential - wave.centre.potential) <= AROUND_V
    own = calibration.expected.waves[number]
    height = float(np.max(np.abs(own[around]), initial=0.0))
    if height == 0.0 or not wave.centre.returns:
        return 0.0
    directions = np.sign(np.gradient(program.to_rows(program.potential)))
    centre = wave.centre.in_sweeps(directions)
    sigmoid = oxidised_fraction(vg.potential, centre, wave.centre.slope)
    planar = own / height
    ramp = vg.potential - wave.centre.potential
    design = np.array([sigmoid, planar, directions, np.ones(vg.time.size), ramp])[:, around]
    left = (vg.current - calibration.expected.without(number))[around] / height
    found, *_ = np.linalg.lstsq(design.T, left, rcond=1e-9)
    residual = left - found @ design
    spread = float(np.std(residual)) * np.sqrt(float(np.linalg.pinv(design @ design.T)[0, 0]))
    share = float(found[0]) / (abs(float(found[0])) + abs(float(found[1])))
    return share if found[0] > 4.0 * spread else 0.0
