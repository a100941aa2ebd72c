"""The resistance of a solution from spectra that are written down by formula, with noise and without."""

import math

import numpy as np
import pytest

from luggin.engine.high_frequency import Intercept, NoIntercept, intercept

FREQUENCIES = np.logspace(5, 3, 21)


def spectrum(resistance, capacitance=2e-6, transfer=1e9, warburg=0.0, exponent=1.0, inductance=0.0, f=FREQUENCIES):
    """Solution, leads, and an electrode: constant phase element beside transfer and diffusion (ohm)."""
    omega = 2 * np.pi * f
    faradaic = transfer + warburg * (1 - 1j) / np.sqrt(omega)
    return resistance + 1j * omega * inductance + 1 / (capacitance * (1j * omega) ** exponent + 1 / faradaic)


def noisy(z, share, seed):
    noise = np.random.default_rng(seed).standard_normal((2, z.size)) * share
    return z + np.abs(z) * (noise[0] + 1j * noise[1])


@pytest.mark.parametrize("resistance", [20.0, 100.0, 500.0, 2000.0])
@pytest.mark.parametrize(
    "electrode",
    [
        {},
        {"capacitance": 20e-6},
        {"transfer": 750.0, "warburg": 8000.0},
        {"capacitance": 8e-6, "exponent": 0.85},
        {"inductance": 1e-6},
    ],
    ids=["blocking", "large", "couple at equilibrium", "rough", "long leads"],
)
def test_without_noise_it_is_right_to_a_tenth_of_a_percent_and_within_u(resistance, electrode):
    found = intercept(FREQUENCIES, spectrum(resistance, **electrode))
    assert isinstance(found, Intercept)
    assert found.resistance == pytest.approx(resistance, rel=1e-3)
    assert abs(found.resistance - resistance) <= found.u + 1e-5 * resistance


@pytest.mark.parametrize("resistance", [20.0, 200.0, 2000.0])
def test_noise_is_in_the_uncertainty(resistance):
    electrode = {"transfer": 750.0, "warburg": 8000.0}
    found = [intercept(FREQUENCIES, noisy(spectrum(resistance, **electrode), 2e-3, seed)) for seed in range(60)]
    errors = np.array([f.resistance - resistance for f in found])
    us = np.array([f.u for f in found])
    assert np.max(np.abs(errors)) < 0.01 * resistance
    assert 0.55 <= np.mean(np.abs(errors) <= us) <= 0.95
    assert np.max(np.abs(errors) / us) < 4.0


def test_the_order_of_the_frequencies_does_not_matter():
    z = noisy(spectrum(150.0), 1e-3, 1)
    assert intercept(FREQUENCIES[::-1], z[::-1]) == intercept(FREQUENCIES, z)


def test_points_that_are_missing_are_left_out():
    z = spectrum(150.0)
    z[4] = complex(math.nan, math.nan)
    assert intercept(FREQUENCIES, z).resistance == pytest.approx(150.0, rel=1e-3)


@pytest.mark.parametrize(
    ("frequency", "impedance", "code"),
    [
        (FREQUENCIES, spectrum(200.0, capacitance=5e-9), "no-plateau"),
        (FREQUENCIES / 1e3, spectrum(200.0, f=FREQUENCIES / 1e3), "no-plateau"),
        (FREQUENCIES[:7], spectrum(200.0)[:7], "too-few-points"),
        (FREQUENCIES, -spectrum(200.0), "no-plateau"),
        (FREQUENCIES, noisy(spectrum(200.0), 0.1, 2), "not-of-this-shape"),
        (FREQUENCIES, np.full(21, complex(math.inf)), "too-few-points"),
    ],
    ids=["small electrode", "too slow", "short", "leads exchanged", "noise", "open"],
)
def test_what_does_not_show_the_resistance_is_refused(frequency, impedance, code):
    found = intercept(frequency, impedance)
    assert isinstance(found, NoIntercept)
    assert found.code == code
