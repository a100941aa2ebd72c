r"""Where a spectrum ends on the real axis at high frequencies: the resistance of the solution, Ru.

The model is a small part of a cell: leads, solution, and an electrode whose capacitance is not quite ideal
beside what passes the electrode:

.. math:: Z = R + j\omega L + \frac{1}{Q (j\omega)^n + G}

(constant phase element: G. J. Brug et al., J. Electroanal. Chem. 176 (1984) 275). It is fitted to real and
imaginary parts weighted by the size of the impedance (Gauss-Newton with damping: D. W. Marquardt, J. Soc.
Ind. Appl. Math. 11 (1963) 431). Refused is what does not show the resistance: no plateau at the highest
frequencies, too few points, or rows that do not lie on such a curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Rows that a fit of five values is worth.
FEWEST_POINTS = 8
#: At the highest frequencies at least this share of the impedance must be resistance: beyond, an extrapolation
#: is a guess about the electrode.
_LEAST_RESISTIVE = 0.7
#: Relative misfit (root mean square of both parts) above which this is no such circuit.
_LARGEST_MISFIT = 0.03
_ITERATIONS = 200
_CONVERGED = 1e-14

_Array = NDArray[np.float64]
_Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class Intercept:
    """The resistance (ohm) with its standard uncertainty, and how well the circuit fits (relative misfit)."""

    resistance: float
    u: float
    misfit: float


@dataclass(frozen=True)
class NoIntercept:
    """Why the spectrum does not show the resistance; ``code`` is for programs."""

    code: str
    reason: str


def intercept(frequency: _Array, impedance: _Complex) -> Intercept | NoIntercept:
    """The resistance at which a spectrum (Hz, ohm) ends at high frequencies, or why there is none.

    The uncertainty is that of the fit, and how far the answer moves when the electrode is taken as an ideal
    capacitor, or when the lowest third of the frequencies is left out, whichever is more: diffusion beside
    the double layer is in no single one of these curves.
    """
    usable = np.isfinite(frequency) & np.isfinite(impedance)
    order = np.argsort(frequency[usable])
    f, z = frequency[usable][order], impedance[usable][order]
    if f.size < FEWEST_POINTS:
        return NoIntercept("too-few-points", f"{f.size} usable points; {FEWEST_POINTS} or more are needed")
    top = z[-max(2, f.size // 8) :]
    resistive = float(np.median(top.real / np.abs(top)))
    if resistive < _LEAST_RESISTIVE:
        return NoIntercept(
            "no-plateau",
            f"at {f[-1]:.4g} Hz only {100 * resistive:.0f} % of the impedance is resistance, so the spectrum does not "
            "reach the plateau of the solution: measure to higher frequencies, or a larger electrode",
        )
    found, spread, misfit = _fit(f, z, free_exponent=True)
    if misfit > _LARGEST_MISFIT:
        return NoIntercept(
            "not-of-this-shape",
            f"the points lie {100 * misfit:.1f} % off the curve of a solution before an electrode: look at the "
            "spectrum (loose lead, amplitude too small or too large, a cell that changes)",
        )
    if found <= 0.0:
        return NoIntercept("negative", f"the curve ends at {found:.3g} ohm: leads or signs are wrong")
    ideal = _fit(f, z, free_exponent=False)[0]
    kept = f >= f[f.size // 3]
    fewer = _fit(f[kept], z[kept], free_exponent=True)[0] if np.count_nonzero(kept) >= FEWEST_POINTS else found
    moved = max(abs(ideal - found), abs(fewer - found))
    return Intercept(found, float(np.hypot(spread, moved)), misfit)


def _fit(f: _Array, z: _Complex, *, free_exponent: bool) -> tuple[float, float, float]:
    """Resistance, its standard deviation (ohm), and the relative misfit."""
    omega = 2.0 * np.pi * f
    weight = 1.0 / np.abs(z)
    used = [0, 1, 2, 3, 4] if free_exponent else [0, 1, 2, 4]
    x = _start(omega, z)
    scale = x[0]
    left = _residuals(x, omega, z, weight, scale)
    damping = 1e-3
    for _ in range(_ITERATIONS):
        slopes = _slopes(x, omega, z, weight, scale)[:, used]
        system = slopes.T @ slopes
        step = np.zeros(x.size)
        step[used] = np.linalg.solve(system + damping * np.diag(np.diag(system) + 1e-12), -slopes.T @ left)
        trial = _bounded(x + step)
        with np.errstate(all="ignore"):  # a step that went far too far gains nothing, and is taken back
            after = _residuals(trial, omega, z, weight, scale)
            gained = float(left @ left - after @ after)
        if gained >= 0.0:
            x, left, damping = trial, after, max(damping / 5.0, 1e-12)
            if gained <= _CONVERGED * float(left @ left) + 1e-30:
                break
        else:
            damping *= 5.0
            if damping > 1e12:
                break
    slopes = _slopes(x, omega, z, weight, scale)[:, used]
    freedom = max(left.size - len(used), 1)
    variance = float(left @ left) / freedom
    covariance = variance * np.linalg.pinv(slopes.T @ slopes)
    return float(x[0]), float(np.sqrt(max(covariance[0, 0], 0.0))), float(np.sqrt(variance))


def _start(omega: _Array, z: _Complex) -> _Array:
    """First guess: the real part at the top, a capacitor from the lowest frequency, nothing else."""
    resistance = max(float(np.min(z.real)), 1e-6)
    reactance = max(-float(z.imag[0]), 1e-3 * resistance)
    return np.array([resistance, 0.0, np.log(1.0 / (omega[0] * reactance)), 1.0, 0.0])


def _bounded(x: _Array) -> _Array:
    """Values that a cell can have: exponents of an electrode lie between a line and a capacitor."""
    x[3] = np.clip(x[3], 0.4, 1.0)
    x[4] = np.clip(x[4], 0.0, None)
    return x


def _model(x: _Array, omega: _Array, scale: float) -> _Complex:
    """The circuit for resistance, inductance (in scale / largest omega), ln Q, n and G (in 1 / scale)."""
    resistance, inductance, log_q, exponent, leak = x
    admittance = np.exp(log_q) * (1j * omega) ** exponent + leak / scale
    return np.asarray(resistance + 1j * omega / omega[-1] * scale * inductance + 1.0 / admittance)


def _residuals(x: _Array, omega: _Array, z: _Complex, weight: _Array, scale: float) -> _Array:
    off = (_model(x, omega, scale) - z) * weight
    return np.concatenate([off.real, off.imag])


def _slopes(x: _Array, omega: _Array, z: _Complex, weight: _Array, scale: float) -> _Array:
    """Derivatives of the residuals, by the circuit's own formulas."""
    _, _, log_q, exponent, leak = x
    element = np.exp(log_q) * (1j * omega) ** exponent
    squared = (element + leak / scale) ** 2
    columns = [
        np.ones_like(z),
        1j * omega / omega[-1] * scale,
        -element / squared,
        -element * np.log(1j * omega) / squared,
        -1.0 / scale / squared,
    ]
    return np.column_stack([np.concatenate([(c * weight).real, (c * weight).imag]) for c in columns])
